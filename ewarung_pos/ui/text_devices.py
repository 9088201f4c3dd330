"""What was seen when a device was tried, and what to do: the same words on the screen and in `doctor`."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ewarung_pos.errors import PosError
from ewarung_pos.ports import (
    CardPresented,
    DeviceKind,
    DeviceRole,
    DeviceState,
    DeviceStatus,
    FoundDevice,
    PrintReport,
    Setting,
)
from ewarung_pos.ui.text import trouble, trouble_of

__all__ = [
    "LOGO_UNREADABLE",
    "NO_CARD",
    "NO_READER",
    "NO_TERMINAL",
    "NO_WORDS",
    "OPEN_TILL",
    "PAPERS_FILED",
    "READER_NONE",
    "TERMINAL_NONE",
    "TYPES_HERE",
    "Seen",
    "card_seen",
    "device_words",
    "edc_seen",
    "failed",
    "last_card_seen",
    "none_found",
    "paper_seen",
    "printer_seen",
    "proposal_words",
    "reader_seen",
]


class Seen(msgspec.Struct, frozen=True):
    """`state` is ok, look or stop; what was seen; what to do, empty when nothing."""

    state: str
    seen: str
    do: str = ""


NO_READER = Seen(
    "look", "Tidak diatur; kartu hanya bisa diketik.", "Minta petugas kota mengisi [card_reader] di config.toml."
)
NO_TERMINAL = Seen(
    "look",
    "Tidak diatur; saldo KKS tidak bisa dipakai.",
    "Minta petugas kota mengisi [payment_terminal] di config.toml.",
)
READER_NONE = Seen(
    "look",
    'Tanpa pembaca kartu (driver = "none"); kartu hanya bisa diketik.',
    "Bila memang begitu, biarkan. Bila kios punya pembaca, isi [card_reader] di config.toml.",
)
TERMINAL_NONE = Seen(
    "look",
    'Tanpa EDC (driver = "none"); saldo KKS tidak bisa dipakai.',
    "Bila memang begitu, biarkan. Bila kios punya EDC, isi [payment_terminal] di config.toml.",
)
PAPERS_FILED = Seen(
    "ok",
    "Printer tidak diatur; struk dan laporan menjadi berkas PDF di folder papers.",
    "Bila kios punya printer, isi [receipt_printer] di config.toml.",
)
TYPES_HERE = Seen("ok", "Mengetik di jendela kasir.", "Gesek satu kartu di Layanan untuk mencobanya.")
NO_WORDS = Seen(
    "look",
    "Kata EDC untuk transaksi yang tidak ada belum diatur; tiap penarikan batal harus dibaca dari struk.",
    "Isi not_found dengan kata itu, bila EDC ini selalu berkata begitu (docs/devices.md).",
)
OPEN_TILL = Seen(
    "look",
    "Kasir sedang terbuka; perangkat dan jalur ke kota dipegangnya, jadi tidak dilihat dari sini.",
    "Uji perangkat di jendela kasir itu: Atur (F7). Atau tutup kasir dulu, lalu jalankan ewarung-pos doctor lagi.",
)
LOGO_UNREADABLE = Seen(
    "look",
    "Gambar logo tidak terbaca; struk dicetak tanpa logo.",
    "Ganti dengan berkas PNG atau JPEG yang utuh, atau kosongkan logo dalam config.toml.",
)
NO_CARD = Seen("look", "Tidak ada kartu yang masuk.", "Coba kartu lain, atau lihat lampu pembaca, lalu uji lagi.")

_WAYS = {"ecr": "lewat EDC", "pcsc": "lewat chip", "stripe": "lewat gesek"}
_KINDS = {
    DeviceKind.SERIAL: "port serial",
    DeviceKind.USB_PRINTER: "printer USB",
    DeviceKind.CHIP: "pembaca chip",
    DeviceKind.KEYBOARD: "pembaca gesek (seperti papan ketik)",
    DeviceKind.QUEUE: "antrean cetak",
    DeviceKind.POSELINK: "EDC lewat jaringan (POSe Link)",
}
_SECTIONS = {"card_reader": "Pembaca kartu", "payment_terminal": "EDC", "receipt_printer": "Printer struk"}
_DRIVERS = {
    "ecr": "EDC lewat kabel",
    "poselink": "EDC lewat jaringan (POSe Link)",
    "pcsc": "kartu chip",
    "stripe-serial": "gesek lewat kabel",
    "stripe-keyboard": "gesek seperti papan ketik",
    "escpos-usb": "USB",
    "escpos-serial": "kabel serial",
    "cups": "antrean cetak",
}
_ROLES = {DeviceRole.EDC: "EDC", DeviceRole.PRINTER: "printer struk", DeviceRole.READER: "pembaca kartu"}


def reader_seen(source: str, found: DeviceStatus) -> Seen:
    """A card reader that was looked for, without a card."""
    if found.state is not DeviceState.READY:
        return _trouble("device_unavailable", found)
    said = {"ecr": f"Lewat EDC di {found.detail}.", "pcsc": f"Chip: {found.detail}."}
    return Seen("ok", said.get(source, f"Gesek: {found.detail} terbuka."))


def card_seen(card: CardPresented) -> Seen:
    """A card that was read."""
    until = f", berlaku sampai {card.expiry[2:]}/{card.expiry[:2]}" if card.expiry else ""
    way = _WAYS.get(card.source, "")
    return Seen("ok", f"Kartu •••• {card.card.last4} terbaca {way}{until}.", "Keluarkan kartunya.")


def last_card_seen(found: DeviceStatus) -> Seen:
    """A reader that works, and could not read the last card."""
    return _trouble("card_not_read", found, state="look")


def edc_seen(found: DeviceStatus) -> Seen:
    """An EDC after its echo test."""
    if found.reason == "terminal_changed":
        return Seen(
            "look",
            f"EDC menjawab, tetapi nomornya (TID/MID) berganti: {found.detail}.",
            "Bila EDC tidak ditukar, hubungi petugas kota.",
        )
    if found.reason == "quiet":
        return Seen(
            "look", "Kabel EDC terbuka. EDC ini tanpa uji gema: menjawab atau tidak, baru terlihat saat dipakai."
        )
    if found.state is DeviceState.READY:
        words = f" Bila ditanya transaksi yang tidak ada, katanya: {found.detail}" if found.detail else ""
        return Seen("ok", f"EDC menjawab.{words}")
    if found.state is DeviceState.BUSY:
        return Seen("ok", "Alat sedang bekerja.")
    said = _trouble("device_unavailable", found)
    if found.reason == "certificate":
        return Seen(said.state, f"{said.seen} Sidik jari di sana: {found.detail}.", said.do)
    return said


def printer_seen(found: DeviceStatus) -> Seen:
    """A printer that was asked how it is, without a paper."""
    if found.reason == "pdf":
        return PAPERS_FILED
    if found.state is DeviceState.READY:
        return Seen("ok", "Printer siap mencetak.")
    if found.reason == "paper_low":
        return Seen("look", "Printer siap; kertasnya hampir habis.", "Siapkan gulungan baru.")
    if found.reason == "queue":
        return Seen("look", "Antrean cetak siap; isi kertasnya tidak terlihat dari sini.", "Lihat kertas di printer.")
    if found.reason == "not_asked":
        return Seen("look", "Belum dicoba.", "Uji sebelum struk pertama dicetak.")
    if found.reason == "no_answer":
        return Seen("look", "Printer tersambung, tetapi tidak melaporkan kertasnya.", "Lihat kertas di printer.")
    return _trouble("printer_not_ready", found, state="look")


def paper_seen(report: PrintReport) -> Seen:
    """A page that was printed to try the printer."""
    if report.paper == "pdf":
        return Seen("ok", "Tersimpan sebagai PDF; printer tidak diatur.")
    if report.status.reason == "paper_low":
        return Seen("look", "Tercetak; kertasnya hampir habis.", "Siapkan gulungan baru.")
    if report.confirmed:
        return Seen("ok", "Tercetak, dan printer melapor siap.", "Periksa kertasnya: garis penuh dan kode terbaca.")
    return Seen(
        "look", "Dikirim, tetapi printer tidak melapor.", "Lihat kertasnya; bila kosong, periksa kabel dan daya."
    )


def failed(error: PosError) -> Seen:
    """What could not be tried, and why."""
    said = trouble_of(error)
    return Seen("stop", said.happened, _again(said.now))


def device_words(found: FoundDevice) -> str:
    """A device that was found, in one line, whatever it calls itself: the name comes out of the device."""
    label = f" {found.label}" if found.label and found.label != found.place else ""
    role = _ROLES.get(found.role)
    kind = _KINDS[found.kind] + (f", {role}" if role is not None and found.kind is DeviceKind.SERIAL else "")
    clear = ", tanpa enkripsi: nyalakan wss di EDC" if found.place.startswith("ws://") else ""
    return "".join(letter for letter in f"{kind}:{label} ({found.place}){clear}" if letter.isprintable())


def none_found(ready: tuple[str, ...]) -> tuple[str, ...]:
    """What is said when nothing was found, beside the devices that are `ready` as they are set up."""
    missing = "Ada alat baru? Pasang kabelnya, nyalakan, lalu tekan Cari lagi."
    if not ready:
        return "Tidak ada perangkat yang ditemukan.", missing
    return f"Sudah siap: {', '.join(ready)}.", f"Tidak ada perangkat lain. {missing}"


def proposal_words(settings: Iterable[Setting]) -> tuple[str, ...]:
    """Settings for who never saw config.toml: a sentence for each device."""
    told: dict[str, list[str]] = {}
    for setting in settings:
        words = _DRIVERS.get(str(setting.value), str(setting.value))
        if setting.key == "columns":
            words = f"kertas {58 if setting.value == 32 else 80} mm"
        told.setdefault(setting.section, []).append(words)
    return tuple(f"{_SECTIONS[section]}: {', '.join(words)}" for section, words in told.items())


def _trouble(code: str, found: DeviceStatus, *, state: str = "stop") -> Seen:
    said = trouble(code, found.reason)
    return Seen(state, said.happened, _again(said.now))


def _again(now: str) -> str:
    """What to do, for who tries a device and prints no receipt."""
    return now.replace("Cetak lagi", "uji lagi")
