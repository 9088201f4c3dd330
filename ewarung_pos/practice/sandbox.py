"""The sandbox around a practice till: an embedded city, a simulated EDC on a real pseudo-terminal, a printer on a port.

Everything is a process or a socket of its own on this machine; the till speaks to each over its real wire.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from ewarung_pos.clock import SystemClock
from ewarung_pos.config import (
    CardReaderConfig,
    CityConfig,
    KioskConfig,
    KioskSection,
    PrinterConfig,
    TerminalConfig,
    write_config,
)
from ewarung_pos.devices.durable import replace_durably
from ewarung_pos.devices.ecr import EcrLine
from ewarung_pos.devices.ecr_site import EcrTimers
from ewarung_pos.devices.poselink_line import PoseLinkTimers
from ewarung_pos.devices.simulated import edc, tray
from ewarung_pos.devices.simulated.edc_bank import TERMINAL
from ewarung_pos.devices.simulated.printer import SimulatedPrinter
from ewarung_pos.devices.transport import SerialTransport
from ewarung_pos.errors import ConfigError, DeviceUnavailable
from ewarung_pos.kiosk.enrolment import city_option, enrol_into
from ewarung_pos.ports import PracticeTray
from ewarung_pos.practice.cards import sample_file
from ewarung_pos.practice.network_edc import TwoBoxes, look_at_poselink, poselink_settings
from ewarung_pos.sync.embedded import EmbeddedCity

__all__ = ["KIOSK", "Sandbox"]

KIOSK = "EW-0001"
CARD_INFO_TYPE = "40"
INQUIRY_TYPE = "33"
LEAVING_S = 5.0
LOST_AFTER_S = 3
"""Who practises with hands need not wait 120 s, as at a counter, until an answer counts as lost: its line breaks."""
ECHOES = 3
_ECR_TIMERS = EcrTimers(ack=1.0, response=4.0, query=4.0, echo=2.0, repeat=1.5)
_POSELINK_TIMERS = PoseLinkTimers(ping=2.0, accept=2.0, response=4.0, query=4.0, again=0.05)


class Sandbox:
    """Context manager: started and enrolled on entry, all stopped on exit, whatever happened.

    Attributes:
        config: configuration of the practice till.
        tray: the hands in front of the simulated EDC; None with a foreign EDC.
        edc_before: rupiah that the EDC had moved before this data directory began.
        timers: of both drivers, shorter than on a counter, since nobody is slow here; none with a person at it.
    """

    def __init__(self, folder: Path, *, edc: str, city: str, code: str, seed: int, face: bool) -> None:
        self._folder = folder
        self._edc = edc
        self._city = city
        self._code = code
        self._seed = seed
        self._face = face
        self._stack = ExitStack()
        self.tray: PracticeTray | None = None
        self.edc_before = 0
        self.config = KioskConfig()
        self.timers: tuple[object, ...] = () if face else (_ECR_TIMERS, _POSELINK_TIMERS)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start(self) -> None:
        pays = look_at_poselink(self._edc, _POSELINK_TIMERS) if self._edc.startswith("wss://") else None
        if self._edc and pays is None:
            _look_at(self._edc, _ECR_TIMERS)
        url, code = self._start_city()
        edc_url = self._edc if self._edc and pays is None else self._start_edc()
        own = edc_url != self._edc
        self.tray = _connect_tray(edc_url, own=own)
        agreed = TERMINAL if own else ""
        terminal = TerminalConfig(driver="ecr", port=edc_url, inquiry_type=INQUIRY_TYPE, terminal=agreed)
        if pays is not None and self.tray is not None:
            self.tray = TwoBoxes(self.tray, pays)
            terminal = poselink_settings(self._edc, self._folder)
        self.edc_before = self._moved_before()
        printer = SimulatedPrinter()
        self._stack.callback(printer.stop)
        host, port = printer.address
        self.config = KioskConfig(
            kiosk=KioskSection(id=KIOSK),
            city=CityConfig(url=url),
            card_reader=CardReaderConfig(driver="ecr", port=edc_url, card_info_type=CARD_INFO_TYPE),
            payment_terminal=terminal,
            receipt_printer=PrinterConfig(driver="escpos-network", port=f"{host}:{port}"),
        )
        if not (self._folder / "ledger.db").exists():
            enrol_into(self._folder, url, code, SystemClock(), practice=True)
        write_config(self.config, self._folder / "config.toml")

    def _start_city(self) -> tuple[str, str]:
        """URL, and the code for a till that is not enrolled yet."""
        if self._city:
            city_option(self._city)
            if not self._code and not (self._folder / "ledger.db").exists():
                raise ConfigError(
                    "--code: kosong, seharusnya kode dari kota untuk folder data yang baru", reason="code"
                )
            return self._city, self._code
        city = self._stack.enter_context(
            EmbeddedCity(self._folder / "city", kiosk=KIOSK, log=self._folder / "log" / "city.log")
        )
        return city.url, city.code

    def _start_edc(self) -> str:
        """A simulator of our own; one whose till was killed a moment ago leaves first."""
        link = self._folder / "edc"
        deadline = time.monotonic() + LEAVING_S
        while tray.connect(str(link)) is not None and time.monotonic() < deadline:
            time.sleep(0.1)
        process = edc.spawn(
            pty=link,
            families=sample_file("families.csv"),
            pin="face" if self._face else "auto",
            journal=self._folder / "edc-journal.jsonl",
            seed=self._seed,
            lost_after=LOST_AFTER_S if self._face else None,
        )
        self._stack.callback(process.stop)
        return process.url

    def _moved_before(self) -> int:
        """What the EDC had moved before this data directory began; kept beside the ledger for `--resume`."""
        if self.tray is None:
            return 0
        note = self._folder / "edc-before.json"
        if (self._folder / "ledger.db").exists():
            return int(json.loads(note.read_text(encoding="utf-8"))) if note.exists() else 0
        said = self.tray.totals()
        before = said["approved"] - said["voided"]
        replace_durably(note, json.dumps(before).encode())  # before the ledger: it is looked for when that is there
        return before


def _look_at(url: str, timers: EcrTimers) -> None:
    """Whether an EDC answers there, before anything is begun.

    Raises:
        ConfigError: it does not; nothing was made.
    """
    line = EcrLine(SerialTransport(url), timers)
    try:
        line.ensure_open()
        if not any(line.fence() for _ in range(ECHOES)):
            raise DeviceUnavailable(reason="no_answer")
    except (DeviceUnavailable, ConfigError) as error:
        why = {
            "port": "port semacam itu tidak dikenal",
            "no_port": "tidak ada port di sana",
            "in_use": "dipakai program lain",
            "no_permission": "tidak boleh dibuka pengguna ini",
        }.get(error.reason, "tidak ada EDC yang menjawab di sana")
        raise ConfigError(
            f"--edc: {url!r}, {why}; seharusnya port sebuah EDC, seperti /dev/ttyACM0 atau socket://127.0.0.1:7002",
            reason="edc",
        ) from error
    finally:
        line.close()


def _connect_tray(url: str, *, own: bool) -> PracticeTray | None:
    deadline = time.monotonic() + 3.0
    while True:
        found = tray.connect(url)
        if found is not None or not own:
            return found
        if time.monotonic() > deadline:
            raise DeviceUnavailable("the simulated EDC's tray does not answer", reason="simulator")
        time.sleep(0.05)
