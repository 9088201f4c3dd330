"""Whose data this ledger holds, read beside a running till."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from ewarung_pos.domain.breach import HeldFamily, Inventory
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.errors import ConfigError, LedgerError
from ewarung_pos.ledger.engine import LEDGER_FILE, check_owner, connect, translated
from ewarung_pos.ledger.key_passphrase import Ask
from ewarung_pos.ledger.keys import key_of
from ewarung_pos.ledger.tip import Tip, load_tip

__all__ = ["take_inventory"]

_FAMILIES = (
    "SELECT f.key, f.name, f.nik_masked, f.kelurahan, f.kecamatan, c.last4, f.since_ms FROM register_family AS f "
    "JOIN register_card AS c ON c.family = f.key ORDER BY f.name, f.key"
)
_LEDGERS = ("*.db", "*.db.schema-*")
_PEOPLE = "SELECT name FROM operator ORDER BY name, code"


def take_inventory(data_dir: Path, at: Instant, ask: Ask | None = None, copies: tuple[Path, ...] = ()) -> Inventory:
    """Families of the register and of the copies that lie about, people, and the end of the journal.

    A copy, or the archive of an ended epoch, still names those who have left the register since. What does not open
    under this ledger's key tells nobody anything.

    Args:
        data_dir: with the ledger and its key.
        at: now.
        ask: gives the passphrase, on that rung.
        copies: folders in which copies lie; they need not be there.

    Raises:
        ConfigError, LedgerError: the ledger cannot be read.
    """
    key = key_of(data_dir, ask)
    tip, families, people = _held(data_dir / LEDGER_FILE, key.secret)
    known = {family.key: family for family in families}
    for file in _copies(data_dir, copies):
        with suppress(LedgerError, ConfigError):
            for family in _held(file, key.secret)[1]:
                newer = known.get(family.key, family)
                known[family.key] = msgspec.structs.replace(newer, since=min(newer.since, family.since))
    inventory = Inventory(
        device="-",
        kiosk="belum terdaftar",
        place="-",
        at=at,
        by_city=False,
        families=tuple(sorted(known.values(), key=lambda family: (family.name, family.key))),
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


def _copies(data_dir: Path, folders: tuple[Path, ...]) -> list[Path]:
    """Every file that may be a ledger, but the one in use; a ledger from before a new schema (`migrate`) is one too."""
    found = {file.resolve() for folder in (data_dir, *folders) for kind in _LEDGERS for file in folder.glob(kind)}
    return sorted(found - {(data_dir / LEDGER_FILE).resolve()})


def _held(file: Path, key: bytes) -> tuple[Tip, tuple[HeldFamily, ...], tuple[str, ...]]:
    connection = connect(file, key, query_only=True)
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
            return tip, families, people
    finally:
        connection.close()
