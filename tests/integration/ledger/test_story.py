"""One day at the counter, as the ledger keeps it."""

from __future__ import annotations

from ewarung_pos.domain.journal import Redeemed
from ewarung_pos.domain.timeline import BusinessDate, Period
from ewarung_pos.ledger.database import SqlLedger
from tests.integration.ledger.kiosk import eggs, rice, serve

TODAY = BusinessDate("2026-11-24")


def test_a_redemption_moves_lease_stock_and_paper_together(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        entry = serve(uow, "F0001", rice(1), eggs(2))
    reader = ledger.read()
    assert [(lease.commodity, lease.left.amount) for lease in reader.leases("F0001", Period("2026-11"))] == [
        ("beras", 5000),
        ("telur", 10),
    ]
    assert reader.stock() == {"B5": 99, "T10": 98}
    assert [(job.entry, job.receipt) for job in reader.print_jobs()] == [(entry.id, 1)]
    assert reader.last_visit("F0001") == TODAY
    assert reader.totals(TODAY).agrees
    assert isinstance(entry.fact, Redeemed)
    assert reader.head().seq == 5
    print(reader.totals(TODAY), reader.tally(TODAY), reader.history(TODAY), reader.head(), reader.history(None,"keluarga"))
