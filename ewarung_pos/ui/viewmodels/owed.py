"""Papers that are owed come out by themselves: those of before the till's start, and those that a printer kept back.

A till that died between the record and the paper has a family before it that paid and holds nothing in its hands. So
the first who signs in is told of it, before any card is read, and the papers come out without being asked for. While
the till runs, what a dead printer left owed follows once it is back: between families, in order, each once.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from ewarung_pos.domain.business_day import DayState
from ewarung_pos.errors import PosError, PrinterNotReady
from ewarung_pos.ports import Lane, Ledger, LedgerReader, PrintJob, ReceiptPrinter, TaskRunner
from ewarung_pos.services.printing import PaperService, Printed
from ewarung_pos.ui.text import Trouble, trouble_of
from ewarung_pos.ui.viewmodels.base import ViewModel

__all__ = ["ANY", "OwedDesk", "OwedState", "OwedViewModel"]

NAMED = 3
"""More receipts than this are counted, not named: a banner is one glance."""

ANY = ""
"""No family waits at the counter: whatever is owed may come out."""


class OwedState(msgspec.Struct, frozen=True):
    """`over` once nothing is left to try; `printed` are the papers that came out (receipt number, 0 for a report)."""

    over: bool = False
    printed: tuple[int, ...] = ()
    trouble: Trouble | None = None


class OwedDesk(msgspec.Struct, frozen=True):
    """What is needed.

    `wanted` is asked before each paper: ANY, the entry whose paper alone the family in front waits for, or None when it
    is no moment for paper. `recall` gets the sentence of what was recorded before the end, `failed` what kept paper
    back; `came` is called after each paper.
    """

    ledger: Ledger
    papers: PaperService
    printer: ReceiptPrinter
    wanted: Callable[[], str | None]
    recall: Callable[[str], None]
    failed: Callable[[Trouble], None]
    came: Callable[[Printed], None]


class OwedViewModel(ViewModel[OwedState]):
    """`begin` once somebody works at the till; from then on `printer_back`, `printer_away` and `go_on`.

    A paper that did not come out is tried again by itself when the printer was away meanwhile, or has printed another.
    One that may have come out is tried by itself no more: nobody wants a printer that repeats itself.
    """

    def __init__(self, desk: OwedDesk, runner: TaskRunner) -> None:
        super().__init__(OwedState())
        self._desk = desk
        self._runner = runner
        self._begun = False
        self._ready = False  # the papers of before the start are known
        self._printing = False
        self._waiting = False  # for the family in front to leave
        self._held: int | None = None  # papers that had come out when one did not
        self._vain: set[int] = set()
        self._doubtful: set[int] = set()

    def begin(self) -> None:
        """Somebody works here now: say what is open, and print. Called again, it does nothing."""
        if self._begun:
            return
        self._begun = True

        def look() -> tuple[tuple[PrintJob, ...], str]:
            jobs = self._desk.papers.inherit()
            return jobs, _sentence(self._desk.ledger.read(), jobs) if jobs else ""

        def looked(found: tuple[tuple[PrintJob, ...], str]) -> None:
            jobs, sentence = found
            self._ready = True
            if sentence:
                self._desk.recall(sentence)
            if jobs:
                self._next()
            else:
                self._set(replace(self._state, over=True))

        self._runner.submit(Lane.LEDGER, look, looked, self._broke)

    def printer_back(self) -> None:
        """The printer can print, as it said just now."""
        if self._held not in (None, self._desk.papers.came_out):
            self._held = None
        if self._held is None:
            self._next()

    def printer_away(self) -> None:
        """The printer cannot print now: once it is back, whatever failed is tried again."""
        self._held = None
        self._vain.clear()

    def go_on(self) -> None:
        """The counter changed: perhaps no family is in front any more."""
        if self._waiting:
            self._next()

    def _next(self) -> None:
        """One paper at a time: a receipt of the counter need not wait for all of them."""
        if self._printing or not self._ready:
            return
        wanted = self._desk.wanted()
        self._waiting = wanted is None
        if wanted is None:
            return
        papers, printer, skipped = self._desk.papers, self._desk.printer, self._vain | self._doubtful
        tried: list[int] = []

        def out() -> Printed | None:
            for job in papers.stuck():
                if job.id not in skipped and wanted in (ANY, job.entry):
                    tried.append(job.id)
                    return papers.print_out(job, printer, late=True)
            return None

        def came(printed: Printed | None) -> None:
            self._printing = False
            if printed is None:
                self._waiting = wanted != ANY  # others may be owed, for when this family has left
                self._set(replace(self._state, over=True))
                return
            self._set(replace(self._state, printed=(*self._state.printed, printed.job.receipt)))
            self._desk.came(printed)
            self._next()

        self._printing = True
        self._runner.submit(Lane.PRINTER, out, came, lambda error: self._failed(error, tried, wanted))

    def _failed(self, error: Exception, tried: list[int], wanted: str) -> None:
        self._printing = False
        doubtful = isinstance(error, PrinterNotReady) and error.in_doubt
        (self._doubtful if doubtful else self._vain).update(tried)
        self._held = self._desk.papers.came_out
        if wanted == ANY:  # else the family in front is looking at the trouble already
            self._broke(error)
        elif not isinstance(error, PosError):
            raise error

    def _broke(self, error: Exception) -> None:
        said = trouble_of(error)
        self._set(replace(self._state, over=True, trouble=said))
        # It is told in the banner, which has no Cetak lagi.
        self._desk.failed(replace(said, now=said.now.replace("Cetak lagi", "Cetak ulang di Riwayat")))
        if not isinstance(error, PosError):
            raise error


def _sentence(reader: LedgerReader, jobs: tuple[PrintJob, ...]) -> str:
    """Redemptions of the day that is open whose own receipt was never seen to leave; empty without any."""
    day = reader.day()
    if day.date is None or day.state is DayState.CLOSED:
        return ""
    found = []
    for job in jobs:
        if job.kind != "receipt" or job.copy:
            continue
        rows = reader.history(day.date, str(job.receipt))
        found += [
            f"Struk {row.receipt:04d} {row.name}".rstrip() + f" ({row.goods})"
            for row in rows
            if row.entry == job.entry and not row.reversed
        ]
    if not found:
        return ""
    more = f"; dan {len(found) - NAMED} struk lain, lihat Riwayat" if len(found) > NAMED else ""
    return f"{'; '.join(found[:NAMED])}{more}: tercatat sebelum komputer mati; serahkan barang bila belum."
