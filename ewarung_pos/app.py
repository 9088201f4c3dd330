"""The composition root: the only module that knows every concrete class. Plain constructor calls, start and stop."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from ewarung_pos.config import CardReaderConfig, ConfigFile, KioskConfig, PrinterConfig, TerminalConfig, printer_address
from ewarung_pos.devices.absent import NoCardReader
from ewarung_pos.devices.keyboard import TypedLine
from ewarung_pos.devices.old_papers import drop_papers
from ewarung_pos.devices.search import MachineSearch
from ewarung_pos.devices.voice import EspeakVoice, SilentVoice
from ewarung_pos.errors import ConfigError
from ewarung_pos.ledger.copies import LedgerCopies
from ewarung_pos.ledger.database import open_ledger
from ewarung_pos.ledger.keys import LedgerKey, key_of
from ewarung_pos.ports import (
    CardReader,
    CityStick,
    CitySync,
    Clock,
    Ledger,
    PaymentTerminal,
    ReceiptPrinter,
    TaskRunner,
)
from ewarung_pos.services.clockwork import ClockService
from ewarung_pos.services.day import DayService
from ewarung_pos.services.hardship import HardshipService
from ewarung_pos.services.health import HealthService
from ewarung_pos.services.leftovers import LeftoverService
from ewarung_pos.services.operators import OperatorService
from ewarung_pos.services.printing import PaperService
from ewarung_pos.services.redeem import RedeemService
from ewarung_pos.services.retention import RetentionService
from ewarung_pos.services.reverse import ReverseService
from ewarung_pos.services.stock import StockService
from ewarung_pos.services.typed_card import TypedCardService
from ewarung_pos.ui.viewmodels.till import TillViewModels
from ewarung_pos.ui.viewmodels.till_services import Services

if TYPE_CHECKING:
    from ewarung_pos.devices.cups import CupsPrinter
    from ewarung_pos.devices.escpos_bytes import Fittings

__all__ = [
    "POSELINK_KEY",
    "Application",
    "backup_directory",
    "build",
    "counter_devices",
    "paper_files",
    "receipt_printer",
    "typed_in_the_window",
]

POSELINK_KEY = "poselink.key"


@dataclass(frozen=True)
class Application:
    """A till put together. `stop` ends it in the right order and may be called twice."""

    config: KioskConfig
    data_dir: Path
    services: Services
    runner: TaskRunner
    till: TillViewModels
    closers: tuple[Callable[[], None], ...]
    swiped: Callable[[str], None] | None = None
    """Takes what a stripe reader typed in the window; None where keys are not looked at."""

    def start(self) -> None:
        """Attempts that were under way when the machine died become IN DOUBT; then the screens begin."""
        self.services.redeem.recover()
        self.till.start()

    def stop(self) -> None:
        """Timers, then lanes, then devices, then the ledger."""
        self.till.stop()
        for close in self.closers:
            close()


def backup_directory(config: KioskConfig, data_dir: Path) -> Path:
    """Where copies of the ledger go: the configured place, or `backup/` beside it, on the same disk."""
    return Path(config.paths.backup) if config.paths.backup else data_dir / "backup"


def build(
    config: KioskConfig,
    data_dir: Path,
    clock: Clock,
    runner: TaskRunner,
    *,
    close_runner: Callable[[], None],
    timers: Collection[object] = (),
    poll_ms: int = 200,
    key: LedgerKey | None = None,
    config_file: Path | None = None,
) -> Application:
    """Put a till together on an existing ledger.

    Args:
        config: validated configuration.
        data_dir: has `ledger.db` (and its key, per the ladder).
        clock: time and identifiers.
        runner: lanes; `close_runner` ends them.
        timers: of the sandbox, for each driver by its class (EcrTimers, PoseLinkTimers); else the driver's own.
        poll_ms: longest single wait for a card on the terminal's lane.
        config_file: where the configuration stands; None for beside the ledger.
        key: of the ledger; None takes it from a rung that needs nobody.

    Raises:
        ConfigError: the configuration does not fit this machine.
        LedgerError: the ledger cannot be used; nothing was changed.
    """
    key = key or key_of(data_dir)
    ledger = open_ledger(data_dir, key.secret, clock)
    typed = TypedLine() if typed_in_the_window(config.card_reader) else None
    reader, terminal = counter_devices(config, data_dir, lambda: _secret(ledger, "card_key"), timers, typed)
    printer = receipt_printer(config, data_dir)
    city, close_city = _city(config, ledger, clock)
    stick = _stick(config, ledger, clock, data_dir)
    copies = LedgerCopies(
        data_dir,
        backup_directory(config, data_dir),
        own=not config.paths.backup,
        reader=ledger.read,
        key=key.secret,
    )

    def offset_ms() -> int | None:
        return ledger.read().clock().ahead_ms(clock.now())

    stock = StockService(ledger)
    operators = OperatorService(ledger, clock, key.peppers)
    services = Services(
        ledger=ledger,
        clock=clock,
        redeem=RedeemService(ledger, clock, offset_ms),
        reverse=ReverseService(ledger, clock),
        day=DayService(ledger, clock, stock, offset_ms),
        stock=stock,
        operators=operators,
        typed=TypedCardService(ledger, operators),
        hardship=HardshipService(ledger, clock, offset_ms),
        leftovers=LeftoverService(ledger, clock, offset_ms),
        papers=PaperService(ledger),
        health=HealthService(ledger, clock, offset_ms, key.tier),
        retention=RetentionService(ledger, config.policy.retention_months, partial(drop_papers, data_dir)),
        clocks=ClockService(ledger, clock, offset_ms),
        reader=reader,
        terminal=terminal,
        printer=printer,
        files=paper_files(config, data_dir),
        search=MachineSearch(),
        voice=EspeakVoice() if config.kiosk.voice == "espeak-ng" else SilentVoice(),
        settings=ConfigFile(config_file or data_dir / "config.toml"),
        city=city,
        stick=stick,
        copies=copies,
        poll_ms=poll_ms,
        response_seconds=config.payment_terminal.response_seconds,
    )
    closers = [close_runner, copies.close, reader.close, printer.close, close_city, ledger.close]
    if terminal is not None:
        closers.insert(3, terminal.close)
    swiped = typed.offer if typed is not None else _not_asked
    return Application(config, data_dir, services, runner, TillViewModels(services, runner), tuple(closers), swiped)


def typed_in_the_window(card: CardReaderConfig) -> bool:
    """Whether the card reader's keys come to the till's window, as those of any keyboard."""
    return card.driver == "stripe-keyboard" and not card.port


def _not_asked(_: str) -> None:
    """A swipe that nobody asked for: of a reader that is grabbed while a card is wanted, or that is not the till's."""


