"""The sentences of card readers beside the EDC: a card that could not be read, a reader that is not there."""

from __future__ import annotations

from functools import partial

from ewarung_pos.ui.trouble import NOTHING, Trouble, said

__all__ = ["AT_THE_READER"]

_card = partial(said, safe=NOTHING)

AT_THE_READER: dict[str, Trouble] = {
    "card_not_read": _card(
        "Kartu tidak terbaca",
        "Pembaca bekerja, tetapi kartu ini tidak terbaca.",
        "Keluarkan kartu, bersihkan, lalu masukkan lagi.",
    ),
    "card_not_read.removed": _card(
        "Kartu dicabut terlalu cepat",
        "Kartu dicabut sebelum selesai dibaca.",
        "Masukkan lagi dan biarkan sampai nama keluarga muncul.",
    ),
    "card_not_read.mute": _card(
        "Kartu tidak menjawab",
        "Kartu di pembaca tidak menjawab: mungkin terbalik, kotor, atau chip-nya rusak.",
        "Cabut, pastikan chip menghadap ke dalam, lalu masukkan lagi.",
    ),
    "card_not_read.wrong_card": _card(
        "Bukan kartu KKS",
        "Kartu di pembaca bukan kartu bank yang dipakai program ini.",
        "Minta kartu KKS keluarga ini, lalu masukkan kartu itu.",
    ),
    "card_not_read.blocked": _card(
        "Kartu diblokir bank",
        "Chip kartu ini sudah diblokir oleh bank penerbit.",
        "Kembalikan kartu dan arahkan keluarga ke bank penerbit.",
        tone="stop",
    ),
    "card_not_read.unreadable": _card(
        "Chip tidak terbaca",
        "Isi chip kartu ini tidak lengkap atau tidak dikenal.",
        "Coba sekali lagi. Bila tetap begitu, Ketik nomor; ketua mengizinkannya dengan PIN.",
    ),
    "card_not_read.bad_swipe": _card(
        "Gesekan tidak terbaca",
        "Pita magnet tidak terbaca utuh.",
        "Gesek lagi dengan kecepatan tetap, dari ujung ke ujung.",
    ),
    "card_not_read.two_cards": _card(
        "Dua kartu digesek",
        "Dua kartu yang berbeda digesek hampir bersamaan.",
        "Gesek satu kartu saja: kartu keluarga yang dilayani.",
    ),
    "not_entitled.typed_number": _card(
        "Nomor kartu tidak lengkap",
        "Nomor kartu terdiri dari 14 sampai 19 angka.",
        "Cocokkan dengan nomor yang tercetak di kartu.",
    ),
    "not_entitled.not_enrolled": _card(
        "Kios belum terdaftar",
        "Kios ini belum memegang kunci kartu dari kota.",
        "Daftarkan kios lebih dulu.",
    ),
    "device_unavailable.not_configured": said(
        "Belum ada pembaca kartu",
        "Kasir ini diatur tanpa pembaca kartu.",
        "Ketik nomor yang tercetak di kartu; ketua mengizinkannya dengan PIN.",
        button="Ketik nomor",
        action="type_card",
    ),
    "device_unavailable.no_reader": said(
        "Pembaca kartu tidak ditemukan",
        "Pembaca kartu tidak tersambung ke komputer ini.",
        "Pasang kabel pembaca kartu. Kasir menyambung sendiri begitu terpasang.",
    ),
    "device_unavailable.reader_in_use": said(
        "Pembaca kartu dipakai program lain",
        "Program lain sedang memakai pembaca kartu.",
        "Tutup program lain itu.",
    ),
    "device_unavailable.reader_no_permission": said(
        "Pembaca kartu tidak boleh dibuka",
        "Komputer tidak mengizinkan kasir memakai pembaca kartu.",
        "Hubungi petugas kota: izin pembaca kartu ada di panduan alat.",
    ),
    "device_unavailable.no_pcscd": said(
        "Layanan kartu chip mati",
        "Layanan pembaca kartu chip (pcscd) di komputer ini tidak berjalan.",
        "Mulai ulang komputer. Bila tetap begitu, hubungi petugas kota.",
    ),
    "device_unavailable.reader_hangs": said(
        "Pembaca kartu macet",
        "Pembaca kartu chip tidak menjawab komputer ini lagi. EDC dan printer tetap bisa dipakai.",
        "Cabut kabel pembaca kartu, lalu pasang lagi. Bila tetap macet, mulai ulang komputer.",
    ),
    "device_unavailable.no_driver": said(
        "Pembaca chip belum bisa dipakai",
        "Program pendukung kartu chip (pyscard) belum terpasang di komputer ini.",
        "Hubungi petugas kota untuk memasangnya.",
    ),
}
"""By `card_not_read.<reason>`, `device_unavailable.<reason>`, and what is said of a typed number."""
