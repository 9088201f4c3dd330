"""The POSe Link driver against conversations that are written down: wire scripts, splits, and what it may conclude."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewarung_pos.devices.poselink import PoseLinkTerminal
from ewarung_pos.devices.poselink_line import PoseLine, PoseLinkSite, PoseLinkTimers
from ewarung_pos.devices.transport import LinkLost
from ewarung_pos.errors import DeviceError, DeviceProtocolError, DeviceTimeout, DeviceUnavailable
from ewarung_pos.ports import (
    Approved,
    Declined,
    DeviceState,
    DeviceStatus,
    OtherDebit,
    PaymentIntent,
    PaymentOutcome,
    PaymentStep,
    Settlement,
    Unknown,
)
from tests.unit.devices.scripted_link import SECRET, Later, Said, ScriptedLink, Step

ID = "01930b3f-6f2a-7c11-8f00-dc0c0c07398f"
OTHER_ID = "01930b3f-6f2a-7c11-8f00-00000000beef"
NOT_FOUND = "Transaction not found"
TIMERS = PoseLinkTimers(
    connect=0.05, ping=0.05, accept=0.05, response=0.08, query=0.05, again=0.01, slice=0.02, write=0.05
)
APPROVED = Approved(62_500, "123456", "000123", "000000000009", "10203040", "000001234567890", "000007", "edc")
TAKEN = "Request received"


def answer(trx_id: str = ID, **fields: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "status": "success",
        "rc": "00",
        "msg": "Transaction success",
        "action": "Sale",
        "method": "purchase",
        "trx_id": trx_id,
        "amount": "62500",
        "pan": "6013 01** **** 7788",
        "approval": "123456",
        "trace_number": "000123",
        "batch_number": "000007",
        "reference_number": "000000000009",
        "acq_mid": "000001234567890",
        "acq_tid": "10203040",
    }
    return whole | fields


def failed(rc: str = "N/A", msg: str = "Transaction failed", **fields: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("pan", "approval", "trace_number", "batch_number", "reference_number"), "N/A")
    return answer(status="failed", rc=rc, msg=msg, **(nothing | fields))


def missing(**fields: Any) -> dict[str, Any]:
    return failed(msg=NOT_FOUND, action="Check Trx", **fields)


class Talk:
    """A script, and what the terminal made of it."""

    def __init__(
        self,
        *script: Step,
        not_found: str = NOT_FOUND,
        timers: PoseLinkTimers = TIMERS,
        opens: Iterable[LinkLost | None] = (),
        pongs: Iterable[Any] = (),
        wall: Callable[[], float] = lambda: 1_764_000_000.0,
    ) -> None:
        self.steps: list[PaymentStep] = []
        self.link = ScriptedLink(script, opens=opens, pongs=pongs)
        self.terminal = PoseLinkTerminal(PoseLine(self.link, PoseLinkSite(SECRET, "EW-0001", not_found), timers, wall))
        # No sale of an earlier life of the program can still be under way.
        self.terminal._over_before = 0.0

    def pay(self, attempt: str = ID, amount: int = 62_500, last4: str = "7788") -> PaymentOutcome:
        return self.terminal.pay(PaymentIntent(attempt, amount, last4), self.steps.append)

    def inquire(self, attempt: str = ID, amount: int = 62_500, kind: str = "sale") -> PaymentOutcome:
        return self.terminal.inquire(PaymentIntent(attempt, amount, "7788", kind))

    def void(self, attempt: str = ID) -> PaymentOutcome:
        return self.terminal.void(attempt, APPROVED)

    def asked(self) -> list[str]:
        return [request["action"] for request in self.link.requests]


# -- a sale that goes as it should ---------------------------------------------------------------------------------


def test_sale_is_named_by_its_attempt_and_approved() -> None:
    talk = Talk(("Sale", [TAKEN, answer()]))
    assert talk.pay() == APPROVED
    assert talk.steps == [PaymentStep.SENT, PaymentStep.ACCEPTED, PaymentStep.VERIFYING]
    assert talk.link.requests == [
        {
            "action": "Sale",
            "amount": 62_500,
            "trx_id": ID,
            "pos_address": "EW-0001",
            "time_stamp": "2025-11-24 23:00:00",
            "method": "purchase",
        }
    ]
    assert talk.terminal.status() == DeviceStatus(DeviceState.READY)
    talk.link.done()


@pytest.mark.parametrize(
    "told",
    [
        [answer()],
        [{"status": "processing", "trx_id": ID}, answer(status="paid")],
        [TAKEN, {"status": "unpaid", "rc": "00", "trx_id": ID}, '{"half', answer()],
        [answer(method="N/A", action="N/A")],
        [answer(pan="N/A")],
        [answer(msg="Transaction already done")],
        [TAKEN, "EDC is busy", answer()],
    ],
)
def test_notes_around_an_approval_change_nothing(told: list[Said]) -> None:
    talk = Talk(("Sale", told))
    assert talk.pay() == APPROVED
    talk.link.done()


def test_amount_outside_the_bounds_is_not_sent() -> None:
    for amount in (0, -1, 10_000_000_000):
        with pytest.raises(ValueError, match="amount"):
            Talk().pay(amount=amount)


def test_time_in_requests_never_goes_back() -> None:
    clock = iter([1_764_000_100.0, 1_764_000_000.0, 1_764_000_200.0])
    talk = Talk(("Sale", answer()), ("Sale", answer(OTHER_ID)), ("Sale", answer("third")), wall=lambda: next(clock))
    for attempt in (ID, OTHER_ID, "third"):
        assert isinstance(talk.pay(attempt), Approved)
    assert [request["time_stamp"][-5:] for request in talk.link.requests] == ["01:40", "01:40", "03:20"]


# -- clear answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("51", "insufficient"),
        ("54", "expired_card"),
        ("55", "wrong_pin"),
        ("91", "host_unavailable"),
        ("96", "host_unavailable"),
        ("05", "declined"),
        ("Q9", "declined"),
    ],
)
def test_decline_keeps_its_raw_code(code: str, reason: str) -> None:
    talk = Talk(("Sale", [TAKEN, failed(code)]))
    assert talk.pay() == Declined(code, reason)
    assert talk.asked() == ["Sale"]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("EDC is busy", "busy"),
        ({"status": "failed", "rc": "N/A", "msg": "EDC is busy"}, "busy"),
        ({"status": "failed", "rc": "N/A", "msg": "EDC is busy", "trx_id": ID}, "busy"),
        ("Invalid timestamp", "clock_behind"),
    ],
)
def test_a_refusal_before_acceptance_is_a_clear_answer(told: Said, reason: str) -> None:
    talk = Talk(("Sale", [told, LinkLost("unplugged")]))
    assert talk.pay() == Declined("", reason)
    assert talk.terminal.status().reason == reason
    assert not talk.link.is_open


@pytest.mark.parametrize("told", ["EDC is busy", "Invalid timestamp"])
def test_a_refusal_at_the_door_sends_nothing(told: str) -> None:
    talk = Talk((None, [told, LinkLost("unplugged")]))
    assert isinstance(talk.pay(), Declined)
    assert talk.link.requests == []


def test_busy_of_somebody_elses_sale_is_not_ours() -> None:
    talk = Talk(("Sale", [{"status": "failed", "msg": "EDC is busy", "trx_id": OTHER_ID}, answer()]))
    assert talk.pay() == APPROVED


def test_busy_after_acceptance_does_not_undo_it() -> None:
    talk = Talk(("Sale", [TAKEN, "EDC is busy", LinkLost("unplugged")]))
    assert talk.pay() == Unknown("link_lost")


def test_busy_that_comes_long_after_the_request_is_not_an_answer_to_it() -> None:
    """An EDC of before 4.9.0 takes a sale without a word; what is busy then is somebody else's."""
    timers = replace(TIMERS, accept=0.0)
    assert Talk(("Sale", ["EDC is busy", answer()]), timers=timers).pay() == APPROVED
    assert Talk(("Sale", ["EDC is busy", None]), timers=timers).pay() == Unknown("no_ack")


