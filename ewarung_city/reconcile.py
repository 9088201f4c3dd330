"""What kiosks handed out of their hardship pools, laid beside the register: for whom it was, and whose right it is on.

A use is charged by itself where the card or the family is clear (`hardship.charge`). Where it is not, the register's
names that fit are listed, and a person says which family it was; nobody is charged for a likeness.
"""

from __future__ import annotations

from collections import defaultdict

import msgspec

from ewarung_city.hardship import charge_row
from ewarung_city.keys import CityKeys
from ewarung_city.rights import Right, onwards, right_of
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.rights import name_digest
from ewarung_pos.errors import NotEntitled

__all__ = ["HardshipRow", "assign", "hardship_uses"]


class HardshipRow(msgspec.Struct, frozen=True):
    """One commodity of one hand-over from a pool. Base units of `unit`.

    `family` is whose right it is charged to, or would be; empty while nobody knows, and then `named` lists the families
    whose name in the register is the one that was typed. `charged` is what that right was charged with: 0 where the
    family has none of this commodity. `owed` is what the family has had, of its right and of pools, above the right:
    the month's amount, with what the month before carried over and without what went on into the next; and above the
    rights of the months that it went into, where a pool had given of it before that was known.
    `returned` came back by a reversal.
    """

    device: str
    name: str
    epoch: int
    seq: int
    date: str
    receipt: int | None
    reason: str
    leader: str
    said: str
    family: str
    named: str
    programme: str
    commodity: str
    unit: str
    amount: int
    charged: int
    returned: int
    owed: int


def hardship_uses(tx: Tx, keys: CityKeys, period: str) -> list[HardshipRow]:
    """Every use of a pool in a period, by kiosk and in the order of its journal."""
    uses = tx.all(schema.hardship, "device", "epoch", "seq", "commodity", period=period)
    names = {row["device"]: row["name"] for row in tx.all(schema.kiosk)}
    alike = _by_name(tx, keys) if any(use["named"] and not use["family"] for use in uses) else {}
    rows = []
    for use in uses:
        place = {"device": use["device"], "epoch": use["epoch"], "seq": use["seq"]}
        entry, served = tx.one(schema.entry, **place), tx.one(schema.redemption, **place)
        rows.append(
            HardshipRow(
                device=use["device"],
                name=names.get(use["device"], ""),
                epoch=int(use["epoch"]),
                seq=int(use["seq"]),
                date=entry["date"] if entry is not None else "",
                receipt=int(served["receipt"]) if served is not None else None,
                reason=use["reason"],
                leader=use["leader"],
                said=use["said"],
                family=use["family"],
                named="" if use["family"] else " ".join(alike.get(use["named"], ())),
                programme=use["programme"],
                commodity=use["commodity"],
                unit=use["unit"],
                amount=int(use["amount"]),
                charged=int(use["charged"]),
                returned=int(use["returned"]),
                owed=_owed(tx, use),
            )
        )
    return rows


def assign(tx: Tx, device: str, epoch: int, seq: int, family: str) -> int:
    """A person says for which family that hand-over was: charge it to its right. Returns how many commodities.

    Raises:
        NotEntitled: nothing left the pool there (`unknown_use`), it is a family's already (`assigned`), or the register
            has no such family (`unknown_family`).
    """
    uses = tx.all(schema.hardship, "commodity", device=device, epoch=epoch, seq=seq)
    if not uses:
        raise NotEntitled(f"{device}/{epoch} {seq}: nothing left the pool there", reason="unknown_use")
    if any(use["family"] for use in uses):
        raise NotEntitled(f"{device}/{epoch} {seq}: is charged to {uses[0]['family']}", reason="assigned")
    held = tx.one(schema.family, key=family)
    if held is None:
        raise NotEntitled(f"no family {family}", reason="unknown_family")
    for use in uses:
        charged = charge_row(tx, use, held)
        place = {"device": device, "epoch": epoch, "seq": seq, "commodity": use["commodity"]}
        tx.change(schema.hardship, {name: charged[name] for name in ("family", "programme", "charged")}, **place)
    return len(uses)


def _by_name(tx: Tx, keys: CityKeys) -> dict[str, list[str]]:
    """Keyed digest of a name -> the families of that name."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in tx.all(schema.family, "key"):
        found[name_digest(keys.card, row["name"])].append(row["key"])
    return found


def _owed(tx: Tx, use: Row) -> int:
    """What that family has had above its right, by what the city knows now."""
    right = right_of(tx, use["family"], use["programme"], use["period"], use["commodity"]) if use["programme"] else None
    if right is None:
        return int(use["amount"]) - int(use["returned"])
    return sum(map(_above, (right, *onwards(tx, right))))


def _above(right: Right) -> int:
    had = right.charged + sum(int(row["spent"]) - int(row["returned"]) for row in right.leases)
    return max(0, had - right.entitled)
