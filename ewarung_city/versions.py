"""The oldest version of the till that the city supports, and the kiosks that are below it.

WELCOME carries it to every kiosk; an older till says so to its operator and serves on.
"""

from __future__ import annotations

import msgspec

from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.domain.versions import is_older, is_version
from ewarung_pos.errors import ConfigError

__all__ = ["VersionRow", "oldest", "set_oldest", "state_of", "versions"]

_OLDEST = "oldest_till"


class VersionRow(msgspec.Struct, frozen=True):
    """One enrolled kiosk and the version that it greeted with last.

    `state` is `ok`, `old` (the city supports it no more) or `unknown` (what it said is no version). `seen` is the day
    on which it was last heard of: it may have been upgraded since.
    """

    device: str
    name: str
    version: str
    oldest: str
    state: str
    seen: str


def oldest(tx: Tx) -> str:
    """The oldest version that the city supports; empty while any will do."""
    return tx.setting(_OLDEST)


def set_oldest(tx: Tx, version: str) -> None:
    """From now on the city supports this version and later ones; any, if empty.

    Raises:
        ConfigError: not a version (`version`).
    """
    said = version.strip()
    if said and not is_version(said):
        raise ConfigError(f"{said[:40]!r}: not a version; expected numbers with points, as 0.2.0", reason="version")
    tx.set(_OLDEST, said)


def state_of(version: str, least: str) -> str:
    """Of a till's version where this is the oldest (`VersionRow.state`)."""
    if not least:
        return "ok"
    if not is_version(version):
        return "unknown"
    return "old" if is_older(version, least) else "ok"


def versions(tx: Tx) -> list[VersionRow]:
    """Every enrolled kiosk by its id, those first that are below the oldest version."""
    least = oldest(tx)
    kiosks = {row["device"]: row["name"] for row in tx.all(schema.kiosk)}
    rows = [
        VersionRow(
            device=row["device"],
            name=kiosks.get(row["device"], ""),
            version=row["app_version"],
            oldest=least,
            state=state_of(str(row["app_version"]), least),
            seen=Instant(int(row["seen_ms"])).date().iso,
        )
        for row in tx.all(schema.epoch, "device", state="active")
    ]
    return sorted(rows, key=lambda row: (row.state == "ok", row.device))
