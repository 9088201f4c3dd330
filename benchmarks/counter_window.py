"""The till's own window with a driver at the counter: `counter_window.py FOLDER DEED COUNT`; a JSON object at the end.

`cards`: so many swipes, each timed from the reader's last character to the painted balances, and what the screen's
thread itself computed meanwhile. `sales`: so many families
served and printed, with every screen and trial visited on the way, while beats are counted; each press is an event of
its own, a fiftieth of a second after the one before, which is faster than any hand. The first of either are not
counted: what is loaded by them is loaded once a day.
"""

from __future__ import annotations

import gc
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

gc.disable()  # as the command does, and show_till turns it on again

import ewarung_pos.__main__  # noqa: E402, F401 - as when the command starts it
from benchmarks.counter import number_of  # noqa: E402
from ewarung_pos.app import Application, build  # noqa: E402
from ewarung_pos.clock import SystemClock  # noqa: E402
from ewarung_pos.config import load_config  # noqa: E402
from ewarung_pos.diagnostics import start_log  # noqa: E402
from ewarung_pos.domain.family import card_ref  # noqa: E402
from ewarung_pos.ports import CardPresented, TaskRunner  # noqa: E402
from ewarung_pos.ui.qt_till import show_till  # noqa: E402
from ewarung_pos.ui.viewmodels.counter_state import Phase  # noqa: E402

SITI, PIN = "siti", "111111"
WARM = 10
LIMIT_S = 20.0
SCREENS = ("history", "stock", "day", "closing", "sync", "devices", "counter")


class Driver:
    """Does one thing after another as the till allows; ends the application when all is done, or stuck."""

    def __init__(self, app: Application, runner: TaskRunner, deed: str, count: int) -> None:
        self._app, self._runner, self._count = app, runner, count
        self._deed = self._swipe if deed == "cards" else self._sale
        self._families = int((app.data_dir / "families").read_text(encoding="ascii"))
        self._dice = random.Random(count)
        self._done = 0
        self._begun_ns = self._begun_cpu = 0
        self.took_ms: list[float] = []
        self.worked_ms: list[float] = []
        self.stood: object = None

    def begin(self) -> None:
        """The window is there: sign in, and go on from there."""
        from benchmarks.beats import Beats

        self._beats = Beats()
        self._app.till.shell.sign_in(SITI, PIN)
        self._when(lambda: bool(self._app.till.shell.operator()), lambda: self._pause(self._watch))

    def _watch(self) -> None:
        from PySide6.QtWidgets import QApplication

        from ewarung_pos.ui.views.counter import CounterView

        basket = next(each for each in QApplication.allWidgets() if isinstance(each, CounterView)).basket
        self._eye = _eye(basket, self._painted)
        self._next()

    def _next(self) -> None:
        if self._done == WARM:
            self.took_ms.clear()
            self.worked_ms.clear()
            self._beats.start()
        if self._done == WARM + self._count:
            self.stood = self._beats.end()
            _quit()
            return
        self._done += 1
        self._when(lambda: self._app.till.counter.state.phase is Phase.READY, lambda: self._pause(self._deed))

    def _pause(self, then: Callable[[], None]) -> None:
        self._runner.later(20, lambda: _or_end(then))

    # -- cards ----------------------------------------------------------------------------------------------------

    def _swipe(self) -> None:
        swiped = self._app.swiped
        assert swiped is not None
        line = f";{number_of(self._dice.randrange(self._families))}=28121010000000000?"
        self._begun_ns, self._begun_cpu = time.perf_counter_ns(), time.thread_time_ns()
        swiped(line)
        self._when(lambda: not self._begun_ns, self._away)

    def _painted(self) -> None:
        if self._begun_ns and self._app.till.counter.state.phase is Phase.RECOGNISED:
            self.took_ms.append((time.perf_counter_ns() - self._begun_ns) / 1e6)
            self.worked_ms.append((time.thread_time_ns() - self._begun_cpu) / 1e6)
            self._begun_ns = 0

    def _away(self) -> None:
        self._app.till.counter.cancel()
        self._next()

    # -- sales ----------------------------------------------------------------------------------------------------

    def _sale(self) -> None:
        counter = self._app.till.counter
        key = self._app.services.ledger.read().secret("card_key")
        assert key is not None
        counter.present(CardPresented(card_ref(key, number_of(self._dice.randrange(self._families))), "2812", "stripe"))
        self._when(lambda: counter.state.phase is Phase.RECOGNISED, self._serve)

    def _serve(self) -> None:
        counter = self._app.till.counter
        goods = [row.product for row in counter.state.sections[0].rows[:2]]
        presses: list[Callable[[], object]] = [
            *(partial(counter.set_packs, product, 1) for product in goods),
            counter.serve,
        ]
        done = partial(self._when, lambda: counter.state.phase is Phase.DONE, lambda: self._pause(self._served))
        self._press(presses, done)

    def _served(self) -> None:
        self._app.till.counter.finish()
        if self._done % 10 == 0:
            self._visit(SCREENS)
        else:
            self._next()

    def _visit(self, screens: tuple[str, ...]) -> None:
        if not screens:
            self._next()
            return
        till = self._app.till
        trials = [till.devices.try_card, till.devices.try_paper, till.devices.try_edc]
        presses: list[Callable[[], object]] = [
            partial(till.shell.go, screens[0]),
            *(trials if screens[0] == "devices" else ()),
        ]
        self._press(presses, lambda: self._visit(screens[1:]))

    def _press(self, presses: Sequence[Callable[[], object]], then: Callable[[], None]) -> None:
        if not presses:
            then()
            return
        presses[0]()
        self._pause(lambda: self._press(presses[1:], then))

    # -- waiting --------------------------------------------------------------------------------------------------

    def _when(self, holds: Callable[[], bool], then: Callable[[], None]) -> None:
        until = time.monotonic() + LIMIT_S

        def look() -> None:
            if holds():
                _or_end(then)
            elif time.monotonic() > until:
                state = self._app.till.counter.state
                print(f"stuck at {self._done}: {state.phase} {state.refusal} {state.reader}", file=sys.stderr)
                _quit()
            else:
                self._runner.later(1, look)

        look()


