"""The sentences of the counter: why a card is not served, what the EDC said, and what is not certain yet."""

from __future__ import annotations

from functools import partial

from ewarung_pos.ui.trouble import HELD, NOTHING, UNSPENT, Trouble, said

__all__ = ["AT_THE_COUNTER"]

_next_card = partial(said, safe=UNSPENT, button="Kartu berikutnya")
_ask_city = partial(said, safe=UNSPENT, button="Minta jatah dari kota", action="ask_city")
_no_money = partial(said, safe=UNSPENT)
_basket = partial(said, safe=UNSPENT, button="Kembali ke keranjang")
_form = partial(said, button="Kembali mengisi")
_doubt = partial(said, safe=HELD, button="Tanya EDC lagi", action="inquire")
_not_voided = partial(said, safe="Struk yang asli tetap berlaku. Tidak ada yang diubah.")

_LEAVING: dict[str, Trouble] = {
    "leave.sign_out": _basket(
        "Ganti petugas?",
        "Keranjang keluarga ini belum disalurkan.",
        "Salurkan dulu, atau buang keranjangnya dan ganti petugas.",
    ),
    "leave.close": _basket(
        "Tutup kasir?",
        "Keranjang keluarga ini belum disalurkan.",
        "Salurkan dulu, atau buang keranjangnya dan tutup kasir.",
    ),
    "leave.sign_out_paying": said(
        "Ganti petugas?",
        "Penyaluran keluarga ini sedang berjalan.",
        "Tunggu sampai barang diserahkan.",
        safe=HELD,
        button="Kembali menunggu",
    ),
    "leave.close_paying": said(
        "Tutup kasir?",
        "Penyaluran keluarga ini sedang berjalan.",
        "Tunggu sampai barang diserahkan.",
        safe=HELD,
        button="Kembali menunggu",
    ),
    "leave.close_void": said(
        "Tutup kasir?",
        "Pembatalan di EDC sedang berjalan.",
        "Tunggu sampai EDC menjawab.",
        safe=HELD,
        button="Kembali menunggu",
    ),
    "leave.close_sealing": said(
        "Tutup kasir?",
        "Hari sedang disegel.",
        "Tunggu sampai laporan tutup hari dicetak.",
        button="Kembali menunggu",
    ),
    "leave.close_delivery": _form(
        "Tutup kasir?",
        "Barang masuk yang sedang diisi belum dicatat.",
        "Catat dulu, atau buang isiannya dan tutup kasir.",
        safe=NOTHING,
    ),
    "leave.close_count": _form(
        "Tutup kasir?",
        "Isian Tutup Hari belum dicatat.",
        "Lanjutkan dulu, atau buang isiannya dan tutup kasir.",
    ),
}

