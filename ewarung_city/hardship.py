"""Hardship pools: how much each kiosk may hand out by its leader's word, and to which family's account it goes.

Nobody is sent home because a network is down. What was handed out of a pool is charged to the family's own right as
soon as the city hears of it: what of that right is still out there is asked back, and not granted again.
"""

from __future__ import annotations

from typing import Any

from ewarung_city import recalls
from ewarung_city.rights import Right, onwards, right_of, rights_of
from ewarung_city.settle import top_up
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.journal import HardshipAllowed, Redeemed
from ewarung_pos.domain.rights import HARDSHIP

__all__ = ["DEFAULT_PERMILLE", "budgets", "came_back", "charge", "charge_row", "family_of", "give_back"]

DEFAULT_PERMILLE = 20
"""A pool is so much of what its kiosk's families are entitled to, unless the city's catalogue says otherwise."""


_CHARGED = "charged|"
"""Settings `charged|FAMILY|PERIOD`: a pool gave of that family's rights. Every machine of a city has them, so that a
reversal, which may concern such a right, is looked at in the kiosk's own shard alone where it does not."""


def budgets(homes: dict[str, str], entitled: list[dict[str, Any]], permille: int) -> dict[tuple[str, str, str], int]:
    """(kiosk, commodity, unit) -> base units of its pool, from the rations of the families at home there.

    Rounded up to whole rations, the largest there is: less than one would help nobody, and a small kiosk's share is.
    """
    sums: dict[tuple[str, str, str], int] = {}
    largest: dict[tuple[str, str, str], int] = {}
    for right in entitled:
        key, amount = (homes[right["family"]], right["commodity"], right["unit"]), int(right["amount"])
        sums[key] = sums.get(key, 0) + amount
        largest[key] = max(largest.get(key, 0), amount)
    return {
        key: -(-amount * permille // (1000 * largest[key])) * largest[key]
        for key, amount in sums.items()
        if key[0] and largest[key] and permille
    }


def family_of(tx: Tx, said: str) -> Row | None:
    """The family that a journal names: by its own key, or by the beginning of its card's reference."""
    if not said.startswith("C"):
        return tx.one(schema.family, key=said)
    found = tx.starting(schema.family, "token", said[1:].lower(), "key") if len(said) == 16 else []
    return found[0] if len(found) == 1 else None


def charge(
    tx: Tx, device: str, epoch: int, seq: int, fact: Redeemed, word: HardshipAllowed | None, family: Row | None
) -> None:
    """Note what left the pool, and charge it to the right of whoever it was for."""
    rows = [
        charge_row(
            tx,
            {
                "device": device,
                "epoch": epoch,
                "seq": seq,
                "commodity": debit.commodity,
                "said": fact.family,
                "named": word.named if word is not None else "",
                "reason": word.reason if word is not None else "",
                "leader": word.approved_by if word is not None else "",
                "period": debit.period,
                "unit": debit.unit.value,
                "amount": debit.amount,
                "returned": 0,
            },
            family,
        )
        for debit in fact.debits
        if debit.programme == HARDSHIP
    ]
    tx.put(schema.hardship, rows)


def charge_row(tx: Tx, use: Row, family: Row | None) -> Row:
    """Charge one use to the right of that family; the use with whose it is now."""
    left = int(use["amount"]) - int(use["returned"])
    right = _charged_to(tx, family, use["period"], use["commodity"], left)
    if right is not None:
        _move(tx, right, left)
    return {
        **use,
        "family": family["key"] if family is not None else "",
        "programme": right.programme if right is not None else "",
        "charged": left if right is not None else 0,
    }


def give_back(tx: Tx, device: str, epoch: int, seq: int) -> None:
    """The redemption with that place was reversed: the family's right is charged with it no more."""
    for row in tx.all(schema.hardship, device=device, epoch=epoch, seq=seq):
        if int(row["returned"]):
            continue
        key = {"device": device, "epoch": epoch, "seq": seq, "commodity": row["commodity"]}
        tx.change(schema.hardship, {"returned": int(row["amount"])}, **key)
        right = right_of(tx, row["family"], row["programme"], row["period"], row["commodity"])
        if right is not None:
            _move(tx, right, -int(row["charged"]))


def came_back(tx: Tx, family: str, period: str) -> None:
    """A redemption of that family and month was reversed at a kiosk, which has so much more to hand out again.

    Where pools gave of the same right, or of one that was carried into it, that is asked back as the rest was.
    """
    if any(str(row["name"]) <= _name(family, period) for row in tx.starting(schema.city, "name", _name(family, ""))):
        for right in rights_of(tx, family, period):
            recalls.reduce(tx, right)


def _charged_to(tx: Tx, family: Row | None, period: str, commodity: str, amount: int) -> Right | None:
    """The family's right of that commodity with room for it, else the first there is."""
    if family is None:
        return None
    rights = [right for right in rights_of(tx, family["key"], period) if right.commodity == commodity]
    with_room = [right for right in rights if right.entitled - right.charged >= amount]
    return next(iter(with_room or rights), None)


def _name(family: str, period: str) -> str:
    return f"{_CHARGED}{family}|{period}"


def _move(tx: Tx, right: Right, amount: int) -> None:
    """Charge so much more, or less, to a right: to the months that it was carried into as well (`rights.brought`)."""
    right.charged += amount
    moved = {"charged": right.charged, "version": right.version + 1}
    tx.advance(schema.entitlement, moved, {"version": right.version}, **right.key)
    tx.set(_name(right.family, right.period), "1")
    later = onwards(tx, right)
    for each in later:  # nothing of it was written, and whoever grants of it at this moment has to look again
        tx.advance(schema.entitlement, {"version": each.version + 1}, {"version": each.version}, **each.key)
    for key in (right.key, *(each.key for each in later)):
        tx.remove(schema.recall, **key, by_device="")
        now = right_of(tx, **key)
        if now is not None:
            recalls.reduce(tx, now)
        if amount < 0:
            top_up(tx, right.family, key["period"])
