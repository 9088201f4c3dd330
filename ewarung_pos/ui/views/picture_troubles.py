"""The scenes of `pictures` in which a device of the counter is away, empty, or being tried, or the till is old."""

from __future__ import annotations

from msgspec.structs import replace

from ewarung_pos.errors import DeviceUnavailable, PrinterNotReady
from ewarung_pos.ports import DeviceState, DeviceStatus
from ewarung_pos.ui.text import trouble
from ewarung_pos.ui.text_city import old_version
from ewarung_pos.ui.text_devices import NO_CARD, edc_seen, failed, printer_seen, reader_seen
from ewarung_pos.ui.viewmodels.closing_copy import CopyState
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Fact, Phase
from ewarung_pos.ui.viewmodels.devices import DevicesState
from ewarung_pos.ui.viewmodels.shell import LampState, ShellState
from ewarung_pos.ui.views.picture_books import COPIED, MORNING, RECEIPT, SEAL, SEALED, SEALED_WITHOUT_PAPER, SYNC
from ewarung_pos.ui.views.picture_counter import READY, SUMINAH
from ewarung_pos.ui.views.picture_devices import FINE
from ewarung_pos.ui.views.picture_stage import SHELL, Scene, Shows, at_counter, on

__all__ = ["TROUBLES"]


def _printer(word: str, tone: str, screen: str = "counter") -> ShellState:
    card, _, city = SHELL.lamps
    return replace(SHELL, screen=screen, lamps=(card, LampState("printer", word, tone, "history"), city))


def _reader(word: str, tone: str) -> ShellState:
    return replace(SHELL, lamps=(LampState("credit-card", word, tone, "counter"), *SHELL.lamps[1:]))


def _lamps(edc: tuple[str, str], printer: tuple[str, str]) -> ShellState:
    return replace(
        SHELL,
        screen="devices",
        lamps=(
            LampState("credit-card", *edc, "counter", "EDC"),
            LampState("printer", *printer, "history"),
            SHELL.lamps[-1],
        ),
    )


_AWAY = "device_unavailable"
_CARD, _PRINT, _EDC = FINE.rows
_FIRST = DevicesState(
    rows=(
        replace(_CARD, seen=reader_seen("pcsc", DeviceStatus(DeviceState.READY, "", "ACS ACR39U ICC Reader 00 00"))),
        replace(_PRINT, seen=printer_seen(DeviceStatus(DeviceState.UNKNOWN, "not_asked"))),
        replace(_EDC, seen=edc_seen(DeviceStatus(DeviceState.AWAY, "no_port"))),
    )
)
_TRYING = DevicesState(
    rows=(
        replace(_CARD, busy="Masukkan atau gesek satu kartu"),
        replace(_PRINT, busy="Mencetak"),
        replace(_EDC, busy="Menunggu jawaban EDC"),
    )
)
_PAID = replace(
    RECEIPT,
    goes_back="Barangnya harus sudah kembali di meja. KKS Rp83.200 dikembalikan ke kartu lewat EDC. "
    "Tunai Rp15.700 diserahkan kembali ke keluarga. Jatahnya kembali.",
)
_CLOSING = "Hari sedang ditutup. Tekan Kembali melayani di Tutup Hari dulu, lalu batalkan di sini."
_LEFT = "Hari Selasa 24 Nov 2026 belum ditutup. Tutup di Tutup Hari (F5); kartu tetap dilayani."
_NEXT = replace(SHELL, date="Rabu 25 Nov 2026", time="00.31")


TROUBLES: tuple[Scene, ...] = (
    Scene(
        "tutup-kertas-habis",
        Shows(
            shell=_printer("Kertas habis", "stop", "closing"),
            closing=SEALED_WITHOUT_PAPER,
            copy=CopyState(f"{COPIED} /media/usb"),
        ),
    ),
    Scene(
        "tutup-tersimpan-pdf",
        Shows(
            shell=_printer("Printer terputus", "stop", "closing"),
            closing=replace(SEALED, said="Hari disegel. Laporan tersimpan sebagai PDF."),
            copy=CopyState(f"{COPIED} /media/usb"),
        ),
    ),
    at_counter("siap-kertas-habis", READY, _printer("Kertas habis", "stop")),
    at_counter("siap-printer-diam", READY, _printer("Printer diam", "info")),
    at_counter("siap-struk-tertunda", READY, _printer("2 struk tertunda", "look")),
    at_counter("siap-kabel-edc", replace(READY, reader=trouble(_AWAY, "no_port")), _reader("EDC terputus", "stop")),
    at_counter("siap-edc-kembar", replace(READY, reader=trouble(_AWAY, "which_port")), _reader("EDC terputus", "stop")),
    at_counter(
        "siap-layanan-chip-mati", replace(READY, reader=trouble(_AWAY, "no_pcscd")), _reader("Chip terputus", "stop")
    ),
    at_counter(
        "siap-gesek-rusak",
        replace(READY, reader=trouble("card_not_read", "bad_swipe")),
        _reader("Periksa pembaca", "look"),
    ),
    Scene(
        "atur-belum-dicoba", Shows(shell=_lamps(("EDC terputus", "stop"), ("Printer dicari", "info")), devices=_FIRST)
    ),
    Scene("atur-menunggu", Shows(shell=on("devices"), devices=_TRYING)),
    Scene(
        "atur-gagal",
        Shows(
            shell=_lamps(("EDC terputus", "stop"), ("Kertas habis", "stop")),
            devices=DevicesState(
                rows=(
                    replace(_CARD, seen=NO_CARD),
                    replace(_PRINT, seen=failed(PrinterNotReady(reason="paper_out"))),
                    replace(_EDC, seen=failed(DeviceUnavailable("", reason="no_answer"))),
                )
            ),
        ),
    ),
    Scene("sinkron-versi-lama", Shows(shell=on("sync"), sync=replace(SYNC, upgrade=old_version("0.2.0")))),
    at_counter("siap-pembaca-macet", replace(READY, reader=trouble(_AWAY, "reader_hangs"))),
    Scene(
        "tutup-segel-edc-lain",
        Shows(
            shell=on("closing"),
            closing=replace(SEAL, edc_asked=True, edc_silent=True, edc_other=True, edc_total="tidak ada data"),
        ),
    ),
    at_counter(
        "belum-pasti-saldo-kurang",
        CounterState(phase=Phase.REFUSED, refusal=trouble("ended.insufficient"), person=SUMINAH),
    ),
    at_counter("siap-hari-lama", replace(READY, opened="buka 23.49", tally_of="Hari 24 Nov", left_open=_LEFT), _NEXT),
    Scene(
        "buka-hari-lama",
        Shows(
            shell=replace(_NEXT, screen="day"),
            day=replace(
                MORNING,
                date=_NEXT.date,
                already=True,
                can_open=False,
                left_open=_LEFT,
                facts=(Fact("calendar", "Hari Selasa 24 Nov 2026 belum ditutup"), *MORNING.facts),
                tones=("look", *MORNING.tones),
            ),
        ),
    ),
    Scene("riwayat-alasan-kks", Shows(shell=on("history"), history=replace(_PAID, mode="reason"))),
    Scene(
        "riwayat-pin-kks",
        Shows(
            shell=on("history"),
            history=replace(_PAID, mode="pin", reason="jumlah_salah", notice=trouble("not_authorised", "wrong_pin")),
        ),
    ),
    Scene(
        "riwayat-saat-tutup",
        Shows(
            shell=on("history"),
            history=replace(RECEIPT, selected=replace(RECEIPT.rows[0], reversible=False, why_not=_CLOSING)),
        ),
    ),
)
