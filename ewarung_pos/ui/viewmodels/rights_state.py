"""What the pages show where rights are asked for: one frozen state, and how the hardship pool fills it."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from ewarung_pos.domain.entitlement import check
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.rights import HardshipReason
from ewarung_pos.domain.units import Quantity
from ewarung_pos.ports import DeviceState
from ewarung_pos.services.hardship import HardshipOffer
from ewarung_pos.ui.text import Trouble
from ewarung_pos.ui.viewmodels import counter_lines as lines
from ewarung_pos.ui.viewmodels.counter_state import Person, ShelfRow

__all__ = ["HARDSHIP_REASONS", "RightsState", "with_pool"]

HARDSHIP_REASONS: tuple[tuple[str, str], ...] = tuple((reason.value, reason.label) for reason in HardshipReason)
"""(value, label) of every reason to serve from the pool."""


class RightsState(msgspec.Struct, frozen=True):
    """What is in front: `mode` is empty (nothing), waiting, answer, home, pool, why or pin.

    Attributes:
        person: the family, as far as it is known here; `last4` of the card.
        waiting: what is waited for, and for how long.
        answer: what the city said, or that it said nothing.
        can_ask: it may be asked again; `can_help`: the pool may be tried; `can_move`: this kiosk may become the
            home; `can_carry`: the request may go with the next stick.
        rows, left, summary: goods of the pool, what is left in it, and what was chosen.
        reason, stranger: why, and whether the name is asked for too.
        busy: something is being recorded. notice: why it was not.
    """

    mode: str = ""
    person: Person | None = None
    last4: str = ""
    waiting: str = ""
    answer: Trouble | None = None
    can_ask: bool = False
    can_help: bool = False
    can_move: bool = False
    can_carry: bool = False
    rows: tuple[ShelfRow, ...] = ()
    left: str = ""
    summary: str = ""
    can_go_on: bool = False
    presence: str = "sendiri"
    proxy_reason: str = ""
    reason: str = ""
    stranger: bool = False
    busy: bool = False
    notice: Trouble | None = None


def with_pool(now: RightsState, offer: HardshipOffer, basket: Basket) -> RightsState:
    """The pool's goods with the basket as it stands, what is left in it, and whether that may be served."""
    standing, catalogue = offer.standing, offer.catalogue
    found = lines.sections(standing, basket, catalogue, DeviceState.NONE)
    rows = next((section.rows for section in found if section.id == Tender.RATION.value), ())
    left = [
        f"{catalogue.short(lease.commodity).lower()} {Quantity(lease.rest, lease.unit)}" for lease in standing.leases
    ]
    proxy = now.presence == HolderPresence.PROXY.value and not now.proxy_reason
    sound = bool(basket.lines) and not check(basket, standing, catalogue) and not proxy
    summary = lines.summary(basket, catalogue)
    return replace(now, rows=rows, left=" · ".join(left), summary=summary, can_go_on=sound)
