"""What the command line does on a kiosk's own data: run the window, examine, verify, export, back up, enrol."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ewarung_pos.app import Application, build, data_directory
from ewarung_pos.clock import SystemClock
from ewarung_pos.config import KioskConfig, load_config
from ewarung_pos.diagnostics import start_log
from ewarung_pos.errors import ConfigError, PosError
from ewarung_pos.ledger.keys import key_of
from ewarung_pos.ports import DeviceState, TaskRunner

__all__ = ["backup_ledger", "configuration", "examine", "export_ledger", "run_window", "verify_ledger"]

LOW_DISK_BYTES = 200_000_000


def configuration(data_dir: str | None) -> tuple[KioskConfig, Path]:
    """The configuration of a data directory, and where its data is.

    Raises:
        ConfigError: names the key and what was expected.
    """
    folder = data_directory(data_dir)
    config = load_config(folder / "config.toml")
    return config, data_directory(data_dir, config)


def run_window(data_dir: str | None) -> int:
    """The till's window on this kiosk; returns the exit code.

    Raises:
        PosError: the till could not start; nothing was changed.
    """
    config, folder = configuration(data_dir)
    if not (folder / "ledger.db").exists():
        raise ConfigError(
            f"no ledger in {folder}: enrol this kiosk first, or try `ewarung-pos demo`", reason="no_ledger"
        )
    log = start_log(folder / "log")
    try:
        from ewarung_pos.ui.qt_till import show_till

        return show_till(lambda runner, close: _start(config, folder, runner, close), config.kiosk, None, "")
    finally:
        log.close()


def _start(config: KioskConfig, folder: Path, runner: TaskRunner, close: Callable[[], None]) -> Application:
    app = build(config, folder, SystemClock(), runner, close_runner=close)
    app.start()
    return app


def examine(data_dir: str | None) -> list[dict[str, str]]:
    """`doctor`: one line for each thing: state (ok, look, stop), what, meaning, what to do."""
    found: list[dict[str, str]] = []

    def say(state: str, what: str, meaning: str, do: str = "") -> None:
        found.append({"state": state, "what": what, "meaning": meaning, "do": do})

    say("ok", "program", f"Python {sys.version.split()[0]}, {_engine()}")
    try:
        config, folder = configuration(data_dir)
    except ConfigError as error:
        say("stop", "config.toml", str(error), "Betulkan nilai yang disebut.")
        return found
    say("ok", "config.toml", f"terbaca untuk {folder}")
    try:
        free = shutil.disk_usage(folder if folder.exists() else folder.parent).free
        state = "ok" if free > LOW_DISK_BYTES else "look"
        say(state, "disk", f"{free // 1_000_000} MB bebas", "" if state == "ok" else "Kosongkan ruang disk.")
    except OSError as error:
        say("stop", "disk", f"{error.strerror}", "Periksa folder data.")
    if not (folder / "ledger.db").exists():
        say(
            "look",
            "ledger",
            "belum ada buku catatan di sini",
            "Daftarkan kios: ewarung-pos enrol --city URL --code KODE",
        )
        return found
    _examine_kiosk(config, folder, say)
    return found


def _examine_kiosk(config: KioskConfig, folder: Path, say: Callable[..., None]) -> None:
    from ewarung_pos.ui.runners import SteppedRunner

    try:
        say("ok", "kunci", f"tingkat: {key_of(folder).tier}")
        report = verify_ledger(str(folder))
        if report["ok"]:
            say("ok", "ledger", f"utuh, {report['entries']} catatan")
        else:
            say("stop", "ledger", f"catatan pertama yang salah: {report['first_bad_seq']}", "Hubungi petugas kota.")
        runner: TaskRunner = SteppedRunner()
        app = build(config, folder, SystemClock(), runner, close_runner=lambda: None)
    except PosError as error:
        from ewarung_pos.ui.text import trouble_of

        said = trouble_of(error)
        say("stop", "ledger", f"{said.happened} {error.detail}".strip(), said.now)
        return
    try:
        status = app.services.health.status()
        say(
            "ok" if not status.clock else "stop",
            "jam",
            status.clock or "cocok",
            "" if not status.clock else "Betulkan jam.",
        )
        say(status.register_state, "daftar keluarga", f"{status.families} keluarga, {status.register_age} hari")
        say("ok" if not status.papers_owed else "look", "struk", f"{status.papers_owed} belum tercetak")
        say("ok" if not status.in_doubt else "look", "EDC belum pasti", f"{status.in_doubt}")
        terminal = app.services.terminal
        if terminal is None:
            say("look", "EDC", "tidak diatur", "Isi [payment_terminal] dalam config.toml.")
        else:
            app.services.reader.release()
            edc = terminal.diagnose()
            fine = edc.state in (DeviceState.READY, DeviceState.BUSY)
            say(
                "ok" if fine else "stop",
                "EDC",
                edc.reason or edc.state.value,
                "" if fine else "Periksa kabel dan listrik EDC.",
            )
        printer = app.services.printer.status()
        fine = printer.state is DeviceState.READY
        say(
            "ok" if fine else "look",
            "printer",
            printer.reason or printer.state.value,
            "" if fine else "Periksa kertas, tutup, dan listrik printer.",
        )
        step = app.services.city.step()
        say("ok" if not step.code else "look", "kota", step.code or f"{step.unsent} belum terkirim")
    finally:
        app.stop()


def _engine() -> str:
    from ewarung_pos.ledger import engine

    return f"SQLite {engine.sqlite.sqlite_version}"  # type: ignore[attr-defined]  # the one engine, re-exported for no other use


def verify_ledger(path: str | None) -> dict[str, Any]:
    """Check a data directory, a ledger file or an export; JSON-ready.

    Raises:
        PosError: it could not be opened.
    """
    from ewarung_pos.ledger.verify import verify

    folder = Path(path) if path else configuration(None)[1]
    built: dict[str, Any] = msgspec.to_builtins(verify(folder))
    return built


def export_ledger(data_dir: str | None, out: Path, first_seq: int) -> dict[str, Any]:
    """Write the ledger for anyone to check, from entry `first_seq` on; JSON-ready.

    Raises:
        PosError: nothing was written.
    """
    from ewarung_pos.ledger.export import export

    _, folder = configuration(data_dir)
    built: dict[str, Any] = msgspec.to_builtins(export(folder / "ledger.db", key_of(folder).secret, out, first_seq))
    return built


def backup_ledger(data_dir: str | None, directory: Path) -> str:
    """Verified copy of the ledger; returns where it is.

    Raises:
        PosError: the copy could not be made or did not verify.
    """
    from ewarung_pos.ledger.backup import back_up

    _, folder = configuration(data_dir)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{directory}: {error.strerror}", reason="backup_dir") from error
    return str(back_up(folder / "ledger.db", key_of(folder).secret, directory).path)


def enrol_kiosk(city: str, code: str, data_dir: str | None, on_digits: Callable[[str], None]) -> str:
    """Enrol this kiosk: keys and identity in a new ledger, and the city's first state.

    Args:
        city: URL of the city.
        code: as typed.
        data_dir: the command's option.
        on_digits: hears the six digits that a person at the city compares before approving.

    Raises:
        PosError: not enrolled; nothing was left behind.
    """
    from ewarung_pos.enrolment import enrol_into

    folder = data_directory(data_dir)
    identity = enrol_into(folder, city, code, SystemClock(), on_digits=on_digits)
    return f"Terdaftar: {identity.device} {identity.name}, Kel. {identity.kelurahan}"
