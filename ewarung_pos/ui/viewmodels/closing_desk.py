"""What Tutup Hari works with, and what it reads from the ledger in one look."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from ewarung_pos.domain.business_day import Day
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.ports import CardReader, CitySync, Ledger, PaymentTerminal, ReceiptPrinter
from ewarung_pos.services.day import DayService
from ewarung_pos.services.operators import OperatorService
from ewarung_pos.services.printing import PaperService

__all__ = ["ClosingDesk", "Seen", "look"]


class ClosingDesk(msgspec.Struct, frozen=True):
    """What Tutup Hari may use. `files` takes the report when the printer is dead.

    `changed` is called after each record, `sealed` once the seal is recorded too, `serving` once a close is called off.
    """

    ledger: Ledger
    day: DayService
    operators: OperatorService
    papers: PaperService
    reader: CardReader
    terminal: PaymentTerminal | None
    printer: ReceiptPrinter
    files: ReceiptPrinter
    sync: CitySync
    operator: Callable[[], str]
    changed: Callable[[], None]
    sealed: Callable[[], None]
    serving: Callable[[], None]


class Seen(msgspec.Struct, frozen=True):
    """What the ledger says of the day, the shelf and the line to the city."""

    catalogue: Catalogue
    day: Day
    sealed: bool
    stock: Mapping[str, int]
    unsent: int


def look(desk: ClosingDesk) -> Seen:
    """Where the day stands. On the ledger's lane."""
    reader = desk.ledger.read()
    sealed = desk.day.sealed_today()
    return Seen(reader.catalogue(), reader.day(), sealed, reader.stock(), reader.head().unsent)
