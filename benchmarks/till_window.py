"""The till as `ewarung-pos run` makes it, up to the moment when somebody can sign in."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path

gc.disable()  # as the command does, and show_till turns it on again

import ewarung_pos.__main__  # noqa: E402, F401 - the command line is part of the start
from ewarung_pos.app import Application, build  # noqa: E402
from ewarung_pos.clock import SystemClock  # noqa: E402
from ewarung_pos.config import load_config  # noqa: E402
from ewarung_pos.diagnostics import start_log  # noqa: E402
from ewarung_pos.ports import TaskRunner  # noqa: E402
from ewarung_pos.ui.qt_till import show_till  # noqa: E402


def main(directory: Path) -> int:
    config = load_config(directory / "config.toml")
    log = start_log(directory / "log")

    def start(runner: TaskRunner, close: Callable[[], None]) -> Application:
        app = build(config, directory, SystemClock(), runner, close_runner=close)
        app.start()
        runner.later(0, lambda: _wait(app, runner))
        return app

    try:
        return show_till(start, config.kiosk, None, "")
    finally:
        log.close()


def _wait(app: Application, runner: TaskRunner) -> None:
    from PySide6.QtWidgets import QApplication

    from benchmarks.painted import Painted
    from ewarung_pos.ui.views.sign_in import SignInView

    if not app.till.shell.state.operators:
        runner.later(1, lambda: _wait(app, runner))
        return
    view = next(each for each in QApplication.allWidgets() if isinstance(each, SignInView))
    Painted(view)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
