"""Belum pasti: the till asks by itself, two people read the slip, other cards are served meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from ewarung_pos.domain.journal import AttemptSettled, Redeemed, Reversed
from ewarung_pos.errors import LedgerError
from ewarung_pos.ports import Declined, OtherDebit, Unknown
from ewarung_pos.ui.viewmodels import counter_lines
from ewarung_pos.ui.viewmodels.counter_desk import whose
from ewarung_pos.ui.viewmodels.counter_state import DoubtPanel, Mark, Phase
from tests.unit.services.counter import facts
from tests.unit.viewmodels.till import LEADER, SITI, ScriptedTill, approval, scripted_till, unplugged


@pytest.fixture
def doubtful(till: ScriptedTill) -> ScriptedTill:
    """Suminah's two kilos of eggs, and no answer of the EDC."""
    till.edc.answers = [Unknown("no_answer")]
    till.buy("SUMINAH", telur_1=2)
    return till


def panel(till: ScriptedTill) -> DoubtPanel:
    found = till.vm.doubt.state.panel
    assert found is not None
    return found


def inquiries(till: ScriptedTill) -> int:
    return sum(asked.startswith("inquire") for asked in till.edc.asked)


def redeemed(till: ScriptedTill) -> list[Redeemed]:
    return [fact for fact in facts(till.kit) if isinstance(fact, Redeemed)]


def test_the_till_asks_at_once_and_then_with_growing_pauses(doubtful: ScriptedTill) -> None:
    assert inquiries(doubtful) == 1
    pauses = ((1_900, 1), (200, 2), (4_800, 2), (400, 3), (9_600, 3), (600, 4), (29_000, 4), (1_500, 5), (30_500, 6))
    for pause, asked in pauses:
        doubtful.settle(pause)
        assert inquiries(doubtful) == asked
    assert panel(doubtful).trouble.code == "doubt.no_answer"
    assert not panel(doubtful).asking
    assert [step.mark for step in panel(doubtful).steps] == [Mark.DONE, Mark.TODO, Mark.TODO]
    doubtful.vm.doubt.inquire()
    doubtful.settle()
    assert inquiries(doubtful) == 7


def test_a_line_that_is_back_after_minutes_settles_the_doubt_without_a_hand(doubtful: ScriptedTill) -> None:
    doubtful.edc.inquiries = [unplugged() for _ in range(7)]
    doubtful.settle(130_000)
    assert panel(doubtful).trouble.code == "doubt.link_lost"
    doubtful.edc.inquiries = [approval(58_000, "edc_inquiry")]
    doubtful.settle(31_000)
    assert doubtful.vm.doubt.state.panel is None
    assert redeemed(doubtful)[0].purse is not None


def test_who_has_the_slip_in_hand_is_not_asked_over(doubtful: ScriptedTill) -> None:
    doubtful.settle(20_000)
    doubtful.vm.doubt.ask_slip()
    asked = inquiries(doubtful)
    doubtful.settle(120_000)
    assert inquiries(doubtful) == asked


def test_an_inquiry_that_finds_the_debit_completes_the_redemption(doubtful: ScriptedTill) -> None:
    doubtful.edc.inquiries = [approval(58_000, "edc_inquiry")]
    doubtful.settle(2_500)
    assert doubtful.vm.doubt.state.panel is None
    assert doubtful.phase() is Phase.DONE
    assert doubtful.counter.done is not None
    assert doubtful.counter.done.paper == "Struk nomor 0001 sudah dicetak"
    assert doubtful.counter.done.left_title == "Sisa SUMINAH bulan ini"
    assert redeemed(doubtful)[0].purse is not None


def test_an_inquiry_that_finds_nothing_says_so_and_frees_the_card(doubtful: ScriptedTill) -> None:
    doubtful.edc.inquiries = [Declined("25", "not_found")]
    doubtful.settle(2_500)
    assert doubtful.vm.doubt.state.panel is None
    assert doubtful.counter.refusal is not None
    assert doubtful.counter.refusal.code == "edc.not_found"
    assert redeemed(doubtful) == []
    doubtful.insert("SUMINAH")
    assert doubtful.phase() is Phase.RECOGNISED