_REFUSED: dict[str, Trouble] = {
    "refusal.unknown_card": _ask_city(
        "Kartu belum terdaftar di sini",
        "Nomor kartu ini tidak ada dalam daftar keluarga kios ini.",
        "Mungkin langganan kios lain: minta jatahnya dari kota.",
    ),
    "refusal.card_blocked": _next_card(
        "Kartu diblokir kota",
        "Kota memblokir kartu ini. Kios tidak bisa membukanya.",
        "Kembalikan kartu dan arahkan ke Dinas Sosial atau bank penerbit.",
        tone="stop",
    ),
    "refusal.holder_deceased": _next_card(
        "Pemegang tercatat meninggal",
        "Data kota mencatat pemegang kartu ini sudah meninggal.",
        "Sampaikan dengan baik: ahli waris mengurus ke kelurahan dengan surat kematian.",
        tone="stop",
    ),
    "refusal.family_moved": _next_card(
        "Keluarga tercatat pindah",
        "Data kota mencatat keluarga ini sudah pindah.",
        "Arahkan ke kelurahan tempat tinggal sekarang untuk pindah kios.",
        tone="stop",
    ),
    "refusal.home_elsewhere": _ask_city(
        "Jatah ada di kios lain",
        "Jatah keluarga ini disimpan untuk kios lain.",
        "Minta dari kota; kios lain itu mengembalikannya dulu.",
    ),
    "refusal.exhausted": _next_card(
        "Jatah bulan ini sudah habis",
        "Seluruh jatah bulan ini sudah diambil.",
        "Tunjukkan struk terakhir bila keluarga bertanya. Jatah baru ada bulan depan.",
    ),
    "refusal.no_ration": _next_card(
        "Tidak ada jatah di daftar kota",
        "Di daftar kota yang ada di sini, keluarga ini tidak mendapat jatah bulan ini.",
        "Minta petugas kota memeriksanya; bawa kartu dan KTP.",
    ),
    "refusal.period_over": _ask_city(
        "Jatah bulan ini belum diterima",
        "Kios belum memegang jatah bulan ini untuk keluarga ini.",
        "Minta dari kota sekarang.",
    ),
    "refusal.out_of_stock": said(
        "Stok tidak cukup",
        "Barang di rak kurang dari yang diminta.",
        "Kurangi jumlahnya, atau catat barang yang baru datang di Terima barang.",
        safe=UNSPENT,
        button="Terima barang",
        action="go_stock",
    ),
    "refusal.day_not_open": said(
        "Hari belum dibuka",
        "Kartu belum bisa dilayani karena hari kerja belum dibuka.",
        "Buka hari lebih dulu.",
        safe=UNSPENT,
        button="Buka Hari",
        action="go_day",
    ),
    "refusal.day_closing": said(
        "Hari sedang ditutup",
        "Tutup Hari sudah dimulai; selama itu tidak ada kartu yang dilayani.",
        "Lanjutkan Tutup Hari. Untuk melayani lagi, pilih Kembali melayani di sana.",
        safe=UNSPENT,
        button="Lanjutkan Tutup Hari",
        action="go_closing",
    ),
    "refusal.day_sealed": _next_card(
        "Hari ini sudah ditutup",
        "Hari kerja tanggal ini sudah disegel.",
        "Minta keluarga datang lagi; kartu dilayani setelah Buka Hari besok.",
    ),
    "refusal.day_over": said(
        "Hari lama belum ditutup",
        "Hari kerja yang terbuka dari bulan lalu; jatah bulan itu sudah berakhir.",
        "Tutup hari itu lebih dulu, lalu buka hari baru.",
        safe=UNSPENT,
        button="Tutup Hari",
        action="go_closing",
    ),
    "refusal.clock_suspect": said(
        "Jam komputer meragukan",
        "Jam komputer tidak cocok dengan catatan terakhir atau dengan jam kota.",
        "Betulkan tanggal dan jam komputer, atau minta ketua memastikan jamnya di Buka Hari.",
        safe=UNSPENT,
        button="Lihat jam",
        action="go_day",
    ),
    "refusal.in_doubt": said(
        "Ada yang belum pasti",
        "Penarikan saldo sebelumnya untuk kartu ini belum pasti hasilnya.",
        "Selesaikan dulu yang belum pasti. Kartu lain boleh dilayani.",
        safe="Permintaan sebelumnya tersimpan. Saldo tidak akan ditarik dua kali.",
        button="Selesaikan",
        action="resolve",
    ),
    "refusal.purse_offline": said(
        "EDC tidak tersambung",
        "Belanja KKS memerlukan mesin EDC, dan mesin itu tidak menjawab.",
        "Periksa kabel dan listrik EDC. Jatah dan tunai tetap bisa dilayani.",
        safe=UNSPENT,
        button="Coba lagi",
        action="retry",
    ),
}

