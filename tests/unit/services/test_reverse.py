"""Reversal: a counter-entry of the same day with the leader's word; a purse is voided at the terminal first."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ewarung_pos.domain.journal import AttemptSettled, Reversed, SettingsChanged
from ewarung_pos.domain.redemption import AttemptState
from ewarung_pos.domain.units import Rupiah
from ewarung_pos.errors import DayNotOpen, NotAuthorised, NotEntitled, RuleViolation
from ewarung_pos.ports import Attempt, Declined, PaymentOutcome, Settlement, Unknown
from ewarung_pos.services.redeem import RedeemService, Redemption
from ewarung_pos.services.reverse import Reversal, ReversalReason, ReverseService
from tests.till_kit import TillKit, till_kit
from tests.unit.services.counter import (
    DAY_MS,
    RICE,
    SUGAR,
    approved,
    begin,
    buy,
    cash,
    facts,
    owed,
    pay,
    purse,
    ration,
    reopened,
    serve,
)

WHY = ReversalReason.WRONG_GOODS


def reverse(kit: TillKit, entry: str) -> Reversal:
    return kit.reverse.reverse(entry, WHY, "siti", "yuni")


def begin_void(kit: TillKit, done: Redemption) -> Attempt:
    return kit.reverse.begin_void(done.entry.id, WHY, "siti", "yuni")[0]


def conclude(kit: TillKit, attempt: Attempt, outcome: PaymentOutcome, *people: str) -> Reversal | AttemptState:
    return kit.reverse.conclude(attempt.id, outcome, "siti", people)


def refused(kit: TillKit, entry: str, kind: type[RuleViolation]) -> str:
    head = kit.ledger.read().head()
    with pytest.raises(kind) as caught:
        reverse(kit, entry)
    assert kit.ledger.read().head() == head
    return caught.value.reason


def test_a_ration_comes_back_whole_under_a_number_of_its_own(shop: TillKit) -> None:
    done = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 2), ration(SUGAR, 1))
    back = reverse(shop, done.entry.id)
    assert (back.fact.receipt, back.fact.original_receipt, back.fact.original) == (2, 1, done.entry.id)
    assert (back.fact.reason, back.fact.approved_by, back.fact.void) == ("barang_salah", "yuni", None)
    assert back.fact.lines == done.fact.lines
    assert {row.commodity: (row.before, row.after) for row in back.fact.remaining} == {
        "beras": (0, 10_000),
        "gula": (1_000, 2_000),
        "minyak": (2_000, 2_000),
        "tepung": (2_000, 2_000),
    }
    standing = shop.redeem.identify(shop.card("SRI WAHYUNI"))
    assert [lease.left.amount for lease in standing.leases] == [10_000, 2_000, 2_000, 2_000]
    assert standing.stock[RICE] == 50
    assert owed(shop) == [("receipt", 0), ("reversal", 0)]
    assert shop.day.totals().agrees


def test_cash_alone_is_reversed_without_any_right(shop: TillKit) -> None:
    done = serve(shop, shop.card("SRI WAHYUNI"), cash(SUGAR, 2))
    back = reverse(shop, done.entry.id)
    assert (back.fact.debits, back.fact.remaining) == ((), ())
    assert shop.day.totals().cash == 0


def test_only_once(shop: TillKit) -> None:
    done = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 1))
    reverse(shop, done.entry.id)
    assert refused(shop, done.entry.id, NotEntitled) == "already_reversed"


def test_a_reversed_ration_may_be_taken_and_reversed_again(shop: TillKit) -> None:
    card = shop.card("SRI WAHYUNI")
    for _ in range(2):
        reverse(shop, serve(shop, card, ration(RICE, 2)).entry.id)
    assert serve(shop, card, ration(RICE, 2)).fact.receipt == 5


def test_only_redemptions(shop: TillKit) -> None:
    back = reverse(shop, serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 1)).entry.id)
    assert refused(shop, back.entry.id, NotEntitled) == "not_reversible"
    assert refused(shop, "no-such-entry", NotEntitled) == "unknown_entry"


def test_not_while_closing_nor_on_another_day(shop: TillKit) -> None:
    done = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 1))
    shop.day.begin_close("siti")
    assert refused(shop, done.entry.id, DayNotOpen) == "day_closing"
    shop.day.explain(shop.day.count(dict(shop.ledger.read().stock()), "siti"), "siti")
    shop.day.seal("siti", None)
    assert refused(shop, done.entry.id, DayNotOpen) == "not_same_day"
    shop.clock.ms += DAY_MS
    shop.day.open("siti")
    assert refused(shop, done.entry.id, DayNotOpen) == "not_same_day"


def test_the_original_shows_what_may_be_reversed(shop: TillKit) -> None:
    done = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 1))
    assert shop.reverse.original(done.entry.id) == done.fact
    reverse(shop, done.entry.id)
    with pytest.raises(NotEntitled):
        shop.reverse.original(done.entry.id)


def test_a_purse_is_never_given_back_without_the_terminal(shop: TillKit) -> None:
    done = buy(shop, shop.card("TUKINAH"), purse("telur-1", 1))
    assert refused(shop, done.entry.id, NotAuthorised) == "void_first"


def test_a_void_asks_for_the_debit_as_the_terminal_knew_it(shop: TillKit) -> None:
    done = buy(shop, shop.card("TUKINAH"), purse("telur-1", 2))
    attempt, original = shop.reverse.begin_void(done.entry.id, WHY, "siti", "yuni")
    assert original == approved(58_000)
    assert (attempt.kind, attempt.amount, attempt.entry, attempt.leader, attempt.reason) == (
        "void",
        58_000,
        done.entry.id,
        "yuni",
        "barang_salah",
    )
    assert shop.redeem.open_attempts() == (attempt,)


def test_a_debit_of_a_batch_that_the_edc_ended_is_not_voided_and_a_later_one_is(shop: TillKit) -> None:
    before = buy(shop, shop.card("TUKINAH"), purse("telur-1", 2))
    shop.day.edc_settled(Settlement(58_000, "000001"))
    after = buy(shop, shop.card("SUMINAH"), purse("telur-1", 1))
    with shop.ledger.write() as uow:
        uow.append(SettingsChanged("columns", "32", "48"))
    with pytest.raises(NotEntitled, match="settled") as caught:
        begin_void(shop, before)
    assert caught.value.reason == "edc_settled"
    assert shop.redeem.open_attempts() == ()
    assert begin_void(shop, after).entry == after.entry.id


def test_a_proven_void_gives_goods_rights_and_shadow_back(shop: TillKit) -> None:
    done = pay(shop, begin(shop, shop.card("SUMINAH"), ration(RICE, 1), purse("telur-1", 2)))
    attempt = begin_void(shop, done)
    back = conclude(shop, attempt, approved(58_000))
    assert isinstance(back, Reversal)
    assert back.fact.void is not None
    assert (back.fact.void.attempt, back.fact.void.amount, back.fact.void.evidence) == (attempt.id, 58_000, "edc")
    standing = shop.redeem.identify(shop.card("SUMINAH"))
    assert (standing.shadow, standing.stock["telur-1"], standing.stock[RICE]) == (Rupiah(200_000), 50, 50)
    assert standing.refusals == ()
    totals = shop.day.totals()
    assert (totals.purse, totals.agrees) == (0, True)


def test_a_declined_void_leaves_the_redemption_as_it_was(shop: TillKit) -> None:
    done = buy(shop, shop.card("TUKINAH"), purse("telur-1", 1))
    attempt = begin_void(shop, done)
    assert conclude(shop, attempt, Declined("12", "declined")) is AttemptState.DECLINED
    assert facts(shop)[-1] == AttemptSettled(attempt.id, "void_declined", "12", "edc")
    assert shop.day.totals().purse == 29_000
    second = begin_void(shop, done)
    assert isinstance(conclude(shop, second, approved(29_000)), Reversal)


def test_a_void_in_doubt_blocks_a_second_one_until_it_is_known(shop: TillKit) -> None:
    done = buy(shop, shop.card("TUKINAH"), purse("telur-1", 1))
    attempt = begin_void(shop, done)
    assert conclude(shop, attempt, Unknown("no_answer")) is AttemptState.IN_DOUBT
    assert conclude(shop, attempt, Unknown("no_answer")) is AttemptState.IN_DOUBT
    assert refused(shop, done.entry.id, NotEntitled) == "void_in_doubt"
    with pytest.raises(NotEntitled) as caught:
        begin_void(shop, done)
    assert caught.value.reason == "void_in_doubt"
    assert isinstance(conclude(shop, attempt, approved(29_000, "edc_inquiry")), Reversal)
    assert sum(isinstance(fact, Reversed) for fact in facts(shop)) == 1


def test_concluding_a_void_twice_changes_nothing(shop: TillKit) -> None:
    attempt = begin_void(shop, buy(shop, shop.card("TUKINAH"), purse("telur-1", 1)))
    conclude(shop, attempt, approved(29_000))
    head = shop.ledger.read().head()
    assert conclude(shop, attempt, Declined("12", "declined")) is AttemptState.DONE
    assert shop.ledger.read().head() == head


def test_a_void_known_from_a_slip_names_the_two_who_read_it(shop: TillKit) -> None:
    attempt = begin_void(shop, buy(shop, shop.card("TUKINAH"), purse("telur-1", 1)))
    with pytest.raises(NotAuthorised):
        conclude(shop, attempt, approved(29_000), "siti")
    back = conclude(shop, attempt, approved(29_000), "siti", "yuni")
    assert isinstance(back, Reversal)
    assert back.fact.void is not None
    assert back.fact.void.evidence == "slip"
    assert AttemptSettled(attempt.id, "voided", "", "slip", ("siti", "yuni")) in facts(shop)


def test_nothing_else_is_concluded_as_a_void(shop: TillKit) -> None:
    sale = begin(shop, shop.card("TUKINAH"), purse("telur-1", 1))
    for attempt in (sale, msgspec.structs.replace(sale, id="no-such")):
        with pytest.raises(NotEntitled) as caught:
            conclude(shop, attempt, approved(29_000))
        assert caught.value.reason == "unknown_attempt"


def test_there_is_nothing_to_void_without_a_debit(shop: TillKit) -> None:
    done = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 1))
    with pytest.raises(NotEntitled) as caught:
        begin_void(shop, done)
    assert caught.value.reason == "no_debit"


def test_a_void_under_way_when_the_machine_died_is_in_doubt(tmp_path: Path) -> None:
    kit = till_kit(tmp_path, families=12)
    kit.open_shop()
    attempt = begin_void(kit, buy(kit, kit.card("TUKINAH"), purse("telur-1", 1)))
    kit.ledger.close()

    kit.ledger = reopened(tmp_path, kit.clock, encrypted=True)
    try:
        kit.reverse = ReverseService(kit.ledger, kit.clock)
        (found,) = RedeemService(kit.ledger, kit.clock, lambda: None).recover()
        assert (found.id, found.kind, found.state) == (attempt.id, "void", AttemptState.IN_DOUBT)
        assert isinstance(conclude(kit, found, approved(29_000, "edc_inquiry")), Reversal)
    finally:
        kit.ledger.close()


@pytest.mark.parametrize("reason", ReversalReason)
def test_every_reason_has_words(reason: ReversalReason) -> None:
    assert reason.label
    assert "_" not in reason.label
