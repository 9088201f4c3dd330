"""Make this machine a kiosk: keys and identity from the city, and a ledger that begins with them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from ewarung_pos import __version__
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.errors import ConfigError, LedgerBusy, PosError
from ewarung_pos.ledger.database import LEDGER_FILE, open_ledger
from ewarung_pos.ledger.key_passphrase import Ask
from ewarung_pos.ledger.keys import DESCRIPTOR_FILE, KEY_FILE, Tier, destroy_key, make_key, sync_directory
from ewarung_pos.ledger.lock import InstanceLock
from ewarung_pos.ports import Clock
from ewarung_pos.sync.client import check_url
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.sync.enrolment import enrol, record

__all__ = ["city_option", "enrol_into"]

_PULL_STEPS = 200
_DRAFT = "enrolling-"
_DRAFT_LOCK = "enrolling.lock"


def city_option(url: str) -> None:
    """Nothing when this URL can be a city's.

    Raises:
        ConfigError: it cannot; in the words of the option it came by, not of the configuration's key.
    """
    try:
        check_url(url)
    except ConfigError as error:
        raise ConfigError(error.detail.replace("city.url:", "--city:", 1), reason="city") from error


def enrol_into(
    folder: Path,
    url: str,
    code: str,
    clock: Clock,
    *,
    practice: bool = False,
    ca: str = "",
    tier: Tier = Tier.KEY_FILE,
    ask: Ask | None = None,
    on_digits: Callable[[str], None] = lambda _: None,
) -> KioskIdentity:
    """Enrol with the city and make the ledger, with the city's state as far as the line brings it now.

    The ledger is made beside its place and moved there whole: a failure leaves nothing behind.

    Args:
        folder: data directory; must not hold a ledger.
        url: of the city.
        code: as typed.
        clock: time of the first entries.
        practice: mark every paper and screen, whatever the city says.
        ca: PEM file of the city's authority.
        tier: rung of the ladder that shall hold the ledger's key.
        ask: gives a new passphrase, on that rung.
        on_digits: hears the six digits that a person at the city compares.

    Raises:
        ConfigError: a ledger is there already, or the rung is not to be had here (the city was not asked then).
        SyncError: not enrolled.
    """
    if (folder / LEDGER_FILE).exists():
        raise ConfigError(f"{folder} sudah berisi buku catatan", reason="enrolled")
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=folder))
    lock = InstanceLock(draft / _DRAFT_LOCK)
    moved = False
    try:
        key = make_key(draft, tier, ask)
        enrolment = enrol(url, code, __version__, ca=ca, on_digits=on_digits)
        if practice:
            marked = msgspec.structs.replace(enrolment.identity, practice=True)
            enrolment = msgspec.structs.replace(enrolment, identity=marked)
        ledger = open_ledger(draft, key.secret, clock, create=True)
        try:
            with ledger.write() as uow:
                record(uow, enrolment)
            city = SyncEngine(ledger, clock, url, ca)
            try:
                for _ in range(_PULL_STEPS):
                    report = city.step()
                    if report.code or not report.more:
                        break
            finally:
                city.close()
        finally:
            ledger.close()
        destroy_key(folder)  # of an enrolment that was cut off just here: there is no ledger that it opens
        for name in (KEY_FILE, DESCRIPTOR_FILE, LEDGER_FILE):
            if (draft / name).exists():
                (draft / name).replace(folder / name)
                # One by one: a disk may keep the later name and lose the earlier, and a ledger without its key is lost.
                sync_directory(folder)
        moved = True
    finally:
        if not moved:
            with suppress(PosError):
                destroy_key(draft)
        lock.release()
        shutil.rmtree(draft, ignore_errors=True)
    return enrolment.identity


def _sweep(folder: Path) -> None:
    """Take away what enrolments left that were cut off: each holds a key. One under way keeps its own."""
    for left in folder.glob(f"{_DRAFT}*"):
        try:
            InstanceLock(left / _DRAFT_LOCK).release()
        except LedgerBusy:
            continue
        with suppress(PosError):
            destroy_key(left)
        shutil.rmtree(left, ignore_errors=True)