_EDC_SAID_NO: dict[str, Trouble] = {
    "edc": _basket(
        "EDC menolak", "EDC tidak melakukan penarikan saldo.", "Lihat layar EDC, lalu ubah keranjang atau ulangi."
    ),
    "edc.declined": _no_money("Bank menolak", "Bank menolak penarikan saldo.", "Keluarga bisa menanyakannya ke bank."),
    "edc.insufficient": _no_money(
        "Saldo KKS tidak cukup",
        "Bank menjawab saldo tidak cukup.",
        "Kurangi belanja KKS, atau bayar sebagian dengan tunai.",
        button="Ubah keranjang",
    ),
    "edc.wrong_pin": _basket(
        "PIN salah",
        "PIN yang ditekan di EDC salah.",
        "Minta pemegang kartu menekan PIN sendiri, pelan-pelan, lalu Salurkan lagi.",
    ),
    "edc.expired_card": _no_money(
        "Kartu kedaluwarsa",
        "Masa berlaku kartu sudah lewat. Uangnya tetap ada di bank.",
        "Arahkan ke bank penerbit untuk ganti kartu.",
    ),
    "edc.card_error": _basket(
        "Kartu tidak terbaca EDC",
        "EDC tidak bisa membaca kartu.",
        "Bersihkan kartu, masukkan lagi, lalu Salurkan lagi.",
    ),
    "edc.user_cancelled": _basket(
        "Penarikan dibatalkan",
        "Penarikan saldo dibatalkan sebelum uang berpindah.",
        "Tanyakan kepada keluarga: ubah keranjang atau selesai.",
    ),
    "edc.host_unavailable": _basket(
        "Bank tidak tersambung",
        "EDC menjawab bahwa bank sedang tidak bisa dihubungi.",
        "Coba lagi beberapa menit, atau layani jatah dan tunai saja.",
    ),
    "edc.terminal_fault": _no_money(
        "EDC bermasalah",
        "Mesin EDC melaporkan kerusakan.",
        "Matikan dan nyalakan EDC. Bila tetap begitu, hubungi bank.",
    ),
    "edc.not_accepted": _basket(
        "EDC tidak menerima perintah",
        "Tiga kali dikirim, EDC tidak menerima perintah.",
        "Periksa kabel EDC lalu Salurkan lagi.",
    ),
    "edc.not_sent": _basket(
        "EDC terputus",
        "EDC tidak tersambung, jadi perintah tidak dikirim.",
        "Periksa kabel atau Wi-Fi EDC, lalu Salurkan lagi.",
    ),
    "edc.busy": _basket(
        "EDC sedang sibuk",
        "EDC masih mengerjakan yang lain, jadi perintah ini tidak diterima.",
        "Tunggu sampai layar EDC kembali ke awal, lalu Salurkan lagi.",
    ),
    "edc.clock_behind": _basket(
        "Jam kasir tertinggal",
        "Jam kasir lebih lambat daripada yang dicatat EDC, jadi perintah tidak diterima.",
        "Betulkan jam komputer dan jam EDC, lalu Salurkan lagi.",
    ),
    "edc.not_found": _next_card(
        "EDC: tidak ada penarikan",
        "EDC memastikan penarikan ini tidak pernah terjadi.",
        "Masukkan kartunya lagi, lalu layani seperti biasa.",
    ),
    "edc.no_slip": _next_card(
        "Tidak ada penarikan",
        "Petugas dan ketua menyatakan: tidak ada struk dan EDC tidak menarik saldo.",
        "Masukkan kartunya lagi, lalu layani seperti biasa.",
    ),
    "edc.other_debit": said(
        "Bukan penarikan ini",
        "Petugas dan ketua menyatakan: EDC menarik saldo kartu atau jumlah lain, dan belum dibatalkan.",
        "Simpan struknya dan hubungi bank hari ini. Kartu ini boleh dilayani lagi.",
        safe="Kartu ini tidak dicatat berbelanja. Kota menerima laporannya saat Sinkron.",
        button="Kartu berikutnya",
    ),
    "edc.other_debit_voided": said(
        "Sudah dibatalkan di EDC",
        "Petugas dan ketua menyatakan: penarikan yang salah sudah dibatalkan di EDC.",
        "Berikan struk pembatalan kepada pemegang kartu itu, lalu layani lagi kartu ini.",
        safe="Kartu ini tidak dicatat berbelanja. Kota menerima laporannya saat Sinkron.",
        button="Kartu berikutnya",
    ),
    "void": _not_voided(
        "Saldo belum dikembalikan",
        "EDC tidak membatalkan penarikan saldo ini.",
        "Lihat layar EDC, lalu Batalkan lagi. Bila tetap ditolak, hubungi bank.",
    ),
    "void.not_sent": _not_voided(
        "EDC terputus",
        "EDC tidak tersambung, jadi pembatalan tidak dikirim.",
        "Periksa kabel atau Wi-Fi EDC, lalu Batalkan lagi.",
    ),
    "void.busy": _not_voided(
        "EDC sedang sibuk",
        "EDC masih mengerjakan yang lain, jadi pembatalan tidak diterima.",
        "Tunggu sampai layar EDC kembali ke awal, lalu Batalkan lagi.",
    ),
    "void.other_terminal": _not_voided(
        "EDC lain yang tersambung",
        "EDC yang tersambung bukan EDC yang menarik saldo ini, jadi pembatalan tidak dikirim.",
        "Sambungkan EDC yang mencetak struk belanja ini, lalu Batalkan lagi.",
    ),
    "void.clock_behind": _not_voided(
        "Jam kasir tertinggal",
        "Jam kasir lebih lambat daripada yang dicatat EDC, jadi pembatalan tidak diterima.",
        "Betulkan jam komputer dan jam EDC, lalu Batalkan lagi.",
    ),
    "void.user_cancelled": _not_voided(
        "Pembatalan dihentikan", "Pembatalan dihentikan di mesin EDC.", "Batalkan lagi bila memang perlu."
    ),
    "void.not_found": _not_voided(
        "EDC: tidak ada pembatalan",
        "EDC memastikan pembatalan ini tidak pernah terjadi.",
        "Batalkan lagi dari Riwayat bila masih perlu.",
    ),
    "void.no_slip": _not_voided(
        "Tidak ada pembatalan",
        "Petugas dan ketua menyatakan: tidak ada struk dan EDC tidak membatalkan.",
        "Batalkan lagi dari Riwayat bila masih perlu.",
    ),
    "void.host_unavailable": _not_voided(
        "Bank tidak tersambung",
        "EDC menjawab bahwa bank sedang tidak bisa dihubungi.",
        "Coba lagi beberapa menit; pembatalan hanya bisa pada hari yang sama.",
    ),
}