def test_nothing_is_sent_where_no_ping_is_answered() -> None:
    talk = Talk(pongs=[False, False])
    assert talk.pay() == Declined("", "not_sent")
    assert talk.link.connections == 2
    assert talk.link.requests == []
    assert talk.terminal.status() == DeviceStatus(DeviceState.AWAY, "no_answer")


def test_a_connection_that_died_while_nobody_looked_is_made_anew() -> None:
    talk = Talk(("Sale", answer()), ("Sale", answer(OTHER_ID)), pongs=[True, LinkLost("unplugged"), True])
    assert isinstance(talk.pay(), Approved)
    assert isinstance(talk.pay(OTHER_ID), Approved)
    assert talk.link.connections == 2


def test_no_connection_is_said_and_nothing_was_sent() -> None:
    talk = Talk(opens=[LinkLost("no_host", "refused")])
    with pytest.raises(DeviceUnavailable) as caught:
        talk.pay()
    assert caught.value.reason == "no_host"
    assert talk.terminal.status() == DeviceStatus(DeviceState.AWAY, "no_host", "refused")


def test_another_certificate_needs_somebodys_attention() -> None:
    talk = Talk(opens=[LinkLost("certificate", "the certificate is ab12")])
    assert talk.terminal.diagnose().state is DeviceState.ATTENTION
    assert talk.terminal.status().reason == "certificate"


