"""The sentences about a stick that carries the messages to the city and back."""

from __future__ import annotations

from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.ui.trouble import SENT_LATER, Trouble, said

__all__ = ["CARRY_IT", "ON_THE_STICK", "PULL_IT", "WHICH", "day_words", "fetched_words", "saved_words"]

PULL_IT = "USB boleh dicabut."
CARRY_IT = "Bawa ke kelurahan atau kecamatan, lalu ambil balasannya di sini."

WHICH = "Ada beberapa USB. Yang mana?"

_UNUSED = "Isinya tidak dipakai; catatan di sini tetap utuh."

ON_THE_STICK: dict[str, Trouble] = {
    "stick": said(
        "USB bermasalah",
        "USB tidak bisa dibaca atau ditulis.",
        "Cabut dan pasang lagi USB, atau pakai USB lain.",
        safe=SENT_LATER,
    ),
    "stick.full": said(
        "USB penuh",
        "Tidak ada cukup tempat di USB.",
        "Hapus berkas yang tidak perlu dari USB, atau pakai USB lain.",
        safe=SENT_LATER,
    ),
    "stick.read_only": said(
        "USB tidak boleh ditulis",
        "USB itu terkunci, jadi tidak ada yang disimpan di sana.",
        "Geser kunci di badan USB, atau pakai USB lain.",
        safe=SENT_LATER,
    ),
    "stick.gone": said(
        "USB tidak ada",
        "USB tercabut, atau foldernya tidak ada lagi.",
        "Pasang USB, tunggu sebentar, lalu ulangi.",
        safe=SENT_LATER,
    ),
    "stick.write": said(
        "USB gagal",
        "USB berhenti saat dibaca atau ditulis.",
        "Cabut dan pasang lagi USB. Bila tetap gagal, pakai USB lain.",
        safe=SENT_LATER,
    ),
    "stick.readback": said(
        "USB rusak",
        "Isi yang dibaca kembali dari USB tidak sama dengan yang ditulis.",
        "Jangan pakai USB itu lagi; ulangi dengan USB lain.",
        safe=SENT_LATER,
        tone="stop",
    ),
    "stick.no_stick": said(
        "USB belum terpasang",
        "Tidak ada USB yang ditemukan di komputer ini.",
        "Pasang USB, tunggu sebentar, lalu tekan lagi.",
        safe=SENT_LATER,
    ),
    "stick.no_reply": said(
        "Belum ada balasan di USB",
        "Di USB itu tidak ada balasan kota untuk kios ini.",
        "Bawa USB ke kelurahan atau kecamatan dulu, atau pasang USB yang lain.",
        safe=SENT_LATER,
    ),
    "bundle_refused": said(
        "Berkas ditolak",
        "Berkas itu bukan balasan kota untuk kios ini.",
        "Minta berkas balasan yang benar dari petugas kota.",
        safe=_UNUSED,
    ),
    "bundle_refused.not_a_bundle": said(
        "Bukan berkas kiriman",
        "Berkas itu jenis lain, bukan kiriman antara kios dan kota.",
        "Pilih berkas yang berakhiran .bundle.",
        safe=_UNUSED,
    ),
    "bundle_refused.newer": said(
        "Berkas dari versi lebih baru",
        "Berkas itu dibuat oleh program yang lebih baru.",
        "Minta petugas kota memperbarui program kasir, lalu ambil lagi.",
        safe=_UNUSED,
    ),
    "bundle_refused.too_large": said(
        "Berkas terlalu besar",
        "Berkas itu lebih besar daripada kiriman mana pun.",
        "Minta berkas balasan yang benar dari petugas kota.",
        safe=_UNUSED,
    ),
    "bundle_refused.damaged": said(
        "Berkas rusak",
        "Berkas itu belum selesai disalin, atau rusak.",
        "Salin lagi dari aslinya, atau minta balasannya lagi di kota.",
        safe=_UNUSED,
    ),
    "bundle_refused.wrong_way": said(
        "Ini kiriman, bukan balasan",
        "Berkas itu kiriman kios untuk kota; balasan kota belum ada.",
        "Bawa USB ke kelurahan atau kecamatan, lalu ambil balasannya.",
        safe=_UNUSED,
    ),
    "bundle_refused.other_city": said(
        "Balasan dari kota lain",
        "Berkas itu bukan dari kota tempat kios ini terdaftar.",
        "Minta berkas balasan yang benar dari petugas kota.",
        safe=_UNUSED,
        tone="stop",
    ),
    "bundle_refused.other_kiosk": said(
        "Balasan untuk kios lain",
        "Berkas itu untuk kios lain.",
        "Kembalikan USB kepada kios itu, dan minta balasan untuk kios ini.",
        safe=_UNUSED,
    ),
    "bundle_refused.other_past": said(
        "Balasan untuk catatan lain",
        "Berkas itu menjawab catatan yang tidak ada di buku ini.",
        "Layani terus dan hubungi petugas kota hari ini.",
        safe=_UNUSED,
        tone="stop",
    ),
    "bundle_refused.other_epoch": said(
        "Balasan untuk masa lama",
        "Berkas itu dari sebelum kios ini didaftarkan ulang.",
        "Simpan ke USB lagi dan bawa ke kota; balasan lama tidak dipakai.",
        safe=_UNUSED,
    ),
}
"""By error code, or error code and reason."""


def saved_words(first_seq: int, last_seq: int, left: int) -> str:
    """What a file for the city holds: `Catatan 12 sampai 40 disimpan`."""
    if first_seq > last_seq:
        return "Tidak ada catatan baru; berkas ini hanya meminta kiriman kota"
    span = f"Catatan {first_seq} sampai {last_seq}" if last_seq > first_seq else f"Catatan {first_seq}"
    more = f"; {left} catatan lagi tidak muat, simpan lagi sesudah balasannya diambil" if left else ""
    return f"{span} disimpan{more}"


def day_words(date: str) -> str:
    """A business day, `2026-11-23`, in a sentence: `hari Senin 23 Nov 2026`."""
    return f"hari {BusinessDate(date).short()}"


def fetched_words(sent: int, received: int, attested: tuple[str, ...]) -> tuple[str, ...]:
    """What a reply of the city brought, a sentence each without its end; that it was taken before, if nothing."""
    said = [f"{sent} catatan diterima kota"] if sent else []
    said += [f"{received} pembaruan dari kota"] if received else []
    said += [f"{day_words(date)}: kota membenarkan" for date in attested]
    return tuple(said) or ("Tidak ada yang baru: balasan ini sudah pernah diambil",)