_NOT_CERTAIN: dict[str, Trouble] = {
    "doubt": _doubt(
        "Belum pasti",
        "Hasil di EDC belum pasti.",
        "Tahan barang di meja dulu. Kasir menanyakan hasilnya ke EDC.",
    ),
    "doubt.no_answer": _doubt(
        "Belum pasti: jawaban EDC tidak sampai",
        "EDC menerima perintah, tetapi jawabannya tidak sampai.",
        "Tahan barang di meja dulu. Kasir menanyakan hasilnya ke EDC.",
    ),
    "doubt.link_lost": _doubt(
        "Belum pasti: EDC terputus",
        "Sambungan ke EDC putus setelah perintah dikirim.",
        "Periksa kabel atau Wi-Fi EDC. Tahan barang di meja dulu.",
    ),
    "doubt.no_ack": _doubt(
        "Belum pasti: EDC diam",
        "EDC tidak menjawab sama sekali setelah perintah dikirim.",
        "Lihat layar EDC. Tahan barang di meja dulu.",
    ),
    "doubt.bad_frame": _doubt(
        "Belum pasti: jawaban EDC rusak",
        "Jawaban EDC sampai dalam keadaan rusak.",
        "Tahan barang di meja dulu. Kasir menanyakan hasilnya ke EDC.",
    ),
    "doubt.mismatch": _doubt(
        "Belum pasti: jawaban EDC tidak cocok",
        "EDC menyebut transaksi lain, mungkin kartu lain.",
        "Jangan ulangi. Baca struk EDC, lalu tekan Saya punya struk EDC.",
        safe="Permintaan ini tersimpan.",
        button="Saya punya struk EDC",
        action="ask_slip",
        tone="stop",
    ),
    "doubt.other_terminal": _doubt(
        "Belum pasti: EDC lain yang menjawab",
        "Jawaban datang dari EDC dengan nomor (TID atau MID) lain daripada EDC yang seharusnya.",
        "Baca struk EDC. Hubungi petugas kota: EDC mungkin tertukar.",
        safe="Permintaan ini tersimpan.",
        button="Saya punya struk EDC",
        action="ask_slip",
        tone="stop",
    ),
    "doubt.unnamed": _doubt(
        "Belum pasti: jawaban EDC tanpa nomor",
        "EDC berkata setuju, tetapi tanpa nomor apa pun yang bisa dicari kembali.",
        "Tahan barang di meja dulu. Baca struk EDC bila ada.",
        button="Saya punya struk EDC",
        action="ask_slip",
    ),
    "doubt.host_timeout": _doubt(
        "Belum pasti: bank terlambat menjawab",
        "EDC tidak mendapat jawaban bank pada waktunya.",
        "Tahan barang di meja dulu. Kasir menanyakan hasilnya ke EDC.",
    ),
    "doubt.no_query": said(
        "Belum pasti: baca struk EDC",
        "EDC ini tidak bisa ditanya. Hasilnya hanya ada di struk atau layar EDC.",
        "Baca struk EDC bersama ketua, lalu pilih hasilnya.",
        safe=HELD,
        button="Saya punya struk EDC",
        action="ask_slip",
    ),
    "doubt.unclear": said(
        "Belum pasti: jawaban EDC tidak jelas",
        "EDC ditanya, tetapi jawabannya mungkin bukan tentang transaksi ini.",
        "Tanya EDC lagi. Bila tetap begitu, baca struk EDC bersama ketua.",
        safe=HELD,
        button="Tanya EDC lagi",
        action="inquire",
    ),
    "doubt.not_recorded": said(
        "Belum tercatat: EDC sudah menjawab",
        "EDC sudah menjawab, tetapi jawabannya belum bisa dicatat.",
        "Tahan barang di meja. Bila disk penuh, kosongkan ruang; lalu Catat lagi.",
        safe="Jawaban EDC disimpan selama kasir menyala. Saldo tidak akan ditarik dua kali.",
        button="Catat lagi",
        action="inquire",
        tone="stop",
    ),
    "doubt.busy": _doubt(
        "Belum pasti: EDC masih bekerja",
        "EDC mungkin masih mengerjakan transaksi ini, jadi belum bisa memastikan hasilnya.",
        "Lihat layar EDC. Tahan barang di meja dulu, lalu tanya lagi sesudah 2 menit.",
    ),
    "doubt.restart": _doubt(
        "Belum pasti: hasilnya belum tercatat",
        "Permintaan ke EDC ini belum ada hasilnya di buku catatan.",
        "Tahan barang di meja dulu. Kasir menanyakan hasilnya ke EDC.",
    ),
    "outcome_unknown": _doubt("Belum pasti", "Hasil di EDC belum pasti.", "Tahan barang di meja dulu."),
}

AT_THE_COUNTER: dict[str, Trouble] = {**_LEAVING, **_REFUSED, **_EDC_SAID_NO, **_NOT_CERTAIN}
"""By `refusal.<reason>`, `edc.<reason>`, `void.<reason>` and `doubt.<reason>`."""
