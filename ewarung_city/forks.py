"""Two pasts with one key: the kiosk is stopped by itself, and goes on by the word of two officers alone.

One journal stands, the one that the city holds. Whoever signs says that no machine with another past of that key will
ever hand out anything again: what the kiosk gives back from then on may be granted elsewhere. A machine with the other
past is found again at its next greeting, and the kiosk is stopped again.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ewarung_city import ahead, cases, leases, recovery
from ewarung_city.cases import Case
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.errors import ConfigError, NotEntitled
from ewarung_pos.sync.protocol import Mode, Outcome

__all__ = ["RELEASED", "Released", "release", "release_text", "stop"]

RELEASED = "released|"
"""Settings `released|DEVICE|EPOCH|SEQ`: who signed that the journal which ended there stands."""

_BY = "kota"
_AGAIN = "Catatan lain dari kios ini muncul lagi sesudah dilepas."


class Released(msgspec.Struct, frozen=True):
    """A kiosk that may be granted to again.

    Attributes:
        device, epoch: which enrolment.
        acked_seq, acked_hash: where the journal ended that stands.
        cases: how many cases were closed by it.
        waits: its grants still wait for entries that it said it has (`recovery.doubt`).
    """

    device: str
    epoch: int
    acked_seq: int
    acked_hash: str
    cases: int
    waits: bool


def stop(tx: Tx, held: Row, seq: int, now_ms: int) -> Row:
    """Another past shows itself at `seq`: no new rights until people decided. Returns the enrolment as it is now.

    The case of a kiosk that was released, and has two pasts again, is open again.
    """
    device, epoch, reason = str(held["device"]), int(held["epoch"]), Outcome.FORK.value
    change = {"mode": Mode.UPLOAD_ONLY.value, "reason": reason}
    tx.change(schema.epoch, change, device=device, epoch=epoch)
    before = cases.open_once(tx, device, epoch, seq, reason, now_ms)
    if before == cases.CLOSED and held["mode"] == Mode.NORMAL.value:
        cases.take_step(tx, Case(device, epoch, seq, reason), "reopened", _BY, _AGAIN, now_ms)
    return {**held, **change}


def release_text(tx: Tx, device: str, epoch: int) -> str:
    """What an officer signs: which journal of this enrolment stands, by its last entry here.

    Raises:
        NotEntitled: nothing is to be decided, or it cannot be decided here (`release`).
    """
    held = _stopped(tx, device, epoch)
    return f"release|{device}|{epoch}|{held['acked_seq']}|{held['acked_hash']}"


def release(tx: Tx, device: str, epoch: int, officers: Iterable[str], by: str, why: str, now_ms: int) -> Released:
    """Two officers say that the journal which the city holds stands, and that no other of this key is used any more.

    No total moves by it: the kiosk holds what it held, and what its other past handed out stays where it was put aside.
    What was left with the city of months that were granted while it was stopped goes to it now.

    Args:
        tx: a write transaction.
        device, epoch: which enrolment; the one that is active.
        officers: who say so.
        by: who closes its cases.
        why: what was found out.
        now_ms: the city's time.

    Raises:
        ConfigError: no reason (`reason`), or one with somebody's number (`case_why`).
        NotEntitled: fewer than two officers (`second_person`), no such enrolment (`unknown_kiosk`), a frozen one
            (`not_active`), one with a single past (`not_forked`), or the city does not hold all that it once held
            (`recovery`, `behind`): it cannot say then which past is true.
    """
    names = sorted({name.strip() for name in officers if name.strip()})
    if len(names) < 2:
        raise NotEntitled("two officers sign which journal of a kiosk stands", reason="second_person")
    if not why.strip():
        raise ConfigError("--reason: say why", reason="reason")
    held = _stopped(tx, device, epoch)
    acked_seq, acked_hash = int(held["acked_seq"]), str(held["acked_hash"])
    was = {name: held[name] for name in ("state", "mode", "acked_seq", "acked_hash")}
    tx.advance(schema.epoch, {"mode": Mode.NORMAL.value, "reason": ""}, was, device=device, epoch=epoch)
    tx.set(f"{RELEASED}{device}|{epoch}|{acked_seq}", ", ".join(names))
    said = f"{why.strip()} (yang berlaku: catatan di kota sampai no. {acked_seq}; {', '.join(names)})"
    closed = 0
    for row in tx.all(schema.case, "seq", device=device, epoch=epoch, reason=Outcome.FORK.value):
        if row["state"] != cases.CLOSED:
            cases.take_step(tx, Case(device, epoch, int(row["seq"]), row["reason"]), cases.CLOSED, by, said, now_ms)
            closed += 1
    today = Instant(now_ms).date().period()
    for period in (today.iso, today.following().iso):
        if ahead.is_granted(tx, period):
            leases.grant(tx, period, device=device)
    return Released(device, epoch, acked_seq, acked_hash, closed, recovery.doubted(tx, device, epoch))


def _stopped(tx: Tx, device: str, epoch: int) -> Row:
    """The enrolment, if it was stopped for its two pasts and the city's own is whole."""
    held = tx.one(schema.epoch, device=device, epoch=epoch)
    if held is None:
        raise NotEntitled(f"no enrolment {device}/{epoch}", reason="unknown_kiosk")
    if held["state"] != "active":
        raise NotEntitled(f"{device}/{epoch} is frozen: enrol the kiosk again", reason="not_active")
    if held["mode"] == Mode.NORMAL.value:
        waits = "; its grants wait for entries that it has not sent" if recovery.doubted(tx, device, epoch) else ""
        raise NotEntitled(f"{device}/{epoch} is not stopped{waits}", reason="not_forked")
    if waiting := recovery.recovering(tx):
        raise NotEntitled(f"restored from a backup: first {', '.join(waiting)} must report", reason="recovery")
    if int(held["claimed_seq"]) > int(held["acked_seq"]):
        raise NotEntitled(
            f"the city acknowledged {held['claimed_seq']} entries of {device}/{epoch} and holds {held['acked_seq']}: "
            "enrol the kiosk again",
            reason="behind",
        )
    return held
