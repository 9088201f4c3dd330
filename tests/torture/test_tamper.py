"""More than ten thousand edits of a ledger by somebody who knows its key, seed by seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.torture.tamper import Corpus
from tests.torture.tamper_sample import Sample, build

EDITS, SEEDS = 2_100, (11, 12, 13, 14, 15)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    made = build(tmp_path_factory.mktemp("sample"))
    yield made
    made.city.close()


@pytest.mark.torture
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_edit_is_found_here_or_by_the_city_but_for_the_named_residue(
    sample: Sample, tmp_path: Path, seed: int, record_property: Callable[[str, object], None]
) -> None:
    table = Corpus(sample, tmp_path, seed).run(EDITS)
    record_property("figures", f"seed {seed}\n{table.text()}")
    assert table.wrong == []
    assert table.tried * len(SEEDS) >= 10_000
