"""What the command line does on a kiosk's own data: run the window, examine, verify, export, back up, enrol."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from ewarung_pos.app import Application, backup_directory, build, data_directory, typed_in_the_window
from ewarung_pos.clock import SystemClock
from ewarung_pos.config import KioskConfig, load_config
from ewarung_pos.diagnostics import start_log
from ewarung_pos.errors import ConfigError, LedgerKeyWrong, PosError
from ewarung_pos.ledger.engine import KEY_BYTES, LEDGER_FILE
from ewarung_pos.ledger.key_passphrase import Ask, Question
from ewarung_pos.ledger.keys import LedgerKey, Tier, best_tier, held_tier, key_for, key_of, left_over, rekey
from ewarung_pos.passphrase import person
from ewarung_pos.ports import DeviceState, DeviceStatus, TaskRunner
from ewarung_pos.ui.display import require_display

if TYPE_CHECKING:
    from ewarung_pos.sync.upload import Upload

__all__ = [
    "KEY_PLACES",
    "backup_ledger",
    "choose_tier",
    "configuration",
    "enrol_kiosk",
    "examine",
    "export_ledger",
    "rekey_kiosk",
    "restore_ledger",
    "run_window",
    "tier_for",
    "verify_ledger",
]

KEY_PLACES = {"tpm": Tier.TPM, "os": Tier.OS_STORE, "passphrase": Tier.PASSPHRASE, "file": Tier.KEY_FILE}
"""What `--key` takes."""

LOW_DISK_BYTES = 200_000_000
OLD_COPY_MS = 7 * 86_400_000
"""A copy is made at every close; a week without one is worth a look."""


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
        _examine_reader(config, app, say)
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
        _examine_copies(app, say)
        _examine_city(config, app, say)
    except PosError as error:
        said = trouble_of(error)
        say("stop", "perangkat", f"{said.happened} {error.detail}".strip(), said.now)
    finally:
        app.stop()


def _examine_reader(config: KioskConfig, app: Application, say: Callable[..., None]) -> None:
    """What was seen of the card reader, and what to do; no card is asked for."""
    if config.card_reader.driver == "none":
        say("look", "pembaca kartu", "Tidak diatur; kartu hanya bisa diketik.", "Isi [card_reader] dalam config.toml.")
        return
    if typed_in_the_window(config.card_reader):
        say("ok", "pembaca kartu", "Mengetik di jendela kasir.", "Gesek satu kartu di Layanan untuk mencobanya.")
        return
    found = app.services.reader.diagnose()
    if found.state is DeviceState.READY:
        fine = {
            "ecr": f"Lewat EDC di {found.detail}.",
            "pcsc": f"Chip: {found.detail}.",
            "stripe": f"Gesek: {found.detail} terbuka.",
        }[app.services.reader.source]
        say("ok", "pembaca kartu", fine)
    else:
        say("stop", "pembaca kartu", *_device_words("device_unavailable", found, ""))


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


def _examine_copies(app: Application, say: Callable[..., None]) -> None:
    from ewarung_pos.ui.text import trouble_of
    from ewarung_pos.ui.text_copies import SAME_DISK, copied_words

    try:
        newest = app.services.copies.newest()
    except PosError as error:
        said = trouble_of(error)
        say("look", "salinan", f"{said.happened} {error.detail}", said.now)
        return
    if newest is None:
        say("look", "salinan", "belum ada salinan", "Salin sekarang: ewarung-pos backup")
        return
    now = SystemClock().now().wall
    state, do = ("ok", "") if not newest.same_disk else ("look", f"{SAME_DISK} Isi [paths] backup.")
    if now.ms - newest.at_ms > OLD_COPY_MS:
        state, do = "look", "Salin sekarang: ewarung-pos backup"
    say(state, "salinan", copied_words(newest, now), do)


def _engine() -> str:
    from ewarung_pos.ledger import engine

    return f"SQLite {engine.sqlite.sqlite_version}"  # type: ignore[attr-defined]  # the one engine, re-exported for no other use


def verify_ledger(path: str | None, data_dir: str | None = None) -> dict[str, Any]:
    """Check a data directory, a ledger file wherever it lies, or an export; JSON-ready.

    A file with a data directory beside it (a copy on a stick) is opened with the key of that directory.

    Raises:
        PosError: it could not be opened.
    """
    from ewarung_pos.ledger.verify import is_export, verify

    place = Path(path) if path else configuration(data_dir)[1]
    if not (place / LEDGER_FILE if place.is_dir() else place).is_file():
        raise ConfigError(f"{place}", reason="no_ledger_there")
    if place.is_dir():
        return _verified(place, key_of(place, person()))
    if is_export(place):
        told: dict[str, Any] = msgspec.to_builtins(verify(place))
        return told
    if path and data_dir:
        return _verified(place, key_of(configuration(data_dir)[1], person()))
    return _verified(place, key_for(place, person()))


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
    built: dict[str, Any] = msgspec.to_builtins(
        export(folder / "ledger.db", key_of(folder, person()).secret, out, first_seq)
    )
    return built


def backup_ledger(data_dir: str | None, directory: Path | None, *, key_from: IO[str] | None = None) -> dict[str, Any]:
    """Verified copy of the ledger; JSON-ready: `path`, `entries`, `head`, and the `tier` of the key that it needs.

    Args:
        data_dir: the command's option.
        directory: where to; None is the configured place, in which older copies are taken away (`ledger.copies`).
        key_from: gives the key in hex (`ledger.copies`); None takes it from its rung.

    Raises:
        PosError: the copy could not be made or did not verify.
    """
    from ewarung_pos.ledger.backup import back_up
    from ewarung_pos.ledger.copies import keep_copy

    config, folder = configuration(data_dir)
    key = key_of(folder, person()).secret if key_from is None else _piped(key_from)
    place = directory or backup_directory(config, folder)
    if directory is not None or not config.paths.backup:
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{place}: {error.strerror}", reason="backup_dir") from error
    if hasattr(os, "nice"):  # beside a till that serves
        os.nice(10)
    make = keep_copy if directory is None else back_up
    done: dict[str, Any] = msgspec.to_builtins(make(folder / LEDGER_FILE, key, place))
    return done | {"tier": held_tier(folder) or Tier.KEY_FILE}


def _piped(source: IO[str]) -> bytes:
    try:
        key = bytes.fromhex(source.read())
    except ValueError as error:
        raise LedgerKeyWrong(reason="key_file") from error
    if len(key) != KEY_BYTES:
        raise LedgerKeyWrong(reason="key_file")
    return key


def restore_ledger(file: Path, data_dir: str | None) -> dict[str, Any]:
    """Put a verified copy in the place of the ledger, and tell the city what it holds; JSON-ready.

    Returns:
        The fields of `Restored`, and `city`: the fields of `Upload` with `sent` and `missing`, None when there was no
        line (`city_error` says why) or no city is configured.

    Raises:
        PosError: nothing was changed.
    """
    from ewarung_pos.ledger.restore import LedgerFile, restore
    from ewarung_pos.sync.upload import upload

    config, folder = configuration(data_dir)
    key = key_of(folder, person()).secret
    done: dict[str, Any] = msgspec.to_builtins(restore(file, folder, key))
    done |= {"city": None, "city_error": ""}
    if config.city.url:
        try:
            with LedgerFile(folder / LEDGER_FILE, key) as copy:
                done["city"] = _told(upload(copy, SystemClock(), config.city.url, config.city.ca))
        except PosError as error:  # the copy is in place whatever the line does; enrolling asks again
            done["city_error"] = ".".join(filter(None, (error.code, error.reason)))
    return done


def _told(upload: Upload) -> dict[str, Any]:
    """What the city held and got, JSON-ready."""
    built: dict[str, Any] = msgspec.to_builtins(upload)
    return built | {"sent": upload.sent, "missing": upload.missing}


def choose_tier(wanted: str | None) -> Tier:
    """The rung that `--key` names; without it the best that can be had here."""
    return KEY_PLACES[wanted] if wanted else best_tier(with_person=person() is not None)


def tier_for(data_dir: str | None, wanted: str | None) -> Tier:
    """The rung that a new ledger's key will be on: where this directory's key is already, else as `choose_tier`."""
    return held_tier(data_directory(data_dir)) or choose_tier(wanted)


def enrol_kiosk(
    city: str,
    code: str,
    data_dir: str | None,
    tier: Tier,
    on_digits: Callable[[str], None],
    on_upload: Callable[[dict[str, Any]], None] = lambda _: None,
) -> str:
    """Enrol this kiosk: keys and identity in a new ledger, and the city's first state.

    Args:
        city: URL of the city.
        code: as typed.
        data_dir: the command's option.
        tier: rung that shall hold the ledger's key.
        on_digits: hears the six digits that a person at the city compares before approving.
        on_upload: hears what the city held and got of a restored copy, before its epoch ends.

    Raises:
        PosError: not enrolled; nothing was left behind.
    """
    from ewarung_pos.enrolment import city_option, enrol_into

    city_option(city)
    folder = data_directory(data_dir)
    identity = enrol_into(
        folder,
        city,
        code,
        SystemClock(),
        tier=tier,
        ask=person(),
        on_digits=on_digits,
        on_upload=lambda sent: on_upload(_told(sent)),
    )
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
