"""Papers that were owed when the till last ended: they come out by themselves, and whose goods may still lie here.

A till that died between the record and the paper has a family before it that paid and holds nothing in its hands. So
the first who signs in is told of it, before any card is read, and the papers come out without being asked for.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from ewarung_pos.domain.business_day import DayState
from ewarung_pos.errors import PosError
from ewarung_pos.ports import Lane, Ledger, LedgerReader, PrintJob, ReceiptPrinter, TaskRunner
from ewarung_pos.services.printing import PaperService, Printed
from ewarung_pos.ui.text import Trouble, trouble_of
from ewarung_pos.ui.viewmodels.base import ViewModel

__all__ = ["OwedDesk", "OwedState", "OwedViewModel"]

NAMED = 3
"""More receipts than this are counted, not named: a banner is one glance."""


class OwedState(msgspec.Struct, frozen=True):
    """`over` once nothing is left to try; `printed` are the papers that came out (receipt number, 0 for a report)."""

    over: bool = False
    printed: tuple[int, ...] = ()
    trouble: Trouble | None = None


class OwedDesk(msgspec.Struct, frozen=True):
    """What is needed.

    `recall` gets the sentence of what was recorded before the end, `failed` what kept paper back; `changed` is called
    after each paper.
    """

    ledger: Ledger
    papers: PaperService
    printer: ReceiptPrinter
    recall: Callable[[str], None]
    failed: Callable[[Trouble], None]
    changed: Callable[[], None]


class OwedViewModel(ViewModel[OwedState]):
    """Once in the life of a till: `begin`, and the rest follows."""

    def __init__(self, desk: OwedDesk, runner: TaskRunner) -> None:
        super().__init__(OwedState())
        self._desk = desk
        self._runner = runner
        self._begun = False

    def begin(self) -> None:
        """Somebody works here now: say what is open, and print. Called again, it does nothing."""
        if self._begun:
            return
        self._begun = True

        def look() -> tuple[tuple[PrintJob, ...], str]:
            jobs = self._desk.papers.owed()
            return jobs, _sentence(self._desk.ledger.read(), jobs) if jobs else ""

        def looked(found: tuple[tuple[PrintJob, ...], str]) -> None:
            jobs, sentence = found
            if sentence:
                self._desk.recall(sentence)
            self._next(jobs)

        self._runner.submit(Lane.LEDGER, look, looked, self._failed)

    def _next(self, jobs: tuple[PrintJob, ...]) -> None:
        """One paper at a time: a receipt of the counter need not wait for all of them."""
        if not jobs:
            self._set(replace(self._state, over=True))
            return
        first, rest = jobs[0], jobs[1:]
        papers, printer = self._desk.papers, self._desk.printer

        def out() -> Printed | None:
            waiting = next((job for job in papers.owed() if job.id == first.id), None)
            return papers.print_out(waiting, printer) if waiting is not None else None

        def came(printed: Printed | None) -> None:
            if printed is not None:  # else somebody printed it from Riwayat meanwhile
                self._set(replace(self._state, printed=(*self._state.printed, printed.job.receipt)))
                self._desk.changed()
            self._next(rest)

        self._runner.submit(Lane.PRINTER, out, came, self._failed)

    def _failed(self, error: Exception) -> None:
        said = trouble_of(error)
        self._set(replace(self._state, over=True, trouble=said))
        self._desk.failed(said)
        self._desk.changed()
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
    return f"{'; '.join(found[:NAMED])}{more}: tercatat sebelum kasir mati; serahkan barang bila belum."
