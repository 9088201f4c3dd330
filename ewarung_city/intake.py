"""Journal up: one batch, one transaction, one answer after the commit (sync.md section 2).

Every hash is computed again. What the batch proves is taken and never refused, because the goods have left; what the
city would not have allowed opens a case. What it does not prove is kept aside, verbatim.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from ewarung_city import feed
from ewarung_city.apply import Applier
from ewarung_city.keys import CityKeys
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.journal import Entry, canonical, decode, genesis, link
from ewarung_pos.sync.protocol import (
    CLOCK_TOLERANCE_S,
    Ack,
    Flag,
    Hello,
    Mode,
    Outcome,
    Push,
    Quarantine,
    Welcome,
    ack_text,
    batch_text,
    encode,
)
from ewarung_pos.sync.signing import sign, verify

__all__ = ["Taken", "take", "welcome"]


class Taken(msgspec.Struct, frozen=True):
    """One entry of a batch as it goes into the store; `entry` is None when this version cannot read it."""

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


class _Loose(msgspec.Struct, frozen=True):
    """What must be there even in an entry of a version that we do not know."""

    seq: int
    id: str
    device: str
    epoch: int
    date: str = ""
    instant: int = 0


_LOOSE = msgspec.json.Decoder(_Loose)


def welcome(tx: Tx, hello: Hello, now_ms: int, *, fresh: bool) -> Welcome:
    """Answer a HELLO: where our copy ends, and whether the kiosk may still be given rights.

    A head that does not extend what we acknowledged is a FORK: an old disk image, or two tills with one key. Only a
    fresh message may say so (`fresh`): an old one, played again, shows an old head.
    """
    held = _epoch(tx, hello.device, hello.epoch)
    if held is None:
        return Welcome(0, "", 0, now_ms, Mode.UPLOAD_ONLY, Quarantine.UNKNOWN_EPOCH.value)
    acked = int(held["acked_seq"])
    if fresh:
        if hello.head_seq < acked or (hello.head_seq == acked and hello.head_hash != held["acked_hash"]):
            held = _upload_only(tx, held, "FORK")
        elif hello.acked_seq > acked or hello.cursor > int(held["pulled"]):
            _recover(tx, hello, int(held["pulled"]), now_ms)
        tx.change(
            schema.epoch,
            {
                "seen_ms": now_ms,
                "claimed_seq": max(int(held["claimed_seq"]), hello.acked_seq),
                "app_version": hello.app_version,
            },
            device=hello.device,
            epoch=hello.epoch,
        )
    kiosk = tx.one(schema.kiosk, device=hello.device)
    cursor = int(kiosk["cursor"]) if kiosk is not None else 0
    frozen = held["state"] != "active"
    mode = Mode.UPLOAD_ONLY if frozen else Mode(held["mode"])
    reason = Quarantine.UNKNOWN_EPOCH.value if frozen else str(held["reason"])
    return Welcome(acked, held["acked_hash"], cursor, now_ms, mode, reason)


def _recover(tx: Tx, hello: Hello, pulled: int, now_ms: int) -> None:
    """The kiosk was told more than this database knows of, so this is a backup: grants wait (`leases.recovering`)."""
    if not tx.setting("recovery"):
        tx.set("recovery", str(now_ms))
    if hello.cursor > pulled:
        feed.tell_again(tx, hello.device, hello.cursor)
        tx.change(schema.epoch, {"pulled": hello.cursor}, device=hello.device, epoch=hello.epoch)


def take(tx: Tx, keys: CityKeys, push: Push, now_ms: int, created_s: int) -> bytes:
    """Take a batch and answer it; the same batch again is answered in the same bytes.

    Args:
        tx: the one transaction of this batch.
        keys: of the city, to sign the answer.
        push: as it came; who sent it was proved by the HTTP signature.
        now_ms: the city's time.
        created_s: the kiosk's time, as its request says.
    """
    held = _epoch(tx, push.device, push.epoch)
    if held is None or held["state"] != "active":
        return _aside(tx, keys, push, held, _Bad(Outcome.QUARANTINED, Quarantine.UNKNOWN_EPOCH, push.first_seq), now_ms)
    text = batch_text(push.device, push.epoch, push.first_seq, push.last_seq, push.head_hash)
    if not verify(bytes.fromhex(held["device_key"]), text, bytes.fromhex(push.signature)):
        return _aside(tx, keys, push, held, _Bad(Outcome.QUARANTINED, Quarantine.BAD_SIGNATURE, push.first_seq), now_ms)
    known = tx.one(schema.batch, device=push.device, epoch=push.epoch, last_seq=push.last_seq)
    if known is not None and (known["first_seq"], known["head_hash"]) == (push.first_seq, push.head_hash):
        return bytes(known["ack"])
    hashes = _chain(push)
    bad = _position(tx, push, held, hashes)
    if bad is not None:
        return _aside(tx, keys, push, held, bad, now_ms)
    return _apply(tx, keys, push, held, hashes, now_ms, created_s)


def _chain(push: Push) -> list[bytes]:
    """Hash before the batch, and after each entry."""
    hashes = [bytes.fromhex(push.prev_hash)]
    for body in push.entries:
        hashes.append(link(hashes[-1], bytes(body)))
    return hashes


def _position(tx: Tx, push: Push, held: Row, hashes: list[bytes]) -> _Bad | None:
    """Whether the batch continues what we hold."""
    acked = int(held["acked_seq"])
    if hashes[-1].hex() != push.head_hash:
        return _Bad(Outcome.QUARANTINED, Quarantine.HASH, push.first_seq)
    if push.first_seq > acked + 1:
        return _Bad(Outcome.QUARANTINED, Quarantine.GAP, acked + 1)
    ours = {0: genesis(push.device, push.epoch)}
    span = {"device": push.device, "epoch": push.epoch}
    for row in tx.between(schema.entry, "seq", push.first_seq - 1, min(acked, push.last_seq), **span):
        ours[int(row["seq"])] = bytes(row["hash"])
    for place in range(push.first_seq - 1, min(acked, push.last_seq) + 1):
        if ours.get(place) != hashes[place - push.first_seq + 1]:
            return _Bad(Outcome.FORK, "FORK", max(place, push.first_seq))
    return None


def _apply(tx: Tx, keys: CityKeys, push: Push, held: Row, hashes: list[bytes], now_ms: int, created_s: int) -> bytes:
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
    if not taken:
        if bad is None:
            return _answer(tx, keys, push, held, now_ms)  # all of it was held before, in other batches
        return _aside(tx, keys, push, held, bad, now_ms)
    flagged = Applier(tx, push.device, push.epoch, now_ms).apply(taken)
    if abs(created_s - now_ms // 1000) > CLOCK_TOLERANCE_S:
        flagged.append((taken[-1].seq, Flag.CLOCK_SKEW.value))
    flagged = sorted(set(flagged))
    _store(tx, push, taken, flagged, now_ms)
    held = {**held, "acked_seq": taken[-1].seq, "acked_hash": taken[-1].hash.hex()}
    if bad is not None:
        return _aside(tx, keys, push, held, bad, now_ms, tuple(flagged))
    ack = _signed(keys, push, held, now_ms, Outcome.ACCEPTED, tuple(flagged))
    row = {"last_seq": push.last_seq, "first_seq": push.first_seq, "head_hash": push.head_hash, "ack": encode(ack)}
    tx.put(schema.batch, [{"device": push.device, "epoch": push.epoch, **row}])
    return encode(ack)


def _read(push: Push, place: int, body: bytes, digest: bytes) -> Taken | None:
    """The entry, if it is one and stands where it says; one of an unknown version is kept unread."""
    entry: Entry | None
    try:
        entry = decode(body)
        said: Entry | _Loose = entry
        if canonical(entry) != body:
            return None
    except msgspec.MsgspecError:
        entry = None
        try:
            said = _LOOSE.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
    except RecursionError:
        return None
    if (said.seq, said.device, said.epoch) != (place, push.device, push.epoch):
        return None
    if not -(2**53) < said.instant < 2**53 or len(said.id) > 80 or len(said.date) > 80:
        return None
    kind = type(entry.fact).__name__ if entry is not None else ""
    return Taken(place, said.id, kind, said.date, said.instant, body, digest, entry)


def _store(tx: Tx, push: Push, taken: list[Taken], flagged: list[tuple[int, str]], now_ms: int) -> None:
    whose: dict[str, Any] = {"device": push.device, "epoch": push.epoch}
    rows = [
        {
            **whose,
            "seq": item.seq,
            "id": item.id,
            "kind": item.kind,
            "date": item.date,
            "instant": item.instant,
            "body": item.body,
            "hash": item.hash,
            "received_ms": now_ms,
        }
        for item in taken
    ]
    tx.add(schema.entry, rows)
    tx.put(
        schema.case,
        [{**whose, "seq": seq, "reason": flag, "state": "open", "opened_ms": now_ms} for seq, flag in flagged],
    )
    last = taken[-1]
    place = {"acked_seq": last.seq, "acked_hash": last.hash.hex(), "seen_ms": now_ms}
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
        held = _upload_only(tx, held, "FORK")
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


def _epoch(tx: Tx, device: str, epoch: int) -> Row | None:
    return tx.one(schema.epoch, device=device, epoch=epoch)


def _upload_only(tx: Tx, held: Row, reason: str) -> Row:
    change = {"mode": Mode.UPLOAD_ONLY.value, "reason": reason}
    tx.change(schema.epoch, change, device=held["device"], epoch=held["epoch"])
    return {**held, **change}
