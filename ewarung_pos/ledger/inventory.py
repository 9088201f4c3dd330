"""Whose data this ledger holds, read beside a running till."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
from sqlcipher3 import dbapi2 as sqlite

from ewarung_pos.domain.breach import HeldFamily, Inventory
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.errors import ConfigError, LedgerBusy, LedgerCorrupt, LedgerError, LedgerKeyWrong
from ewarung_pos.ledger.engine import LEDGER_FILE, check_owner, connect, translated
from ewarung_pos.ledger.forward import DRAFT, brought_forward
from ewarung_pos.ledger.key_passphrase import Ask
from ewarung_pos.ledger.keys import key_of
from ewarung_pos.ledger.lock import InstanceLock
from ewarung_pos.ledger.tip import Tip, load_tip

__all__ = ["take_inventory"]

_FAMILIES = (
    "SELECT f.key, f.name, f.nik_masked, f.kelurahan, f.kecamatan, coalesce(c.last4, ''), f.since_ms "
    "FROM register_family AS f LEFT JOIN register_card AS c ON c.family = f.key ORDER BY f.name, f.key"
)
_LEDGERS = ("*.db", "*.db.schema-*", "*.db.new", "*.db.upgrade")
_DRAFTS = (".*.copying-*/*.db", "restoring-*/*.db", "enrolling-*/*.db")
"""What a copy, a restore or an enrolment leaves behind that was cut off."""
_PEOPLE = "SELECT name FROM operator ORDER BY name, code"


def take_inventory(data_dir: Path, at: Instant, ask: Ask | None = None, copies: tuple[Path, ...] = ()) -> Inventory:
    """Families of the register and of the copies that lie about, people, and the end of the journal.

    A copy, the archive of an ended epoch, or the draft of one that was cut off, still names those who have left the
    register since. What does not open under this ledger's key tells nobody anything; what opens and cannot be read all
    the same is counted, and so is a draft that is not whole: its pages are under the key.

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
    unread = 0
    for file, draft in (*_copies(data_dir, copies), *_drafts(data_dir, copies)):
        try:
            held = _held_by(file, key.secret, draft=draft)
        except (LedgerError, ConfigError, sqlite.Error):
            unread += 1
            continue
        for family in held:
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
        unread=unread,
    )
    who = tip.identity
    if who is None:
        return inventory
    return msgspec.structs.replace(
        inventory, device=who.device, kiosk=who.name, place=f"Kel. {who.kelurahan}", practice=who.practice
    )


def _copies(data_dir: Path, folders: tuple[Path, ...]) -> list[tuple[Path, bool]]:
    """Every file that may be a ledger, but the one in use; a ledger from before a new schema (`migrate`) is one too."""
    found = {file.resolve() for folder in (data_dir, *folders) for kind in _LEDGERS for file in folder.glob(kind)}
    return [(file, False) for file in sorted(found - {(data_dir / LEDGER_FILE).resolve()})]


def _drafts(data_dir: Path, folders: tuple[Path, ...]) -> list[tuple[Path, bool]]:
    """Drafts of this program, but those under way: looking into one would stand in its way."""
    found = {file.resolve() for folder in (data_dir, *folders) for kind in _DRAFTS for file in folder.glob(kind)}
    found |= set(Path(tempfile.gettempdir()).glob(f"{DRAFT}*/{LEDGER_FILE}"))
    return [(file, True) for file in sorted(found) if not _under_way(file.parent)]


def _under_way(folder: Path) -> bool:
    """Whether somebody holds the lock in it; without one nobody can say, and it is looked into."""
    try:
        for lock in folder.glob("*.lock"):
            InstanceLock(lock).release()
    except LedgerBusy:
        return True
    except ConfigError:  # a disk that nobody may write to: nothing is made on it now
        return False
    return False


def _held_by(file: Path, key: bytes, *, draft: bool) -> tuple[HeldFamily, ...]:
    """Families of a file that may be no ledger at all; a draft is one, under this key or its own.

    Raises:
        LedgerError, ConfigError: it is one, and cannot be read.
    """
    try:
        if draft or _ours(file, key):
            return _held(file, key)[1]
    except LedgerKeyWrong:
        return _held(file, key_of(file.parent).secret)[1]
    return ()


def _ours(file: Path, key: bytes) -> bool:
    """Whether it is a ledger under this key at all.

    Raises:
        LedgerTooNew, LedgerBusy, ConfigError: it may be one, and cannot be read.
    """
    try:
        connection = connect(file, key, query_only=True)
        try:
            with translated():
                check_owner(connection)
        finally:
            connection.close()
    except (LedgerKeyWrong, LedgerCorrupt):
        return False
    return True


def _held(file: Path, key: bytes) -> tuple[Tip, tuple[HeldFamily, ...], tuple[str, ...]]:
    with brought_forward(file, key) as readable:  # and not verified: of a damaged copy, too, the names count
        return _read(readable, key)


def _read(file: Path, key: bytes) -> tuple[Tip, tuple[HeldFamily, ...], tuple[str, ...]]:
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