def test_abort_before_the_sale_sends_nothing() -> None:
    talk = Talk()
    talk.terminal.abort()
    assert talk.pay() == Declined("", "user_cancelled")
    assert talk.link.requests == []


def test_abort_of_an_earlier_payment_does_not_stop_the_next() -> None:
    talk = Talk(("Sale", answer()))
    talk.terminal._aborted_at = time.monotonic() - 60
    assert talk.pay() == APPROVED


# -- what proves nothing -------------------------------------------------------------------------------------------


def other_debit(amount: int = 62_501, last4: str = "7788") -> Unknown:
    return Unknown("mismatch", OtherDebit(amount, last4, "123456", "000123"))


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (answer(amount="62501"), other_debit()),
        (answer(pan="6013 01** **** 1234"), other_debit(62_500, "1234")),
        (answer("somebody-elses"), Unknown("mismatch")),
        (answer("N/A"), Unknown("mismatch")),
        (answer("somebody-elses", amount="1000"), other_debit(1000)),
        (answer(action="Void"), Unknown("mismatch")),
        (answer(method="qris"), Unknown("mismatch")),
        (answer(amount="N/A"), Unknown("mismatch")),
        (answer(approval="N/A"), Unknown("mismatch")),
        (answer(trace_number="N/A"), Unknown("mismatch")),
        (answer(rc="05"), Unknown("bad_frame")),
        (answer(status="failed"), Unknown("bad_frame")),
        (answer(reference_number="6013014455667788"), Unknown("bad_frame")),
        (failed("68"), Unknown("host_timeout")),
        (failed("TO"), Unknown("host_timeout")),
        ([TAKEN, LinkLost("unplugged")], Unknown("link_lost")),
        (LinkLost("unplugged"), Unknown("link_lost")),
        (None, Unknown("no_ack")),
        ([TAKEN, None], Unknown("no_answer")),
        (["half of an answ", None], Unknown("no_answer")),
        ([TAKEN] * 300, Unknown("bad_frame")),
    ],
)
def test_an_ambiguous_end_is_unknown_and_nothing_is_sent_again(told: Said | list[Said], outcome: Unknown) -> None:
    talk = Talk(("Sale", told))
    assert talk.pay() == outcome
    assert talk.asked() == ["Sale"]


def test_a_send_that_broke_is_unknown_only_if_something_may_have_left() -> None:
    for sent, outcome in ((True, Unknown("link_lost")), (False, Declined("", "not_sent"))):
        talk = Talk()
        talk.link.broken_send = LinkLost("unplugged", sent=sent)
        assert talk.pay() == outcome


def test_a_bug_on_the_way_leaves_the_attempt_open() -> None:
    talk = Talk(("Sale", answer()), ("Check Trx", answer(action="Check Trx")))

    def broken(step: PaymentStep) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        talk.terminal.pay(PaymentIntent(ID, 62_500, "7788"), broken)
    assert isinstance(talk.inquire(), Approved)


# -- failed, and the EDC does not say how: it is asked at once -----------------------------------------------------


@pytest.mark.parametrize("code", ["N/A", "-01 TC - 50 - Transaksi gagal"])
def test_cancelled_by_the_holder_is_proven_by_asking_twice(code: str) -> None:
    talk = Talk(("Sale", [TAKEN, failed(code)]), ("Check Trx", missing()), ("Check Trx", missing()))
    assert talk.pay() == Declined("", "not_found")
    assert {request["trx_id"] for request in talk.link.requests} == {ID}
    assert talk.asked() == ["Sale", "Check Trx", "Check Trx"]