def counter_devices(
    config: KioskConfig,
    data_dir: Path,
    card_key: Callable[[], bytes],
    timers: Collection[object] = (),
    typed: TypedLine | None = None,
) -> tuple[CardReader, PaymentTerminal | None]:
    """Reader and terminal; one line when one box plays both.

    Raises:
        ConfigError: the configuration does not fit this machine.
    """
    from ewarung_pos.devices.ecr import EcrLine
    from ewarung_pos.devices.ecr_reader import EcrCardReader
    from ewarung_pos.devices.ecr_site import EcrSite, EcrTimers
    from ewarung_pos.devices.ecr_terminal import EcrTerminal
    from ewarung_pos.devices.transport import SerialTransport

    card, pay = config.card_reader, config.payment_terminal
    site = EcrSite(
        version=pay.version,
        card_info_type=card.card_info_type,
        query_type=pay.inquiry_type,
        fence=pay.fence,
        quiet_s=float(pay.quiet_seconds),
        check_last4=pay.check_last4,
        merchant=pay.merchant,
        terminal=pay.terminal,
    )
    configured = EcrTimers(
        ack=float(pay.ack_seconds),
        gap=pay.gap_ms / 1000,
        response=float(pay.response_seconds),
        query=float(pay.query_seconds),
        echo=float(pay.echo_seconds),
        repeat=float(pay.repeat_seconds),
    )
    ecr_timers = next((one for one in timers if isinstance(one, EcrTimers)), configured)

    shared = None
    if card.driver == "ecr":
        shared = EcrLine(SerialTransport(card.port, card.baudrate, card.parity), ecr_timers, site)
    reader = EcrCardReader(shared, card_key) if shared is not None else _own_reader(card, card_key, typed)
    if pay.driver == "none":
        return reader, None
    if pay.driver == "poselink":
        return reader, _poselink(pay, config.kiosk.id, data_dir, timers)
    if shared is not None and pay.port in {"", card.port}:
        return reader, EcrTerminal(shared)
    # What is not said of its line is as at the EDC that reads the cards: another reader's speed is none of its own.
    edc = card if card.driver == "ecr" else CardReaderConfig()
    transport = SerialTransport(pay.port, pay.baudrate or edc.baudrate, pay.parity or edc.parity)
    return reader, EcrTerminal(EcrLine(transport, ecr_timers, site))


