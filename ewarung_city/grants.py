"""Rights on request: what a kiosk asks for whose card is on its counter, and the answer (sync.md sections 1 and 4).

The city grants from what nobody holds, and asks whoever holds the rest to surrender it. What is surrendered goes to
whoever waits (`ewarung_city.settle`), so that an answer that was lost is never a right that is lost.
"""

from __future__ import annotations

import msgspec

from ewarung_city import feed, recalls, recovery
from ewarung_city.keys import CityKeys
from ewarung_city.rights import Right, give, rest_of, rights_of
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.family import CardStatus, Family
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.domain.units import Unit
from ewarung_pos.sync.protocol import Grant, GrantOutcome, GrantRequest, grant_text
from ewarung_pos.sync.signing import sign

__all__ = ["ask", "keep_granted"]

_LEASES = msgspec.json.Decoder(tuple[LeaseGrant, ...])
_JSON = msgspec.json.Encoder()

_REFUSED = {
    CardStatus.BLOCKED.value: "card_blocked",
    CardStatus.DECEASED.value: "holder_deceased",
    CardStatus.MOVED.value: "family_moved",
}


def ask(tx: Tx, keys: CityKeys, said: GrantRequest, now_ms: int, *, carried: bool = False) -> Grant:
    """Answer a request; one that was granted is answered with the same rights for ever.

    Args:
        tx: the one transaction of this request, of the kiosk that asks.
        keys: of the city, to sign what is granted.
        said: the request; who sent it was proved by the HTTP signature.
        now_ms: the city's time: rights of another month than its own are not granted on request.
        carried: it came in a file, and nobody can repeat it: what is asked back for it stays asked (`recalls`).
    """
    found = tx.all(schema.family, "key", token=said.card)
    family = found[0] if found else None
    held = tx.one(schema.grant_request, device=said.device, epoch=said.epoch, request=said.request)
    if held is not None and held["state"] == "withdrawn":
        return _nothing(tx, said, family, "withdrawn")
    if family is None:
        return _nothing(tx, said, family, "unknown_card")
    if held is not None and (held["family"], held["period"]) != (family["key"], said.period):
        return _nothing(tx, said, family, "withdrawn")  # the same name for another wish: one of them is not meant
    if held is not None and held["state"] == "granted":
        return _granted(tx, keys, said, family, held)
    if said.withdraw:
        return _withdraw(tx, keys, said, family, now_ms)
    reason = _why_not(tx, said, family, now_ms)
    if reason:
        if reason == "recovery":
            recalls.repeat(tx, said, now_ms)
        return _nothing(tx, said, family, reason)
    if said.home:
        return _granted(tx, keys, said, family, _settle_home(tx, said, family, now_ms))
    need = said.need if said.commodity else 0
    return _answer(tx, keys, said, family, int(held["need"]) if held is not None else need, now_ms, carried=carried)


def _why_not(tx: Tx, said: GrantRequest, family: Row, now_ms: int) -> str:
    if family["card_status"] in _REFUSED:
        return _REFUSED[family["card_status"]]
    if said.period != Instant(now_ms).date().period().iso:
        return "period"
    if recovery.recovering(tx):
        return "recovery"
    return "doubt" if recovery.doubted(tx, said.device, said.epoch) else ""


def _answer(tx: Tx, keys: CityKeys, said: GrantRequest, family: Row, need: int, now_ms: int, *, carried: bool) -> Grant:
    """`need` is what is still to come of a request for a certain amount; 0 is all that is left."""
    rights = _asked_for(tx, said, family)
    if not rights:
        return _nothing(tx, said, family, "no_ration")
    for right in rights:
        recalls.take_untold(tx, right)
    given = sum(give(tx, said.device, said.epoch, ((right, need or right.entitled) for right in rights)))
    left = need - given if need else 0
    if given:
        rights = _asked_for(tx, said, family)
    wanted = [] if need > 0 >= left else [(right, left or right.entitled) for right in rights]
    asked = recalls.call_back(tx, wanted, said, now_ms, carried=carried)
    if asked:
        _keep(tx, said, family, "open", left, now_ms)
        return Grant(said.request, GrantOutcome.WAITING, family=_known(tx, family), kiosk=_name(tx, asked[0]))
    if any(_rest_here(right, said) > 0 for right in rights):
        return _granted(tx, keys, said, family, _keep_granted(tx, said, family, now_ms))
    held = [lease for right in rights for lease in right.leases if rest_of(lease) > 0]
    for lease in held:
        if recalls.may_come(tx, lease) > 0:  # and was not asked for: granted to another counter a moment ago
            return _nothing(tx, said, family, "elsewhere", lease["device"])
    return _nothing(tx, said, family, "frozen" if held else "exhausted")


def _asked_for(tx: Tx, said: GrantRequest, family: Row) -> list[Right]:
    return [right for right in rights_of(tx, family["key"], said.period) if said.commodity in {"", right.commodity}]


