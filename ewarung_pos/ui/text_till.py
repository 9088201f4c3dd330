"""The sentences around the counter: rules, devices, printer, ledger.

A code without a reason is what every reason of it falls back to.
"""

from __future__ import annotations

from functools import partial

from ewarung_pos.ui.text_copies import ENROL_AGAIN
from ewarung_pos.ui.trouble import NOTHING, PRINTED_LATER, UNTOUCHED, Trouble, said

__all__ = ["AROUND_THE_TILL"]

_paper = partial(said, safe=PRINTED_LATER, button="Cetak lagi", action="reprint")

_RULES: dict[str, Trouble] = {
    "rule": said("Tidak bisa", "Aturan tidak mengizinkan langkah ini.", "Periksa lagi lalu ulangi.", safe=NOTHING),
    "not_entitled": said(
        "Tidak berhak", "Barang ini tidak termasuk hak keluarga ini.", "Pilih barang lain, atau tunai.", safe=NOTHING
    ),
    "not_entitled.empty_basket": said(
        "Keranjang kosong", "Belum ada barang yang dipilih.", "Pilih barang lebih dulu.", safe=NOTHING
    ),
    "not_entitled.already_reversed": said(
        "Sudah dibatalkan", "Penyaluran ini sudah dibatalkan sebelumnya.", "Lihat struk pembatalannya.", safe=NOTHING
    ),
    "not_entitled.void_in_doubt": said(
        "Pembatalan belum pasti",
        "Pembatalan di EDC untuk struk ini belum pasti hasilnya.",
        "Selesaikan dulu yang belum pasti di Layanan.",
        button="Ke Layanan",
        action="go_counter",
    ),
    "not_entitled.edc_settled": said(
        "EDC sudah ditutup",
        "EDC sudah memberi total hari ini, jadi penarikan KKS itu tidak bisa dibatalkan di EDC lagi.",
        "Ganti barangnya, atau arahkan keluarga ke bank dan catat sebagai pengaduan.",
        safe=NOTHING,
    ),
    "not_entitled.empty_delivery": said(
        "Belum lengkap", "Pemasok dan barang harus diisi.", "Isi pemasok dan jumlah barang.", safe=NOTHING
    ),
    "not_entitled.bad_delivery": said(
        "Barang tidak dikenal", "Ada barang di luar daftar atau jumlahnya nol.", "Periksa daftarnya.", safe=NOTHING
    ),
    "not_entitled.bad_count": said(
        "Hitungan tidak mungkin", "Hitungan tidak boleh kurang dari nol.", "Betulkan angkanya.", safe=NOTHING
    ),
    "not_entitled.text_too_long": said(
        "Tulisan terlalu panjang", "Tulisan itu lebih panjang dari yang bisa dicatat.", "Persingkat.", safe=NOTHING
    ),
    "not_entitled.text_number": said(
        "Ada nomor panjang dalam tulisan",
        "Nomor kartu, NIK, atau No. KK tidak boleh ditulis di catatan: catatan tidak bisa dihapus.",
        "Hapus nomor itu, lalu ulangi.",
        safe=NOTHING,
    ),
    "not_entitled.text_name": said(
        "Ada nama keluarga dalam tulisan",
        "Nama keluarga tidak boleh ditulis di catatan: catatan tidak bisa dihapus.",
        "Ganti nama itu dengan nomor struknya, lalu ulangi.",
        safe=NOTHING,
    ),
    "not_entitled.unexplained": said(
        "Selisih belum dijelaskan", "Ada selisih yang belum punya alasan.", "Pilih alasan untuk tiap selisih."
    ),
    "not_entitled.count_again": said(
        "Stok berubah sejak dihitung",
        "Ada barang keluar atau masuk sesudah hitungan dicatat.",
        "Hitung lagi, lalu bandingkan.",
        safe=NOTHING,
    ),
    "rule.price_changed": said(
        "Harga berubah",
        "Kota baru saja mengirim harga atau barang baru.",
        "Sebutkan harga baru kepada keluarga, lalu Salurkan.",
        safe=NOTHING,
    ),
    "rule.too_many_copies": said(
        "Salinan terlalu banyak", "Struk ini sudah disalin terlalu sering.", "Tunjukkan salinan yang ada."
    ),
    "not_entitled.held": said(
        "Barang masih ditunggu",
        "Ada penarikan saldo yang belum pasti untuk barang itu.",
        "Selesaikan dulu yang belum pasti, lalu hitung lagi.",
        safe=NOTHING,
        button="Selesaikan",
        action="resolve",
    ),
    "not_entitled.no_debit": said(
        "Tidak ada penarikan KKS",
        "Langkah ini hanya untuk belanja yang dibayar KKS.",
        "Periksa keranjangnya.",
        safe=NOTHING,
    ),
    "not_entitled.not_reversible": said(
        "Tidak bisa dibatalkan", "Catatan ini bukan penyaluran.", "Pilih struk penyaluran di Riwayat.", safe=NOTHING
    ),
    "not_entitled.unknown_entry": said(
        "Catatan tidak ditemukan", "Catatan itu tidak ada di buku kios ini.", "Cari lagi di Riwayat.", safe=NOTHING
    ),
    "not_entitled.unknown_attempt": said(
        "Penarikan tidak ditemukan", "Penarikan saldo itu tidak ada di buku kios ini.", "Lihat Riwayat.", safe=NOTHING
    ),
    "not_entitled.unknown_receipt": said(
        "Struk tidak ditemukan", "Tidak ada struk dengan nomor itu.", "Periksa nomornya."
    ),
    "allotment_exhausted": said(
        "Jatah tidak cukup", "Yang diminta lebih dari sisa jatah.", "Kurangi jumlahnya.", safe=NOTHING
    ),
    "period_not_current": said(
        "Bukan jatah bulan ini", "Jatah ini untuk bulan lain.", "Sinkron untuk mengambil jatah baru.", safe=NOTHING
    ),
    "card_blocked": said("Kartu tidak bisa dilayani", "Kartu ini ditahan.", "Lihat alasannya di layar.", safe=NOTHING),
    "home_elsewhere": said(
        "Jatah ada di kios lain", "Jatah keluarga ini disimpan untuk kios lain.", "Sebutkan kios asalnya.", safe=NOTHING
    ),
    "out_of_stock": said(
        "Stok tidak cukup",
        "Barang di rak kurang dari yang diminta.",
        "Kurangi jumlah, atau Terima barang.",
        safe=NOTHING,
    ),
    "day_not_open": said(
        "Hari belum dibuka",
        "Langkah ini memerlukan hari kerja yang terbuka.",
        "Buka hari lebih dulu.",
        safe=NOTHING,
        button="Buka Hari",
        action="go_day",
    ),
    "day_not_open.day_closing": said(
        "Hari sedang ditutup",
        "Tutup Hari sudah dimulai; langkah ini tidak bisa selama itu.",
        "Lanjutkan Tutup Hari. Untuk melayani lagi, pilih Kembali melayani di sana.",
        safe=NOTHING,
        button="Lanjutkan Tutup Hari",
        action="go_closing",
    ),
    "day_not_open.already_open": said(
        "Hari sudah dibuka",
        "Hari kerja sudah terbuka.",
        "Langsung layani kartu.",
        button="Ke Layanan",
        action="go_counter",
    ),
    "day_not_open.already_closed": said(
        "Hari ini sudah ditutup", "Hari kerja tanggal ini sudah disegel.", "Buka lagi besok pagi."
    ),
    "day_not_open.not_counting": said(
        "Penutupan belum dimulai", "Langkah ini bagian dari Tutup Hari.", "Mulai Tutup Hari lebih dulu."
    ),
    "day_not_open.not_explained": said(
        "Hitungan belum selesai", "Stok belum dihitung atau selisih belum dijelaskan.", "Selesaikan hitungan."
    ),
    "day_not_open.in_doubt": said(
        "Masih ada yang belum pasti",
        "Ada penarikan saldo yang belum pasti hasilnya.",
        "Selesaikan dulu di Layanan, baru segel hari.",
        button="Selesaikan",
        action="resolve",
    ),
    "day_not_open.control": said(
        "Empat angka tidak cocok",
        "Jatah, barang, struk dan stok tidak bercerita sama.",
        "Jangan segel. Hubungi petugas kota dan sebutkan angka di layar.",
        tone="stop",
    ),
    "day_not_open.edc": said(
        "Total EDC berbeda",
        "Total di EDC tidak sama dengan catatan KKS hari ini.",
        "Tulis penjelasannya; selisih tidak dihapus.",
    ),
    "day_not_open.not_same_day": said(
        "Hanya hari yang sama", "Pembatalan hanya untuk penyaluran hari ini.", "Catat sebagai retur atau pengaduan."
    ),
    "not_authorised": said("Tidak diizinkan", "Langkah ini bukan wewenang Anda.", "Minta ketua.", safe=NOTHING),
    "not_authorised.wrong_pin": said("PIN salah", "PIN tidak cocok.", "Coba lagi pelan-pelan.", safe=NOTHING),
    "not_authorised.locked": said(
        "PIN terkunci", "PIN salah terlalu sering, jadi terkunci.", "Minta ketua membukanya.", safe=NOTHING, tone="stop"
    ),
    "not_authorised.leader_locked": said(
        "PIN terkunci",
        "PIN salah terlalu sering, dan tidak ada ketua yang bisa membuka kuncinya.",
        "Minta PIN baru ke petugas kota. Selama tersambung, komputer ini mengambilnya sendiri.",
        safe=NOTHING,
        tone="stop",
    ),
    "not_authorised.wait": said(
        "Tunggu sebentar",
        "PIN tadi salah, atau kasir mati saat PIN diperiksa, jadi ada jeda sebelum boleh dicoba lagi.",
        "Tunggu setengah menit, lalu ketik PIN pelan-pelan.",
        safe=NOTHING,
    ),
    "not_authorised.pin_renewal": said(
        "PIN perlu diperbarui",
        "PIN lama tidak berlaku lagi sejak kunci komputer ini diganti.",
        "Minta PIN baru ke petugas kota. Selama tersambung, komputer ini mengambilnya sendiri.",
        safe=NOTHING,
    ),
    "not_authorised.no_pin": said(
        "Belum punya PIN",
        "Petugas ini belum diberi PIN.",
        "Minta PIN ke petugas kota. Selama tersambung, komputer ini mengambilnya sendiri.",
        safe=NOTHING,
    ),
    "not_authorised.unknown_operator": said(
        "Petugas tidak dikenal", "Nama ini tidak ada dalam daftar petugas.", "Pilih nama lain.", safe=NOTHING
    ),
    "not_authorised.role": said(
        "Bukan petugas kasir",
        "Pendamping boleh melihat, tidak boleh menyalurkan.",
        "Masuk sebagai kasir.",
        safe=NOTHING,
    ),
    "not_authorised.no_leader": said(
        "Belum ada ketua", "Kios ini belum punya ketua yang terdaftar.", "Sinkron, lalu hubungi kota.", safe=NOTHING
    ),
    "not_authorised.second_person": said(
        "Perlu orang kedua", "Langkah ini perlu PIN ketua.", "Panggil ketua untuk menekan PIN.", safe=NOTHING
    ),
    "not_authorised.slip_used": said(
        "Struk EDC sudah dipakai",
        "Nomor di struk ini sudah tercatat untuk penarikan lain.",
        "Cari struk EDC milik penarikan ini, atau tanya EDC lagi.",
        safe="Permintaan ini tersimpan. Saldo tidak akan ditarik dua kali.",
    ),
    "not_authorised.void_first": said(
        "Batalkan dulu di EDC", "Saldo harus dikembalikan lewat EDC lebih dulu.", "Nyalakan EDC lalu ulangi."
    ),
    "clock_suspect": said(
        "Jam komputer meragukan", "Jam komputer mundur dibanding catatan terakhir.", "Betulkan jam, lalu coba lagi."
    ),
    "clock_suspect.date_unsure": said(
        "Pastikan tanggalnya",
        "Jam kota belum diketahui; tanggal menentukan jatah bulan mana.",
        "Cocokkan tanggal dengan kalender; bila salah, betulkan jam.",
        safe="Hari belum dibuka.",
        button="Tanggal benar",
        action="confirm_date",
    ),
}