def _poselink(pay: TerminalConfig, kiosk: str, data_dir: Path, timers: Collection[object]) -> PaymentTerminal:
    """A BRI EDC on the network."""
    from ewarung_pos.devices.poselink import PoseLinkTerminal
    from ewarung_pos.devices.poselink_line import PoseLine, PoseLinkSite, PoseLinkTimers
    from ewarung_pos.devices.wss import WssLink

    site = PoseLinkSite(_vendor_key(Path(pay.key_file or data_dir / POSELINK_KEY)), kiosk, pay.not_found)
    ours = (one for one in timers if isinstance(one, PoseLinkTimers))
    line = PoseLine(
        WssLink(pay.url, pay.certificate), site, next(ours, PoseLinkTimers(response=float(pay.response_seconds)))
    )
    return PoseLinkTerminal(line)


def _vendor_key(file: Path) -> str:
    """What the EDC's vendor issued. It stands in a file of its own, so that the configuration can be shown to anybody.

    Raises:
        ConfigError: no such file or nothing in it (`vendor_key`), or readable by others (`vendor_key_exposed`).
    """
    try:
        mode = file.stat().st_mode & 0o777
        key = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"payment_terminal.key_file: {str(file)!r}, seharusnya berkas berisi kunci dari bank", reason="vendor_key"
        ) from error
    if os.name == "posix" and mode & 0o077:
        raise ConfigError(
            f"payment_terminal.key_file: {str(file)!r}, izinnya {mode:03o}, seharusnya 600", reason="vendor_key_exposed"
        )
    if not key:
        raise ConfigError(f"payment_terminal.key_file: {str(file)!r}, seharusnya tidak kosong", reason="vendor_key")
    return key


def _own_reader(card: CardReaderConfig, card_key: Callable[[], bytes], typed: TypedLine | None) -> CardReader:
    """The reader that is not the EDC, or none."""
    from ewarung_pos.devices.keyboard import GrabbedKeyboard
    from ewarung_pos.devices.pcsc import PcscCardReader
    from ewarung_pos.devices.stripe import StripeCardReader
    from ewarung_pos.devices.transport import SerialTransport

    match card.driver:
        case "pcsc":
            return PcscCardReader(card.port, card_key)
        case "stripe-serial":
            return StripeCardReader(SerialTransport(card.port, card.baudrate, card.parity), card_key)
        case "stripe-keyboard":
            return StripeCardReader(typed or GrabbedKeyboard(card.port), card_key)
        case _:
            return NoCardReader()


def _secret(ledger: Ledger, name: str) -> bytes:
    key = ledger.read().secret(name)
    if key is None:
        raise ConfigError(f"no {name}: enrol this kiosk first", reason="not_enrolled")
    return key


