"""One row of a list as what it says of a family, and everything that can be said of it without the register."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

import msgspec

from ewarung_city.bnba.columns import ColumnMap, Entries, Entry, word
from ewarung_city.bnba.digits import Number, cleaned, long_run, mask_number, read_number
from ewarung_city.bnba.findings import Finding, Severity, finding
from ewarung_city.store.database import Row
from ewarung_pos.domain.family import CardStatus, luhn_valid

__all__ = ["Listed", "RowReader", "Surroundings", "nik_trouble"]

_LONG, _CARD_LONG = range(16, 17), range(14, 20)
_DIGITS, _BETWEEN = "0123456789", " .-"
_NIK, _KK = re.compile(r"[0-9]{16}"), re.compile(r"[0-9]{16}")
_CARD = re.compile(r"[0-9]{14,19}")
_RUPIAH = re.compile(r"(?:rp)?\.?\s*([0-9]{1,10}|[0-9]{1,3}(?:\.[0-9]{3}){1,3})(?:,00?)?", re.IGNORECASE)
_RT_RW = re.compile(r"(?:RT\W*)?([0-9]{1,3})\s*[/\\-]\s*(?:RW\W*)?([0-9]{1,3})", re.IGNORECASE)
_MONTHS = "jan|feb|mar|apr|mei|may|jun|jul|agu|aug|sep|okt|oct|nov|des|dec"
_DATE = re.compile(rf"\d{{1,4}}[-/. ](?:\d{{1,2}}[-/. ]\d{{1,4}}|(?:{_MONTHS})[a-z]*\b.*)", re.IGNORECASE)
_LONGEST = {"name": 120, "address": 240}
_LINES = 5
_PLACE = 10
"""The longest number of an RT or RW, with what is written behind it (012A, 3 blok C); a date is none."""
_DOUBTED_FROM = 20
"""Numbers in a column from which on it can be doubted as a whole. One of ten ends in 0; half of twenty or more do by
chance less than once in a hundred thousand lists."""

_STATES = {
    "aktif": CardStatus.ACTIVE,
    "active": CardStatus.ACTIVE,
    "blokir": CardStatus.BLOCKED,
    "diblokir": CardStatus.BLOCKED,
    "blocked": CardStatus.BLOCKED,
    "meninggal": CardStatus.DECEASED,
    "meninggaldunia": CardStatus.DECEASED,
    "almarhum": CardStatus.DECEASED,
    "almarhumah": CardStatus.DECEASED,
    "deceased": CardStatus.DECEASED,
    "pindah": CardStatus.MOVED,
    "moved": CardStatus.MOVED,
}
_ERRORS = frozenset(
    {"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!"}
)
"""What a spreadsheet shows where a formula came to nothing; the program that read its file hands it on as a text."""
_NOW_SPELT = {"wonotinggal": "wonotingal", "beringin": "bringin"}
"""Spellings of the list of 2018; the codes are the same (domain 4.3)."""


class Listed(msgspec.Struct, frozen=True):
    """What a row says. Empty texts and None: it does not say. Numbers are digits of a lawful form, or empty.

    Attributes:
        address: street, RT and RW on one line.
        programmes: codes of the city's catalogue.
        findings: what was found so far.
        passed: to be left out for a reason that is among the findings, and nothing is wrong.
    """

    row: int
    nik: str
    kk: str
    name: str
    address: str
    kelurahan_code: str
    programmes: tuple[str, ...]
    card: str
    home: str
    status: CardStatus | None
    members: int | None
    balance: int | None
    nik_masked: str
    findings: tuple[Finding, ...]
    passed: bool = False

    @property
    def refused(self) -> bool:
        """Whether something that was found forbids to take it."""
        return any(found.severity is Severity.REFUSE for found in self.findings)


class Surroundings(msgspec.Struct, frozen=True):
    """What of the city a row is read by: rows of its regions, ids of its kiosks, (code, name) of its programmes."""

    regions: tuple[Row, ...]
    kiosks: tuple[str, ...]
    programmes: tuple[tuple[str, str], ...]


class RowReader:
    """Reads the rows of one list in the light of the city's regions, kiosks and programmes."""

    def __init__(self, entries: Entries, mapping: ColumnMap, around: Surroundings) -> None:
        self._entries = entries
        self._map = mapping
        self._regions = {str(row["kelurahan_code"]): row for row in around.regions}
        self._kiosks = frozenset(around.kiosks)
        self._programmes = {word(name): code for code, name in reversed(around.programmes)}
        self._programmes |= {word(code): code for code, _ in around.programmes}
        self._by_name: dict[str, list[str]] = {}
        for code, row in self._regions.items():
            self._by_name.setdefault(word(row["kelurahan"]), []).append(code)
        self._doubted = _doubted(entries)

    def read(self) -> tuple[Listed, ...]:
        """Every row, in the list's order."""
        return tuple(map(self._listed, self._entries.rows))

    def _listed(self, entry: Entry) -> Listed:
        told: list[Finding] = []
        nik = self._digits(entry, "nik", told)
        kk = self._digits(entry, "kk", told)
        card = self._digits(entry, "card_number", told)
        name, address = self._line(entry, "name", told), self._line(entry, "address", told)
        _whole_row(entry, told)
        if not any(map(str.isalpha, entry["name"])):
            told.append(finding(entry.row, "name", "name_missing"))
        kelurahan = self._kelurahan(entry, told)
        programmes, passed = self._programmes_of(entry, told)
        return Listed(
            row=entry.row,
            nik=nik,
            kk=kk,
            name=name,
            address=", ".join(filter(None, (address, *_rt_rw(entry, told)))),
            kelurahan_code=kelurahan,
            programmes=programmes,
            card=card,
            home=self._home(entry, told),
            status=self._status(entry, told),
            members=_members(entry, told),
            balance=_balance(entry, told),
            nik_masked=mask_number(nik or read_number(entry["nik"]).text),
            findings=tuple(told),
            passed=passed,
        )

    # -- numbers -----------------------------------------------------------------------------------------------------

    def _digits(self, entry: Entry, field: str, told: list[Finding]) -> str:
        """The number of a field if its form is lawful, else empty and the reason told."""
        number = read_number(entry[field])
        if number.lost:
            told.append(finding(entry.row, field, "digits_lost"))
            return ""
        text = number.text
        if field in self._doubted and _could_be_cut(number):
            count, total = self._doubted[field]
            told.append(finding(entry.row, field, "digits_doubtful", count=count, total=total))
            return ""
        if not text and field == "card_number":
            return ""
        found = _FORMS[field](text)
        if found:
            count = _first_other(text) if found == "not_digits" else len(text)
            told.append(finding(entry.row, field, found, count=count))
            return ""
        if field == "nik" and not text.startswith("3374"):
            told.append(finding(entry.row, field, "nik_outside_city"))
        if field == "card_number" and not luhn_valid(text):
            told.append(finding(entry.row, field, "card_check_digit"))
        return text

    # -- texts -------------------------------------------------------------------------------------------------------

    def _line(self, entry: Entry, field: str, told: list[Finding]) -> str:
        cell = entry[field]
        text = cleaned(cell)
        if cell.strip().count("\n") > _LINES:
            told.append(finding(entry.row, field, "row_swallowed"))
        elif long_run(text):
            told.append(finding(entry.row, field, "number_in_text"))
        elif len(text) > _LONGEST[field]:
            told.append(finding(entry.row, field, "text_too_long", count=_LONGEST[field]))
        else:
            return text
        return text if field == "name" and not long_run(text) else ""

    def _kelurahan(self, entry: Entry, told: list[Finding]) -> str:
        said, name, district = (cleaned(entry[field]) for field in ("kelurahan_code", "kelurahan", "kecamatan"))
        if said:
            code = _dotted(said)
            region = self._regions.get(code)
            if region is None:
                told.append(finding(entry.row, "kelurahan_code", "kelurahan_unknown", said=said))
                return ""
            if name and _place(name) != word(region["kelurahan"]):
                words = {"said": _named(region), "other": name}
                told.append(finding(entry.row, "kelurahan", "kelurahan_differs", **words))
            return code
        if not name:
            told.append(finding(entry.row, "kelurahan_code", "kelurahan_missing"))
            return ""
        found = self._by_name.get(_place(name), [])
        if district:
            found = [code for code in found if word(self._regions[code]["kecamatan"]) == _place(district)]
        if len(found) != 1:
            code = "kelurahan_ambiguous" if found else "kelurahan_unknown"
            told.append(finding(entry.row, "kelurahan", code, said=f"{name}, {district}" if district else name))
            return ""
        how = "kelurahan_by_names" if district else "kelurahan_by_name"
        told.append(finding(entry.row, "kelurahan", how, said=_named(self._regions[found[0]])))
        return found[0]

    # -- words of the city -------------------------------------------------------------------------------------------

    def _programmes_of(self, entry: Entry, told: list[Finding]) -> tuple[tuple[str, ...], bool]:
        """(codes, whether the row is only about what is none of ours)."""
        cell = cleaned(entry["programmes"])
        whole = self._programme(cell)
        parts = [cell] if whole is not None else [part for part in re.split(r"[;,/+&|]", cell) if part.strip()]
        meant = {cleaned(part): self._programme(part) for part in parts}
        codes = tuple(dict.fromkeys(code for found in meant.values() for code in found or ()))
        unknown = "; ".join(part for part, found in meant.items() if found is None)
        if unknown:
            code = "programme_passed" if codes else "programme_unknown"
            told.append(finding(entry.row, "programmes", code, said=unknown))
        elif meant and not codes:
            told.append(finding(entry.row, "programmes", "programme_none", said=cell))
            return (), True
        return codes, False

    def _programme(self, said: str) -> tuple[str, ...] | None:
        given = self._map.meaning("programmes", said)
        if given is not None:
            codes = tuple(self._programmes.get(word(part), "") for part in given.split(";") if part.strip())
            return codes if all(codes) else None
        known = self._programmes.get(word(said))
        return None if known is None else (known,)

    def _home(self, entry: Entry, told: list[Finding]) -> str:
        said = cleaned(entry["home_kiosk"])
        home = self._map.meaning("home_kiosk", said) if said else None
        home = said if home is None else home
        if home and home not in self._kiosks:
            told.append(finding(entry.row, "home_kiosk", "home_unknown", said=home))
            return ""
        return home

    def _status(self, entry: Entry, told: list[Finding]) -> CardStatus | None:
        said = cleaned(entry["card_status"])
        if not said:
            return None
        given = self._map.meaning("card_status", said)
        if given is not None:
            return CardStatus(given) if given else None
        known = _STATES.get(word(said))
        if known is None:
            told.append(finding(entry.row, "card_status", "status_unknown", said=said))
        return known


