"""Riwayat, the morning's tally, and the day's totals with their four control figures.

A business day is an unbroken run of the journal, from its DayOpened to its DayClosed, so its rows are found by `seq`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from ewarung_pos.domain.business_day import ControlLine, DayTotals
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.journal import (
    ReceiptPrinted,
    Redeemed,
    RedemptionRefused,
    Reversed,
    decode,
)
from ewarung_pos.domain.redemption import Tender
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.domain.units import Quantity, Unit
from ewarung_pos.ledger.tip import Tip
from ewarung_pos.ports import HistoryRow, Tally

__all__ = ["COPIES", "rows", "tally", "totals"]

Execute = Callable[..., Any]

_END = 2**50
"""Above every sequence number: the end of a day that is still open."""

COPIES = 1000
"""Papers that one entry can have; a print job is numbered seq * COPIES + copy."""

_COMMON_SHARE = 20
"""A name that more than one in twenty families matches is looked for from the newest receipt backwards."""

_GOODS = msgspec.json.Decoder(dict[str, int])
_LINES = msgspec.json.Decoder(tuple[tuple[str, Unit, int], ...])
_MOVES = msgspec.json.Decoder(tuple[tuple[str, int, str, int], ...])

_ROW = (
    "SELECT e.seq, e.id, e.payload, coalesce(f.name, ''), "
    "EXISTS (SELECT 1 FROM ledger_entry AS u WHERE u.reverses = e.seq), "
    "(SELECT count(*) FROM receipt_paper AS p WHERE p.entry = e.id) "
    "FROM ledger_entry AS e LEFT JOIN register_family AS f ON f.key = e.family "
)
_NEWEST = " ORDER BY e.seq DESC LIMIT :limit"
_IN_SPAN = "WHERE e.seq BETWEEN :first AND :last AND e.receipt IS NOT NULL"
_KNOWN = (
    "SELECT key FROM register_family WHERE name LIKE :like ESCAPE '\\' "
    "UNION SELECT family FROM register_card WHERE last4 = :text"
)
_COUNT_KNOWN = f"SELECT count(*) FROM ({_KNOWN})"  # noqa: S608 - both are constants


def rows(
    execute: Execute, tip: Tip, catalogue: Catalogue, date: BusinessDate | None, text: str, limit: int
) -> tuple[HistoryRow, ...]:
    """Receipts, newest first."""
    first, last = (1, _END) if date is None else _range(execute, date)
    text = text.strip()
    given: dict[str, object] = {"first": first, "last": last, "limit": limit}
    query = _ROW + _IN_SPAN + _NEWEST
    if text:
        given |= {"text": text, "like": _pattern(text), "number": int(text) if _is_number(text) else -1}
        query = _ROW + _search(execute, given, whole=date is None) + _NEWEST
    short = {commodity.code: commodity.short for commodity in catalogue.commodities}
    today = tip.day.date if tip.day.serving else None
    return tuple(_row(row, short, today) for row in execute(query, given).fetchall())


def _search(execute: Execute, given: dict[str, object], *, whole: bool) -> str:
    """The condition for a text.

    Over all days rare names go through the index of families, common ones along the receipts from the newest. A
    day's receipts are few: there even a card that the register no longer knows is found by its digits.
    """
    if whole:
        (found,) = execute(_COUNT_KNOWN, given).fetchone()
        (held,) = execute("SELECT count(*) FROM register_family").fetchone()
        if found * _COMMON_SHARE <= held:
            return f"WHERE (e.receipt = :number OR e.family IN ({_KNOWN})) AND e.receipt IS NOT NULL"
    digits = "json_extract(CAST(e.payload AS TEXT), '$.fact.last4') = :text"
    return f"{_IN_SPAN} AND (e.receipt = :number OR f.name LIKE :like ESCAPE '\\' OR {digits})"


def _row(row: tuple[Any, ...], short: dict[str, str], today: BusinessDate | None) -> HistoryRow:
    seq, entry_id, payload, name, undone, printed = row
    entry = decode(payload)
    fact = entry.fact
    assert isinstance(fact, Redeemed | Reversed)  # noqa: S101 - only these have a receipt
    sums: dict[tuple[str, Unit], int] = {}
    for line in fact.lines:
        sums[line.commodity, line.unit] = sums.get((line.commodity, line.unit), 0) + line.amount
    return HistoryRow(
        seq=seq,
        entry=entry_id,
        receipt=fact.receipt,
        kind=type(fact).__name__,
        at_ms=entry.instant,
        date=BusinessDate(entry.date),
        name=name,
        last4=fact.last4,
        goods=" · ".join(f"{short.get(code, code)} {Quantity(amount, unit)}" for (code, unit), amount in sums.items()),
        total=sum(line.total.amount for line in fact.lines),
        reversed=bool(undone),
        printed=printed,
        reversible=isinstance(fact, Redeemed) and not undone and today is not None and entry.date == today.iso,
    )


def _pattern(text: str) -> str:
    """Anywhere in the name; what LIKE would read as a wildcard is escaped."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def tally(execute: Execute, date: BusinessDate) -> Tally:
    """Families with a redemption that stands, and what they took, net of reversals."""
    opened = execute("SELECT opened_at FROM business_day WHERE date = ?", (date.iso,)).fetchone()
    span = _range(execute, date)
    sums: dict[str, int] = {}
    for commodity, _, amount in _issued(execute, span):
        sums[commodity] = sums.get(commodity, 0) + amount
    goods = tuple((commodity, amount) for commodity, amount in sorted(sums.items()) if amount)
    return Tally(_families(execute, span), goods, opened[0] if opened else 0)


