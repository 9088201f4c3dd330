"""A practice with an EDC on the network (POSe Link): it moves the money, and the sandbox's own EDC reads the cards.

POSe Link has no question that only reads a card. On a counter another reader does that; here it is the simulated EDC
that every practice has, and whoever puts a card in puts it into both.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from ewarung_pos.app import POSELINK_KEY
from ewarung_pos.config import TerminalConfig
from ewarung_pos.devices.poselink import PoseLinkTerminal
from ewarung_pos.devices.poselink_line import PoseLine, PoseLinkSite, PoseLinkTimers
from ewarung_pos.devices.simulated import poselink_messages, tray
from ewarung_pos.devices.wss import WssLink
from ewarung_pos.errors import ConfigError
from ewarung_pos.ports import DeviceState, PracticeTray

__all__ = ["TwoBoxes", "look_at_poselink", "poselink_settings"]


class TwoBoxes:
    """`PracticeTray` in front of a box that reads and a box that pays."""

    def __init__(self, reads: PracticeTray, pays: PracticeTray) -> None:
        self._reads = reads
        self._pays = pays

    def cards(self) -> tuple[tuple[str, str], ...]:
        return self._pays.cards()

    def insert(self, row: str) -> None:
        """Into both, the paying one first: the sale comes when the other has read it."""
        self._pays.insert(row)
        self._reads.insert(row)

    def next_sale(self, what: str) -> None:
        self._pays.next_sale(what)

    def face(self) -> Mapping[str, Any]:
        return self._pays.face()

    def press(self, key: str) -> None:
        self._pays.press(key)

    def slip(self, attempt_amount: int) -> Mapping[str, Any] | None:
        return self._pays.slip(attempt_amount)

    def void(self, invoice: str) -> str:
        return self._pays.void(invoice)

    def totals(self) -> Mapping[str, int]:
        return self._pays.totals()


def look_at_poselink(edc: str, timers: PoseLinkTimers) -> PracticeTray:
    """The hands of an EDC that answers at `wss://HOST:PORT#FINGERPRINT` and understands us, before anything is begun.

    Raises:
        ConfigError: it does not, or has no tray: nobody could put the same card into it. Nothing was made.
    """
    try:
        line = PoseLine(_link(edc), PoseLinkSite(poselink_messages.SECRET, "latihan"), timers)
    except ConfigError as error:
        raise _refused(edc, "alamat atau sidik jari tidak lengkap") from error
    with closing(PoseLinkTerminal(line)) as terminal:
        found = terminal.diagnose()
    if found.state not in {DeviceState.READY, DeviceState.BUSY}:
        why = {
            "no_host": "tidak ada yang menjawab di sana",
            "certificate": f"sertifikat di sana lain: {found.detail}",
            "not_understood": "EDC di sana tidak memakai kunci latihan",
        }
        raise _refused(edc, why.get(found.reason, "tidak ada EDC yang menjawab di sana"))
    hands = tray.connect(edc)
    if hands is None:
        raise _refused(edc, "EDC di sana tanpa nampan latihan")
    return hands


def poselink_settings(edc: str, folder: Path) -> TerminalConfig:
    """The configuration of that EDC, with the sandbox's key in the data folder."""
    url, _, certificate = edc.partition("#")
    key = folder / POSELINK_KEY
    key.touch(mode=0o600)
    key.write_text(poselink_messages.SECRET + "\n", encoding="utf-8")
    return TerminalConfig(driver="poselink", url=url, certificate=certificate, not_found=poselink_messages.NOT_FOUND)


def _link(edc: str) -> WssLink:
    url, _, fingerprint = edc.partition("#")
    return WssLink(url, fingerprint)


def _refused(edc: str, why: str) -> ConfigError:
    return ConfigError(
        f"--edc: {edc!r}, {why}; seharusnya wss://HOST:PORT#SIDIK_JARI dari `simulate-edc --listen wss://...`",
        reason="edc",
    )