def nik_trouble(nik: str) -> str:
    """What forbids this NIK, as a code of `findings`; empty when its form is lawful (domain 4.1).

    Lawful: 16 digits, a date that exists in one century or the other (a woman's day plus 40), a serial from 0001. There
    is no check digit, and the place may be outside the city.
    """
    if not nik:
        return "nik_missing"
    if not _NIK.fullmatch(nik):
        return _no_number(nik, _LONG) or "nik_length"
    if nik[12:] == "0000":
        return "nik_serial"
    day, month, year = int(nik[6:8]), int(nik[8:10]), int(nik[10:12])
    day -= 40 if day > 40 else 0
    for century in (1900, 2000):
        try:
            date(century + year, month, day)
        except ValueError:
            continue
        return ""
    return "nik_date"


def _kk_trouble(kk: str) -> str:
    if not kk:
        return "kk_missing"
    return "" if _KK.fullmatch(kk) else _no_number(kk, _LONG) or "kk_length"


def _card_trouble(card: str) -> str:
    return "" if _CARD.fullmatch(card) else _no_number(card, _CARD_LONG) or "card_length"


def _no_number(text: str, lengths: range) -> str:
    """`not_digits` if it is as long as it should be, and something in it is no digit; else empty."""
    return "not_digits" if _first_other(text) and sum(char not in _BETWEEN for char in text) in lengths else ""


