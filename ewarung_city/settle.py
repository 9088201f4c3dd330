"""What becomes of rights that came back: to whoever waits, to the family's home, or into its next month."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from ewarung_city import ahead, feed, recalls, recovery
from ewarung_city.carried import carries, learn
from ewarung_city.grants import keep_granted
from ewarung_city.rights import (
    RIGHT,
    Right,
    before,
    carried_into,
    following,
    give,
    may_be_given,
    onwards,
    right_of,
    rights_of,
    room,
)
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.bounds import EXACT
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.sync.protocol import Flag

__all__ = ["Freed", "ask_back", "bring_home", "carry_on", "look_again", "resume", "settle", "top_up"]

_LATER = recovery.LATER
"""Settings `later|DEVICE|EPOCH|MS`: what that enrolment gave back at that time, while the city was recovering (JSON),
`later|DEVICE|EPOCH|`: families whose rights it makes the city look at again (JSON, `look_again`; with `_ASKED` at the
end while the city was recovering), and `later|FAMILY|PERIOD`: a right of which more may be granted since then."""


_ASKED = "asked"


class Freed(NamedTuple):
    """So much of a lease came back with one entry; `asked` says that the city had wished for it."""

    family: str
    programme: str
    period: str
    commodity: str
    amount: int
    asked: bool


_FREED = msgspec.json.Decoder(tuple[Freed, ...])
_KEYS = msgspec.json.Decoder(tuple[str, ...])


class _Whose(NamedTuple):
    device: str
    epoch: int
    request: str


def settle(tx: Tx, device: str, epoch: int, freed: Iterable[Freed], now_ms: int) -> None:
    """Grant again what this enrolment gave back, where it may be granted.

    Rights of the city's month go to whoever waits for them, else to the family's home; to the kiosk that gave them
    back only if it gave them because the city asked. Those of a month that is over end, or are carried into the next,
    by their programme's rule. While the city is recovering they stay in the reserve, until `resume`.
    """
    resume(tx)  # two that answered last at once may each have taken the other for one that still owes
    if recovery.recovering(tx):
        _put_off(tx, device, epoch, freed, now_ms)
        return
    now = Instant(now_ms).date().period().iso
    things: dict[tuple[str, str], list[Freed]] = {}
    for thing in freed:
        things.setdefault((thing.family, thing.period), []).append(thing)
    for (family, period), back in sorted(things.items()):
        if period < now:
            _carry(tx, family, period, back)
        else:
            _grant_again(tx, device, epoch, family, period, back, now_ms)


def resume(tx: Tx) -> None:
    """Settle what had to wait, once the city is not recovering any more: wherever that may have come to an end."""
    waiting = tx.starting(schema.city, "name", _LATER, "name")
    if not waiting or recovery.recovering(tx):
        return
    claims: set[str] = set()
    answers: set[str] = set()
    rest, divided = [], False
    for row in waiting:
        tx.remove(schema.city, name=row["name"])
        if row["name"] == _LATER:
            divided = True
        elif str(row["name"]).endswith(f"|{_ASKED}"):
            answers.update(_KEYS.decode(row["value"]))
        elif str(row["name"]).endswith("|"):
            claims.update(_KEYS.decode(row["value"]))
        else:
            rest.append(row)
    taken = _taken_back(tx) if divided else []
    learn(tx, answers, asked=True)  # before anything is granted of what was carried over
    learn(tx, claims - answers)
    ask_back(tx, claims | answers)
    for row in rest:
        _, whose, what, *came = str(row["name"]).split("|")
        if came:
            settle(tx, whose, int(what), _FREED.decode(row["value"]), int(came[0]))
        else:
            top_up(tx, whose, what)
    for family, period in taken:
        top_up(tx, family, period)


def ask_back(tx: Tx, families: Iterable[str]) -> None:
    """Ask for what is out of the months into which one was carried that pools had given of (`rights.brought`)."""
    for row in tx.within(schema.entitlement, "family", sorted(families)):
        if int(row["charged"]) and int(row["carried"]):
            right = right_of(tx, row["family"], row["programme"], row["period"], row["commodity"])
            for each in onwards(tx, right) if right is not None else ():
                recalls.reduce(tx, each)


def look_again(tx: Tx, device: str, epoch: int, families: Iterable[str]) -> None:
    """With the next `resume` the city learns what it must have carried over of these families' rights (`carried`).

    It knew less than this enrolment was granted, or two officers declared that it is lost.
    """
    name = f"{_LATER}{device}|{epoch}|{_ASKED if recovery.recovering(tx) else ''}"
    told = set(families)
    if told and carries(tx):
        before = tx.setting(name)
        tx.set(name, msgspec.json.encode(sorted(told.union(_KEYS.decode(before) if before else ()))).decode())


def _taken_back(tx: Tx) -> list[tuple[str, str]]:
    """Take back what this database granted and never told, of families that were granted something elsewhere meanwhile.

    Every kiosk at work has shown what it holds, and was told nothing since it was asked: it has no more than it claims.

    Returns:
        (family, month) of each, to be granted anew as far as there is anything left.
    """
    taken: set[tuple[str, str]] = set()
    elsewhere: dict[str, bool] = {}
    for kiosk in tx.all(schema.epoch, "device", "epoch", state="active"):
        whose = {"device": kiosk["device"], "epoch": kiosk["epoch"]}
        if tx.count(schema.case, **whose, reason=Flag.UNREADABLE.value):
            continue  # it may hold what this version cannot read
        back = []
        for row in tx.all(schema.lease, **whose):
            family = str(row["family"])
            if int(row["granted"]) <= int(row["claimed"]):
                continue
            if family not in elsewhere:
                elsewhere[family] = any(
                    int(lease["claimed"]) > int(lease["granted"]) for lease in tx.all(schema.lease, family=family)
                )
            if elsewhere[family]:
                back.append({**{name: row[name] for name in RIGHT}, "granted": int(row["claimed"])})
        tx.move(schema.lease, back, **whose)
        for family, period in sorted({(str(row["family"]), str(row["period"])) for row in back}):
            # Else who repeats the request is told again what was granted then.
            tx.remove(schema.grant_request, **whose, family=family, period=period, state="granted")
            taken.add((family, period))
    return sorted(taken)


def _put_off(tx: Tx, device: str, epoch: int, freed: Iterable[Freed], now_ms: int) -> None:
    name = f"{_LATER}{device}|{epoch}|{now_ms}"
    before = tx.setting(name)
    every = (*(_FREED.decode(before) if before else ()), *freed)
    tx.set(name, msgspec.json.encode(every).decode())


def _grant_again(tx: Tx, device: str, epoch: int, family: str, period: str, back: list[Freed], now_ms: int) -> None:
    known = tx.one(schema.family, key=family)
    if known is None:
        return  # a pool's: it is granted by the month and never again
    kiosk = tx.one(schema.kiosk, device=known["home"])
    home = _Whose(known["home"], int(kiosk["epoch"]) if kiosk is not None else 0, "")
    wanted: dict[_Whose, list[tuple[Right, int]]] = {}
    asked = {(thing.programme, thing.commodity): thing.asked for thing in back}
    for right in rights_of(tx, family, period):
        lease = right.lease(device, epoch)
        if (right.programme, right.commodity) not in asked or lease is None:
            continue
        wish = recalls.waited_for(tx, lease, now_ms)
        whose = home if wish is None else _Whose(wish["by_device"], int(wish["by_epoch"]), wish["request"])
        if whose.device != device or asked[right.programme, right.commodity]:
            wanted.setdefault(whose, []).append((right, right.reserve))
    for whose, rights in sorted(wanted.items()):
        if not _may_have(tx, whose) or not any(give(tx, whose.device, whose.epoch, rights)):
            continue
        open_still = tx.count(schema.recall, by_device=whose.device, by_epoch=whose.epoch, request=whose.request)
        if whose.request and not open_still:
            keep_granted(tx, *whose, family, period, now_ms)
        else:
            feed.tell(tx, whose.device, [("family", family), ("rights", f"{family}|{period}")])


def _may_have(tx: Tx, whose: _Whose) -> bool:
    held = tx.one(schema.epoch, device=whose.device, epoch=whose.epoch)
    return held is not None and may_be_given(held) and not recovery.doubted(tx, whose.device, whose.epoch)


def _carry(tx: Tx, family: str, period: str, back: list[Freed]) -> None:
    """Into the next month, where the programme says so; the next month's rights follow as far as they are granted."""
    amounts: dict[tuple[str, str], int] = {}
    for thing in back:
        key = (thing.programme, thing.commodity)
        amounts[key] = amounts.get(key, 0) + thing.amount
    programmes, moved = carries(tx), False
    for right in rights_of(tx, family, period):
        if right.programme not in programmes:
            continue
        more = min(amounts.get((right.programme, right.commodity), 0), right.reserve)
        if more > 0:
            on = {"carried": right.carried + more, "version": right.version + 1}
            tx.advance(schema.entitlement, on, {"version": right.version}, **right.key)
        # What pools gave of a month that was carried on is missing there, until something of it comes back.
        moved = moved or more > 0 or bool(right.carried and right.charged)
    if moved:
        top_up(tx, family, following(period))


