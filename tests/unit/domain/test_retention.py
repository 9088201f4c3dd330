"""Who is still known to a kiosk, and who is not any more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.domain.family import CardStatus
from ewarung_pos.domain.retention import Due, Presence, due
from ewarung_pos.domain.timeline import Period

NOW = Period("2026-11")
HERE = "EW-0001"


def family(
    last: str = "",
    *,
    home: str = HERE,
    status: CardStatus = CardStatus.ACTIVE,
    since: str = "2020-01",
    doubt: bool = False,
) -> Presence:
    return Presence("K1", home, status, last, since, doubt)


@pytest.mark.parametrize(
    ("months", "last", "gone"),
    [
        (12, "2025-11", False),
        (12, "2025-10", True),
        (1, "2026-10", False),
        (1, "2026-09", True),
        (11, "2025-11", True),
        (10, "2026-01", False),
        (12, "", True),
        (12, "2027-02", False),
    ],
)
def test_a_family_is_kept_so_many_months_after_its_last_right_or_visit(months: int, last: str, gone: bool) -> None:
    assert due((family(last),), HERE, NOW, months) == Due(("K1",) if gone else (), ())


def test_a_family_that_has_just_come_is_kept_though_it_never_had_a_right() -> None:
    assert due((family(since="2026-11"), family(since="2025-11")), HERE, NOW, 12) == Due((), ())


@pytest.mark.parametrize(
    ("moved", "last", "gone"),
    [
        ({"home": "EW-0002"}, "2026-11", False),
        ({"home": "EW-0002"}, "2026-10", True),
        ({"home": "EW-0002"}, "", True),
        ({"status": CardStatus.MOVED}, "2026-10", True),
        ({"status": CardStatus.MOVED}, "2026-11", False),
        ({"status": CardStatus.DECEASED}, "2026-10", False),
        ({"status": CardStatus.BLOCKED}, "2026-10", False),
    ],
)
def test_a_family_that_moved_away_goes_when_its_last_month_here_is_over(
    moved: dict[str, object], last: str, gone: bool
) -> None:
    found = due((family(last, since="2026-11", **moved),), HERE, NOW, 12)  # type: ignore[arg-type]  # one of two fields
    assert found == Due((), ("K1",) if gone else ())


def test_nobody_goes_whose_debit_is_in_doubt() -> None:
    doubtful = (family("2020-01", doubt=True), family("2020-01", home="EW-0002", doubt=True))
    assert due(doubtful, HERE, NOW, 12) == Due((), ())


MONTHS = st.builds(lambda year, month: f"{year:04d}-{month:02d}", st.integers(2020, 2030), st.integers(1, 12))


@given(MONTHS, MONTHS, st.integers(1, 120))
def test_whoever_had_a_right_last_month_stays(now: str, last: str, months: int) -> None:
    """The city counts on it: it tells a kiosk again only of families that had no right in the month before."""
    year, month = int(now[:4]), int(now[5:])
    month_before = f"{year - (month == 1):04d}-{(month - 2) % 12 + 1:02d}"
    gone = due((family(max(last, month_before)),), HERE, Period(now), months)
    assert gone == Due((), ())
