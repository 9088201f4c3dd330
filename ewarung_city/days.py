"""The business days of one enrolment, as a batch opens and seals them: read at once, folded in memory, written back.

A till opens a date once, seals it before it opens another, and hands nothing out afterwards. Where another program
wrote otherwise no figure of a day is lost: it goes from its opening to its last seal, or to the opening of the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from ewarung_city.attest import DayFold, differences, every_figure
from ewarung_city.exactness import exact
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.domain.bounds import EXACT
from ewarung_pos.domain.business_day import DayTotals
from ewarung_pos.domain.journal import DayClosed, DayOpened, Entry, Redeemed, Reversed
from ewarung_pos.sync.protocol import batch_text
from ewarung_pos.sync.signing import verify

__all__ = ["Days", "HeldBetween"]

HeldBetween = Callable[[int, int], tuple[list[Entry], bytes]]
"""(first, last) of a span: its entries, from the store and from the batch, and the hash of the last one."""

_END = EXACT + 1


class Days:
    """The days that a batch touches."""

    def __init__(self, tx: Tx, device: str, epoch: int, held_between: HeldBetween) -> None:
        self._tx = tx
        self._whose: dict[str, Any] = {"device": device, "epoch": epoch}
        self._held_between = held_between
        self._rows: dict[str, dict[str, Any]] = {}
        self._changed: set[str] = set()
        self._opened: list[int] = []
        self._folds: dict[str, tuple[DayFold, int]] = {}

    def fetch(self, entries: Iterable[Entry]) -> None:
        """Read the days that these entries belong to."""
        dated = (Redeemed, Reversed, DayOpened, DayClosed)
        dates = sorted({entry.date for entry in entries if isinstance(entry.fact, dated)})
        self._rows = {row["date"]: dict(row) for row in self._tx.within(schema.day, "date", dates, **self._whose)}

    def open(self, date: str, seq: int) -> bool:
        """A day begins; whether it had not begun before. One that had goes on where it was."""
        if date in self._rows:
            return False
        said = {"date": date, "first_seq": seq, "closed_seq": 0, "head": "", "totals": "", "differs": ""}
        self._rows[date] = {**self._whose, **said}
        self._opened.append(seq)
        self._changed.add(date)
        return True

    def over(self, date: str) -> bool:
        """Whether that day is sealed: no figure of it holds what comes now."""
        row = self._rows.get(date)
        return row is not None and bool(row["closed_seq"])

    def seal(self, entry: Entry, fact: DayClosed) -> bool:
        """Fold the day from its entries; whether it had begun, and the seal says the same.

        Raises:
            Beyond: it sums up to what cannot be.
        """
        row = self._rows.get(entry.date)
        if row is None:
            return False
        first = int(row["first_seq"])
        last = min(entry.seq, self._next_after(first)) - 1
        ours = self._fold(entry.date, first, last)
        for figure in every_figure(ours):
            exact(figure)
        _, head = self._held_between(entry.seq - 1, entry.seq - 1)
        differs = [*differences(ours, fact.totals)]
        if fact.head != head.hex():
            differs.append("head")
        if not self._genuine(fact, entry.seq - 1):
            differs.append("signature")
        said = {"closed_seq": entry.seq, "head": head.hex(), "differs": ",".join(differs)}
        self._rows[entry.date] = {**row, **said, "totals": msgspec.json.encode(ours).decode()}
        self._changed.add(entry.date)
        return not differs

    def write(self) -> None:
        """Write back what was opened and sealed."""
        self._tx.put(schema.day, [self._rows[date] for date in sorted(self._changed)])

    def _next_after(self, first: int) -> int:
        """Where the day after that one begins; beyond every entry if none has begun."""
        held = self._tx.after(schema.day, "first_seq", first, 1, **self._whose)
        return min([int(row["first_seq"]) for row in held] + [seq for seq in self._opened if seq > first], default=_END)

    def _fold(self, date: str, first: int, last: int) -> DayTotals:
        """The totals from first to last. A batch of many seals reads its entries once: days do not overlap."""
        fold, at = self._folds.get(date) or (DayFold(), first)
        if at <= last:
            for entry in self._held_between(at, last)[0]:
                fold.add(entry)
        self._folds[date] = fold, max(at, last + 1)
        return fold.totals(first, last)

    def _genuine(self, fact: DayClosed, last: int) -> bool:
        held = self._tx.one(schema.epoch, **self._whose)
        text = batch_text(self._whose["device"], self._whose["epoch"], fact.totals.first_seq, last, fact.head)
        try:
            return held is not None and verify(bytes.fromhex(held["device_key"]), text, bytes.fromhex(fact.signature))
        except ValueError:
            return False
