"""Riwayat: find a receipt, look at it as printed, print it again, or undo it with the leader's PIN."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from ewarung_pos.domain.business_day import Day
from ewarung_pos.domain.documents import Document
from ewarung_pos.domain.journal import Redeemed, decode
from ewarung_pos.domain.paper_code import parse_qr
from ewarung_pos.domain.redemption import AttemptState
from ewarung_pos.domain.state import OperatorRecord
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.domain.units import Rupiah
from ewarung_pos.errors import DeviceError, PosError, PrinterNotReady
from ewarung_pos.ports import (
    Approved,
    Attempt,
    CardReader,
    Declined,
    HistoryRow,
    Lane,
    Ledger,
    PaymentOutcome,
    PaymentTerminal,
    ReceiptPrinter,
    TaskRunner,
    Unknown,
)
from ewarung_pos.services.operators import OperatorService
from ewarung_pos.services.printing import PaperService, Printed
from ewarung_pos.services.reverse import Reversal, ReversalReason, ReverseService
from ewarung_pos.ui.text import Trouble, trouble, trouble_of
from ewarung_pos.ui.text_reversal import goes_back, went_back, why_not_reversed
from ewarung_pos.ui.viewmodels.base import ViewModel

__all__ = ["REASONS", "HistoryDesk", "HistoryLine", "HistoryState", "HistoryViewModel"]

REASONS: tuple[tuple[str, str], ...] = tuple((reason.value, reason.label) for reason in ReversalReason)
"""(value, label) of every reason to reverse."""


PURGED = "data keluarga sudah dihapus"
"""In place of the name of a family that the register no longer holds."""


class HistoryLine(msgspec.Struct, frozen=True):
    """One row: number, time, who, what, how much, and its state (`asli`, `dibatalkan`, `pembatalan`).

    `why_not` says why it cannot be reversed, where it is not `reversible`.
    """

    entry: str
    receipt: int
    number: str
    time: str
    name: str
    card: str
    goods: str
    total: str
    status: str
    reversible: bool
    why_not: str = ""


class HistoryState(msgspec.Struct, frozen=True):
    """`mode` is list, receipt, reason (choose why) or pin (leader). `busy` names what is waited for.

    `goes_back` says what a reversal of the receipt that is open brings back, and to whom. `read` once the ledger has
    answered; `no_paper` once the printer could not print what was asked for here.
    """

    mode: str = "list"
    read: bool = False
    query: str = ""
    title: str = "Hari ini"
    rows: tuple[HistoryLine, ...] = ()
    selected: HistoryLine | None = None
    document: Document | None = None
    goes_back: str = ""
    reason: str = ""
    notice: Trouble | None = None
    said: str = ""
    busy: str = ""
    no_paper: bool = False


class HistoryDesk(msgspec.Struct, frozen=True):
    """What Riwayat may use.

    `files` makes a PDF in the place of paper. `doubted` is told about a void whose outcome is not known, or could not
    be recorded.
    """

    ledger: Ledger
    papers: PaperService
    reverse: ReverseService
    operators: OperatorService
    reader: CardReader
    terminal: PaymentTerminal | None
    printer: ReceiptPrinter
    files: ReceiptPrinter
    operator: Callable[[], str]
    changed: Callable[[], None]
    doubted: Callable[[Attempt, PaymentOutcome], None]


class HistoryViewModel(ViewModel[HistoryState]):
    """Commands of Riwayat."""

    def __init__(self, desk: HistoryDesk, runner: TaskRunner) -> None:
        super().__init__(HistoryState())
        self._desk = desk
        self._runner = runner
        self.last_reversal: Reversal | None = None
        self._voiding: Attempt | None = None
        self._wanted = ""

    def under_way(self) -> str:
        """Id of the void that the EDC is being asked for now, or empty."""
        return self._voiding.id if self._voiding is not None else ""

    def activate(self) -> None:
        """The screen is in front: today's receipts, whatever was searched before; a receipt that is open stays."""
        if self._state.mode == "list":
            self._wanted = ""
            self._set(replace(self._state, query="", title="Hari ini"))
        self.search(self._wanted)

    def submit(self, query: str) -> None:
        """A scan ended, or Enter came before the hits: search, and open the only one. Of several none is opened.

        What nobody saw chosen may be reversed by the next key.
        """
        self.search(query, open_only=True)

    def search(self, query: str, *, open_only: bool = False) -> None:
        """Today without a query; every day by name, last four digits or receipt number with one."""
        text, number = query.strip(), _number_in_qr(query)
        if number is not None:
            text = str(number)
        self._wanted = query

        def look() -> tuple[tuple[HistoryRow, ...], Day]:
            reader = self._desk.ledger.read()
            day = reader.day()
            date = None if text else day.date
            return reader.history(date, text) if text or date is not None else (), day

        def found(seen: tuple[tuple[HistoryRow, ...], Day]) -> None:
            rows, day = seen
            if query != self._wanted:  # typed on meanwhile
                return
            if number is not None:
                rows = tuple(row for row in rows if row.receipt == number)
            title = f"Hasil untuk “{text}”" if text else "Hari ini"
            shown = tuple(_line(row, day) for row in rows)
            selected = self._state.selected
            if selected is not None:
                selected = next((line for line in shown if line.entry == selected.entry), selected)
            self._set(replace(self._state, read=True, query=query, title=title, rows=shown, selected=selected))
            if open_only and len(shown) == 1 and self._state.mode == "list":
                self.open(shown[0].entry)

        self._runner.submit(Lane.LEDGER, look, found, self._failed)

    def open(self, entry: str) -> None:
        """Show a receipt as printed."""
        row = next((line for line in self._state.rows if line.entry == entry), None)
        if row is None:
            return

        def look() -> tuple[Document, str]:
            document, _ = self._desk.papers.preview(row.receipt)
            return document, self._goes_back(entry) if row.reversible else ""

        def show(found: tuple[Document, str]) -> None:
            now = replace(self._state, mode="receipt", selected=row, notice=None, said="")
            self._set(replace(now, document=found[0], goes_back=found[1]))

        self._runner.submit(Lane.LEDGER, look, show, self._failed)

    def _goes_back(self, entry: str) -> str:
        sealed = self._desk.ledger.read().entry(entry)
        fact = decode(sealed.body).fact if sealed is not None else None
        return goes_back(fact.lines) if isinstance(fact, Redeemed) else ""

    def back(self) -> None:
        """One level up."""
        if self._state.mode in ("reason", "pin"):
            self._set(replace(self._state, mode="receipt", reason="", notice=None))
        else:
            self._set(replace(self._state, mode="list", selected=None, document=None, notice=None, said=""))
            self.search(self._wanted)

    def reprint(self) -> None:
        """*Cetak ulang*: a copy marked SALINAN (or the original, if it never came out).

        With no receipt open it is *Cetak lagi* of the newest reversal, whose paper did not come out.
        """
        self._print_again(self._desk.printer, "Mencetak")

    def save_pdf(self) -> None:
        """*Simpan PDF*: the same as a file, for a till whose printer is dead; it counts as a paper that left."""
        self._print_again(self._desk.files, "Menyimpan")

    def _print_again(self, printer: ReceiptPrinter, busy: str) -> None:
        row, reversal = self._state.selected, self.last_reversal
        entry = row.entry if row is not None else reversal.entry.id if reversal is not None else ""
        if not entry:
            return

        def again() -> Printed:
            return self._desk.papers.print_again(entry, printer)

        def done(printed: Printed) -> None:
            copy = f"SALINAN ke-{printed.job.copy}" if printed.job.copy else "Struk asli"
            what = "sudah dicetak" if printed.report.paper != "pdf" else "tersimpan sebagai PDF"
            self._set(replace(self._state, busy="", said=f"{copy} {what}.", notice=None, no_paper=False))
            self._paper_out()

        self._set(replace(self._state, busy=busy))
        self._runner.submit(Lane.PRINTER, again, done, self._failed)

    def ask_reversal(self) -> None:
        """*Batalkan*: first the reason."""
        if self._state.selected is not None and self._state.selected.reversible:
            self._set(replace(self._state, mode="reason", notice=None, said=""))

    def choose_reason(self, reason: str) -> None:
        """Then the leader's PIN."""
        self._set(replace(self._state, mode="pin", reason=ReversalReason(reason).value))

    def confirm_reversal(self, leader_pin: str) -> None:
        """The leader allows it: void at the EDC when a purse paid, then the counter-entry."""
        row, reason = self._state.selected, self._state.reason
        operator = self._desk.operator()  # whoever pressed
        if row is None or not reason or self._state.busy or not operator:
            return
        desk, why = self._desk, ReversalReason(reason)

        def allowed(person: OperatorRecord) -> None:
            self._runner.submit(Lane.LEDGER, lambda: begin(person.code), begun, self._failed)

        def begin(leader: str) -> Reversal | tuple[Attempt, Approved]:
            if desk.reverse.original(row.entry).purse is None:
                return desk.reverse.reverse(row.entry, why, operator, leader)
            return desk.reverse.begin_void(row.entry, why, operator, leader)

        def begun(result: Reversal | tuple[Attempt, Approved]) -> None:
            if isinstance(result, Reversal):
                self._reversed(result)
            else:
                self._void(*result)

        self._set(replace(self._state, busy="Membatalkan", notice=None))
        self._runner.submit(Lane.PIN, lambda: desk.operators.leader(leader_pin), allowed, self._failed)

    def _void(self, attempt: Attempt, original: Approved) -> None:
        terminal = self._desk.terminal
        self._voiding = attempt
        self._set(replace(self._state, busy="Mengembalikan saldo lewat EDC"))

        def void() -> PaymentOutcome:
            self._desk.reader.release()
            if terminal is None:
                return Declined("", "not_sent")
            try:
                return terminal.void(attempt.id, original)
            except DeviceError:
                return Declined("", "not_sent")

        def voided(outcome: PaymentOutcome) -> None:
            self._runner.submit(
                Lane.LEDGER,
                lambda: self._desk.reverse.conclude(attempt.id, outcome, attempt.operator),
                lambda result: self._void_concluded(attempt, outcome, result),
                lambda error: self._void_not_recorded(attempt, outcome, error),
            )

        def broke(error: Exception) -> None:
            voided(Unknown("no_answer"))
            raise error

        self._runner.submit(Lane.TERMINAL, void, voided, broke)

    def _void_concluded(self, attempt: Attempt, outcome: PaymentOutcome, result: Reversal | AttemptState) -> None:
        self._voiding = None
        if isinstance(result, Reversal):
            self._reversed(result)
            return
        if result is AttemptState.IN_DOUBT:
            self._in_doubt(attempt, outcome if isinstance(outcome, Unknown) else Unknown("other_terminal"))
        else:
            reason = outcome.reason if isinstance(outcome, Declined) else ""
            self._set(replace(self._state, mode="receipt", busy="", reason="", notice=trouble("void", reason)))
        self._desk.changed()

    def _void_not_recorded(self, attempt: Attempt, outcome: PaymentOutcome, error: Exception) -> None:
        """The bank may have given the money back, and the ledger does not know."""
        if not isinstance(error, PosError):
            self._failed(error)
            return
        self._voiding = None
        self._in_doubt(attempt, outcome)

    def _in_doubt(self, attempt: Attempt, outcome: PaymentOutcome) -> None:
        self._set(replace(self._state, mode="list", busy="", selected=None, document=None, reason=""))
        self._desk.doubted(attempt, outcome)

    def show_reversal(self, reversal: Reversal) -> None:
        """A void that was in doubt turned out well: print its paper."""
        self._reversed(reversal)

    def _reversed(self, reversal: Reversal) -> None:
        self.last_reversal = reversal
        said = went_back(reversal.fact.lines, reversal.fact.receipt)
        self._set(replace(self._state, mode="list", busy="", said=said, selected=None, document=None, reason=""))
        self._desk.changed()
        self.search(self._wanted)
        self._runner.submit(
            Lane.PRINTER,
            lambda: self._desk.papers.print_out(reversal.job, self._desk.printer),
            lambda printed: self._paper_out(),
            self._failed,
        )

    def _paper_out(self) -> None:
        """The rows say what is printed: look again."""
        self._desk.changed()
        self.search(self._wanted)

    def look_again(self) -> None:
        """Something was printed elsewhere: the rows say what is printed."""
        self.search(self._wanted)

    def dismiss(self) -> None:
        """The notice was read."""
        self._set(replace(self._state, notice=None, said=""))

    def _failed(self, error: Exception) -> None:
        self._voiding = None
        no_paper = self._state.no_paper or isinstance(error, PrinterNotReady)
        self._set(replace(self._state, busy="", notice=trouble_of(error), no_paper=no_paper))
        if not isinstance(error, PosError):
            raise error


def _line(row: HistoryRow, day: Day) -> HistoryLine:
    status = "dibatalkan" if row.reversed else "pembatalan" if row.kind == "Reversed" else "asli"
    if row.printed > 1:
        status += f" · {row.printed - 1} salinan"
    if row.printed == 0:
        status += " · belum dicetak"
    return HistoryLine(
        entry=row.entry,
        receipt=row.receipt,
        number=f"{row.receipt:04d}",
        time=Instant(row.at_ms).clock(),
        name=row.name or PURGED,
        card=f"•••• {row.last4}",
        goods=row.goods,
        total=("−" if row.kind == "Reversed" else "") + str(Rupiah(row.total)),
        status=status,
        reversible=row.reversible,
        why_not=why_not_reversed(row, day),
    )


def _number_in_qr(query: str) -> int | None:
    """The receipt number in a scanned receipt QR; None for anything that was typed."""
    try:
        return parse_qr(query.strip()).number
    except ValueError:
        return None
