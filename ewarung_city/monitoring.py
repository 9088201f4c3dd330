"""Figures the city keeps: what was reached of what was meant, how each day ended, and what a person should look at.

Numerators and denominators are summed, never percentages. What is not known is None, never zero (domain 6.2, 6.4).
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from ewarung_city.rights import carried_into, outstanding
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_city.succession import GONE
from ewarung_pos.domain.business_day import DayTotals
from ewarung_pos.domain.journal import AttemptOpened, AttemptSettled, Redeemed, Reversed, decode
from ewarung_pos.domain.rights import HARDSHIP
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.sync.protocol import Flag

__all__ = ["CaseRow", "DayRow", "RealisationRow", "as_csv", "cases", "days", "realisation"]

_TOTALS = msgspec.json.Decoder(DayTotals)
_AT_ONCE = 5_000
_OF_ATTEMPTS = {Flag.SLIP_DISPUTED, Flag.OTHER_DEBIT, Flag.OTHER_DEBIT_VOIDED}
"""Cases about an attempt at the EDC, and not about an entry with a receipt."""


class RealisationRow(msgspec.Struct, frozen=True):
    """One kiosk, one commodity, one period; base units of `unit`.

    The kiosk's hardship pool is a programme of its own (`DARURAT`), to which nobody is entitled.

    Attributes:
        families: at home there in that month and entitled; they may have been served elsewhere.
        stopped: at home there, recorded as dead or moved before the month was over, and nothing was handed out to them.
            They, and what they would have been entitled to, are in no other figure.
        entitled: what those families are entitled to for this month alone.
        brought: what the month before carried over for them; it comes on top of that.
        granted: what this kiosk was granted for whomever, less what it gave back and what two officers released.
        issued: what it handed out of that, net of reversals. None while nothing of this month has come from it.
        served: to how many families. None as `issued`.
        uncounted: entries of the kiosk's month that could not be read: each is a case, and what they handed out is in
            none of these figures.
    """

    device: str
    name: str
    kelurahan_code: str
    period: str
    programme: str
    commodity: str
    unit: str
    families: int
    stopped: int
    entitled: int
    brought: int
    granted: int
    issued: int | None
    served: int | None
    uncounted: int


class DayRow(msgspec.Struct, frozen=True):
    """A sealed business day by the city's own fold, and the figures in which the kiosk's Z report differs.

    `uncounted` entries within the day could not be read: each is a case.
    """

    device: str
    epoch: int
    date: str
    redemptions: int
    reversals: int
    families: int
    ration_value: int
    purse: int
    cash: int
    differs: str
    uncounted: int


class CaseRow(msgspec.Struct, frozen=True):
    """Something to look at: an indication, not a verdict.

    `receipt` and `amount` (rupiah) are those of the redemption or counter-entry that the case is about: its own entry,
    or the one whose debit a slip was claimed for. None when it is about none, or that one is not here.
    """

    device: str
    epoch: int
    seq: int
    reason: str
    date: str
    state: str
    owner: str
    receipt: int | None = None
    amount: int | None = None


@dataclass
class _Sums:
    """What comes together in one row."""

    families: int = 0
    stopped: int = 0
    entitled: int = 0
    brought: int = 0
    granted: int = 0
    issued: int = 0
    served: int = 0


_Key = tuple[str, str, str]
"""Kiosk, programme, commodity."""


def realisation(tx: Tx, period: str) -> list[RealisationRow]:
    """Realisation of every kiosk and commodity in a period, for every kiosk of the city."""
    month = _Realised(tx, period)
    who = [tx.tally(table, "family", period=period) for table in (schema.entitlement, schema.lease)]
    keys = sorted({key for found in who for (key,) in found})
    for first in range(0, len(keys), _AT_ONCE):
        month.add(keys[first : first + _AT_ONCE])
    return month.rows()


class _Realised:
    """A month's figures, family after family: so many at once that no city's rights are in memory together."""

    def __init__(self, tx: Tx, period: str) -> None:
        self._tx = tx
        self._period = period
        self._carried = carried_into(tx, period)
        self._sums: dict[_Key, _Sums] = defaultdict(_Sums)
        self._units: dict[str, str] = {}
        self._reported = {row["device"] for row in tx.starting(schema.day, "date", f"{period}-")}
        """Kiosks of which something of that month is here: a business day, or what they handed out of its rights."""

    def add(self, keys: list[str]) -> None:
        """Everything of these families."""
        held = {row["key"]: row for row in self._tx.within(schema.family, "key", keys)}
        entitled = self._tx.within(schema.entitlement, "family", keys, period=self._period)
        leases = self._tx.within(schema.lease, "family", keys, period=self._period)
        homes = _homes(self._tx, self._period, held, leases)
        stopped = _stopped(self._period, held.values(), entitled, leases)
        self._units |= {row["commodity"]: row["unit"] for row in (*entitled, *leases)}
        for row in entitled:
            mine = self._sums[homes.get(row["family"], ""), *_thing(row)]
            if row["family"] in stopped:
                mine.stopped += 1
                continue
            mine.families += 1
            mine.entitled += int(row["amount"])
            mine.brought += self._carried.get((row["family"], *_thing(row)), 0)
        handed: dict[tuple[str, _Key], int] = defaultdict(int)
        for row in leases:
            if row["family"] not in stopped:
                at = (str(row["device"]), *_thing(row))
                self._sums[at].granted += outstanding(row)
                handed[row["family"], at] += int(row["spent"]) - int(row["returned"])
        for (_, at), net in handed.items():  # of two machines of one kiosk together
            self._sums[at].issued += net
            self._sums[at].served += net > 0
        self._reported |= {row["device"] for row in leases if int(row["spent"]) or int(row["returned"])}

    def rows(self) -> list[RealisationRow]:
        """By kiosk, programme and commodity."""
        helped = _helped(self._tx, self._period)
        unread = cases(self._tx, self._period, reason=Flag.UNREADABLE.value)
        uncounted = Counter(row.device for row in unread)
        kiosks = {row["device"]: row for row in self._tx.all(schema.kiosk)}
        rows = []
        for key in sorted(self._sums):
            device, programme, commodity = key
            if device not in kiosks:
                continue
            mine, known = self._sums[key], device in self._reported
            served = len(helped[device, commodity]) if programme == HARDSHIP else mine.served
            rows.append(
                RealisationRow(
                    device=device,
                    name=kiosks[device]["name"],
                    kelurahan_code=kiosks[device]["kelurahan_code"],
                    period=self._period,
                    programme=programme,
                    commodity=commodity,
                    unit=self._units[commodity],
                    families=mine.families,
                    stopped=mine.stopped,
                    entitled=mine.entitled,
                    brought=mine.brought,
                    granted=mine.granted,
                    issued=mine.issued if known else None,
                    served=served if known else None,
                    uncounted=uncounted[device],
                )
            )
        return rows


def _thing(row: Row) -> tuple[str, str]:
    return row["programme"], row["commodity"]


def _homes(tx: Tx, period: str, held: Mapping[str, Row], leases: Sequence[Row]) -> dict[str, str]:
    """By family: its home in that month, as its leases show it; today's, where they do not show another.

    A month's rights are granted to the home of the time. What a kiosk has of them because it asked for a visitor does
    not make it the home, what it has because the family chose it does.
    """
    outs: dict[str, Counter[str]] = defaultdict(Counter)
    for row in leases:
        outs[row["family"]][row["device"]] += outstanding(row)
    visits, chosen = set(), {}
    asked = tx.within(schema.grant_request, "family", held, period=period, state="granted")
    for row in sorted(asked, key=lambda row: int(row["asked_ms"])):
        if row["home"]:
            chosen[row["family"], row["device"]] = int(row["asked_ms"])
        else:
            visits.add((row["family"], row["device"]))
    homes = {}
    for family, row in held.items():
        there = outs.get(family, Counter())
        granted = [kiosk for kiosk in there if (family, kiosk) in chosen or (family, kiosk) not in visits]
        homes[family] = row["home"]
        if granted and row["home"] not in granted:
            homes[family] = max(granted, key=lambda kiosk: (chosen.get((family, kiosk), 0), there[kiosk], kiosk))
    return homes


def _stopped(period: str, held: Iterable[Row], entitled: Iterable[Row], leases: Iterable[Row]) -> set[str]:
    """Families that could have nothing of that month any more, and had nothing."""
    had = {row["family"] for row in entitled if int(row["charged"]) > 0}
    had |= {row["family"] for row in leases if int(row["spent"]) > int(row["returned"])}
    return {
        row["key"]
        for row in held
        if row["card_status"] in GONE
        and row["key"] not in had
        and Instant(int(row["status_since"])).date().period().iso <= period
    }


def _helped(tx: Tx, period: str) -> dict[tuple[str, str], set[str]]:
    """By kiosk and commodity: who had something of its pool, as the register knows them or else as the journal does."""
    helped: dict[tuple[str, str], set[str]] = defaultdict(set)
    for use in tx.all(schema.hardship, period=period):
        if int(use["amount"]) > int(use["returned"]):
            helped[use["device"], use["commodity"]].add(use["family"] or use["said"])
    return helped


def days(tx: Tx, period: str) -> list[DayRow]:
    """Sealed days of a period."""
    rows = []
    for row in tx.starting(schema.day, "date", f"{period}-", "device", "epoch", "date"):
        if row["closed_seq"]:
            ours = _TOTALS.decode(row["totals"])
            whose = {"device": row["device"], "epoch": row["epoch"]}
            unread = tx.between(
                schema.case, "seq", row["first_seq"], row["closed_seq"], reason=Flag.UNREADABLE.value, **whose
            )
            rows.append(
                DayRow(
                    device=row["device"],
                    epoch=row["epoch"],
                    date=row["date"],
                    redemptions=ours.redemptions,
                    reversals=ours.reversals,
                    families=ours.families,
                    ration_value=ours.ration_value,
                    purse=ours.purse,
                    cash=ours.cash,
                    differs=row["differs"],
                    uncounted=len(unread),
                )
            )
    return rows


def cases(tx: Tx, period: str = "", **equal: str) -> list[CaseRow]:
    """Cases of a period (or all), oldest first; with columns that equal, only those.

    By the business date of their entry; by the day on which the case opened, if that entry has none or was put aside.
    """
    by_enrolment: dict[tuple[str, int], list[Row]] = {}
    for row in tx.all(schema.case, "opened_ms", "device", "epoch", "seq", "reason", **equal):
        by_enrolment.setdefault((row["device"], int(row["epoch"])), []).append(row)
    found: list[tuple[int, CaseRow]] = []
    for (device, epoch), rows in by_enrolment.items():
        concerned = _Concerned(tx, device, epoch, [int(row["seq"]) for row in rows])
        for row in rows:
            date = concerned.date(row) or Instant(int(row["opened_ms"])).date().iso
            if date.startswith(period):
                receipt, amount = concerned.sale(row)
                said = (device, epoch, row["seq"], row["reason"], date, row["state"], row["owner"])
                found.append((int(row["opened_ms"]), CaseRow(*said, receipt, amount)))
    found.sort(key=lambda case: (case[0], case[1].device, case[1].epoch, case[1].seq, case[1].reason))
    return [row for _, row in found]


class _Concerned:
    """What the cases of one enrolment are about; read for all of them at once."""

    def __init__(self, tx: Tx, device: str, epoch: int, places: list[int]) -> None:
        self._tx = tx
        self._whose: dict[str, Any] = {"device": device, "epoch": epoch}
        self._entries = {int(row["seq"]): row for row in tx.within(schema.entry, "seq", places, **self._whose)}
        self._served = {int(row["seq"]): row for row in tx.within(schema.redemption, "seq", places, **self._whose)}

    def date(self, case: Row) -> str:
        """The business date of the entry; empty if it has none, or is not here."""
        entry = self._entries.get(int(case["seq"]))
        return str(entry["date"]) if entry is not None else ""

    def sale(self, case: Row) -> tuple[int | None, int | None]:
        """Receipt and rupiah."""
        entry = self._entries.get(int(case["seq"]))
        if entry is not None and case["reason"] in _OF_ATTEMPTS:
            fact = decode(bytes(entry["body"])).fact
            attempt = fact.attempt if isinstance(fact, AttemptSettled) else ""
            if case["reason"] == Flag.SLIP_DISPUTED:
                return self._claims.get(attempt, (None, None))
            return None, self._asked.get(attempt)
        served = self._served.get(int(case["seq"]))
        if served is None:
            return None, None
        return int(served["receipt"]), int(served["ration_value"]) + int(served["purse"]) + int(served["cash"])

    @cached_property
    def _asked(self) -> dict[str, int]:
        """By attempt: the rupiah that the kiosk had asked the EDC for."""
        rows = self._tx.all(schema.entry, "seq", kind=AttemptOpened.__name__, **self._whose)
        opened = (decode(bytes(row["body"])).fact for row in reversed(rows))
        return {fact.attempt: fact.amount for fact in opened if isinstance(fact, AttemptOpened)}

    @cached_property
    def _claims(self) -> dict[str, tuple[int, int]]:
        """By attempt: the receipt it stands on, and the rupiah."""
        said: dict[str, tuple[int, int]] = {}
        paid = [int(row["seq"]) for row in self._tx.all(schema.redemption, **self._whose) if row["purse"]]
        for row in self._tx.within(schema.entry, "seq", paid, **self._whose):
            fact = decode(bytes(row["body"])).fact
            debit = fact.purse if isinstance(fact, Redeemed) else fact.void if isinstance(fact, Reversed) else None
            if debit is not None and isinstance(fact, Redeemed | Reversed):
                said[debit.attempt] = (fact.receipt, debit.amount)
        return said


def as_csv(rows: Sequence[msgspec.Struct], kind: type[msgspec.Struct]) -> str:
    """Comma-separated values with a heading; text that a spreadsheet would run as a formula is made text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(kind.__struct_fields__)
    for row in rows:
        writer.writerow([_cell(value) for value in msgspec.structs.astuple(row)])
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
