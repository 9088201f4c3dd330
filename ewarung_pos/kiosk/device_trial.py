"""Reader, EDC and printer of a kiosk: looked at, and tried with a card, an echo test and a page."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from ewarung_pos.app import Application, counter_devices, receipt_printer, typed_in_the_window
from ewarung_pos.clock import SystemClock
from ewarung_pos.config import ConfigFile, KioskConfig
from ewarung_pos.devices.keyboard import TypedLine
from ewarung_pos.devices.search import MachineSearch
from ewarung_pos.domain.trial_page import trial_page
from ewarung_pos.errors import DeviceError, PosError
from ewarung_pos.kiosk.directory import data_directory
from ewarung_pos.ports import (
    CardReader,
    FoundDevice,
    PaymentTerminal,
    PrintReport,
    ReceiptPrinter,
    Setting,
)
from ewarung_pos.services.proposal import propose
from ewarung_pos.ui.text_devices import (
    NO_CARD,
    READER_NONE,
    TERMINAL_NONE,
    TYPES_HERE,
    Seen,
    card_seen,
    device_words,
    edc_seen,
    failed,
    paper_seen,
    printer_seen,
    reader_seen,
)

__all__ = ["CARD_S", "Bench", "bench_of", "bench_without_ledger", "looked_at", "proposal", "proposed_lines", "tried"]

CARD_S = 20.0
"""How long a card is waited for."""
_POLL_MS = 200


class Bench(NamedTuple):
    """The devices of a till that are tried. `page` prints the page that shows whether the printer is set up right."""

    config: KioskConfig
    reader: CardReader
    terminal: PaymentTerminal | None
    printer: ReceiptPrinter
    page: Callable[[], PrintReport]


def bench_of(app: Application) -> Bench:
    """Those of a till that was put together."""
    services = app.services

    def page() -> PrintReport:
        return services.papers.try_out(services.printer, SystemClock().now().wall.ms)

    return Bench(app.config, services.reader, services.terminal, services.printer, page)


@contextlib.contextmanager
def bench_without_ledger(config: KioskConfig, folder: Path) -> Iterator[Bench]:
    """Those of config.toml alone, before the kiosk is enrolled; what a card is called here is forgotten at the end.

    Raises:
        ConfigError: the configuration does not fit this machine.
    """
    key = secrets.token_bytes(32)
    typed = TypedLine() if typed_in_the_window(config.card_reader) else None
    reader, terminal = counter_devices(config, folder, lambda: key, typed=typed)
    printer = receipt_printer(config, folder)

    def page() -> PrintReport:
        return printer.print(trial_page(None, printer.columns, SystemClock().now().wall.ms))

    try:
        yield Bench(config, reader, terminal, printer, page)
    finally:
        reader.close()
        if terminal is not None:
            terminal.close()
        printer.close()


def looked_at(name: str, services: Bench) -> Seen:
    """What is there, without a card, a page or money: `name` is card, edc or print."""
    config = services.config
    if name == "print":
        return printer_seen(services.printer.status())
    if name == "edc":
        if services.terminal is None:
            return TERMINAL_NONE
        services.reader.release()
        return edc_seen(services.terminal.diagnose())
    if config.card_reader.driver == "none":
        return READER_NONE
    if typed_in_the_window(config.card_reader):
        return TYPES_HERE
    return reader_seen(services.reader.source, services.reader.diagnose())


def tried(name: str, services: Bench, tell: Callable[[str], None]) -> Seen:
    """Use it: wait for a card, ask for an echo, print a page. `tell` hears what a person must do meanwhile."""
    try:
        if name == "print":
            return paper_seen(services.page())
        if name == "edc":
            if services.terminal is None:
                return TERMINAL_NONE
            services.reader.release()
            return edc_seen(services.terminal.diagnose())
        if not services.reader.source:
            return READER_NONE
        tell(f"Masukkan atau gesek satu kartu dalam {CARD_S:.0f} detik.")
        return _card(services.reader)
    except PosError as error:
        return failed(error)


def _card(reader: CardReader) -> Seen:
    """The first card that comes; one that fails is told unless another follows in time."""
    until, seen = time.monotonic() + CARD_S, NO_CARD
    while time.monotonic() < until:
        try:
            card = reader.poll(_POLL_MS)
        except DeviceError as error:
            seen = failed(error)
            time.sleep(_POLL_MS / 1000)
        else:
            if card is not None:
                return card_seen(card)
    return seen


def proposal(data_dir: str | None) -> tuple[tuple[FoundDevice, ...], tuple[Setting, ...]]:
    """What is plugged in or reachable here, and the settings that follow for what is not set up yet.

    Raises:
        ConfigError: config.toml cannot be used.
    """
    found = MachineSearch().look()
    return found, propose(found, ConfigFile(data_directory(data_dir) / "config.toml").set_up())


def proposed_lines(found: tuple[FoundDevice, ...], settings: tuple[Setting, ...], file: Path) -> tuple[str, list[str]]:
    """The lines to put behind config.toml, and what to say about them to a person.

    Guesses are commented out, and so is what belongs into a section that stands in the file already.

    Raises:
        ConfigError: config.toml cannot be read.
    """
    lines: list[str] = []
    written = ConfigFile(file).written()
    for section in dict.fromkeys(setting.section for setting in settings):
        ours = [setting for setting in settings if setting.section == section]
        sure = all(setting.sure for setting in ours)
        mark = "" if sure and section not in written else "# "
        if not sure:
            lines.append("# Dugaan: buang tanda # bila benar.")
        if section in written:
            lines.append(f"# Bagian [{section}] sudah ada di atas: isi di sana.")
        lines.append(f"{mark}[{section}]")
        lines += [f"{mark}{setting.key} = {json.dumps(setting.value, ensure_ascii=False)}" for setting in ours]
        lines.append("")
    said = [f"Ditemukan: {device_words(each)}" for each in found] or ["Tidak ada perangkat yang ditemukan."]
    said.append(f"Salin baris ini ke {file}." if lines else "Tidak ada yang bisa diusulkan.")
    if lines and written:
        lines.insert(0, "")  # the last line there need not have an end
    return "\n".join(lines), said
