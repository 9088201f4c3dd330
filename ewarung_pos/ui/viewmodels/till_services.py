"""What one till is made of, as its screens need it."""

from __future__ import annotations

import msgspec

from ewarung_pos.ports import (
    CardReader,
    CityStick,
    CitySync,
    Clock,
    Copies,
    DeviceSearch,
    Ledger,
    PaymentTerminal,
    ReceiptPrinter,
    SettingsFile,
    Voice,
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

__all__ = ["Services"]


class Services(msgspec.Struct, frozen=True):
    """Use cases and devices of one till, as the composition root made them."""

    ledger: Ledger
    clock: Clock
    redeem: RedeemService
    reverse: ReverseService
    day: DayService
    stock: StockService
    operators: OperatorService
    typed: TypedCardService
    hardship: HardshipService
    leftovers: LeftoverService
    papers: PaperService
    health: HealthService
    retention: RetentionService
    clocks: ClockService
    reader: CardReader
    terminal: PaymentTerminal | None
    printer: ReceiptPrinter
    files: ReceiptPrinter
    search: DeviceSearch
    settings: SettingsFile
    voice: Voice
    city: CitySync
    stick: CityStick
    copies: Copies
    poll_ms: int = 200
    response_seconds: int = 120
