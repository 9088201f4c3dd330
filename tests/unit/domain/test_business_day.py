"""When a business day serves, and what keeps it from being sealed."""

from __future__ import annotations

import msgspec
import pytest

from ewarung_pos.domain.business_day import ControlLine, Day, DayState, DayTotals, EdcTotals, blocking_close
from ewarung_pos.domain.units import Unit

replace = msgspec.structs.replace
GOOD = ControlLine("beras", Unit.GRAM, 10_000, 10_000, 10_000, 10_000)
TOTALS = DayTotals(purse=135_000, control=(GOOD,))
EXPLAINED = Day(DayState.EXPLAINED)


@pytest.mark.parametrize("state", DayState)
def test_only_an_open_day_serves(state: DayState) -> None:
    assert Day(state).serving is (state is DayState.OPEN)


@pytest.mark.parametrize("figure", ["debited", "issued", "receipted", "moved"])
def test_one_figure_that_tells_another_story_is_enough(figure: str) -> None:
    assert GOOD.agrees
    line = replace(GOOD, **{figure: 9_999})
    assert not line.agrees
    assert not DayTotals(control=(GOOD, line)).agrees


def test_a_day_without_redemptions_agrees() -> None:
    assert DayTotals().agrees


@pytest.mark.parametrize("state", [state for state in DayState if state is not DayState.EXPLAINED])
def test_a_day_is_sealed_only_when_every_difference_is_explained(state: DayState) -> None:
    assert blocking_close(Day(state), TOTALS, None) == "not_explained"


@pytest.mark.parametrize(
    ("totals", "edc", "blocked"),
    [
        (TOTALS, None, None),
        (TOTALS, EdcTotals(135_000), None),
        (TOTALS, EdcTotals(135_001), "edc"),
        (TOTALS, EdcTotals(0, explanation="  "), "edc"),
        (TOTALS, EdcTotals(0, explanation="EDC dipakai juga untuk tarik tunai"), None),
        (replace(TOTALS, in_doubt=1), None, "in_doubt"),
        (replace(TOTALS, control=(replace(GOOD, moved=0),)), None, "control"),
        (replace(TOTALS, in_doubt=1, control=(replace(GOOD, moved=0),)), EdcTotals(1), "in_doubt"),
    ],
)
def test_what_keeps_an_explained_day_open(totals: DayTotals, edc: EdcTotals | None, blocked: str | None) -> None:
    assert blocking_close(EXPLAINED, totals, edc) == blocked
