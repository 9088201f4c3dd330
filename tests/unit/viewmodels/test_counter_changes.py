"""The counter while something changes under it: prices, goods, and who works the till."""

from __future__ import annotations

import msgspec
import pytest

from ewarung_pos.domain.catalogue import Product
from ewarung_pos.domain.journal import AttemptSettled, Redeemed
from ewarung_pos.domain.units import Rupiah
from ewarung_pos.ports import DeviceState, Unknown
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Phase
from tests.unit.services.counter import entries, facts, tell_city
from tests.unit.viewmodels.till import LEADER, ScriptedTill, approval

EGGS = "telur-1"


def products(till: ScriptedTill) -> tuple[Product, ...]:
    return till.kit.ledger.read().catalogue().products


def send(till: ScriptedTill, *kept: Product, cursor: int = 2) -> None:
    catalogue = msgspec.structs.replace(till.kit.ledger.read().catalogue(), products=kept)
    tell_city(till.kit, catalogue=catalogue, cursor=cursor)


def dearer(till: ScriptedTill) -> None:
    send(till, *(msgspec.structs.replace(p, price=Rupiah(99_000)) if p.code == EGGS else p for p in products(till)))


def without_eggs(till: ScriptedTill) -> None:
    send(till, *(p for p in products(till) if p.code != EGGS))


def redeemed(till: ScriptedTill) -> int:
    return sum(isinstance(fact, Redeemed) for fact in facts(till.kit))


def test_a_price_that_came_meanwhile_is_shown_before_it_is_paid(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    till.choose("purse", telur_1=1)
    assert till.counter.to_pay == "KKS Rp29.000"
    dearer(till)
    till.serve()
    assert till.edc.asked == []
    assert till.phase() is Phase.RECOGNISED
    assert till.counter.to_pay == "KKS Rp99.000"
    assert till.counter.notice is not None
    assert till.counter.notice.code == "rule.price_changed"
    till.serve()
    assert till.edc.asked == ["release", "pay 99000 4821"]
    assert till.phase() is Phase.DONE


def test_goods_that_are_gone_leave_the_basket(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    till.choose("purse", telur_1=1)
    without_eggs(till)
    till.serve()
    assert redeemed(till) == 0
    assert till.counter.to_pay == ""
    assert not till.counter.can_serve
    till.choose("ration", beras_medium_5=1)
    till.serve()
    assert till.phase() is Phase.DONE


def test_prices_that_come_while_nobody_is_served_say_nothing(till: ScriptedTill) -> None:
    dearer(till)
    till.vm.counter.refresh()
    till.settle()
    assert till.counter.notice is None
    till.insert("SUMINAH")
    till.vm.counter.refresh()
    till.settle()
    assert till.counter.notice is None


def test_a_debit_in_doubt_is_settled_after_its_goods_left_the_catalogue(till: ScriptedTill) -> None:
    till.edc.answers = [Unknown("no_answer")]
    till.edc.inquiries = [Unknown("no_answer"), Unknown("no_answer"), approval(29_000, "edc_inquiry")]
    till.buy("SUMINAH", telur_1=1)
    without_eggs(till)
    till.power_cut()
    panel = till.vm.doubt.state.panel
    assert panel is not None
    assert panel.goods == ("1 telur 1 kg",)
    till.settle(60_000)
    assert redeemed(till) == 1
    assert till.kit.redeem.open_attempts() == ()


def test_nobody_serves_nobody(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    till.choose("ration", beras_medium_5=1)
    till.vm.shell.sign_out()
    till.vm.counter.serve()
    till.settle()
    till.insert("SUMINAH")
    assert till.phase() is Phase.READY
    assert till.counter.person is None
    assert redeemed(till) == 0


def test_who_signs_in_next_does_not_see_the_family_of_the_one_before(till: ScriptedTill) -> None:
    till.vm.counter.present(till.card("SUMINAH"))
    till.vm.shell.sign_out()
    till.settle()
    till.vm.shell.sign_in("yuni", LEADER)
    till.settle()
    assert till.phase() is Phase.READY
    assert till.counter.person is None


def test_what_was_found_for_a_card_that_was_taken_away_is_not_shown_for_the_next(till: ScriptedTill) -> None:
    """A slow disk: cancelled while the first card was looked up, and another card is on the counter by then."""
    till.vm.counter.present(till.card("SUMINAH"))
    till.vm.counter.cancel()
    till.vm.counter.present(till.card("SRI WAHYUNI"))
    till.settle()
    assert till.counter.person is not None
    assert till.counter.person.name == "SRI WAHYUNI"


def test_a_debit_that_settles_itself_belongs_to_who_began_it(till: ScriptedTill) -> None:
    till.edc.answers = [Unknown("no_answer")]
    till.edc.inquiries = [Unknown("no_answer"), approval(29_000, "edc_inquiry")]
    till.buy("SUMINAH", telur_1=1)
    till.vm.shell.sign_out()
    till.settle(60_000)
    (done,) = (entry for entry in entries(till.kit) if isinstance(entry.fact, Redeemed))
    assert done.operator == "siti"


def test_a_leader_alone_cannot_vouch_for_a_slip_by_leaving(till: ScriptedTill) -> None:
    till.vm.shell.sign_out()
    till.settle()
    till.vm.shell.sign_in("yuni", LEADER)
    till.settle()
    till.edc.answers = [Unknown("no_answer")]
    till.edc.inquiries = [Unknown("no_query")] * 9
    till.buy("SUMINAH", telur_1=1)
    till.vm.doubt.ask_slip()
    till.settle()
    till.vm.doubt.slip_approved(till.kit.redeem.open_attempts()[0].card.last4, "Z99999", "777", LEADER)
    till.vm.shell.sign_out()
    till.settle()
    assert redeemed(till) == 0
    assert not any(isinstance(f, AttemptSettled) and f.outcome == "approved" for f in facts(till.kit))
    assert till.vm.doubt.state.notice is not None
    assert till.vm.doubt.state.notice.code == "not_authorised.second_person"


@pytest.mark.parametrize("work", ["paying", "looking"])
def test_an_idle_till_asks_who_works_but_never_in_the_middle(till: ScriptedTill, work: str) -> None:
    till.insert("SUMINAH")
    till.choose("purse", telur_1=1)
    if work == "paying":
        till.vm.counter.serve()
    else:
        till.vm.counter.present(till.card("SUMINAH"))
    till.vm.idle()
    assert till.vm.shell.operator() == "siti"
    till.settle()
    till.vm.idle()
    assert till.vm.shell.operator() == ""


def test_a_family_that_took_all_its_ration_is_shown_what_it_can_still_take(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    till.vm.counter.take_all()
    till.serve()
    till.vm.counter.finish()
    seen: list[CounterState] = []
    till.vm.counter.subscribe(seen.append)
    till.insert("SUMINAH")
    assert till.counter.section == "purse"
    assert all(state.sections for state in seen if state.phase is Phase.RECOGNISED)
    till.vm.counter.finish()
    till.edc.state = DeviceState.AWAY
    till.insert("SUMINAH")
    assert till.counter.section == "cash"


def test_a_family_with_ration_left_is_shown_its_ration_first(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    assert till.counter.section == "ration"
