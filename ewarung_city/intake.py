"""Facts in: one PUSH in one transaction. Verify device, epoch, signature, continuity and every hash; apply the longest
valid prefix; move the watermark; answer only after the commit.

Goods of a valid entry have left the kiosk: it is always accepted, flagged where the city would not have allowed it, and
a flag opens a case with an owner. It never blocks what comes after.
"""

from __future__ import annotations

import hashlib

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, and_, insert, select, update

from ewarung_city.attest import day_figures, differences
from ewarung_city.leases import move_totals
from ewarung_city.store import (
    attested_day,
    card,
    case,
    device,
    entry,
    fork,
    goods_line,
    quarantine,
    reference,
)
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.family import CardStatus
from ewarung_pos.domain.journal import DayClosed, Entry, Redeemed, Reversed, decode, genesis, link
from ewarung_pos.domain.redemption import RedemptionLine
from ewarung_pos.sync.protocol import Outcome, Push, push_text

__all__ = ["SKEW_MS", "Verdict", "take_batch"]

SKEW_MS = 5 * 60_000
"""sync.md section 5: further from the city's time than this is flagged CLOCK_SKEW."""


class Verdict(msgspec.Struct, frozen=True):
    """What became of a batch, and the watermark after it."""

    outcome: Outcome
    acked_seq: int
    acked_hash: str
    reason: str = ""
    flagged: tuple[tuple[int, str], ...] = ()


def take_batch(connection: Connection, push: Push, now_ms: int, *, skewed: bool = False) -> Verdict:
    """Store one batch inside the caller's transaction.

    Args:
        connection: a write transaction; the caller answers after its commit.
        push: as received.
        now_ms: the city's time, ms UTC.
        skewed: whether the request's own time was far from the city's.
    """
    known = connection.execute(
        select(device).where(and_(device.c.device == push.device, device.c.epoch == push.epoch))
    ).first()
    if known is None:
        return _aside(connection, push, "epoch", now_ms, 0, "")
    mark = (known.acked_seq, known.acked_hash or genesis(push.device, push.epoch).hex())
    if not _signed(known.public_key, push):
        return _aside(connection, push, "signature", now_ms, *mark)
    if push.first_seq > known.acked_seq + 1:
        return _aside(connection, push, "gap", now_ms, *mark)
    head = bytes.fromhex(push.prev_hash)
    expected = _hash_at(connection, push, push.first_seq - 1)
    if expected != head:
        return _forked(connection, push, now_ms, mark)
    flags: list[tuple[int, str]] = []
    rows: list[dict[str, object]] = []
    reason = ""
    fresh: list[tuple[Entry, bytes]] = []
    for place, raw in enumerate(push.entries):
        seq, body = push.first_seq + place, bytes(raw)
        digest = link(head, body)
        if seq <= known.acked_seq:
            if _hash_at(connection, push, seq) != digest:
                return _forked(connection, push, now_ms, mark)
        else:
            item = _decoded(body, push, seq)
            if item is None:
                reason = "entry"
                break
            rows.append(_entry_row(item, body, digest, now_ms))
            fresh.append((item, digest))
        head = digest
    if not reason and head.hex() != push.head_hash:
        return _aside(connection, push, "hash", now_ms, *mark)
    if rows:
        connection.execute(insert(entry), rows)
        for item, _ in fresh:
            flags.extend((item.seq, flag) for flag in _apply(connection, item, now_ms, skewed=skewed))
        mark = (fresh[-1][0].seq, fresh[-1][1].hex())
        connection.execute(
            update(device)
            .where(and_(device.c.device == push.device, device.c.epoch == push.epoch))
            .values(acked_seq=mark[0], acked_hash=mark[1], last_seen_ms=now_ms)
        )
        _open_cases(connection, push, flags, now_ms)
    if reason:
        return _aside(connection, push, reason, now_ms, *mark)
    return Verdict(Outcome.ACCEPTED, mark[0], mark[1], "", tuple(flags))


def _signed(public_key: str, push: Push) -> bool:
    text = push_text(push.device, push.epoch, push.first_seq, push.last_seq, push.head_hash)
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(push.signature), text)
    except InvalidSignature:
        return False
    return True


def _hash_at(connection: Connection, push: Push, seq: int) -> bytes:
    if seq == 0:
        return genesis(push.device, push.epoch)
    held: bytes | None = connection.execute(
        select(entry.c.hash).where(
            and_(entry.c.device == push.device, entry.c.epoch == push.epoch, entry.c.seq == seq)
        )
    ).scalar_one_or_none()
    return bytes(held) if held is not None else b""


def _decoded(body: bytes, push: Push, seq: int) -> Entry | None:
    """The entry, if these bytes are one of this device in this place."""
    try:
        item = decode(body)
    except msgspec.MsgspecError:
        return None
    sound = item.seq == seq and item.device == push.device and item.epoch == push.epoch
    return item if sound else None


