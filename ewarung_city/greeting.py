"""A greeting, and what it proves: forks, copies that were put back, and whether a kiosk may be given anything.

A kiosk says HELLO before it sends or is given anything (sync.md section 2); nothing that its greeting says is believed
beyond what it proves.
"""

from __future__ import annotations

from ewarung_city import cases, feed, forks, leases
from ewarung_city.keys import CityKeys
from ewarung_city.reading import loosely
from ewarung_city.recovery import LIFE, divide, divided, heard, lived, recovering, waits_for
from ewarung_city.rights import may_be_given
from ewarung_city.settle import resume
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_city.versions import oldest
from ewarung_pos.domain.journal import genesis
from ewarung_pos.sync.protocol import CLOCK_TOLERANCE_S, Hello, Mode, Problem, Quarantine, Welcome, ack_text
from ewarung_pos.sync.signing import verify

__all__ = ["UNPROVEN_CLAIM", "welcome", "withheld"]

UNPROVEN_CLAIM = "UNPROVEN_CLAIM"
"""Case: a kiosk says that the city had acknowledged or given it more than it has, and shows no proof."""

_LEAP = 10_000_000
"""So many versions a feed may have gained since the backup of a city: far more than any month brings."""

_STAMPED_MS = 2_000
"""An entry is stamped a moment before it is written, and a greeting reads the clock a moment before the head."""


def welcome(tx: Tx, keys: CityKeys, hello: Hello, now_ms: int, *, fresh: bool) -> Welcome:
    """Answer a HELLO: where our copy ends, and whether the kiosk may still be given rights.

    A head that is not in what we hold is a FORK: an old disk image, or two tills with one key. So is an earlier head
    of ours in a greeting that was said after the entry which it does not know of. One that was said before it is late,
    and old news (sync.md: reordering is harmless); only a fresh message may say anything of forks (`fresh`).
    """
    held = _epoch(tx, hello.device, hello.epoch)
    if held is None:
        return Welcome(0, "", 0, now_ms, Mode.UPLOAD_ONLY, Quarantine.UNKNOWN_EPOCH.value)
    acked = int(held["acked_seq"])
    fork = _fork_at(tx, hello, acked) if fresh else None
    if fork is None:  # however late it comes: it repeats a question that nobody could know before it was asked
        leases.answer(tx, hello.device, hello.epoch, hello.recovery, hello.head_seq)
    heard(tx)
    resume(tx)
    if fresh:
        proven = hello.acked_seq <= acked or _proven(keys, hello)
        if fork is not None:
            held = forks.stop(tx, held, fork, now_ms)
        elif hello.acked_seq > acked and proven:
            _recover(tx, hello, held)
        elif hello.acked_seq > acked or hello.cursor > int(held["pulled"]) or not lived(tx, hello.life):
            _doubt(tx, hello, held, now_ms)
        tx.change(
            schema.epoch,
            {
                "seen_ms": now_ms,
                "claimed_seq": max(int(held["claimed_seq"]), hello.acked_seq if proven else 0),
                "app_version": hello.app_version,
                "said_seq": _said(hello),
            },
            device=hello.device,
            epoch=hello.epoch,
        )
    kiosk = tx.one(schema.kiosk, device=hello.device)
    cursor = int(kiosk["cursor"]) if kiosk is not None else 0
    frozen = held["state"] != "active"
    mode = Mode.UPLOAD_ONLY if frozen else Mode(held["mode"])
    reason = Quarantine.UNKNOWN_EPOCH.value if frozen else str(held["reason"])
    asked = leases.question(tx, hello.device, hello.epoch, acked, hello.recovery)
    said = (acked, held["acked_hash"], cursor, now_ms, mode, reason, asked, tx.setting(LIFE), hello.life)
    return Welcome(*said, upgrade=oldest(tx))


def withheld(tx: Tx, device: str, epoch: int, acked_seq: int | None, acked_hash: str) -> Problem | None:
    """Why this enrolment may be given nothing; None when it may.

    Nothing where a person has to look; nothing to an older journal, whose last entry here is another than it says;
    nothing while another database may have granted the same.
    """
    held = _epoch(tx, device, epoch)
    if held is None or not may_be_given(held):
        return Problem(403, "Upload only until a person decided", "upload_only")
    if acked_seq is not None and (acked_seq, acked_hash) != (int(held["acked_seq"]), held["acked_hash"]):
        return Problem(409, "This city holds another entry as the last", "behind")
    resume(tx)
    if divided(tx):
        return Problem(409, "This city learns first what another database granted", "behind")
    return None


