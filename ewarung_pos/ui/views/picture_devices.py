"""Hand-made states of Atur: three devices as they were seen, what was found, what was written."""

from __future__ import annotations

from msgspec.structs import replace

from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ui.text import trouble
from ewarung_pos.ui.text_devices import NO_TERMINAL, Seen, failed
from ewarung_pos.ui.viewmodels.devices import DeviceRow, DevicesState

__all__ = ["ALLOWING", "FINE", "FOUND", "NOTHING", "TRYING", "WRITTEN"]

_CARD = DeviceRow("card", "Pembaca kartu", Seen("ok", "Kartu •••• 4821 terbaca lewat chip, berlaku sampai 12/28."))
_PRINT = DeviceRow(
    "print",
    "Printer struk",
    Seen("ok", "Tercetak, dan printer melapor siap.", "Periksa kertasnya: garis penuh dan kode terbaca."),
)
_EDC = DeviceRow("edc", "EDC", Seen("ok", "EDC menjawab."))

FINE = DevicesState(rows=(_CARD, _PRINT, _EDC))
TRYING = DevicesState(
    rows=(
        replace(_CARD, busy="Masukkan atau gesek satu kartu"),
        replace(_PRINT, seen=failed(PrinterNotReady(reason="link"))),
        replace(_EDC, seen=NO_TERMINAL),
    )
)
FOUND = DevicesState(
    rows=FINE.rows,
    looked=True,
    found=(
        "port serial, EDC: Move2500 (/dev/serial/by-id/usb-Ingenico_Move2500-if00)",
        "printer USB: POS58 Printer (0416:5011)",
        "pembaca chip: ACS ACR39U ICC Reader 00 00",
        "antrean cetak: STRUK",
    ),
    proposed=(
        "Pembaca kartu: kartu chip",
        "EDC: EDC lewat kabel, /dev/serial/by-id/usb-Ingenico_Move2500-if00",
        "Printer struk: USB, 0416:5011, kertas 58 mm",
    ),
)
NOTHING = DevicesState(rows=FINE.rows, looked=True)
ALLOWING = replace(FOUND, asks_leader=True, notice=trouble("not_authorised", "wrong_pin"))
WRITTEN = replace(FOUND, written=True)
