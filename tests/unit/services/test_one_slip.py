"""One slip of the EDC proves one thing, whatever two people say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.redemption import AttemptState, Basket, Tender
from ewarung_pos.errors import NotAuthorised
from ewarung_pos.ports import Approved, Declined, OtherDebit, Unknown
from ewarung_pos.services.redeem import Redemption
from ewarung_pos.services.reverse import Reversal, ReversalReason
from tests.till_kit import TillKit, till_kit

PEOPLE = ("siti", "yuni")


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[TillKit]:
    kit = till_kit(tmp_path, families=40)
    kit.open_shop()
    yield kit
    kit.ledger.close()


def bought(kit: TillKit, place: int, approval: str, invoice: str) -> Redemption:
    attempt_id, amount = begun(kit, place)
    done = kit.redeem.conclude(attempt_id, Approved(amount, approval, invoice, "", "T", "M", "1"), "siti")
    assert isinstance(done, Redemption)
    return done


def begun(kit: TillKit, place: int) -> tuple[str, int]:
    family = [family for family in kit.families if "SEMBAKO" in family.programmes][place]
    basket = Basket().with_packs("telur-1", 1, Tender.PURSE, "SEMBAKO")
    attempt = kit.redeem.begin(family.card, basket, HolderPresence.SELF, "siti")
    return attempt.id, attempt.amount


def voiding(kit: TillKit, redemption: Redemption) -> tuple[str, int]:
    attempt, original = kit.reverse.begin_void(redemption.entry.id, ReversalReason.WRONG_GOODS, "siti", "yuni")
    assert kit.reverse.conclude(attempt.id, Unknown("no_answer"), "siti") is AttemptState.IN_DOUBT
    return attempt.id, original.amount


def slip(amount: int, approval: str, invoice: str) -> Approved:
    return Approved(amount, approval, invoice, "", "", "", "", evidence="slip")


def test_a_slip_that_paid_for_one_family_cannot_pay_for_another(kit: TillKit) -> None:
    bought(kit, 0, "123456", "000001")
    doubted, amount = begun(kit, 1)
    kit.redeem.conclude(doubted, Unknown("no_answer"), "siti")
    with pytest.raises(NotAuthorised) as refused:
        kit.redeem.conclude(doubted, slip(amount, "123456", "000001"), "siti", PEOPLE)
    assert refused.value.reason == "slip_used"
    assert [attempt.id for attempt in kit.redeem.open_attempts()] == [doubted]
    done = kit.redeem.conclude(doubted, slip(amount, "123456", "000002"), "siti", PEOPLE)
    assert isinstance(done, Redemption)


def test_a_void_s_slip_undoes_one_debit_only_and_pays_for_nothing(kit: TillKit) -> None:
    first, amount = voiding(kit, bought(kit, 0, "123456", "000001"))
    undone = kit.reverse.conclude(first, slip(amount, "777777", "000001"), "siti", PEOPLE)
    assert isinstance(undone, Reversal)
    second, amount = voiding(kit, bought(kit, 1, "123457", "000002"))
    with pytest.raises(NotAuthorised) as refused:
        kit.reverse.conclude(second, slip(amount, "777777", "000001"), "siti", PEOPLE)
    assert refused.value.reason == "slip_used"
    doubted, amount = begun(kit, 2)
    with pytest.raises(NotAuthorised):
        kit.redeem.conclude(doubted, slip(amount, "777777", "000001"), "siti", PEOPLE)


def test_a_void_may_carry_the_numbers_of_the_sale_it_undoes(kit: TillKit) -> None:
    attempt, amount = voiding(kit, bought(kit, 0, "123456", "000001"))
    assert isinstance(kit.reverse.conclude(attempt, slip(amount, "123456", "000001"), "siti", PEOPLE), Reversal)


# -- a debit that the terminal named instead ---------------------------------------------------------------------------

NOT_FOUND = Declined("25", "not_found")


def named_instead(kit: TillKit, place: int, approval: str, invoice: str) -> str:
    attempt_id, _ = begun(kit, place)
    other = OtherDebit(67_500, "2202", approval, invoice)
    assert kit.redeem.conclude(attempt_id, Unknown("mismatch", other), "siti") is AttemptState.IN_DOUBT
    return attempt_id


@pytest.mark.parametrize("said", [NOT_FOUND, Declined("51", "insufficient")])
def test_that_the_terminal_named_another_debit_is_not_forgotten_when_it_then_says_no(
    kit: TillKit, said: Declined
) -> None:
    """Somebody else's money is gone: people look at the slip, also where the EDC was reset or exchanged meanwhile."""
    attempt_id = named_instead(kit, 0, "112648", "000001")
    head = kit.ledger.read().head()
    assert kit.redeem.conclude(attempt_id, said, "siti") is AttemptState.IN_DOUBT
    assert kit.ledger.read().head() == head
    assert [attempt.id for attempt in kit.redeem.open_attempts()] == [attempt_id]
    assert kit.redeem.conclude(attempt_id, Declined("", "no_slip"), "siti", PEOPLE) is AttemptState.DECLINED


def test_a_no_counts_where_the_debit_that_was_named_stands_on_a_receipt(kit: TillKit) -> None:
    """It was the answer to the family before: nobody's money is missing."""
    bought(kit, 0, "112648", "000001")
    attempt_id = named_instead(kit, 1, "112648", "000001")
    assert kit.redeem.conclude(attempt_id, NOT_FOUND, "siti") is AttemptState.DECLINED


def test_a_void_that_named_another_debit_stays_in_doubt_too(kit: TillKit) -> None:
    attempt_id, amount = voiding(kit, bought(kit, 0, "123456", "000001"))
    other = OtherDebit(67_500, "2202", "112648", "000009")
    kit.reverse.conclude(attempt_id, Unknown("mismatch", other), "siti")
    assert kit.reverse.conclude(attempt_id, NOT_FOUND, "siti") is AttemptState.IN_DOUBT
    done = kit.reverse.conclude(attempt_id, slip(amount, "777777", "000001"), "siti", PEOPLE)
    assert isinstance(done, Reversal)


# -- a void that another terminal did ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("terminal", "merchant"), [("NEIGHB01", "M"), ("T", "NEIGHBOUR"), ("NEIGHB01", "")])
def test_what_another_terminal_undid_is_not_our_debit(kit: TillKit, terminal: str, merchant: str) -> None:
    """It gave away the same invoice number; asked again, also after a restart, it stands by what it did."""
    attempt_id, amount = voiding(kit, bought(kit, 0, "123456", "000001"))
    undone = Approved(amount, "777777", "000001", "", terminal, merchant, "1", evidence="edc_inquiry")
    assert kit.reverse.conclude(attempt_id, undone, "siti") is AttemptState.IN_DOUBT
    assert [attempt.id for attempt in kit.redeem.open_attempts()] == [attempt_id]


@pytest.mark.parametrize(("terminal", "merchant"), [("T", "M"), ("", "M"), ("00000000", "   "), ("", "")])
def test_a_void_of_the_same_terminal_or_of_one_that_does_not_say_counts(
    kit: TillKit, terminal: str, merchant: str
) -> None:
    attempt_id, amount = voiding(kit, bought(kit, 0, "123456", "000001"))
    undone = Approved(amount, "777777", "000001", "", terminal, merchant, "1", evidence="edc_inquiry")
    assert isinstance(kit.reverse.conclude(attempt_id, undone, "siti"), Reversal)
