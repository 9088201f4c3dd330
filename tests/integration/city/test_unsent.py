"""How many entries wait for the city is true at every moment: after each thing that can happen to one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ewarung_pos.domain.journal import CityAcknowledged
from ewarung_pos.ledger.backup import back_up
from ewarung_pos.ledger.database import open_ledger
from ewarung_pos.ledger.restore import LedgerFile, restore
from ewarung_pos.services.health import HealthService
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.sync.stick import Stick
from tests.integration.city.city_kit import LEDGER_KEY, LiveCity, Till, Wire, through
from tests.integration.city.moving import Kiosk, at_home, facts, serve
from tests.integration.city.test_bundles import at_the_city

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="session")


def unsent(till: Till) -> int:
    """What everybody says, who must say the same as the entries themselves."""
    head = till.ledger.read().head()
    waiting = [
        fact
        for seq, fact in enumerate(facts(till), 1)
        if seq > head.acked_seq and not isinstance(fact, CityAcknowledged)
    ]
    assert head.unsent == len(waiting)
    assert HealthService(till.ledger, till.clock, lambda: None).status().unsent == head.unsent
    return head.unsent


def test_what_waits_is_counted_right_after_each_thing_that_can_happen(
    city: LiveCity, kiosk: Kiosk, wires: Callable[..., Wire], tmp_path: Path
) -> None:
    till = kiosk("EW-0001")
    assert unsent(till) == 2  # the day was opened, rice came
    till.drain()
    assert unsent(till) == 0
    family, other, third = (at_home(city, which=place) for place in range(3))

    serve(till, family)
    assert unsent(till) == 1

    deaf = wires(through(city.url, lambda answer: b"" if b'"acked_seq"' in answer else answer))
    till.reconnect(deaf.url)
    assert till.engine.step().code
    assert unsent(till) == 1, "the city has it, and the till has not heard so"
    till.reconnect(city.url)
    assert till.engine.step().unsent == 0
    assert unsent(till) == 0

    serve(till, other)
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for path in till.data_dir.iterdir():  # as the disk holds it at this moment; nobody closed anything
        (crashed / path.name).write_bytes(path.read_bytes())
    again = open_ledger(crashed, LEDGER_KEY, till.clock)
    try:
        assert again.read().head().unsent == 1
    finally:
        again.close()

    copy = Path(back_up(till.data_dir / "ledger.db", LEDGER_KEY, tmp_path).path)
    elsewhere = tmp_path / "restored"
    elsewhere.mkdir()
    restore(copy, elsewhere, LEDGER_KEY)
    with LedgerFile(elsewhere / "ledger.db", LEDGER_KEY) as held:
        assert held.head().unsent == 1

    usb = tmp_path / "usb"
    usb.mkdir()
    stick = Stick(till.ledger, till.clock, till.data_dir)
    saved = stick.save(str(usb))
    assert unsent(till) == 1, "what is on a stick has arrived nowhere"
    reply = at_the_city(city, (usb / saved.file).read_bytes()).reply
    assert unsent(till) == 1
    serve(till, third)
    assert unsent(till) == 2
    (usb / "reply.bundle").write_bytes(reply)
    report = stick.fetch(str(usb)).report
    assert (report.sent, report.unsent) == (1 + 1, 1)  # the sale, and the acknowledgement below it
    assert unsent(till) == 1
    assert stick.fetch(str(usb)).report.unsent == 1
    engine = SyncEngine(till.ledger, till.clock, "")
    assert engine.step().unsent == unsent(till) == 1
    engine.close()
    till.drain()
    assert unsent(till) == 0