def _issued(execute: Execute, span: tuple[int, int]) -> Iterator[tuple[str, Unit, int]]:
    """Each line that was handed out, and what came back with its sign."""
    for (text,) in execute("SELECT issued FROM goods_movement WHERE seq BETWEEN ? AND ?", span).fetchall():
        yield from _LINES.decode(text)


def _families(execute: Execute, span: tuple[int, int]) -> int:
    (families,) = execute(
        "SELECT count(DISTINCT family) FROM ledger_entry AS e WHERE seq BETWEEN ? AND ? AND kind = 'Redeemed' "
        "AND NOT EXISTS (SELECT 1 FROM ledger_entry AS u WHERE u.reverses = e.seq)",
        span,
    ).fetchone()
    return int(families)


def _range(execute: Execute, date: BusinessDate) -> tuple[int, int]:
    """First and last place of that business day; nothing lies between them when there was no such day."""
    row = execute("SELECT opened_seq, closed_seq FROM business_day WHERE date = ?", (date.iso,)).fetchone()
    return (1, 0) if row is None else (row[0], row[1] or _END)


class _Sums:
    """What the day's payloads say, net of reversals."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(("Redeemed", "Reversed", "RedemptionRefused", "copies"), 0)
        self.receipts: list[int] = []
        self.ration = self.purse = self.cash = 0
        self.debited: dict[str, int] = {}
        self.units: dict[str, Unit] = {}

    def add(self, fact: object) -> None:
        """One entry of the day."""
        match fact:
            case Redeemed():
                self._goods(fact, 1)
                self.purse += fact.purse.amount if fact.purse else 0
            case Reversed():
                self._goods(fact, -1)
                self.purse -= fact.void.amount if fact.void else 0
            case RedemptionRefused():
                self.counts["RedemptionRefused"] += 1
            case _:
                self.counts["copies"] += isinstance(fact, ReceiptPrinted) and fact.copy > 0

    def _goods(self, fact: Redeemed | Reversed, sign: int) -> None:
        self.counts[type(fact).__name__] += 1
        self.receipts.append(fact.receipt)
        for debit in fact.debits:
            self._debit(debit.commodity, debit.unit, sign * debit.amount)
        for line in fact.lines:
            value = sign * line.total.amount
            if line.tender is Tender.RATION:
                self.ration += value
            else:
                self._debit(line.commodity, line.unit, sign * line.amount)
            if line.tender is Tender.CASH:
                self.cash += value

    def _debit(self, commodity: str, unit: Unit, amount: int) -> None:
        self.units[commodity] = unit
        self.debited[commodity] = self.debited.get(commodity, 0) + amount


def totals(execute: Execute, date: BusinessDate) -> DayTotals:
    """The day so far: figures from its payloads, and the four control figures each from a table of its own."""
    first, last = span = _range(execute, date)
    if first > last:
        return DayTotals()
    sums = _Sums()
    (last_seq,) = execute("SELECT max(seq) FROM ledger_entry WHERE seq <= ?", (last,)).fetchone()
    for (payload,) in execute(
        "SELECT payload FROM ledger_entry WHERE seq BETWEEN ? AND ? "
        "AND kind IN ('Redeemed', 'Reversed', 'RedemptionRefused', 'ReceiptPrinted') ORDER BY seq",
        span,
    ).fetchall():
        sums.add(decode(payload).fact)
    (in_doubt,) = execute(
        "SELECT count(*) FROM attempt WHERE state IN ('pending', 'in_doubt') AND date <= ?", (date.iso,)
    ).fetchone()
    return DayTotals(
        first_seq=first,
        last_seq=last_seq,
        redemptions=sums.counts["Redeemed"],
        reversals=sums.counts["Reversed"],
        refused=sums.counts["RedemptionRefused"],
        families=_families(execute, span),
        receipts=len(sums.receipts),
        first_receipt=min(sums.receipts, default=0),
        last_receipt=max(sums.receipts, default=0),
        copies=sums.counts["copies"],
        ration_value=sums.ration,
        purse=sums.purse,
        cash=sums.cash,
        in_doubt=in_doubt,
        control=_control(execute, span, sums),
    )


def _control(execute: Execute, span: tuple[int, int], sums: _Sums) -> tuple[ControlLine, ...]:
    first, last = span
    units = dict(sums.units)
    issued: dict[str, int] = {}
    for commodity, unit, amount in _issued(execute, span):
        units.setdefault(commodity, unit)
        issued[commodity] = issued.get(commodity, 0) + amount
    moved: dict[str, int] = {}
    for (text,) in execute(
        "SELECT moved FROM goods_movement WHERE seq BETWEEN ? AND ? AND kind IN ('redeemed', 'reversed')", span
    ).fetchall():
        for _, _, commodity, amount in _MOVES.decode(text):
            moved[commodity] = moved.get(commodity, 0) - amount
    receipted = _receipted(
        execute(
            "SELECT kind, goods FROM print_job WHERE id BETWEEN ? AND ? AND copy = 0",
            (first * COPIES, last * COPIES),
        ).fetchall()
    )
    return tuple(
        ControlLine(
            commodity,
            units[commodity],
            sums.debited.get(commodity, 0),
            issued.get(commodity, 0),
            receipted.get(commodity, 0),
            moved.get(commodity, 0),
        )
        for commodity in sorted(units)
    )


def _receipted(jobs: Iterable[tuple[str, str]]) -> dict[str, int]:
    goods: dict[str, int] = {}
    for kind, text in jobs:
        sign = -1 if kind == "reversal" else 1
        for commodity, amount in _GOODS.decode(text).items():
            goods[commodity] = goods.get(commodity, 0) + sign * amount
    return goods
