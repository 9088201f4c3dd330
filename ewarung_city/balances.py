"""The leases of one enrolment, as its journal moves them: folded in memory within a batch, written back at its end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ewarung_city.settle import Freed
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.journal import Fact, PeriodClosed, Redeemed, Reversed, RightsGranted, StateReceived, Surrendered
from ewarung_pos.domain.redemption import RightDebit
from ewarung_pos.domain.rights import HARDSHIP, holder_of, pool_of

__all__ = ["Balances", "Key"]

Key = tuple[str, str, str, str]
"""Holder, programme, period, commodity."""

_LEASE = ("family", "programme", "period", "commodity")
_OURS = (*_LEASE, "claimed", "surrendered", "spent", "returned")
"""Of a lease, what a journal says; the rest is the city's, who may be granting at this moment."""
_TOTALS = ("granted", "claimed", "surrendered", "spent", "returned", "released")


class Balances:
    """Totals of the leases that a batch touches. Every total only ever grows."""

    def __init__(self, tx: Tx, device: str, epoch: int) -> None:
        self._tx = tx
        self._device = device
        self._whose: dict[str, Any] = {"device": device, "epoch": epoch}
        self._leases: dict[Key, dict[str, Any]] = {}
        self._moved: set[Key] = set()
        self._new: set[Key] = set()
        self.unknown: set[str] = set()
        """Families of which the device was granted more than the city knows of."""
        self.freed: list[Freed] = []
        """What came back with each entry that gave something back."""

    def fetch(self, facts: Iterable[Fact]) -> None:
        """Read everything that these facts may move."""
        touched: set[str] = set()
        closed = ""
        for fact in facts:
            if isinstance(fact, Redeemed | Reversed):
                touched.add(fact.family)
                if any(debit.programme == HARDSHIP for debit in fact.debits):
                    touched.add(pool_of(self._device))
            elif isinstance(fact, StateReceived | RightsGranted | Surrendered):
                touched.update(lease.family for lease in fact.leases)
            elif isinstance(fact, PeriodClosed):
                closed = max(closed, fact.period)
        rows = self._tx.within(schema.lease, "family", sorted(touched), **self._whose)
        if closed:
            rows = [row for row in self._tx.all(schema.lease, **self._whose) if row["period"] <= closed] + rows
        for row in rows:
            self._leases[row["family"], row["programme"], row["period"], row["commodity"]] = dict(row)

    def key_of(self, family: str, debit: RightDebit) -> Key:
        """The lease that a debit is taken from."""
        return holder_of(family, debit.programme, self._device), debit.programme, debit.period, debit.commodity

    def total(self, key: Key, name: str) -> int:
        """One total of a lease; 0 of one that is not there."""
        lease = self._leases.get(key)
        return int(lease[name]) if lease is not None else 0

    def largest(self) -> int:
        """No total of goods that went or came is beyond this, either way."""
        totals = (abs(total) for lease in self._leases.values() for total in (lease["spent"], lease["returned"]))
        return max(totals, default=0)

    def move(self, family: str, debit: RightDebit, total: str) -> bool:
        """Count a debit as `spent` or `returned`; whether the lease allowed it."""
        lease = self._lease(self.key_of(family, debit), debit.unit.value)
        lease[total] += debit.amount
        return (
            lease["spent"] - lease["returned"] + lease["surrendered"] <= lease["granted"]
            and lease["returned"] <= lease["spent"]
            and bool(lease["unit"] == debit.unit.value)
        )

    def received(self, leases: Iterable[LeaseGrant]) -> bool:
        """What the device says it was granted; whether the city knows of all of it."""
        known = True
        for said in leases:
            lease = self._lease((said.family, said.programme, said.period, said.commodity), said.unit.value)
            lease["claimed"] = max(lease["claimed"], said.granted)
            if said.granted > lease["granted"]:
                self.unknown.add(said.family)
                known = False
        return known

    def gave_back(self, fact: Surrendered) -> bool:
        """Credit what was surrendered, as far as it was there; whether it was."""
        there = True
        for said in fact.leases:
            key = (said.family, said.programme, said.period, said.commodity)
            lease = self._lease(key, said.unit.value)
            there = there and said.surrendered <= _most(lease) and lease["unit"] == said.unit.value
            self._credit(key, said.surrendered, asked=fact.reason == "asked")
        return there

    def close(self, period: str) -> None:
        """Credit whatever the device had left of this month and of those before, by its own entries so far."""
        for key, lease in sorted(self._leases.items()):
            if lease["period"] <= period:
                self._moved.add(key)
                self._credit(key, lease["claimed"] - lease["spent"] + lease["returned"], asked=False)

    def write(self) -> None:
        """Write back what was moved."""
        self._tx.add(schema.lease, [self._leases[key] for key in sorted(self._moved & self._new)])
        held = [self._leases[key] for key in sorted(self._moved - self._new)]
        self._tx.move(schema.lease, [{name: lease[name] for name in _OURS} for lease in held], **self._whose)

    def _credit(self, key: Key, total: int, *, asked: bool) -> None:
        lease = self._leases[key]
        held = lease["surrendered"]
        lease["surrendered"] = max(held, min(total, _most(lease)))
        self.freed.append(Freed(*key, lease["surrendered"] - held, asked))

    def _lease(self, key: Key, unit: str) -> dict[str, Any]:
        """The totals of a lease, to be moved."""
        self._moved.add(key)
        lease = self._leases.get(key)
        if lease is None:
            lease = {**self._whose, **dict(zip(_LEASE, key, strict=True)), "unit": unit, **dict.fromkeys(_TOTALS, 0)}
            self._leases[key] = lease
            self._new.add(key)
        return lease


def _most(lease: dict[str, Any]) -> int:
    """S can be no more than what was granted and not handed out."""
    return int(max(lease["granted"], lease["claimed"]) - max(0, lease["spent"] - lease["returned"]))
