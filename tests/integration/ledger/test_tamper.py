"""A few hundred edits of the tamper corpus with every run of the tests; `make torture` does more than ten thousand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.torture.tamper import RESIDUE, Corpus
from tests.torture.tamper_sample import KEY, Sample, build


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    made = build(tmp_path_factory.mktemp("sample"))
    yield made
    made.city.close()


def test_every_edit_is_found_here_or_by_the_city_but_for_the_named_residue(sample: Sample, tmp_path: Path) -> None:
    table = Corpus(sample, tmp_path, seed=1).run(280)
    assert table.wrong == []
    assert table.tried > 250
    assert table.excuses.keys() <= RESIDUE


def test_a_corpus_that_finds_nothing_says_so(sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with a `verify` that looks away, and before the city is asked, edits survive and are told."""
    from ewarung_pos.ledger.verify import verify
    from tests.torture import tamper

    real = verify(sample.main, KEY)
    corpus = Corpus(sample, tmp_path, seed=1)
    monkeypatch.setattr(tamper, "verify", lambda *_: real)
    table = corpus.run(40)
    assert len(table.wrong) > 20