def test_a_failure_that_the_host_carried_out_is_found() -> None:
    talk = Talk(("Sale", failed()), ("Check Trx", answer(action="Check Trx", status="paid")))
    assert talk.pay() == replace_evidence(APPROVED, "edc_inquiry")


def replace_evidence(approved: Approved, evidence: str) -> Approved:
    import msgspec

    return msgspec.structs.replace(approved, evidence=evidence)


def test_a_failure_that_the_edc_cannot_explain_is_unknown() -> None:
    for told in (failed(action="Check Trx"), None, LinkLost("unplugged"), failed("91", action="Check Trx")):
        talk = Talk(("Sale", failed()), ("Check Trx", told))
        outcome = talk.pay()
        assert isinstance(outcome, Unknown)
        assert outcome.reason in {"unclear", "no_answer", "link_lost"}


def test_a_failure_and_then_no_line_is_unknown() -> None:
    lost = LinkLost("unplugged")
    assert Talk(("Sale", failed()), pongs=[True, lost, lost]).pay() == Unknown("host_timeout")
    assert Talk(("Sale", failed()), pongs=[True, lost], opens=[None, lost]).pay() == Unknown("link_lost")


# -- Check Trx -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (answer(action="Check Trx"), replace_evidence(APPROVED, "edc_inquiry")),
        (answer(), replace_evidence(APPROVED, "edc_inquiry")),
        (answer(action="N/A", status="paid"), replace_evidence(APPROVED, "edc_inquiry")),
        (failed("51", action="Check Trx"), Declined("51", "insufficient")),
        (failed("51"), Declined("51", "insufficient")),
        (failed("Q9"), Declined("Q9", "declined")),
        (failed("Q9", action="Check Trx"), Unknown("unclear")),
        (failed("91", action="Check Trx"), Unknown("unclear")),
        (failed("12", action="Check Trx"), Unknown("unclear")),
        (failed("05", action="Check Trx"), Unknown("unclear")),
        (failed(), Unknown("unclear")),
        (answer(action="Check Trx", amount="1000"), other_debit(1000)),
        (answer(OTHER_ID, action="Check Trx"), Unknown("mismatch")),
        (answer(action="Settlement"), Unknown("mismatch")),
        (answer(action="Check Trx", trace_number="#"), Unknown("bad_frame")),
        ("EDC is busy", Unknown("busy")),
        ("Invalid timestamp", Unknown("no_answer")),
        (LinkLost("unplugged"), Unknown("link_lost")),
        (None, Unknown("no_answer")),
        ([TAKEN, None], Unknown("no_answer")),
        ({"status": "unpaid", "rc": "00", "trx_id": ID, "action": "Check Trx"}, Unknown("no_answer")),
    ],
)
def test_what_check_trx_proves(told: Said | list[Said], outcome: PaymentOutcome) -> None:
    talk = Talk(("Check Trx", told))
    assert talk.inquire() == outcome
    talk.link.done()


def test_not_found_counts_when_it_is_said_twice() -> None:
    assert Talk(("Check Trx", missing()), ("Check Trx", missing())).inquire() == Declined("", "not_found")
    for second in (None, failed(action="Check Trx"), "EDC is busy", answer(action="Check Trx")):
        assert Talk(("Check Trx", missing()), ("Check Trx", second)).inquire() != Declined("", "not_found")


def test_not_found_is_known_by_the_sites_own_words_only() -> None:
    assert Talk(("Check Trx", missing()), not_found="").inquire() == Unknown("unclear")
    assert Talk(("Check Trx", failed(msg="Host not found", action="Check Trx"))).inquire() == Unknown("unclear")
    by_code = [("Check Trx", failed("25", action="Check Trx"))] * 2
    assert Talk(*by_code, not_found="25").inquire() == Declined("", "not_found")


def test_not_found_proves_nothing_while_the_edc_may_be_at_work_on_it() -> None:
    timers = replace(TIMERS, response=0.3)
    script: list[Step] = [("Sale", [TAKEN, LinkLost("unplugged")]), ("Check Trx", missing())]
    talk = Talk(*script, ("Check Trx", answer(action="Check Trx")), timers=timers)
    assert talk.pay() == Unknown("link_lost")
    assert talk.inquire() == Unknown("busy")
    assert isinstance(talk.inquire(), Approved)


