"""Tutup Hari: a wizard of four steps, each resumable after a power cut.

Count the stock (blind) -> explain the differences -> send to the city (may be left for later) -> print and seal.
"""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from ewarung_pos.domain.business_day import Day, DayState, DayTotals, EdcTotals
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.documents import Document
from ewarung_pos.domain.redemption import Tender
from ewarung_pos.domain.stock import CountLine
from ewarung_pos.domain.units import Rupiah
from ewarung_pos.errors import DeviceError, PosError
from ewarung_pos.ports import (
    Lane,
    PaymentTerminal,
    PrintJob,
    Settlement,
    SyncReport,
    TaskRunner,
)
from ewarung_pos.services.printing import Printed
from ewarung_pos.ui.text import trouble, trouble_of
from ewarung_pos.ui.viewmodels.base import ViewModel
from ewarung_pos.ui.viewmodels.closing_desk import ClosingDesk, Seen, look
from ewarung_pos.ui.viewmodels.closing_report import ReportPaper
from ewarung_pos.ui.viewmodels.closing_sheet import count_lines, count_row, figures_of, story_of
from ewarung_pos.ui.viewmodels.closing_state import ClosingState, counted, edc_explained, explained, half_entered

__all__ = ["ClosingViewModel"]


_NO_DATA = "tidak ada data"


