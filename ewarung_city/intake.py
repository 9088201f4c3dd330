"""Journal up: one batch, one transaction, one answer after the commit (sync.md section 2).

Every hash is computed again. What the batch proves is taken and never refused, because the goods have left; what the
city would not have allowed opens a case. What it does not prove is kept aside, verbatim.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec.structs import replace

from ewarung_city import cases, forks
from ewarung_city.apply import Applier
from ewarung_city.keys import CityKeys
from ewarung_city.reading import countable, loosely
from ewarung_city.recovery import is_lost
from ewarung_city.settle import resume
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.journal import Entry, genesis
from ewarung_pos.sync.protocol import (
    CLOCK_TOLERANCE_S,
    Ack,
    Flag,
    Outcome,
    Push,
    Quarantine,
    ack_text,
    batch_text,
    encode,
)
from ewarung_pos.sync.signing import sign, verify

__all__ = ["AFTER_LOST", "Taken", "chain_of", "take"]

AFTER_LOST = "AFTER_LOST"
"""Case: a kiosk that two officers declared lost has sent something. What it had left may have been granted again."""


class Taken(msgspec.Struct, frozen=True):
    """One entry of a batch as it goes into the store; `kind` empty and `entry` None when nothing is counted by it."""

    seq: int
    id: str
    kind: str
    date: str
    instant: int
    body: bytes
    hash: bytes
    entry: Entry | None


class _Bad(msgspec.Struct, frozen=True):
    """The batch, or the rest of it from `seq` on, is put aside."""

    outcome: Outcome
    reason: str
    seq: int


_ENTRY = ("device", "epoch", "seq", "id", "kind", "date", "instant", "body", "hash", "received_ms")


def take(tx: Tx, keys: CityKeys, push: Push, now_ms: int, created_s: int) -> bytes:
    """Take a batch and answer it; the same batch again is answered in the same bytes.

    Args:
        tx: the one transaction of this batch.
        keys: of the city, to sign the answer.
        push: as it came; who sent it was proved by the HTTP signature.
        now_ms: the city's time.
        created_s: the kiosk's time, as its request says.
    """
    epochs = tx.all(schema.epoch, device=push.device)
    held = next((row for row in epochs if row["epoch"] == push.epoch), None)
    if held is None or held["state"] != "active":
        return _aside(tx, keys, push, held, _Bad(Outcome.QUARANTINED, Quarantine.UNKNOWN_EPOCH, push.first_seq), now_ms)
    text = batch_text(push.device, push.epoch, push.first_seq, push.last_seq, push.head_hash)
    if not verify(bytes.fromhex(held["device_key"]), text, bytes.fromhex(push.signature)):
        return _aside(tx, keys, push, held, _Bad(Outcome.QUARANTINED, Quarantine.BAD_SIGNATURE, push.first_seq), now_ms)
    held_whole = push.last_seq <= int(held["acked_seq"])
    known = tx.one(schema.batch, device=push.device, epoch=push.epoch, last_seq=push.last_seq) if held_whole else None
    if known is not None and (known["first_seq"], known["head_hash"]) == (push.first_seq, push.head_hash):
        return bytes(known["ack"])
    hashes = chain_of(push)
    bad = _position(tx, push, held, hashes)
    if bad is not None:
        return _aside(tx, keys, push, held, bad, now_ms)
    last_id = max(str(row["last_id"]) for row in epochs)
    return _apply(tx, keys, push, held, hashes, now_ms, created_s, last_id)


def chain_of(push: Push) -> list[bytes]:
    """The hash before a batch, and after each of its entries, computed again."""
    head = bytes.fromhex(push.prev_hash)
    hashes, digest = [head], hashlib.sha256
    for body in push.entries:
        head = digest(head + bytes(body)).digest()  # `journal.link`, without a call for each
        hashes.append(head)
    return hashes


def _position(tx: Tx, push: Push, held: Row, hashes: list[bytes]) -> _Bad | None:
    """Whether the batch continues what we hold."""
    acked = int(held["acked_seq"])
    if hashes[-1].hex() != push.head_hash:
        return _Bad(Outcome.QUARANTINED, Quarantine.HASH, push.first_seq)
    if push.first_seq > acked + 1:
        return _Bad(Outcome.QUARANTINED, Quarantine.GAP, acked + 1)
    ours = {0: genesis(push.device, push.epoch), acked: bytes.fromhex(held["acked_hash"])}
    span = {"device": push.device, "epoch": push.epoch}
    if push.first_seq <= acked:
        for row in tx.between(schema.entry, "seq", push.first_seq - 1, min(acked, push.last_seq), **span):
            ours[int(row["seq"])] = bytes(row["hash"])
    for place in range(push.first_seq - 1, min(acked, push.last_seq) + 1):
        if ours.get(place) != hashes[place - push.first_seq + 1]:
            return _Bad(Outcome.FORK, "FORK", max(place, push.first_seq))
    return None


def _apply(
    tx: Tx, keys: CityKeys, push: Push, held: Row, hashes: list[bytes], now_ms: int, created_s: int, last_id: str
) -> bytes:
    """Take the longest valid run of new entries."""
    acked = int(held["acked_seq"])
    taken: list[Taken] = []
    bad: _Bad | None = None
    for place in range(acked + 1, push.last_seq + 1):
        at = place - push.first_seq
        entry = _read(push, place, bytes(push.entries[at]), hashes[at + 1])
        if entry is None:
            bad = _Bad(Outcome.QUARANTINED, Quarantine.BAD_ENTRY, place)
            break
        taken.append(entry)
    flagged: list[tuple[int, str]] = []
    if taken:
        applier = Applier(tx, push.device, push.epoch, now_ms, last_id)
        flagged = applier.apply(taken)
        if applier.uncounted:
            taken = [replace(item, kind="", entry=None) if item.seq in applier.uncounted else item for item in taken]
    if not taken:
        if bad is None:
            return _answer(tx, keys, push, held, now_ms)  # all of it was held before, in other batches
        return _aside(tx, keys, push, held, bad, now_ms)
    if abs(created_s - now_ms // 1000) > CLOCK_TOLERANCE_S:
        flagged.append((taken[-1].seq, Flag.CLOCK_SKEW.value))
    flagged = sorted(set(flagged))
    _store(tx, push, taken, flagged, now_ms, str(held["last_id"]))
    resume(tx)
    held = {**held, "acked_seq": taken[-1].seq, "acked_hash": taken[-1].hash.hex()}
    if bad is not None:
        return _aside(tx, keys, push, held, bad, now_ms, tuple(flagged))
    ack = _signed(keys, push, held, now_ms, Outcome.ACCEPTED, tuple(flagged))
    row = {"last_seq": push.last_seq, "first_seq": push.first_seq, "head_hash": push.head_hash, "ack": encode(ack)}
    tx.put(schema.batch, [{"device": push.device, "epoch": push.epoch, **row}])
    return encode(ack)


def _read(push: Push, place: int, body: bytes, digest: bytes) -> Taken | None:
    """The entry, kept unread if this version cannot count it; None if it says that it stands elsewhere."""
    entry = countable(body)
    if entry is not None:
        if entry.seq != place or entry.device != push.device or entry.epoch != push.epoch:
            return None
        return Taken(place, entry.id, type(entry.fact).__name__, entry.date, entry.instant, body, digest, entry)
    said = loosely(body)
    true = (place, push.device, push.epoch)
    if any(word not in (None, ours) for word, ours in zip((said.seq, said.device, said.epoch), true, strict=True)):
        return None
    return Taken(place, said.id, "", said.date, said.instant, body, digest, None)


def _store(tx: Tx, push: Push, taken: list[Taken], flagged: list[tuple[int, str]], now_ms: int, last_id: str) -> None:
    whose: dict[str, Any] = {"device": push.device, "epoch": push.epoch}
    device, epoch = push.device, push.epoch
    tx.open_month(now_ms)
    tx.load(
        schema.entry,
        _ENTRY,
        [
            (device, epoch, item.seq, item.id, item.kind, item.date, item.instant, item.body, item.hash, now_ms)
            for item in taken
        ],
    )
    case = {
        **whose,
        "state": cases.OPEN,
        "owner": cases.owner_of_new(tx, device) if flagged else "",
        "opened_ms": now_ms,
    }
    tx.put(schema.case, [{**case, "seq": seq, "reason": flag} for seq, flag in flagged])
    last = taken[-1]
    place = {
        "acked_seq": last.seq,
        "acked_hash": last.hash.hex(),
        "seen_ms": now_ms,
        "last_id": max(last_id, *(item.id for item in taken)),
    }
    tx.change(schema.epoch, place, **whose)


def _aside(
    tx: Tx,
    keys: CityKeys,
    push: Push,
    held: Row | None,
    bad: _Bad,
    now_ms: int,
    flagged: tuple[tuple[int, str], ...] = (),
) -> bytes:
    """Keep the batch verbatim, and say why it was not (wholly) taken."""
    body = encode(push)
    tx.put(
        schema.aside,
        [
            {
                "device": push.device,
                "epoch": push.epoch,
                "digest": hashlib.sha256(body).hexdigest(),
                "reason": str(bad.reason),
                "first_seq": push.first_seq,
                "last_seq": push.last_seq,
                "body": body,
                "received_ms": now_ms,
            }
        ],
    )
    if held is not None and bad.outcome is Outcome.FORK:
        held = forks.stop(tx, held, bad.seq, now_ms)
    elif bad.reason != Quarantine.GAP:  # what fills a gap is on its way; everything else waits for a person
        lost = bad.reason == Quarantine.UNKNOWN_EPOCH and is_lost(tx, push.device, push.epoch)
        cases.open_once(tx, push.device, push.epoch, bad.seq, AFTER_LOST if lost else str(bad.reason), now_ms)
    held = held or {"acked_seq": 0, "acked_hash": ""}
    return encode(_signed(keys, push, held, now_ms, bad.outcome, flagged, str(bad.reason), bad.seq))


def _answer(tx: Tx, keys: CityKeys, push: Push, held: Row, now_ms: int) -> bytes:
    """What was said of the newest batch: it covers this one too."""
    known = tx.one(schema.batch, device=push.device, epoch=push.epoch, last_seq=held["acked_seq"])
    if known is not None:
        return bytes(known["ack"])
    return encode(_signed(keys, push, held, now_ms, Outcome.ACCEPTED, ()))


def _signed(
    keys: CityKeys,
    push: Push,
    held: Row,
    now_ms: int,
    outcome: Outcome,
    flagged: tuple[tuple[int, str], ...],
    reason: str = "",
    bad_seq: int = 0,
) -> Ack:
    acked, digest = int(held["acked_seq"]), str(held["acked_hash"])
    text = ack_text(push.device, push.epoch, acked, digest, now_ms, flagged)
    return Ack(outcome, acked, digest, now_ms, flagged, reason, bad_seq, sign(keys.signing, text).hex())
