"""Tutup Hari, step by step, in the words of the tests."""

from __future__ import annotations

from ewarung_pos.domain.journal import DayClosed
from ewarung_pos.ui.viewmodels.closing_sheet import CountRow
from ewarung_pos.ui.viewmodels.closing_state import ClosingState
from tests.unit.services.counter import facts
from tests.unit.viewmodels.till import ScriptedTill

__all__ = ["begin", "closed", "count", "explain", "notice", "row", "seal", "state", "to_the_seal", "up_to_the_seal"]


def state(till: ScriptedTill) -> ClosingState:
    return till.vm.closing.state


def row(till: ScriptedTill, product: str) -> CountRow:
    return next(found for found in state(till).rows if found.product == product)


def begin(till: ScriptedTill) -> None:
    till.vm.closing.begin()
    till.settle()


def count(till: ScriptedTill, **short: int) -> None:
    """Count everything, so many packs fewer of some."""
    book = till.kit.ledger.read().stock()
    fewer = {product.replace("_", "-"): packs for product, packs in short.items()}
    for each in state(till).rows:
        till.vm.closing.set_count(each.product, book[each.product] - fewer.get(each.product, 0))
    till.vm.closing.count_done()
    till.settle()


def explain(till: ScriptedTill, pin: str = "") -> None:
    till.vm.closing.explain_done(pin)
    till.settle()


def to_the_seal(till: ScriptedTill) -> None:
    till.vm.closing.send_done()
    till.settle()


def seal(till: ScriptedTill) -> None:
    till.vm.closing.seal()
    till.settle()


def closed(till: ScriptedTill) -> DayClosed:
    return next(fact for fact in facts(till.kit) if isinstance(fact, DayClosed))


def notice(till: ScriptedTill) -> str:
    found = state(till).notice
    return found.code if found is not None else ""


def up_to_the_seal(till: ScriptedTill) -> None:
    begin(till)
    count(till)
    explain(till)
    to_the_seal(till)
