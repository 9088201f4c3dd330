"""A morning with an EDC on the network (POSe Link) in a bad mood: the ledger and the EDC agree to the rupiah."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.devices.simulated.edc import spawn
from tests.system.kit import bank, book, demo_command, morning, moved, refused, run, said, same_at_the_city, same_money

pytestmark = pytest.mark.system

Rules = list[dict[str, Any]]

# The first inquiry of a day is the look whether the EDC understands the till.
BAD: Rules = [
    {"on": "sale", "nth": 1, "do": "hangup_after_ack"},
    {"on": "sale", "nth": 2, "do": "wrong_amount"},
    {"on": "sale", "nth": 3, "do": "busy"},
    {"on": "sale", "nth": 4, "do": "host_timeout", "approved": True},
    {"on": "sale", "nth": 5, "do": "wrong_trx_id"},
    {"on": "sale", "nth": 6, "do": "other_card"},
    {"on": "inquiry", "nth": 2, "do": "hangup_after_ack"},
    {"on": "void", "nth": 1, "do": "hangup_after_ack"},
    {"on": "any", "every": 3, "do": "split"},
    {"on": "any", "every": 5, "do": "garbage_before"},
    {"on": "settle", "nth": 1, "do": "hangup_before_ack", "processed": True},
]
WORSE: Rules = [
    {"on": "any", "every": 5, "do": "split"},
    {"on": "any", "every": 7, "do": "duplicate_response", "ms": 3},
    {"on": "any", "every": 11, "do": "garbage_before"},
    {"on": "any", "every": 17, "do": "hangup_after_ack"},
    {"on": "sale", "every": 4, "do": "no_ack"},
    {"on": "sale", "every": 5, "do": "drop_response"},
    {"on": "sale", "every": 6, "do": "hangup_before_ack"},
    {"on": "sale", "every": 7, "do": "hangup_before_ack", "processed": True},
    {"on": "sale", "every": 8, "do": "wrong_trx_id"},
    {"on": "sale", "every": 9, "do": "short"},
    {"on": "sale", "every": 10, "do": "late_response", "ms": 4500},
    {"on": "sale", "every": 13, "do": "other_card"},
    {"on": "void", "every": 2, "do": "drop_response"},
    {"on": "inquiry", "every": 4, "do": "busy"},
    {"on": "inquiry", "every": 6, "do": "drop_response"},
    {"on": "inquiry", "every": 9, "do": "wrong_trx_id"},
]


def serve(place: Path, faults: Rules, redemptions: int, timeout: float = 110) -> None:
    """A whole morning, and then every book against every other."""
    script, journal, folder = place / "faults.json", place / "bank.jsonl", place / "till"
    script.write_text(json.dumps(faults))
    with spawn(listen="wss://127.0.0.1:0", faults=script, journal=journal) as at:
        summary, _ = morning(folder, redemptions, "--edc", at.url, timeout=timeout)
    assert summary["redemptions"] == redemptions
    assert summary["overspend"] == 0
    same_money(folder, journal)
    assert summary["edc_approved"] == moved(journal) > 0
    asked = [slip["ref"] for slip in bank(journal) if slip["kind"] == "sale"]
    assert len(asked) == len(set(asked)), "a sale was asked for twice"
    opened = {fact["attempt"] for fact in book(folder).facts("AttemptOpened")}
    assert set(asked) <= opened, "a sale was asked for that the ledger does not know"
    [sealed] = book(folder).facts("DayClosed")
    assert sealed["edc"]["amount"] == moved(journal)
    assert said(folder)["ok"]
    same_at_the_city(folder)


def test_network_terminal_and_ledger_agree_to_the_rupiah(tmp_path: Path) -> None:
    serve(tmp_path, BAD, 8)


@pytest.mark.torture
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mood", ["BAD", "WORSE"])
def test_a_long_morning_in_every_mood(tmp_path: Path, mood: str) -> None:
    serve(tmp_path, globals()[mood], 60, timeout=800)


def test_an_edc_that_is_not_the_one_is_said_at_once_and_nothing_is_made(tmp_path: Path) -> None:
    with spawn(listen="wss://127.0.0.1:0") as at:
        address, _, _ = at.url.partition("#")
        for url, why in ((address, "sidik jari"), (f"{address}#{'ab' * 32}", "sertifikat di sana lain")):
            told = refused(run(*demo_command(tmp_path / "till", 2, "--json", "--edc", url), timeout=30), 2)
            assert why in told
    told = refused(run(*demo_command(tmp_path / "till", 2, "--json", "--edc", at.url), timeout=30), 2)
    assert "tidak ada yang menjawab" in told
    assert not (tmp_path / "till" / "ledger.db").exists()
    assert not (tmp_path / "till" / "city").exists()
