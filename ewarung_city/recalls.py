"""What the city asks kiosks to give back, and for whom.

A wish is a total S like everything else. It ends when it was granted, when whoever waited went away, or when nobody
repeated it for a while: a kiosk that was out of reach does not give up rights for a counter that is long empty. What a
kiosk without a line asked for in a file has no such end (`asked_ms` is 0): nobody can repeat it from there.
"""

from __future__ import annotations

from collections.abc import Iterable

from ewarung_city import feed
from ewarung_city.recovery import LIFE
from ewarung_city.rights import RIGHT, Right, may_be_given, outstanding, rest_of
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.sync.protocol import GrantRequest

__all__ = [
    "PATIENCE_MS",
    "call_back",
    "call_home",
    "drop",
    "lapse",
    "may_come",
    "reduce",
    "repeat",
    "take_untold",
    "waited_for",
    "waits",
]

PATIENCE_MS = 5 * 60_000
"""So long a wish stands that nobody at a counter repeats; they repeat it every few seconds. No right hangs on it."""


def call_back(
    tx: Tx, wanted: Iterable[tuple[Right, int]], said: GrantRequest, now_ms: int, *, carried: bool = False
) -> list[str]:
    """Ask the kiosks that hold these rights for so much of each; returns which, nothing if none can be asked.

    Not those that were granted them on request a moment ago: the same family stands at another counter. What a file
    asks for (`carried`) stays asked for days; who stands at a counter goes before it, and the next file asks again.
    """
    asked: list[str] = []
    for right, need in wanted:
        left = need
        for lease in _elsewhere(right, said.device):
            more = min(left, may_come(tx, lease))
            if more <= 0 or _just_granted(tx, lease, now_ms):
                continue
            left -= more
            held = tx.one(schema.recall, **_of(lease))
            if held is None or not _others(held, said, now_ms, carried=carried):
                asked_ms = 0 if carried else now_ms
                _wish(tx, lease, int(lease["surrendered"]) + more, said.device, said.epoch, said.request, asked_ms)
            asked.append(lease["device"])
    return asked


def call_home(tx: Tx, rights: Iterable[Right], device: str, epoch: int) -> None:
    """Ask every other kiosk for all that it has left of these rights, for the family's new home; nobody waits.

    What the new home itself was asked for, because another one was the home in between, it keeps.
    """
    for right in rights:
        own = right.lease(device, epoch)
        held = tx.one(schema.recall, **_of(own)) if own is not None else None
        if own is not None and held is not None and held["by_device"] and not held["request"]:
            tx.remove(schema.recall, **_of(own))
        for lease in _elsewhere(right, device):
            rest = may_come(tx, lease)
            if rest > 0:
                _wish(tx, lease, int(lease["surrendered"]) + rest, device, epoch, "", 0)


def take_untold(tx: Tx, right: Right) -> None:
    """Take back what was granted to kiosks that were never enrolled: nobody was ever told of it.

    Not in a city that was ever put back from a copy: a kiosk may have been enrolled, and told, since that was made.
    """
    if tx.setting(LIFE):
        return
    for lease in right.leases:
        whose = {"device": lease["device"], "epoch": lease["epoch"]}
        if not int(lease["granted"]) or tx.one(schema.epoch, **whose) is not None:
            continue
        kiosk = tx.one(schema.kiosk, device=lease["device"])
        if kiosk is not None:  # whoever enrols it at this moment has to look again
            tx.advance(schema.kiosk, {"epoch": kiosk["epoch"]}, {"epoch": kiosk["epoch"]}, device=lease["device"])
        tx.change(schema.lease, {"granted": 0}, **_of(lease))
    right.leases = tx.all(schema.lease, "device", "epoch", **right.key)