class ClosingViewModel(ViewModel[ClosingState]):
    """Commands of Tutup Hari."""

    def __init__(self, desk: ClosingDesk, runner: TaskRunner) -> None:
        super().__init__(ClosingState())
        self._desk = desk
        self._runner = runner
        self._edc: EdcTotals | None = None
        self._catalogue = Catalogue()
        self._paper = ReportPaper(
            desk.papers,
            desk.printer,
            desk.files,
            runner,
            shown=lambda: self._state,
            show=self._set,
            changed=desk.changed,
            failed=self._failed,
        )

    @property
    def half_entered(self) -> bool:
        """Whether a count, a reason or an explanation is being entered that no entry holds yet."""
        return half_entered(self._state)

    def counted(self, unsent: int) -> None:
        """So many entries wait for the city now: once the day is sealed, they are sent beside this page."""
        if self._state.step == 5 and not self._state.sending and unsent != self._state.unsent:
            self._set(replace(self._state, unsent=unsent))

    def activate(self) -> None:
        """Go on where the day stands."""
        self._runner.submit(Lane.LEDGER, lambda: look(self._desk), self._looked, self._failed)

    def _looked(self, found: Seen) -> None:
        self._catalogue, day, unsent = found.catalogue, found.day, found.unsent
        date = day.date.long() if day.date is not None else ""
        if day.state in (DayState.OPEN, DayState.CLOSED):
            step = 5 if day.state is DayState.CLOSED and self._state.step == 5 else 0
            self._set(
                replace(
                    self._state,
                    step=step,
                    read=True,
                    date=date,
                    sealed_today=found.sealed,
                    unsent=unsent,
                    can_go_on=day.state is DayState.OPEN,
                    notice=None,
                )
            )
        elif day.state is DayState.EXPLAINED:
            step = 4 if self._state.step == 4 else 3
            self._set(
                replace(
                    self._state,
                    step=step,
                    date=date,
                    unsent=unsent,
                    can_go_on=step == 3 or edc_explained(self._state),
                )
            )
            self._tell_story()
        elif day.count:
            self._explain(day.count)
        else:
            typed = {row.product: row.counted for row in self._state.rows}
            rows = tuple(
                count_row(self._catalogue, product.code, found.stock[product.code], typed.get(product.code))
                for product in self._catalogue.products
                if product.code in found.stock
            )
            self._set(counted(replace(self._state, step=1, date=date, rows=rows)))

    # -- 1 count --------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """*Mulai tutup hari*: new redemptions are refused from here on."""

        def done(day: Day) -> None:
            self._edc = None
            self._set(ClosingState())  # what an earlier close left: its counts, reasons and explanation
            self._desk.changed()
            self.activate()

        self._runner.submit(Lane.LEDGER, lambda: self._desk.day.begin_close(self._desk.operator()), done, self._failed)

    def back_to_serving(self) -> None:
        """The close was begun too early, or something is still to be served or undone: the counter goes on.

        Possible until the seal. What was counted is counted again in the next close.
        """
        if self._state.busy:  # the EDC is asked, or the seal is being set: both end by themselves
            return

        def done(nothing: object) -> None:
            self._set(ClosingState())
            self._desk.changed()
            self.activate()
            self._desk.serving()

        self._runner.submit(Lane.LEDGER, lambda: self._desk.day.cancel_close(self._desk.operator()), done, self._failed)

    def set_count(self, product: str, packs: int | None) -> None:
        """What she counted of a product, in packs."""
        rows = tuple(replace(row, counted=packs) if row.product == product else row for row in self._state.rows)
        self._set(counted(replace(self._state, rows=rows)))

    def count_done(self) -> None:
        """*Bandingkan*: record the count and show it beside the book."""
        if not self._state.can_go_on or self._state.step != 1:
            return
        found = {row.product: row.counted for row in self._state.rows if row.counted is not None}
        self._runner.submit(
            Lane.LEDGER, lambda: self._desk.day.count(found, self._desk.operator()), self._explain, self._failed
        )

    # -- 2 explain ------------------------------------------------------------------------------------------------

    def _explain(self, lines: tuple[CountLine, ...]) -> None:
        typed = {row.product: (row.reason, row.note) for row in self._state.rows}
        rows = []
        shelf = [product.code for product in self._catalogue.products]
        for line in sorted(lines, key=lambda each: shelf.index(each.product)):
            row = count_row(self._catalogue, line.product, line.booked, line.counted)
            reason, note = typed.get(line.product, ("", ""))
            rows.append(replace(row, reason=reason if row.differs else "", note=note))
        self._set(explained(replace(self._state, step=2, rows=tuple(rows))))
        self._tell_story()

    def choose_reason(self, product: str, reason: str, note: str = "") -> None:
        """Why a product differs; `lain` needs a note."""
        rows = tuple(
            replace(row, reason=reason, note=note) if row.product == product else row for row in self._state.rows
        )
        self._set(explained(replace(self._state, rows=rows)))

    def recount(self) -> None:
        """Back to the blind count, keeping what was typed; possible until the seal."""
        if self._state.busy:
            return
        self._set(counted(replace(self._state, step=1, notice=None)))

    def explain_done(self, leader_pin: str = "") -> None:
        """Set the book to the count; a large difference needs the leader's PIN."""
        state = self._state
        if not state.can_go_on or state.step != 2:
            return
        lines = count_lines(state.rows)

        def explain(leader: str) -> None:
            work = partial(self._desk.day.explain, lines, self._desk.operator(), leader)
            self._runner.submit(Lane.LEDGER, work, done, self._failed)

        def done(nothing: None) -> None:
            self._set(replace(self._state, step=3, notice=None, can_go_on=True))
            self.activate()
            self.send()

        if leader_pin:
            check = partial(self._desk.operators.leader, leader_pin)
            self._runner.submit(Lane.PIN, check, lambda person: explain(person.code), self._failed)
        else:
            explain("")

    def _tell_story(self) -> None:
        self._runner.submit(Lane.LEDGER, self._figures, lambda found: self._told(*found), self._failed)

    def _figures(self) -> tuple[DayTotals, dict[str, dict[Tender, int]]]:
        totals = self._desk.day.totals()
        return totals, self._desk.day.goods_paid_by(totals)

    def _told(self, totals: DayTotals, paid: dict[str, dict[Tender, int]]) -> None:
        state = replace(
            self._state,
            story=story_of(totals, paid, self._catalogue),
            story_agrees=totals.agrees,
            figures=figures_of(totals),
            till_purse=str(Rupiah(totals.purse)),
            edc_differs=self._edc is not None and self._edc.amount != totals.purse,
        )
        self._set(replace(state, can_go_on=edc_explained(state)) if state.step == 4 else state)

    # -- 3 send ---------------------------------------------------------------------------------------------------

    def send(self) -> None:
        """*Kirim ke kota*: as many steps as it takes; may be left for later."""
        if self._state.sending:
            return
        self._set(replace(self._state, sending=True, notice=None))
        self._send_step()

    def _send_step(self) -> None:
        self._runner.submit(Lane.SYNC, self._desk.sync.step, self._sent, self._failed)

    def _sent(self, report: SyncReport) -> None:
        state = replace(
            self._state,
            sent=self._state.sent + report.sent,
            sent_bytes=self._state.sent_bytes + report.sent_bytes,
            unsent=report.unsent,
        )
        if report.code:
            self._set(replace(state, sending=False, notice=trouble(report.code, report.reason)))
        elif report.more or (report.unsent and report.sent):
            self._set(state)
            self._send_step()
        else:
            self._set(replace(state, sending=False))
        self._desk.changed()

    def send_done(self) -> None:
        """On to the seal, sent or not."""
        if self._state.busy or self._state.step != 3:
            return
        state = replace(self._state, step=4, notice=None)
        if self._desk.terminal is None:
            state = replace(state, edc_asked=True, edc_total=_NO_DATA)
        self._set(replace(state, can_go_on=edc_explained(state)))
        self._tell_story()

    # -- 4 seal -------------------------------------------------------------------------------------------------------

    def explain_edc(self, text: str) -> None:
        """Why the EDC's total differs; it is recorded, the difference stays."""
        state = replace(self._state, explanation=text, notice=None)
        self._set(replace(state, can_go_on=edc_explained(state)))

    def seal(self) -> None:
        """*Segel*: the EDC's total, then totals and signed head in one commit, then the Z report on paper.

        Giving its total ends the EDC's batch, and nothing of it can be voided any more: so it is asked last, when
        nothing else is in the way. Another total than ours waits for its reason, and an EDC that gives none for a
        second press, which asks it once more.
        """
        state, operator = self._state, self._desk.operator()
        if state.step != 4 or not state.can_go_on or state.busy or not operator:
            return
        if self._edc is not None or self._desk.terminal is None:
            self._seal(operator)
            return
        self._set(replace(state, busy="Menanyakan total ke EDC", notice=None))
        ask = partial(self._ask_edc, self._desk.terminal, operator)
        self._runner.submit(Lane.LEDGER, self._desk.day.check_seal, lambda _: ask(), self._failed)

    def _ask_edc(self, terminal: PaymentTerminal, operator: str) -> None:
        def ask() -> Settlement | DeviceError:
            self._desk.reader.release()
            try:
                return terminal.settle()
            except DeviceError as error:
                return error

        self._runner.submit(Lane.TERMINAL, ask, lambda settled: self._settled(settled, operator), self._failed)

    def _settled(self, found: Settlement | DeviceError, operator: str) -> None:
        silent_again = self._state.edc_silent
        settled = found if isinstance(found, Settlement) else None
        other = isinstance(found, DeviceError) and found.reason == "other_terminal"

        def look() -> tuple[EdcTotals | None, tuple[DayTotals, dict[str, dict[Tender, int]]]]:
            return self._desk.day.edc_settled(settled), self._figures()

        def show(found: tuple[EdcTotals | None, tuple[DayTotals, dict[str, dict[Tender, int]]]]) -> None:
            self._edc, story = found
            total = str(Rupiah(self._edc.amount)) if self._edc is not None else _NO_DATA
            silent = self._edc is None
            state = replace(self._state, busy="", edc_asked=True, edc_total=total)
            self._set(replace(state, edc_silent=silent, edc_other=silent and other))
            self._told(*story)
            if self._state.can_go_on and (self._edc is not None or silent_again):
                self._seal(operator)

        self._runner.submit(Lane.LEDGER, look, show, self._failed)

    def _seal(self, operator: str) -> None:
        edc = self._edc
        if edc is not None:
            edc = EdcTotals(edc.amount, edc.batch, self._state.explanation.strip())
        self._set(replace(self._state, busy="Menyegel hari", notice=None))

        def seal() -> tuple[PrintJob, Document]:
            _, job = self._desk.day.seal(operator, edc)
            return job, self._desk.papers.document(job)

        self._runner.submit(Lane.LEDGER, seal, self._sealed, self._failed)

    def _sealed(self, found: tuple[PrintJob, Document]) -> None:
        job, report = found
        self._set(
            replace(
                self._state,
                step=5,
                busy="",
                report=report,
                report_entry=job.entry,
                said="Hari disegel. Laporan tutup hari sedang dicetak.",
                notice=None,
            )
        )
        self._desk.changed()
        self._paper.print(job)
        if self._desk.terminal is not None:
            self._runner.submit(Lane.TERMINAL, self._desk.terminal.forget_settlement, lambda _: None, self._failed)
        self._desk.sealed()
        self.send()

    def reprint(self) -> None:
        """Another copy of the Z report, marked SALINAN."""
        self._paper.again()

    def save_pdf(self) -> None:
        """*Simpan PDF*: the same as a file, for a till whose printer is dead; it counts as a paper that left."""
        self._paper.again(filed=True)

    def printed(self, printed: Printed) -> None:
        """A paper came out by itself."""
        self._paper.printed(printed)

    def dismiss(self) -> None:
        """The notice was read."""
        self._set(replace(self._state, notice=None))

    def _failed(self, error: Exception) -> None:
        self._set(replace(self._state, busy="", sending=False, notice=trouble_of(error)))
        if not isinstance(error, PosError):
            raise error
