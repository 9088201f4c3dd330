"""The lamp of an EDC beside another reader follows its cable while nobody is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from ewarung_pos.ports import CardPresented, DeviceState, DeviceStatus
from ewarung_pos.ui.viewmodels.counter_state import Phase
from ewarung_pos.ui.viewmodels.terminal_watch import LOOK_MS
from tests.till_kit import till_kit
from tests.unit.viewmodels.till import CityLine, Edc, ScriptedTill, assembled, sign_in


class ChipAndEdc(Edc):
    """A chip reader that is always well, and the EDC beside it, whose state only a look finds out."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.cable = DeviceState.READY
        self.seen = DeviceState.READY

    def look(self) -> DeviceStatus:
        self.seen = self.cable
        super().look()
        return self.status()

    def status(self) -> DeviceStatus:
        return DeviceStatus(self.seen)


def till_with(folder: Path, source: str) -> tuple[ScriptedTill, ChipAndEdc]:
    kit = till_kit(folder, encrypted=False, families=12)
    kit.open_shop()
    edc = ChipAndEdc(source)
    till = assembled(kit, kit.ledger, edc, CityLine())
    sign_in(till)
    till.settle()
    return till, edc


def looks(till: ScriptedTill, seconds: int) -> int:
    before = till.edc.asked.count("look")
    for _ in range(seconds):
        till.settle(1_000)
    return till.edc.asked.count("look") - before


def test_the_lamp_follows_the_cable(tmp_path: Path) -> None:
    till, edc = till_with(tmp_path, "pcsc")
    for cable, tone in ((DeviceState.AWAY, "stop"), (DeviceState.READY, "ok")):
        edc.cable = cable
        till.settle(LOOK_MS)
        till.settle()
        assert till.vm.shell.state.lamps[0].tone == tone


def test_it_is_looked_at_each_two_seconds_and_not_oftener(tmp_path: Path) -> None:
    till, _ = till_with(tmp_path, "pcsc")
    assert looks(till, 20) == 10


def test_nobody_looks_while_a_family_is_served(tmp_path: Path) -> None:
    till, _ = till_with(tmp_path, "pcsc")
    till.vm.counter.present(CardPresented(till.kit.card("SUMINAH")))
    till.settle()
    assert till.vm.counter.state.phase is Phase.RECOGNISED
    assert looks(till, 10) == 0


@pytest.mark.parametrize("screen", ["history", "devices"])
def test_nobody_looks_from_another_screen(tmp_path: Path, screen: str) -> None:
    till, _ = till_with(tmp_path, "pcsc")
    till.to(screen)
    assert looks(till, 10) == 0


def test_an_edc_that_reads_the_cards_is_seen_by_that(tmp_path: Path) -> None:
    till, _ = till_with(tmp_path, "ecr")
    assert looks(till, 10) == 0


def test_a_till_that_stopped_looks_no_more(tmp_path: Path) -> None:
    till, _ = till_with(tmp_path, "pcsc")
    till.vm.stop()
    assert looks(till, 10) == 0
