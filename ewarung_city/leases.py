"""Home leases, a month at a time: the city's half of the one rule (sync.md section 1, `ewarung_city.rights`).

What a device says it was granted beyond what we know counts as granted: a database restored
from a backup may give less than it could, never more.

`outstanding`, `room` and `owes` are the rules themselves; `tests/model` looks at every state they can lead to.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ewarung_city import ahead, feed
from ewarung_city.hardship import DEFAULT_PERMILLE, budgets
from ewarung_city.recovery import (
    all_doubted,
    answer,
    doubt,
    doubted,
    is_lost,
    lose,
    owes,
    question,
    recovering,
    restored,
)
from ewarung_city.rights import RIGHT, before, carried_into, charged_to, may_be_given, outstanding, room
from ewarung_city.settle import ask_back, carry_on, look_again, resume, top_up
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_city.succession import followed
from ewarung_pos.domain.catalogue import BenefitKind, Catalogue
from ewarung_pos.domain.rights import HARDSHIP, is_pool, pool_of
from ewarung_pos.domain.timeline import Instant, Period
from ewarung_pos.errors import ConfigError, NotEntitled

__all__ = [
    "Granted",
    "answer",
    "declare_lost",
    "doubt",
    "doubted",
    "grant",
    "is_lost",
    "outstanding",
    "owes",
    "question",
    "recovering",
    "restored",
    "room",
]


class Granted(msgspec.Struct, frozen=True):
    """What a round of grants did. `families` got something new; `short` lease keys could not get their whole ration."""

    period: str
    families: int
    leases: int
    credits: int
    short: int
    kiosks: int


def grant(tx: Tx, period: str, now_ms: int | None = None, device: str = "") -> Granted:
    """Home leases: every family's whole ration of the period, to its home kiosk. Granting again adds nothing.

    Each kiosk's hardship pool is granted with them. What the month before carried over comes on top. A kiosk that is
    frozen, stopped for its two pasts or doubted gets nothing: it stays in the reserve.

    Args:
        tx: a write transaction.
        period: YYYY-MM.
        now_ms: the city's time. What nobody holds of a month that is over by it is carried over as well, where the
            programme says so (`carry_on`); without it nothing is.
        device: only of families that are at home at this kiosk.

    Raises:
        ConfigError: not a period, no catalogue yet, or the database is being recovered.
    """
    try:
        Period(period)
    except ValueError as error:
        raise ConfigError(f"period {period!r}: expected YYYY-MM", reason="invalid") from error
    resume(tx)
    if waiting := recovering(tx):
        raise ConfigError(f"restored from a backup: no grants before {', '.join(waiting)} reported", reason="recovery")
    catalogue, rations, purses = _programmes(tx)
    if now_ms is not None:
        month = min(period, Instant(now_ms).date().period().iso)
        for family in carry_on(tx, month):
            if month < period:
                top_up(tx, family, month)
    families = tx.all(schema.family, "key", **({"home": device} if device else {}))
    epochs = _may_hold(tx)
    entitled = _entitle(tx, period, families, catalogue, rations)
    homes = {row["key"]: row["home"] for row in families}
    pools = _pools(tx, period, homes, entitled)
    homes |= {str(pool["family"]): device for device, pool in pools}
    ask_back(tx, charged_to(tx))
    leases, short = _lease_home(tx, period, homes, epochs, [*entitled, *(pool for _, pool in pools)])
    credited = _credit(tx, period, families, purses)
    if leases or credited or ahead.is_granted(tx, period):
        ahead.was_granted(tx, period)
    told: dict[str, list[tuple[str, str]]] = {}
    known = _served_before(tx, period)
    for key in sorted({str(row["family"]) for row in leases} | credited):
        things = told.setdefault(homes[key], [])
        if key not in known and not is_pool(key):
            things.append(("family", key))  # the kiosk may have removed it from its register meanwhile
        things.append(("rights", f"{key}|{period}"))
    for kiosk, things in told.items():
        feed.tell(tx, kiosk, things)
    to_families = [str(row["family"]) for row in leases if not is_pool(str(row["family"]))]
    changed = {*to_families, *credited}
    return Granted(period, len(changed), len(to_families), len(credited), short, len(told))


def declare_lost(tx: Tx, device: str, epoch: int, officers: Iterable[str]) -> int:
    """Two officers sign that this enrolment will never spend again: what it had left may be granted anew.

    No timer does this (sync.md section 1). Returns the number of leases that were released.

    Raises:
        NotEntitled: fewer than two different officers, or the enrolment is still active.
    """
    names = sorted({name.strip() for name in officers if name.strip()})
    if len(names) < 2:
        raise NotEntitled("two officers sign that a kiosk is lost", reason="second_person")
    held = tx.one(schema.epoch, device=device, epoch=epoch)
    if held is None or held["state"] != "frozen":
        raise NotEntitled(f"{device}/{epoch} is not frozen: enrol the kiosk again first", reason="not_frozen")
    released = [
        {**{name: row[name] for name in RIGHT}, "released": int(row["released"]) + rest}
        for row in tx.all(schema.lease, device=device, epoch=epoch)
        if (rest := outstanding(row) - (int(row["spent"]) - int(row["returned"]))) > 0
    ]
    tx.move(schema.lease, released, device=device, epoch=epoch)
    lose(tx, device, epoch, ", ".join(names))
    look_again(tx, device, epoch, (str(row["family"]) for row in released))
    resume(tx)
    return len(released)


def _served_before(tx: Tx, period: str) -> set[str]:
    """Families that had a right in the month before: no kiosk removes those from its register (its retention)."""
    rights = (tx.tally(table, "family", period=before(period)) for table in (schema.lease, schema.credit))
    return {family for found in rights for (family,) in found}


def _programmes(tx: Tx) -> tuple[Catalogue, dict[str, dict[str, int]], dict[str, int]]:
    text = tx.setting("catalogue")
    if not text:
        raise ConfigError("no catalogue: import one first", reason="no_catalogue")
    rations = msgspec.json.decode(tx.setting("rations") or "{}", type=dict[str, dict[str, int]])
    purses = msgspec.json.decode(tx.setting("purses") or "{}", type=dict[str, int])
    return feed.CATALOGUE.decode(text), rations, purses


def _entitle(
    tx: Tx, period: str, families: list[Row], catalogue: Catalogue, rations: dict[str, dict[str, int]]
) -> list[dict[str, object]]:
    """E for every family; an entitlement that was set before is kept (it may have been corrected by hand)."""
    units = {item.code: item.unit.value for item in catalogue.commodities}
    kinds = {item.code: item.kind for item in catalogue.programmes}
    held = {
        (row["family"], row["programme"], row["commodity"]): row for row in tx.all(schema.entitlement, period=period)
    }
    before = followed(tx)
    replaced = frozenset[str]().union(*before.values())
    every, new = [], []
    for family in families:
        for programme in filter(None, family["programmes"].split(";")):
            if kinds.get(programme) is not BenefitKind.RATION:
                continue
            for commodity, amount in rations.get(programme, {}).items():
                known = held.get((family["key"], programme, commodity))
                if known is None and (
                    family["key"] in replaced
                    or any((key, programme, commodity) in held for key in before.get(family["key"], ()))
                ):
                    continue  # one month is not granted to both
                row = (
                    dict(known)
                    if known is not None
                    else {
                        "family": family["key"],
                        "programme": programme,
                        "period": period,
                        "commodity": commodity,
                        "unit": units[commodity],
                        "amount": amount,
                        "charged": 0,
                        "carried": 0,
                        "version": 0,
                    }
                )
                every.append(row)
                if known is None:
                    new.append(row)
    tx.add(schema.entitlement, new)
    return every


def _pools(
    tx: Tx, period: str, homes: dict[str, str], entitled: list[dict[str, object]]
) -> list[tuple[str, dict[str, object]]]:
    """(kiosk, entitlement of its hardship pool) for each commodity; a pool that was granted never shrinks."""
    held = {
        (row["family"], row["commodity"]): row for row in tx.all(schema.entitlement, period=period, programme=HARDSHIP)
    }
    sizes = budgets(homes, entitled, int(tx.setting("hardship_permille") or DEFAULT_PERMILLE))
    pools = []
    for (device, commodity, unit), amount in sorted(sizes.items()):
        known = held.get((pool_of(device), commodity))
        pool: dict[str, object] = {
            "family": pool_of(device),
            "programme": HARDSHIP,
            "period": period,
            "commodity": commodity,
            "unit": unit,
            "amount": amount if known is None else max(amount, int(known["amount"])),
            "charged": 0,
            "carried": 0,
            "version": 0 if known is None else int(known["version"]),
        }
        if int(str(pool["amount"])):
            pools.append((device, pool))
    tx.put(schema.entitlement, [pool for _, pool in pools])
    return pools


def _may_hold(tx: Tx) -> dict[str, int]:
    """By kiosk, the enrolment that its rights are granted to, the first before there is one; not one that is stopped.

    What a missing kiosk would get stays where any other can ask for it, and goes home when the kiosk is enrolled again.
    """
    stopped = {(row["device"], int(row["epoch"])) for row in tx.all(schema.epoch) if not may_be_given(row)}
    every = {row["device"]: max(1, int(row["epoch"])) for row in tx.all(schema.kiosk)}
    return {device: epoch for device, epoch in every.items() if (device, epoch) not in stopped}


def _lease_home(
    tx: Tx, period: str, homes: dict[str, str], epochs: dict[str, int], entitled: list[dict[str, object]]
) -> tuple[list[dict[str, object]], int]:
    shares: dict[tuple[object, ...], list[Row]] = {}
    held: dict[tuple[object, ...], Row] = {}
    for row in tx.all(schema.lease, period=period):
        thing = (row["family"], row["programme"], row["commodity"])
        shares.setdefault(thing, []).append(row)
        held[row["device"], row["epoch"], *thing] = row
    came = carried_into(tx, period)
    grants: list[dict[str, object]] = []
    moved: list[dict[str, object]] = []
    doubtful = all_doubted(tx)
    short = 0
    for right in entitled:
        thing = (right["family"], right["programme"], right["commodity"])
        home = homes[str(right["family"])]
        amount, less = int(str(right["amount"])), int(str(right["carried"])) + int(str(right["charged"]))
        rest = room(amount + came.get(thing, 0) - less, shares.get(thing, ()))
        if home not in epochs or home in doubtful or rest <= 0:
            elsewhere = (home, epochs.get(home, 0), *thing) not in held
            short += (rest > 0 or elsewhere) and not is_pool(str(right["family"]))
            continue
        lease = held.get((home, epochs[home], *thing))
        key = {name: right[name] for name in RIGHT}
        granted = (int(lease["granted"]) if lease is not None else 0) + rest
        grants.append({"device": home, "epoch": epochs[home], **key, "unit": right["unit"], "granted": granted})
        moved.append({**key, "version": int(str(right["version"])) + 1})
    tx.put(schema.lease, grants)
    tx.advance_each(schema.entitlement, moved, "version")  # so that a grant on request at the same time looks again
    return grants, short


def _credit(tx: Tx, period: str, families: list[Row], purses: dict[str, int]) -> set[str]:
    """What the bank credits: the balance the register was imported with at first, the monthly amount after that."""
    known = tx.tally(schema.credit, "family", "programme")  # of every month that there ever was
    held = {(row["family"], row["programme"]) for row in tx.all(schema.credit, period=period)}
    rows = []
    for family in families:
        for programme in filter(None, family["programmes"].split(";")):
            thing = (family["key"], programme)
            if programme not in purses or thing in held:
                continue
            amount = purses[programme] if thing in known else int(family["opening_credit"])
            rows.append({"family": family["key"], "programme": programme, "period": period, "amount": amount})
    tx.add(schema.credit, rows)
    return {str(row["family"]) for row in rows}
