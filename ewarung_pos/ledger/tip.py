"""The end of the journal in memory: what every entry needs to know of those before it.

There is one writer for each ledger, so the tip is read from the file once, at open, and carried from commit to commit.
"""

from __future__ import annotations

import msgspec

from ewarung_pos.domain.business_day import Day, DayState
from ewarung_pos.domain.journal import genesis
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.domain.stock import CountLine
from ewarung_pos.domain.timeline import BusinessDate, ClockMemory
from ewarung_pos.ledger.engine import Connection
from ewarung_pos.ports import LedgerHead

__all__ = ["CLOCK", "COUNT_OF_DAY", "Tip", "count_unsent", "load_tip"]

CLOCK = "clock"
"""The setting that holds the clock's memory as JSON."""

COUNT_OF_DAY = msgspec.json.Decoder(tuple[CountLine, ...])
_MEMORY = msgspec.json.Decoder(ClockMemory)


class Tip(msgspec.Struct, frozen=True):
    """End of the chain, the business day it stands in, and how far the city has acknowledged it.

    `catalogue` is the id of the entry that set the one in force; no id is ever used again, not after a rollback.
    `hash` is what the next entry follows: the seed of the epoch while there is no entry, empty without an identity.
    """

    identity: KioskIdentity | None = None
    seq: int = 0
    hash: bytes = b""
    last_ms: int = 0
    day: Day = Day(DayState.CLOSED)
    receipts: int = 0
    acked_seq: int = 0
    acked_hash: str = ""
    unsent: int = 0
    cursor: int = 0
    catalogue: str = ""
    clock: ClockMemory = ClockMemory()

    def head(self) -> LedgerHead:
        """The same, as others see it."""
        return LedgerHead(self.seq, self.hash.hex(), self.last_ms, self.acked_seq, self.acked_hash, self.unsent)


def load_tip(connection: Connection) -> Tip:
    """Read the tip from the file; takes the same time whatever the length of the journal."""
    identity = _identity(connection)
    last = connection.execute("SELECT seq, hash, instant FROM ledger_entry ORDER BY seq DESC LIMIT 1").fetchone()
    seed = b"" if identity is None else genesis(identity.device, identity.epoch)
    seq, head, last_ms = last or (0, seed, 0)
    city = connection.execute("SELECT acked_seq, acked_hash, cursor FROM city_state").fetchone()
    acked_seq, acked_hash, cursor = city
    (receipts,) = connection.execute("SELECT max(receipt) FROM ledger_entry WHERE receipt IS NOT NULL").fetchone()
    catalogue = connection.execute("SELECT set_by FROM reference WHERE name = 'catalogue'").fetchone()
    clock = connection.execute("SELECT value FROM setting WHERE key = ?", (CLOCK,)).fetchone()
    return Tip(
        identity=identity,
        seq=seq,
        hash=head,
        last_ms=last_ms,
        day=_day(connection),
        receipts=receipts or 0,
        acked_seq=acked_seq,
        acked_hash=acked_hash,
        unsent=count_unsent(connection, seq, acked_seq),
        cursor=cursor,
        catalogue=catalogue[0] if catalogue else "",
        clock=_MEMORY.decode(clock[0]) if clock else ClockMemory(),
    )


def count_unsent(connection: Connection, seq: int, acked_seq: int) -> int:
    """Entries above `acked_seq` that wait for the city: all but the acknowledgements themselves.

    Those go with the next batch; counting them, a till that sends everything would never be done.
    """
    (acks,) = connection.execute(
        "SELECT count(*) FROM ledger_entry WHERE kind = 'CityAcknowledged' AND seq > ?", (acked_seq,)
    ).fetchone()
    return int(seq - acked_seq - acks)


def _identity(connection: Connection) -> KioskIdentity | None:
    row = connection.execute("SELECT device, epoch, name, kelurahan_code, kelurahan, practice FROM identity").fetchone()
    if row is None:
        return None
    device, epoch, name, kelurahan_code, kelurahan, practice = row
    return KioskIdentity(device, epoch, name, kelurahan_code, kelurahan, bool(practice))


def _day(connection: Connection) -> Day:
    row = connection.execute(
        "SELECT state, date, opened_seq, opened_at, count FROM business_day ORDER BY opened_seq DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return Day(DayState.CLOSED)
    state, date, opened_seq, opened_at, count = row
    return Day(DayState(state), BusinessDate(date), opened_seq, opened_at, COUNT_OF_DAY.decode(count))