def _rest_here(right: Right, said: GrantRequest) -> int:
    lease = right.lease(said.device, said.epoch)
    return rest_of(lease) if lease is not None else 0


def keep_granted(
    tx: Tx, device: str, epoch: int, request: str, family: str, period: str, now_ms: int, *, home: bool = False
) -> Row:
    """Keep what the kiosk holds of these rights as the answer to its request, and tell it by its feed as well.

    A kiosk that never hears the answer learns of its rights with the next page.
    """
    feed.tell(tx, device, [("family", family), ("rights", f"{family}|{period}")])
    kiosk = tx.one(schema.kiosk, device=device)
    whose = {"device": device, "epoch": epoch, "family": family, "period": period}
    held = [
        LeaseGrant(family, row["programme"], period, row["commodity"], Unit(row["unit"]), int(row["granted"]))
        for row in tx.all(schema.lease, "programme", "commodity", **whose)
        if int(row["granted"]) > 0
    ]
    row = {
        **whose,
        "request": request,
        "home": int(home),
        "state": "granted",
        "serial": int(kiosk["cursor"]) if kiosk is not None else 0,
        "leases": _JSON.encode(held).decode(),
        "asked_ms": now_ms,
    }
    tx.put(schema.grant_request, [row])
    return row


def _keep_granted(tx: Tx, said: GrantRequest, family: Row, now_ms: int) -> Row:
    whose = (said.device, said.epoch, said.request, family["key"], said.period)
    return keep_granted(tx, *whose, now_ms, home=said.home)


def _granted(tx: Tx, keys: CityKeys, said: GrantRequest, family: Row, held: Row) -> Grant:
    granted, serial, home = _LEASES.decode(held["leases"]), int(held["serial"]), bool(held["home"])
    text = grant_text(said.device, said.epoch, said.request, serial, family["key"], granted, home=home)
    signature = sign(keys.signing, text).hex()
    return Grant(said.request, GrantOutcome.GRANTED, serial, _known(tx, family), granted, home, signature)


def _nothing(tx: Tx, said: GrantRequest, family: Row | None, reason: str, holder: str = "") -> Grant:
    """`kiosk` names who holds it, else the home, where that says where to go."""
    if family is None:
        return Grant(said.request, GrantOutcome.NOTHING, reason=reason)
    where = holder or family["home"]
    kiosk = "" if where == said.device else _name(tx, where)
    return Grant(said.request, GrantOutcome.NOTHING, family=_known(tx, family), reason=reason, kiosk=kiosk)


def _withdraw(tx: Tx, keys: CityKeys, said: GrantRequest, family: Row, now_ms: int) -> Grant:
    """Nobody waits any more; what has come already is the kiosk's."""
    recalls.drop(tx, said)
    if any(_rest_here(right, said) > 0 for right in _asked_for(tx, said, family)):
        return _granted(tx, keys, said, family, _keep_granted(tx, said, family, now_ms))
    _keep(tx, said, family, "withdrawn", 0, now_ms)
    return _nothing(tx, said, family, "withdrawn")


def _keep(tx: Tx, said: GrantRequest, family: Row, state: str, need: int, now_ms: int) -> None:
    row = {
        "device": said.device,
        "epoch": said.epoch,
        "request": said.request,
        "family": family["key"],
        "period": said.period,
        "commodity": said.commodity,
        "need": need,
        "state": state,
        "asked_ms": now_ms,
    }
    tx.put(schema.grant_request, [row])


def _settle_home(tx: Tx, said: GrantRequest, family: Row, now_ms: int) -> Row:
    """The family's own word, which no kiosk can hold up: this one is its home, also where the register says so already.

    It gets at once what nobody holds, of this month and of those that were granted ahead; what others hold they are
    asked for, and it comes here when they have given it back.
    """
    key = family["key"]
    if family["home"] != said.device:
        tx.change(schema.family, {"home": said.device}, key=key)
        feed.tell(tx, family["home"], [("family", key)])
    periods = sorted({row["period"] for row in tx.all(schema.entitlement, family=key)})
    for period in periods:
        if period >= said.period:
            rights = rights_of(tx, key, period)
            for right in rights:
                recalls.take_untold(tx, right)
            give(tx, said.device, said.epoch, ((right, right.entitled) for right in rights))
            recalls.call_home(tx, rights_of(tx, key, period), said.device, said.epoch)
            feed.tell(tx, said.device, [("rights", f"{key}|{period}")])
    return _keep_granted(tx, said, family, now_ms)


def _known(tx: Tx, family: Row) -> Family:
    return feed.families_of(tx, [tx.one(schema.family, key=family["key"]) or family])[0]


def _name(tx: Tx, device: str) -> str:
    kiosk = tx.one(schema.kiosk, device=device)
    return str(kiosk["name"]) if kiosk is not None else device