def carry_on(tx: Tx, period: str) -> list[str]:
    """What nobody holds of the months before this one goes into the next of each, where the programme says so.

    All of them are over: nobody can ask for it there. It was of a kiosk that officers declared lost, or that was frozen
    or had two pasts when the month was granted; what kiosks close is carried over as it comes (`settle`).

    Returns:
        Families that have more of `period` now.
    """
    carried: set[str] = set()
    moved: set[str] = set()
    for programme in sorted(carries(tx)):
        freed = tx.after(schema.lease, "released", 0, EXACT, programme=programme)
        month = min([before(period), *(str(row["period"]) for row in freed)])
        while month < period:
            moved = _carry_all(tx, programme, month)
            month = following(month)
        carried |= moved
    return sorted(carried)


def _carry_all(tx: Tx, programme: str, month: str) -> set[str]:
    leases: dict[tuple[object, ...], list[Row]] = {}
    for row in tx.all(schema.lease, programme=programme, period=month):
        leases.setdefault((row["family"], programme, row["commodity"]), []).append(row)
    came = carried_into(tx, month)
    more = []
    for row in tx.all(schema.entitlement, programme=programme, period=month):
        thing = (row["family"], programme, row["commodity"])
        carried = int(row["carried"])
        own = int(row["amount"]) - carried - int(row["charged"]) + came.get(thing, 0)
        rest = room(own, leases.get(thing, ()))
        if rest > 0:
            key = {name: row[name] for name in RIGHT}
            more.append({**key, "carried": carried + rest, "version": int(row["version"]) + 1})
    tx.advance_each(schema.entitlement, more, "version")
    return {str(row["family"]) for row in more}


