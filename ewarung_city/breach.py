"""Whose data a lost kiosk can have held, by what the city gave it (domain rule R41)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.devices.pdf import sheet_bytes
from ewarung_pos.domain.breach import HeldFamily, Inventory, breach_csv, breach_paper, file_stem
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.errors import ConfigError

__all__ = ["inventory_of", "write_papers"]


def inventory_of(tx: Tx, device: str, at: Instant) -> Inventory:
    """Every family that this kiosk was ever told of or held a right of, with the address a notice needs.

    Raises:
        ConfigError: there is no such kiosk.
    """
    kiosk = tx.one(schema.kiosk, device=device)
    if kiosk is None:
        raise ConfigError(f"kiosk {device!r}: not one of this city", reason="unknown_kiosk")
    epochs = [row for row in tx.all(schema.epoch, "epoch", device=device) if int(row["enrolled_ms"])]
    region = tx.one(schema.region, kelurahan_code=kiosk["kelurahan_code"])
    last = epochs[-1] if epochs else {}
    return Inventory(
        device=device,
        kiosk=kiosk["name"],
        place=f"Kel. {region['kelurahan']}" if region is not None else kiosk["kelurahan_code"],
        at=at,
        by_city=True,
        families=_families(tx, device, epochs) if epochs else (),
        people=tuple(sorted(row["name"] for row in tx.all(schema.operator, device=device))) if epochs else (),
        key_tier="",
        contact_ms=max((int(row["seen_ms"]) for row in epochs), default=0),
        head_seq=max(int(last.get("acked_seq", 0)), int(last.get("claimed_seq", 0))),
        head_hash=str(last.get("acked_hash", "")) if _all_here(last) else "",
        practice=bool(last.get("practice", 0)),
    )


def _all_here(epoch: Row) -> bool:
    """Whether the hash that the city holds is that of the last entry it knows to exist."""
    return int(epoch.get("acked_seq", 0)) >= int(epoch.get("claimed_seq", 0))


def _families(tx: Tx, device: str, epochs: list[Row]) -> tuple[HeldFamily, ...]:
    enrolled = Instant(int(epochs[0]["enrolled_ms"])).date().period().iso
    since: dict[str, str] = {row["key"]: enrolled for row in tx.all(schema.feed, device=device, kind="family")}
    for row in tx.all(schema.lease, "period", device=device):
        since.setdefault(row["family"], row["period"])
    regions = {row["kelurahan_code"]: row for row in tx.all(schema.region)}
    held = [
        HeldFamily(
            key=row["key"],
            name=row["name"],
            nik_masked=row["nik_masked"],
            address=_address(row, regions),
            last4=row["last4"],
            since=since[row["key"]],
        )
        for row in tx.within(schema.family, "key", since)
    ]
    return tuple(sorted(held, key=lambda family: (family.name, family.key)))


def _address(family: Row, regions: dict[str, Row]) -> str:
    place = regions.get(family["kelurahan_code"])
    parts = [family["address"]]
    if place is not None:
        parts += [f"Kel. {place['kelurahan']}", f"Kec. {place['kecamatan']}"]
    return ", ".join(filter(None, parts))


def write_papers(inventory: Inventory, directory: Path) -> dict[str, Any]:
    """Write the list as CSV and PDF; returns figures and paths, no names.

    Raises:
        OSError: they cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    table, paper = (directory / f"{file_stem(inventory)}.{kind}" for kind in ("csv", "pdf"))
    table.write_bytes(breach_csv(inventory).encode())
    paper.write_bytes(sheet_bytes(breach_paper(inventory)))
    return {
        "device": inventory.device,
        "families": len(inventory.families),
        "people": len(inventory.people),
        "contact_ms": inventory.contact_ms,
        "head_seq": inventory.head_seq,
        "head_hash": inventory.head_hash,
        "notice_before": inventory.deadline.local().isoformat(timespec="minutes"),
        "csv": str(table),
        "pdf": str(paper),
    }
