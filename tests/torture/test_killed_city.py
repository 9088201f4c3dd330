"""The city's programs and its database die again and again while a national close comes in: nothing is lost.

Every kiosk of the rush is another one. What dies is drawn: one worker, all of the city's processes, all of the
database's, or both. The database waits for the disk, and recovers by itself from what its files say.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from ewarung_city.store.database import CityStore
from tests.city_databases import server
from tests.close_rush import CityPrograms, Rush, database_on, lost_of
from tests.many_kiosks import Kiosks, names

pytestmark = [pytest.mark.torture, pytest.mark.timeout(1800)]

CLOSES = 400
KILLS = 20


def _both(city: CityPrograms) -> None:
    city.kill_database()
    city.kill_program()


DEATHS: list[Callable[[CityPrograms], None]] = [
    lambda city: city.kill_worker(0),
    CityPrograms.kill_program,
    CityPrograms.kill_database,
    _both,
]


def test_no_acknowledged_entry_is_lost_however_the_city_dies(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    draw = random.Random(60)
    kiosks = Kiosks(time.time_ns() // 1_000_000)
    batches = [kiosks.close(device) for device in names(CLOSES)]
    with server(durable=True) as started:
        url = database_on(started)
        store = CityStore(url)
        store.create()
        kiosks.settle_in(store, names(CLOSES))
        store.close()
        city = CityPrograms(tmp_path, started, url)
        with ExitStack() as ends:
            ends.callback(city.stop)
            city.start()
            rush = Rush(city, lanes=4)
            portions = [batches[place::KILLS] for place in range(KILLS)]
            kills = []
            for portion in portions:
                answered = len(rush.acked) + draw.randrange(len(portion) * 3 // 4)
                rush.begin(portion)
                while len(rush.acked) < answered and not rush.done():
                    time.sleep(0.001)
                time.sleep(draw.uniform(0, 0.02))
                draw.choice(DEATHS)(city)
                kills.append(not rush.done())
                city.start()
                rush.end()
            assert lost_of(city, batches, rush.acked) == []
            assert len(rush.acked) == CLOSES
            assert sum(kills) > KILLS / 2, "most of them have to strike while something is under way"
    record_property("counted: deaths of a city in a rush, nothing lost", KILLS)
    record_property("counted: closes of the rush, each held once", CLOSES)