def reduce(tx: Tx, right: Right) -> None:
    """Ask for what is out there beyond the entitlement, because it was charged to it: that goes to nobody."""
    if sum(map(outstanding, right.leases)) + right.charged > right.entitled:
        take_untold(tx, right)
    over = sum(map(outstanding, right.leases)) + right.charged - right.entitled
    for lease in right.leases:
        more = min(over, may_come(tx, lease))
        if more > 0:
            over -= more
            _wish(tx, lease, int(lease["surrendered"]) + more, "", 0, "", 0)
            # Also for a wish that was told before: the kiosk gave all that it had then, and has something again.
            feed.tell(tx, lease["device"], [("recall", f"{lease['family']}|{lease['period']}")])


def waits(tx: Tx, said: GrantRequest) -> bool:
    """Whether something that this request asked for has not been answered."""
    return tx.count(schema.recall, by_device=said.device, by_epoch=said.epoch, request=said.request) > 0


def repeat(tx: Tx, said: GrantRequest, now_ms: int) -> None:
    """Whoever waits is still there, though nothing can be answered now; what came in a file stands by itself."""
    for row in tx.all(schema.recall, by_device=said.device, by_epoch=said.epoch, request=said.request):
        if row["asked_ms"] and not _over(row, now_ms):
            tx.change(schema.recall, {"asked_ms": now_ms}, **_of(row))


def drop(tx: Tx, said: GrantRequest) -> None:
    """Whoever waited went away."""
    tx.remove(schema.recall, by_device=said.device, by_epoch=said.epoch, request=said.request)


def lapse(tx: Tx, device: str, epoch: int, now_ms: int) -> None:
    """Forget wishes to this kiosk that nobody has repeated for a while; before it is told of any."""
    for row in tx.all(schema.recall, device=device, epoch=epoch):
        if _over(row, now_ms):
            tx.remove(schema.recall, **_of(row))


def waited_for(tx: Tx, lease: Row, now_ms: int) -> Row | None:
    """The wish for this lease that somebody still has; gone when it was given, or nothing is left to give."""
    row = tx.one(schema.recall, **_of(lease))
    if row is None:
        return None
    over = _over(row, now_ms)
    if over or int(lease["surrendered"]) >= int(row["wanted"]) or rest_of(lease) <= 0:
        tx.remove(schema.recall, **_of(lease))
    return None if over else row


def _elsewhere(right: Right, device: str) -> list[Row]:
    return [lease for lease in right.leases if lease["device"] != device]


def _others(held: Row, said: GrantRequest, now_ms: int, *, carried: bool) -> bool:
    """Whether somebody else waits for it: who came first is served first, and who stands there before who does not."""
    mine = (held["by_device"], int(held["by_epoch"]), held["request"]) == (said.device, said.epoch, said.request)
    away = bool(held["request"]) and not held["asked_ms"]
    return not mine and not _over(held, now_ms) and (carried or not away)


def _over(row: Row, now_ms: int) -> bool:
    return bool(row["asked_ms"]) and int(row["asked_ms"]) < now_ms - PATIENCE_MS


def _just_granted(tx: Tx, lease: Row, now_ms: int) -> bool:
    rows = tx.all(schema.grant_request, family=lease["family"], device=lease["device"], state="granted")
    return any(int(row["asked_ms"]) > now_ms - PATIENCE_MS for row in rows)


def _wish(tx: Tx, lease: Row, wanted: int, device: str, epoch: int, request: str, now_ms: int) -> None:
    held = tx.one(schema.recall, **_of(lease))
    wish = {
        **_of(lease),
        "unit": lease["unit"],
        "wanted": wanted,
        "by_device": device,
        "by_epoch": epoch,
        "request": request,
        "asked_ms": now_ms,
    }
    tx.put(schema.recall, [wish])
    if held is None or int(held["wanted"]) != wanted:
        feed.tell(tx, lease["device"], [("recall", f"{lease['family']}|{lease['period']}")])


def may_come(tx: Tx, lease: Row) -> int:
    """What this enrolment may still have, if it can be asked."""
    held = tx.one(schema.epoch, device=lease["device"], epoch=lease["epoch"])
    return rest_of(lease) if held is not None and may_be_given(held) else 0


def _of(row: Row) -> dict[str, object]:
    return {name: row[name] for name in ("device", "epoch", *RIGHT)}