def _or_end(work: Callable[[], None]) -> None:
    """A fault of this driver ends it; the till itself would only say so on its screen."""
    try:
        work()
    except BaseException:
        _quit()
        raise


def _eye(watched: object, seen: Callable[[], None]) -> object:
    """Calls `seen` after each paint of a widget."""
    from PySide6.QtCore import QEvent, QObject, QTimer
    from PySide6.QtWidgets import QWidget

    class Eye(QObject):
        def eventFilter(self, widget: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt names it
            if event.type() == QEvent.Type.Paint:
                QTimer.singleShot(0, seen)  # after this paint, not within it
            return False

    assert isinstance(watched, QWidget)
    eye = Eye(watched)
    watched.installEventFilter(eye)
    return eye


def _quit() -> None:
    from PySide6.QtWidgets import QApplication

    QApplication.quit()


def main(directory: Path, deed: str, count: int) -> int:
    config = load_config(directory / "config.toml")
    log = start_log(directory / "log")
    drivers: list[Driver] = []

    def start(runner: TaskRunner, close: Callable[[], None]) -> Application:
        app = build(config, directory, SystemClock(), runner, close_runner=close)
        app.start()
        drivers.append(Driver(app, runner, deed, count))
        runner.later(0, drivers[0].begin)
        return app

    try:
        show_till(start, config.kiosk, None, "")
    finally:
        log.close()
    (driver,) = drivers
    if driver.stood is None:
        return 1
    said = {"took_ms": driver.took_ms, "worked_ms": driver.worked_ms, "stood": msgspec.to_builtins(driver.stood)}
    print(json.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
