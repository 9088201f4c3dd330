"""What `verify` found, in sentences: one for each word a problem may have, its entry, and one next step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ewarung_pos.domain.units import dotted

__all__ = ["FOUND", "verdict"]

_OTHER = "Tidak cocok dengan catatan lain"
"""For the words that only an export has (docs/ledger-format.md)."""

FOUND: dict[str, str] = {
    "file": "Berkas buku catatan rusak",
    "schema": "Susunan tabel bukan susunan buku catatan ini",
    "guard": "Penjaga yang melarang mengubah catatan hilang atau diganti",
    "identity": "Catatan ini bukan milik kios ini",
    "gap": "Catatan dengan nomor ini hilang",
    "prev_hash": "Rantai putus: catatan ini tidak menyambung ke catatan sebelumnya",
    "hash": "Isi catatan diubah: tidak cocok dengan sidik jarinya",
    "payload": "Isi catatan tidak terbaca",
    "column": "Kolom di samping catatan berbeda dari isinya",
    "canonical": "Isi catatan tidak ditulis dalam bentuk bakunya",
    "not_first": "Pendaftaran kios tidak berada di catatan pertama",
    "overdrawn": "Jatah yang diambil melebihi sisanya",
    "surrendered": "Yang dikembalikan ke kota melebihi sisa jatah",
    "not_allowed": "Jatah darurat diambil tanpa izin ketua",
    "returned_more": "Yang dikembalikan melebihi yang pernah diambil",
    "reversed_twice": "Penyaluran yang sama dibatalkan dua kali",
    "stock_below_zero": "Stok menjadi kurang dari nol",
    "receipt_gap": "Nomor struk meloncat atau berulang",
    "no_day": "Dicatat ketika tidak ada hari kerja yang terbuka",
    "acknowledged": "Tidak sama dengan yang sudah ditandatangani kota",
    "grant_signature": "Jatah ini tidak ditandatangani kota",
    "seal": "Segel penutupan hari tidak cocok",
    "projection": "Angka ringkasan berbeda dari yang dikatakan catatan",
    "paperwork": "Daftar kertas atau penarikan berbeda dari yang dikatakan catatan",
    "reference": "Daftar keluarga, barang atau petugas berbeda dari yang dikatakan catatan",
    "stopped": "Pemeriksaan dihentikan sebelum selesai",
}
"""By the stable word of a problem."""

_OLDER = "Ditulis versi sebelumnya; kasir memperbaruinya sendiri saat dibuka."
_PAGE = re.compile(r"\bpage (\d+)")
_PAGES = 6
_LINES = 20


def verdict(report: Mapping[str, Any]) -> tuple[str, ...]:
    """The lines for a report of `verify` (as built-in values); the last is the one next step."""
    if report["ok"]:
        sound = f"Buku catatan utuh: {dotted(report['entries'])} catatan, kepala {report['head'][:12]}."
        return (sound, _OLDER) if report.get("schema") else (sound,)
    problems = report["problems"]
    first = report["first_bad_seq"]
    lines = [
        f"Buku catatan TIDAK utuh. Catatan pertama yang salah: nomor {first}." if first else _without_entry(problems)
    ]
    torn = [problem for problem in problems if problem["what"] == "file"]
    if torn:
        lines.append(f"  {_torn(torn)}")
    told = [_line(problem) for problem in problems if problem["what"] != "file"]
    lines += [f"  {line}" for line in told[:_LINES]]
    if len(told) > _LINES:
        lines.append(f"  ... dan {dotted(len(told) - _LINES)} lagi; semuanya ada pada --json.")
    lines.append(
        "Lakukan sekarang: berkas jangan dipakai atau dihapus; hubungi petugas kota dan siapkan cadangan terakhir."
        if torn
        else "Lakukan sekarang: hentikan layanan dan hubungi petugas kota; sebutkan baris di atas."
    )
    return tuple(lines)


def _without_entry(problems: list[Mapping[str, Any]]) -> str:
    if all(problem["what"] == "file" for problem in problems):
        return "Buku catatan TIDAK utuh. Yang rusak berkasnya."
    return "Buku catatan TIDAK utuh. Yang salah bukan sebuah catatan, melainkan yang di sampingnya."


def _torn(problems: list[Mapping[str, Any]]) -> str:
    pages = sorted({int(page) for problem in problems for page in _PAGE.findall(problem["detail"])})
    if not pages:
        return f"{FOUND['file']} dan tidak terbaca seluruhnya."
    more = f" dan {dotted(len(pages) - _PAGES)} halaman lain" if len(pages) > _PAGES else ""
    return f"Berkas rusak di halaman {', '.join(map(str, pages[:_PAGES]))}{more}."


def _line(problem: Mapping[str, Any]) -> str:
    place = f"Catatan {problem['seq']}: " if problem["seq"] else ""
    exact = " ".join(part for part in (problem["what"], problem["detail"]) if part)
    words = FOUND.get(problem["what"], _OTHER)
    return f"{place}{words} ({exact})."
