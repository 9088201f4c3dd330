"""Make this machine a kiosk: keys and identity from the city, and a ledger that begins with them.

A machine whose ledger is a copy (`ledger.restore`) becomes the same kiosk again, in a new epoch: the city hears what
the copy holds, freezes the epoch, and grants the new one nothing that the old one may have spent.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ewarung_pos import __version__
from ewarung_pos.clock import SystemClock
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.errors import ConfigError, LedgerBusy, PosError, Unauthorised
from ewarung_pos.kiosk.copies import told
from ewarung_pos.kiosk.directory import data_directory
from ewarung_pos.kiosk.passphrase import person
from ewarung_pos.ledger.database import LEDGER_FILE, open_ledger
from ewarung_pos.ledger.key_passphrase import Ask
from ewarung_pos.ledger.keys import (
    DESCRIPTOR_FILE,
    KEY_FILE,
    Tier,
    destroy_key,
    held_tier,
    key_of,
    make_key,
    sync_directory,
)
from ewarung_pos.ledger.lock import LOCK_FILE, InstanceLock
from ewarung_pos.ports import Clock
from ewarung_pos.sync.client import check_url
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.sync.enrolment import Enrolment, enrol, record
from ewarung_pos.sync.upload import Upload, upload

if TYPE_CHECKING:
    from ewarung_pos.ledger.restore import LedgerFile

__all__ = ["city_option", "enrol_into", "enrol_kiosk"]

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
    on_upload: Callable[[Upload], None] = lambda _: None,
) -> KioskIdentity:
    """Enrol with the city and make the ledger, with the city's state as far as the line brings it now.

    The ledger is made beside its place and moved there whole: a failure leaves nothing behind. A copy that is in place
    is sent to the city first, and kept as the archive of its epoch (`epochs/`).

    Args:
        folder: data directory; must not hold a ledger, unless it is a copy.
        url: of the city.
        code: as typed.
        clock: time of the first entries.
        practice: mark every paper and screen, whatever the city says.
        ca: PEM file of the city's authority.
        tier: rung of the ladder that shall hold the ledger's key, unless there is a key already: that one is used.
        ask: gives the passphrase, on that rung.
        on_digits: hears the six digits that a person at the city compares.
        on_upload: hears what the city held and got of the epoch that ends.

    Raises:
        ConfigError: a ledger is there already (`enrolled`), the code is another kiosk's (`other_kiosk`), or the rung is
            not to be had here (the city was not asked then).
        LedgerKeyWrong: the key that is there already cannot be had, or does not open the copy.
        LedgerBusy: another program is at it.
        LedgerError: the ledger that is there cannot be used.
        SyncError: not enrolled.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # A key that is there opens what was copied under it: it is used, never replaced and never destroyed.
    held = key_of(folder, ask) if held_tier(folder) is not None else None
    with ExitStack() as stack:
        ended = ""
        if (folder / LEDGER_FILE).exists():
            key = held or key_of(folder, ask)
            ended = _ended(folder, key.secret, lambda copy: on_upload(upload(copy, clock, url, ca)), stack)
        _sweep(folder)
        draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=folder))
        stack.callback(shutil.rmtree, draft, ignore_errors=True)
        stack.callback(InstanceLock(draft / _DRAFT_LOCK).release)
        stack.callback(_forget, draft)
        key = held or make_key(draft, tier, ask)
        enrolment = _taken_in(url, code, clock, ca, on_digits, ended)
        if practice:
            marked = msgspec.structs.replace(enrolment.identity, practice=True)
            enrolment = msgspec.structs.replace(enrolment, identity=marked)
        _begin(draft, key.secret, enrolment, url, clock, ca, reason="restored" if ended else "")
        from ewarung_pos.ledger import restore

        if ended:
            restore.retire(folder, key.secret, draft / LEDGER_FILE)
        else:
            for name in (KEY_FILE, DESCRIPTOR_FILE):
                if (draft / name).exists():
                    (draft / name).replace(folder / name)
                    # One by one: a disk may keep the later name and lose the earlier; a ledger without its key is lost.
                    sync_directory(folder)
            restore.begin(draft / LEDGER_FILE, folder / LEDGER_FILE)
    return enrolment.identity


def enrol_kiosk(
    city: str,
    code: str,
    data_dir: str | None,
    tier: Tier,
    on_digits: Callable[[str], None],
    on_upload: Callable[[dict[str, Any]], None] = lambda _: None,
) -> str:
    """Enrol this kiosk: keys and identity in a new ledger, and the city's first state.

    Args:
        city: URL of the city.
        code: as typed.
        data_dir: the command's option.
        tier: rung that shall hold the ledger's key.
        on_digits: hears the six digits that a person at the city compares before approving.
        on_upload: hears what the city held and got of a restored copy, before its epoch ends.

    Raises:
        PosError: not enrolled; nothing was left behind.
    """
    city_option(city)
    folder = data_directory(data_dir)
    identity = enrol_into(
        folder,
        city,
        code,
        SystemClock(),
        tier=tier,
        ask=person(),
        on_digits=on_digits,
        on_upload=lambda sent: on_upload(told(sent)),
    )
    return f"Terdaftar: {identity.device} {identity.name}, Kel. {identity.kelurahan}"


def _ended(folder: Path, key: bytes, send: Callable[[LedgerFile], None], stack: ExitStack) -> str:
    """The kiosk whose copy is in place, once the city has heard what it holds; the lock stays taken."""
    from ewarung_pos.ledger.restore import LedgerFile, holds_copy

    if not holds_copy(folder / LEDGER_FILE, key):
        raise ConfigError(f"{folder} sudah berisi buku catatan", reason="enrolled")
    stack.callback(InstanceLock(folder / LOCK_FILE).release)
    with LedgerFile(folder / LEDGER_FILE, key) as copy:
        send(copy)
        identity = copy.identity()
    return identity.device if identity is not None else ""


def _taken_in(url: str, code: str, clock: Clock, ca: str, on_digits: Callable[[str], None], ended: str) -> Enrolment:
    """What the city answers; as the kiosk whose epoch ends, if there is one."""

    def now_s() -> int:
        return clock.now().wall.ms // 1000

    try:
        enrolment = enrol(url, code, __version__, ca=ca, device=ended, on_digits=on_digits, now_s=now_s)
    except Unauthorised as error:
        if error.reason != "code_other":
            raise
        raise ConfigError(f"kode kios lain, buku di sini {ended}", reason="other_kiosk") from error
    if ended and enrolment.identity.device != ended:
        raise ConfigError(f"kode {enrolment.identity.device}, buku di sini {ended}", reason="other_kiosk")
    return enrolment


def _begin(draft: Path, key: bytes, enrolment: Enrolment, url: str, clock: Clock, ca: str, *, reason: str) -> None:
    """The first entry of the epoch, and the city's state as far as it comes."""
    ledger = open_ledger(draft, key, clock, create=True)
    try:
        with ledger.write() as uow:
            record(uow, enrolment, reason)
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


def _sweep(folder: Path) -> None:
    """Take away what enrolments left that were cut off: each holds a key. One under way keeps its own."""
    for left in folder.glob(f"{_DRAFT}*"):
        try:
            InstanceLock(left / _DRAFT_LOCK).release()
        except LedgerBusy:
            continue
        _forget(left)
        shutil.rmtree(left, ignore_errors=True)


def _forget(draft: Path) -> None:
    """Destroy the key of a draft, also in the system's store; nothing if it has moved to its place."""
    with suppress(PosError):
        destroy_key(draft)
