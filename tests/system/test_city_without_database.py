"""The city's programs while their database is away: they stay, say so, and go on when it is back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from ewarung_city.store.database import CityStore
from tests.city_databases import server
from tests.close_rush import CityPrograms, database_on

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

BEGUN_S = 1.5
"""A worker that cannot begin has died by then."""


@pytest.fixture
def city(tmp_path: Path) -> Iterator[CityPrograms]:
    with server(durable=True) as started:
        url = database_on(started)
        store = CityStore(url)
        store.create()
        store.close()
        programs = CityPrograms(tmp_path, started, url)
        programs.start()
        yield programs
        programs.stop()


def test_workers_that_begin_while_the_database_is_away_serve_when_it_is_back(city: CityPrograms) -> None:
    city.kill_database()
    before = city.workers()
    city.kill_worker(0)
    city.kill_worker(1)
    deadline = time.monotonic() + 60
    while len(fresh := [pid for pid in city.workers() if pid not in before]) < len(before):
        assert time.monotonic() < deadline, "a worker that was killed is replaced"
        time.sleep(0.05)
    time.sleep(BEGUN_S)
    assert city.workers() == fresh, "one died by itself"
    assert requests.get(f"http://127.0.0.1:{city.port}/health", timeout=30).status_code == 503
    city.start()
    assert requests.get(f"http://127.0.0.1:{city.port}/health", timeout=30).json()["status"] == "ok"
