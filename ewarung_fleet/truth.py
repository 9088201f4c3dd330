"""What really happened, noted where it happens and not read back from any ledger: what left over each counter.

The reconciliation holds ledgers and city against it.
"""

from __future__ import annotations

import msgspec

from ewarung_pos.domain.business_day import DayTotals
from ewarung_pos.domain.journal import Entry, Redeemed, Reversed
from ewarung_pos.domain.rights import HARDSHIP

__all__ = ["Handed", "SealedDay", "Truth"]


class Handed(msgspec.Struct):
    """Goods and money that changed hands with one entry; figures of a reversal are negative.

    `rations` are (programme, period, commodity) -> base units. `gone` says that the disk which alone held the entry is
    destroyed.
    """

    entry: str
    device: str
    epoch: int
    seq: int
    token: str
    rations: dict[str, int]
    purse: int
    gone: bool = False

    @property
    def from_pool(self) -> bool:
        """Whether it came out of the kiosk's hardship pool."""
        return any(key.startswith(f"{HARDSHIP}|") for key in self.rations)


class SealedDay(msgspec.Struct):
    """A business day that was closed, with the totals that the closing person saw."""

    device: str
    epoch: int
    seq: int
    date: str
    totals: DayTotals
    gone: bool = False


class Truth(msgspec.Struct):
    """Of one kiosk, over all its machines and disks.

    Attributes:
        handed, sealed: what happened, in order.
        turned_away: reasons for which somebody was sent away, and how often.
        refused: for what each family that came here for its ration was sent away last.
        fired: faults that really happened, by kind.
        noted: what else happened that is worth a count.
        gone: entries that were on destroyed disks and nowhere else.
        findings: what went otherwise than it must, seen at the counter already.
    """

    handed: list[Handed] = []
    sealed: list[SealedDay] = []
    turned_away: dict[str, int] = {}
    refused: dict[int, str] = {}
    fired: dict[str, int] = {}
    noted: dict[str, int] = {}
    gone: int = 0
    findings: list[str] = []

    def hand(self, entry: Entry, token: str) -> bool:
        """Note an entry with which goods or money changed hands; whether it was one."""
        fact = entry.fact
        if not isinstance(fact, Redeemed | Reversed):
            return False
        sign = 1 if isinstance(fact, Redeemed) else -1
        rations = {f"{debit.programme}|{debit.period}|{debit.commodity}": sign * debit.amount for debit in fact.debits}
        debit = fact.purse if isinstance(fact, Redeemed) else fact.void
        purse = sign * debit.amount if debit is not None else 0
        self.handed.append(Handed(entry.id, entry.device, entry.epoch, entry.seq, token, rations, purse))
        return True

    def turn_away(self, reason: str, family: int | None = None) -> None:
        """Somebody was sent away; `family` where she came for her ration."""
        self.turned_away[reason] = self.turned_away.get(reason, 0) + 1
        if family is not None:
            self.refused[family] = reason

    def fire(self, kind: str, times: int = 1) -> None:
        """A fault happened."""
        self.fired[kind] = self.fired.get(kind, 0) + times

    def note(self, kind: str) -> None:
        """Something worth a count happened."""
        self.noted[kind] = self.noted.get(kind, 0) + 1

    def net_since(self, place: int) -> int:
        """What changed hands with the entries from that place on: above 0 when somebody went home with something."""
        return sum(sum(one.rations.values()) + one.purse for one in self.handed[place:])

    def lose_disk(self, device: str, epoch: int, acked: int, head: int) -> None:
        """A disk is destroyed: what the city had not acknowledged of that epoch exists nowhere any more."""
        self.gone += max(0, head - acked)
        for one in self.handed:
            one.gone = one.gone or ((one.device, one.epoch) == (device, epoch) and one.seq > acked)
        for day in self.sealed:
            day.gone = day.gone or ((day.device, day.epoch) == (device, epoch) and day.seq > acked)