@pytest.mark.parametrize("reason", ["insufficient", "declined", "wrong_pin", "a_reason_of_tomorrow"])
def test_a_no_after_a_lost_answer_names_the_family_and_sends_nobody_to_a_basket_that_is_gone(
    doubtful: ScriptedTill, reason: str
) -> None:
    doubtful.edc.inquiries = [Declined("51", reason)]
    doubtful.settle(2_500)
    told, whom = doubtful.counter.refusal, doubtful.counter.person
    assert told is not None
    assert whom is not None
    assert (doubtful.phase(), doubtful.counter.sections) == (Phase.REFUSED, ())
    assert (told.button, told.action) == ("Kartu berikutnya", "dismiss")
    assert "masukkan kartunya lagi" in told.now.lower()
    assert (whom.name, whom.facts[0].text) == ("SUMINAH", "kartu •••• 4821")


def test_a_family_that_left_the_register_is_named_by_its_card(
    doubtful: ScriptedTill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counter_lines, "person", lambda standing, catalogue: None)
    doubtful.edc.inquiries = [Declined("51", "insufficient")]
    doubtful.settle(2_500)
    assert doubtful.counter.person is not None
    assert doubtful.counter.person.name == "Kartu •••• 4821"


@pytest.mark.parametrize("error", [LedgerError(reason="not_written"), ZeroDivisionError()])
def test_how_a_doubt_ended_is_said_though_nobody_can_be_named(
    doubtful: ScriptedTill, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(*_: object) -> None:
        raise error

    doubtful.edc.inquiries = [Declined("51", "insufficient")]
    with monkeypatch.context() as register:
        register.setattr(doubtful.kit.redeem, "identify", broken)
        with contextlib.suppress(ZeroDivisionError):
            doubtful.settle(2_500)
    assert doubtful.counter.refusal is not None
    assert doubtful.counter.refusal.code == "ended.insufficient"
    assert doubtful.counter.person is None


def test_a_doubt_that_is_still_open_is_nobodys_yet(doubtful: ScriptedTill) -> None:
    (attempt,) = doubtful.kit.redeem.open_attempts()
    assert whose(doubtful.vm._at_counter, attempt.id) is None
    assert whose(doubtful.vm._at_counter, "") is None


def test_a_cable_that_is_still_out_is_said(doubtful: ScriptedTill) -> None:
    doubtful.edc.inquiries = [unplugged()]
    doubtful.settle(2_500)
    assert panel(doubtful).trouble.code == "doubt.link_lost"


def test_a_bug_while_asking_leaves_the_doubt_and_is_not_hidden(doubtful: ScriptedTill) -> None:
    doubtful.edc.inquiries = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        doubtful.settle(2_500)
    doubtful.settle()
    assert panel(doubtful).trouble.code == "doubt.no_answer"


def test_a_reason_of_tomorrow_still_has_words(doubtful: ScriptedTill) -> None:
    doubtful.edc.inquiries = [Unknown("a_reason_of_tomorrow")]
    doubtful.settle(2_500)
    assert panel(doubtful).trouble.code == "doubt"


def test_a_terminal_that_cannot_be_asked_is_not_asked_again(doubtful: ScriptedTill) -> None:
    doubtful.edc.inquiries = [Unknown("no_query")]
    doubtful.settle(2_500)
    asked = inquiries(doubtful)
    doubtful.settle(60_000)
    assert inquiries(doubtful) == asked
    assert (panel(doubtful).trouble.code, panel(doubtful).trouble.action) == ("doubt.no_query", "ask_slip")


def test_an_edc_that_names_another_debit_is_not_asked_on(doubtful: ScriptedTill) -> None:
    other = OtherDebit(95_500, "1190", "004512", "000123")
    doubtful.edc.inquiries = [Unknown("mismatch", other)] * 9
    doubtful.settle(20_000)
    asked = inquiries(doubtful)
    doubtful.settle(120_000)
    assert inquiries(doubtful) == asked
    assert panel(doubtful).named.startswith("EDC menyebut kartu •••• 1190")


def test_a_bug_while_settling_is_not_hidden(doubtful: ScriptedTill, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(doubtful.kit.redeem, "conclude", broken)
    doubtful.edc.inquiries = [approval(58_000, "edc_inquiry")]
    with pytest.raises(ZeroDivisionError):
        doubtful.settle(2_500)
    assert len(doubtful.kit.redeem.open_attempts()) == 1


# --- the slip --------------------------------------------------------------------------------------------------------


def test_an_answer_that_the_disk_did_not_take_can_be_asked_for_again(
    doubtful: ScriptedTill, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise LedgerError(reason="not_written")

    doubtful.edc.inquiries = [approval(58_000, "edc_inquiry"), approval(58_000, "edc_inquiry")]
    with monkeypatch.context() as disk:
        disk.setattr(doubtful.kit.redeem, "conclude", failing)
        doubtful.settle(2_500)
    assert not panel(doubtful).asking
    assert doubtful.vm.doubt.state.notice is not None
    assert doubtful.vm.doubt.state.notice.code == "ledger.not_written"
    doubtful.vm.doubt.inquire()
    doubtful.settle()
    assert doubtful.phase() is Phase.DONE
    assert len(redeemed(doubtful)) == 1


def test_two_people_read_an_approval_off_the_slip(doubtful: ScriptedTill) -> None:
    doubt = doubtful.vm.doubt
    doubt.ask_slip()
    doubtful.settle()
    assert panel(doubtful).slip_form
    doubt.slip_approved(" 4821 ", " A00042 ", " 000042 ", LEADER)
    doubtful.settle()
    assert doubtful.phase() is Phase.DONE
    purse = redeemed(doubtful)[0].purse
    assert purse is not None
    assert (purse.approval, purse.invoice, purse.evidence, purse.amount) == ("A00042", "000042", "slip", 58_000)
    settled = [fact for fact in facts(doubtful.kit) if isinstance(fact, AttemptSettled)]
    assert settled[-1].decided_by == ("siti", "yuni")


@pytest.mark.parametrize(("approval_number", "invoice"), [("", "000042"), ("A00042", ""), ("A00042", "no. 42")])
def test_a_slip_half_copied_is_not_enough(doubtful: ScriptedTill, approval_number: str, invoice: str) -> None:
    doubtful.vm.doubt.ask_slip()
    doubtful.settle()
    doubtful.vm.doubt.slip_approved(own(doubtful), approval_number, invoice, LEADER)
    doubtful.settle()
    notice = doubtful.vm.doubt.state.notice
    assert notice is not None
    assert notice.title == "Belum lengkap"
    assert redeemed(doubtful) == []
    doubtful.vm.doubt.dismiss()
    assert doubtful.vm.doubt.state.notice is None


@pytest.mark.parametrize("pin", ["000000", SITI])
def test_a_slip_without_the_leader_decides_nothing(doubtful: ScriptedTill, pin: str) -> None:
    doubtful.vm.doubt.ask_slip()
    doubtful.settle()
    doubtful.vm.doubt.slip_approved(own(doubtful), "A00042", "000042", pin)
    doubtful.settle()
    notice = doubtful.vm.doubt.state.notice
    assert notice is not None
    assert notice.code == "not_authorised.wrong_pin"
    assert panel(doubtful).slip_form
    assert redeemed(doubtful) == []


def test_the_leader_alone_is_one_person(till: ScriptedTill) -> None:
    till.vm.shell.sign_out()
    till.vm.shell.sign_in("yuni", LEADER)
    till.settle()
    till.edc.answers = [Unknown("no_answer")]
    till.buy("SUMINAH", telur_1=1)
    till.vm.doubt.ask_slip()
    till.vm.doubt.slip_none(LEADER)
    till.settle()
    notice = till.vm.doubt.state.notice
    assert notice is not None
    assert notice.code == "not_authorised.second_person"
    assert len(till.kit.redeem.open_attempts()) == 1


def test_two_people_find_no_slip(doubtful: ScriptedTill) -> None:
    doubtful.vm.doubt.ask_slip()
    doubtful.vm.doubt.slip_none(LEADER)
    doubtful.settle()
    assert doubtful.vm.doubt.state.panel is None
    assert doubtful.counter.refusal is not None
    assert doubtful.counter.refusal.code == "edc.no_slip"
    assert doubtful.kit.redeem.open_attempts() == ()


OTHER = OtherDebit(58_000, "1190", "A00042", "000042")


def own(till: ScriptedTill) -> str:
    """Last four of the card whose debit is in doubt."""
    return till.kit.redeem.open_attempts()[0].card.last4


@pytest.mark.parametrize(("voided", "outcome"), [(True, "other_debit_voided"), (False, "other_debit")])
def test_two_people_read_another_card_off_the_slip(doubtful: ScriptedTill, voided: bool, outcome: str) -> None:
    doubtful.vm.doubt.ask_slip()
    doubtful.vm.doubt.slip_other(" 1190 ", " A00042 ", " 000042 ", LEADER, voided=voided)
    doubtful.settle()
    assert doubtful.vm.doubt.state.panel is None
    assert doubtful.counter.refusal is not None
    assert doubtful.counter.refusal.code == f"edc.{outcome}"
    assert doubtful.kit.redeem.open_attempts() == ()
    assert redeemed(doubtful) == []
    settled = [fact for fact in facts(doubtful.kit) if isinstance(fact, AttemptSettled)]
    assert (settled[-1].outcome, settled[-1].code) == (outcome, "1190 A00042 000042")
    assert (settled[-1].evidence, settled[-1].decided_by) == ("slip", ("siti", "yuni"))


@pytest.mark.parametrize("slip", ["119,A1,42", "11a0,A1,42", "1190,,42", "1190,A-1,42", "1190,A1,", "1190,A1,no. 42"])
def test_another_card_half_copied_is_not_enough(doubtful: ScriptedTill, slip: str) -> None:
    doubtful.vm.doubt.ask_slip()
    doubtful.settle()
    last4, approval_number, invoice = slip.split(",")
    doubtful.vm.doubt.slip_other(last4, approval_number, invoice, LEADER, voided=True)
    doubtful.settle()
    assert doubtful.vm.doubt.state.notice is not None
    assert doubtful.vm.doubt.state.notice.title == "Belum lengkap"
    assert len(doubtful.kit.redeem.open_attempts()) == 1


def test_what_the_edc_names_instead_is_said_and_believed(till: ScriptedTill) -> None:
    till.edc.answers = [Unknown("mismatch", OTHER)]
    till.edc.inquiries = [Unknown("no_answer")] * 9
    till.buy("SUMINAH", telur_1=2)
    till.settle(60_000)
    assert panel(till).named == "EDC menyebut kartu •••• 1190, Rp58.000, invoice 000042"
    assert panel(till).slip == ("1190", "A00042", "000042")
    doubt, mine = till.vm.doubt, own(till)
    refused: tuple[Callable[[], None], ...] = (
        lambda: doubt.slip_approved("1190", "A00042", "42", LEADER),  # the slip of the other card
        lambda: doubt.slip_approved("1190", "B1", "77", LEADER),  # of some other card
        lambda: doubt.slip_other(mine, "B1", "77", LEADER, voided=True),  # not the debit that the EDC named
    )
    for press in refused:
        press()
        till.settle()
        assert doubt.state.notice is not None
        assert doubt.state.notice.title == "Belum lengkap"
        doubt.dismiss()
    assert len(till.kit.redeem.open_attempts()) == 1
    doubt.slip_other("1190", "A00042", "42", LEADER, voided=True)
    till.settle()
    assert till.kit.redeem.open_attempts() == ()


def test_another_debit_is_looked_into_by_people_whatever_the_line_says_after_it(till: ScriptedTill) -> None:
    """The EDC was pulled out, and another in its place knows of nothing: the money of the other card is gone."""
    till.edc.answers = [Unknown("mismatch", OTHER)]
    till.edc.inquiries = [Unknown("link_lost"), Declined("25", "not_found"), *[Unknown("no_answer")] * 9]
    till.buy("SUMINAH", telur_1=2)
    till.vm.doubt.inquire()
    till.settle(60_000)
    for _ in range(2):
        said = panel(till).trouble
        assert (said.code, said.action) == ("doubt.mismatch", "ask_slip")
        assert panel(till).named == "EDC menyebut kartu •••• 1190, Rp58.000, invoice 000042"
        till.vm.doubt.inquire()
        till.settle(60_000)
    assert len(till.kit.redeem.open_attempts()) == 1
    till.vm.doubt.slip_other("1190", "A00042", "42", LEADER, voided=False)
    till.settle()
    assert till.kit.redeem.open_attempts() == ()


def test_the_same_card_with_another_amount_is_no_approval(till: ScriptedTill) -> None:
    till.edc.answers = [Unknown("mismatch", OtherDebit(1_000, till.card("SUMINAH").card.last4, "A1", "42"))]
    till.edc.inquiries = [Unknown("no_answer")] * 9
    till.buy("SUMINAH", telur_1=2)
    till.settle(60_000)
    till.vm.doubt.slip_approved(own(till), "A1", "000042", LEADER)
    till.settle()
    assert till.vm.doubt.state.notice is not None
    assert len(till.kit.redeem.open_attempts()) == 1


def test_a_slip_that_stands_on_a_receipt_is_no_other_debit(till: ScriptedTill) -> None:
    till.edc.answers = [approval(58_000), Unknown("no_answer")]
    till.edc.inquiries = [Unknown("no_answer")] * 9
    till.buy("SUMINAH", telur_1=2)
    purse = redeemed(till)[0].purse
    assert purse is not None
    till.buy("TUKINAH", telur_1=1)
    till.settle(60_000)
    till.vm.doubt.slip_other("1190", purse.approval, purse.invoice, LEADER, voided=True)
    till.settle()
    assert till.vm.doubt.state.notice is not None
    assert till.vm.doubt.state.notice.code == "not_authorised.slip_used"


def test_an_answer_that_comes_while_the_slip_is_typed_does_not_close_the_form(doubtful: ScriptedTill) -> None:
    doubtful.vm.doubt.inquire()
    doubtful.vm.doubt.ask_slip()
    doubtful.settle(60_000)
    assert panel(doubtful).slip_form
    doubtful.edc.inquiries = [approval(58_000, "edc_inquiry")]
    doubtful.vm.doubt.inquire()
    doubtful.settle()
    assert doubtful.phase() is Phase.DONE


def test_without_a_doubt_the_slip_commands_do_nothing(till: ScriptedTill) -> None:
    doubt, head = till.vm.doubt, till.kit.ledger.read().head()
    doubt.inquire()
    doubt.ask_slip()
    doubt.slip_approved("4821", "A00042", "000042", LEADER)
    doubt.slip_none("000000")
    doubt.slip_other("1190", "A00042", "000042", "000000", voided=True)
    till.settle()
    assert doubt.state.panel is None
    assert till.kit.ledger.read().head() == head
    assert till.kit.ledger.read().pin_failures("yuni") == 0


# --- other cards, restart --------------------------------------------------------------------------------------------


def test_other_cards_are_served_while_one_waits(doubtful: ScriptedTill) -> None:
    doubtful.vm.doubt.serve_other()
    doubtful.settle()
    assert (doubtful.counter.phase, doubtful.counter.doubts_waiting) == (Phase.READY, 1)
    asked = inquiries(doubtful)
    doubtful.ration("SRI WAHYUNI", beras_medium_5=1)
    doubtful.settle(60_000)
    assert inquiries(doubtful) == asked
    doubtful.insert("SUMINAH")
    assert doubtful.counter.refusal is not None
    assert doubtful.counter.refusal.code == "refusal.in_doubt"


def test_a_late_answer_settles_only_the_debit_that_was_asked_about(doubtful: ScriptedTill) -> None:
    doubt = doubtful.vm.doubt
    doubtful.edc.inquiries = [approval(58_000, "edc_inquiry")]
    doubt.inquire()
    doubt.serve_other()
    doubtful.settle()
    assert len(doubtful.kit.redeem.open_attempts()) == 1
    assert redeemed(doubtful) == []
    doubtful.edc.inquiries = [approval(58_000, "edc_inquiry")]
    doubt.resume()
    doubtful.settle()
    assert doubtful.phase() is Phase.DONE


def test_putting_a_doubt_aside_while_it_is_written_keeps_what_was_written(doubtful: ScriptedTill) -> None:
    doubt = doubtful.vm.doubt
    (attempt,) = doubtful.kit.redeem.open_attempts()
    doubt._conclude(attempt, approval(58_000), ())
    doubt.serve_other()
    doubtful.settle()
    assert doubtful.phase() is Phase.DONE
    assert doubt.state.panel is None


def test_no_card_is_read_in_front_of_a_doubt(doubtful: ScriptedTill) -> None:
    doubtful.edc.cards = [doubtful.card("SRI WAHYUNI")]
    doubtful.poll()
    assert doubtful.phase() is Phase.DOUBT
    assert len(doubtful.edc.cards) == 1


def test_a_doubt_survives_a_power_cut(doubtful: ScriptedTill) -> None:
    doubtful.edc.inquiries = [Unknown("no_answer"), Unknown("no_answer")]
    doubtful.power_cut()
    assert panel(doubtful).trouble.code in {"doubt.restart", "doubt.no_answer"}
    assert panel(doubtful).goods == ("2 telur 1 kg",)
    assert doubtful.phase() is Phase.DOUBT
    doubtful.edc.inquiries = [approval(58_000, "edc_inquiry")]
    doubtful.settle(11_000)
    assert doubtful.phase() is Phase.DONE
    assert redeemed(doubtful)[0].family == "K00001"


@pytest.mark.parametrize("at_once", [True, False])
def test_what_the_edc_named_instead_is_known_after_a_power_cut(till: ScriptedTill, at_once: bool) -> None:
    """Money has moved on another card: who stands there afterwards has no other trace of it than a slip."""
    said = Unknown("mismatch", OTHER)
    till.edc.answers = [said if at_once else Unknown("no_answer")]
    till.edc.inquiries = [said, *[Unknown("no_answer")] * 9]
    till.buy("SUMINAH", telur_1=2)
    till.settle(60_000)
    till.edc.inquiries = [Unknown("no_answer")] * 9
    till.power_cut()
    till.settle(60_000)
    assert panel(till).named == "EDC menyebut kartu •••• 1190, Rp58.000, invoice 000042"
    assert panel(till).slip == ("1190", "A00042", "000042")
    till.vm.doubt.slip_approved("1190", "A00042", "42", LEADER)
    till.settle()
    assert till.vm.doubt.state.notice is not None
    assert len(till.kit.redeem.open_attempts()) == 1


def test_what_the_edc_named_is_said_even_when_the_disk_does_not_take_it(
    doubtful: ScriptedTill, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise LedgerError(reason="not_written")

    doubtful.edc.inquiries = [Unknown("mismatch", OTHER), Unknown("no_answer"), Unknown("mismatch", OTHER)]
    with monkeypatch.context() as disk:
        disk.setattr(doubtful.kit.redeem, "conclude", failing)
        doubtful.settle(2_500)
    assert panel(doubtful).named
    assert doubtful.vm.doubt.state.notice is not None
    assert doubtful.vm.doubt.state.notice.code == "ledger.not_written"
    doubtful.vm.doubt.dismiss()
    doubtful.settle(60_000)
    doubtful.edc.inquiries = [Unknown("no_answer")] * 9
    doubtful.power_cut()
    assert panel(doubtful).named


def test_a_payment_that_the_power_cut_hit_is_a_doubt_afterwards(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    till.choose("purse", telur_1=1)
    till.vm.counter.serve()  # the intent is durable; nothing else happened
    till.edc.inquiries = [Declined("25", "not_found")]
    till.power_cut()
    assert till.counter.refusal is not None
    assert till.counter.refusal.code == "edc.not_found"
    assert till.kit.redeem.open_attempts() == ()


def test_the_second_doubt_waits_for_the_first(doubtful: ScriptedTill) -> None:
    doubtful.vm.doubt.serve_other()
    doubtful.edc.answers = [Unknown("no_answer")]
    doubtful.buy("TUKINAH", telur_1=1)
    assert (panel(doubtful).others, panel(doubtful).amount.split()[0]) == (1, "Rp29.000")
    doubtful.edc.inquiries = [Declined("25", "not_found")]
    doubtful.settle(2_500)
    assert doubtful.vm.doubt.state.waiting == 1
    doubtful.vm.doubt.resume()
    doubtful.settle()
    assert panel(doubtful).amount.split()[0] == "Rp58.000"


def test_without_a_terminal_a_doubt_is_for_people(tmp_path_factory: pytest.TempPathFactory) -> None:
    till = scripted_till(tmp_path_factory.mktemp("till"), terminal=False)
    try:
        till.kit.open_shop()
        from tests.unit.services.counter import begin, purse

        begin(till.kit, till.kit.card("TUKINAH"), purse("telur-1", 1))
        till.kit.redeem.recover()
        till.to("counter")
        assert panel(till).trouble.code == "doubt.no_query"
        till.vm.doubt.ask_slip()
        till.vm.doubt.slip_none(LEADER)
        till.settle()
        assert till.kit.redeem.open_attempts() == ()
    finally:
        till.close()


# --- voids -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def void(till: ScriptedTill) -> ScriptedTill:
    """A reversal whose void the EDC did not answer."""
    till.buy("TUKINAH", telur_1=1)
    till.to("history")
    till.edc.answers = [Unknown("no_answer")]
    history = till.vm.history
    history.open(history.state.rows[0].entry)
    till.settle()
    history.ask_reversal()
    history.choose_reason("jumlah_salah")
    history.confirm_reversal(LEADER)
    till.settle()
    return till


def test_a_void_in_doubt_is_shown_at_the_counter_as_what_it_is(void: ScriptedTill) -> None:
    assert void.vm.shell.state.screen == "counter"
    assert panel(void).void
    assert panel(void).amount.startswith("Rp29.000 kembali ke saldo KKS")
    assert panel(void).goods == ()


def test_a_void_that_turns_out_well_is_printed_and_the_counter_is_ready(void: ScriptedTill) -> None:
    papers = len(void.paper.papers)
    void.edc.inquiries = [approval(29_000, "edc_inquiry")]
    void.settle(2_500)
    assert void.vm.doubt.state.panel is None
    assert void.phase() is Phase.READY
    assert any(isinstance(fact, Reversed) for fact in facts(void.kit))
    assert len(void.paper.papers) == papers + 1
    assert void.vm.history.last_reversal is not None


def test_after_a_void_in_doubt_riwayat_says_how_it_ended(void: ScriptedTill) -> None:
    void.edc.inquiries = [approval(29_000, "edc_inquiry")]
    void.settle(2_500)
    assert void.vm.shell.state.screen == "history"
    assert void.vm.history.state.said.startswith("Dibatalkan. Barang tercatat kembali di rak. KKS Rp")


def test_a_void_in_doubt_that_ends_well_takes_nobody_away_from_another_screen(void: ScriptedTill) -> None:
    void.edc.inquiries = [approval(29_000, "edc_inquiry")]
    void.vm.shell.go("stock")
    void.settle(2_500)
    assert void.vm.history.last_reversal is not None
    assert void.vm.shell.state.screen == "stock"
    assert void.vm.shell.state.recovered == void.vm.history.state.said


def test_a_void_that_never_happened_is_said_in_words_of_a_void(void: ScriptedTill) -> None:
    void.edc.inquiries = [Declined("25", "not_found")]
    void.settle(2_500)
    assert void.counter.refusal is not None
    assert void.counter.refusal.code == "void.not_found"
    assert not any(isinstance(fact, Reversed) for fact in facts(void.kit))


# --- beside another family -------------------------------------------------------------------------------------------


@pytest.fixture
def served_beside(doubtful: ScriptedTill) -> ScriptedTill:
    """Suminah's doubt was put aside; Sri Wahyuni's basket is in front."""
    doubtful.vm.doubt.serve_other()
    doubtful.settle()
    doubtful.insert("SRI WAHYUNI")
    doubtful.choose("ration", beras_medium_5=1)
    return doubtful


def in_front(till: ScriptedTill) -> tuple[Phase, str, str]:
    person = till.counter.person
    return till.phase(), person.name if person is not None else "", till.counter.summary


SRI = (Phase.RECOGNISED, "SRI WAHYUNI", "1 beras medium")


def test_a_look_at_another_screen_does_not_put_a_doubt_before_a_basket(served_beside: ScriptedTill) -> None:
    served_beside.edc.inquiries = [approval(58_000, "edc_inquiry")]
    served_beside.to("stock")
    served_beside.to("counter")
    assert served_beside.vm.doubt.state.panel is None
    assert in_front(served_beside) == SRI
    served_beside.serve()
    assert served_beside.counter.done is not None
    served_beside.to("stock")
    served_beside.to("counter")  # her goods are not ticked off yet
    assert served_beside.vm.doubt.state.panel is None
    assert served_beside.counter.done is not None
    served_beside.vm.counter.finish()
    served_beside.to("stock")
    served_beside.to("counter")
    assert served_beside.counter.done is not None
    assert served_beside.counter.done.left_title == "Sisa SUMINAH bulan ini"


def test_a_doubt_that_ends_well_beside_a_basket_leaves_it_and_names_its_own_goods(served_beside: ScriptedTill) -> None:
    served_beside.edc.inquiries = [approval(58_000, "edc_inquiry")]
    served_beside.vm.doubt.resume()  # *Selesaikan* on another screen
    served_beside.settle()
    assert served_beside.vm.doubt.state.panel is None
    assert in_front(served_beside) == SRI
    assert (
        served_beside.vm.shell.state.recovered
        == "Struk 0001 SUMINAH: tercatat. Serahkan 2 kemasan Telur ayam ras 1 kg."
    )
    assert [paper.name for paper in served_beside.paper.papers] == ["struk-2026-11-24-0001"]
    served_beside.serve()
    assert served_beside.counter.done is not None
    assert served_beside.counter.done.receipt == 2


@pytest.mark.parametrize("outcome", [Declined("25", "not_found"), None])
def test_a_doubt_that_ends_without_goods_beside_a_basket_leaves_it(
    served_beside: ScriptedTill, outcome: Declined | None
) -> None:
    served_beside.edc.inquiries = [outcome or Unknown("no_answer")]
    served_beside.vm.doubt.resume()
    served_beside.settle()
    if outcome is None:
        served_beside.vm.doubt.serve_other()
        served_beside.settle()
    else:
        told = served_beside.vm.shell.state.notice
        assert told is not None
        assert told.code == "edc.not_found"
        assert told.happened.startswith("SUMINAH, kartu •••• 4821: ")
    assert in_front(served_beside) == SRI


def test_a_slip_that_is_confirmed_while_the_next_card_is_looked_up_is_not_that_familys(
    doubtful: ScriptedTill,
) -> None:
    (attempt,) = doubtful.kit.redeem.open_attempts()
    doubtful.vm.doubt._conclude(attempt, approval(58_000), ())
    doubtful.vm.doubt.serve_other()
    doubtful.vm.counter.finish()
    doubtful.vm.counter.present(doubtful.card("SRI WAHYUNI"))
    doubtful.settle()
    assert in_front(doubtful)[:2] == SRI[:2]
    assert doubtful.vm.shell.state.recovered.startswith("Struk 0001 SUMINAH: tercatat.")
