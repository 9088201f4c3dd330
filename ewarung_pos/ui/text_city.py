"""The sentences about the city, the configuration, and what nobody expected.

A code without a reason is what every reason of it falls back to.
"""

from __future__ import annotations

from ewarung_pos.ui.trouble import SENT_LATER, UNTOUCHED, Trouble, said

__all__ = ["BEYOND_THE_TILL", "SERVE_ON", "old_version"]

SERVE_ON = "Layani terus, dan minta petugas kota memasangnya."
"""What to do where the version is old."""

BEYOND_THE_TILL: dict[str, Trouble] = {
    "sync": said("Belum terkirim", "Kota belum bisa dihubungi.", "Tidak perlu apa-apa; dicoba lagi sendiri."),
    "server_unreachable": said(
        "Kota tidak terhubung",
        "Tidak ada jalur ke kota.",
        "Layani terus. Kasir mencoba lagi sendiri.",
        safe=SENT_LATER,
        button="Kirim sekarang",
        action="send_now",
    ),
    "server_unreachable.enrolling": said(
        "Kota tidak terhubung",
        "Pendaftaran perlu sambungan ke kota, dan kota tidak menjawab.",
        "Periksa jaringan dan alamat dari --city, lalu daftarkan lagi; bila kode ditolak, minta kode baru.",
        safe="Tidak ada yang diubah di komputer ini.",
    ),
    "server_unreachable.tls": said(
        "Sambungan ke kota tidak aman",
        "Sertifikat kota tidak cocok, jadi tidak ada yang dikirim.",
        "Periksa tanggal dan jam komputer. Bila sudah benar, hubungi petugas kota.",
        safe=SENT_LATER,
        button="Kirim sekarang",
        action="send_now",
    ),
    "server_unreachable.not_the_city": said(
        "Bukan kota yang menjawab",
        "Jaringan ini menjawab sendiri sebelum sampai ke kota, misalnya minta masuk.",
        "Buka peramban untuk masuk ke jaringan, atau pakai jaringan lain.",
        safe=SENT_LATER,
        button="Kirim sekarang",
        action="send_now",
    ),
    "server_busy.behind": said(
        "Kota lebih dulu maju",
        "Kota memegang lebih banyak daripada yang diketahui jawaban ini; isinya tidak dipakai.",
        "Tidak perlu apa-apa; jawaban berikutnya memuatnya.",
        safe=SENT_LATER,
    ),
    "server_busy": said(
        "Kota sedang sibuk",
        "Kota minta dicoba nanti.",
        "Tidak perlu apa-apa; dicoba lagi sendiri.",
        safe=SENT_LATER,
        button="Kirim sekarang",
        action="send_now",
    ),
    "unauthorised": said(
        "Kota tidak mengenali",
        "Jawaban tidak bertanda tangan kota, atau kota tidak mengenali kios ini.",
        "Layani terus dan hubungi petugas kota.",
        safe="Semua catatan tersimpan di sini.",
        tone="stop",
    ),
    "unauthorised.fork": said(
        "Catatan kota berbeda",
        "Kota memegang catatan lain untuk kios ini.",
        "Layani terus dan hubungi petugas kota hari ini.",
        safe="Semua catatan tersimpan, tidak ada yang ditimpa.",
        tone="stop",
    ),
    "unauthorised.quarantined_gap": said(
        "Kota meminta kiriman ulang",
        "Kota tidak lagi memegang sebagian catatan yang pernah diterimanya.",
        "Kirim sekali lagi; lewat USB: simpan ke USB sekali lagi dan bawa ke kota.",
        safe="Semua catatan tersimpan di sini.",
    ),
    "unauthorised.unknown_epoch": said(
        "Pendaftaran kios ini sudah berakhir",
        "Di kota kios ini sudah didaftarkan lagi, atau dibekukan. Kiriman dari sini disimpan terpisah di kota.",
        "Jangan melayani di komputer ini lagi; hubungi petugas kota.",
        safe="Semua catatan tersimpan di sini, tidak ada yang hilang.",
        tone="stop",
    ),
    "unauthorised.quarantined_unknown_epoch": said(
        "Pendaftaran kios ini sudah berakhir",
        "Di kota kios ini sudah didaftarkan lagi, atau dibekukan. Kiriman dari sini disimpan terpisah di kota.",
        "Jangan melayani di komputer ini lagi; hubungi petugas kota.",
        safe="Semua catatan tersimpan di sini, tidak ada yang hilang.",
        tone="stop",
    ),
    "unauthorised.quarantined_bad_signature": said(
        "Kiriman disimpan terpisah di kota",
        "Tanda tangan kiriman tidak cocok dengan kunci kios ini. Kota menyimpannya untuk diperiksa orang.",
        "Layani terus dan hubungi petugas kota hari ini.",
        safe="Semua catatan tersimpan di sini, tidak ada yang hilang.",
        tone="stop",
    ),
    "unauthorised.quarantined_hash": said(
        "Kiriman disimpan terpisah di kota",
        "Isi kiriman tidak cocok dengan sidik catatannya. Kota menyimpannya untuk diperiksa orang.",
        "Layani terus dan hubungi petugas kota hari ini.",
        safe="Semua catatan tersimpan di sini, tidak ada yang hilang.",
        tone="stop",
    ),
    "unauthorised.quarantined_bad_entry": said(
        "Kiriman disimpan terpisah di kota",
        "Satu catatan dalam kiriman tidak bisa diterima kota. Kota menyimpannya untuk diperiksa orang.",
        "Layani terus dan hubungi petugas kota hari ini.",
        safe="Semua catatan tersimpan di sini, tidak ada yang hilang.",
        tone="stop",
    ),
    "unauthorised.code_form": said(
        "Kode pendaftaran salah",
        "Kode itu bukan kode pendaftaran kios.",
        "Ketik lagi seperti yang tertulis dari kota.",
    ),
    "unauthorised.upload_only": said(
        "Kota menahan jatah baru",
        "Kota menerima catatan kios ini, tetapi belum memberi jatah baru.",
        "Layani terus dan hubungi petugas kota.",
        safe="Semua catatan tersimpan di sini.",
    ),
    "unauthorised.not_approved": said(
        "Pendaftaran belum disetujui",
        "Petugas kota belum menyetujui pendaftaran kios ini.",
        "Hubungi petugas kota dan cocokkan enam angka di layar.",
    ),
    "protocol_mismatch": said(
        "Versi berbeda dengan kota",
        "Program kasir dan program kota berbeda versi.",
        "Layani terus, dan minta petugas kota memperbaruinya.",
        safe="Semua catatan tersimpan di sini.",
    ),
    "protocol_mismatch.day_differs": said(
        "Hitungan hari berbeda",
        "Hitungan hari menurut kota tidak sama dengan hitungan kios ini.",
        "Layani terus dan hubungi petugas kota; selisih tidak dihapus.",
        safe="Semua catatan tersimpan di sini.",
    ),
    "clock_suspect.off_server": said(
        "Jam berbeda dengan kota",
        "Jam komputer berbeda lebih dari lima menit dengan jam kota.",
        "Betulkan tanggal dan jam komputer, lalu kirim lagi.",
        button="Kirim sekarang",
        action="send_now",
    ),
    "config": said(
        "Pengaturan salah",
        "Sebuah nilai dalam config.toml salah.",
        "Betulkan nilai yang disebut itu.",
        tone="stop",
    ),
    "config.enrolled": said(
        "Kios sudah terdaftar",
        "Folder ini sudah berisi buku catatan sebuah kios.",
        "Pakai kios yang sudah ada; jangan mendaftar dua kali.",
        safe=UNTOUCHED,
    ),
    "config.other_kiosk": said(
        "Milik kios lain",
        "Salinan atau kode itu milik kios lain.",
        "Pakai salinan dan kode kios ini.",
        safe=UNTOUCHED,
        tone="stop",
    ),
    "config.no_ledger": said(
        "Kios belum didaftarkan",
        "Belum ada buku catatan di komputer ini.",
        "Daftarkan kios dengan kode dari kota.",
    ),
    "config.older_copy": said(
        "Buku di sini lebih lengkap",
        "Buku catatan di komputer ini utuh dan memuat semua yang ada di salinan itu, atau lebih.",
        "Buka kasir seperti biasa. Bila tetap harus diganti: ewarung-pos restore FILE --older.",
        safe=UNTOUCHED,
    ),
    "config.ended_epoch": said(
        "Salinan dari masa yang sudah berakhir",
        "Buku di komputer ini utuh dan lebih baru masanya daripada salinan itu.",
        "Pakai salinan dari masa buku ini, atau teruskan dengan buku ini.",
        safe=UNTOUCHED,
        tone="stop",
    ),
    "config.not_enrolled": said(
        "Kios belum didaftarkan",
        "Buku catatan di komputer ini belum punya kios.",
        "Daftarkan kios dengan kode dari kota.",
    ),
    "config.no_key": said(
        "Kunci buku catatan tidak ada",
        "Kunci untuk membuka buku catatan tidak ditemukan di komputer ini.",
        "Pasang kembali kuncinya; jangan membuat buku baru.",
        safe=UNTOUCHED,
        tone="stop",
    ),
    "config.key_exposed": said(
        "Kunci bisa dibaca orang lain",
        "Berkas kunci bisa dibaca pengguna lain di komputer ini.",
        "Batasi izin berkas kunci untuk pengguna kasir saja.",
        safe=UNTOUCHED,
        tone="stop",
    ),
    "config.vendor_key": said(
        "Kunci EDC tidak ada",
        "Berkas kunci POSe Link tidak ada, kosong, atau tidak terbaca.",
        "Taruh di berkas itu kunci dari bank, lalu buka kasir lagi.",
        safe=UNTOUCHED,
        tone="stop",
    ),
    "config.vendor_key_exposed": said(
        "Kunci EDC bisa dibaca orang lain",
        "Berkas kunci POSe Link bisa dibaca pengguna lain di komputer ini.",
        "Jalankan chmod 600 untuk berkas itu, lalu buka kasir lagi.",
        safe=UNTOUCHED,
        tone="stop",
    ),
    "config.data_dir": said(
        "Folder data bermasalah",
        "Folder data tidak bisa dibaca atau ditulis.",
        "Periksa folder dan izinnya.",
        tone="stop",
    ),
    "config.network_share": said(
        "Folder data di jaringan",
        "Folder data ada di disk komputer lain; lewat jaringan buku catatan bisa rusak.",
        "Pindahkan folder data ke disk komputer ini.",
        safe=UNTOUCHED,
        tone="stop",
    ),
    "config.ledger_link": said(
        "Buku catatan bernama dua",
        "Berkas buku catatan juga ada dengan nama lain di folder lain; dua kasir bisa menulis ke satu berkas.",
        "Hapus nama atau tautan yang lain itu.",
        safe=UNTOUCHED,
        tone="stop",
    ),
    "config.backup_dir": said(
        "Folder cadangan bermasalah",
        "Salinan cadangan tidak bisa ditulis di folder itu.",
        "Pasang penyimpanan cadangan, lalu salin lagi.",
    ),
    "config.export_exists": said(
        "Berkas tujuan sudah ada",
        "Nama berkas itu sudah dipakai. Ekspor tidak pernah menimpa berkas lain.",
        "Beri nama lain, atau pindahkan berkas itu dulu.",
        safe=UNTOUCHED,
    ),
    "config.export_file": said(
        "Berkas ekspor tidak bisa ditulis",
        "Folder tujuan tidak ada atau tidak boleh ditulis.",
        "Periksa folder tujuan dan izinnya, lalu ulangi.",
    ),
    "config.export_from": said(
        "Nomor awal tidak ada",
        "Buku catatan tidak punya catatan dengan nomor itu.",
        "Beri nomor yang ada, atau ekspor semua tanpa --from.",
    ),
    "pos": said("Ada kesalahan", "Terjadi sesuatu yang tidak diduga.", "Catat jamnya dan hubungi petugas kota."),
    "bug": said(
        "Ada kesalahan program",
        "Program menemui kesalahan yang tidak diduga. Layanan dihentikan.",
        "Tutup dan buka lagi kasir. Hubungi petugas kota dengan jam kejadian.",
        tone="stop",
    ),
}
"""By error code, or error code and reason."""


def old_version(install: str) -> str:
    """That the city supports this version of the till no more, and which to install; empty if there is none."""
    return f"Versi aplikasi ini sudah lama: pasang versi {install}." if install else ""
