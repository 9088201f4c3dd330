"""What is to be said of a row: one sentence each, in the words of whoever has to put the list right.

A sentence never holds a NIK, a No. KK or a card number, not even the list's own: numbers are masked before they come
here, and every text from a cell is searched for digits once more.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from ewarung_city.bnba.columns import FIELDS
from ewarung_city.bnba.digits import cleaned, hide_digits

__all__ = ["ROWS", "SENTENCES", "Finding", "Outcome", "Severity", "finding", "kind_of", "shown"]

_SHOWN = 60
ROWS = 10
"""So many other rows a sentence names."""


class Severity(StrEnum):
    """`refuse`: the row is not taken. `check`: it is, and a person should look. `info`: nothing to do."""

    REFUSE = "tolak"
    CHECK = "periksa"
    INFO = "info"


class Outcome(StrEnum):
    """What became of a row; every row of a list has exactly one."""

    TAKEN = "diambil"
    UNCHANGED = "tetap"
    REFUSED = "ditolak"
    SKIPPED = "dilewati"


class Finding(msgspec.Struct, frozen=True):
    """One thing about one row. `row` as the spreadsheet numbers it; `column` as in FIELDS, empty for the whole row."""

    row: int
    column: str
    severity: Severity
    code: str
    sentence: str


_R, _C, _I = Severity.REFUSE, Severity.CHECK, Severity.INFO

_AGAIN = "Ambil lagi dari sumber dengan kolom berformat teks."

SENTENCES: dict[str, tuple[Severity, str]] = {
    # the row as it was written
    "digits_lost": (
        _R,
        "{column} pernah menjadi angka di lembar kerja dan digit akhirnya hilang; tidak ditebak. " + _AGAIN,
    ),
    "digits_doubtful": (
        _R,
        "{count} dari {total} {column} di daftar ini berakhir 0: digit terakhir hilang; tidak ditebak. " + _AGAIN,
    ),
    "cell_error": (_R, "{column} berisi {said}: rumus di lembar kerja gagal. Perbaiki rumusnya atau ketik isinya."),
    "row_shifted": (_R, "Ada isi di kanan kolom terakhir; mungkin ada pemisah di dalam alamat atau nama."),
    "row_swallowed": (_R, "{column} memuat beberapa baris lain; periksa tanda kutip di baris ini."),
    "number_in_text": (_R, "{column} memuat angka panjang, mungkin NIK atau nomor kartu; perbaiki kolomnya."),
    "text_too_long": (_R, "{column} lebih dari {count} huruf."),
    "not_digits": (
        _R,
        "{column}: karakter ke-{count} bukan angka 0 sampai 9 (huruf O atau l? angka lebar?). Ketik ulang.",
    ),
    "nik_missing": (_R, "NIK kosong."),
    "nik_length": (_R, "NIK harus 16 angka; di sini {count} karakter."),
    "nik_date": (_R, "Tanggal lahir di dalam NIK tidak ada di kalender (perempuan: tanggal + 40)."),
    "nik_serial": (_R, "Nomor urut NIK 0000 tidak ada."),
    "kk_missing": (_R, "No. KK kosong."),
    "kk_length": (_R, "No. KK harus 16 angka; di sini {count} karakter."),
    "name_missing": (_R, "Nama kosong."),
    "card_missing": (_R, "Keluarga baru tanpa nomor kartu; kartunya tidak akan dikenal di kios."),
    "card_length": (_R, "Nomor kartu harus 14 sampai 19 angka; di sini {count} karakter."),
    "kelurahan_missing": (_R, "Kelurahan kosong."),
    "kelurahan_unknown": (_R, "Kelurahan {said} tidak ada di daftar kelurahan kota."),
    "kelurahan_ambiguous": (_R, "Ada beberapa kelurahan bernama {said}; beri kode wilayah atau kecamatan."),
    "programme_missing": (_R, "Program kosong; isi kolomnya, atau [defaults] di peta kolom."),
    "programme_unknown": (_R, "Program {said} tidak dikenal; terjemahkan di peta kolom ([words.programmes])."),
    "programme_none": (_I, "Hanya program yang tidak diurus di sini ({said}); baris ini dilewati."),
    "status_unknown": (_R, "Status {said} tidak dikenal; terjemahkan di peta kolom ([words.card_status])."),
    "balance_form": (_R, "Saldo {said} bukan jumlah rupiah bulat."),
    "home_unknown": (_R, "Kios {said} tidak terdaftar di kota ini."),
    "home_missing": (_R, "Di kelurahan ini ada {count} kios; tentukan kiosnya di peta kolom ([homes])."),
    # rows of one list against each other
    "nik_twice": (_R, "NIK yang sama dengan isi lain ada di baris {rows}; tidak satu pun diambil."),
    "kk_person_twice": (_R, "Orang dan No. KK yang sama dengan NIK lain ada di baris {rows}; tidak satu pun diambil."),
    "kk_twice": (_R, "No. KK yang sama ada di baris {rows}; satu keluarga satu pengurus; tidak satu pun diambil."),
    "card_twice": (_R, "Nomor kartu yang sama ada di baris {rows}; tidak satu pun diambil."),
    "merged": (_I, "Keluarga yang sama dengan baris {rows}, program lain; dijadikan satu."),
    "row_again": (_I, "Sama persis dengan baris {rows}."),
    "row_of_headings": (_I, "Baris ini hanya judul atau nomor kolom."),
    # the list against the register
    "kk_person_held": (_R, "Orang dan No. KK ini ada di register dengan NIK lain ({held}); mungkin NIK salah ketik."),
    "kk_held": (_R, "No. KK ini di register milik pengurus lain ({held}); satu keluarga satu pengurus."),
    "card_held": (_R, "Nomor kartu ini di register milik keluarga lain ({held})."),
    "older_list": (_C, "Register memakai daftar yang lebih baru ({date}) untuk keluarga ini; baris ini dilewati."),
    "kelurahan_by_name": (_C, "Kode wilayah tidak ada; kelurahan dicari dari namanya saja: {said}."),
    "kelurahan_by_names": (_I, "Kode wilayah tidak ada; kelurahan dicari dari nama dan kecamatannya: {said}."),
    "kelurahan_differs": (_C, "Kode wilayah menunjuk {said}, namanya {other}; kode yang dipakai."),
    "programme_passed": (_C, "Program {said} tidak dikenal dan dilewati; yang lain diambil."),
    "programmes_fewer": (_C, "Tidak lagi di program {said} menurut daftar ini."),
    "rt_rw_unclear": (_C, "RT/RW {said} tidak terbaca (lembar kerja membuat tanggal darinya?); dicatat tanpa RT/RW."),
    "members_unknown": (_C, "Jumlah anggota {said} bukan bilangan 1 sampai 99; dicatat tidak diketahui."),
    "holder_deceased": (_C, "Pengurus tercatat meninggal: kios tidak melayani kartu ini, ahli waris dirujuk."),
    "family_moved": (_C, "Keluarga tercatat pindah: kios tidak melayani kartu ini."),
    "card_blocked": (_C, "Kartu tercatat diblokir: kios tidak melayani kartu ini."),
    "status_kept": (_C, "Register mencatat {held}, daftar ini aktif; status tetap {held}."),
    "kk_taken_over": (
        _C,
        "Menggantikan pengurus {held} ({said}) di No. KK yang sama; jatahnya mulai bulan yang belum dibagikan.",
    ),
    "card_changed": (_C, "Kartu baru {card} menggantikan {held}."),
    "home_changed": (_I, "Kios keluarga berubah dari {held} ke {said}."),
    "nik_outside_city": (_I, "NIK pertama kali terdaftar di luar Kota Semarang."),
    "card_check_digit": (_I, "Angka periksa (Luhn) nomor kartu tidak cocok; cocokkan dengan kartunya."),
}
"""By code: how grave it is, and the sentence."""


def finding(row: int, field: str, code: str, **words: object) -> Finding:
    """A finding in its sentence. Words from the list go through `shown` here."""
    severity, sentence = SENTENCES[code]
    column = FIELDS[field][0] if field else ""
    said = {name: _worded(value) for name, value in words.items()}
    return Finding(row, column, severity, code, sentence.format(column=column, **said))


def kind_of(code: str, column: str) -> str:
    """The sentence of every finding of that kind, with what differs from row to row left open."""
    return re.sub(r"\{\w+\}", "...", SENTENCES[code][1].replace("{column}", column))


def _worded(value: object) -> str:
    if isinstance(value, tuple):  # numbers of rows: ours, and no run of digits however many they are
        return ", ".join(map(str, value[:ROWS])) + (", ..." if len(value) > ROWS else "")
    return shown(value) if isinstance(value, str) else str(value)


def shown(text: str) -> str:
    """A text from a list as a report may show it: one line, not long, no long number."""
    line = hide_digits(cleaned(text))
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
