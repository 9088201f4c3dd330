"""Whole programs take the machine's clock: none of their tests begins shortly before a day ends in Semarang."""

from __future__ import annotations

import time
from collections.abc import Generator

import pytest

DAY_S = 86_400
WIB_S = 7 * 3_600
NEAR_S = 120
"""Longer than such a test takes."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a day that is about to end be over first, before any limit of the test begins.

    A till that is started again on the next day opens that one, and when the month is another one the day under way
    serves nobody: as it should, and as tests with a told clock show.
    """
    left = DAY_S - (time.time() + WIB_S) % DAY_S
    if left < NEAR_S and item.get_closest_marker("system"):
        time.sleep(left + 1)
    return (yield)
