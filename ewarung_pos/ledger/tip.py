"""The end of the journal in memory: what every entry needs to know of those before it.

There is one writer for each ledger, so the tip is read from the file once, at open, and carried from commit to commit.
"""

from __future__ import annotations

import msgspec

from ewarung_pos.domain.business_day import Day, DayState
from ewarung_pos.domain.journal import decode, genesis
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.domain.stock import CountLine
from ewarung_pos.domain.timeline import BusinessDate, ClockMemory, ClockReading, Instant
from ewarung_pos.errors import LedgerCorrupt
from ewarung_pos.ledger.engine import Connection
from ewarung_pos.ports import LedgerHead

__all__ = ["CLOCK", "COUNT_OF_DAY", "Tip", "clock_memory", "count_unsent", "load_tip"]

CLOCK = "clock"
"""The setting that holds the clock's memory as JSON."""

COUNT_OF_DAY = msgspec.json.Decoder(tuple[CountLine, ...])
_MEMORY = msgspec.json.Decoder(ClockMemory)


class Tip(msgspec.Struct, frozen=True):
    """End of the chain, the business day it stands in, and how far the city has acknowledged it.

    `catalogue` is the id of the entry that set the one in force; no id is ever used again, not after a rollback.
    `last_ms` is the latest wall time of an entry since a leader last confirmed the clock, `reading` the newest entry's.
    `hash` is what the next entry follows: the seed of the epoch while there is no entry, empty without an identity.
    """

    identity: KioskIdentity | None = None
    seq: int = 0
    hash: bytes = b""
    last_ms: int = 0
    reading: ClockReading | None = None
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
    last = connection.execute("SELECT seq, hash, payload FROM ledger_entry ORDER BY seq DESC LIMIT 1").fetchone()
    seed = b"" if identity is None else genesis(identity.device, identity.epoch)
    seq, head, payload = last or (0, seed, None)
    reading = _reading(payload)
    city = connection.execute("SELECT acked_seq, acked_hash, cursor FROM city_state").fetchone()
    acked_seq, acked_hash, cursor = city
    (receipts,) = connection.execute("SELECT max(receipt) FROM ledger_entry WHERE receipt IS NOT NULL").fetchone()
    catalogue = connection.execute("SELECT set_by FROM reference WHERE name = 'catalogue'").fetchone()
    held = connection.execute("SELECT value FROM setting WHERE key = ?", (CLOCK,)).fetchone()
    clock = clock_memory(held[0]) if held else ClockMemory()
    return Tip(
        identity=identity,
        seq=seq,
        hash=head,
        last_ms=max(clock.highest_ms, reading.wall.ms if reading is not None else 0),
        reading=reading,
        day=_day(connection),
        receipts=receipts or 0,
        acked_seq=acked_seq,
        acked_hash=acked_hash,
        unsent=count_unsent(connection, seq, acked_seq),
        cursor=cursor,
        catalogue=catalogue[0] if catalogue else "",
        clock=clock,
    )


def _reading(payload: bytes | None) -> ClockReading | None:
    """The clocks as the newest entry has them; None when there is none, or its bytes are damaged (`verify` says so)."""
    if payload is None:
        return None
    try:
        entry = decode(payload)
    except msgspec.MsgspecError:
        return None
    return ClockReading(Instant(entry.instant), entry.monotonic, entry.boot)


def clock_memory(kept: str) -> ClockMemory:
    """What is remembered of time; nothing when it cannot be read, which `verify` tells."""
    try:
        return _MEMORY.decode(kept)
    except msgspec.DecodeError:
        return ClockMemory()


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
    try:
        return Day(DayState(state), BusinessDate(date), opened_seq, opened_at, COUNT_OF_DAY.decode(count))
    except (ValueError, msgspec.DecodeError) as error:  # no till wrote that; `verify` names the row
        raise LedgerCorrupt("business_day", reason="verify") from error
