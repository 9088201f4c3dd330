"""Whether a ledger is what its entries say: checked here, or written out for others to check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ewarung_pos.errors import ConfigError
from ewarung_pos.kiosk.directory import check_may_be_ledger, key_directory, kiosk_directory, of_this_kiosk
from ewarung_pos.kiosk.passphrase import person
from ewarung_pos.ledger.engine import LEDGER_FILE
from ewarung_pos.ledger.keys import LedgerKey, key_for, key_near, key_of

__all__ = ["export_ledger", "verified", "verify_ledger"]


def verify_ledger(path: str | None, data_dir: str | None = None, *, typed: bool = True) -> dict[str, Any]:
    """Check a data directory, a ledger file wherever it lies, or an export; JSON-ready.

    A file (a copy on a stick) is opened with the key of the data directory that was `typed` beside it; a directory that
    stands in the environment only counts after a key that lies near the file.

    Raises:
        ConfigError: no kiosk or no ledger there, or not a ledger at all.
        PosError: it could not be opened.
    """
    from ewarung_pos.ledger.verify import is_export, verify

    if path is None:
        folder = kiosk_directory(data_dir)[1]
        return verified(folder, key_of(folder, person()))
    place = Path(path)
    if not (place / LEDGER_FILE if place.is_dir() else place).is_file():
        raise ConfigError(f"{place}", reason="no_ledger_there")
    if place.is_dir():
        return verified(place, key_of(place, person()))
    if is_export(place):
        told: dict[str, Any] = msgspec.to_builtins(verify(place))
        return told
    if data_dir and (typed or key_near(place) is None):
        with of_this_kiosk(place):
            return verified(place, key_of(key_directory(data_dir)[1], person()))
    check_may_be_ledger(place)
    return verified(place, key_for(place, person()))


def verified(place: Path, key: LedgerKey) -> dict[str, Any]:
    """What checking this ledger told, JSON-ready.

    Raises:
        PosError: it could not be opened.
    """
    from ewarung_pos.ledger.verify import verify

    built: dict[str, Any] = msgspec.to_builtins(verify(place, key.secret))
    return built


def export_ledger(data_dir: str | None, out: Path, first_seq: int) -> dict[str, Any]:
    """Write the ledger for anyone to check, from entry `first_seq` on; JSON-ready.

    Raises:
        PosError: nothing was written.
    """
    from ewarung_pos.ledger.export import export

    _, folder = kiosk_directory(data_dir)
    built: dict[str, Any] = msgspec.to_builtins(
        export(folder / LEDGER_FILE, key_of(folder, person()).secret, out, first_seq)
    )
    return built
