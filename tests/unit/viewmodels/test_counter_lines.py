"""The counter's lines, as far as no till is needed for them."""

from __future__ import annotations

from ewarung_pos.domain.business_day import DayTotals
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.redemption import Basket, BasketLine, Tender, priced
from ewarung_pos.ports import Tally
from ewarung_pos.ui.viewmodels import counter_lines as lines
from ewarung_pos.ui.viewmodels.closing_sheet import figures_of
from tests.till_kit import state_page

CATALOGUE = state_page((), "2026-11").catalogue or Catalogue()
MANY = Basket((BasketLine("gula-1", 1_200, Tender.CASH),))


def test_every_count_has_its_thousands_point() -> None:
    tally = Tally(1_037, (("beras", 10_370_000),), 0)
    assert [item.value for item in lines.tally_items(tally, CATALOGUE)] == ["1.037", "10.370 kg"]
    assert lines.summary(MANY, CATALOGUE) == "1.200 gula"
    picks = lines.picks(priced(MANY, CATALOGUE), CATALOGUE, frozenset())
    assert [pick.text for pick in picks] == ["Terima tunai Rp21.000.000", "1.200 bungkus Gula pasir 1 kg"]
    totals = DayTotals(families=1_041, redemptions=1_045, reversals=1_001, refused=1_003, receipts=2_046, copies=1_002)
    assert [figure for _, figure in figures_of(totals)][:5] == [
        "1.041",
        "1.045",
        "1.001",
        "1.003",
        "2.046 (salinan 1.002)",
    ]