_MACHINES: dict[str, Trouble] = {
    # --- devices
    "device": said("Alat bermasalah", "Sebuah alat tidak bekerja.", "Periksa kabel dan listriknya."),
    "device_unavailable": said(
        "Alat tidak tersambung", "Alat tidak ditemukan atau dipakai program lain.", "Periksa kabel dan listriknya."
    ),
    "device_unavailable.no_port": said(
        "Pembaca kartu tidak ditemukan",
        "Kabel EDC tidak ditemukan di komputer ini.",
        "Pasang kabel EDC. Kasir menyambung sendiri begitu terpasang.",
    ),
    "device_unavailable.which_port": said(
        "Ada dua EDC yang sama",
        "Dua alat dengan nomor USB yang sama terpasang, dan kasir tidak mau menebak.",
        "Cabut yang satu. Kasir menyambung sendiri.",
    ),
    "device_unavailable.in_use": said(
        "EDC dipakai program lain", "Program lain sedang memakai kabel EDC.", "Tutup program lain itu."
    ),
    "device_unavailable.unplugged": said(
        "Kabel EDC terlepas", "Sambungan ke EDC terputus.", "Pasang lagi kabelnya. Kasir menyambung sendiri."
    ),
    "device_unavailable.no_answer": said(
        "EDC tidak menjawab", "EDC tersambung tetapi tidak menjawab.", "Matikan dan nyalakan EDC, lalu coba lagi."
    ),
    "device_unavailable.no_echo": said(
        "EDC tidak mengenal uji gema",
        "EDC menjawab, tetapi tidak mengenal pertanyaan pembuka dari kasir. Tidak ada saldo yang ditarik.",
        'Hubungi petugas kota: EDC ini perlu fence = "quiet" di [payment_terminal].',
    ),
    "device_unavailable.no_host": said(
        "EDC tidak ada di jaringan",
        "EDC tidak ditemukan di alamat yang diatur.",
        "Nyalakan EDC dan Wi-Fi-nya. Bila alamatnya berubah, betulkan url EDC.",
    ),
    "device_unavailable.certificate": said(
        "EDC ini bukan yang dikenal",
        "Sidik jari sertifikat di alamat EDC lain dari yang diatur. Tidak ada yang dikirim ke sana.",
        "Bila EDC baru diganti atau dipasang ulang, cocokkan sidik jarinya. Bila tidak, hubungi petugas kota.",
    ),
    "device_unavailable.busy": said(
        "EDC sedang sibuk",
        "EDC masih mengerjakan yang lain.",
        "Tunggu sampai layar EDC kembali ke awal, lalu coba lagi.",
    ),
    "device_unavailable.not_understood": said(
        "EDC tidak mengerti",
        "EDC tersambung, tetapi tidak menjawab pertanyaan percobaan.",
        "Cocokkan kunci POSe Link dengan yang diberikan bank, lalu periksa lagi.",
    ),
    "device_unavailable.clock_behind": said(
        "Jam kasir tertinggal",
        "Jam kasir lebih lambat daripada yang dicatat EDC.",
        "Betulkan jam komputer dan jam EDC, lalu coba lagi.",
    ),
    "device_unavailable.tray": said(
        "EDC latihan berhenti", "EDC latihan tidak menjawab.", "Tutup latihan dan buka lagi."
    ),
    "device_timeout": said("Alat tidak menjawab", "Alat tidak menjawab pada waktunya.", "Tunggu, lalu coba lagi."),
    "device_protocol": said(
        "Jawaban alat tidak dikenal", "Alat menjawab dengan cara yang tidak dikenal.", "Matikan dan nyalakan alatnya."
    ),
    "printer_not_ready": _paper(
        "Printer belum siap",
        "Struk belum tercetak.",
        "Periksa printer, lalu Cetak lagi.",
    ),
    "printer_not_ready.paper_out": _paper(
        "Kertas struk habis",
        "Kertas printer habis.",
        "Pasang gulungan baru, lalu Cetak lagi.",
    ),
    "printer_not_ready.cover_open": _paper(
        "Tutup printer terbuka",
        "Tutup printer terbuka.",
        "Tutup sampai berbunyi klik, lalu Cetak lagi.",
    ),
    "printer_not_ready.offline": _paper(
        "Printer tidak menjawab",
        "Printer mati atau kabelnya lepas.",
        "Nyalakan printer, lalu Cetak lagi.",
    ),
    "printer_not_ready.no_answer_after": _paper(
        "Struk belum pasti tercetak",
        "Printer diam setelah menerima struk.",
        "Lihat kertasnya; bila kosong, Cetak lagi.",
    ),
    "printer_not_ready.link": _paper(
        "Printer tidak tersambung",
        "Kabel atau jaringan printer terputus.",
        "Pasang kabelnya, lalu Cetak lagi.",
    ),
    "printer_not_ready.in_use": _paper(
        "Printer dipakai program lain",
        "Program lain sedang memegang printer ini.",
        "Tutup program itu, lalu Cetak lagi.",
    ),
    "printer_not_ready.no_permission": _paper(
        "Printer belum boleh dipakai",
        "Akun komputer ini belum diberi izin memakai port printer.",
        "Hubungi petugas kota untuk memberi izin, lalu Cetak lagi.",
    ),
    "printer_not_ready.cutter": _paper(
        "Pisau printer macet",
        "Pisau pemotong kertas macet.",
        "Matikan printer, tarik kertas yang tersangkut, nyalakan, lalu Cetak lagi.",
    ),
    "printer_not_ready.hot": _paper(
        "Printer kepanasan",
        "Kepala cetak terlalu panas.",
        "Tunggu dua menit sampai dingin, lalu Cetak lagi.",
    ),
    "printer_not_ready.fault": _paper(
        "Printer rusak",
        "Printer melaporkan kerusakan pada dirinya.",
        "Matikan dan nyalakan printer; bila tetap, tampilkan struk di layar.",
    ),
    "printer_not_ready.no_cups": _paper(
        "Layanan cetak mati",
        "Layanan cetak komputer ini (CUPS) tidak menjawab.",
        "Mulai ulang komputer, lalu Cetak lagi.",
    ),
    "printer_not_ready.cups_server": _paper(
        "Alamat layanan cetak salah",
        "CUPS_SERVER di komputer ini bukan alamat layanan cetak (HOST:PORT).",
        "Hubungi petugas kota untuk membetulkannya, lalu Cetak lagi.",
    ),
    "printer_not_ready.no_queue": _paper(
        "Antrean cetak tidak ada",
        "Antrean printer yang diatur tidak ada di komputer ini.",
        "Hubungi petugas kota untuk memasang printer, lalu Cetak lagi.",
    ),
    "printer_not_ready.queue_stopped": _paper(
        "Antrean cetak berhenti",
        "Antrean printer dihentikan komputer.",
        "Nyalakan printer dan jalankan lagi antreannya, lalu Cetak lagi.",
    ),
    "printer_not_ready.aborted": _paper(
        "Antrean cetak menolak struk",
        "Antrean printer tidak mau mencetak struk ini.",
        "Cetak lagi; bila tetap, hubungi petugas kota.",
    ),
    "printer_not_ready.which_port": _paper(
        "Ada dua printer yang sama",
        "Dua printer dengan nomor USB yang sama terpasang.",
        "Cabut yang satu, lalu Cetak lagi.",
    ),
    "printer_not_ready.no_driver": _paper(
        "Printer belum bisa dipakai",
        "Program pendukung printer USB (libusb) belum terpasang di komputer.",
        "Hubungi petugas kota untuk memasangnya, lalu Cetak lagi.",
    ),
    "printer_not_ready.stalled": _paper(
        "Printer macet",
        "Printer tidak mau menerima data lagi.",
        "Matikan dan nyalakan printer, lalu Cetak lagi.",
    ),
    "printer_not_ready.disk": _paper(
        "Disk bermasalah",
        "Struk tidak bisa ditulis ke disk.",
        "Periksa ruang disk, lalu Cetak lagi.",
    ),
    # --- ledger
    "ledger": _paper("Buku kas bermasalah", "Buku catatan tidak bisa dipakai.", "Hubungi petugas kota.", tone="stop"),
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
    "ledger_busy": _paper(
        "Kasir sudah berjalan", "Program kasir lain sedang memakai buku catatan ini.", "Pakai jendela yang sudah buka."
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
        safe="Buku yang lama tetap utuh dan tetap dipakai.",
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

AROUND_THE_TILL: dict[str, Trouble] = {**_RULES, **_MACHINES}
"""By error code, or error code and reason."""
