"""The sentences of the command line: what was asked for cannot be, and which option says so.

The till's own sentences speak of `config.toml`; these speak of what was just typed.
"""

from __future__ import annotations

from functools import partial

from ewarung_pos.ui.trouble import Trouble, said

__all__ = ["AT_THE_COMMAND"]

_option = partial(said, safe="Tidak ada yang diubah.", tone="stop")

AT_THE_COMMAND: dict[str, Trouble] = {
    "config.no_display": _option(
        "Tidak ada layar",
        "Jendela kasir tidak bisa dibuka karena di sini tidak ada layar.",
        "Jalankan dari desktop komputer kios; untuk mencoba tanpa layar: ewarung-pos demo --headless.",
    ),
    "config.no_kiosk": _option(
        "Tidak ada kios di sini",
        "Folder ini tidak berisi buku catatan sebuah kios.",
        "Beri --data-dir folder data kios, atau daftarkan kios: ewarung-pos enrol --city URL --code KODE.",
    ),
    "config.no_kiosk_nor_key": _option(
        "Tidak ada kios di sini",
        "Folder ini tidak berisi buku catatan dan tidak berisi kunci yang membuka salinan.",
        "Beri --data-dir folder data kios. Di disk baru: taruh dulu ledger.key atau ledger.key.json di folder itu.",
    ),
    "config.not_a_ledger": _option(
        "Berkas itu bukan buku catatan",
        "Isinya bukan buku catatan kasir, atau berkasnya terpotong.",
        "Beri berkas dari ewarung-pos backup, atau ledger.db di folder data kios.",
    ),
    "config.no_ledger_there": _option(
        "Tidak ada buku catatan di sana",
        "Tempat yang ditunjuk tidak berisi buku catatan kasir.",
        "Beri folder data sebuah kios, atau berkas ledger.db di dalamnya.",
    ),
    "config.edc": _option(
        "EDC tidak bisa dipakai",
        "Di port dari --edc tidak ada EDC yang menjawab.",
        "Beri --edc port EDC yang menyala: /dev/ttyACM0, socket://127.0.0.1:7002, atau wss://HOST:PORT#SIDIK_JARI.",
    ),
    "config.resume": _option(
        "Folder latihan tidak cocok",
        "Folder itu tidak bisa dipakai untuk latihan ini.",
        "Lanjutkan dengan --resume dan --data-dir folder latihan itu, atau pilih folder lain.",
    ),
    "config.code": _option(
        "Kode pendaftaran tidak ada",
        "Kota lain memerlukan kode pendaftaran untuk folder data yang baru.",
        "Tambahkan --code dengan kode pendaftaran dari kota itu.",
    ),
    "config.city": _option(
        "Alamat kota salah",
        "Alamat dari --city tidak bisa dipakai.",
        "Beri --city alamat server kota, misalnya https://kota.contoh.",
    ),
    "config.city_start": _option(
        "Kota latihan tidak bisa mulai",
        "Server kota untuk latihan tidak mau berjalan.",
        "Lihat log/city.log di folder data, lalu ulangi.",
    ),
    "config.no_city": _option(
        "Program kota tidak terpasang",
        "Pemasangan ini tidak membawa server kota untuk latihan.",
        "Beri --city URL server kota lain, dengan --code darinya.",
    ),
    "config.listen": _option(
        "Alamat --listen tidak bisa dipakai",
        "Simulator tidak bisa menunggu sambungan di alamat itu.",
        "Beri --listen tcp://127.0.0.1:PORT dengan PORT yang bebas, dari 0 sampai 65534.",
    ),
    "config.pty": _option(
        "Tautan tidak bisa dibuat",
        "Simulator tidak bisa membuat tautan ke terminal semu di sana.",
        "Beri nama yang belum dipakai, di folder yang ada dan boleh ditulis.",
    ),
    "config.chip": _option(
        "Alamat --chip tidak bisa dipakai",
        "Kartu simulasi hanya bisa diletakkan di pembaca maya (vpcd) di komputer ini.",
        "Beri --chip 127.0.0.1:35963, atau jalur soket Unix pembaca maya itu.",
    ),
    "config.chip_away": _option(
        "Pembaca maya tidak menjawab",
        "Di alamat dari --chip tidak ada pembaca maya (vpcd) yang menerima kartu, atau kartu lain ada di dalamnya.",
        "Jalankan pcscd dengan vsmartcard-vpcd, biarkan kasir atau pcsc_scan memakainya, lalu ulangi.",
    ),
    "config.faults": _option(
        "Berkas --faults tidak bisa dipakai",
        "Daftar gangguan untuk simulator tidak terbaca.",
        "Betulkan berkas itu menurut docs/simulators.md, lalu ulangi.",
    ),
    "config.families": _option(
        "Berkas --families tidak bisa dipakai",
        "Daftar kartu untuk simulator tidak terbaca.",
        "Beri CSV dengan kolom seperti families.csv contoh, atau jalankan tanpa --families.",
    ),
    "config.journal": _option(
        "Berkas --journal tidak bisa dipakai",
        "Catatan bank simulator EDC tidak terbaca.",
        "Pilih berkas lain untuk --journal, atau hapus berkas latihan itu.",
    ),
    "config.pin": _option(
        "Nilai --pin tidak dikenal", "Cara mengetik PIN itu tidak ada.", "Beri --pin auto atau --pin face."
    ),
}
"""By error code and reason."""
