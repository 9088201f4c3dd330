"""What a till has written, read from its journal as it grew and kept outside of it: the other account of every right.

A `Branch` is one journal and the disk it is on. When an old image is put back, a second one goes on from its end, and
what the first had above that is on no disk any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.journal import (
    CityAcknowledged,
    PeriodClosed,
    Redeemed,
    Reversed,
    RightsGranted,
    Sealed,
    StateReceived,
    Surrendered,
    decode,
)
from ewarung_pos.domain.rights import holder_of

__all__ = ["Branch", "Broken", "Key"]

Key = tuple[str, str, str, str]
"""Holder (a family or a kiosk's pool), programme, period, commodity."""


class Broken(AssertionError):
    """An invariant of sync.md section 6 does not hold; it begins with its number."""


@dataclass
class Branch:
    """One journal.

    Attributes:
        public: the device key of its epoch (hex).
        hashes: of its entries, in order.
        got, given, spent: G, S and P (net) by right, by its entries.
        moves: for each entry what it handed out, to count a beginning of it anew.
        held: a disk has it, in the till or put away as the archive of its epoch.
        old: an image older than what was handed out was put back under it.
        granted_at_image: G at that moment.
        acked: as far as the city acknowledged it, by its own entries.
    """

    device: str
    epoch: int
    public: str
    hashes: list[bytes] = field(default_factory=list)
    got: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    given: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    spent: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    moves: list[tuple[tuple[Key, int], ...]] = field(default_factory=list)
    facts: list[object] = field(default_factory=list)
    held: bool = True
    old: bool = False
    granted_at_image: int = 0
    acked: tuple[int, bytes] = (0, b"")

    @property
    def whose(self) -> tuple[str, int]:
        """Kiosk and epoch."""
        return self.device, self.epoch

    def used(self, key: Key) -> int:
        """P + S of a right."""
        return self.spent.get(key, 0) + self.given.get(key, 0)

    def take(self, rows: Iterable[Sealed]) -> None:
        """Entries that were appended.

        Raises:
            Broken: I2 or I4.
        """
        for row in rows:
            if row.seq != len(self.hashes) + 1 or (self.hashes and row.prev_hash != self.hashes[-1]):
                raise Broken(f"I4: entry {row.seq} of {self.whose} does not follow what was written before")
            self._fold(row)

    def _fold(self, row: Sealed) -> None:
        fact = decode(row.body).fact
        moved: tuple[tuple[Key, int], ...] = ()
        match fact:
            case StateReceived() | RightsGranted():
                self._granted(fact.leases)
            case Redeemed() | Reversed():
                moved = self._handed_out(fact)
            case Surrendered():
                for said in fact.leases:
                    key = (said.family, said.programme, said.period, said.commodity)
                    self.given[key] = max(self.given[key], said.surrendered)
                    self._within(key)
            case PeriodClosed():
                for key in [key for key in self.got if key[2] <= fact.period]:
                    self.given[key] = max(self.given[key], self.got[key] - self.spent[key])
            case CityAcknowledged():
                self.acked = max(self.acked, (fact.acked_seq, bytes.fromhex(fact.acked_hash)))
        self.hashes.append(row.hash)
        self.moves.append(moved)
        self.facts.append(fact)

    def _handed_out(self, fact: Redeemed | Reversed) -> tuple[tuple[Key, int], ...]:
        sign = 1 if isinstance(fact, Redeemed) else -1
        moved = []
        for debit in fact.debits:
            key = (holder_of(fact.family, debit.programme, self.device), debit.programme, debit.period, debit.commodity)
            moved.append((key, sign * debit.amount))
            self.spent[key] += sign * debit.amount
            self._within(key)
        return tuple(moved)

    def _within(self, key: Key) -> None:
        if self.spent[key] + self.given[key] > self.got[key] or self.spent[key] < 0:
            raise Broken(f"I2: {self.whose} used {self.spent[key]} + {self.given[key]} of {self.got[key]}: {key}")

    def _granted(self, leases: Iterable[LeaseGrant]) -> None:
        for lease in leases:
            key = (lease.family, lease.programme, lease.period, lease.commodity)
            self.got[key] = max(self.got[key], lease.granted)

    def begins_with(self, seq: int, digest: bytes) -> bool:
        """Whether its entry in that place is this one."""
        return seq == 0 or (seq <= len(self.hashes) and self.hashes[seq - 1] == digest)

    def spent_until(self, seq: int) -> dict[Key, int]:
        """P by its first entries."""
        total: dict[Key, int] = defaultdict(int)
        for moved in self.moves[:seq]:
            for key, amount in moved:
                total[key] += amount
        return total
