"""The sentences of the machines at the counter: readers, the EDC and the printer.

A code without a reason is what every reason of it falls back to.
"""

from __future__ import annotations

from functools import partial

from ewarung_pos.ui.trouble import PRINTED_LATER, Trouble, said

__all__ = ["AT_THE_MACHINES"]

_paper = partial(said, safe=PRINTED_LATER, button="Cetak lagi", action="reprint")

AT_THE_MACHINES: dict[str, Trouble] = {
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
        "Ada dua alat yang sama",
        "Dua alat dengan nomor USB yang sama terpasang, dan kasir tidak mau menebak.",
        "Cabut yang satu. Kasir menyambung sendiri.",
    ),
    "device_unavailable.in_use": said(
        "EDC dipakai program lain", "Program lain sedang memakai kabel EDC.", "Tutup program lain itu."
    ),
    "device_unavailable.no_permission": said(
        "EDC tidak boleh dibuka",
        "Komputer tidak mengizinkan kasir memakai kabel EDC.",
        "Hubungi petugas kota: izin alat ada di panduan alat.",
    ),
    "device_unavailable.not_accepted": said(
        "EDC tidak menerima perintah",
        "EDC tersambung, tetapi tiga kali tidak menerima perintah.",
        "Matikan dan nyalakan EDC, lalu coba lagi.",
    ),
    "device_unavailable.card_error": said(
        "Kartu tidak terbaca EDC",
        "EDC tersambung, tetapi tidak bisa membaca kartu tadi.",
        "Bersihkan kartu, lalu coba lagi.",
    ),
    "device_unavailable.card_info_refused": said(
        "EDC tidak membacakan kartu",
        "EDC tersambung, tetapi menolak membacakan kartu.",
        "Coba lagi. Bila tetap begitu, hubungi petugas kota: EDC ini perlu diatur lain.",
    ),
    "device_unavailable.card_number": said(
        "Nomor kartu tidak terbaca",
        "EDC tersambung, tetapi nomor kartu yang dikirimnya tertutup atau tidak lengkap.",
        "Coba kartu lain. Bila tetap begitu, hubungi petugas kota.",
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
        "Nyalakan EDC dan Wi-Fi-nya. Bila tetap begitu, hubungi petugas kota: alamatnya mungkin berubah.",
    ),
    "device_unavailable.certificate": said(
        "EDC ini bukan yang dikenal",
        "Sidik jari sertifikat di alamat EDC lain dari yang diatur. Tidak ada yang dikirim ke sana.",
        "Hubungi petugas kota. Bila EDC baru diganti, sidik jari sertifikatnya perlu dicocokkan.",
    ),
    "device_unavailable.busy": said(
        "EDC sedang sibuk",
        "EDC masih mengerjakan yang lain.",
        "Tunggu sampai layar EDC kembali ke awal, lalu coba lagi.",
    ),
    "device_unavailable.not_understood": said(
        "EDC tidak mengerti",
        "EDC tersambung, tetapi tidak menjawab pertanyaan percobaan.",
        "Hubungi petugas kota: kunci POSe Link perlu dicocokkan dengan yang dari bank.",
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
        "Matikan dan nyalakan printer, lalu Cetak lagi. Bila tetap, hubungi petugas kota.",
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
        "Nyalakan printer, lalu Cetak lagi. Bila antrean tetap berhenti, hubungi petugas kota.",
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
        "Printer tidak menerima struk",
        "Printer mati, kabelnya lepas, atau macet.",
        "Nyalakan printer; bila sudah menyala, matikan dan nyalakan lagi. Lalu Cetak lagi.",
    ),
    "printer_not_ready.disk": _paper(
        "Disk bermasalah",
        "Struk tidak bisa ditulis ke disk.",
        "Periksa ruang disk, lalu Cetak lagi.",
    ),
}
"""By error code, or error code and reason."""