def _entry_row(item: Entry, body: bytes, digest: bytes, now_ms: int) -> dict[str, object]:
    return {
        "device": item.device,
        "epoch": item.epoch,
        "seq": item.seq,
        "kind": type(item.fact).__name__,
        "date": item.date,
        "instant": item.instant,
        "received_ms": now_ms,
        "body": body,
        "hash": digest,
    }


def _apply(connection: Connection, item: Entry, now_ms: int, *, skewed: bool) -> list[str]:
    """Typed facts of one entry; returns its flags."""
    flags = ["CLOCK_SKEW"] if skewed or item.instant > now_ms + SKEW_MS else []
    match item.fact:
        case Redeemed() as fact:
            _goods(connection, item, fact.family, fact.lines, 1)
            flags += _card_flags(connection, fact.family)
            flags += _price_flags(connection, fact.lines)
            for debit in fact.debits:
                key = (fact.family, debit.programme, debit.period, debit.commodity)
                left = move_totals(connection, item.device, key, debit.amount, 0)
                if left is None or left < 0:
                    flags.append("OVER_LEASE")
        case Reversed() as fact:
            _goods(connection, item, fact.family, fact.lines, -1)
            for debit in fact.debits:
                key = (fact.family, debit.programme, debit.period, debit.commodity)
                move_totals(connection, item.device, key, 0, debit.amount)
        case DayClosed() as fact:
            figures = day_figures(connection, item.device, item.epoch, item.date)
            found = differences(figures.totals, fact.totals) if figures is not None else ("day",)
            connection.execute(
                insert(attested_day).values(
                    device=item.device,
                    epoch=item.epoch,
                    date=item.date,
                    seq=item.seq,
                    agrees=int(not found),
                    differences=" ".join(found),
                )
            )
            if found:
                flags.append("DAY_DIFFERS")
        case _:
            pass
    return list(dict.fromkeys(flags))


def _goods(connection: Connection, item: Entry, family: str, lines: tuple[RedemptionLine, ...], sign: int) -> None:
    rows = [
        {
            "device": item.device,
            "epoch": item.epoch,
            "seq": item.seq,
            "place": place,
            "date": item.date,
            "sign": sign,
            "family": family,
            "commodity": line.commodity,
            "unit": line.unit.value,
            "amount": line.amount,
            "tender": line.tender.value,
            "programme": line.programme,
            "value": line.total.amount,
        }
        for place, line in enumerate(lines)
    ]
    if rows:
        connection.execute(insert(goods_line), rows)


def _card_flags(connection: Connection, family: str) -> list[str]:
    status = connection.execute(select(card.c.status).where(card.c.family == family)).scalars().first()
    if status is None:
        return ["UNKNOWN_CARD"]
    return [] if status == CardStatus.ACTIVE.value else ["REVOKED_LATER"]


def _price_flags(connection: Connection, lines: tuple[RedemptionLine, ...]) -> list[str]:
    held = connection.execute(select(reference.c.value).where(reference.c.name == "catalogue")).scalar_one_or_none()
    if held is None:
        return []
    prices = {item.code: item.price.amount for item in msgspec.json.decode(held, type=Catalogue).products}
    return ["PRICE_MISMATCH"] if any(prices.get(line.product) != line.price for line in lines) else []


def _open_cases(connection: Connection, push: Push, flags: list[tuple[int, str]], now_ms: int) -> None:
    rows = [
        {
            "device": push.device,
            "epoch": push.epoch,
            "seq": seq,
            "reason": flag,
            "opened_ms": now_ms,
            "owner": "dinsos",
            "state": "open",
            "detail": "",
        }
        for seq, flag in flags
    ]
    if rows:
        connection.execute(insert(case), rows)


def _aside(connection: Connection, push: Push, reason: str, now_ms: int, acked: int, acked_hash: str) -> Verdict:
    """Quarantine: kept verbatim, nothing lost, the device shows it."""
    body = msgspec.json.encode(push)
    digest = hashlib.sha256(body).hexdigest()
    if connection.execute(select(quarantine.c.digest).where(quarantine.c.digest == digest)).first() is None:
        connection.execute(
            insert(quarantine).values(
                digest=digest, device=push.device, reason=reason, received_ms=now_ms, body=body
            )
        )
    return Verdict(Outcome.QUARANTINED, acked, acked_hash, reason)


def _forked(connection: Connection, push: Push, now_ms: int, mark: tuple[int, str]) -> Verdict:
    """The head does not extend what was acknowledged: stored aside, upload-only from here, a person decides."""
    body = msgspec.json.encode(push)
    digest = hashlib.sha256(body).hexdigest()
    if connection.execute(select(fork.c.digest).where(fork.c.digest == digest)).first() is None:
        connection.execute(
            insert(fork).values(
                digest=digest,
                device=push.device,
                epoch=push.epoch,
                seq=push.first_seq,
                received_ms=now_ms,
                body=body,
            )
        )
    connection.execute(
        update(device)
        .where(and_(device.c.device == push.device, device.c.epoch == push.epoch))
        .values(upload_only=1, last_seen_ms=now_ms)
    )
    return Verdict(Outcome.FORK, *mark)

