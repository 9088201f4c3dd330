"""Purse baskets at the counter: waiting for the EDC, its yes and no, stopping it, and its silence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ewarung_pos.domain.journal import AttemptSettled, Redeemed
from ewarung_pos.errors import LedgerFull
from ewarung_pos.ports import Declined, DeviceState, DeviceStatus, PaymentStep, Unknown
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Mark, Phase
from tests.unit.services.counter import facts
from tests.unit.viewmodels.till import ScriptedTill, approval, unplugged

Tell = Callable[[PaymentStep], None]


def seen(till: ScriptedTill) -> list[CounterState]:
    """Every state from now on."""
    states: list[CounterState] = []
    till.vm.counter.subscribe(states.append)
    return states


def open_attempts(till: ScriptedTill) -> int:
    return len(till.kit.redeem.open_attempts())


def test_a_purse_is_paid_between_intent_and_receipt(till: ScriptedTill) -> None:
    states = seen(till)
    till.buy("SUMINAH", telur_1=2)
    assert till.phase() is Phase.DONE
    assert till.edc.asked == ["release", "pay 58000 4821"]
    assert [step.text for step in till.counter.steps] == ["Menunggu PIN di EDC", "Dicatat", "Struk dicetak"]
    assert [step.mark for step in till.counter.steps] == [Mark.DONE, Mark.DONE, Mark.NOW]
    waits = {state.waiting for state in states if state.phase is Phase.PROCESSING}
    assert "Menunggu EDC: Rp58.000. Keluarga menekan PIN sendiri." in waits
    assert till.counter.done is not None
    assert till.counter.done.left[-1].left == "Rp142.000"


def test_an_edc_that_reads_no_cards_is_asked_whether_it_is_there(
    till: ScriptedTill, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer() -> DeviceStatus:
        till.edc.state = DeviceState.READY
        return till.edc.status()

    monkeypatch.setattr(till.edc, "diagnose", answer)
    till.edc.source = "pcsc"
    card = till.card("SUMINAH")
    till.edc.state = DeviceState.AWAY  # as the last payment left it
    till.vm.counter.present(card)
    till.settle()
    till.choose("purse", telur_1=2)
    assert all(not section.why_not for section in till.counter.sections)
    till.serve()
    assert till.phase() is Phase.DONE


def test_an_edc_that_reads_the_cards_is_not_asked_again(till: ScriptedTill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(till.edc, "diagnose", lambda: pytest.fail("asked"))
    till.insert("SUMINAH")
    assert till.phase() is Phase.RECOGNISED


def test_done_is_never_shown_before_the_ledger_has_it(till: ScriptedTill) -> None:
    recorded: list[bool] = []

    def look(state: CounterState) -> None:
        if state.phase is Phase.DONE:
            recorded.append(any(isinstance(fact, Redeemed) for fact in facts(till.kit)))

    till.vm.counter.subscribe(look)
    till.buy("SUMINAH", telur_1=1)
    assert recorded
    assert all(recorded)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Declined("51", "insufficient"), "edc.insufficient"),
        (Declined("55", "wrong_pin"), "edc.wrong_pin"),
        (Declined("P3", "user_cancelled"), "edc.user_cancelled"),
        (Declined("XX", "declined"), "edc.declined"),
        (Declined("", "a_reason_of_tomorrow"), "edc"),
        (unplugged(), "edc.not_sent"),
    ],
)
def test_a_no_of_the_edc_comes_back_to_the_same_basket(
    till: ScriptedTill, outcome: Declined | Exception, code: str
) -> None:
    till.edc.answers = [outcome]
    till.buy("SUMINAH", telur_1=2)
    assert till.phase() is Phase.RECOGNISED
    assert till.counter.notice is not None
    assert till.counter.notice.code == code
    assert (till.counter.summary, till.counter.section, till.counter.can_serve) == ("2 telur", "purse", True)
    assert open_attempts(till) == 0
    till.serve()
    assert till.phase() is Phase.DONE


def test_without_a_terminal_nothing_is_sent(till: ScriptedTill) -> None:
    from msgspec.structs import replace

    till.vm.counter.payment._desk = till.vm.counter._desk = replace(till.vm.counter._desk, terminal=None)
    till.insert("TUKINAH")
    assert till.counter.sections[0].why_not
    till.choose("purse", telur_1=1)
    till.serve()
    assert till.counter.notice is not None
    assert till.counter.notice.code == "edc.not_sent"


def test_the_wait_for_the_edc_is_counted_in_seconds_beside_its_limit(till: ScriptedTill) -> None:
    from msgspec.structs import replace

    till.vm.counter.payment._desk = replace(till.vm.counter._desk, response_seconds=90)
    states = seen(till)

    def holder_hesitates(tell: Tell) -> None:
        till.settle(3_500)

    till.edc.on_pay = holder_hesitates
    till.buy("TUKINAH", telur_1=1)
    waits = list(dict.fromkeys(state.waiting for state in states if state.waiting))
    words = "Menunggu EDC: Rp29.000. Keluarga menekan PIN sendiri."
    assert waits == [words, *(f"{words} {second} dari 90 detik." for second in (1, 2, 3))]
    states.clear()
    till.settle(5_000)
    assert not any(state.waiting for state in states)


def test_who_waits_long_for_the_edc_is_told_not_to_do_it_again(till: ScriptedTill) -> None:
    """The EDC may show that it succeeded while its answer is lost: its red key would be for another debit."""
    states = seen(till)

    def answer_is_lost(tell: Tell) -> None:
        till.settle(31_500)

    till.edc.on_pay = answer_is_lost
    till.buy("TUKINAH", telur_1=1)
    waits = list(dict.fromkeys(state.waiting for state in states if state.waiting))
    assert [words for words in waits if "menekan PIN" in words] == waits[:30]
    assert waits[30].endswith("Bila sudah berhasil, jangan ulangi. 30 dari 120 detik.")


def test_a_purse_basket_above_our_record_of_the_balance_warns_and_does_not_hinder(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    till.choose("purse", telur_1=1)
    (purse,) = [section for section in till.counter.sections if section.id == "purse"]
    assert purse.look == ""
    till.choose("purse", telur_1=10)
    (purse,) = [section for section in till.counter.sections if section.id == "purse"]
    assert purse.look.startswith("Melebihi saldo menurut catatan Rp")
    assert till.counter.can_serve


def test_purse_and_cash_are_added_up(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    till.choose("purse", telur_1=1)
    assert till.counter.to_pay == "KKS Rp29.000"
    till.choose("cash", gula_1=1)
    assert till.counter.to_pay == "KKS Rp29.000 + tunai Rp17.500 = Rp46.500"


# --- Batal -----------------------------------------------------------------------------------------------------------


def test_cancel_reaches_the_edc_until_it_has_the_amount(till: ScriptedTill) -> None:
    states = seen(till)

    def holder_hesitates(tell: Tell) -> None:
        tell(PaymentStep.SENT)
        till.vm.counter.cancel()
        tell(PaymentStep.ACCEPTED)

    till.edc.on_pay = holder_hesitates
    till.edc.answers = [Declined("P3", "user_cancelled")]
    till.buy("SUMINAH", telur_1=1)
    assert till.edc.asked == ["release", "pay 29000 4821", "abort"]
    held = [state for state in states if state.phase is Phase.PROCESSING and "tombol merah" in state.why_no_cancel]
    assert held
    assert not held[0].can_cancel
    assert till.phase() is Phase.RECOGNISED


def test_a_cancel_before_the_edcs_turn_keeps_it_from_being_asked(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    till.choose("purse", telur_1=1)
    till.vm.counter.serve()
    assert till.counter.can_cancel
    till.vm.counter.cancel()
    till.settle()
    assert not any(asked.startswith("pay") for asked in till.edc.asked)
    assert till.counter.notice is not None
    assert till.counter.notice.code == "edc.user_cancelled"
    assert till.counter.can_serve
    till.serve()
    assert till.phase() is Phase.DONE


def test_a_cancel_that_was_refused_once_works_for_the_next_payment(till: ScriptedTill) -> None:
    till.edc.on_pay = lambda tell: tell(PaymentStep.ACCEPTED)
    till.edc.answers = [Declined("55", "wrong_pin")]
    till.buy("SUMINAH", telur_1=1)
    states = seen(till)
    till.vm.counter.serve()
    assert states[-1].can_cancel
    assert states[-1].why_no_cancel == ""
    till.settle()


def test_progress_that_comes_after_the_end_changes_nothing(till: ScriptedTill) -> None:
    kept: list[Tell] = []
    till.edc.on_pay = kept.append
    till.buy("SUMINAH", telur_1=1)
    before = till.counter
    kept[0](PaymentStep.VERIFYING)
    till.settle()
    assert till.counter == before


# --- silence ---------------------------------------------------------------------------------------------------------


def test_silence_becomes_a_doubt_and_the_goods_wait(till: ScriptedTill) -> None:
    till.edc.answers = [Unknown("link_lost")]
    till.buy("SUMINAH", telur_1=2)
    assert till.phase() is Phase.DOUBT
    panel = till.vm.doubt.state.panel
    assert panel is not None
    assert (panel.amount, panel.goods) == ("Rp58.000 dari saldo KKS •••• 4821", ("2 telur 1 kg",))
    assert open_attempts(till) == 1
    assert not any(isinstance(fact, Redeemed) for fact in facts(till.kit))


def test_a_terminal_that_breaks_in_the_middle_is_a_doubt_and_a_bug(till: ScriptedTill) -> None:
    till.edc.answers = [ZeroDivisionError()]
    till.insert("SUMINAH")
    till.choose("purse", telur_1=1)
    till.vm.counter.serve()
    with pytest.raises(ZeroDivisionError):
        till.settle()
    till.settle()
    assert till.phase() is Phase.DOUBT
    assert open_attempts(till) == 1


def test_an_answer_that_could_not_be_written_is_still_to_be_settled(
    till: ScriptedTill, monkeypatch: pytest.MonkeyPatch
) -> None:
    conclude = till.kit.redeem.conclude

    def full(*args: object) -> None:
        raise LedgerFull

    monkeypatch.setattr(till.kit.redeem, "conclude", full)
    till.buy("SUMINAH", telur_1=1)
    assert till.phase() is Phase.DOUBT
    panel = till.vm.doubt.state.panel
    assert panel is not None
    assert (panel.trouble.code, panel.asking) == ("doubt.not_recorded", False)
    assert open_attempts(till) == 1
    till.vm.doubt.serve_other()
    till.settle()
    till.insert("SUMINAH")
    assert till.counter.refusal is not None
    assert till.counter.refusal.code == "refusal.in_doubt"
    monkeypatch.setattr(till.kit.redeem, "conclude", conclude)
    till.vm.doubt.resume()
    till.settle()
    assert till.phase() is Phase.DONE
    assert open_attempts(till) == 0
    fact = next(entry for entry in facts(till.kit) if isinstance(entry, Redeemed))
    assert fact.purse is not None
    assert fact.purse.evidence == "edc"
    assert not any(asked.startswith("inquire") for asked in till.edc.asked)  # it had said so already


def test_looking_at_another_screen_while_the_edc_works_makes_no_doubt(till: ScriptedTill) -> None:
    def wander(tell: Tell) -> None:
        till.runner.post(lambda: till.vm.shell.go("history"))
        till.runner.post(lambda: till.vm.shell.go("counter"))

    till.edc.on_pay = wander
    till.buy("SUMINAH", telur_1=1)
    assert till.vm.doubt.state.panel is None
    assert not any(asked.startswith("inquire") for asked in till.edc.asked)
    assert till.phase() is Phase.DONE


def test_an_outcome_that_somebody_settled_before_is_not_called_a_refusal(till: ScriptedTill) -> None:
    def settled_meanwhile(tell: Tell) -> None:
        (attempt,) = till.kit.redeem.open_attempts()
        till.kit.redeem.conclude(attempt.id, approval(attempt.amount), "siti")

    till.edc.on_pay = settled_meanwhile
    till.buy("SUMINAH", telur_1=1)
    assert (till.counter.phase, till.counter.notice) == (Phase.READY, None)


def test_who_served_is_who_began_even_when_she_left_meanwhile(till: ScriptedTill) -> None:
    till.edc.on_pay = lambda tell: till.runner.post(till.vm.shell.sign_out)
    till.buy("SUMINAH", telur_1=1)
    fact = [entry for entry in facts(till.kit) if isinstance(entry, Redeemed)]
    sealed = till.kit.ledger.read().entry_by_receipt(1)
    assert fact
    assert sealed is not None
    assert b'"operator":"siti"' in sealed.body
    assert not any(isinstance(entry, AttemptSettled) for entry in facts(till.kit))


def test_trouble_beside_a_payment_does_not_lose_its_outcome(
    till: ScriptedTill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tally could not be read while the EDC worked; what the bank took is recorded all the same."""

    def stumble(tell: Tell) -> None:
        till.runner.post(lambda: till.vm.counter._failed(LedgerFull()))

    till.edc.on_pay = stumble
    till.buy("SUMINAH", telur_1=1)
    assert till.phase() is Phase.DONE
    assert open_attempts(till) == 0
