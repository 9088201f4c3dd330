"""Ketik nomor: from Siap over the number and the leader's PIN to the family, and back without a trace."""

from __future__ import annotations

from ewarung_pos.domain.journal import CardTyped, Redeemed
from ewarung_pos.ui.viewmodels.counter_state import Phase
from ewarung_pos.ui.viewmodels.typed_card import ODD, TypedCardState
from tests.unit.services.counter import facts
from tests.unit.viewmodels.till import ScriptedTill

NUMBER = "9999842538824821"  # Suminah's
LEADER = "222222"


def state(till: ScriptedTill) -> TypedCardState:
    return till.vm.typed.state


def to_pin(till: ScriptedTill, number: str = NUMBER) -> None:
    till.vm.typed.begin()
    till.vm.typed.type(number)
    till.vm.typed.choose_reason("kartu_rusak")
    till.vm.typed.ask_leader()
    assert state(till).mode == "pin"


def test_a_typed_number_serves_the_family_and_both_are_recorded(till: ScriptedTill) -> None:
    to_pin(till, "9999 8425 3882 4821")
    till.vm.typed.confirm(LEADER)
    till.settle()
    assert state(till) == TypedCardState()
    assert till.phase() is Phase.RECOGNISED
    assert till.counter.person is not None
    assert till.counter.person.name == "SUMINAH"
    till.choose("cash", telur_1=1)
    till.serve()
    kinds = [type(fact) for fact in facts(till.kit) if isinstance(fact, CardTyped | Redeemed)]
    assert kinds == [CardTyped, Redeemed]


def test_the_number_is_in_no_state(till: ScriptedTill) -> None:
    seen: list[str] = []
    till.vm.typed.subscribe(lambda now: seen.append(repr(now)))
    till.vm.counter.subscribe(lambda now: seen.append(repr(now)))
    to_pin(till)
    till.vm.typed.confirm(LEADER)
    till.settle()
    assert NUMBER not in "".join(seen)
    assert till.vm.typed._number == ""


def test_no_card_is_read_while_a_number_is_typed(till: ScriptedTill) -> None:
    till.vm.typed.begin()
    till.edc.cards = [till.card("SRI WAHYUNI")]
    till.poll()
    till.poll()
    assert till.counter.person is None
    till.vm.typed.back()
    till.settle()
    assert state(till).mode == ""
    till.poll()
    assert till.phase() in {Phase.READY, Phase.RECOGNISED}, "cards are read again"


def test_number_and_reason_come_before_the_leader(till: ScriptedTill) -> None:
    typed = till.vm.typed
    typed.ask_leader()
    assert state(till).mode == ""
    typed.begin()
    typed.ask_leader()
    for number, ready in (("", False), ("99998425388", False), ("12345678901234567890", False), (NUMBER, True)):
        typed.type(number)
        assert state(till).ready is ready
    typed.ask_leader()
    assert state(till).mode == "number"
    typed.choose_reason("pembaca_rusak")
    typed.ask_leader()
    assert (state(till).mode, state(till).last4) == ("pin", "4821")


def test_a_check_digit_that_does_not_fit_is_said_and_stops_nobody(till: ScriptedTill) -> None:
    till.vm.typed.begin()
    till.vm.typed.type(NUMBER[:-1] + "2")
    assert (state(till).warning, state(till).ready) == (ODD, True)
    till.vm.typed.type(NUMBER)
    assert state(till).warning == ""


def test_a_wrong_pin_is_said_and_may_be_tried_again(till: ScriptedTill) -> None:
    to_pin(till)
    till.vm.typed.confirm("000000")
    assert state(till).busy
    till.vm.typed.confirm("111111")  # not taken while one is looked at
    till.vm.typed.back()
    till.settle()
    notice = state(till).notice
    assert notice is not None
    assert (state(till).mode, notice.code, state(till).busy) == ("pin", "not_authorised.wrong_pin", False)
    till.kit.clock.ms += 60_000
    till.vm.typed.confirm(LEADER)
    till.settle()
    assert till.phase() is Phase.RECOGNISED


def test_an_unknown_number_is_refused_like_an_unknown_card(till: ScriptedTill) -> None:
    to_pin(till, "6013014455667785")
    till.vm.typed.confirm(LEADER)
    till.settle()
    assert till.phase() is Phase.REFUSED
    assert till.counter.refusal is not None
    assert till.counter.refusal.code == "refusal.unknown_card"


def test_back_goes_step_by_step(till: ScriptedTill) -> None:
    to_pin(till)
    till.vm.typed.back()
    assert state(till).mode == "number"
    till.vm.typed.back()
    till.settle()
    assert state(till).mode == ""
    till.vm.typed.back()
    assert till.phase() is Phase.READY


def test_another_screen_or_operator_finds_nothing_typed(till: ScriptedTill) -> None:
    to_pin(till)
    till.to("stock")
    assert (state(till), till.vm.typed._number) == (TypedCardState(), "")
    till.to("counter")
    assert till.phase() is Phase.READY
    to_pin(till)
    till.vm.shell.sign_out()
    till.settle()
    assert (state(till), till.vm.typed._number) == (TypedCardState(), "")
    till.vm.typed.begin()
    assert state(till).mode == ""


def test_a_leader_who_agrees_too_late_serves_nobody(till: ScriptedTill) -> None:
    to_pin(till)
    till.vm.typed.confirm(LEADER)
    till.vm.typed.leave()
    till.settle()
    assert till.counter.person is None
