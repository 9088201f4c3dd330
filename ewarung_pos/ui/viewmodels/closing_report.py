"""The report of a sealed day on its way to paper, or into a file where the printer is dead."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from ewarung_pos.errors import PosError
from ewarung_pos.ports import Lane, PrintJob, ReceiptPrinter, TaskRunner
from ewarung_pos.services.printing import PaperService, Printed
from ewarung_pos.ui.text import trouble_of
from ewarung_pos.ui.viewmodels.closing_state import ClosingState

__all__ = ["ReportPaper"]


class ReportPaper:
    """What Tutup Hari prints.

    Args:
        papers: what is printed.
        printer: where.
        files: in its place when it is dead.
        runner: of the lanes.
        shown: the page's state now.
        show: puts another in its place.
        changed: hears that a paper came out, or did not.
        failed: takes an error that is no trouble of the printer's.
    """

    def __init__(
        self,
        papers: PaperService,
        printer: ReceiptPrinter,
        files: ReceiptPrinter,
        runner: TaskRunner,
        *,
        shown: Callable[[], ClosingState],
        show: Callable[[ClosingState], None],
        changed: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._papers = papers
        self._printer = printer
        self._files = files
        self._runner = runner
        self._shown = shown
        self._show = show
        self._changed = changed
        self._failed = failed

    def print(self, job: PrintJob) -> None:
        """The report that was just sealed."""
        self._print(lambda: self._papers.print_out(job, self._printer))

    def again(self, *, filed: bool = False) -> None:
        """The report if it never came out, else a copy marked SALINAN; `filed`: as a file, which counts as paper."""
        entry, printer = self._shown().report_entry, self._files if filed else self._printer
        if entry:
            self._print(lambda: self._papers.print_again(entry, printer))

    def printed(self, printed: Printed) -> None:
        """A paper left: the page says so where it is the report that it shows."""
        state = self._shown()
        if printed.job.entry == state.report_entry:
            filed = printed.report.paper == "pdf"
            name = "Laporan" if filed else "Laporan tutup hari"  # one line, where there is little room
            what = "tersimpan sebagai PDF" if filed else "sudah dicetak"
            if printed.job.copy:
                name = f"Salinan ke-{printed.job.copy}"
            self._show(replace(state, said=f"Hari disegel. {name} {what}.", paper_trouble=None))

    def _print(self, work: Callable[[], Printed]) -> None:
        def done(printed: Printed) -> None:
            self.printed(printed)
            self._changed()

        self._runner.submit(Lane.PRINTER, work, done, self._not_printed)

    def _not_printed(self, error: Exception) -> None:
        if isinstance(error, PosError):
            said = "Hari disegel. Laporan tutup hari belum tercetak."
            self._show(replace(self._shown(), said=said, paper_trouble=trouble_of(error)))
            self._changed()
        else:
            self._failed(error)