def test_not_found_counts_when_the_longest_time_of_a_sale_has_passed() -> None:
    talk = Talk(("Sale", LinkLost("unplugged")), ("Check Trx", missing()), ("Check Trx", missing()))
    assert talk.pay() == Unknown("link_lost")
    time.sleep(TIMERS.response)
    assert talk.inquire() == Declined("", "not_found")


def test_not_found_proves_nothing_right_after_a_start() -> None:
    link = ScriptedLink([("Check Trx", missing())])
    site = PoseLinkSite(SECRET, "EW-0001", NOT_FOUND)
    terminal = PoseLinkTerminal(PoseLine(link, site, replace(TIMERS, response=30.0)))
    assert terminal.inquire(PaymentIntent(ID, 62_500, "7788")) == Unknown("busy")


def test_a_late_answer_to_a_question_does_not_meet_the_next_one() -> None:
    talk = Talk(("Check Trx", None), ("Check Trx", answer(action="Check Trx")))
    assert talk.inquire() == Unknown("no_answer")
    assert isinstance(talk.inquire(), Approved)
    assert talk.link.connections == 2


def test_busy_at_the_door_leaves_an_inquiry_open() -> None:
    assert Talk((None, ["EDC is busy", LinkLost("unplugged")])).inquire() == Unknown("busy")
    assert Talk(pongs=[False, False]).inquire() == Unknown("no_answer")
    with pytest.raises(DeviceUnavailable):
        Talk(opens=[LinkLost("no_host")]).inquire()


def test_what_the_edc_named_instead_is_said_again_until_the_attempt_is_known() -> None:
    talk = Talk(("Sale", answer(amount="62501")), ("Check Trx", None), ("Check Trx", answer(action="Check Trx")))
    assert talk.pay() == other_debit()
    assert talk.inquire() == Unknown("no_answer", OtherDebit(62_501, "7788", "123456", "000123"))
    assert isinstance(talk.inquire(), Approved)


def test_a_late_answer_that_names_something_else_is_said_with_the_next_inquiry() -> None:
    talk = Talk(("Sale", [TAKEN, Later(), answer(pan="**** 1234")]), ("Check Trx", None))
    assert talk.pay() == Unknown("no_answer")
    assert talk.inquire() == Unknown("no_answer", OtherDebit(62_500, "1234", "123456", "000123"))


# -- answers that come late ----------------------------------------------------------------------------------------


def test_an_answer_that_comes_with_the_next_question_resolves_its_own_attempt() -> None:
    talk = Talk(("Sale", [TAKEN, None]), ("Sale", [answer(), TAKEN, answer(OTHER_ID, trace_number="000124")]))
    assert talk.pay() == Unknown("no_answer")
    second = talk.pay(OTHER_ID)
    assert isinstance(second, Approved)
    assert second.invoice == "000124"
    assert talk.inquire() == replace_evidence(APPROVED, "edc_late")
    assert talk.asked() == ["Sale", "Sale"]


def test_an_answer_that_lay_there_is_taken_at_the_door() -> None:
    talk = Talk(("Sale", [TAKEN, Later(), answer()]))
    assert talk.pay() == Unknown("no_answer")
    assert talk.inquire() == replace_evidence(APPROVED, "edc_late")
    assert talk.asked() == ["Sale"]


def test_a_late_denial_resolves_too_and_a_late_riddle_is_asked_about() -> None:
    talk = Talk(("Sale", [TAKEN, Later(), failed("51")]))
    assert talk.pay() == Unknown("no_answer")
    assert talk.inquire() == Declined("51", "insufficient")
    timers = replace(TIMERS, response=0.1)
    script: list[Step] = [("Sale", [TAKEN, Later(), failed()]), ("Check Trx", missing()), ("Check Trx", missing())]
    talk = Talk(*script, timers=timers)
    assert talk.pay() == Unknown("no_answer")
    assert talk.inquire() == Declined("", "not_found")


def test_a_riddle_in_the_place_of_the_inquirys_answer_ends_the_sale() -> None:
    timers = replace(TIMERS, response=5.0)
    checks: list[Step] = [("Check Trx", failed()), ("Check Trx", missing()), ("Check Trx", missing())]
    talk = Talk(("Sale", LinkLost("unplugged")), *checks, timers=timers)
    assert talk.pay() == Unknown("link_lost")
    assert talk.inquire() == Unknown("unclear")
    assert talk.inquire() == Declined("", "not_found")