def top_up(tx: Tx, family: str, period: str) -> None:
    """What nobody holds of a month that is granted already goes to the family's home; not while the city recovers."""
    resume(tx)  # as in `settle`
    if recovery.recovering(tx):
        tx.set(f"{_LATER}{family}|{period}", "")
        return
    known = tx.one(schema.family, key=family)
    kiosk = tx.one(schema.kiosk, device=known["home"]) if known is not None else None
    if kiosk is None:
        return
    home = _Whose(kiosk["device"], int(kiosk["epoch"]), "")
    if not _may_have(tx, home):
        return
    granted = ahead.is_granted(tx, period)
    rights = [right for right in rights_of(tx, family, period) if granted or right.leases]
    given = give(tx, home.device, home.epoch, ((right, right.reserve) for right in rights))
    if any(given):
        feed.tell(tx, home.device, [("family", family), ("rights", f"{family}|{period}")])


def bring_home(tx: Tx, family: str, month: str) -> None:
    """The register gave the family another home: its rights of the month and of those after it follow there.

    What nobody holds goes there at once, what other kiosks hold when they have given it back. A home that can be given
    nothing yet takes nothing from whoever can serve the family; one that was never enrolled has what is granted to it,
    as with every month.
    """
    known = tx.one(schema.family, key=family)
    kiosk = tx.one(schema.kiosk, device=known["home"]) if known is not None else None
    if kiosk is None:
        return
    home, first = _Whose(kiosk["device"], max(1, int(kiosk["epoch"])), ""), not int(kiosk["epoch"])
    if recovery.recovering(tx) if first else not _may_have(tx, home):
        return
    for period in sorted({str(row["period"]) for row in tx.all(schema.entitlement, family=family)}):
        if period < month:
            continue
        for right in rights_of(tx, family, period):
            recalls.take_untold(tx, right)
        if not first:
            top_up(tx, family, period)
            recalls.call_home(tx, rights_of(tx, family, period), home.device, home.epoch)
        elif ahead.is_granted(tx, period):
            rights = ((right, right.reserve) for right in rights_of(tx, family, period))
            if any(give(tx, home.device, home.epoch, rights)):
                feed.tell(tx, home.device, [("family", family), ("rights", f"{family}|{period}")])
