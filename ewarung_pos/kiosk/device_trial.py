"""Reader, EDC and printer of a kiosk: looked at, and tried with a card, an echo test and a page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from ewarung_pos.app import Application, typed_in_the_window
from ewarung_pos.clock import SystemClock
from ewarung_pos.config import ConfigFile, KioskConfig
from ewarung_pos.devices.search import MachineSearch
from ewarung_pos.errors import DeviceError, PosError
from ewarung_pos.kiosk.directory import data_directory
from ewarung_pos.ports import FoundDevice, Setting
from ewarung_pos.services.proposal import propose
from ewarung_pos.ui.text_devices import (
    NO_CARD,
    NO_READER,
    NO_TERMINAL,
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

__all__ = ["CARD_S", "looked_at", "proposal", "proposed_lines", "tried"]

CARD_S = 20.0
"""How long a card is waited for."""
_POLL_MS = 200


def looked_at(name: str, config: KioskConfig, app: Application) -> Seen:
    """What is there, without a card, a page or money: `name` is card, edc or print."""
    services = app.services
    if name == "print":
        return printer_seen(services.printer.status())
    if name == "edc":
        if services.terminal is None:
            return NO_TERMINAL
        services.reader.release()
        return edc_seen(services.terminal.diagnose())
    if config.card_reader.driver == "none":
        return NO_READER
    if typed_in_the_window(config.card_reader):
        return TYPES_HERE
    return reader_seen(services.reader.source, services.reader.diagnose())


def tried(name: str, app: Application, tell: Callable[[str], None]) -> Seen:
    """Use it: wait for a card, ask for an echo, print a page. `tell` hears what a person must do meanwhile."""
    services = app.services
    try:
        if name == "print":
            return paper_seen(services.papers.try_out(services.printer, SystemClock().now().wall.ms))
        if name == "edc":
            if services.terminal is None:
                return NO_TERMINAL
            services.reader.release()
            return edc_seen(services.terminal.diagnose())
        if not services.reader.source:
            return NO_READER
        tell(f"Masukkan atau gesek satu kartu dalam {CARD_S:.0f} detik.")
        return _card(app)
    except PosError as error:
        return failed(error)


def _card(app: Application) -> Seen:
    """The first card that comes; one that fails is told unless another follows in time."""
    until, seen = time.monotonic() + CARD_S, NO_CARD
    while time.monotonic() < until:
        try:
            card = app.services.reader.poll(_POLL_MS)
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
    """The lines for config.toml, guesses commented out; and what to say about them to a person."""
    lines: list[str] = []
    for section in dict.fromkeys(setting.section for setting in settings):
        ours = [setting for setting in settings if setting.section == section]
        sure = all(setting.sure for setting in ours)
        mark = "" if sure else "# "
        if not sure:
            lines.append("# Dugaan: buang tanda # bila benar.")
        lines.append(f"{mark}[{section}]")
        lines += [f"{mark}{setting.key} = {json.dumps(setting.value, ensure_ascii=False)}" for setting in ours]
        lines.append("")
    said = [f"Ditemukan: {device_words(each)}" for each in found] or ["Tidak ada perangkat yang ditemukan."]
    said.append(f"Salin baris ini ke {file}." if lines else "Tidak ada yang bisa diusulkan.")
    return "\n".join(lines), said
