"""What a restore says of the ledger that it replaced."""

from __future__ import annotations

from typing import Any

import pytest

from ewarung_pos.ui.text_copies import ENROL_AGAIN, restored_words

DONE: dict[str, Any] = {
    "device": "EW-0001",
    "epoch": 1,
    "entries": 4,
    "in_doubt": 0,
    "replaced": "/data/ledger-EW-0001-1-replaced-1.db",
    "replaced_epoch": 1,
    "replaced_entries": 4,
    "replaced_ok": True,
    "replaced_serves": False,
    "log": "",
    "city": None,
}


@pytest.mark.parametrize("serves", [True, False])
def test_a_replaced_ledger_that_would_still_serve_is_named(serves: bool) -> None:
    said = restored_words(DONE | {"replaced_serves": serves})
    assert any("jangan dipasang lagi" in line for line in said) is serves
    assert said[-1] == f"Lakukan sekarang: {ENROL_AGAIN}"


@pytest.mark.parametrize(("epoch", "entries", "fuller"), [(1, 5, True), (2, 5, False), (1, 4, False)])
def test_a_replaced_ledger_of_the_same_epoch_that_holds_more_is_recommended(
    epoch: int, entries: int, fuller: bool
) -> None:
    said = restored_words(DONE | {"epoch": epoch, "replaced_entries": entries})
    assert any("lebih lengkap" in line for line in said) is fuller


def test_a_log_that_stood_alone_is_named_with_what_it_may_hold() -> None:
    assert not any("log-1" in line for line in restored_words(DONE))
    said = restored_words(DONE | {"replaced": "", "log": "/data/ledger-EW-0001-1-log-1.db-wal"})
    (line,) = (line for line in said if "log-1" in line)
    assert "jangan dihapus" in line.lower()
    assert "petugas kota" in line
