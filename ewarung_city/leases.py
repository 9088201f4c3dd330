"""Grants: the city's half of the one rule (sync.md section 1).

For every family, programme, period and commodity the city grants `g` more only if

    sum over devices of (granted - surrendered) + g <= entitlement

with totals that only grow. What a device says it was granted beyond what we know counts as granted: a database restored
from a backup may give less than it could, never more.

`outstanding`, `room` and `owes` are the rules themselves; `tests/model` looks at every state they can lead to.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

import msgspec

from ewarung_city import feed
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.catalogue import BenefitKind, Catalogue
from ewarung_pos.domain.timeline import Period
from ewarung_pos.errors import ConfigError, NotEntitled

__all__ = [
    "Granted",
    "answer",
    "declare_lost",
    "doubt",
    "grant",
    "is_lost",
    "outstanding",
    "owes",
    "question",
    "recovering",
    "restored",
    "room",
]

_OWES = "owes|"
"""Settings `owes|DEVICE|EPOCH`: what an enrolment still has to answer since the database was restored (`owes`)."""


class Granted(msgspec.Struct, frozen=True):
    """What a round of grants did. `families` got something new; `short` lease keys could not get their whole ration."""

    period: str
    families: int
    leases: int
    credits: int
    short: int
    kiosks: int


def outstanding(row: Row) -> int:
    """How much of a lease counts against the entitlement: all that was granted, less what will never be spent."""
    return max(int(row["granted"]), int(row["claimed"])) - int(row["surrendered"]) - int(row["released"])


def room(entitled: int, leases: Iterable[Row]) -> int:
    """The city's rule: how much more of an entitlement may be granted, to whichever device; nothing below 1."""
    return entitled - sum(map(outstanding, leases))


def owes(said: str, acked_seq: int) -> bool:
    """Whether an enrolment has still to show a restored city what it was given.

    Args:
        said: the city's question, with the head that the kiosk answered it with after a space.
        acked_seq: how far the city holds its journal.
    """
    _, _, head = said.partition(" ")
    return not head or int(head) > acked_seq


def grant(tx: Tx, period: str) -> Granted:
    """Home leases: every family's whole ration of the period, to its home kiosk. Granting again adds nothing.

    Raises:
        ConfigError: not a period, no catalogue yet, or the database is being recovered.
    """
    try:
        Period(period)
    except ValueError as error:
        raise ConfigError(f"period {period!r}: expected YYYY-MM", reason="invalid") from error
    if waiting := recovering(tx):
        raise ConfigError(f"restored from a backup: no grants before {', '.join(waiting)} reported", reason="recovery")
    catalogue, rations, purses = _programmes(tx)
    families = tx.all(schema.family, "key")
    epochs = {row["device"]: max(1, int(row["epoch"])) for row in tx.all(schema.kiosk)}
    entitled = _entitle(tx, period, families, catalogue, rations)
    leases, short = _lease_home(tx, period, families, epochs, entitled)
    credited = _credit(tx, period, families, purses)
    told: dict[str, list[tuple[str, str]]] = {}
    homes = {row["key"]: row["home"] for row in families}
    known = _served_before(tx, period)
    for key in sorted({str(row["family"]) for row in leases} | credited):
        things = told.setdefault(homes[key], [])
        if key not in known:
            things.append(("family", key))  # the kiosk may have removed it from its register meanwhile
        things.append(("rights", f"{key}|{period}"))
    for device, things in told.items():
        feed.tell(tx, device, things)
    changed = {str(row["family"]) for row in leases} | credited
    return Granted(period, len(changed), len(leases), len(credited), short, len(told))


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
    released = 0
    for row in tx.all(schema.lease, device=device, epoch=epoch):
        rest = outstanding(row) - (int(row["spent"]) - int(row["returned"]))
        if rest > 0:
            key = {name: row[name] for name in ("device", "epoch", "family", "programme", "period", "commodity")}
            tx.change(schema.lease, {"released": int(row["released"]) + rest}, **key)
            released += 1
    tx.set(f"lost|{device}|{epoch}", ", ".join(names))
    tx.remove(schema.city, name=f"{_OWES}{device}|{epoch}")
    return released


def is_lost(tx: Tx, device: str, epoch: int) -> bool:
    """Whether two officers declared this enrolment lost."""
    return bool(tx.setting(f"lost|{device}|{epoch}"))


def doubt(tx: Tx, device: str, epoch: int, head_seq: int) -> None:
    """This enrolment claims more than it proves: nothing is granted to it before its journal is here up to there."""
    tx.set(f"doubt|{device}|{epoch}", str(head_seq))


def _doubted(tx: Tx) -> set[str]:
    """Kiosks whose current enrolment still owes the journal that would show what they were granted."""
    return {
        str(row["device"])
        for row in tx.all(schema.epoch, state="active")
        if int(tx.setting(f"doubt|{row['device']}|{row['epoch']}") or 0) > int(row["acked_seq"])
    }


