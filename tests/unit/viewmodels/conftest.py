"""A whole till without window, EDC or city: real ledger and services, scripted devices, a runner that is pumped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ewarung_pos.ports import Settlement
from tests.unit.viewmodels.till import ScriptedTill, scripted_till


@pytest.fixture
def shut(tmp_path: Path) -> Iterator[ScriptedTill]:
    """Bu Siti is signed in; the day is not open."""
    till = scripted_till(tmp_path)
    yield till
    till.close()


@pytest.fixture
def till(shut: ScriptedTill) -> ScriptedTill:
    """The day is open, the shelf is full, the counter is in front."""
    shut.kit.open_shop()
    shut.to("counter")
    return shut


@pytest.fixture
def evening(till: ScriptedTill) -> ScriptedTill:
    """A ration and a purse were served; Tutup Hari is in front."""
    till.ration("SRI WAHYUNI", beras_medium_5=2)
    till.buy("TUKINAH", telur_1=1)
    till.vm.counter.finish()
    till.edc.settlements = [Settlement(29_000, "000001")]
    till.to("closing")
    return till
