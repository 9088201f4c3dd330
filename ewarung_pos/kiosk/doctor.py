"""`doctor`: looks at everything a kiosk stands on, and says of each thing what it means and what to do."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from ewarung_pos import __version__
from ewarung_pos.app import Application, build
from ewarung_pos.clock import SystemClock
from ewarung_pos.config import KioskConfig, PrinterConfig
from ewarung_pos.domain.units import dotted
from ewarung_pos.errors import ConfigError, LedgerBusy, PosError
from ewarung_pos.kiosk.directory import configuration
from ewarung_pos.kiosk.passphrase import person
from ewarung_pos.kiosk.proof import verified
from ewarung_pos.ledger.engine import LEDGER_FILE, SQLITE_VERSION
from ewarung_pos.ledger.keys import LedgerKey, Tier, key_of, left_over
from ewarung_pos.ports import TaskRunner

if TYPE_CHECKING:
    from ewarung_pos.kiosk.device_trial import Bench

__all__ = ["examine"]

LOW_DISK_BYTES = 200_000_000
UNUSED_DO = "Atur itu pada driver antreannya, atau pakai printer lewat kabelnya sendiri."
OLD_COPY_MS = 7 * 86_400_000
"""A copy is made at every close; a week without one is worth a look."""


def examine(
    data_dir: str | None, tries: Collection[str] = (), tell: Callable[[str], None] = lambda _: None
) -> list[dict[str, str]]:
    """`doctor`: one line for each thing: state (ok, look, stop), what, meaning, what to do.

    Args:
        data_dir: of the kiosk.
        tries: `card`, `edc` and `print`: these are used, not only looked for.
        tell: hears what a person must do meanwhile.
    """
    found: list[dict[str, str]] = []

    def say(state: str, what: str, meaning: str, do: str = "") -> None:
        told = "".join(letter for letter in meaning if letter.isprintable())  # a device says what it likes of itself
        found.append({"state": state, "what": what, "meaning": told, "do": do})

    say("ok", "program", f"Python {sys.version.split()[0]}, SQLite {SQLITE_VERSION}")
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
        say(state, "disk", f"{dotted(free // 1_000_000)} MB bebas", "" if state == "ok" else "Kosongkan ruang disk.")
    except OSError as error:
        say("stop", "disk", f"{error.strerror}", "Periksa folder data.")
    if not (folder / LEDGER_FILE).exists():
        say(
            "look",
            "ledger",
            "belum ada buku catatan di sini",
            "Daftarkan kios: ewarung-pos enrol --city URL --code KODE",
        )
        _examine_bare_devices(config, folder, tries, say, tell)
        return found
    _examine_kiosk(config, folder, tries, say, tell)
    return found


def _examine_kiosk(
    config: KioskConfig,
    folder: Path,
    tries: Collection[str],
    say: Callable[..., None],
    tell: Callable[[str], None],
) -> None:
    from ewarung_pos.kiosk.device_trial import bench_of
    from ewarung_pos.ui.runners import SteppedRunner
    from ewarung_pos.ui.text import trouble, trouble_of
    from ewarung_pos.ui.text_devices import OPEN_TILL

    try:
        key = key_of(folder, person())
        _examine_key(folder, key, say)
        report = verified(folder, key)
        if report["ok"]:
            say("ok", "ledger", f"utuh, {report['entries']} catatan")
        else:
            from ewarung_pos.ui.text_verify import verdict

            told = " ".join(line.strip() for line in verdict(report)[:-1][:4])
            say("stop", "ledger", told, "Hentikan layanan. Hubungi petugas kota.")
    except PosError as error:
        said = trouble_of(error)
        say("stop", "ledger", f"{said.happened} {error.detail}".strip(), said.now)
        return
    runner: TaskRunner = SteppedRunner()
    try:
        app = build(config, folder, SystemClock(), runner, close_runner=lambda: None, key=key)
    except LedgerBusy:  # reading it was allowed, and what was read stands above; nothing is wrong with it
        say("stop" if tries else "look", "perangkat", OPEN_TILL.seen, OPEN_TILL.do)
        return
    except PosError as error:
        said = trouble_of(error)
        what = "EDC" if error.reason.startswith("vendor_key") else "ledger"
        say("stop", what, f"{said.happened} {error.detail}".strip(), said.now)
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
        say(status.register_state, "daftar keluarga", f"{dotted(status.families)} keluarga, {age}", old)
        owed = "Buka kasir dan masuk; yang tertunda tercetak sendiri." if status.papers_owed else ""
        say("look" if owed else "ok", "struk", f"{dotted(status.papers_owed)} belum tercetak", owed)
        doubt = "Buka kasir dan selesaikan di Layanan." if status.in_doubt else ""
        say("look" if doubt else "ok", "penarikan belum pasti", f"{status.in_doubt}", doubt)
        _examine_devices(bench_of(app), tries, say, tell)
        _examine_copies(app, say)
        _examine_city(config, app, say)
        _examine_version(app, say)
    except PosError as error:
        said = trouble_of(error)
        say("stop", "perangkat", f"{said.happened} {error.detail}".strip(), said.now)
    finally:
        app.stop()


def _examine_bare_devices(
    config: KioskConfig,
    folder: Path,
    tries: Collection[str],
    say: Callable[..., None],
    tell: Callable[[str], None],
) -> None:
    """Those of config.toml, for who installs them before the kiosk is enrolled."""
    from ewarung_pos.kiosk.device_trial import bench_without_ledger
    from ewarung_pos.ui.text import trouble_of

    try:
        with bench_without_ledger(config, folder) as bench:
            _examine_devices(bench, tries, say, tell)
    except PosError as error:
        said = trouble_of(error)
        what = "EDC" if error.reason.startswith("vendor_key") else "perangkat"
        say("stop", what, f"{said.happened} {error.detail}".strip(), said.now)


def _examine_devices(
    bench: Bench, tries: Collection[str], say: Callable[..., None], tell: Callable[[str], None]
) -> None:
    """What was seen of reader, EDC and printer; those in `tries` are really used."""
    from ewarung_pos.devices.escpos_bytes import read_logo
    from ewarung_pos.kiosk.device_trial import looked_at, tried
    from ewarung_pos.ui.text_devices import LOGO_UNREADABLE, NO_WORDS, TYPES_HERE

    for name, what in (("card", "pembaca kartu"), ("edc", "EDC"), ("print", "printer")):
        seen = looked_at(name, bench)
        say(seen.state, what, seen.seen, seen.do)
        if name in tries and seen != TYPES_HERE:  # else the number would be typed into whatever runs this
            seen = tried(name, bench, tell)
            say(seen.state, f"uji {what}", seen.seen, seen.do)
    printer = bench.config.receipt_printer
    if printer.logo and read_logo(Path(printer.logo), printer.columns) is None:
        say("look", "logo struk", LOGO_UNREADABLE.seen, LOGO_UNREADABLE.do)
    if unused := _unused(printer):
        say("look", "pengaturan printer", f"{unused}: hanya untuk ESC/POS, di sini tidak dipakai.", UNUSED_DO)
    terminal = bench.config.payment_terminal
    if terminal.driver == "poselink" and not terminal.not_found:
        say("look", "EDC, penarikan batal", NO_WORDS.seen, NO_WORDS.do)
    voice = bench.config.kiosk.voice
    if voice != "off":
        there = shutil.which(voice) is not None
        told = "ada" if there else f"program {voice} tidak ada"
        say("ok" if there else "look", "suara", told, "" if there else f"Pasang paket {voice}.")


def _unused(printer: PrinterConfig) -> str:
    """What is set of a printer that gets PDF, and of which a PDF knows nothing: its driver cuts, kicks and draws."""
    if printer.driver not in {"pdf", "cups"} or (printer.driver == "cups" and printer.raw):
        return ""
    bare = PrinterConfig()
    keys = ("profile", "code_page", "cut", "drawer", "logo")
    return ", ".join(key for key in keys if getattr(printer, key) != getattr(bare, key))


def _examine_city(config: KioskConfig, app: Application, say: Callable[..., None]) -> None:
    from ewarung_pos.ui.text import trouble

    if not config.city.url:
        say("look", "kota", "Alamat kota belum diatur.", "Isi url di bagian [city] dalam config.toml.")
        return
    step = app.services.city.step()
    if step.code:
        said = trouble(step.code, step.reason)
        say("look", "kota", f"{said.happened} {dotted(step.unsent)} catatan belum terkirim.", said.now)
    else:
        say("ok", "kota", f"Kota menjawab; {dotted(step.unsent)} catatan belum terkirim.")


def _examine_version(app: Application, say: Callable[..., None]) -> None:
    """After the city was asked, where there is a line to it."""
    from ewarung_pos.ui.text_city import SERVE_ON, old_version

    install = app.services.health.status().upgrade
    if install:
        say("look", "versi", f"{old_version(install)} Yang terpasang: {__version__}.", SERVE_ON)
    else:
        say("ok", "versi", __version__)


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
