"""The sentences about rights that move: from the city, from another kiosk, and out of the hardship pool."""

from __future__ import annotations

from ewarung_pos.ui.trouble import NOTHING, Trouble, said

__all__ = ["RIGHTS_THAT_MOVE"]

RIGHTS_THAT_MOVE: dict[str, Trouble] = {
    "not_entitled.has_rights": said(
        "Keluarga ini punya jatah di sini",
        "Jatah darurat hanya untuk keluarga yang jatahnya tidak terjangkau.",
        "Layani dari jatahnya sendiri.",
        safe=NOTHING,
    ),
    "period_not_current.period_closed": said(
        "Bulan itu sudah ditutup",
        "Jatah bulan itu sudah ditutup di kios ini dan dikembalikan ke kota.",
        "Layani dari jatah bulan ini.",
        safe=NOTHING,
    ),
    "day_not_open.day_not_sealed": said(
        "Hari belum ditutup",
        "Hari kerja bulan lalu belum disegel.",
        "Tutup hari itu lebih dulu.",
        safe=NOTHING,
        button="Tutup Hari",
        action="go_closing",
    ),
    "rights.no_line": said(
        "Kota tidak terhubung",
        "Permintaan jatah atau jawaban kota tidak sampai.",
        "Coba lagi, titip permintaannya lewat USB, atau layani dari jatah darurat dengan PIN ketua.",
        safe=NOTHING,
        button="Kartu berikutnya",
    ),
    "rights.no_line_home": said(
        "Kota tidak terhubung",
        "Permintaan pindah langganan atau jawaban kota tidak sampai.",
        "Coba lagi, atau layani dari jatah darurat dengan PIN ketua.",
        safe="Langganan baru dicatat di sini setelah kota menjawab.",
        button="Kartu berikutnya",
    ),
    "rights.carried": said(
        "Permintaan ikut USB berikutnya",
        "Permintaan jatah tersimpan dan ikut dengan Simpan ke USB berikutnya. Jawaban kota datang dengan balasannya.",
        "Minta keluarga datang lagi, atau layani dari jatah darurat dengan PIN ketua.",
        safe="Permintaan tersimpan di sini; layar Sinkron menunjukkannya.",
        button="Kartu berikutnya",
        tone="info",
    ),
    "rights.silent": said(
        "Kios langganan tidak menjawab",
        "Jatahnya masih di kios langganan, dan kios itu belum mengembalikannya.",
        "Coba lagi, atau layani dari jatah darurat dengan PIN ketua.",
        safe=NOTHING,
        button="Kartu berikutnya",
    ),
    "rights.unknown_card": said(
        "Kartu tidak terdaftar di kota",
        "Kota tidak mengenal kartu ini.",
        "Periksa kartunya, lalu arahkan keluarga ke kelurahan.",
        safe=NOTHING,
        button="Kartu berikutnya",
    ),
    "rights.no_ration": said(
        "Tidak ada jatah bulan ini",
        "Keluarga ini tidak terdaftar untuk jatah bulan ini.",
        "Arahkan keluarga ke pendamping atau kelurahan.",
        safe=NOTHING,
        button="Kartu berikutnya",
    ),
    "rights.exhausted": said(
        "Jatah bulan ini sudah habis",
        "Menurut kota seluruh jatah bulan ini sudah diambil.",
        "Jatah baru ada bulan depan.",
        safe=NOTHING,
        button="Kartu berikutnya",
    ),
    "rights.frozen": said(
        "Jatah tertahan",
        "Sisa jatahnya ada di kios yang hilang atau rusak; kota belum membebaskannya.",
        "Layani dari jatah darurat, dan beri tahu petugas kota.",
        safe=NOTHING,
        button="Kartu berikutnya",
    ),
    "rights.elsewhere": said(
        "Jatah ada di kios lain",
        "Beberapa menit lalu sisa jatah keluarga ini diminta di kios lain.",
        "Tanyakan kepada keluarga siapa yang sedang di sana. Coba lagi beberapa menit lagi.",
        safe=NOTHING,
        button="Kartu berikutnya",
    ),
    "rights.recovery": said(
        "Kota sedang memulihkan data",
        "Kota belum boleh memberi jatah baru.",
        "Coba lagi nanti, atau layani dari jatah darurat.",
        safe=NOTHING,
        button="Kartu berikutnya",
    ),
    "rights.doubt": said(
        "Kota menunggu catatan kios ini",
        "Kota belum memberi jatah baru sebelum semua catatan kios ini sampai.",
        "Kirim dulu di Sinkron, atau layani dari jatah darurat.",
        safe=NOTHING,
        button="Kartu berikutnya",
    ),
    "rights.period": said(
        "Bulan tidak cocok",
        "Menurut kota sekarang bulan lain dari hari kerja yang terbuka.",
        "Tutup hari, lalu buka hari baru; periksa tanggal komputer.",
        safe=NOTHING,
        button="Kartu berikutnya",
    ),
    "rights.withdrawn": said(
        "Permintaan sudah dibatalkan",
        "Permintaan jatah ini sudah dibatalkan.",
        "Masukkan kartunya lagi untuk meminta yang baru.",
        safe=NOTHING,
        button="Kartu berikutnya",
    ),
    "rights.home_asked": said(
        "Jadikan kios ini langganan?",
        "Mulai sekarang jatah keluarga ini disimpan di kios ini; kios lama tidak perlu setuju.",
        "Tanyakan kepada keluarga. Ia boleh pindah lagi kapan saja, di kios mana pun.",
        safe=NOTHING,
        button="Ya, jadikan langganan",
        tone="info",
    ),
    "rights.home_changed": said(
        "Langganan sudah pindah",
        "Kota mencatat kios ini sebagai langganan keluarga ini.",
        "Jatah bulan depan ada di sini. Lanjut untuk jatah bulan ini.",
        safe="Perubahan ini tercatat di sini dan di kota.",
        button="Lanjut",
        tone="info",
    ),
    "rights.pool_empty": said(
        "Jatah darurat tidak ada",
        "Kios ini tidak punya sisa jatah darurat untuk keluarga ini.",
        "Arahkan ke kios langganannya, atau hubungi petugas kota.",
        safe=NOTHING,
        button="Kartu berikutnya",
    ),
}
