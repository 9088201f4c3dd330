"""The view-models of one till, wired to each other: which screen follows which, and who hears of a commit."""

from __future__ import annotations

import logging
from collections.abc import Callable

from msgspec.structs import replace

from ewarung_pos.domain.journal import Entry
from ewarung_pos.errors import PosError
from ewarung_pos.ports import (
    Attempt,
    Lane,
    PaymentOutcome,
    TaskRunner,
)
from ewarung_pos.services.printing import Printed
from ewarung_pos.services.redeem import Redemption
from ewarung_pos.services.reverse import Reversal
from ewarung_pos.ui.text import Trouble, after_doubt
from ewarung_pos.ui.viewmodels.audit import Audit
from ewarung_pos.ui.viewmodels.closing import ClosingViewModel
from ewarung_pos.ui.viewmodels.closing_copy import CopyViewModel
from ewarung_pos.ui.viewmodels.closing_desk import ClosingDesk
from ewarung_pos.ui.viewmodels.counter import CounterViewModel
from ewarung_pos.ui.viewmodels.counter_desk import CounterDesk, Whose, whose
from ewarung_pos.ui.viewmodels.counter_state import Phase
from ewarung_pos.ui.viewmodels.day_open import DayOpenViewModel
from ewarung_pos.ui.viewmodels.devices import DevicesDesk, DevicesViewModel
from ewarung_pos.ui.viewmodels.doubt import DoubtDesk, DoubtState, DoubtViewModel
from ewarung_pos.ui.viewmodels.history import HistoryDesk, HistoryViewModel
from ewarung_pos.ui.viewmodels.owed import ANY, OwedDesk, OwedViewModel
from ewarung_pos.ui.viewmodels.printer_watch import PrinterWatch
from ewarung_pos.ui.viewmodels.rights import RightsDesk, RightsViewModel
from ewarung_pos.ui.viewmodels.shell import ShellViewModel
from ewarung_pos.ui.viewmodels.speaker import Speaker
from ewarung_pos.ui.viewmodels.stick import StickViewModel
from ewarung_pos.ui.viewmodels.stock import StockViewModel
from ewarung_pos.ui.viewmodels.sync import SyncViewModel
from ewarung_pos.ui.viewmodels.terminal_watch import TerminalWatch
from ewarung_pos.ui.viewmodels.till_services import Services
from ewarung_pos.ui.viewmodels.typed_card import TypedCardDesk, TypedCardViewModel

__all__ = ["TillViewModels"]

_log = logging.getLogger(__name__)


