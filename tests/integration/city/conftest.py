"""One city and one enrolled till for each test that asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ewarung_pos.sync.enrolment import Enrolment
from tests.city_databases import Databases
from tests.integration.city.city_kit import Cities, LiveCity, Pen, Till, ToldClock, Wire, begun, enrolled
from tests.integration.city.moving import Kiosk, open_day


@pytest.fixture
def clock() -> ToldClock:
    return ToldClock()


@pytest.fixture
def cities(databases: Databases, tmp_path: Path, clock: ToldClock) -> Iterator[Cities]:
    """Makes cities, each in a directory of the test; all are gone at its end."""
    made = Cities(databases, tmp_path, clock)
    yield made
    made.close()


@pytest.fixture
def bare(cities: Cities) -> LiveCity:
    """A city with an empty register."""
    return cities.new("city")


@pytest.fixture(scope="session")
def template(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> LiveCity:
    """A closed city with the sample register and the rations of November, to be copied."""
    directory = tmp_path_factory.mktemp("template") / "city"
    made = LiveCity(directory, ToldClock(), databases.fresh(directory))
    made.stock_up()
    made.close()
    return made


@pytest.fixture(scope="session")
def enrolment(
    databases: Databases, template: LiveCity, tmp_path_factory: pytest.TempPathFactory
) -> tuple[LiveCity, Enrolment]:
    """The same after EW-0001 has enrolled, and what the city gave it; closed, to be copied."""
    clock = ToldClock()
    city = Cities(databases, tmp_path_factory.mktemp("enrolled"), clock).copy_of(template, "city")
    city.start()
    given = enrolled(city.url, city.code(), clock)
    city.close()
    return city, given


@pytest.fixture
def stocked(
    cities: Cities, template: LiveCity, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> LiveCity:
    """The sample register and the rations of November; the command line finds its database too."""
    source = request.getfixturevalue("enrolment")[0] if _enrols_once(request) else template
    city = cities.copy_of(source, "city")
    monkeypatch.setenv("EWARUNG_CITY_DATABASE", city.database)
    return city


@pytest.fixture
def city(stocked: LiveCity) -> LiveCity:
    """Serving."""
    stocked.start()
    return stocked


def _enrols_once(request: pytest.FixtureRequest) -> bool:
    """Whether its fixtures enrol EW-0001 and nobody else: that is the same in every test, and was done once for all."""
    return {"pen", "till", "kiosk"} & set(request.fixturenames) in ({"pen"}, {"till"})


@pytest.fixture
def till(tmp_path: Path, city: LiveCity, clock: ToldClock, request: pytest.FixtureRequest) -> Iterator[Till]:
    """EW-0001, enrolled."""
    given = request.getfixturevalue("enrolment")[1] if _enrols_once(request) else city.code()
    till = Till(tmp_path / "till", city.url, given, clock)
    yield till
    till.close()


@pytest.fixture
def kiosk(tmp_path: Path, city: LiveCity, clock: ToldClock) -> Iterator[Kiosk]:
    """Enrols kiosks; each has fetched its state and opened its day."""
    made: list[Till] = []

    def enrol(device: str) -> Till:
        made.append(Till(tmp_path / device, city.url, city.code(device), clock))
        made[-1].drain()
        open_day(made[-1])
        return made[-1]

    yield enrol
    for till in made:
        till.close()


@pytest.fixture
def pen(city: LiveCity, clock: ToldClock, request: pytest.FixtureRequest) -> Pen:
    """EW-0001's keys in a hand that writes what it likes."""
    given = request.getfixturevalue("enrolment")[1] if _enrols_once(request) else None
    return begun(Pen(given or enrolled(city.url, city.code(), clock), clock))


@pytest.fixture
def wires() -> Iterator[Callable[..., Wire]]:
    """Makes lines that go wrong; each is closed at the end."""
    made: list[Wire] = []

    def make(handle: Callable[..., None]) -> Wire:
        made.append(Wire(handle))
        return made[-1]

    yield make
    for wire in made:
        wire.close()
