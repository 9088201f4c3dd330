"""The sentences of an EDC that said no after its answer had been lost: the basket is not there any more.

A no that comes at once leads back to the basket, in the words of `text_counter`; those would promise here what no
button can do.
"""

from __future__ import annotations

from functools import partial

from ewarung_pos.ui.trouble import UNSPENT, Trouble, said

__all__ = ["AFTER_A_DOUBT"]

_again = partial(said, safe=UNSPENT, button="Kartu berikutnya")

AFTER_A_DOUBT: dict[str, Trouble] = {
    "ended": _again(
        "EDC menolak",
        "EDC tidak melakukan penarikan saldo.",
        "Keranjangnya sudah tidak ada. Masukkan kartunya lagi, lalu isi lagi.",
    ),
    "ended.declined": _again(
        "Bank menolak",
        "Bank menolak penarikan saldo.",
        "Keluarga bisa menanyakannya ke bank. Untuk jatah dan tunai: masukkan kartunya lagi.",
    ),
    "ended.insufficient": _again(
        "Saldo KKS tidak cukup",
        "Bank menjawab saldo tidak cukup.",
        "Masukkan kartunya lagi, lalu pilih lebih sedikit dengan KKS, atau sebagian dengan tunai.",
    ),
    "ended.wrong_pin": _again(
        "PIN salah",
        "PIN yang ditekan di EDC salah.",
        "Masukkan kartunya lagi dan isi lagi. Pemegang kartu menekan PIN sendiri, pelan-pelan.",
    ),
    "ended.expired_card": _again(
        "Kartu kedaluwarsa",
        "Masa berlaku kartu sudah lewat. Uangnya tetap ada di bank.",
        "Arahkan ke bank penerbit untuk ganti kartu. Untuk jatah dan tunai: masukkan kartunya lagi.",
    ),
    "ended.card_error": _again(
        "Kartu tidak terbaca EDC",
        "EDC tidak bisa membaca kartu.",
        "Bersihkan kartu. Masukkan kartunya lagi, lalu isi lagi keranjangnya.",
    ),
    "ended.user_cancelled": _again(
        "Penarikan dibatalkan",
        "Penarikan saldo dibatalkan sebelum uang berpindah.",
        "Tanyakan kepada keluarga. Bila jadi belanja: masukkan kartunya lagi, lalu isi lagi.",
    ),
    "ended.host_unavailable": _again(
        "Bank tidak tersambung",
        "EDC menjawab bahwa bank sedang tidak bisa dihubungi.",
        "Masukkan kartunya lagi beberapa menit lagi; jatah dan tunai bisa sekarang.",
    ),
    "ended.terminal_fault": _again(
        "EDC bermasalah",
        "Mesin EDC melaporkan kerusakan.",
        "Matikan dan nyalakan EDC, atau hubungi bank. Untuk jatah dan tunai: masukkan kartunya lagi.",
    ),
    "ended.not_accepted": _again(
        "EDC tidak menerima perintah",
        "Tiga kali dikirim, EDC tidak menerima perintah.",
        "Periksa kabel EDC. Masukkan kartunya lagi, lalu isi lagi.",
    ),
    "ended.not_sent": _again(
        "EDC terputus",
        "EDC tidak tersambung, jadi perintah tidak dikirim.",
        "Periksa kabel atau Wi-Fi EDC. Masukkan kartunya lagi, lalu isi lagi.",
    ),
    "ended.busy": _again(
        "EDC sedang sibuk",
        "EDC masih mengerjakan yang lain, jadi perintah ini tidak diterima.",
        "Tunggu sampai layar EDC kembali ke awal. Masukkan kartunya lagi, lalu isi lagi.",
    ),
    "ended.clock_behind": _again(
        "Jam kasir tertinggal",
        "Jam kasir lebih lambat daripada yang dicatat EDC, jadi perintah tidak diterima.",
        "Betulkan jam komputer dan jam EDC. Masukkan kartunya lagi, lalu isi lagi.",
    ),
}
"""By `ended.<reason>`, for each `edc.<reason>` that speaks of a basket."""