class TillViewModels:
    """One of each screen's view-model. `start` begins; `stop` ends timers before the lanes close."""

    def __init__(self, services: Services, runner: TaskRunner) -> None:
        s = services
        self._ledger = s.ledger
        self._retention = s.retention
        self._leftovers = s.leftovers
        self._runner = runner
        self.shell = ShellViewModel(
            s.ledger,
            s.operators,
            s.health,
            s.clock,
            s.reader,
            s.terminal,
            s.printer,
            runner,
            self._shown,
            self._in_hand,
            self._unsaved,
        )
        self._audit = Audit(s.ledger, runner, self.shell.halt)
        operator = self.shell.operator
        self.sync = SyncViewModel(s.ledger, s.city, s.clock, runner, self._synced, s.health.key_tier, s.stick.wishes)
        self.stick = StickViewModel(s.stick, runner, self.sync.carried)
        self.doubt = DoubtViewModel(
            DoubtDesk(s.ledger, s.redeem, s.reverse, s.operators, s.terminal, operator, self._settled, self._under_way),
            runner,
        )
        self._speaker = Speaker(s.voice, runner)
        self._at_counter = CounterDesk(
            s.ledger,
            s.redeem,
            s.day,
            s.papers,
            s.reader,
            s.terminal,
            s.printer,
            s.files,
            operator,
            self._changed,
            self._speaker.say,
            self.shell.today,
            s.poll_ms,
            s.response_seconds,
        )
        self._asked_about = ""
        self.counter = CounterViewModel(self._at_counter, runner, self.doubt.open)
        self.typed = TypedCardViewModel(
            TypedCardDesk(s.typed, operator, self.counter.hold, self.counter.finish, self.counter.present), runner
        )
        self.rights = RightsViewModel(
            RightsDesk(
                s.city,
                s.hardship,
                s.operators,
                s.clock,
                operator,
                self.counter.in_front,
                self.counter.person_of,
                self.counter.give_way,
                self.counter.finish,
                self.counter.present,
                self.counter.show_redemption,
                self._changed,
                s.stick.carry,
            ),
            runner,
        )
        self.history = HistoryViewModel(
            HistoryDesk(
                s.ledger,
                s.papers,
                s.reverse,
                s.operators,
                s.reader,
                s.terminal,
                s.printer,
                s.files,
                operator,
                self._changed,
                self._doubted,
            ),
            runner,
        )
        self.owed = OwedViewModel(
            OwedDesk(
                s.ledger,
                s.papers,
                s.printer,
                self._wanted_paper,
                self.shell.recall,
                self.shell.tell,
                self._came_by_itself,
            ),
            runner,
        )
        self._printer_watch = PrinterWatch(s.printer, runner, self.shell.tick, self._printer_asked)
        beside = s.terminal if s.reader.source != "ecr" else None  # the look for a card sees the EDC that reads them
        self._terminal_watch = (
            TerminalWatch(beside, runner, self._at_ready, self.shell.tick) if beside is not None else None
        )
        self.doubt.subscribe(self._doubt_shown)
        self._date = self.shell.today()
        self.stock = StockViewModel(s.ledger, s.stock, runner, operator, self._changed)
        self.day = DayOpenViewModel(
            s.ledger, s.day, s.health, s.clocks, s.operators, s.clock, runner, operator, self._opened, self._changed
        )
        self.copy = CopyViewModel(s.copies, s.ledger, s.clock, runner, self.shell.tell)
        self.closing = ClosingViewModel(
            ClosingDesk(
                s.ledger,
                s.day,
                s.operators,
                s.papers,
                s.reader,
                s.terminal,
                s.printer,
                s.files,
                s.city,
                operator,
                self._changed,
                self._day_sealed,
                self._serving,
            ),
            runner,
        )
        for screen in (self.counter, self.history, self.stock, self.closing):
            screen.subscribe(lambda _: self.shell.look_again())
            screen.subscribe(lambda _: self.owed.go_on())
        self.shell.count_with(self.sync.counted, self.closing.counted, self.day.counted)
        self.shell.subscribe(lambda _: self._midnight())
        self.devices = DevicesViewModel(
            DevicesDesk(
                s.papers, s.operators, s.reader, s.terminal, s.printer, s.search, s.settings, s.clock, s.poll_ms
            ),
            runner,
        )
        self._screens: dict[str, Callable[[], None]] = {
            "counter": self.counter.activate,
            "history": self.history.activate,
            "stock": self.stock.activate,
            "day": self.day.activate,
            "closing": self.closing.activate,
            "sync": self._at_the_line,
            "devices": self.devices.activate,
        }

    def start(self) -> None:
        """Show who may sign in, and begin talking to the city."""
        self.shell.start()
        self.sync.activate()
        self.sync.nudge()
        self._printer_watch.start()
        if self._terminal_watch is not None:
            self._terminal_watch.start()
        self._audit.start()

    def stop(self) -> None:
        """End timers; work under way on a lane finishes by itself."""
        self._audit.stop()
        self._printer_watch.stop()
        if self._terminal_watch is not None:
            self._terminal_watch.stop()
        self._speaker.stop()
        self.counter.stop()
        self.rights.stop()
        self.doubt.stop()
        self.sync.stop()

    def idle(self) -> None:
        """Nobody touched the till for as long as the kiosk's policy allows: the screen asks who works."""
        if not self.counter.state.busy and not self.history.under_way() and not self.closing.state.busy:
            self.shell.sign_out()

    def _in_hand(self) -> str:
        return self.counter.state.in_hand

    def _unsaved(self) -> str:
        if self.history.under_way():
            return "void"
        if self.closing.state.busy:
            return "sealing"
        if self.stock.half_entered:
            return "delivery"
        return "count" if self.closing.half_entered else ""

    def _at_ready(self) -> bool:
        """Siap is in front and nothing is under way at the EDC."""
        siap = self.shell.state.screen == "counter" and self.counter.state.phase is Phase.READY
        return siap and bool(self.shell.operator()) and not any(self._under_way()) and not self.closing.state.busy

    def _under_way(self) -> frozenset[str]:
        return frozenset((self.counter.payment.under_way(), self.history.under_way()))

    def _doubt_shown(self, state: DoubtState) -> None:
        if state.panel is not None:
            self._asked_about = state.panel.attempt
            self.typed.leave()
            self.rights.leave()
            self.counter.hold()

    def _midnight(self) -> None:
        """The date changed while the till stood there: what says so is looked at again."""
        today = self.shell.today()
        if today == self._date:
            return
        self._date = today
        self.counter.refresh()
        if self.shell.state.screen == "day":
            self.day.activate()

    # -- wiring ---------------------------------------------------------------------------------------------------

    def _shown(self, before: str, screen: str) -> None:
        if before == "counter" and screen != "counter":
            self.counter.deactivate()
            if self.typed.state.mode or self.rights.state.mode:
                self.typed.leave()
                self.rights.leave()
                self.counter.finish()
        if before == "devices" and screen != "devices":
            self.devices.deactivate()
        if not screen:  # signed out: the next operator starts at Siap
            self.counter.finish()
        if not self.shell.operator():
            return
        if not before:  # somebody is there who takes the papers
            self.owed.begin()
        self._screens[screen]()
        if screen == "counter" and not self.counter.state.occupied:
            self.doubt.resume()

    def _printer_asked(self, there: bool) -> None:
        if there:
            self.owed.printer_back()
        else:
            self.owed.printer_away()

    def _wanted_paper(self) -> str | None:
        """Whose paper may come out by itself now."""
        if not self.shell.operator() or self.history.under_way() or self.closing.state.busy:
            return None
        return (self.counter.handover.wanted() or None) if self.counter.state.occupied else ANY

    def _came_by_itself(self, printed: Printed) -> None:
        self.counter.handover.printed(printed)
        self.closing.printed(printed)
        if self.shell.state.screen == "history":
            self.history.look_again()
        self._changed()

    def _changed(self) -> None:
        self._printer_watch.hurry()
        self.shell.refresh()
        self.sync.nudge()
        # The paper comes out now, or hands are busy with sacks: nobody waits for the ledger.
        self._runner.submit(Lane.LEDGER, self._ledger.checkpoint, _kept, self._put_off)

    def _synced(self) -> None:
        self.shell.refresh()

    def _at_the_line(self) -> None:
        self.stick.activate()
        self.sync.activate()

    def _opened(self) -> None:
        self.sync.evening(sealed=False)
        self._changed()
        self._runner.submit(Lane.LEDGER, self._retention.purge, _kept, self._put_off)
        self._runner.submit(Lane.LEDGER, self._leftovers.give_back, self._given_back, self._put_off)
        self.copy.catch_up()
        self.shell.go("counter")

    def _day_sealed(self) -> None:
        self.sync.evening(sealed=True)
        self._runner.submit(Lane.LEDGER, self._leftovers.give_back, self._given_back, self._put_off)
        self.copy.begin()

    def _given_back(self, made: tuple[Entry, ...]) -> None:
        """What visitors left, or a month: the city hears of it soon."""
        if made:
            self._changed()

    def _serving(self) -> None:
        if self.shell.state.screen == "closing":  # where nobody pressed another key meanwhile
            self.shell.go("counter")

    def _doubted(self, attempt: Attempt, outcome: PaymentOutcome) -> None:
        self.shell.go("counter")
        self.doubt.open(attempt, outcome)

    def _settled(self, result: Redemption | Reversal | None, ended: Trouble | None) -> None:
        self._changed()
        if isinstance(result, Redemption):
            beside = self.counter.show_redemption(result)
            if beside:
                self.shell.recall(beside)
            return
        if ended is None:
            self.counter.leave_doubt()
        else:
            self._say_how_it_ended(after_doubt(ended), self._asked_about)
        if isinstance(result, Reversal):
            self.history.show_reversal(result)
            self._say_what_goes_back()

    def _say_how_it_ended(self, why: Trouble, attempt: str) -> None:
        """The family went out of sight when the doubt began: it is named again, beside another one too."""

        def say(whom: Whose | None) -> None:
            if not self.counter.state.occupied:
                self.counter.tell(why, whom.person if whom is not None else None)
            elif whom is None:
                self.shell.tell(why)
            else:
                self.shell.tell(replace(why, happened=f"{whom.short}: {why.happened}"))

        def failed(error: Exception) -> None:
            say(None)
            if not isinstance(error, PosError):
                raise error

        self._runner.submit(Lane.LEDGER, lambda: whose(self._at_counter, attempt), say, failed)

    def _say_what_goes_back(self) -> None:
        """Riwayat says it; where a family or another screen is in front, so does the banner."""
        screen = self.shell.state.screen
        if screen == "counter" and not self.counter.state.occupied:
            self.shell.go("history")
        elif screen != "history":
            self.shell.recall(self.history.state.said)

    def _put_off(self, error: Exception) -> None:
        """The next write meets the same disk and says so to whoever waits for it; another till ends service at once."""
        _log.warning("put off: %s", type(error).__name__)
        if not isinstance(error, PosError):
            raise error
        if error.reason == "second":
            self.shell.halt(error)


def _kept(_: object) -> None:
    """Nothing to show: nobody asked for it."""
