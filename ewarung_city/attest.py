"""The city's own account of a business day, folded from the entries it holds.

ATTEST says it, and the kiosk's seal is compared with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from ewarung_city.keys import CityKeys
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.domain.business_day import ControlLine, DayTotals
from ewarung_pos.domain.journal import (
    AttemptOpened,
    AttemptSettled,
    Entry,
    Fact,
    ReceiptPrinted,
    Redeemed,
    RedemptionRefused,
    Reversed,
)
from ewarung_pos.domain.redemption import Tender
from ewarung_pos.domain.units import Unit
from ewarung_pos.sync.protocol import Attest, attest_text
from ewarung_pos.sync.signing import sign

__all__ = ["DayFold", "attest", "differences", "every_figure", "fold_day"]

_OPEN = "in_doubt"
"""The one outcome of an attempt that settles nothing (journal.AttemptSettled); with every other one it is over."""

_TOTALS = msgspec.json.Decoder(DayTotals)


def attest(tx: Tx, keys: CityKeys, device: str, epoch: int, date: str, now_ms: int) -> Attest | None:
    """The signed word that a sealed day is here, and what the city makes of it; None while its seal is not here."""
    row = tx.one(schema.day, device=device, epoch=epoch, date=date)
    if row is None or not row["closed_seq"]:
        return None
    said = Attest(
        device=device,
        epoch=epoch,
        date=date,
        first_seq=int(row["first_seq"]),
        last_seq=int(row["closed_seq"]) - 1,
        head=row["head"],
        totals=_TOTALS.decode(row["totals"]),
        differs=tuple(filter(None, row["differs"].split(","))),
        server_ms=now_ms,
    )
    return msgspec.structs.replace(said, signature=sign(keys.signing, attest_text(said)).hex())


class DayFold:
    """Totals of one day; each of the control figures from its own part of the entries."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(("Redeemed", "Reversed", "refused", "copies"), 0)
        self.receipts: list[int] = []
        self.ration = self.purse = self.cash = 0
        self.units: dict[str, Unit] = {}
        self.debited: dict[str, int] = {}
        self.issued: dict[str, int] = {}
        self.moved: dict[str, int] = {}
        self.receipted: dict[str, int] = {}
        self.families: dict[str, str] = {}
        self.attempts: set[str] = set()
        self._packs: dict[tuple[str, int], tuple[str, int]] = {}

    def add(self, entry: Entry) -> None:
        """One entry of the day, in order."""
        fact: Fact = entry.fact
        match fact:
            case Redeemed():
                self._goods(fact, 1)
                self.families[entry.id] = fact.family
                if fact.purse is not None:
                    self.purse += fact.purse.amount
                    self.attempts.discard(fact.purse.attempt)
            case Reversed():
                self._goods(fact, -1)
                self.families.pop(fact.original, None)
                if fact.void is not None:
                    self.purse -= fact.void.amount
                    self.attempts.discard(fact.void.attempt)
            case RedemptionRefused():
                self.counts["refused"] += 1
            case ReceiptPrinted():
                self.counts["copies"] += fact.copy > 0
            case AttemptOpened():
                self.attempts.add(fact.attempt)
            case AttemptSettled() if fact.outcome != _OPEN:
                self.attempts.discard(fact.attempt)

    def _goods(self, fact: Redeemed | Reversed, sign: int) -> None:
        self.counts[type(fact).__name__] += 1
        self.receipts.append(fact.receipt)
        for debit in fact.debits:
            self.units[debit.commodity] = debit.unit
            _add(self.debited, debit.commodity, sign * debit.amount)
        for line in fact.lines:
            value = sign * line.total.amount
            self.units[line.commodity] = line.unit
            _add(self.issued, line.commodity, sign * line.amount)
            _add(self.moved, line.commodity, sign * line.packs * (line.amount // line.packs if line.packs else 0))
            _add(self.receipted, line.commodity, sign * line.amount if fact.receipt > 0 else 0)
            if line.tender is Tender.RATION:
                self.ration += value
            else:
                _add(self.debited, line.commodity, sign * line.amount)
            if line.tender is Tender.CASH:
                self.cash += value

    def totals(self, first_seq: int, last_seq: int) -> DayTotals:
        """As the seal states them."""
        return DayTotals(
            first_seq=first_seq,
            last_seq=last_seq,
            redemptions=self.counts["Redeemed"],
            reversals=self.counts["Reversed"],
            refused=self.counts["refused"],
            families=len(set(self.families.values())),
            receipts=len(self.receipts),
            first_receipt=min(self.receipts, default=0),
            last_receipt=max(self.receipts, default=0),
            copies=self.counts["copies"],
            ration_value=self.ration,
            purse=self.purse,
            cash=self.cash,
            in_doubt=len(self.attempts),
            control=tuple(
                ControlLine(
                    commodity,
                    self.units[commodity],
                    self.debited.get(commodity, 0),
                    self.issued.get(commodity, 0),
                    self.receipted.get(commodity, 0),
                    self.moved.get(commodity, 0),
                )
                for commodity in sorted(self.units)
            ),
        )


def fold_day(entries: Iterable[Entry], first_seq: int, last_seq: int) -> DayTotals:
    """Totals of the entries of a day, its opening to the last one before its seal.

    `moved` counts whole packs at the content of one pack, so a line whose content does not fit its packs shows.
    """
    day = DayFold()
    for entry in entries:
        day.add(entry)
    return day.totals(first_seq, last_seq)


def every_figure(totals: DayTotals) -> Iterator[int]:
    """All numbers of a day's totals."""
    for value in msgspec.structs.astuple(totals):
        if isinstance(value, int):
            yield value
    for line in totals.control:
        yield from (line.debited, line.issued, line.receipted, line.moved)


def differences(ours: DayTotals, theirs: DayTotals) -> tuple[str, ...]:
    """Names of the figures in which a seal differs from what its own entries say; empty when they tell one story."""
    names = [name for name in DayTotals.__struct_fields__ if name != "control"]
    found = [name for name in names if getattr(ours, name) != getattr(theirs, name)]
    mine = {line.commodity: line for line in ours.control}
    said = {line.commodity: line for line in theirs.control}
    found.extend(f"control.{code}" for code in sorted(mine.keys() | said.keys()) if mine.get(code) != said.get(code))
    return tuple(found)


def _add(sums: dict[str, int], commodity: str, amount: int) -> None:
    sums[commodity] = sums.get(commodity, 0) + amount
