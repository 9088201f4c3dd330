"""A till with twelve of the sample's families, its day open and its shelf full, or not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.till_kit import TillKit, till_kit


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[TillKit]:
    kit = till_kit(tmp_path, encrypted=False, families=12)
    yield kit
    kit.ledger.close()


@pytest.fixture
def shop(kit: TillKit) -> TillKit:
    kit.open_shop()
    return kit