def _said(hello: Hello) -> int:
    """How far its journal goes, for whoever watches; it proves nothing.

    A till at rest keeps the entry of the newest acknowledgement to send it with the next batch: alone it is not behind.
    """
    alone = 0 < hello.acked_seq == hello.head_seq - 1
    return hello.acked_seq if alone else hello.head_seq


def _fork_at(tx: Tx, hello: Hello, acked: int) -> int | None:
    """Where the kiosk's past is another one than ours; None when its head extends ours, or is old news."""
    if hello.head_seq > acked:
        return None
    held = {
        int(row["seq"]): row
        for row in tx.between(
            schema.entry, "seq", hello.head_seq, hello.head_seq + 1, device=hello.device, epoch=hello.epoch
        )
    }
    ours = bytes(held[hello.head_seq]["hash"]) if hello.head_seq else genesis(hello.device, hello.epoch)
    if ours.hex() != hello.head_hash:
        return hello.head_seq
    if hello.head_seq == acked or _said_before(hello, held[hello.head_seq + 1]):
        return None
    return hello.head_seq + 1


def _said_before(hello: Hello, lacking: Row) -> bool:
    """Whether the kiosk greeted before it wrote this entry.

    Within a boot its monotonic clock tells. Across boots there are only wall clocks, of which the entry's may have been
    far ahead: it was not written after it came here.
    """
    entry = loosely(bytes(lacking["body"]))
    if hello.boot == entry.boot:
        return hello.monotonic_ms <= entry.monotonic + _STAMPED_MS
    written = min(entry.instant, int(lacking["received_ms"]) + CLOCK_TOLERANCE_S * 1000)
    return hello.wall_ms <= written + _STAMPED_MS


def _recover(tx: Tx, hello: Hello, held: Row) -> None:
    """The kiosk was told more than this database knows of, so this is a backup: grants wait (`leases.restored`)."""
    waited_for = waits_for(tx, held, hello.acked_seq)
    strange = _strange(tx, hello, held)
    if not waited_for or strange:  # the copy may be of a time when the city was recovering before
        leases.restored(tx, hello.device, hello.epoch)
    if strange:
        divide(tx, hello.life)
    _tell_again(tx, hello, int(held["pulled"]))


def _doubt(tx: Tx, hello: Hello, held: Row, now_ms: int) -> None:
    """It says that it was told more, and proves nothing: a person looks, and grants to this kiosk alone wait.

    They wait until the city holds the journal as far as it goes now: whatever was granted stands in it.
    """
    leases.doubt(tx, hello.device, hello.epoch, hello.head_seq)
    if recovering(tx) and _strange(tx, hello, held):
        leases.restored(tx)  # who answered already may have been told something since
        divide(tx, hello.life)
    cases.open_once(tx, hello.device, hello.epoch, int(held["acked_seq"]), UNPROVEN_CLAIM, now_ms)
    _tell_again(tx, hello, int(held["pulled"]))


def _strange(tx: Tx, hello: Hello, held: Row) -> bool:
    """Whether it has heard of a life that this database never had, and that is news.

    No signature stands under a life: only kiosks at work are heard, and nothing changes where nothing is told anyway.
    """
    return held["state"] == "active" and not lived(tx, hello.life) and not divided(tx)


def _proven(keys: CityKeys, hello: Hello) -> bool:
    """Whether the city itself acknowledged what this kiosk says it did, perhaps by a database that is gone."""
    text = ack_text(hello.device, hello.epoch, hello.acked_seq, hello.acked_hash, hello.ack_ms, hello.ack_flagged)
    return verify(keys.public, text, bytes.fromhex(hello.ack_signature))


def _tell_again(tx: Tx, hello: Hello, pulled: int) -> None:
    """Above the versions that it says it was given; a leap beyond all likelihood would leave no versions to give."""
    kiosk = tx.one(schema.kiosk, device=hello.device)
    if pulled < hello.cursor <= (int(kiosk["cursor"]) if kiosk is not None else 0) + _LEAP:
        feed.tell_again(tx, hello.device, hello.cursor)
        tx.change(schema.epoch, {"pulled": hello.cursor}, device=hello.device, epoch=hello.epoch)


def _epoch(tx: Tx, device: str, epoch: int) -> Row | None:
    return tx.one(schema.epoch, device=device, epoch=epoch)
