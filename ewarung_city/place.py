"""Where a city's data is, and what its commands have in common: options, an open store, the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import click
import msgspec

from ewarung_city.keys import CityKeys, load_keys, make_keys
from ewarung_city.store.database import CityStore
from ewarung_pos.domain.timeline import Instant, Period

__all__ = [
    "FILE",
    "JSON",
    "Place",
    "is_month",
    "located",
    "now_ms",
    "opened",
    "place_of",
    "say",
    "shipped",
    "this_month",
]

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line of standard output.")


@dataclass(frozen=True)
class Place:
    """Where the city's data is: a directory with its keys, and a database."""

    data_dir: Path
    database: str

    @property
    def url(self) -> str:
        """Of the database: SQLite in the directory, if nothing else was said."""
        return self.database or f"sqlite:///{self.data_dir / 'city.db'}"


def located(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where the city is."""
    function = click.option(
        "--database",
        envvar="EWARUNG_CITY_DATABASE",
        default="",
        help="SQLAlchemy URL; SQLite in the directory if none.",
    )(function)
    return click.option(
        "--data-dir",
        envvar="EWARUNG_CITY_DIR",
        default="",
        type=click.Path(file_okay=False),
        help="Where the city's keys (and database) live.",
    )(function)


def place_of(data_dir: str, database: str) -> Place:
    """Where those options say; the platform's own directory if they say none."""
    if data_dir:
        return Place(Path(data_dir), database)
    from platformdirs import user_data_path

    return Place(user_data_path("ewarung-city", appauthor=False), database)


@contextmanager
def opened(place: Place, *, make: bool = False) -> Iterator[tuple[CityStore, CityKeys]]:
    """(store, keys) of a city that `init` has made, or made now; connections are given back at the end, however."""
    keys = make_keys(place.data_dir) if make else load_keys(place.data_dir)
    with closing(CityStore(place.url)) as store:
        store.create()
        yield store, keys


def now_ms() -> int:
    """This machine's time, ms UTC."""
    return time.time_ns() // 1_000_000


def this_month() -> str:
    """The month (YYYY-MM) that it is in WIB."""
    return Instant(now_ms()).date().period().iso


def is_month(text: str) -> bool:
    """Whether that names a month: YYYY-MM."""
    try:
        Period(text)
    except ValueError:
        return False
    return True


def say(said: object, sentence: str, *, as_json: bool) -> None:
    """Answer a machine with the object, a person with the sentence."""
    click.echo(msgspec.json.encode(said).decode() if as_json else sentence)


def shipped(name: str) -> Path:
    """A file of the sample that comes with the till."""
    return Path(str(resources.files("ewarung_pos") / "resources" / "sample" / name))
