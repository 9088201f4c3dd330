"""Whose data this ledger holds, read beside a running till."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ewarung_pos.domain.breach import HeldFamily, Inventory
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.ledger.engine import LEDGER_FILE, check_owner, connect, translated
from ewarung_pos.ledger.keys import key_of
from ewarung_pos.ledger.tip import load_tip

__all__ = ["take_inventory"]

_FAMILIES = (
    "SELECT f.key, f.name, f.nik_masked, f.kelurahan, f.kecamatan, c.last4, f.since_ms FROM register_family AS f "
    "JOIN register_card AS c ON c.family = f.key ORDER BY f.name, f.key"
)
_PEOPLE = "SELECT name FROM operator ORDER BY name, code"


def take_inventory(data_dir: Path, at: Instant) -> Inventory:
    """Families of the register, people, and the end of the journal.

    Raises:
        ConfigError, LedgerError: the ledger cannot be read.
    """
    key = key_of(data_dir)
    connection = connect(data_dir / LEDGER_FILE, key.secret, query_only=True)
    try:
        with translated():
            check_owner(connection)
            connection.execute("BEGIN")
            tip = load_tip(connection)
            families = tuple(
                HeldFamily(
                    own, name, nik, f"Kel. {kelurahan}, Kec. {kecamatan}", last4, Instant(since).date().period().iso
                )
                for own, name, nik, kelurahan, kecamatan, last4, since in connection.execute(_FAMILIES)
            )
            people = tuple(name for (name,) in connection.execute(_PEOPLE))
            connection.execute("ROLLBACK")
    finally:
        connection.close()
    inventory = Inventory(
        device="-",
        kiosk="belum terdaftar",
        place="-",
        at=at,
        by_city=False,
        families=families,
        people=people,
        key_tier=key.tier,
        contact_ms=tip.clock.city.server_ms if tip.clock.city is not None else 0,
        head_seq=tip.seq,
        head_hash=tip.head().hash,
    )
    who = tip.identity
    if who is None:
        return inventory
    return msgspec.structs.replace(
        inventory, device=who.device, kiosk=who.name, place=f"Kel. {who.kelurahan}", practice=who.practice
    )
