"""Write the published files of the way to the city on a stick (tests/bundles): made once a format, never changed.

    .venv/bin/python scripts/make_bundles.py FOLDER

The keys are 01..20 (the kiosk's) and 21..40 (the city's), hexadecimal, byte by byte; see docs/usb-bundle.md.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from ewarung_city import register
from ewarung_city.bundles import take_bundle
from ewarung_city.keys import CityKeys
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore
from ewarung_pos.domain.journal import KioskEnrolled, SettingsChanged, genesis, uuid7
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.domain.timeline import ClockReading, Instant
from ewarung_pos.ledger.database import open_ledger
from ewarung_pos.sync.bundle_file import file_name
from ewarung_pos.sync.signing import public_of
from ewarung_pos.sync.stick import outgoing_bundle

KIOSK, CITY = bytes(range(1, 33)), bytes(range(33, 65))
NOON_MS = 1_795_496_400_000  # 24 November 2026, 12.00 WIB
SAMPLE = Path(__file__).parents[1] / "ewarung_pos" / "resources" / "sample"


class StillClock:
    """It is always noon."""

    def __init__(self) -> None:
        self._minted = 0

    def now(self) -> ClockReading:
        """Noon."""
        return ClockReading(Instant(NOON_MS), 1_000, "boot")

    def mint(self) -> str:
        """The next identifier."""
        self._minted += 1
        return uuid7(NOON_MS, self._minted.to_bytes(10, "big"))


def main(folder: Path) -> None:
    """Write both files."""
    keys = CityKeys(CITY, bytes(32), bytes(32))
    clock = StillClock()
    with tempfile.TemporaryDirectory() as place:
        ledger = open_ledger(Path(place), bytes(32), clock, create=True)
        with ledger.write() as uow:
            uow.set_identity(KioskIdentity("EW-0001", 1, "e-Warung Mawar", "33.74.01.1010", "Kauman"))
            uow.put_secret("device_key", KIOSK)
            uow.put_secret("city_key", keys.public)
            uow.append(
                KioskEnrolled(
                    "e-Warung Mawar",
                    "33.74.01.1010",
                    public_of(KIOSK).hex(),
                    keys.public.hex(),
                    "0.1.0",
                    kelurahan="Kauman",
                )
            )
            uow.append(SettingsChanged("note", "", "contoh"))
        out = outgoing_bundle(ledger.read(), clock)
        ledger.close()
        store = CityStore(f"sqlite:///{place}/city.db")
        store.create()
        with store.write() as tx:
            register.import_regions(tx, SAMPLE / "semarang-kelurahan.csv")
            register.import_kiosks(tx, SAMPLE / "kiosks.csv")
            tx.change(schema.kiosk, {"epoch": 1}, device="EW-0001")
            tx.add(
                schema.epoch,
                [
                    {
                        "device": "EW-0001",
                        "epoch": 1,
                        "device_key": public_of(KIOSK).hex(),
                        "state": "active",
                        "mode": "normal",
                        "acked_hash": genesis("EW-0001", 1).hex(),
                        "enrolled_ms": NOON_MS,
                        "seen_ms": NOON_MS,
                        "app_version": "0.1.0",
                        "practice": 0,
                    }
                ],
            )
        done = take_bundle(store, keys, out.data, NOON_MS)
        store.close()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file_name(out.header)).write_bytes(out.data)
    (folder / done.name).write_bytes(done.reply)
    print(f"{folder}: {file_name(out.header)}, {done.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