def _first_other(text: str) -> int:
    """Place, from 1, of the first character that is no digit and does not stand between groups of them; else 0."""
    return next((place for place, char in enumerate(text, 1) if char not in _DIGITS and char not in _BETWEEN), 0)


_FORMS = {"nik": nik_trouble, "kk": _kk_trouble, "card_number": _card_trouble}


def _could_be_cut(number: Number) -> bool:
    return len(number.text) > 15 and number.text.endswith("0") and number.text.isdigit()


def _doubted(entries: Entries) -> Mapping[str, tuple[int, int]]:
    """Columns of which so many numbers end in 0 that a spreadsheet was there, with (how many, of how many)."""
    found: dict[str, tuple[int, int]] = {}
    for field in _FORMS:
        numbers = [read_number(entry[field]) for entry in entries.rows]
        total = sum(len(number.text) > 15 and number.text.isdigit() for number in numbers)
        cut = sum(map(_could_be_cut, numbers))
        if total >= _DOUBTED_FROM and cut * 2 >= total:
            found[field] = (cut, total)
    return found


def _whole_row(entry: Entry, told: list[Finding]) -> None:
    if entry.beyond:
        told.append(finding(entry.row, "", "row_shifted"))
    for field, cell in entry.cells.items():
        if cell[:1] == "#" and cleaned(cell) in _ERRORS:
            told.append(finding(entry.row, field, "cell_error", said=cleaned(cell)))


