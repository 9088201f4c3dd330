"""The sentences of the ledger and of the disk that it lies on.

A code without a reason is what every reason of it falls back to.
"""

from __future__ import annotations

from ewarung_pos.ui.text_copies import ENROL_AGAIN
from ewarung_pos.ui.trouble import UNTOUCHED, Trouble, said

__all__ = ["IN_THE_LEDGER"]

IN_THE_LEDGER: dict[str, Trouble] = {
    "ledger": said(
        "Buku catatan bermasalah",
        "Buku catatan tidak bisa dipakai.",
        "Jangan serahkan barang. Hubungi petugas kota.",
        tone="stop",
    ),
    "ledger.not_written": said(
        "Disk bermasalah",
        "Disk gagal menulis, jadi yang baru saja diminta TIDAK tercatat.",
        "Jangan serahkan barang. Ulangi; kalau gagal lagi, hubungi petugas kota.",
        tone="stop",
    ),
    "ledger.io": said(
        "Disk bermasalah",
        "Disk gagal menulis; belum pasti apakah yang terakhir tercatat.",
        "Jangan serahkan barang. Mulai ulang kasir, lalu lihat di Riwayat apakah sudah tercatat.",
        tone="stop",
    ),
    "ledger.copy": said(
        "Buku ini salinan",
        "Buku catatan di komputer ini salinan cadangan, jadi tidak boleh dipakai melayani.",
        ENROL_AGAIN,
        safe="Isinya utuh dan tidak diubah.",
        tone="stop",
    ),
    "ledger.copy_stopped": said(
        "Salinan belum selesai",
        "Pembuatan salinan buku catatan berhenti di tengah jalan.",
        "Salin lagi; bila berulang, hubungi petugas kota.",
    ),
    "ledger_busy": said(
        "Kasir sudah berjalan",
        "Program kasir lain sedang memakai buku catatan ini.",
        "Pakai jendela yang sudah terbuka.",
    ),
    "ledger_busy.second": said(
        "Program kasir lain menulis",
        "Program kasir lain memakai buku catatan ini juga, jadi yang baru saja diminta TIDAK tercatat.",
        "Jangan serahkan barang. Tutup semua jendela kasir, lalu buka satu saja.",
        safe="Yang sudah tercatat tetap utuh.",
        tone="stop",
    ),
    "ledger_full": said(
        "Disk penuh",
        "Tidak ada ruang untuk mencatat, jadi yang baru saja diminta TIDAK terjadi.",
        "Jangan serahkan barang. Kosongkan ruang disk, lalu ulangi.",
        tone="stop",
    ),
    "ledger_full.export": said(
        "Disk penuh",
        "Tidak ada ruang untuk berkas ekspor, jadi berkas itu tidak dibuat.",
        "Kosongkan ruang atau pakai penyimpanan lain, lalu ulangi.",
    ),
    "ledger_full.copy": said(
        "Tidak ada ruang untuk salinan",
        "Penyimpanan penuh, jadi salinan buku catatan tidak bisa ditulis.",
        "Kosongkan ruang di penyimpanan itu, lalu salin lagi.",
    ),
    "ledger_corrupt": said(
        "Buku catatan tidak terbaca",
        "Berkas ini bukan buku catatan kasir ini, atau rusak.",
        "Jangan dihapus. Hubungi petugas kota.",
        safe=UNTOUCHED,
        tone="stop",
    ),
    "ledger_key_wrong": said(
        "Kunci tidak cocok",
        "Kunci di komputer ini tidak membuka buku catatan.",
        "Pasang kembali kunci yang benar; jangan membuat buku baru.",
        safe=UNTOUCHED,
        tone="stop",
    ),
    "ledger_too_new": said(
        "Versi kasir terlalu lama",
        "Buku catatan dibuat versi yang lebih baru.",
        "Perbarui program kasir.",
        safe=UNTOUCHED,
        tone="stop",
    ),
    "migration_failed": said(
        "Pembaruan buku gagal",
        "Pembaruan buku catatan tidak berhasil.",
        "Hubungi petugas kota.",
        safe="Buku yang lama tetap utuh di tempatnya.",
        tone="stop",
    ),
    "chain_broken": said(
        "Catatan diubah",
        "Rantai catatan tidak cocok: ada yang diubah atau hilang.",
        "Hentikan layanan. Hubungi petugas kota.",
        safe=UNTOUCHED,
        tone="stop",
    ),
    "chain_broken.before_export": said(
        "Catatan tidak cocok, tidak diekspor",
        "Rantai catatan tidak cocok, jadi berkas ekspor tidak dibuat dan tidak ditandatangani.",
        "Jalankan ewarung-pos verify, lalu hubungi petugas kota.",
        safe=UNTOUCHED,
        tone="stop",
    ),
}
"""By error code, or error code and reason."""
