"""The sentences of the rules: what may not be done, who may not do it, and when.

A code without a reason is what every reason of it falls back to.
"""

from __future__ import annotations

from ewarung_pos.domain.paper_parts import COMPLAINTS
from ewarung_pos.ui.trouble import NOTHING, Trouble, said

__all__ = ["BY_THE_RULES"]

_CITY_HEARS = f"Lapor Semar {COMPLAINTS[1]}"

BY_THE_RULES: dict[str, Trouble] = {
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
        f"Ganti dengan barang yang sama. Kalau tidak bisa: ke bank, atau {_CITY_HEARS}.",
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
        "Jatah ada di kios lain",
        "Jatah keluarga ini disimpan untuk kios lain.",
        "Arahkan ke kios langganannya.",
        safe=NOTHING,
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
        "Hanya hari yang sama",
        "Pembatalan hanya untuk penyaluran hari ini.",
        f"Ganti dengan barang yang sama. Kalau tidak bisa: {_CITY_HEARS}.",
    ),
    "not_authorised": said("Tidak diizinkan", "Langkah ini bukan wewenang Anda.", "Minta ketua.", safe=NOTHING),
    "not_authorised.wrong_pin": said("PIN salah", "PIN tidak cocok.", "Coba lagi.", safe=NOTHING),
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
        "PIN tadi salah, atau komputer mati saat PIN diperiksa. Ada jeda sebelum boleh dicoba lagi.",
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
        "Pendamping tidak masuk di kasir ini; hanya kasir dan ketua.",
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
"""By error code, or error code and reason."""
