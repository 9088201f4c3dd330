"""A purse debit: begun before the terminal is asked, concluded by what the terminal or two people say."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ewarung_pos.domain.family import CardStatus
from ewarung_pos.domain.journal import AttemptOpened, AttemptSettled, Redeemed, RedemptionRefused
from ewarung_pos.domain.redemption import AttemptState
from ewarung_pos.errors import NotAuthorised, NotEntitled
from ewarung_pos.ledger.verify import verify
from ewarung_pos.ports import Declined, OtherDebit, PaymentOutcome, Unknown
from ewarung_pos.services.doubt import named_debit
from ewarung_pos.services.redeem import RedeemService, Redemption
from ewarung_pos.services.reverse import ReversalReason, ReverseService
from tests.till_kit import TillKit, till_kit
from tests.unit.services.counter import approved, begin, buy, facts, pay, purse, reopened, tell_city


def settled(kit: TillKit) -> list[AttemptSettled]:
    return [fact for fact in facts(kit) if isinstance(fact, AttemptSettled)]


def conclude(kit: TillKit, attempt: str, outcome: PaymentOutcome, *people: str) -> Redemption | AttemptState:
    return kit.redeem.conclude(attempt, outcome, "siti", people)


def state(kit: TillKit, attempt: str) -> AttemptState:
    found = kit.ledger.read().attempt(attempt)
    assert found is not None
    return found.state


def test_the_intent_is_durable_before_anything_is_asked(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), purse("telur-1", 2))
    assert (attempt.state, attempt.amount, attempt.kind) == (AttemptState.PENDING, 58_000, "sale")
    assert shop.ledger.read().open_attempts() == (attempt,)
    assert AttemptOpened(attempt.id, "K00001", shop.card("SUMINAH").last4, 58_000, attempt.intent()) in facts(shop)


def test_an_approval_becomes_the_redemption(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), purse("telur-1", 2))
    done = pay(shop, attempt)
    assert done.fact.purse is not None
    assert (done.fact.purse.attempt, done.fact.purse.approval, done.fact.purse.rrn) == (
        attempt.id,
        "A00042",
        "000000000042",
    )
    assert state(shop, attempt.id) is AttemptState.DONE
    assert shop.redeem.open_attempts() == ()
    assert settled(shop) == []


@pytest.mark.parametrize(
    ("outcome", "ended", "code"),
    [
        (Declined("51", "insufficient"), AttemptState.DECLINED, "51"),
        (Declined("", "not_sent"), AttemptState.DECLINED, "not_sent"),
        (Declined("P3", "user_cancelled"), AttemptState.CANCELLED, "P3"),
    ],
)
def test_a_no_of_the_terminal_ends_the_attempt_and_sells_nothing(
    shop: TillKit, outcome: Declined, ended: AttemptState, code: str
) -> None:
    card = shop.card("SUMINAH")
    attempt = begin(shop, card, purse("telur-1", 2))
    assert conclude(shop, attempt.id, outcome) is ended
    assert settled(shop) == [AttemptSettled(attempt.id, ended.value, code, "edc")]
    assert RedemptionRefused(card.last4, "K00001", (), f"edc:{outcome.reason}") in facts(shop)
    assert not any(isinstance(fact, Redeemed) for fact in facts(shop))
    assert shop.redeem.identify(card).stock["telur-1"] == 50
    assert shop.redeem.identify(card).refusals == ()


OTHER = OtherDebit(45_000, "1190", "A00042", "000042")


@pytest.mark.parametrize("kind", ["sale", "void"])
def test_another_debit_that_the_terminal_named_is_in_the_journal_once(shop: TillKit, kind: str) -> None:
    service: RedeemService | ReverseService = shop.redeem
    attempt = begin(shop, shop.card("SUMINAH"), purse("telur-1", 2))
    if kind == "void":
        done = pay(shop, attempt)
        attempt, _ = shop.reverse.begin_void(done.entry.id, ReversalReason.WRONG_AMOUNT, "siti", "yuni")
        service = shop.reverse
    assert service.conclude(attempt.id, Unknown("no_answer"), "siti") is AttemptState.IN_DOUBT
    assert named_debit(shop.ledger.read(), attempt.id) is None
    for _ in range(3):  # each inquiry says it again
        assert service.conclude(attempt.id, Unknown("mismatch", OTHER), "siti") is AttemptState.IN_DOUBT
    assert [fact.code for fact in settled(shop)] == ["no_answer", "mismatch 1190 A00042 000042 45000"]
    later = msgspec.structs.replace(OTHER, invoice="000043")
    service.conclude(attempt.id, Unknown("mismatch", later), "siti")
    begin(shop, shop.card("TUKINAH"), purse("telur-1", 1))
    shop.ledger.close()
    shop.ledger = reopened(shop.data_dir, shop.clock)
    assert named_debit(shop.ledger.read(), attempt.id) == later
    assert verify(shop.data_dir, encrypted=False).problems == ()


def test_a_debit_that_is_named_at_once_is_one_entry(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), purse("telur-1", 2))
    conclude(shop, attempt.id, Unknown("mismatch", OTHER))
    assert [fact.code for fact in settled(shop)] == ["mismatch 1190 A00042 000042 45000"]
    assert named_debit(shop.ledger.read(), attempt.id) == OTHER


def test_an_outcome_that_is_not_known_keeps_card_and_goods(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), purse("telur-1", 2))
    assert conclude(shop, attempt.id, Unknown("no_answer")) is AttemptState.IN_DOUBT
    assert conclude(shop, attempt.id, Unknown("link_lost")) is AttemptState.IN_DOUBT
    assert settled(shop) == [AttemptSettled(attempt.id, "in_doubt", "no_answer")]
    assert shop.redeem.identify(shop.card("TUKINAH")).stock["telur-1"] == 48


def test_a_doubt_ends_with_what_the_terminal_answers_later(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), purse("telur-1", 2))
    conclude(shop, attempt.id, Unknown("no_answer"))
    done = conclude(shop, attempt.id, approved(attempt.amount, "edc_inquiry"))
    assert isinstance(done, Redemption)
    assert done.fact.purse is not None
    assert done.fact.purse.evidence == "edc_inquiry"


@pytest.mark.parametrize(
    "outcome", [approved(58_000), Declined("51", "insufficient"), Declined("P3", "user_cancelled")]
)
def test_concluding_twice_changes_nothing(shop: TillKit, outcome: PaymentOutcome) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), purse("telur-1", 2))
    conclude(shop, attempt.id, outcome)
    head, ended = shop.ledger.read().head(), state(shop, attempt.id)
    for again in (approved(58_000), Declined("51", "insufficient"), Unknown("no_answer")):
        assert conclude(shop, attempt.id, again) is ended
    assert shop.ledger.read().head() == head


def test_a_slip_counts_when_two_people_read_it(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), purse("telur-1", 2))
    conclude(shop, attempt.id, Unknown("no_answer"))
    for alone in (("siti",), ("siti", "siti")):
        with pytest.raises(NotAuthorised) as caught:
            conclude(shop, attempt.id, approved(attempt.amount), *alone)
        assert caught.value.reason == "second_person"
    assert state(shop, attempt.id) is AttemptState.IN_DOUBT
    done = conclude(shop, attempt.id, approved(attempt.amount), "siti", "yuni")
    assert isinstance(done, Redemption)
    assert done.fact.purse is not None
    assert done.fact.purse.evidence == "slip"
    assert settled(shop)[-1] == AttemptSettled(attempt.id, "approved", "", "slip", ("siti", "yuni"))


def test_two_people_may_also_find_that_there_is_no_slip(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), purse("telur-1", 2))
    conclude(shop, attempt.id, Unknown("no_query"))
    assert conclude(shop, attempt.id, Declined("", "not_found"), "siti", "yuni") is AttemptState.DECLINED
    assert settled(shop)[-1] == AttemptSettled(attempt.id, "declined", "not_found", "slip", ("siti", "yuni"))


def test_nothing_else_is_concluded_as_a_sale(shop: TillKit) -> None:
    done = buy(shop, shop.card("SUMINAH"), purse("telur-1", 1))
    void, _ = shop.reverse.begin_void(done.entry.id, ReversalReason.WRONG_GOODS, "siti", "yuni")
    for attempt in ("no-such", void.id):
        with pytest.raises(NotEntitled) as caught:
            conclude(shop, attempt, approved(29_000))
        assert caught.value.reason == "unknown_attempt"


def test_an_approval_after_the_day_began_to_close_still_counts(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), purse("telur-1", 2))
    conclude(shop, attempt.id, Unknown("no_answer"))
    shop.day.begin_close("siti")
    assert isinstance(conclude(shop, attempt.id, approved(attempt.amount)), Redemption)


def test_an_approval_counts_even_when_the_city_blocked_the_card_meanwhile(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("TUKINAH"), purse("telur-1", 1))
    tell_city(shop, msgspec.structs.replace(shop.family("SEMBAKO"), card_status=CardStatus.BLOCKED))
    done = conclude(shop, attempt.id, approved(attempt.amount))
    assert isinstance(done, Redemption)
    assert done.fact.family == "K00003"


def test_what_was_under_way_when_the_machine_died_is_in_doubt(tmp_path: Path) -> None:
    kit = till_kit(tmp_path, families=12)
    kit.open_shop()
    pending = begin(kit, kit.card("SUMINAH"), purse("telur-1", 2))
    doubtful = begin(kit, kit.card("TUKINAH"), purse("telur-1", 1))
    conclude(kit, doubtful.id, Unknown("no_answer"))
    kit.ledger.close()

    kit.ledger = reopened(tmp_path, kit.clock, encrypted=True)
    try:
        kit.redeem = RedeemService(kit.ledger, kit.clock, lambda: None)
        found = kit.redeem.recover()
        assert [(attempt.id, attempt.state) for attempt in found] == [
            (pending.id, AttemptState.IN_DOUBT),
            (doubtful.id, AttemptState.IN_DOUBT),
        ]
        assert found[0].basket == pending.basket
        assert settled(kit)[-1] == AttemptSettled(pending.id, "in_doubt", "restart")
        head = kit.ledger.read().head()
        assert kit.redeem.recover() == found
        assert kit.ledger.read().head() == head
        assert isinstance(conclude(kit, pending.id, approved(58_000, "edc_inquiry")), Redemption)
        assert conclude(kit, doubtful.id, Declined("25", "not_found")) is AttemptState.DECLINED
    finally:
        kit.ledger.close()