def restored(tx: Tx, device: str = "", epoch: int = 0) -> list[str]:
    """This database is a copy from before: nothing is granted until every active kiosk has shown what it was given.

    Each is asked a question that nothing said before can hold, and answers it with the head of its journal: everything
    that it took from a database that is gone lies below. It has shown it once the city holds the journal up to there.
    A late greeting answers nothing, and no clock takes part. Being enrolled again does not answer either; two officers
    do, for an enrolment that is lost.

    A kiosk that was told more than the copy knows makes the city find that out by itself, but only once it greets.

    Args:
        tx: a write transaction.
        device: another enrolment to be asked, active or not.
        epoch: its epoch.

    Returns:
        Who is waited for.
    """
    asked = {(str(row["device"]), int(row["epoch"])) for row in tx.all(schema.epoch, state="active")}
    if device:
        asked.add((device, epoch))
    question = secrets.token_hex(16)
    for whose, number in sorted(asked):
        tx.set(f"{_OWES}{whose}|{number}", question)
    return recovering(tx)


def recovering(tx: Tx) -> list[str]:
    """Kiosks that must answer before a database restored from a backup may grant again; empty when it may."""
    waiting = []
    for row in tx.starting(schema.city, "name", _OWES, "name"):
        _, device, epoch = str(row["name"]).split("|")
        held = tx.one(schema.epoch, device=device, epoch=int(epoch))
        if owes(str(row["value"]), int(held["acked_seq"]) if held is not None else 0):
            waiting.append(f"{device}/{epoch}")
        else:
            tx.remove(schema.city, name=row["name"])
    return waiting


def question(tx: Tx, device: str, epoch: int) -> str:
    """What a restored city still asks this enrolment; empty when nothing, or when it was answered."""
    said = tx.setting(f"{_OWES}{device}|{epoch}")
    return "" if " " in said else said


def answer(tx: Tx, device: str, epoch: int, question: str, head_seq: int) -> None:
    """The kiosk repeats the question: all that it was given before is in its journal, at most at `head_seq`."""
    if question and tx.setting(f"{_OWES}{device}|{epoch}") == question:
        tx.set(f"{_OWES}{device}|{epoch}", f"{question} {head_seq}")


def _served_before(tx: Tx, period: str) -> set[str]:
    """Families that had a right in the month before: no kiosk removes those from its register (its retention)."""
    year, month = int(period[:4]), int(period[5:])
    before = f"{year - (month == 1):04d}-{(month - 2) % 12 + 1:02d}"
    rights = (*tx.all(schema.lease, period=before), *tx.all(schema.credit, period=before))
    return {str(row["family"]) for row in rights}


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
    every, new = [], []
    for family in families:
        for programme in filter(None, family["programmes"].split(";")):
            if kinds.get(programme) is not BenefitKind.RATION:
                continue
            for commodity, amount in rations.get(programme, {}).items():
                known = held.get((family["key"], programme, commodity))
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
                    }
                )
                every.append(row)
                if known is None:
                    new.append(row)
    tx.add(schema.entitlement, new)
    return every


def _lease_home(
    tx: Tx, period: str, families: list[Row], epochs: dict[str, int], entitled: list[dict[str, object]]
) -> tuple[list[dict[str, object]], int]:
    homes = {row["key"]: row["home"] for row in families}
    shares: dict[tuple[object, ...], list[Row]] = {}
    held: dict[tuple[object, ...], Row] = {}
    for row in tx.all(schema.lease, period=period):
        thing = (row["family"], row["programme"], row["commodity"])
        shares.setdefault(thing, []).append(row)
        held[row["device"], row["epoch"], *thing] = row
    grants: list[dict[str, object]] = []
    doubted = _doubted(tx)
    short = 0
    for right in entitled:
        thing = (right["family"], right["programme"], right["commodity"])
        home = homes[str(right["family"])]
        rest = room(int(str(right["amount"])), shares.get(thing, ()))
        if home not in epochs or home in doubted or rest <= 0:
            elsewhere = (home, epochs.get(home, 0), *thing) not in held
            short += rest > 0 or elsewhere
            continue
        before = held.get((home, epochs[home], *thing))
        grants.append(
            {
                "device": home,
                "epoch": epochs[home],
                "family": right["family"],
                "programme": right["programme"],
                "period": period,
                "commodity": right["commodity"],
                "unit": right["unit"],
                "granted": (int(before["granted"]) if before is not None else 0) + rest,
            }
        )
    tx.put(schema.lease, grants)
    return grants, short


def _credit(tx: Tx, period: str, families: list[Row], purses: dict[str, int]) -> set[str]:
    """What the bank credits: the balance the register was imported with at first, the monthly amount after that."""
    known = {(row["family"], row["programme"]) for row in tx.all(schema.credit)}
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
