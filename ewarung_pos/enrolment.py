"""Making a till a kiosk: a typed code, two new key pairs, six digits to compare, a ledger that begins with them."""

from __future__ import annotations

import platform
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from ewarung_pos import __version__
from ewarung_pos.domain.journal import KioskEnrolled
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.errors import ConfigError, RuleViolation, ServerBusy, ServerUnreachable, SyncError, Unauthorised
from ewarung_pos.ledger.database import LEDGER_FILE, open_ledger
from ewarung_pos.ledger.keys import KEY_FILE, key_of, sync_directory
from ewarung_pos.ports import Clock, Ledger
from ewarung_pos.sync.client import HttpCityServer
from ewarung_pos.sync.protocol import Enrol, Enrolled
from ewarung_pos.sync.signing import (
    code_secret,
    enrol_proof,
    fingerprint,
    new_key,
    new_wrap_key,
    public_of,
    unwrap,
    wrap_public_of,
)

__all__ = ["PATIENCE_SECONDS", "enrol_into"]

PATIENCE_SECONDS = 600.0
"""How long a till waits for a person at the city to compare the digits."""

_ASK_AGAIN_SECONDS = 2.0
_PAGES_AT_MOST = 10_000


class _Keys:
    """The till's two new key pairs; the private halves leave the process only into the encrypted ledger."""

    def __init__(self) -> None:
        self.device, self.wrap = new_key(), new_wrap_key()
        self.device_public, self.wrap_public = public_of(self.device).hex(), wrap_public_of(self.wrap).hex()


def enrol_into(
    folder: Path,
    url: str,
    code: str,
    clock: Clock,
    *,
    practice: bool,
    ca: str = "",
    show_digits: Callable[[str], None] | None = None,
    patience: float = PATIENCE_SECONDS,
) -> KioskIdentity:
    """Enrol this machine with the city and make its ledger, with the city's state as far as the line brings it.

    What of the state does not come now comes with the first synchronisation: the code is spent by then, and a ledger
    that knows its kiosk is whole.

    Args:
        folder: the data directory; nothing appears in it unless everything worked.
        url: of the city.
        code: as typed.
        clock: time and identifiers of the first entries.
        practice: mark every paper and screen; a practice code of the city's does so as well.
        ca: certificate authority of the city, if it is not one that the system trusts.
        show_digits: is given the six digits once if a person at the city has to compare them; None writes them to
            standard error.
        patience: seconds to wait for that person, and to go on asking over a bad line.

    Raises:
        ConfigError: a ledger is there already (`ledger_exists`), or URL or directory cannot be used.
        Unauthorised: the code is wrong, spent or too old; not approved in time (`not_approved`); or the answer is not
            the city's (`signature`).
        ServerUnreachable, ServerBusy: no answer within the patience.
        ProtocolMismatch: the two sides speak different versions.
        LedgerError: the ledger could not be written.
    """
    if (folder / LEDGER_FILE).exists():
        raise ConfigError(f"{folder}: this directory has a ledger", reason="ledger_exists")
    draft = folder / f".enrol-{secrets.token_hex(4)}"
    try:
        draft.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}", reason="data_dir") from error
    try:
        identity = _enrol(
            draft, url, ca, code, clock, practice=practice, show_digits=show_digits or _to_stderr, patience=patience
        )
        _publish(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return identity


def _enrol(
    draft: Path,
    url: str,
    ca: str,
    code: str,
    clock: Clock,
    *,
    practice: bool,
    show_digits: Callable[[str], None],
    patience: float,
) -> KioskIdentity:
    keys = _Keys()
    answer = _ask(url, ca, code, clock, keys, show_digits, patience)
    card_key = unwrap(keys.wrap, bytes.fromhex(answer.card_key), code_secret(code)[0])
    identity = KioskIdentity(
        device=answer.device,
        epoch=answer.epoch,
        name=answer.name,
        kelurahan_code=answer.kelurahan_code,
        kelurahan=answer.kelurahan,
        practice=practice or answer.practice,
    )
    ledger = open_ledger(draft, key_of(draft, create=True).secret, clock, create=True)
    try:
        with ledger.write() as uow:
            uow.set_identity(identity)
            uow.put_secret("device_key", keys.device)
            uow.put_secret("card_key", card_key)
            uow.put_secret("city_key", bytes.fromhex(answer.city_key))
            if answer.next_key:
                uow.put_secret("next_city_key", bytes.fromhex(answer.next_key))
            uow.append(
                KioskEnrolled(identity.name, identity.kelurahan_code, keys.device_public, answer.city_key, __version__)
            )
        _pull_all(ledger, url, ca, clock, identity, keys.device)
    finally:
        ledger.close()
    return identity


def _ask(
    url: str, ca: str, code: str, clock: Clock, keys: _Keys, show_digits: Callable[[str], None], patience: float
) -> Enrolled:
    """Send the same ENROL until it is answered: over a bad line, and while a person compares the digits."""
    code_id, secret = code_secret(code)
    message = Enrol(
        code_id=code_id,
        proof=enrol_proof(secret, code_id, keys.device_public, keys.wrap_public),
        device_key=keys.device_public,
        wrap_key=keys.wrap_public,
        app_version=__version__,
        host=f"{platform.system()} {platform.machine()}"[:200],
    )
    deadline = time.monotonic() + patience
    shown = False
    server = HttpCityServer(url, clock, ca=ca, key=keys.device)
    try:
        while True:
            trouble: SyncError = Unauthorised("nobody at the city approved it", reason="not_approved")
            try:
                answer = server.enrol(message, secret)
            except (ServerUnreachable, ServerBusy) as error:
                if not shown:  # the first word: better an error now than a silent wait
                    raise
                trouble = error
            else:
                if isinstance(answer, Enrolled):
                    return answer
                if not shown:
                    show_digits(fingerprint(keys.device_public, keys.wrap_public, answer.city_key))
                    shown = True
            if time.monotonic() + _ASK_AGAIN_SECONDS > deadline:
                raise trouble
            time.sleep(_ASK_AGAIN_SECONDS)
    finally:
        server.close()


def _pull_all(ledger: Ledger, url: str, ca: str, clock: Clock, identity: KioskIdentity, key: bytes) -> None:
    held = ledger.read().secret("city_key")
    server = HttpCityServer(
        url, clock, ca=ca, device=identity.device, epoch=identity.epoch, key=key, city_keys=[held] if held else []
    )
    try:
        for _ in range(_PAGES_AT_MOST):
            cursor = ledger.read().cursor()
            pulled = server.pull(cursor)
            if pulled.page.cursor == cursor:
                return
            with ledger.write() as uow:
                uow.accept(pulled.page, pulled.digest)
            if not pulled.page.more:
                return
    except (SyncError, RuleViolation):
        return  # it comes with the first synchronisation, which shows what is wrong
    finally:
        server.close()


def _publish(draft: Path, folder: Path) -> None:
    """The key first: a ledger without its key would be lost, a key without a ledger is made anew."""
    try:
        (draft / KEY_FILE).replace(folder / KEY_FILE)
        sync_directory(folder)
        (draft / LEDGER_FILE).replace(folder / LEDGER_FILE)
        sync_directory(folder)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}", reason="data_dir") from error


def _to_stderr(digits: str) -> None:
    import click

    click.echo(f"Cocokkan enam angka ini dengan layar kota: {digits[:3]} {digits[3:]}", err=True)
