"""What people read: for every error code and reason a sentence in Indonesian, what is already safe, and one next step.

A test walks every error class, refusal and device reason and fails when one has no sentence.
"""

from __future__ import annotations

from dataclasses import dataclass

from ewarung_pos.errors import PosError

__all__ = ["Trouble", "trouble", "trouble_of"]

SAFE = "Semua catatan sebelumnya tetap tersimpan."
NOTHING = "Tidak ada yang dicatat dan tidak ada saldo yang ditarik."


@dataclass(frozen=True, slots=True)
class Trouble:
    """Three lines and one button.

    Attributes:
        code: `code` or `code.reason` it was made from.
        title: the short form, for a headline.
        happened: what happened. safe: what is already safe. now: what to do now.
        button: the word on the one button. action: what it does, a command name of the view-model.
        tone: look, stop or info.
    """

    code: str
    title: str
    happened: str
    safe: str
    now: str
    button: str = "Mengerti"
    action: str = "dismiss"
    tone: str = "look"


def _t(
    title: str,
    happened: str,
    now: str,
    *,
    safe: str = SAFE,
    button: str = "Mengerti",
    action: str = "dismiss",
    tone: str = "look",
) -> Trouble:
    return Trouble("", title, happened, safe, now, button, action, tone)


_TROUBLES: dict[str, Trouble] = {
    # --- why a card is not served
    "refusal.unknown_card": _t(
        "Kartu belum terdaftar di sini",
        "Nomor kartu ini tidak ada dalam daftar keluarga kios ini.",
        "Minta keluarga menghubungi kelurahan atau pendamping, lalu Sinkron bila daftar baru sudah ada.",
        safe=NOTHING,
        button="Kartu berikutnya",
    ),
    "refusal.card_blocked": _t(
        "Kartu diblokir kota",
        "Kota memblokir kartu ini. Kios tidak bisa membukanya.",
        "Kembalikan kartu dan arahkan ke Dinas Sosial atau bank penerbit.",
        safe=NOTHING,
        button="Kartu berikutnya",
        tone="stop",
    ),
    "refusal.holder_deceased": _t(
        "Pemegang tercatat meninggal",
        "Data kota mencatat pemegang kartu ini sudah meninggal.",
        "Sampaikan dengan baik: ahli waris mengurus ke kelurahan dengan surat kematian.",
        safe=NOTHING,
        button="Kartu berikutnya",
        tone="stop",
    ),
    "refusal.family_moved": _t(
        "Keluarga tercatat pindah",
        "Data kota mencatat keluarga ini sudah pindah.",
        "Arahkan ke kelurahan tempat tinggal sekarang untuk pindah kios.",
        safe=NOTHING,
        button="Kartu berikutnya",
        tone="stop",
    ),
    "refusal.home_elsewhere": _t(
        "Jatah ada di kios lain",
        "Jatah keluarga ini disimpan untuk kios lain.",
        "Sebutkan kios asalnya. Pindah kios bisa diminta lewat pendamping.",
        safe=NOTHING,
        button="Kartu berikutnya",
    ),
    "refusal.exhausted": _t(
        "Jatah bulan ini sudah habis",
        "Seluruh jatah bulan ini sudah diambil.",
        "Tunjukkan struk terakhir bila keluarga bertanya. Jatah baru ada bulan depan.",
        safe=NOTHING,
        button="Kartu berikutnya",
    ),
    "refusal.period_over": _t(
        "Jatah bulan ini belum diterima",
        "Kios belum memegang jatah bulan ini; yang ada hanya jatah bulan lain.",
        "Buka Sinkron lalu Kirim sekarang untuk mengambil jatah baru.",
        safe=NOTHING,
        button="Buka Sinkron",
        action="go_sync",
    ),
    "refusal.out_of_stock": _t(
        "Stok tidak cukup",
        "Barang di rak kurang dari yang diminta.",
        "Kurangi jumlahnya, atau catat barang yang baru datang di Terima barang.",
        safe=NOTHING,
        button="Terima barang",
        action="go_stock",
    ),
    "refusal.day_not_open": _t(
        "Hari belum dibuka",
        "Kartu belum bisa dilayani karena hari kerja belum dibuka.",
        "Buka hari lebih dulu.",
        safe=NOTHING,
        button="Buka Hari",
        action="go_day",
    ),
    "refusal.clock_suspect": _t(
        "Jam komputer meragukan",
        "Jam komputer tidak cocok dengan catatan terakhir atau dengan jam kota.",
        "Betulkan tanggal dan jam komputer, lalu coba lagi.",
        safe=NOTHING,
        button="Coba lagi",
        action="retry",
    ),
    "refusal.in_doubt": _t(
        "Ada yang belum pasti",
        "Penarikan saldo sebelumnya untuk kartu ini belum pasti hasilnya.",
        "Selesaikan dulu yang belum pasti. Kartu lain boleh dilayani.",
        safe="Permintaan sebelumnya tersimpan. Saldo tidak akan ditarik dua kali.",
        button="Selesaikan",
        action="resolve",
    ),
    "refusal.purse_offline": _t(
        "EDC tidak tersambung",
        "Belanja KKS memerlukan mesin EDC, dan mesin itu tidak menjawab.",
        "Periksa kabel dan listrik EDC. Jatah dan tunai tetap bisa dilayani.",
        safe=NOTHING,
        button="Coba lagi",
        action="retry",
    ),
    # --- the EDC said no
    "edc.declined": _t(
        "Bank menolak", "Bank menolak penarikan saldo.", "Keluarga bisa menanyakannya ke bank.", safe=NOTHING
    ),
    "edc.insufficient": _t(
        "Saldo KKS tidak cukup",
        "Bank menjawab saldo tidak cukup.",
        "Kurangi belanja KKS, atau bayar sebagian dengan tunai.",
        safe=NOTHING,
        button="Ubah keranjang",
    ),
    "edc.wrong_pin": _t(
        "PIN salah",
        "PIN yang ditekan di EDC salah.",
        "Minta pemegang kartu menekan PIN sendiri, pelan-pelan, lalu Salurkan lagi.",
        safe=NOTHING,
        button="Kembali ke keranjang",
    ),
    "edc.expired_card": _t(
        "Kartu kedaluwarsa",
        "Masa berlaku kartu sudah lewat. Uangnya tetap ada di bank.",
        "Arahkan ke bank penerbit untuk ganti kartu.",
        safe=NOTHING,
    ),
    "edc.card_error": _t(
        "Kartu tidak terbaca EDC",
        "EDC tidak bisa membaca kartu.",
        "Bersihkan kartu, masukkan lagi, lalu Salurkan lagi.",
        safe=NOTHING,
        button="Kembali ke keranjang",
    ),
    "edc.user_cancelled": _t(
        "Dibatalkan di EDC",
        "Penarikan saldo dibatalkan di mesin EDC.",
        "Tanyakan kepada keluarga: ubah keranjang atau selesai.",
        safe=NOTHING,
        button="Kembali ke keranjang",
    ),
    "edc.host_unavailable": _t(
        "Bank tidak tersambung",
        "EDC menjawab bahwa bank sedang tidak bisa dihubungi.",
        "Coba lagi beberapa menit, atau layani jatah dan tunai saja.",
        safe=NOTHING,
        button="Kembali ke keranjang",
    ),
    "edc.terminal_fault": _t(
        "EDC bermasalah",
        "Mesin EDC melaporkan kerusakan.",
        "Matikan dan nyalakan EDC. Bila tetap begitu, hubungi bank.",
        safe=NOTHING,
    ),
    "edc.not_accepted": _t(
        "EDC tidak menerima perintah",
        "Tiga kali dikirim, EDC tidak menerima perintah.",
        "Periksa kabel EDC lalu Salurkan lagi.",
        safe=NOTHING,
        button="Kembali ke keranjang",
    ),
    "edc.not_sent": _t(
        "EDC terputus",
        "Kabel EDC terlepas sebelum perintah dikirim.",
        "Pasang kabel EDC lalu Salurkan lagi.",
        safe=NOTHING,
        button="Kembali ke keranjang",
    ),
    "edc.not_found": _t(
        "EDC: tidak ada penarikan",
        "EDC memastikan penarikan ini tidak pernah terjadi.",
        "Layani lagi kartu ini seperti biasa.",
        safe=NOTHING,
        button="Kartu berikutnya",
    ),
    # --- outcome unknown
    "doubt.no_answer": _t(
        "Belum pasti: jawaban EDC tidak sampai",
        "EDC menerima perintah, tetapi jawabannya tidak sampai.",
        "Tahan barang di meja dulu. Kasir menanyakan hasilnya ke EDC.",
        safe="Permintaan ini tersimpan. Saldo tidak akan ditarik dua kali.",
        button="Tanya EDC lagi",
        action="inquire",
    ),
    "doubt.link_lost": _t(
        "Belum pasti: kabel EDC terlepas",
        "Kabel EDC terlepas setelah perintah dikirim.",
        "Pasang kabel EDC. Tahan barang di meja dulu.",
        safe="Permintaan ini tersimpan. Saldo tidak akan ditarik dua kali.",
        button="Tanya EDC lagi",
        action="inquire",
    ),
    "doubt.no_ack": _t(
        "Belum pasti: EDC diam",
        "EDC tidak menjawab sama sekali setelah perintah dikirim.",
        "Lihat layar EDC. Tahan barang di meja dulu.",
        safe="Permintaan ini tersimpan. Saldo tidak akan ditarik dua kali.",
        button="Tanya EDC lagi",
        action="inquire",
    ),
    "doubt.bad_frame": _t(
        "Belum pasti: jawaban EDC rusak",
        "Jawaban EDC sampai dalam keadaan rusak.",
        "Tahan barang di meja dulu. Kasir menanyakan hasilnya ke EDC.",
        safe="Permintaan ini tersimpan. Saldo tidak akan ditarik dua kali.",
        button="Tanya EDC lagi",
        action="inquire",
    ),
    "doubt.mismatch": _t(
        "Belum pasti: jawaban EDC tidak cocok",
        "EDC menjawab dengan jumlah atau jenis transaksi yang lain.",
        "Tahan barang. Cocokkan dengan struk yang keluar dari EDC.",
        safe="Permintaan ini tersimpan. Saldo tidak akan ditarik dua kali.",
        button="Tanya EDC lagi",
        action="inquire",
        tone="stop",
    ),
    "doubt.host_timeout": _t(
        "Belum pasti: bank terlambat menjawab",
        "EDC tidak mendapat jawaban bank pada waktunya.",
        "Tahan barang di meja dulu. Kasir menanyakan hasilnya ke EDC.",
        safe="Permintaan ini tersimpan. Saldo tidak akan ditarik dua kali.",
        button="Tanya EDC lagi",
        action="inquire",
    ),
    "doubt.no_query": _t(
        "Belum pasti: baca struk EDC",
        "EDC ini tidak bisa ditanya. Hasilnya hanya ada di struk atau layar EDC.",
        "Baca struk EDC bersama ketua, lalu pilih hasilnya.",
        safe="Permintaan ini tersimpan. Saldo tidak akan ditarik dua kali.",
        button="Saya punya struk EDC",
        action="ask_slip",
    ),
    "doubt.restart": _t(
        "Belum pasti: kasir sempat mati",
        "Komputer mati di tengah penarikan saldo.",
        "Tahan barang di meja dulu. Kasir menanyakan hasilnya ke EDC.",
        safe="Permintaan ini tersimpan. Saldo tidak akan ditarik dua kali.",
        button="Tanya EDC lagi",
        action="inquire",
    ),
    # --- rules outside a card
    "rule": _t("Tidak bisa", "Aturan tidak mengizinkan langkah ini.", "Periksa lagi lalu ulangi.", safe=NOTHING),
    "not_entitled": _t(
        "Tidak berhak", "Barang ini tidak termasuk hak keluarga ini.", "Pilih barang lain, atau tunai.", safe=NOTHING
    ),
    "not_entitled.empty_basket": _t(
        "Keranjang kosong", "Belum ada barang yang dipilih.", "Pilih barang lebih dulu.", safe=NOTHING
    ),
    "not_entitled.already_reversed": _t(
        "Sudah dibatalkan", "Penyaluran ini sudah dibatalkan sebelumnya.", "Lihat struk pembatalannya.", safe=NOTHING
    ),
    "not_entitled.void_in_doubt": _t(
        "Pembatalan belum pasti",
        "Pembatalan di EDC untuk struk ini belum pasti hasilnya.",
        "Selesaikan dulu yang belum pasti di Layanan.",
        button="Ke Layanan",
        action="go_counter",
    ),
    "not_entitled.empty_delivery": _t(
        "Belum lengkap", "Pemasok dan barang harus diisi.", "Isi pemasok dan jumlah barang.", safe=NOTHING
    ),
    "not_entitled.bad_delivery": _t(
        "Barang tidak dikenal", "Ada barang di luar daftar atau jumlahnya nol.", "Periksa daftarnya.", safe=NOTHING
    ),
    "not_entitled.bad_count": _t(
        "Hitungan tidak mungkin", "Hitungan tidak boleh kurang dari nol.", "Betulkan angkanya.", safe=NOTHING
    ),
    "not_entitled.unexplained": _t(
        "Selisih belum dijelaskan", "Ada selisih yang belum punya alasan.", "Pilih alasan untuk tiap selisih."
    ),
    "not_entitled.unknown_receipt": _t(
        "Struk tidak ditemukan", "Tidak ada struk dengan nomor itu.", "Periksa nomornya."
    ),
    "allotment_exhausted": _t(
        "Jatah tidak cukup", "Yang diminta lebih dari sisa jatah.", "Kurangi jumlahnya.", safe=NOTHING
    ),
    "period_not_current": _t(
        "Bukan jatah bulan ini", "Jatah ini untuk bulan lain.", "Sinkron untuk mengambil jatah baru.", safe=NOTHING
    ),
    "card_blocked": _t("Kartu tidak bisa dilayani", "Kartu ini ditahan.", "Lihat alasannya di layar.", safe=NOTHING),
    "home_elsewhere": _t(
        "Jatah ada di kios lain", "Jatah keluarga ini disimpan untuk kios lain.", "Sebutkan kios asalnya.", safe=NOTHING
    ),
    "out_of_stock": _t(
        "Stok tidak cukup",
        "Barang di rak kurang dari yang diminta.",
        "Kurangi jumlah, atau Terima barang.",
        safe=NOTHING,
    ),
    "day_not_open": _t(
        "Hari belum dibuka",
        "Langkah ini memerlukan hari kerja yang terbuka.",
        "Buka hari lebih dulu.",
        safe=NOTHING,
        button="Buka Hari",
        action="go_day",
    ),
    "day_not_open.already_open": _t(
        "Hari sudah dibuka",
        "Hari kerja sudah terbuka.",
        "Langsung layani kartu.",
        button="Ke Layanan",
        action="go_counter",
    ),
    "day_not_open.already_closed": _t(
        "Hari ini sudah ditutup", "Hari kerja tanggal ini sudah disegel.", "Buka lagi besok pagi."
    ),
    "day_not_open.not_counting": _t(
        "Penutupan belum dimulai", "Langkah ini bagian dari Tutup Hari.", "Mulai Tutup Hari lebih dulu."
    ),
    "day_not_open.not_explained": _t(
        "Hitungan belum selesai", "Stok belum dihitung atau selisih belum dijelaskan.", "Selesaikan hitungan."
    ),
    "day_not_open.in_doubt": _t(
        "Masih ada yang belum pasti",
        "Ada penarikan saldo yang belum pasti hasilnya.",
        "Selesaikan dulu di Layanan, baru segel hari.",
        button="Selesaikan",
        action="resolve",
    ),
    "day_not_open.control": _t(
        "Empat angka tidak cocok",
        "Jatah, barang, struk dan stok tidak bercerita sama.",
        "Jangan segel. Hubungi petugas kota dan sebutkan angka di layar.",
        tone="stop",
    ),
    "day_not_open.edc": _t(
        "Total EDC berbeda",
        "Total di EDC tidak sama dengan catatan KKS hari ini.",
        "Tulis penjelasannya; selisih tidak dihapus.",
    ),
    "day_not_open.not_same_day": _t(
        "Hanya hari yang sama", "Pembatalan hanya untuk penyaluran hari ini.", "Catat sebagai retur atau pengaduan."
    ),
    "not_authorised": _t("Tidak diizinkan", "Langkah ini bukan wewenang Anda.", "Minta ketua.", safe=NOTHING),
    "not_authorised.wrong_pin": _t("PIN salah", "PIN tidak cocok.", "Coba lagi pelan-pelan.", safe=NOTHING),
    "not_authorised.locked": _t(
        "PIN terkunci", "PIN salah terlalu sering, jadi terkunci.", "Minta ketua membukanya.", safe=NOTHING, tone="stop"
    ),
    "not_authorised.unknown_operator": _t(
        "Petugas tidak dikenal", "Nama ini tidak ada dalam daftar petugas.", "Pilih nama lain.", safe=NOTHING
    ),
    "not_authorised.role": _t(
        "Bukan petugas kasir",
        "Pendamping boleh melihat, tidak boleh menyalurkan.",
        "Masuk sebagai kasir.",
        safe=NOTHING,
    ),
    "not_authorised.no_leader": _t(
        "Belum ada ketua", "Kios ini belum punya ketua yang terdaftar.", "Sinkron, lalu hubungi kota.", safe=NOTHING
    ),
    "not_authorised.second_person": _t(
        "Perlu orang kedua", "Langkah ini perlu PIN ketua.", "Panggil ketua untuk menekan PIN.", safe=NOTHING
    ),
    "not_authorised.void_first": _t(
        "Batalkan dulu di EDC", "Saldo harus dikembalikan lewat EDC lebih dulu.", "Nyalakan EDC lalu ulangi."
    ),
    "clock_suspect": _t(
        "Jam komputer meragukan", "Jam komputer mundur dibanding catatan terakhir.", "Betulkan jam, lalu coba lagi."
    ),
    # --- devices
    "device": _t("Alat bermasalah", "Sebuah alat tidak bekerja.", "Periksa kabel dan listriknya."),
    "device_unavailable": _t(
        "Alat tidak tersambung", "Alat tidak ditemukan atau dipakai program lain.", "Periksa kabel dan listriknya."
    ),
    "device_unavailable.no_port": _t(
        "Pembaca kartu tidak ditemukan",
        "Kabel EDC tidak ditemukan di komputer ini.",
        "Pasang kabel EDC. Kasir menyambung sendiri begitu terpasang.",
    ),
    "device_unavailable.in_use": _t(
        "EDC dipakai program lain", "Program lain sedang memakai kabel EDC.", "Tutup program lain itu."
    ),
    "device_unavailable.unplugged": _t(
        "Kabel EDC terlepas", "Sambungan ke EDC terputus.", "Pasang lagi kabelnya. Kasir menyambung sendiri."
    ),
    "device_timeout": _t("Alat tidak menjawab", "Alat tidak menjawab pada waktunya.", "Tunggu, lalu coba lagi."),
    "device_protocol": _t(
        "Jawaban alat tidak dikenal", "Alat menjawab dengan cara yang tidak dikenal.", "Matikan dan nyalakan alatnya."
    ),
    "printer_not_ready": _t(
        "Printer belum siap",
        "Struk belum tercetak.",
        "Periksa printer, lalu Cetak lagi.",
        safe="Penyaluran sudah tercatat. Struk tersimpan untuk dicetak.",
        button="Cetak lagi",
        action="reprint",
    ),
    "printer_not_ready.paper_out": _t(
        "Kertas struk habis",
        "Kertas printer habis.",
        "Pasang gulungan baru, lalu Cetak lagi.",
        safe="Penyaluran sudah tercatat. Struk tersimpan untuk dicetak.",
        button="Cetak lagi",
        action="reprint",
    ),
    "printer_not_ready.cover_open": _t(
        "Tutup printer terbuka",
        "Tutup printer terbuka.",
        "Tutup sampai berbunyi klik, lalu Cetak lagi.",
        safe="Penyaluran sudah tercatat. Struk tersimpan untuk dicetak.",
        button="Cetak lagi",
        action="reprint",
    ),
    "printer_not_ready.offline": _t(
        "Printer tidak menjawab",
        "Printer mati atau kabelnya lepas.",
        "Nyalakan printer, lalu Cetak lagi.",
        safe="Penyaluran sudah tercatat. Struk tersimpan untuk dicetak.",
        button="Cetak lagi",
        action="reprint",
    ),
    "printer_not_ready.no_answer_after": _t(
        "Struk belum pasti tercetak",
        "Printer diam setelah menerima struk.",
        "Lihat kertasnya; bila kosong, Cetak lagi.",
        safe="Penyaluran sudah tercatat. Struk tersimpan untuk dicetak.",
        button="Cetak lagi",
        action="reprint",
    ),
    "printer_not_ready.link": _t(
        "Printer tidak tersambung",
        "Kabel atau jaringan printer terputus.",
        "Pasang kabelnya, lalu Cetak lagi.",
        safe="Penyaluran sudah tercatat. Struk tersimpan untuk dicetak.",
        button="Cetak lagi",
        action="reprint",
    ),
    "printer_not_ready.stalled": _t(
        "Printer macet",
        "Printer tidak mau menerima data lagi.",
        "Matikan dan nyalakan printer, lalu Cetak lagi.",
        safe="Penyaluran sudah tercatat. Struk tersimpan untuk dicetak.",
        button="Cetak lagi",
        action="reprint",
    ),
    "printer_not_ready.disk": _t(
        "Disk bermasalah",
        "Struk tidak bisa ditulis ke disk.",
        "Periksa ruang disk, lalu Cetak lagi.",
        safe="Penyaluran sudah tercatat. Struk tersimpan untuk dicetak.",
        button="Cetak lagi",
        action="reprint",
    ),
    "outcome_unknown": _t(
        "Belum pasti",
        "Hasil di EDC belum pasti.",
        "Tahan barang di meja dulu.",
        safe="Permintaan ini tersimpan. Saldo tidak akan ditarik dua kali.",
        button="Tanya EDC lagi",
        action="inquire",
    ),
    # --- ledger
    "ledger": _t("Buku kas bermasalah", "Buku catatan tidak bisa dipakai.", "Hubungi petugas kota.", tone="stop"),
    "ledger_busy": _t(
        "Kasir sudah berjalan", "Program kasir lain sedang memakai buku catatan ini.", "Pakai jendela yang sudah buka."
    ),
    "ledger_full": _t(
        "Disk penuh",
        "Tidak ada ruang untuk mencatat, jadi penyaluran ini TIDAK terjadi.",
        "Jangan serahkan barang. Kosongkan ruang disk, lalu ulangi.",
        safe=SAFE,
        tone="stop",
    ),
    "ledger_corrupt": _t(
        "Buku catatan tidak terbaca",
        "Berkas ini bukan buku catatan kasir ini, atau rusak.",
        "Jangan dihapus. Hubungi petugas kota.",
        safe="Berkasnya tidak diubah.",
        tone="stop",
    ),
    "ledger_key_wrong": _t(
        "Kunci tidak cocok",
        "Kunci di komputer ini tidak membuka buku catatan.",
        "Pasang kembali kunci yang benar; jangan membuat buku baru.",
        safe="Berkasnya tidak diubah.",
        tone="stop",
    ),
    "ledger_too_new": _t(
        "Versi kasir terlalu lama",
        "Buku catatan dibuat versi yang lebih baru.",
        "Perbarui program kasir.",
        safe="Berkasnya tidak diubah.",
        tone="stop",
    ),
    "migration_failed": _t(
        "Pembaruan buku gagal",
        "Pembaruan buku catatan tidak berhasil.",
        "Hubungi petugas kota.",
        safe="Buku yang lama tetap utuh dan tetap dipakai.",
        tone="stop",
    ),
    "chain_broken": _t(
        "Catatan diubah",
        "Rantai catatan tidak cocok: ada yang diubah atau hilang.",
        "Hentikan layanan. Hubungi petugas kota.",
        safe="Berkasnya tidak diubah.",
        tone="stop",
    ),
    # --- city
    "sync": _t("Belum terkirim", "Kota belum bisa dihubungi.", "Tidak perlu apa-apa; dicoba lagi sendiri."),
    "server_unreachable": _t(
        "Kota tidak terhubung",
        "Tidak ada jalur ke server kota.",
        "Layani terus. Kasir mencoba lagi sendiri.",
        safe="Semua catatan tersimpan di sini dan dikirim nanti.",
        button="Kirim sekarang",
        action="send_now",
    ),
    "server_busy": _t(
        "Server kota sibuk",
        "Server kota minta dicoba nanti.",
        "Tidak perlu apa-apa; dicoba lagi sendiri.",
        safe="Semua catatan tersimpan di sini dan dikirim nanti.",
        button="Kirim sekarang",
        action="send_now",
    ),
    "unauthorised": _t(
        "Kota tidak mengenali",
        "Jawaban tidak bertanda tangan kota, atau kota tidak mengenali kios ini.",
        "Layani terus dan hubungi petugas kota.",
        safe="Semua catatan tersimpan di sini.",
        tone="stop",
    ),
    "unauthorised.fork": _t(
        "Catatan kota berbeda",
        "Kota memegang catatan lain untuk kios ini.",
        "Layani terus dan hubungi petugas kota hari ini.",
        safe="Semua catatan tersimpan, tidak ada yang ditimpa.",
        tone="stop",
    ),
    "protocol_mismatch": _t(
        "Versi berbeda dengan kota",
        "Program kasir dan server kota berbeda versi.",
        "Perbarui program kasir.",
        safe="Semua catatan tersimpan di sini.",
    ),
    "config": _t(
        "Pengaturan salah",
        "Sebuah nilai dalam config.toml salah.",
        "Betulkan nilai yang disebut di bawah.",
        tone="stop",
    ),
    "pos": _t("Ada kesalahan", "Terjadi sesuatu yang tidak diduga.", "Catat jamnya dan hubungi petugas kota."),
    "bug": _t(
        "Ada kesalahan program",
        "Program menemui kesalahan yang tidak diduga. Layanan dihentikan.",
        "Tutup dan buka lagi kasir. Hubungi petugas kota dengan jam kejadian.",
        tone="stop",
    ),
}


def trouble(code: str, reason: str = "") -> Trouble:
    """The sentence for a code and reason; falls back from `code.reason` to `code`.

    Raises:
        KeyError: the code has no sentence (a test keeps this from happening).
    """
    name = f"{code}.{reason}" if reason and f"{code}.{reason}" in _TROUBLES else code
    base = _TROUBLES[name]
    return Trouble(name, base.title, base.happened, base.safe, base.now, base.button, base.action, base.tone)


def trouble_of(error: Exception) -> Trouble:
    """The sentence for an error; anything that is not a `PosError` is a bug."""
    if isinstance(error, PosError):
        return trouble(error.code, error.reason)
    return trouble("bug")
