"""A ledger that may serve nobody any more tells the city what it holds: a copy that was restored, before its new epoch.

Upload only: nothing is asked for, and nothing is written into the journal, so that it stays the beginning of the one it
was copied from.
"""

from __future__ import annotations

import msgspec

from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.errors import ConfigError
from ewarung_pos.ports import Clock, LedgerHead, LedgerReader
from ewarung_pos.sync.outgoing import Speaker, batch_of, check_ack, greeting, hash_at, run_after, speaker
from ewarung_pos.sync.protocol import Outcome, Welcome

__all__ = ["Upload", "upload"]


class Upload(msgspec.Struct, frozen=True):
    """What the city held of this epoch, and what it was sent.

    Attributes:
        copy_seq: last entry of this ledger.
        city_before, city_after: last entry the city held, before and after.
        same_past: False when the two have different entries at one place; the city keeps ours aside, and a person
            decides.
        put_aside: why the city did not take (all of) it, in its own word; empty when it did.
    """

    copy_seq: int
    city_before: int
    city_after: int
    same_past: bool
    put_aside: str = ""

    @property
    def sent(self) -> int:
        """Entries that the city holds only since now."""
        return max(0, self.city_after - self.city_before)

    @property
    def missing(self) -> int:
        """Entries that the city holds and this ledger does not."""
        return max(0, self.city_after - self.copy_seq)


def upload(reader: LedgerReader, clock: Clock, url: str, ca: str = "") -> Upload:
    """HELLO, then PUSH of everything the city does not hold, under the epoch of this ledger.

    When the city holds more than this ledger, the end of it is sent all the same: the answer tells whether it is the
    beginning of what the city holds. A city that was restored too is not answered: what its lost database gave may
    stand above the end of a copy, so only people can say that it will not be spent (`ewarung-city lost`).

    Args:
        reader: of the ledger.
        clock: wall time signs.
        url: of the city.
        ca: PEM file of its authority, if it is not the system's.

    Raises:
        SyncError: the city was not reached, or does not know this kiosk: nothing is lost, ask again.
        ChainBroken: the ledger is not what it was.
        ConfigError: no identity, no keys, or a URL that cannot be used.
    """
    who = reader.identity()
    if who is None:
        raise ConfigError("the ledger holds no kiosk: enrol this kiosk", reason="not_enrolled")
    said = speaker(reader, who, url, ca, lambda: clock.now().wall.ms // 1000)
    try:
        welcome = said.city.hello(greeting(reader, who, clock.now()))
        return _sent(reader, said, welcome)
    finally:
        said.city.close()


def _sent(reader: LedgerReader, said: Speaker, welcome: Welcome) -> Upload:
    who, head = said.who, reader.head()
    city, same, aside = welcome.acked_seq, True, ""
    after = _begin(reader, who, head, welcome)
    while after < head.seq:
        rows = run_after(reader, after, hash_at(reader, who, after) or "")
        ack, _ = said.city.push(batch_of(said.key, who, rows))
        check_ack(said.city_key, who, ack)
        same = same and ack.outcome is not Outcome.FORK
        aside = aside or ("" if ack.outcome is Outcome.ACCEPTED else ack.reason or ack.outcome.value)
        city, after = max(city, ack.acked_seq), rows[-1].seq
    return Upload(head.seq, welcome.acked_seq, city, same, aside)


def _begin(reader: LedgerReader, who: KioskIdentity, head: LedgerHead, welcome: Welcome) -> int:
    """After which entry to send: where the city ends, if that is ours; else from what it acknowledged to us on.

    One entry at least, then: its answer compares the two pasts.
    """
    held = welcome.acked_seq
    if held == 0:
        return 0
    if hash_at(reader, who, held) == welcome.acked_hash:
        return held
    return min(held, head.acked_seq, head.seq - 1)
