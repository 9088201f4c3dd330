"""kill -9 at random moments: what was acknowledged is in the ledger, once, and the day ends as if nothing happened."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ewarung_pos.devices.simulated.edc import spawn
from tests.system.kit import book, demo_command, morning, other_connection, run
from tests.system.lives import Life, all_is_well, live_and_die, told_in

pytestmark = pytest.mark.system


@pytest.mark.timeout(300)
def test_killed_again_and_again_the_day_still_ends_whole(tmp_path: Path) -> None:
    folder, words = tmp_path / "till", tmp_path / "words"
    rng = random.Random(2026)
    # Two deaths fall into enrolment, one life is long enough to serve somebody; of the others some end at the counter.
    lives: list[Life | float] = [
        0.9,
        1.2,
        Life(rng.uniform(0, 0.5), served=5),
        2.0,
        *(rng.uniform(1.9, 2.9) for _ in range(2)),
    ]
    lives += [Life(rng.uniform(0, 0.5), served=served) for served in (1, 2)]
    live_and_die(folder, lives, 30, words)
    summary, last = morning(folder, 30, "--resume")
    told = told_in(words.read_text() + last)
    assert len(told) >= 5, "the till was killed before it served anybody"
    all_is_well(folder, folder / "edc-journal.jsonl", summary, told, 30)
    again = run(*demo_command(folder, 30, "--resume", "--json"))
    assert again.returncode == 0, again.stderr
    assert book(folder).receipts == list(range(1, summary["receipts_printed"] + 1)), "a sealed day stays as it is"


def test_a_till_that_died_while_it_looked_at_the_pin_signs_in_after_the_pause(tmp_path: Path) -> None:
    """Each such try counts as a wrong one, for nobody knows what it was; and the right one ends the count."""
    folder = tmp_path / "till"
    morning(folder, 1)
    with other_connection(folder) as connection:
        connection.execute("INSERT INTO pin_failure VALUES ('siti', 2)")
        connection.commit()
    summary, _ = morning(folder, 1, "--resume")
    assert summary["redemptions"] == 1
    with other_connection(folder) as connection:
        assert connection.execute("SELECT count(*) FROM pin_failure").fetchone() == (0,)


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_killed_sixty_times_over_with_a_misbehaving_terminal(tmp_path: Path, seed: int) -> None:
    folder, words, journal = tmp_path / "till", tmp_path / "words", tmp_path / "bank.jsonl"
    faults = tmp_path / "faults.json"
    faults.write_text(
        '[{"on": "sale", "every": 3, "do": "late_response", "ms": 700}, {"on": "any", "every": 7, "do": "split"},'
        ' {"on": "sale", "every": 5, "do": "drop_response"}, {"on": "void", "nth": 1, "do": "drop_response"}]'
    )
    rng = random.Random(seed)
    lives = [4.5, *(rng.uniform(0.3, 6.0) for _ in range(15))]
    if seed % 2:
        live_and_die(folder, lives, 60, words)
        summary, last = morning(folder, 60, "--resume", timeout=300)
        journal = folder / "edc-journal.jsonl"
    else:
        with spawn(pty=tmp_path / "edc", journal=journal, faults=faults) as terminal:
            live_and_die(folder, lives, 60, words, "--edc", terminal.url)
            summary, last = morning(folder, 60, "--resume", "--edc", terminal.url, timeout=300)
    told = told_in(words.read_text() + last)
    all_is_well(folder, journal, summary, told, 60)