def test_what_lies_there_about_nobody_is_put_aside(caplog: pytest.LogCaptureFixture) -> None:
    talk = Talk((None, [answer("unheard-of"), "hello"]), ("Sale", answer()))
    assert talk.pay() == APPROVED
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "EDC: an approval that nobody waits for"
    ]


def test_a_line_that_does_not_stop_talking_at_the_door_is_left() -> None:
    talk = Talk((None, ["chatter"] * 300), (None, ["chatter"] * 300))
    assert talk.pay() == Declined("", "not_sent")
    assert talk.link.requests == []


# -- void ----------------------------------------------------------------------------------------------------------


def voided(**fields: Any) -> dict[str, Any]:
    return answer(action="Void", approval="654321", trace_number="000124", **fields)


def test_void_names_the_sale_by_its_trace() -> None:
    talk = Talk(("Void", [TAKEN, voided()]))
    outcome = talk.void()
    assert isinstance(outcome, Approved)
    assert (outcome.amount, outcome.approval, outcome.invoice) == (62_500, "654321", "000124")
    asked = talk.link.requests[0]
    assert (asked["trx_id"], asked["amount"]) == (ID, 62_500)
    assert (asked["trace_number"], asked["reference_number"]) == ("000123", "000000000009")


def test_void_may_leave_its_amount_out_but_not_name_another() -> None:
    assert isinstance(Talk(("Void", voided(amount="N/A"))).void(), Approved)
    assert isinstance(Talk(("Void", voided(amount="1000"))).void(), Unknown)


def test_void_of_a_sale_without_a_trace_is_not_sent() -> None:
    talk = Talk()
    nameless = Approved(62_500, "123456", "", "", "", "", "")
    assert talk.terminal.void(ID, nameless) == Declined("", "not_sent")


def test_a_void_that_the_edc_does_not_find_proves_nothing() -> None:
    talk = Talk(("Void", [TAKEN, LinkLost("unplugged")]), ("Check Trx", missing()))
    assert talk.void() == Unknown("link_lost")
    time.sleep(TIMERS.response)
    assert talk.inquire(kind="void") == Unknown("no_query")


def test_a_void_is_found_by_its_own_name() -> None:
    talk = Talk(("Check Trx", voided()))
    assert isinstance(talk.inquire(kind="void"), Approved)
    talk = Talk(("Check Trx", answer(action="Sale")))
    assert isinstance(talk.inquire(kind="void"), Unknown)


# -- settlement ----------------------------------------------------------------------------------------------------


