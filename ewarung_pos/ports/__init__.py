"""Where the siblings meet: what services, devices, ledger, sync and ui may ask of each other.

Only Protocols and the frozen values that pass through them. Blocking calls are made on the lane named in each
docstring and carry a deadline of their own.

Everybody imports from here; each file is a meeting of its own.
"""

from ewarung_pos.ports.attempt import Attempt
from ewarung_pos.ports.city import CitySync, RightsAnswer, RightsWish, SyncPhase, SyncReport
from ewarung_pos.ports.copies import Copies, LedgerCopy
from ewarung_pos.ports.devices import (
    Approved,
    CardPresented,
    CardReader,
    Declined,
    DeviceState,
    DeviceStatus,
    OtherDebit,
    PaymentIntent,
    PaymentOutcome,
    PaymentStep,
    PaymentTerminal,
    PracticeTray,
    PrintReport,
    ReceiptPrinter,
    Settlement,
    Unknown,
)
from ewarung_pos.ports.ledger import (
    HistoryRow,
    Ledger,
    LedgerHead,
    LedgerReader,
    PrintJob,
    Tally,
    UnitOfWork,
    Visit,
)
from ewarung_pos.ports.machine import Clock, Lane, TaskRunner, Voice
from ewarung_pos.ports.search import DeviceKind, DeviceRole, DeviceSearch, FoundDevice, Setting, SettingsFile
from ewarung_pos.ports.stick import BundleFetched, BundleSaved, CarriedWish, CityStick, StickPlace

__all__ = [
    "Approved",
    "Attempt",
    "BundleFetched",
    "BundleSaved",
    "CardPresented",
    "CardReader",
    "CarriedWish",
    "CityStick",
    "CitySync",
    "Clock",
    "Copies",
    "Declined",
    "DeviceKind",
    "DeviceRole",
    "DeviceSearch",
    "DeviceState",
    "DeviceStatus",
    "FoundDevice",
    "HistoryRow",
    "Lane",
    "Ledger",
    "LedgerCopy",
    "LedgerHead",
    "LedgerReader",
    "OtherDebit",
    "PaymentIntent",
    "PaymentOutcome",
    "PaymentStep",
    "PaymentTerminal",
    "PracticeTray",
    "PrintJob",
    "PrintReport",
    "ReceiptPrinter",
    "RightsAnswer",
    "RightsWish",
    "Setting",
    "SettingsFile",
    "Settlement",
    "StickPlace",
    "SyncPhase",
    "SyncReport",
    "Tally",
    "TaskRunner",
    "UnitOfWork",
    "Unknown",
    "Visit",
    "Voice",
]
