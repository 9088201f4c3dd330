"""Selesai at the counter: cash and goods ticked off, the receipt on paper, and back to Siap once all is done."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.redemption import RedemptionLine, Tender, total_of
from ewarung_pos.errors import PosError
from ewarung_pos.ports import CardPresented, Lane, ReceiptPrinter, TaskRunner
from ewarung_pos.services.printing import PaperService, Printed
from ewarung_pos.services.redeem import Redemption
from ewarung_pos.ui.text import trouble_of
from ewarung_pos.ui.viewmodels import counter_lines as lines
from ewarung_pos.ui.viewmodels.counter_state import DonePanel

__all__ = ["Handover"]

BACK_TO_READY_MS = 10_000
SEEN_MS = 3_000
"""A card that is read sooner after Selesai lay in the reader before anybody could see the list."""


class Handover:
    """From the record of a redemption to the family that leaves with goods and paper.

    Args:
        papers: what is printed.
        printer: where.
        files: in its place when it is dead: a file, shown on the screen.
        runner: of the lanes.
        shown: the panel that is on the screen now, None when another page is.
        show: puts a panel in its place.
        catalogue: the newest.
        changed: hears that a paper came out, or did not.
        over: is called when everything is handed over and nobody touched anything for a while.
    """

    def __init__(
        self,
        papers: PaperService,
        printer: ReceiptPrinter,
        files: ReceiptPrinter,
        runner: TaskRunner,
        *,
        shown: Callable[[], DonePanel | None],
        show: Callable[[DonePanel], None],
        catalogue: Callable[[], Catalogue],
        changed: Callable[[], None],
        over: Callable[[], None],
    ) -> None:
        self._papers = papers
        self._printer = printer
        self._files = files
        self._runner = runner
        self._shown = shown
        self._show = show
        self._catalogue = catalogue
        self._changed = changed
        self._over = over
        self._done: Redemption | None = None
        self._ticked: frozenset[int] = frozenset()
        self._leave: Callable[[], None] | None = None
        self._unseen: Callable[[], None] | None = None
        self._next: CardPresented | None = None

    def begin(self, redemption: Redemption) -> DonePanel:
        """What the screen shows of a redemption that was just recorded."""
        self._done = redemption
        self._ticked = frozenset()
        self._unseen = self._runner.later(SEEN_MS, self._seen)
        fact = redemption.fact
        return DonePanel(
            title=_title(fact.lines),
            paper=f"Struk nomor {fact.receipt:04d} sedang dicetak",
            picks=lines.picks(fact.lines, self._catalogue(), self._ticked),
            left_title=f"Sisa {redemption.name} bulan ini".replace("  ", " "),
            left=lines.left_rows(fact, self._catalogue()),
            receipt=fact.receipt,
            entry=redemption.entry.id,
        )

    def print(self, redemption: Redemption) -> None:
        """Its receipt."""
        self._print(redemption.entry.id, lambda: self._papers.print_out(redemption.job, self._printer))

    def reprint(self) -> None:
        """*Cetak ulang*: the original if it never came out, else a copy marked SALINAN.

        Who sees that it did not come out wants the original and no copy, should it come by itself at the same moment.
        """
        done = self._shown()
        if done is not None:
            again = self._papers.print_again if done.paper_trouble is None else self._papers.print_if_owed
            self._print(done.entry, lambda: again(done.entry, self._printer))

    def show_on_screen(self) -> None:
        """*Tampilkan di layar*: the receipt that the printer did not print, filed as PDF and shown until it was read.

        The family has it then, and says so the journal: what the printer prints of it later is a SALINAN.
        """
        done = self._shown()
        if done is not None and done.paper_trouble is not None:
            self._print(done.entry, lambda: self._papers.print_if_owed(done.entry, self._files))

    def wanted(self) -> str:
        """Entry of the paper that this family still waits for, or empty."""
        done = self._shown()
        return done.entry if done is not None and done.paper_trouble is not None else ""

    def close_screen(self) -> None:
        """The receipt on the screen was looked at: back to what is to be handed over."""
        done = self._shown()
        if done is not None and done.on_screen is not None:
            self._show(replace(done, on_screen=None))
            self._leave_when_handed_over()

    def tick(self, place: int) -> None:
        """One item of the pick list was handed over, or was not after all."""
        shown = self._shown()
        if self._done is None or shown is None:
            return
        self._ticked ^= {place}
        self._show(replace(shown, picks=lines.picks(self._done.fact.lines, self._catalogue(), self._ticked)))
        self._leave_when_handed_over()

    def keep(self, card: CardPresented) -> bool:
        """Whether the next family's card waits: it came before the list could be read, and goods are still to give."""
        done = self._shown()
        if done is None or self._unseen is None or all(pick.ticked for pick in done.picks):
            return False
        self._next = card
        self._show(replace(done, next_waits=True))
        return True

    @property
    def kept(self) -> CardPresented | None:
        """The card that waits until this family has everything."""
        return self._next

    def forget(self) -> None:
        """Another family, or nobody: nothing more is ticked."""
        self.stay()
        self._seen()
        self._done = self._next = None

    def _seen(self) -> None:
        if self._unseen is not None:
            self._unseen()
            self._unseen = None

    def stay(self) -> None:
        """Do not go back to Siap by itself."""
        if self._leave is not None:
            self._leave()
            self._leave = None

    def _leave_when_handed_over(self) -> None:
        """Back to Siap by itself once everything is ticked and the paper came out; never with goods still to give."""
        done = self._shown()
        self.stay()
        if done is None or done.paper_trouble is not None or done.on_screen is not None:
            return
        if all(pick.ticked for pick in done.picks):
            self._leave = self._runner.later(BACK_TO_READY_MS, self._over)

    def _print(self, entry: str, work: Callable[[], Printed | None]) -> None:
        self._runner.submit(Lane.PRINTER, work, self._came, lambda error: self._not_printed(entry, error))

    def _came(self, printed: Printed | None) -> None:
        if printed is not None:  # else it came by itself meanwhile, and `printed` was told so
            self.printed(printed)
        self._changed()

    def printed(self, printed: Printed) -> None:
        """A paper left; the screen says so where it is this family's."""
        done = self._shown()
        if done is not None and printed.job.entry == done.entry:
            filed = printed.report.paper == "pdf"
            word = "tersimpan sebagai PDF" if filed else "sudah dicetak"
            if printed.job.copy:
                word = f"salinan ke-{printed.job.copy} {word}"
            # A till without a printer files every receipt: it is shown only where paper was expected.
            shown = printed.document if filed and done.paper_trouble is not None else None
            paper = f"Struk nomor {done.receipt:04d} {word}"
            self._show(replace(done, paper=paper, paper_trouble=None, on_screen=shown))
            if self._leave is None:
                self._leave_when_handed_over()

    def _not_printed(self, entry: str, error: Exception) -> None:
        done = self._shown()
        if done is not None and done.entry == entry:
            self.stay()
            paper = f"Struk nomor {done.receipt:04d} belum tercetak"
            self._show(replace(done, paper=paper, paper_trouble=trouble_of(error)))
        self._changed()
        if not isinstance(error, PosError):
            raise error


def _title(lines: tuple[RedemptionLine, ...]) -> str:
    kinds = len({line.product for line in lines})  # what is paid in three ways has three lines
    goods = "barang" if kinds == 1 else f"{kinds} macam barang"
    cash = total_of(lines, Tender.CASH).amount
    return f"Tercatat. Tunai dulu, lalu {goods}" if cash else f"Tercatat. Serahkan {goods} ini"