def _dotted(code: str) -> str:
    """A kelurahan code in the form 33.74.01.1010, however its parts were written."""
    digits = re.sub(r"[ .-]", "", code)
    plain = len(digits) == 10 and digits.isascii() and digits.isdigit()
    return f"{digits[:2]}.{digits[2:4]}.{digits[4:6]}.{digits[6:]}" if plain else code


def _place(name: str) -> str:
    spelt = word(re.sub(r"^(?:kelurahan|kecamatan|kel|kec)\b\.?\s*", "", name.strip(), flags=re.IGNORECASE))
    return _NOW_SPELT.get(spelt, spelt)


def _named(region: Row) -> str:
    return f"{region['kelurahan']}, {region['kecamatan']}"


def _rt_rw(entry: Entry, told: list[Finding]) -> tuple[str, str]:
    rt, rw, both = (cleaned(entry[field]) for field in ("rt", "rw", "rt_rw"))
    if both and not rt and not rw:
        found = _RT_RW.fullmatch(both)
        if found is None:  # a spreadsheet makes a date of 007/008
            told.append(finding(entry.row, "rt_rw", "rt_rw_unclear", said=both))
            return "", ""
        rt, rw = found[1], found[2]
    return _numbered(entry, "rt", rt, told), _numbered(entry, "rw", rw, told)


def _numbered(entry: Entry, field: str, cell: str, told: list[Finding]) -> str:
    what = field.upper()
    said = re.sub(rf"^{what}\b\W*", "", cell, flags=re.IGNORECASE)
    if len(said) > _PLACE or _DATE.fullmatch(said):
        told.append(finding(entry.row, field, "rt_rw_unclear", said=cell))
        return ""
    return f"{what} {said.zfill(3) if said.isascii() and said.isdigit() else said}" if said else ""


def _members(entry: Entry, told: list[Finding]) -> int | None:
    said = cleaned(entry["members"])
    if not said:
        return None
    if re.fullmatch(r"[1-9][0-9]?", said):
        return int(said)
    told.append(finding(entry.row, "members", "members_unknown", said=said))
    return None


def _balance(entry: Entry, told: list[Finding]) -> int | None:
    said = cleaned(entry["purse_balance"])
    if not said:
        return None
    amount = _RUPIAH.fullmatch(said)
    if amount is None:
        told.append(finding(entry.row, "purse_balance", "balance_form", said=said))
        return None
    return int(amount[1].replace(".", ""))
