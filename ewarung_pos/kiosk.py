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
from ewarung_pos.ledger.key_passphrase import Ask, Question
from ewarung_pos.ledger.keys import LedgerKey, Tier, best_tier, key_of, left_over, rekey
from ewarung_pos.passphrase import person
from ewarung_pos.ports import DeviceState, DeviceStatus, TaskRunner
from ewarung_pos.ui.display import require_display

__all__ = [
    "KEY_PLACES",
    "backup_ledger",
    "choose_tier",
    "configuration",
    "enrol_kiosk",
    "examine",
    "export_ledger",
    "rekey_kiosk",
    "run_window",
    "verify_ledger",
]

KEY_PLACES = {"tpm": Tier.TPM, "os": Tier.OS_STORE, "passphrase": Tier.PASSPHRASE, "file": Tier.KEY_FILE}
"""What `--key` takes."""

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
        raise ConfigError(f"tidak ada buku catatan di {folder}", reason="no_ledger")
    require_display()
    log = start_log(folder / "log")
    try:
        from ewarung_pos.ui.qt_till import show_till

        return show_till(
            lambda runner, close: _start(config, folder, runner, close),
            config.kiosk,
            None,
            "",
            idle_minutes=config.policy.idle_lock_minutes,
        )
    finally:
        log.close()


def _start(config: KioskConfig, folder: Path, runner: TaskRunner, close: Callable[[], None]) -> Application:
    key = key_of(folder, _in_the_window)
    app = build(config, folder, SystemClock(), runner, close_runner=close, key=key)
    app.start()
    return app


def _in_the_window(question: Question) -> str:
    from ewarung_pos.ui.qt_till import ask_passphrase

    said = ask_passphrase(wrong=question is Question.WRONG)
    if not said:
        raise ConfigError(reason="no_passphrase")
    return said


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
        there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
        free = shutil.disk_usage(there).free
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
    from ewarung_pos.ui.text import trouble, trouble_of

    try:
        key = key_of(folder, person())
        _examine_key(folder, key, say)
        report = _verified(folder, key)
        if report["ok"]:
            say("ok", "ledger", f"utuh, {report['entries']} catatan")
        else:
            from ewarung_pos.ui.text_verify import verdict

            told = " ".join(line.strip() for line in verdict(report)[:-1][:4])
            say("stop", "ledger", told, "Hentikan layanan. Hubungi petugas kota.")
        runner: TaskRunner = SteppedRunner()
        app = build(config, folder, SystemClock(), runner, close_runner=lambda: None, key=key)
    except PosError as error:
        said = trouble_of(error)
        say("stop", "ledger", f"{said.happened} {error.detail}".strip(), said.now)
        return
    try:
        status = app.services.health.status()
        if status.clock:
            said = trouble("clock_suspect", status.clock)
            say("stop", "jam", said.happened, said.now)
        else:
            say("ok", "jam", "cocok dengan catatan terakhir")
        age = f"umur {status.register_age} hari" if status.register_age >= 0 else "tanpa tanggal"
        old = "" if status.register_state == "ok" else "Buka kasir dan Sinkron dengan kota."
        say(status.register_state, "daftar keluarga", f"{status.families} keluarga, {age}", old)
        owed = "Buka kasir dan masuk; yang tertunda tercetak sendiri." if status.papers_owed else ""
        say("look" if owed else "ok", "struk", f"{status.papers_owed} belum tercetak", owed)
        doubt = "Buka kasir dan selesaikan di Layanan." if status.in_doubt else ""
        say("look" if doubt else "ok", "penarikan belum pasti", f"{status.in_doubt}", doubt)
        terminal = app.services.terminal
        if terminal is None:
            say("look", "EDC", "tidak diatur", "Isi [payment_terminal] dalam config.toml.")
        else:
            app.services.reader.release()
            edc = terminal.diagnose()
            fine = edc.state in (DeviceState.READY, DeviceState.BUSY)
            say("ok" if fine else "stop", "EDC", *_device_words("device_unavailable", edc, "EDC menjawab."))
        printer = app.services.printer.status()
        fine = printer.state is DeviceState.READY
        say("ok" if fine else "look", "printer", *_device_words("printer_not_ready", printer, "Printer siap mencetak."))
        _examine_city(config, app, say)
    except PosError as error:
        said = trouble_of(error)
        say("stop", "perangkat", f"{said.happened} {error.detail}".strip(), said.now)
    finally:
        app.stop()


