"""`ewarung-city simulate`: a whole city of tills lives for a month, and is reconciled to zero."""

from __future__ import annotations

import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

import click

from ewarung_city.place import JSON, say
from ewarung_pos.errors import ConfigError

__all__ = ["simulate"]

_FAMILIES = 140
"""For each kiosk: about as many as one served in Semarang."""


@click.command()
@JSON
@click.option("--kiosks", type=click.IntRange(1, 5_000), required=True, help="How many tills.")
@click.option(
    "--days", type=click.IntRange(1, 366), required=True, help="How many business days, from 1 November 2026."
)
@click.option("--faults", is_flag=True, help="Power, lines, clocks, disks and the city's server fail.")
@click.option("--seed", type=int, default=1, show_default=True, help="What everything is drawn from.")
@click.option("--families", type=click.IntRange(1), help=f"How many in all; {_FAMILIES} for each kiosk if not said.")
@click.option("--database", default="", help="SQLAlchemy URL of an empty database; SQLite in the folder if none.")
@click.option("--workers", type=click.IntRange(0, 64), default=2, show_default=True, help="Processes; 0: this one.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="New folder, which is kept.")
def simulate(
    *,
    as_json: bool,
    kiosks: int,
    days: int,
    faults: bool,
    seed: int,
    families: int | None,
    database: str,
    workers: int,
    folder: Path | None,
) -> None:
    """Run real tills against the real server for some days, and hold all ledgers and the city against each other.

    Exit code 1: something is not zero; each finding names its device and day.
    """
    from ewarung_fleet.crews import Hands, OwnHands, Worker
    from ewarung_fleet.files import in_memory, place_for
    from ewarung_fleet.fleet import Fleet
    from ewarung_fleet.plan import Settings

    if getattr(sys, "frozen", False):
        raise ConfigError("simulate starts further processes of Python: install the package", reason="frozen")
    settings = Settings(kiosks, days, families or _FAMILIES * kiosks, seed, faults)
    with ExitStack() as stack:
        place = folder or place_for(kiosks)
        if folder is None:
            stack.callback(shutil.rmtree, place, ignore_errors=True)
        else:
            folder.mkdir(parents=True)
        for line in _heading(place, in_memory=in_memory(place)):
            click.echo(line, err=True)
        hands: list[Hands] = [Worker() for _ in range(min(workers, kiosks))] or [OwnHands()]
        fleet = stack.enter_context(Fleet(settings, place, database, hands, lambda line: click.echo(line, err=True)))
        fleet.found()
        fleet.live()
        fleet.drain()
        report = fleet.reconcile()
    say(report, "\n".join(report.lines()), as_json=as_json)
    sys.exit(0 if report.clean else 1)


def _heading(place: Path, *, in_memory: bool) -> tuple[str, ...]:
    """What is real here, and what is not."""
    disk = "a file system in memory: fsync is called, and waits for nothing" if in_memory else "a disk"
    return (
        f"in {place}, on {disk}",
        "real: ledgers (SQLCipher, synchronous=FULL), engines, services, enrolment, HTTP, city server and database",
        "left out: screens, PINs, rendering of receipts; clocks are told, EDC and printer are objects in the process",
    )
