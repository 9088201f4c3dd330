"""What comes twice in one list: NIK, the person of a family card under another NIK, a family card, a card.

Where rows contradict each other, none of them is taken: which one is right is not to be seen in the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from ewarung_city.bnba.columns import word
from ewarung_city.bnba.findings import ROWS, Finding, finding
from ewarung_city.bnba.rows import Listed
from ewarung_city.succession import GONE

__all__ = ["Family", "families_of"]


class Family(msgspec.Struct, frozen=True):
    """A family as the list names it: its first row that may be taken, with the programmes of all its rows.

    Attributes:
        merged: rows of the same family for other programmes.
        again: rows that say the same once more.
    """

    listed: Listed
    merged: tuple[int, ...] = ()
    again: tuple[int, ...] = ()


def families_of(rows: Iterable[Listed]) -> tuple[list[Family], list[Finding]]:
    """The families whose rows do not contradict each other, in the list's order, and what is to be said of rows."""
    every = list(rows)
    told = [*_contradicting([row for row in every if not row.passed])]
    bad = {found.row for found in told} | {row.row for row in every if row.refused}
    by_nik: dict[str, list[Listed]] = {}
    for row in every:
        if row.row not in bad and not row.passed:
            by_nik.setdefault(row.nik, []).append(row)
    families: list[Family] = []
    for group in by_nik.values():
        family, remarks = _one(group)
        families.append(family)
        told.extend(remarks)
    return families, told


def _one(group: list[Listed]) -> tuple[Family, list[Finding]]:
    first = group[0]
    programmes = first.programmes
    merged: list[int] = []
    again: list[int] = []
    told: list[Finding] = []
    for row in group[1:]:
        fresh = tuple(code for code in row.programmes if code not in programmes)
        programmes += fresh
        (merged if fresh else again).append(row.row)
        told.append(finding(row.row, "", "merged" if fresh else "row_again", rows=(first.row,)))
    members, balance = (next(iter(said), None) for said in _numbers(group))
    whole = msgspec.structs.replace(first, programmes=programmes, members=members, balance=balance)
    return Family(whole, tuple(merged), tuple(again)), told


def _contradicting(rows: list[Listed]) -> Iterable[Finding]:
    by_nik = _grouped(rows, lambda row: row.nik)
    for group in by_nik.values():
        if any(len(set(said)) > 1 for said in (map(_content, group), *_numbers(group))):
            yield from _each(group, "nik", "nik_twice")
    for field, value in (("kk", _kk), ("card_number", _card)):
        for group in _grouped(rows, value).values():
            if len(_people(group)) == 1 or (field == "kk" and _one_is_left(group)):
                continue
            one_person = len({word(row.name) for row in group}) == 1
            code = "card_twice" if field == "card_number" else "kk_person_twice" if one_person else "kk_twice"
            yield from _each(group, field, code)


def _people(group: list[Listed]) -> set[object]:
    """Who is in the group. A row without a readable NIK is the person of its name and family card, if that one is."""
    known = {_person(row): row.nik for row in group if row.nik}
    return {row.nik or known.get(_person(row), row.row) for row in group}


def _one_is_left(group: list[Listed]) -> bool:
    """Whether the list itself says of all of a family card but one person that they are dead or moved away."""
    here = [row for row in group if row.status not in GONE]
    return len(here) < len(group) and len(_people(here)) <= 1


def _person(row: Listed) -> tuple[str, str]:
    return row.kk, word(row.name)


def _kk(row: Listed) -> str:
    return row.kk


def _card(row: Listed) -> str:
    return row.card


def _content(row: Listed) -> tuple[object, ...]:
    """All that two rows of one family must say alike; the programmes may differ."""
    return (row.kk, word(row.name), word(row.address), row.kelurahan_code, row.card, row.home, row.status)


def _numbers(group: list[Listed]) -> tuple[list[int], list[int]]:
    """Members and balance: what not every row of a family has to say, as far as they do."""
    members = [row.members for row in group if row.members is not None]
    return members, [row.balance for row in group if row.balance is not None]


def _each(group: list[Listed], field: str, code: str) -> Iterable[Finding]:
    some = [row.row for row in group[: ROWS + 2]]  # more than are named beside each row, however many there are
    for row in group:
        yield finding(row.row, field, code, rows=tuple(other for other in some if other != row.row))


def _grouped(rows: list[Listed], value: Callable[[Listed], str]) -> Mapping[str, list[Listed]]:
    groups: dict[str, list[Listed]] = {}
    for row in rows:
        if value(row):
            groups.setdefault(value(row), []).append(row)
    return {key: group for key, group in groups.items() if len(group) > 1}
