"""The four broken rules of sync.md section 6, put into the program itself: the machine has to find each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from ewarung_city import feed, grants, leases, recalls, recovery, rights, settle
from ewarung_city.rights import Right
from ewarung_city.settle import Freed
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.state import StatePage
from ewarung_pos.sync.protocol import PAGE_BYTES

__all__ = ["MUTANTS"]

_page_for = feed.page_for


def cached_balance(patch: pytest.MonkeyPatch) -> None:
    """What counts is the balance as last reported, and not what every kiosk was promised."""

    def reported(row: Row) -> int:
        return max(0, int(row["spent"]) - int(row["returned"]))

    for module in (rights, leases, recalls):
        patch.setattr(module, "outstanding", reported)


def cap_per_kiosk(patch: pytest.MonkeyPatch) -> None:
    """Each kiosk may have the family's ration, whatever the others have."""

    def give(tx: Tx, device: str, epoch: int, wanted: Iterable[tuple[Right, int]]) -> list[int]:
        capped = []
        for right, amount in wanted:
            own = [row for row in right.leases if row["device"] == device]
            right.leases = own
            capped.append((right, amount))
        return rights.give(tx, device, epoch, capped)

    for module in (grants, settle):
        patch.setattr(module, "give", give)


def surrender_before_its_commit(patch: pytest.MonkeyPatch) -> None:
    """What a kiosk is asked to give back counts as given once it was told, before its disk holds that."""

    def page_for(tx: Tx, device: str, epoch: int, cursor: int, most: int = PAGE_BYTES) -> StatePage:
        page = _page_for(tx, device, epoch, cursor, most)
        freed = []
        for wish in page.surrenders:
            key = {name: getattr(wish, name) for name in ("family", "programme", "period", "commodity")}
            held = tx.one(schema.lease, device=device, epoch=epoch, **key)
            more = wish.surrendered - int(held["surrendered"]) if held is not None else 0
            if more > 0:
                tx.change(schema.lease, {"surrendered": wish.surrendered}, device=device, epoch=epoch, **key)
                freed.append(Freed(**key, amount=more, asked=True))
        settle.settle(tx, device, epoch, freed, max((int(row["asked_ms"]) for row in tx.all(schema.recall)), default=0))
        return page

    patch.setattr(feed, "page_for", page_for)


def no_recovery(patch: pytest.MonkeyPatch) -> None:
    """A city that was put back from an old copy goes on as if nothing had happened."""

    def nobody(tx: Tx, device: str = "", epoch: int = 0) -> list[str]:
        return []

    patch.setattr(leases, "restored", nobody)
    for module in (leases, recovery):
        patch.setattr(module, "recovering", nobody)


MUTANTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    broken.__name__: broken for broken in (cached_balance, cap_per_kiosk, surrender_before_its_commit, no_recovery)
}