def paper_files(config: KioskConfig, data_dir: Path) -> ReceiptPrinter:
    """Papers as PDF, as wide as the printer's."""
    from ewarung_pos.devices.pdf import PdfPrinter

    return PdfPrinter(data_dir / "papers", 58 if config.receipt_printer.columns == 32 else 80)


def receipt_printer(config: KioskConfig, data_dir: Path) -> ReceiptPrinter:
    """The configured printer; what an ESC/POS printer prints is filed as PDF too.

    Raises:
        ConfigError: the printer's profile does not fit the columns, or lacks the code page.
    """
    from ewarung_pos.devices.escpos import EscposPrinter, Pace
    from ewarung_pos.devices.escpos_bytes import Fittings, profile_of
    from ewarung_pos.devices.filed import FiledPrinter
    from ewarung_pos.devices.plugged import usb_name
    from ewarung_pos.devices.printer_links import network, serial_port, usb_device, usb_file

    printer = config.receipt_printer
    archive = paper_files(config, data_dir)
    if printer.driver == "pdf":
        return archive
    logo = Path(printer.logo) if printer.logo else None
    fittings = Fittings(printer.code_page, printer.cut, printer.drawer, logo)
    if printer.driver == "cups":
        return FiledPrinter(_queue(printer, data_dir, fittings), archive)
    if printer.driver == "escpos-network":
        connect = network(*printer_address(printer.port))
    elif printer.driver == "escpos-usb":
        name = usb_name(printer.port)
        connect = usb_device(name) if name is not None else usb_file(printer.port)
    else:
        connect = serial_port(printer.port, printer.baudrate, printer.flow)
    pace = Pace(chunk=printer.chunk or Pace().chunk, pause=printer.pause_ms / 1000, settle=printer.settle_ms / 1000)
    profile_of(printer.columns, printer.profile, printer.code_page)  # now, and not when a family waits for its paper
    escpos = EscposPrinter(connect, printer.columns, data_dir / "print", printer.profile, pace, fittings)
    return FiledPrinter(escpos, archive)


def _queue(printer: PrinterConfig, data_dir: Path, fittings: Fittings) -> CupsPrinter:
    from ewarung_pos.devices.cups import CupsPrinter
    from ewarung_pos.devices.cups_sheets import pdf_sheet, raw_sheet

    if printer.raw:
        sheet = raw_sheet(printer.columns, data_dir / "print", printer.profile, fittings)
    else:
        sheet = pdf_sheet(58 if printer.columns == 32 else 80)
    return CupsPrinter(printer.port, printer.columns, sheet)


class _Later:
    """Stands in for a part until one of its methods is called: only then is it imported and made, once."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._guard = Lock()
        self._made: Any = None

    def __getattr__(self, name: str) -> Callable[..., object]:
        def called(*given: object, **named: object) -> object:
            with self._guard:
                if self._made is None:
                    self._made = self._make()
            return getattr(self._made, name)(*given, **named)

        return called

    def close(self) -> None:
        """What was never made has nothing to close."""
        if self._made is not None:
            self._made.close()


def _city(config: KioskConfig, ledger: Ledger, clock: Clock) -> tuple[CitySync, Callable[[], None]]:
    """The line to the city, which the first window does without."""

    def make() -> CitySync:
        from ewarung_pos.sync.engine import SyncEngine

        return SyncEngine(ledger, clock, config.city.url, config.city.ca)

    city = _Later(make)
    return cast("CitySync", city), city.close


def _stick(config: KioskConfig, ledger: Ledger, clock: Clock, data_dir: Path) -> CityStick:
    """The same on a stick."""

    def make() -> CityStick:
        from ewarung_pos.devices.sticks import mounted_sticks
        from ewarung_pos.sync.stick import Stick

        return Stick(ledger, clock, data_dir, lambda: mounted_sticks(config.paths.stick))

    return cast("CityStick", _Later(make))
