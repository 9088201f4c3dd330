"""What people read about the key of the ledger: where it is kept, what that means, and what can be wrong with it."""

from __future__ import annotations

from functools import partial

from ewarung_pos.ui.trouble import UNTOUCHED, Trouble, said

__all__ = ["AROUND_THE_KEY", "KEY_PLACES", "KEY_STAYS", "key_place"]

KEY_PLACES: dict[str, tuple[str, str]] = {
    "tpm": (
        "chip TPM",
        "Kunci terikat pada chip keamanan komputer ini; disk yang dicuri tidak bisa dibuka di komputer lain.",
    ),
    "os_store": (
        "gudang sandi sistem",
        "Kunci terbuka saat akun ini masuk; program lain di akun yang sama bisa membacanya.",
    ),
    "passphrase": (
        "kata sandi",
        "Kasir meminta kata sandi setiap dibuka; bila lupa, buku catatan tidak bisa dibuka lagi.",
    ),
    "key_file": (
        "berkas kunci",
        "Paling lemah: kuncinya ada di disk yang sama, jadi siapa pun yang mengambil disk bisa membaca buku catatan.",
    ),
}
"""By tier of `ledger.keys`: what it is called, and what it means for the kiosk."""

KEY_STAYS: dict[str, str] = {
    "tpm": "Kunci tidak ikut disalin: salinan hanya terbuka di komputer ini, selama chip TPM dan ledger.key.json ada.",
    "os_store": "Kunci tidak ikut disalin: simpan ledger.key.json dan cadangan gudang sandi akun ini di tempat lain.",
    "passphrase": "Kunci tidak ikut disalin: simpan ledger.key.json di tempat lain, dan ingat kata sandinya.",
    "key_file": "Kunci tidak ikut disalin: simpan ledger.key di tempat lain.",
}
"""By tier: what a copy needs to be opened again."""

_key = partial(said, safe=UNTOUCHED, tone="stop")

AROUND_THE_KEY: dict[str, Trouble] = {
    "config.key_rung": _key(
        "Tempat kunci tidak tersedia",
        "Tempat kunci yang diminta tidak bisa dipakai di komputer ini.",
        "Siapkan tempat itu, atau pilih tempat lain dengan --key.",
    ),
    "config.tpm_missing": _key(
        "Chip TPM tidak menjawab",
        "Kunci buku catatan ada di chip TPM, dan chip itu tidak bisa dihubungi.",
        "Nyalakan TPM di BIOS dan pasang tpm2-tools, lalu buka kasir lagi.",
    ),
    "ledger_key_wrong.tpm_refused": _key(
        "Chip TPM tidak memberi kunci",
        "Chip TPM sudah dikosongkan, atau bukan chip yang menyimpan kunci buku ini.",
        "Pasang disk di komputer asalnya. Bila chip sudah kosong, pindahkan folder data, lalu daftarkan ulang kios.",
    ),
    "config.store_missing": _key(
        "Gudang sandi tidak ditemukan",
        "Kunci buku catatan ada di gudang sandi sistem, dan gudang itu tidak bisa dihubungi.",
        "Masuk ke komputer dengan akun kasir seperti biasa, lalu buka kasir lagi.",
    ),
    "config.store_locked": _key(
        "Gudang sandi terkunci",
        "Kunci buku catatan ada di gudang sandi sistem, dan gudang itu terkunci.",
        "Buka gudang sandi dengan sandi akun ini, lalu buka kasir lagi.",
    ),
    "ledger_key_wrong.store_empty": _key(
        "Kunci hilang dari gudang sandi",
        "Gudang sandi sistem tidak lagi menyimpan kunci buku catatan ini.",
        "Pulihkan gudang sandi akun ini. Bila tidak bisa, pindahkan folder data, lalu daftarkan ulang kios.",
    ),
    "ledger_key_wrong.passphrase": _key(
        "Kata sandi salah",
        "Kata sandi itu tidak membuka buku catatan.",
        "Periksa kata sandinya, lalu coba lagi.",
    ),
    "ledger_key_wrong.other_file": _key(
        "Berkas itu bukan buku kios ini",
        "Kunci kios ini tidak membuka berkas itu: buku kios lain, atau bukan buku catatan.",
        "Beri berkas dari kios ini, atau --data-dir folder yang menyimpan kunci berkas itu.",
    ),
    "ledger_key_wrong.descriptor": _key(
        "Keterangan kunci rusak",
        "Berkas ledger.key.json rusak, atau dibuat versi kasir yang lain.",
        "Pulihkan berkas itu dari cadangan; jangan membuat buku baru.",
    ),
    "config.no_passphrase": _key(
        "Kata sandi diperlukan",
        "Buku catatan ini dibuka dengan kata sandi, dan kata sandi tidak diisi.",
        "Jalankan lagi, lalu ketik kata sandi.",
    ),
    "config.short_passphrase": _key(
        "Kata sandi terlalu pendek",
        "Kata sandi baru paling sedikit sepuluh huruf.",
        "Pakai beberapa kata yang tidak mudah ditebak.",
    ),
}
"""By error code and reason."""


def key_place(tier: str) -> tuple[str, str]:
    """What a tier is called, and what it means."""
    return KEY_PLACES[tier]