def settled(request: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return answer(request["trx_id"], action="Settlement", method="N/A", amount="125000", **fields)


def test_settlement_gives_the_total_of_the_batch() -> None:
    talk = Talk(("Settlement", lambda request: [TAKEN, settled(request)]))
    assert talk.terminal.settle() == Settlement(125_000, "000007")


@pytest.mark.parametrize(
    ("told", "error", "reason"),
    [
        (None, DeviceTimeout, "no_ack"),
        ([TAKEN, None], DeviceTimeout, "no_answer"),
        (LinkLost("unplugged"), DeviceUnavailable, "link_lost"),
        ("EDC is busy", DeviceUnavailable, "busy"),
        ([TAKEN] * 300, DeviceProtocolError, "bad_frame"),
        (answer("another", action="Settlement"), DeviceProtocolError, "mismatch"),
    ],
)
def test_settlement_without_an_answer_is_asked_for_again_under_its_name(
    told: Said | list[Said], error: type[DeviceError], reason: str
) -> None:
    talk = Talk(("Settlement", told), ("Settlement", settled))
    with pytest.raises(error) as caught:
        talk.terminal.settle()
    assert caught.value.reason == reason
    assert talk.terminal.settle().amount == 125_000
    first, second = talk.link.requests
    assert first["trx_id"] == second["trx_id"]


def test_settlement_that_answers_late_is_not_made_twice() -> None:
    talk = Talk(("Settlement", lambda request: [TAKEN, Later(), settled(request)]), ("Settlement", settled))
    with pytest.raises(DeviceTimeout):
        talk.terminal.settle()
    assert talk.terminal.settle().amount == 125_000
    assert talk.asked() == ["Settlement"]
    talk.terminal.settle()
    assert talk.asked() == ["Settlement", "Settlement"]


def test_settlement_that_is_refused_or_names_no_total_is_an_error() -> None:
    talk = Talk(("Settlement", lambda request: settled(request, status="failed", rc="PS")))
    with pytest.raises(DeviceError) as caught:
        talk.terminal.settle()
    assert caught.value.reason == "settlement_refused"
    talk = Talk(("Settlement", lambda request: settled(request) | {"amount": "N/A"}), ("Settlement", settled))
    with pytest.raises(DeviceProtocolError) as unclear:
        talk.terminal.settle()
    assert unclear.value.reason == "no_total"
    talk.terminal.settle()
    first, second = talk.link.requests
    assert first["trx_id"] != second["trx_id"], "the batch was closed: the next settlement is another"


def test_settlement_is_not_sent_where_the_edc_is_busy_or_silent() -> None:
    for talk, reason in (
        (Talk((None, ["EDC is busy"])), "busy"),
        (Talk(pongs=[False, False]), "no_answer"),
    ):
        with pytest.raises(DeviceUnavailable) as caught:
            talk.terminal.settle()
        assert caught.value.reason == reason
        assert talk.link.requests == []


# -- the line ------------------------------------------------------------------------------------------------------


def test_diagnose_pings_and_the_first_time_asks_a_question() -> None:
    talk = Talk(("Check Trx", [TAKEN, missing()]))
    assert talk.terminal.diagnose() == DeviceStatus(DeviceState.READY, detail=NOT_FOUND)
    assert talk.terminal.diagnose() == talk.terminal.status() == DeviceStatus(DeviceState.READY)
    assert talk.asked() == ["Check Trx"]
    talk.link.done()


@pytest.mark.parametrize(("said", "told"), [("x" * 99, "x" * 60), ("a\nb", ""), ("N/A", "25")])
def test_what_the_edc_says_of_nothing_is_short_and_printable(said: str, told: str) -> None:
    def nothing(request: dict[str, Any]) -> dict[str, Any]:
        return failed("25", said, trx_id=request["trx_id"], action="Check Trx")

    assert Talk(("Check Trx", nothing)).terminal.diagnose() == DeviceStatus(DeviceState.READY, detail=told)


@pytest.mark.parametrize("told", [None, [TAKEN, None], LinkLost("unplugged"), ["Invalid data", LinkLost("unplugged")]])
def test_an_edc_that_does_not_understand_us_is_said_and_holds_nothing_up(told: Said | list[Said]) -> None:
    talk = Talk(("Check Trx", told), ("Sale", answer()))
    assert talk.terminal.diagnose() == DeviceStatus(DeviceState.ATTENTION, "not_understood")
    assert talk.terminal.status() == DeviceStatus(DeviceState.READY)
    assert talk.pay() == APPROVED


def test_diagnose_says_why_not() -> None:
    assert Talk(("Check Trx", "EDC is busy")).terminal.diagnose() == DeviceStatus(DeviceState.BUSY, "busy")
    assert Talk(pongs=[False, False]).terminal.diagnose() == DeviceStatus(DeviceState.AWAY, "no_answer")
    assert Talk((None, "EDC is busy")).terminal.diagnose() == DeviceStatus(DeviceState.BUSY, "busy")
    assert Talk(opens=[LinkLost("no_host", "x")]).terminal.diagnose() == DeviceStatus(DeviceState.AWAY, "no_host", "x")


def seen(talk: Talk, state: DeviceState, reason: str = "") -> bool:
    """Whether a look finds that; it goes on by itself where it takes long."""
    talk.terminal.look()
    end = time.monotonic() + 10
    while (talk.terminal.status().state, talk.terminal.status().reason) != (state, reason):
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


def test_a_look_pings_and_asks_nothing() -> None:
    talk = Talk(opens=[LinkLost("no_host")], pongs=[True, False, LinkLost("unplugged"), True])
    assert seen(talk, DeviceState.AWAY, "no_host")
    assert seen(talk, DeviceState.READY)
    assert seen(talk, DeviceState.AWAY, "no_answer")
    assert seen(talk, DeviceState.AWAY, "unplugged")
    assert seen(talk, DeviceState.READY)
    assert talk.asked() == []


def test_who_is_not_soon_back_to_a_look_is_not_hung_up_on() -> None:
    talk = Talk(("Sale", [TAKEN, answer()]), pongs=[True, False, True])
    assert seen(talk, DeviceState.READY)
    connections = talk.link.connections
    assert seen(talk, DeviceState.AWAY, "no_answer")
    assert talk.pay() == APPROVED
    assert talk.link.connections == connections


def test_nobody_waits_for_a_look_at_an_edc_that_is_away() -> None:
    talk = Talk()
    there, begun = threading.Event(), threading.Event()

    def hangs(deadline: float) -> None:
        begun.set()
        there.wait(20)

    talk.link.open = hangs  # type: ignore[method-assign]
    assert talk.terminal.look() == DeviceStatus(DeviceState.UNKNOWN, "not_asked")
    assert begun.wait(10)
    assert talk.terminal.look() == DeviceStatus(DeviceState.UNKNOWN, "not_asked")
    there.set()


def test_close_ends_a_wait_quickly_and_leaves_the_outcome_open() -> None:
    talk = Talk(("Sale", [TAKEN]), timers=replace(TIMERS, response=30.0))
    found: list[PaymentOutcome] = []
    payer = threading.Thread(target=lambda: found.append(talk.pay()))
    payer.start()
    end = time.monotonic() + 5
    while PaymentStep.ACCEPTED not in talk.steps and time.monotonic() < end:
        time.sleep(0.005)
    begun = time.monotonic()
    talk.terminal.close()
    payer.join(5)
    assert time.monotonic() - begun < 2
    assert found == [Unknown("link_lost")]
    assert talk.terminal.status() == DeviceStatus(DeviceState.UNKNOWN, "closed")


def test_the_secret_is_in_no_repr() -> None:
    assert SECRET not in repr(PoseLinkSite(SECRET, "EW-0001"))


def test_no_card_number_reaches_the_log(canary: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    talk = Talk(("Sale", [canary, answer(OTHER_ID, pan=canary), LinkLost("unplugged")]))
    talk.pay()
    assert canary[:12] not in caplog.text


# -- whatever the EDC says ------------------------------------------------------------------------------------------

OUR_FIELDS = {
    "status": st.sampled_from(["success", "paid", "failed", "unpaid", "N/A"]),
    "rc": st.sampled_from(["00", "51", "68", "N/A", "-01 TC - 50", "000"]),
    "trx_id": st.sampled_from([ID, OTHER_ID, "N/A"]),
    "amount": st.sampled_from(["62500", "62501", "N/A", 62_500, -1]),
    "pan": st.sampled_from(["**** 7788", "**** 1234", "N/A"]),
    "action": st.sampled_from(["Sale", "Void", "Check Trx", "N/A"]),
    "msg": st.sampled_from(["ok", NOT_FOUND, "EDC is busy", "Invalid timestamp"]),
    "approval": st.sampled_from(["123456", "N/A"]),
}
a_message = st.one_of(
    st.fixed_dictionaries({}, optional=OUR_FIELDS).map(lambda fields: answer() | fields),
    st.sampled_from([TAKEN, "EDC is busy", "Invalid timestamp", "{"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(a_message, max_size=4), st.booleans())
def test_an_approval_is_always_one_of_our_sale(told: list[Said], hangs_up: bool) -> None:
    timers = replace(TIMERS, response=0.002, query=0.002, again=0.0, slice=0.001, ping=0.001)
    check: list[Step] = [("Check Trx", None)]
    talk = Talk(("Sale", [*told, *([LinkLost("unplugged")] if hangs_up else [])]), *check, timers=timers)
    outcome = talk.pay()
    if isinstance(outcome, Approved):
        ours = [
            one
            for one in told
            if isinstance(one, dict)
            and one["trx_id"] == ID
            and one["rc"] == "00"
            and one["status"] in {"success", "paid"}
            and str(one["amount"]) == "62500"
            and one["pan"][-4:] in {"7788", "N/A"}
            and one["action"] in {"Sale", "N/A"}
        ]
        assert ours
    if isinstance(outcome, Declined) and outcome.reason not in {"busy", "clock_behind"}:
        assert any(isinstance(one, dict) and one["status"] == "failed" and one["trx_id"] == ID for one in told)
    assert talk.asked().count("Sale") == 1


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_an_answer_cut_anywhere_is_never_an_approval(data: Any) -> None:
    import json

    whole = json.dumps(answer())
    cut = data.draw(st.integers(0, len(whole) - 1))
    timers = replace(TIMERS, response=0.002, slice=0.001)
    assert isinstance(Talk(("Sale", whole[:cut]), timers=timers).pay(), Unknown)
