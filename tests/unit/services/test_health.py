"""One snapshot of how the kiosk is."""

from __future__ import annotations

from pathlib import Path

import pytest

from ewarung_pos.domain.versions import OLDEST_SETTING
from ewarung_pos.ledger.database import open_ledger
from ewarung_pos.ports import Unknown
from ewarung_pos.services.health import HealthService, KioskStatus
from tests.till_kit import LEDGER_KEY, FakeClock, TillKit
from tests.unit.services.counter import DAY_MS, RICE, begin, purse, ration, serve, tell_city


def test_a_morning_in_order(shop: TillKit) -> None:
    status, head = shop.health.status(), shop.ledger.read().head()
    assert status == KioskStatus(
        unsent=head.unsent,
        papers_owed=0,
        in_doubt=0,
        clock="",
        register_date="2026-11-01",
        register_age=23,
        families=12,
        head_seq=head.seq,
        head_hash=head.hash,
    )
    assert status.unsent > 0
    assert status.register_state == "ok"


def test_what_is_owed_and_what_is_not_certain(shop: TillKit) -> None:
    serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 1))
    attempt = begin(shop, shop.card("TUKINAH"), purse("telur-1", 1))
    shop.redeem.conclude(attempt.id, Unknown("no_answer"), "siti")
    status = shop.health.status()
    assert (status.papers_owed, status.in_doubt) == (1, 1)


def test_a_version_that_the_city_supports_no_more(shop: TillKit) -> None:
    for oldest, said in (("0.0.1", ""), ("99.1", "99.1"), ("", "")):
        with shop.ledger.write() as uow:
            uow.put_setting(OLDEST_SETTING, oldest)
        assert shop.health.status().upgrade == said


def test_a_clock_that_cannot_be_trusted(shop: TillKit) -> None:
    shop.offset[0] = -6 * 60_000
    assert shop.health.status().clock == "off_server"
    shop.clock.ms -= 10_000
    assert shop.health.status().clock == "behind_ledger"


@pytest.mark.parametrize(("days", "state"), [(37, "ok"), (38, "look"), (67, "look"), (68, "stop")])
def test_the_register_turns_yellow_after_60_days_and_red_after_90(shop: TillKit, days: int, state: str) -> None:
    shop.clock.ms += days * DAY_MS
    status = shop.health.status()
    assert (status.register_age, status.register_state) == (23 + days, state)


def test_a_register_of_unknown_age_is_looked_at(shop: TillKit) -> None:
    tell_city(shop, register_date="bulan lalu", register_source="contoh")
    status = shop.health.status()
    assert (status.register_age, status.register_state) == (-1, "look")


def test_a_kiosk_before_its_first_entry(tmp_path: Path) -> None:
    clock = FakeClock()
    ledger = open_ledger(tmp_path, LEDGER_KEY, clock, create=True, encrypted=False)
    try:
        status = HealthService(ledger, clock, lambda: None).status()
    finally:
        ledger.close()
    assert (status.head_seq, status.families, status.register_age, status.clock) == (0, 0, -1, "")
