"""The till's window on this kiosk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ewarung_pos.app import Application, build
from ewarung_pos.clock import SystemClock
from ewarung_pos.config import KioskConfig
from ewarung_pos.diagnostics import start_log
from ewarung_pos.errors import ConfigError
from ewarung_pos.kiosk.directory import data_directory, ledger_directory
from ewarung_pos.ledger.key_passphrase import Question
from ewarung_pos.ledger.keys import key_of
from ewarung_pos.ports import TaskRunner
from ewarung_pos.ui.display import require_display

__all__ = ["run_window"]


def run_window(data_dir: str | None) -> int:
    """The till's window on this kiosk; returns the exit code.

    Raises:
        PosError: the till could not start; nothing was changed.
    """
    config, folder = ledger_directory(data_dir)
    require_display()
    log = start_log(folder / "log")
    try:
        from ewarung_pos.ui.qt_till import show_till

        return show_till(
            lambda runner, close: _start(config, folder, data_directory(data_dir) / "config.toml", runner, close),
            config.kiosk,
            None,
            "",
            idle_minutes=config.policy.idle_lock_minutes,
        )
    finally:
        log.close()


def _start(config: KioskConfig, folder: Path, file: Path, runner: TaskRunner, close: Callable[[], None]) -> Application:
    key = key_of(folder, _in_the_window)
    app = build(config, folder, SystemClock(), runner, close_runner=close, key=key, config_file=file)
    app.start()
    return app


def _in_the_window(question: Question) -> str:
    from ewarung_pos.ui.qt_till import ask_passphrase

    said = ask_passphrase(wrong=question is Question.WRONG)
    if not said:
        raise ConfigError(reason="no_passphrase")
    return said
