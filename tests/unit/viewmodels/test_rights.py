"""Rights that are not here: the city is asked beside the counter, the pool helps where nobody answers."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.family import CardRef, Family
from ewarung_pos.domain.journal import HardshipAllowed, Redeemed
from ewarung_pos.domain.rights import HARDSHIP, grant_text, pool_of, stranger_of
from ewarung_pos.domain.state import StatePage
from ewarung_pos.domain.units import Unit
from ewarung_pos.errors import LedgerFull, ServerBusy, Unauthorised
from ewarung_pos.ports import CardPresented, CarriedWish, RightsAnswer, RightsWish
from ewarung_pos.ui.viewmodels.counter_state import Phase
from ewarung_pos.ui.viewmodels.rights import AGAIN_MS, PATIENCE_S
from ewarung_pos.ui.viewmodels.rights_state import RightsState
from tests.unit.services.counter import RICE, facts, tell_city
from tests.unit.viewmodels.till import LEADER, ScriptedTill

CARD = CardRef("ab" * 32, "9105")
WAITING = RightsAnswer("waiting", kiosk="e-Warung Melati")
GRANTED = RightsAnswer("granted")


def state(till: ScriptedTill) -> RightsState:
    return till.vm.rights.state


def code(till: ScriptedTill) -> str:
    answer = state(till).answer
    return "" if answer is None else answer.code


def guest(till: ScriptedTill, *programmes: str) -> Family:
    told = {"key": "K90001", "home": "EW-0002", "programmes": programmes or ("JATAH",), "card": CARD}
    return msgspec.structs.replace(till.kit.families[0], **told)


def stranger(till: ScriptedTill) -> None:
    till.vm.counter.present(CardPresented(CARD))
    till.settle()
    assert till.phase() is Phase.REFUSED
    assert till.counter.refusal is not None
    assert till.counter.refusal.action == "ask_city"


def pass_(till: ScriptedTill, ms: int) -> None:
    """The clock and the timers go on together."""
    while ms > 0:
        step = min(ms, 1000)
        till.kit.clock.ms += step
        till.settle(step)
        ms -= step


def with_rice(till: ScriptedTill, wish: RightsWish) -> None:
    """What the engine does before it says that something was granted."""
    family = guest(till)
    lease = LeaseGrant(family.key, "JATAH", wish.period.iso, "beras", Unit.GRAM, 10_000)
    assert grant_text("EW-0001", 1, wish.request, 2, family.key, (lease,), home=False)
    with till.kit.ledger.write() as uow:
        uow.accept_grant(wish.request, 2, family, (lease,), "00" * 64)


def with_pool(till: ScriptedTill, amount: int = 12_000) -> None:
    pool = LeaseGrant(pool_of("EW-0001"), HARDSHIP, "2026-11", "beras", Unit.GRAM, amount)
    with till.kit.ledger.write() as uow:
        uow.accept(StatePage(2, leases=(pool,)), "00" * 32)


# --- asking ----------------------------------------------------------------------------------------------------------


def test_what_the_city_grants_is_served_as_if_the_card_had_just_been_read(till: ScriptedTill) -> None:
    stranger(till)
    till.city.answers = [WAITING, WAITING, GRANTED]
    till.vm.rights.ask_city()
    assert (state(till).mode, state(till).waiting) == ("waiting", f"Menunggu jawaban kota. 0 dari {PATIENCE_S} detik.")
    till.settle()
    pass_(till, 3_000)
    assert "e-Warung Melati mengembalikan jatah. 3 dari" in state(till).waiting
    with_rice(till, till.city.wishes[0])
    pass_(till, AGAIN_MS)
    till.settle()
    assert {wish.request for wish in till.city.wishes} == {till.city.wishes[0].request}, "one wish, asked again"
    assert [(wish.card, wish.period.iso) for wish in till.city.wishes[:1]] == [(CARD, "2026-11")]
    assert state(till) == RightsState()
    assert till.phase() is Phase.RECOGNISED
    assert till.counter.guest
    till.choose("ration", **{RICE.replace("-", "_"): 1})
    till.serve()
    assert till.phase() is Phase.DONE


def test_the_counter_is_free_at_once_when_nobody_waits_any_more(till: ScriptedTill) -> None:
    stranger(till)
    till.city.answers = [WAITING, RightsAnswer("nothing", "withdrawn")]
    till.vm.rights.ask_city()
    till.settle()
    till.vm.rights.cancel()
    till.settle()
    assert state(till) == RightsState()
    assert till.phase() is Phase.READY
    assert [wish.withdraw for wish in till.city.wishes] == [False, True]
    pass_(till, 10_000)
    assert len(till.city.wishes) == 2, "nobody asks again"


def test_a_grant_that_comes_after_the_family_went_changes_no_screen(till: ScriptedTill) -> None:
    stranger(till)
    till.city.answers = [GRANTED, GRANTED]
    till.vm.rights.ask_city()
    till.vm.rights.cancel()
    till.settle()
    assert state(till) == RightsState()
    assert till.phase() is Phase.READY


def test_after_a_minute_the_screen_says_that_the_other_kiosk_is_silent(till: ScriptedTill) -> None:
    stranger(till)
    till.city.answers = [WAITING] * 100
    till.vm.rights.ask_city()
    pass_(till, PATIENCE_S * 1000)
    assert (state(till).mode, code(till)) == ("answer", "rights.silent")
    assert (state(till).can_ask, state(till).can_help) == (True, True)
    asked = len(till.city.wishes)
    pass_(till, 10_000)
    assert len(till.city.wishes) == asked
    till.vm.rights.ask_again()
    till.settle()
    assert state(till).mode == "waiting"
    assert till.city.wishes[-1].request == till.city.wishes[0].request, "the same wish"


@pytest.mark.parametrize(
    ("reason", "said", "helped"),
    [
        ("exhausted", "rights.exhausted", False),
        ("no_ration", "rights.no_ration", False),
        ("unknown_card", "rights.unknown_card", False),
        ("card_blocked", "refusal.card_blocked", False),
        ("elsewhere", "rights.elsewhere", False),
        ("frozen", "rights.frozen", True),
        ("recovery", "rights.recovery", True),
        ("doubt", "rights.doubt", True),
        ("period", "rights.period", False),
    ],
)
def test_every_no_of_the_city_is_said(till: ScriptedTill, reason: str, said: str, helped: bool) -> None:
    stranger(till)
    till.city.answers = [RightsAnswer("nothing", reason)]
    till.vm.rights.ask_city()
    till.settle()
    assert (state(till).mode, code(till), state(till).can_help) == ("answer", said, helped)
    till.vm.rights.go_on()
    till.settle()
    assert till.phase() is Phase.READY


def test_rights_at_another_counter_are_named_with_it_and_may_be_asked_for_again(till: ScriptedTill) -> None:
    stranger(till)
    till.city.answers = [RightsAnswer("nothing", "elsewhere", "e-Warung Melati")]
    till.vm.rights.ask_city()
    till.settle()
    answer = state(till).answer
    assert answer is not None
    assert answer.title == "Jatah ada di e-Warung Melati"
    assert (state(till).can_ask, state(till).can_help) == (True, False)


@pytest.mark.parametrize(
    ("error", "said", "helped"),
    [
        (None, "rights.no_line", True),
        (ServerBusy(reason="asked"), "rights.no_line", True),
        (Unauthorised(reason="fork"), "unauthorised.fork", False),
    ],
)
def test_without_an_answer_the_pool_is_for_a_line_that_is_down(
    till: ScriptedTill, error: Exception | None, said: str, helped: bool
) -> None:
    stranger(till)
    till.city.answers = [] if error is None else [error]
    till.vm.rights.ask_city()
    till.settle()
    assert (code(till), state(till).can_help, state(till).can_ask) == (said, helped, True)


def test_a_change_of_home_that_the_line_does_not_carry_is_not_sent_to_a_stick(till: ScriptedTill) -> None:
    stranger(till)
    till.vm.rights.ask_home()
    till.vm.rights.move_home()
    till.settle()
    assert (code(till), state(till).can_help, state(till).can_carry) == ("rights.no_line_home", True, False)
    answer = state(till).answer
    assert answer is not None
    assert "USB" not in answer.now


def test_nothing_is_asked_for_nobody(till: ScriptedTill) -> None:
    till.vm.rights.ask_city()
    till.vm.rights.ask_home()
    till.vm.rights.cancel()
    till.vm.rights.go_on()
    assert (state(till), till.city.wishes) == (RightsState(), [])


def test_another_screen_and_another_operator_end_it(till: ScriptedTill) -> None:
    leaves: tuple[Callable[[], None], ...] = (lambda: till.to("stock"), till.vm.shell.sign_out)
    for leave in leaves:
        till.to("counter")
        stranger(till)
        till.city.answers = [WAITING]
        till.vm.rights.ask_city()
        till.settle()
        assert state(till).mode == "waiting"
        leave()
        till.settle()
        assert state(till) == RightsState()
        assert till.city.wishes[-1].withdraw


def test_a_family_with_a_purse_and_no_lease_here_may_ask_too(till: ScriptedTill) -> None:
    tell_city(till.kit, guest(till, "JATAH", "SEMBAKO"))
    till.vm.counter.present(CardPresented(CARD))
    till.settle()
    assert (till.phase(), till.counter.can_ask, till.counter.guest) == (Phase.RECOGNISED, True, True)
    till.vm.rights.ask_city()
    till.settle()
    assert code(till) == "rights.no_line"
    till.insert("SRI WAHYUNI")
    assert (till.counter.can_ask, till.counter.guest) == (False, False)


# --- another home ----------------------------------------------------------------------------------------------------


def test_a_family_makes_this_kiosk_its_home_and_goes_on_to_this_months_rights(till: ScriptedTill) -> None:
    stranger(till)
    till.city.answers = [WAITING, RightsAnswer("nothing", "withdrawn"), RightsAnswer("granted", home=True), GRANTED]
    till.vm.rights.ask_city()
    till.settle()
    assert state(till).can_move
    till.vm.rights.ask_home()
    assert (state(till).mode, code(till)) == ("home", "rights.home_asked")
    till.vm.rights.move_home()
    till.settle()
    assert (state(till).mode, code(till)) == ("answer", "rights.home_changed")
    assert [(wish.home, wish.withdraw) for wish in till.city.wishes] == [(False, False), (False, True), (True, False)]
    with_rice(till, till.city.wishes[-1])
    till.vm.rights.go_on()
    till.settle()
    assert till.phase() is Phase.RECOGNISED
    assert till.city.wishes[-1].request not in {wish.request for wish in till.city.wishes[:-1]}


def test_a_guest_that_is_being_served_may_change_its_home_or_not(till: ScriptedTill) -> None:
    tell_city(till.kit, guest(till, "SEMBAKO"))
    till.vm.counter.present(CardPresented(CARD))
    till.settle()
    till.vm.rights.ask_home()
    assert state(till).mode == "home"
    till.vm.rights.back()
    till.settle()
    assert (state(till).mode, till.phase(), till.city.wishes) == ("", Phase.READY, [])


# --- the pool --------------------------------------------------------------------------------------------------------


def to_pool(till: ScriptedTill) -> None:
    stranger(till)
    till.vm.rights.ask_city()
    till.settle()
    till.vm.rights.open_pool()
    till.settle()


def test_a_stranger_is_served_from_the_pool_by_the_leaders_word(till: ScriptedTill) -> None:
    with_pool(till)
    to_pool(till)
    assert (state(till).mode, state(till).left, state(till).stranger) == ("pool", "beras 12 kg", True)
    assert [(row.product, row.most) for row in state(till).rows] == [(RICE, 2)]
    till.vm.rights.ask_why()
    assert state(till).mode == "pool", "nothing is chosen yet"
    till.vm.rights.set_packs(RICE, 9)
    assert state(till).summary.startswith("2 ")
    till.vm.rights.choose_presence("kuasa")
    assert not state(till).can_go_on
    till.vm.rights.choose_presence("kuasa", "sakit")
    till.vm.rights.ask_why()
    till.vm.rights.ask_leader()
    assert state(till).mode == "why", "no reason yet"
    till.vm.rights.choose_reason("tanpa_sambungan")
    till.vm.rights.type_name("Ny. Suminah")
    till.vm.rights.ask_leader()
    till.vm.rights.confirm(LEADER)
    assert state(till).busy
    till.vm.rights.confirm(LEADER)
    till.vm.rights.cancel()
    till.settle()
    assert state(till) == RightsState()
    assert till.phase() is Phase.DONE
    word, taken = [fact for fact in facts(till.kit) if isinstance(fact, HardshipAllowed | Redeemed)]
    assert isinstance(word, HardshipAllowed)
    assert isinstance(taken, Redeemed)
    assert (word.family, word.reason, word.approved_by) == (stranger_of(CARD), "tanpa_sambungan", "yuni")
    assert word.named
    assert (taken.proxy_reason, [debit.amount for debit in taken.debits]) == ("sakit", [10_000])


def test_a_wrong_pin_is_said_and_nothing_is_recorded(till: ScriptedTill) -> None:
    with_pool(till)
    to_pool(till)
    till.vm.rights.set_packs(RICE, 1)
    till.vm.rights.ask_why()
    till.vm.rights.choose_reason("kartu_baru")
    till.vm.rights.ask_leader()
    head = till.kit.ledger.read().head().seq
    till.vm.rights.confirm("000000")
    till.settle()
    notice = state(till).notice
    assert notice is not None
    assert (state(till).mode, notice.code) == ("pin", "not_authorised.wrong_pin")
    assert till.kit.ledger.read().head().seq == head
    for mode in ("why", "pool", "answer"):
        till.vm.rights.back()
        assert state(till).mode == mode
    till.vm.rights.back()
    assert state(till).mode == ""


def test_an_empty_pool_is_said(till: ScriptedTill) -> None:
    to_pool(till)
    assert (state(till).mode, code(till), state(till).can_help) == ("answer", "rights.pool_empty", False)
    till.vm.rights.open_pool()
    till.settle()
    assert state(till).mode == "answer"


def test_the_pool_is_not_opened_while_the_city_answers(till: ScriptedTill) -> None:
    with_pool(till)
    stranger(till)
    till.city.answers = [RightsAnswer("nothing", "exhausted")]
    till.vm.rights.ask_city()
    till.vm.rights.open_pool()
    till.settle()
    till.vm.rights.open_pool()
    till.settle()
    assert (state(till).mode, code(till)) == ("answer", "rights.exhausted")


# --- with the next stick ---------------------------------------------------------------------------------------------


def test_without_a_line_the_request_goes_with_the_next_stick_and_is_not_withdrawn(till: ScriptedTill) -> None:
    stranger(till)
    till.vm.rights.ask_city()
    till.settle()
    assert (code(till), state(till).can_carry) == ("rights.no_line", True)
    till.vm.rights.carry()
    till.settle()
    assert code(till) == "rights.carried"
    assert state(till).can_help, "the pool helps meanwhile"
    (kept,) = till.usb.asked
    assert (kept.request, kept.token, kept.last4) == (till.city.wishes[0].request, CARD.token, CARD.last4)
    till.vm.rights.carry()
    till.vm.rights.go_on()
    till.settle()
    assert len(till.usb.asked) == 1
    assert [wish.withdraw for wish in till.city.wishes] == [False]
    till.to("sync")
    (line,) = till.vm.sync.state.wishes
    assert line.text == "kartu •••• 9105: permintaan USB belum dijawab"


def test_what_cannot_be_kept_is_said_and_the_city_is_asked_to_forget_nothing(till: ScriptedTill) -> None:
    def full(wish: RightsWish, family: str) -> None:
        raise LedgerFull("disk")

    till.vm.rights._desk = msgspec.structs.replace(till.vm.rights._desk, carry=full)
    stranger(till)
    till.vm.rights.ask_city()
    till.settle()
    till.vm.rights.carry()
    till.settle()
    assert state(till).notice is not None
    assert (state(till).busy, code(till)) == (False, "rights.no_line")


def test_with_a_line_nothing_is_left_to_a_stick(till: ScriptedTill) -> None:
    stranger(till)
    till.city.answers = [RightsAnswer("nothing", "exhausted")]
    till.vm.rights.ask_city()
    till.settle()
    assert not state(till).can_carry
    till.vm.rights.carry()
    assert till.usb.asked == []


@pytest.mark.parametrize(
    ("outcome", "reason", "words"),
    [
        ("waiting", "", "menunggu e-Warung Melati"),
        ("granted", "", "diberikan"),
        ("nothing", "exhausted", "ditolak, jatah bulan ini sudah habis"),
        ("nothing", "card_blocked", "ditolak, "),
        ("nothing", "period", "ditolak, "),
    ],
)
def test_sinkron_says_where_each_request_stands(till: ScriptedTill, outcome: str, reason: str, words: str) -> None:
    family = till.kit.families[0]
    till.usb.asked = [
        CarriedWish(
            "w-1", family.card.token, family.card.last4, family.key, "2026-11", 1, outcome, reason, "e-Warung Melati"
        )
    ]
    till.to("sync")
    (line,) = till.vm.sync.state.wishes
    assert family.name in line.text
    assert words in line.text
    assert line.tone == ("ok" if outcome == "granted" else "look")
