"""Which version of the till is older, and which text is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.domain.versions import OLDEST_SETTING, is_older, is_version, to_install


@pytest.mark.parametrize(
    ("version", "than", "older"),
    [
        ("0.1.0", "0.2.0", True),
        ("0.9.0", "0.10.0", True),
        ("0.10.0", "0.9.9", False),
        ("1.0", "1.0.0", False),
        ("1", "1.0.0.1", True),
        ("1.0.0", "1", False),
        ("0.01", "0.1", False),
        ("0", "0.0.1", True),
    ],
)
def test_versions_are_compared_number_by_number(version: str, than: str, older: bool) -> None:
    assert is_older(version, than) is older


NONSENSE = (
    *("", " ", "v1.0", "1.", ".1", "1..2", "1.2.3.4.5", "-1", "1.0rc1", "1,0", "1234567", "1.0\n", "satu"),
    "\uff11.0",  # a digit, but not one of ours
)


@pytest.mark.parametrize("said", NONSENSE)
def test_what_is_no_version_is_not_compared(said: str) -> None:
    assert not is_version(said)
    for pair in ((said, "1.0"), ("1.0", said)):
        with pytest.raises(ValueError, match="not a version"):
            is_older(*pair)


@given(*(st.lists(st.integers(0, 999_999), min_size=1, max_size=4) for _ in range(2)))
def test_of_two_versions_at_most_one_is_older(one: list[int], other: list[int]) -> None:
    said = [".".join(map(str, numbers)) for numbers in (one, other)]
    padded = [numbers + [0] * (4 - len(numbers)) for numbers in (one, other)]
    assert is_older(said[0], said[1]) is (padded[0] < padded[1])
    assert is_older(said[1], said[0]) is (padded[1] < padded[0])


def test_a_till_that_the_city_supports_is_told_nothing() -> None:
    assert to_install({}, "0.1.0") == ""
    assert to_install({OLDEST_SETTING: ""}, "0.1.0") == ""
    assert to_install({OLDEST_SETTING: "0.1.0"}, "0.1.0") == ""
    assert to_install({OLDEST_SETTING: "0.2"}, "0.1.0") == "0.2"
    assert to_install({OLDEST_SETTING: "soon"}, "0.1.0") == ""
    assert to_install({OLDEST_SETTING: "0.2"}, "0.1.0rc1") == ""
