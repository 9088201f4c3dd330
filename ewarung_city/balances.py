"""The leases of one enrolment, as its journal moves them: folded in memory within a batch, written back at its end."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import msgspec

from ewarung_city.settle import Freed
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.journal import Fact, PeriodClosed, Redeemed, Reversed, RightsGranted, StateReceived, Surrendered
from ewarung_pos.domain.redemption import RightDebit
from ewarung_pos.domain.rights import HARDSHIP, holder_of, pool_of
from ewarung_pos.domain.units import Unit

__all__ = ["Balances", "Key"]

Key = tuple[str, str, str, str]
"""Holder, programme, period, commodity."""

_OURS = ("family", "programme", "period", "commodity", "claimed", "surrendered", "spent", "returned")
"""Of a lease, what a journal says; the rest is the city's, who may be granting at this moment."""
_ours = attrgetter(*_OURS)


class _Lease(msgspec.Struct, gc=False):
    """One lease as it is being moved."""

    family: str
    programme: str
    period: str
    commodity: str
    unit: str
    granted: int = 0
    claimed: int = 0
    surrendered: int = 0
    spent: int = 0
    returned: int = 0


class Balances:
    """Totals of the leases that a batch touches. Every total only ever grows."""

    def __init__(self, tx: Tx, device: str, epoch: int) -> None:
        self._tx = tx
        self._device = device
        self._whose: dict[str, Any] = {"device": device, "epoch": epoch}
        self._leases: dict[Key, _Lease] = {}
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
        names = _Lease.__struct_fields__
        held = [_Lease(*row) for row in self._tx.bare(schema.lease, names, "family", sorted(touched), **self._whose)]
        if closed:
            whole = self._tx.all(schema.lease, **self._whose)
            held += [_Lease(*(row[name] for name in names)) for row in whole if row["period"] <= closed]
        self._leases = {(one.family, one.programme, one.period, one.commodity): one for one in held}

    def key_of(self, family: str, debit: RightDebit) -> Key:
        """The lease that a debit is taken from."""
        return holder_of(family, debit.programme, self._device), debit.programme, debit.period, debit.commodity

    def total(self, key: Key, name: str) -> int:
        """One total of a lease; 0 of one that is not there."""
        lease = self._leases.get(key)
        return int(getattr(lease, name)) if lease is not None else 0

    def largest(self) -> int:
        """No total of goods that went or came is beyond this, either way."""
        totals = (max(abs(lease.spent), abs(lease.returned)) for lease in self._leases.values())
        return max(totals, default=0)

    def move(self, family: str, debit: RightDebit, total: str) -> bool:
        """Count a debit as `spent` or `returned`; whether the lease allowed it."""
        lease = self._lease(self.key_of(family, debit), debit.unit)
        if total == "spent":
            lease.spent += debit.amount
        else:
            lease.returned += debit.amount
        return (
            lease.spent - lease.returned + lease.surrendered <= lease.granted
            and lease.returned <= lease.spent
            and lease.unit == debit.unit
        )

    def received(self, leases: Iterable[LeaseGrant]) -> bool:
        """What the device says it was granted; whether the city knows of all of it."""
        known = True
        for said in leases:
            lease = self._lease((said.family, said.programme, said.period, said.commodity), said.unit)
            lease.claimed = max(lease.claimed, said.granted)
            if said.granted > lease.granted:
                self.unknown.add(said.family)
                known = False
        return known

    def gave_back(self, fact: Surrendered) -> bool:
        """Credit what was surrendered, as far as it was there; whether it was."""
        there = True
        for said in fact.leases:
            key = (said.family, said.programme, said.period, said.commodity)
            lease = self._lease(key, said.unit)
            there = there and said.surrendered <= _most(lease) and lease.unit == said.unit
            self._credit(key, said.surrendered, asked=fact.reason == "asked")
        return there

    def close(self, period: str) -> None:
        """Credit whatever the device had left of this month and of those before, by its own entries so far."""
        for key, lease in sorted(self._leases.items()):
            if lease.period <= period:
                self._moved.add(key)
                self._credit(key, lease.claimed - lease.spent + lease.returned, asked=False)

    def write(self) -> None:
        """Write back what was moved."""
        new = [self._leases[key] for key in sorted(self._moved & self._new)]
        self._tx.add(schema.lease, [{**self._whose, **msgspec.structs.asdict(one), "released": 0} for one in new])
        held = [self._leases[key] for key in sorted(self._moved - self._new)]
        self._tx.move(schema.lease, [dict(zip(_OURS, _ours(one), strict=True)) for one in held], **self._whose)

    def _credit(self, key: Key, total: int, *, asked: bool) -> None:
        lease = self._leases[key]
        held = lease.surrendered
        lease.surrendered = max(held, min(total, _most(lease)))
        self.freed.append(Freed(*key, lease.surrendered - held, asked))

    def _lease(self, key: Key, unit: Unit) -> _Lease:
        """The totals of a lease, to be moved."""
        self._moved.add(key)
        lease = self._leases.get(key)
        if lease is None:
            lease = self._leases[key] = _Lease(*key, unit.value)
            self._new.add(key)
        return lease


def _most(lease: _Lease) -> int:
    """S can be no more than what was granted and not handed out."""
    return max(lease.granted, lease.claimed) - max(0, lease.spent - lease.returned)