def _examine_city(config: KioskConfig, app: Application, say: Callable[..., None]) -> None:
    from ewarung_pos.ui.text import trouble

    if not config.city.url:
        say("look", "kota", "Alamat kota belum diatur.", "Isi url di bagian [city] dalam config.toml.")
        return
    step = app.services.city.step()
    if step.code:
        said = trouble(step.code, step.reason)
        say("look", "kota", f"{said.happened} {step.unsent} catatan belum terkirim.", said.now)
    else:
        say("ok", "kota", f"Kota menjawab; {step.unsent} catatan belum terkirim.")


def _device_words(code: str, status: DeviceStatus, fine: str) -> tuple[str, str]:
    """What a device's state means, and what to do about it."""
    if status.state is DeviceState.READY:
        return fine, ""
    if status.state is DeviceState.BUSY:
        return "Alat sedang bekerja.", ""
    from ewarung_pos.ui.text import trouble

    said = trouble(code, status.reason)
    return said.happened, said.now


def _examine_key(folder: Path, key: LedgerKey, say: Callable[..., None]) -> None:
    from ewarung_pos.ui.text_key import key_place

    name, meaning = key_place(key.tier)
    weakest = key.tier == Tier.KEY_FILE
    say(
        "look" if weakest else "ok",
        "kunci",
        f"{name}. {meaning}",
        "Pindahkan ke tempat yang lebih kuat: ewarung-pos rekey --key tpm, os, atau passphrase." if weakest else "",
    )
    if left_over(folder):
        say(
            "look",
            "kunci lama",
            "belum bisa dihapus dari tempatnya yang dulu",
            "Masuk dengan akun kasir supaya gudang sandi terbuka, lalu buka kasir lagi.",
        )


def _engine() -> str:
    from ewarung_pos.ledger import engine

    return f"SQLite {engine.sqlite.sqlite_version}"  # type: ignore[attr-defined]  # the one engine, re-exported for no other use


def verify_ledger(path: str | None) -> dict[str, Any]:
    """Check a data directory, a ledger file or an export; JSON-ready.

    Raises:
        PosError: it could not be opened.
    """
    from ewarung_pos.ledger.verify import is_export, verify

    place = Path(path) if path else configuration(None)[1]
    if place.is_file() and is_export(place):
        told: dict[str, Any] = msgspec.to_builtins(verify(place))
        return told
    if not (place / "ledger.db" if place.is_dir() else place).is_file():
        raise ConfigError(f"{place}", reason="no_ledger_there")
    return _verified(place, key_of(place if place.is_dir() else place.parent, person()))


def _verified(place: Path, key: LedgerKey) -> dict[str, Any]:
    from ewarung_pos.ledger.verify import verify

    built: dict[str, Any] = msgspec.to_builtins(verify(place, key.secret))
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
    return str(back_up(folder / "ledger.db", key_of(folder, person()).secret, directory).path)


def choose_tier(wanted: str | None) -> Tier:
    """The rung that `--key` names; without it the best that can be had here."""
    return KEY_PLACES[wanted] if wanted else best_tier(with_person=person() is not None)


def enrol_kiosk(city: str, code: str, data_dir: str | None, tier: Tier, on_digits: Callable[[str], None]) -> str:
    """Enrol this kiosk: keys and identity in a new ledger, and the city's first state.

    Args:
        city: URL of the city.
        code: as typed.
        data_dir: the command's option.
        tier: rung that shall hold the ledger's key.
        on_digits: hears the six digits that a person at the city compares before approving.

    Raises:
        PosError: not enrolled; nothing was left behind.
    """
    from ewarung_pos.enrolment import city_option, enrol_into

    city_option(city)
    folder = data_directory(data_dir)
    identity = enrol_into(folder, city, code, SystemClock(), tier=tier, ask=person(), on_digits=on_digits)
    return f"Terdaftar: {identity.device} {identity.name}, Kel. {identity.kelurahan}"


def rekey_kiosk(data_dir: str | None, tier: Tier, ask: Ask | None = None) -> bool:
    """Move this kiosk's key to another rung.

    Returns:
        Whether the old wrapping is destroyed already; if not, the next start tries again.

    Raises:
        PosError: the old rung is in force.
    """
    _, folder = configuration(data_dir)
    if not (folder / "ledger.db").exists():
        raise ConfigError(f"tidak ada buku catatan di {folder}", reason="no_ledger")
    rekey(folder, tier, ask or person())
    return not left_over(folder)
