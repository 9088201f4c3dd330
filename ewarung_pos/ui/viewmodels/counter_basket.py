"""The basket on the counter: what a press changes, and the state that shows it; pure functions."""

from __future__ import annotations

from msgspec.structs import replace

from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import Standing, check, purse_programme, ration_programme
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.redemption import Basket, Tender, priced, total_of
from ewarung_pos.domain.rights import asks_city
from ewarung_pos.ports import DeviceState
from ewarung_pos.ui.text import Trouble
from ewarung_pos.ui.viewmodels import counter_lines as lines
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Phase, ShelfRow

__all__ = ["recognised", "row_in_front", "still_sold", "with_packs", "worth"]


def recognised(
    now: CounterState,
    standing: Standing,
    basket: Basket,
    catalogue: Catalogue,
    terminal: DeviceState,
    notice: Trouble | None,
) -> CounterState:
    """Kartu dikenali with the basket as it stands; `now` says who came and which section is in front."""
    found = lines.sections(standing, basket, catalogue, terminal)
    wanted = now.section
    if wanted not in {section.id for section in found} or not now.sections:
        wanted = lines.first_of_use(found)
    sound = bool(basket.lines) and not check(basket, standing, catalogue)
    proxy = now.presence == HolderPresence.PROXY.value and not now.proxy_reason
    return replace(
        now,
        phase=Phase.RECOGNISED,
        sections=found,
        section=wanted,
        summary=lines.summary(basket, catalogue),
        to_pay=lines.to_pay(basket, catalogue),
        can_serve=sound and not proxy,
        notice=notice,
        asks_discard=False,
        steps=(),
        waiting="",
        guest=standing.guest,
        can_ask=asks_city(standing, catalogue),
    )


def row_in_front(now: CounterState, product: str) -> ShelfRow | None:
    """The product's row in the section in front, if it has one."""
    rows = (row for section in now.sections if section.id == now.section for row in section.rows)
    return next((row for row in rows if row.product == product), None)


def with_packs(
    now: CounterState, standing: Standing, basket: Basket, catalogue: Catalogue, product: str, packs: int
) -> Basket | None:
    """The basket with so many packs in the section in front, kept between 0 and what lease and stock allow."""
    row = row_in_front(now, product)
    if row is None:
        return None
    tender, commodity = Tender(now.section), catalogue.product(product).commodity
    programme = ""
    if tender is Tender.RATION:
        programme = ration_programme(standing, catalogue, commodity) or ""
    elif tender is Tender.PURSE:
        programme = purse_programme(standing, catalogue, commodity) or ""
    return basket.with_packs(product, max(0, min(packs, row.most)), tender, programme)


def still_sold(basket: Basket, catalogue: Catalogue) -> Basket:
    """The basket without what the catalogue no longer knows."""
    return Basket(tuple(line for line in basket.lines if catalogue.knows(line.product)))


def worth(basket: Basket, catalogue: Catalogue) -> int:
    """Rupiah that the family is shown to pay, by purse and in cash."""
    return total_of(priced(basket, catalogue), Tender.PURSE, Tender.CASH).amount
