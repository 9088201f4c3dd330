"""A copy of this kiosk's ledger: made, put in the ledger's place, and told of to the city."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from ewarung_pos.app import backup_directory
from ewarung_pos.clock import SystemClock
from ewarung_pos.errors import ConfigError, LedgerKeyWrong, PosError
from ewarung_pos.kiosk.directory import key_directory, kiosk_directory, of_this_kiosk
from ewarung_pos.kiosk.passphrase import person
from ewarung_pos.ledger.engine import KEY_BYTES, LEDGER_FILE
from ewarung_pos.ledger.keys import Tier, held_tier, key_of

if TYPE_CHECKING:
    from ewarung_pos.sync.upload import Upload

__all__ = ["backup_ledger", "restore_ledger", "told"]


def backup_ledger(data_dir: str | None, directory: Path | None, *, key_from: IO[str] | None = None) -> dict[str, Any]:
    """Verified copy of the ledger; JSON-ready: `path`, `entries`, `head`, and the `tier` of the key that it needs.

    Args:
        data_dir: the command's option.
        directory: where to; None is the configured place, in which older copies are taken away (`ledger.copies`).
        key_from: gives the key in hex (`ledger.copies`); None takes it from its rung.

    Raises:
        PosError: the copy could not be made or did not verify.
    """
    from ewarung_pos.ledger.backup import back_up
    from ewarung_pos.ledger.copies import keep_copy

    config, folder = kiosk_directory(data_dir)
    key = key_of(folder, person()).secret if key_from is None else _piped(key_from)
    place = directory or backup_directory(config, folder)
    if directory is not None or not config.paths.backup:
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{place}: {error.strerror}", reason="backup_dir") from error
    if hasattr(os, "nice"):  # beside a till that serves
        os.nice(10)
    make = keep_copy if directory is None else back_up
    done: dict[str, Any] = msgspec.to_builtins(make(folder / LEDGER_FILE, key, place))
    return done | {"tier": held_tier(folder) or Tier.KEY_FILE}


def _piped(source: IO[str]) -> bytes:
    try:
        key = bytes.fromhex(source.read())
    except ValueError as error:
        raise LedgerKeyWrong(reason="key_file") from error
    if len(key) != KEY_BYTES:
        raise LedgerKeyWrong(reason="key_file")
    return key


def restore_ledger(file: Path, data_dir: str | None, *, older: bool = False) -> dict[str, Any]:
    """Put a verified copy in the place of the ledger, and tell the city what it holds; JSON-ready.

    Returns:
        The fields of `Restored`, and `city`: the fields of `Upload` with `sent` and `missing`, None when there was no
        line (`city_error` says why) or no city is configured.

    Raises:
        PosError: nothing was changed.
    """
    from ewarung_pos.ledger.restore import LedgerFile, restore
    from ewarung_pos.sync.upload import upload

    config, folder = key_directory(data_dir)
    with of_this_kiosk(file):
        key = key_of(folder, person()).secret
        done: dict[str, Any] = msgspec.to_builtins(restore(file, folder, key, older=older))
    done |= {"city": None, "city_error": ""}
    if config.city.url:
        try:
            with LedgerFile(folder / LEDGER_FILE, key) as copy:
                done["city"] = told(upload(copy, SystemClock(), config.city.url, config.city.ca))
        except PosError as error:  # the copy is in place whatever the line does; enrolling asks again
            done["city_error"] = ".".join(filter(None, (error.code, error.reason)))
    return done


def told(upload: Upload) -> dict[str, Any]:
    """What the city held and got, JSON-ready."""
    built: dict[str, Any] = msgspec.to_builtins(upload)
    return built | {"sent": upload.sent, "missing": upload.missing}
