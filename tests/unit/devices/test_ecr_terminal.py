"""The terminal against conversations written down byte by byte."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ewarung_pos.devices.ecr import EcrLine
from ewarung_pos.devices.ecr_codec import EcrRequest, build_request
from ewarung_pos.devices.ecr_evidence import short_id
from ewarung_pos.devices.ecr_site import EcrSite, EcrTimers
from ewarung_pos.devices.ecr_terminal import EcrTerminal
from ewarung_pos.devices.transport import LinkLost, ScriptedTransport
from ewarung_pos.errors import DeviceError, DeviceTimeout, DeviceUnavailable
from ewarung_pos.ports import (
    Approved,
    Declined,
    DeviceState,
    DeviceStatus,
    OtherDebit,
    PaymentIntent,
    PaymentOutcome,
    PaymentStep,
    Unknown,
)
from ewarung_pos.ui.text_devices import edc_seen
from tests.unit.devices.ecr_by_table import request

ACK, NAK = b"\x06", b"\x15"
TIMERS = EcrTimers(
    ack=0.05, gap=0.02, response=0.08, query=0.08, echo=0.05, repeat=0.05, settle=0.02, slice=0.02, reopen=0.05
)
Step = tuple[bytes | None, bytes | list[bytes | LinkLost | None]]
ID = "01936b1e-7a4d-7cc3-98c4-dc0c0c07398f"
OTHER = "01936b1e-7a4d-7cc3-98c4-dc0c0c073990"


def sale(attempt: str = ID, amount: int = 62_500) -> bytes:
    return build_request(EcrRequest(type="01", amount=amount, reff=short_id(attempt)))


def query(attempt: str, amount: int = 62_500) -> bytes:
    return build_request(EcrRequest(type="33", amount=amount, reff=short_id(attempt)))


ECHO = build_request(EcrRequest(type="17", version=3))


class Talk:
    """A script that starts with the fence of a fresh line, and what the terminal made of it."""

    def __init__(
        self,
        respond: Callable[..., bytes],
        *script: Step,
        query_type: str = "",
        terminal: str = "",
        fenced: bool = True,
    ) -> None:
        self.steps: list[PaymentStep] = []
        self.transport = ScriptedTransport([*(self.fence(respond) if fenced else ()), *script])
        site = EcrSite(card_info_type="40", query_type=query_type, terminal=terminal)
        self.line = EcrLine(self.transport, TIMERS, site)
        self.terminal = EcrTerminal(self.line)

    @staticmethod
    def fence(respond: Callable[..., bytes]) -> tuple[Step, ...]:
        return ((ECHO, ACK + respond("17", 0, version=3)), (ACK, b""))

    def pay(self, attempt: str = ID, amount: int = 62_500, last4: str = "") -> PaymentOutcome:
        return self.terminal.pay(PaymentIntent(attempt, amount, last4), self.steps.append)

    def inquire(self, attempt: str = ID, amount: int = 62_500) -> PaymentOutcome:
        return self.terminal.inquire(PaymentIntent(attempt, amount))

    def sent(self, frame: bytes) -> int:
        return self.transport.written.count(frame)


def test_short_id_is_the_random_end_of_a_uuid() -> None:
    assert short_id(ID) == "DC0C0C07398F"
    assert len(short_id("anything else")) == 12


def test_approved_sale_is_acknowledged(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [ACK, respond()]), (ACK, b""))
    assert talk.pay() == Approved(
        62_500, "123456", "000123", "000000000009", "TERM0001", "MERCHANT0000001", "000007", "edc"
    )
    assert talk.steps == [PaymentStep.SENT, PaymentStep.ACCEPTED, PaymentStep.VERIFYING]
    assert talk.terminal.status().state is DeviceState.READY
    talk.transport.done()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("51", "insufficient"),
        ("54", "expired_card"),
        ("55", "wrong_pin"),
        ("P2", "card_error"),
        ("P3", "user_cancelled"),
        ("CE", "host_unavailable"),
        ("91", "host_unavailable"),
        ("96", "host_unavailable"),
        ("PT", "terminal_fault"),
        ("Z3", "declined"),
        ("05", "declined"),
        ("Q9", "declined"),
    ],
)
def test_decline_keeps_its_raw_code(respond: Callable[..., bytes], code: str, reason: str) -> None:
    talk = Talk(respond, (sale(), [ACK, respond(code=code)]), (ACK, b""))
    assert talk.pay() == Declined(code, reason)


def test_host_timeout_is_unknown(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [ACK, respond(code="TO")]), (ACK, b""))
    assert talk.pay() == Unknown("host_timeout")


def test_nak_is_answered_by_the_same_frame_again(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), NAK), (sale(), NAK), (sale(), [ACK, respond()]), (ACK, b""))
    assert isinstance(talk.pay(), Approved)
    talk.transport.done()


def test_three_naks_are_not_accepted(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), NAK), (sale(), NAK), (sale(), NAK))
    assert talk.pay() == Declined("", "not_accepted")
    talk.transport.done()


def test_nak_followed_by_ack_is_noise_and_nothing_is_sent_again(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [NAK, ACK, respond()]), (ACK, b""))
    assert isinstance(talk.pay(), Approved)
    assert talk.sent(sale()) == 1


def test_nak_behind_noise_is_not_believed(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), b"\xf0\x15"))
    assert talk.pay() == Unknown("no_ack")
    assert talk.sent(sale()) == 1


def test_nak_after_ack_is_not_believed(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [ACK, NAK, respond()]), (ACK, b""))
    assert isinstance(talk.pay(), Approved)
    assert talk.sent(sale()) == 1


def test_silence_after_sending_is_unknown(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), b""))
    assert talk.pay() == Unknown("no_ack")
    assert talk.terminal.status().state is DeviceState.AWAY


def test_response_without_its_ack_counts(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), respond()), (ACK, b""))
    assert isinstance(talk.pay(), Approved)


def test_silence_after_ack_is_unknown(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), ACK))
    assert talk.pay() == Unknown("no_answer")


def test_broken_response_is_asked_for_again(respond: Callable[..., bytes]) -> None:
    broken = respond()[:-1] + b"\x00"
    talk = Talk(respond, (sale(), [ACK, broken]), (NAK, broken), (NAK, respond()), (ACK, b""))
    assert isinstance(talk.pay(), Approved)
    talk.transport.done()


def test_response_broken_three_times_is_unknown(respond: Callable[..., bytes]) -> None:
    broken = respond()[:-1] + b"\x00"
    talk = Talk(respond, (sale(), [ACK, broken]), (NAK, broken), (NAK, broken))
    assert talk.pay() == Unknown("bad_frame")


def test_response_broken_once_and_not_repeated_is_unknown(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [ACK, respond()[:100]]), (NAK, b""))
    assert talk.pay() == Unknown("bad_frame")


@pytest.mark.parametrize("noise", [b"\x02", b"\x02A", b"\x02\x02", b"\x7f\x02", b"\x02\x02\x15", b"\x02" * 40])
def test_noise_while_the_pin_is_typed_neither_disturbs_the_edc_nor_ends_the_wait(
    respond: Callable[..., bytes], noise: bytes
) -> None:
    script: list[Step] = [(sale(), [ACK, None, noise, *(None,) * 6, respond()]), (ACK, b"")]
    talk = Talk(respond, *script)
    talk.line.timers = msgspec.structs.replace(TIMERS, response=2.0, repeat=0.01)
    assert isinstance(talk.pay(), Approved)
    assert talk.sent(NAK) == 0


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_response_whose_beginning_is_broken_is_asked_for_again(respond: Callable[..., bytes], place: int) -> None:
    broken = bytearray(respond())
    broken[place] ^= 0x40
    script: list[Step] = [(sale(), [ACK, bytes(broken[:90]), bytes(broken[90:])]), (NAK, respond()), (ACK, b"")]
    talk = Talk(respond, *script)
    assert isinstance(talk.pay(), Approved)
    talk.transport.done()


def test_a_response_that_breaks_off_is_asked_for_again(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [ACK, respond()[:40]]), (NAK, respond()), (ACK, b""))
    assert isinstance(talk.pay(), Approved)
    talk.transport.done()


def test_other_amount_is_a_mismatch(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [ACK, respond(amount=62_600)]), (ACK, b""))
    assert talk.pay() == Unknown("mismatch", OtherDebit(62_600, "7788", "123456", "000123"))


def test_what_was_named_instead_is_named_again_when_the_debit_is_taken_up_later(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [ACK, respond(amount=62_600)]), (ACK, b""), *Talk.fence(respond))
    talk.pay()
    assert talk.inquire() == Unknown("no_query", OtherDebit(62_600, "7788", "123456", "000123"))


def test_a_no_to_another_amount_is_no_answer_to_this_one(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [ACK, respond(amount=62_501, code="51")]), (ACK, b""))
    assert talk.pay() == Unknown("mismatch")


def test_other_type_is_a_mismatch(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [ACK, respond("06")]), (ACK, b""))
    assert talk.pay() == Unknown("mismatch")


def test_other_card_is_a_mismatch(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [ACK, respond()]), (ACK, b""))
    other = OtherDebit(62_500, "7788", "123456", "000123")
    assert talk.pay(last4="1111") == Unknown("mismatch", other)


@pytest.mark.parametrize(("name", "value"), [("invoice", "00A123"), ("approval", "12 456"), ("invoice", "")])
def test_another_debit_that_nobody_could_copy_from_a_slip_is_not_named(
    respond: Callable[..., bytes], name: str, value: str
) -> None:
    talk = Talk(respond, (sale(), [ACK, respond(**{name: value})]), (ACK, b""))
    assert talk.pay(last4="1111") == Unknown("mismatch")


def test_expected_card_passes(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [ACK, respond()]), (ACK, b""))
    assert isinstance(talk.pay(last4="7788"), Approved)


def test_blank_code_is_no_decline(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [ACK, respond(code="  ")]), (ACK, b""))
    assert talk.pay() == Unknown("mismatch")


def test_stray_card_information_and_echo_are_skipped(respond: Callable[..., bytes]) -> None:
    strays = [respond("40", 0, stamp="20261124094000"), respond("17", 0)]
    talk = Talk(respond, (sale(), [ACK, *strays, respond()]), (ACK, b""), (ACK, b""), (ACK, b""))
    assert isinstance(talk.pay(), Approved)


def test_link_lost_before_the_first_byte_is_not_sent(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), b""))

    def broken(data: bytes, deadline: float) -> None:
        raise LinkLost("unplugged", sent=False)

    talk.line.ensure_open()
    assert talk.line.fence()
    talk.transport.write = broken  # type: ignore[method-assign]
    assert talk.pay() == Declined("", "not_sent")
    assert talk.terminal.status().reason == "unplugged"


@pytest.mark.parametrize("before", [[], [ACK]])
def test_link_lost_after_the_first_byte_is_unknown(respond: Callable[..., bytes], before: list[bytes]) -> None:
    talk = Talk(respond, (sale(), [*before, LinkLost("unplugged")]))
    assert talk.pay() == Unknown("link_lost")


def test_write_that_broke_half_way_is_unknown(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond)
    talk.line.ensure_open()
    assert talk.line.fence()

    def broken(data: bytes, deadline: float) -> None:
        raise LinkLost("unplugged", sent=True)

    talk.transport.write = broken  # type: ignore[method-assign]
    assert talk.pay() == Unknown("link_lost")


def test_line_that_breaks_while_acknowledging_does_not_lose_the_approval(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [ACK, respond()]))
    write = talk.transport.write

    def breaking(data: bytes, deadline: float) -> None:
        if data == ACK and talk.sent(sale()):
            raise LinkLost("unplugged", sent=False)
        write(data, deadline)

    talk.transport.write = breaking  # type: ignore[method-assign]
    assert isinstance(talk.pay(), Approved)


def test_edc_that_does_not_answer_the_echo_gets_no_sale(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (ECHO, b""), fenced=False)
    assert talk.pay() == Declined("", "not_sent")
    assert talk.sent(sale()) == 0


def test_amount_outside_the_field_is_refused_before_anything_is_sent(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, fenced=False)
    for amount in (0, -5, 10_000_000_000):
        with pytest.raises(ValueError, match="amount"):
            talk.pay(amount=amount)
    assert talk.transport.written == []


def test_abort_before_the_first_byte(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond)
    talk.terminal.abort()
    assert talk.pay() == Declined("", "user_cancelled")
    assert talk.sent(sale()) == 0


def test_an_abort_of_a_payment_whose_edc_is_away_does_not_meet_the_next(
    respond: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = Talk(respond, (sale(OTHER), [ACK, respond()]), (ACK, b""))

    def away() -> None:
        raise LinkLost("no_port")

    talk.terminal.abort()
    with monkeypatch.context() as unplugged:
        unplugged.setattr(talk.transport, "open", away)
        with pytest.raises(DeviceUnavailable):
            talk.pay()
    assert isinstance(talk.pay(OTHER), Approved)


def test_abort_between_a_nak_and_the_next_try(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), NAK))
    outcome = talk.terminal.pay(PaymentIntent(ID, 62_500), lambda _: talk.terminal.abort())
    assert outcome == Declined("", "user_cancelled")


def test_abort_after_ack_changes_nothing(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [ACK, respond()]), (ACK, b""))
    outcome = talk.terminal.pay(
        PaymentIntent(ID, 62_500), lambda step: talk.terminal.abort() if step is PaymentStep.ACCEPTED else None
    )
    assert isinstance(outcome, Approved)


# -- late and repeated responses ---------------------------------------------------------------------------------


def test_late_response_before_the_next_sale_belongs_to_the_first(respond: Callable[..., bytes]) -> None:
    """Two sales of the same amount; the first one's answer comes while the second one's fence is being asked."""
    first, second = respond(invoice="000001", rrn="1"), respond(invoice="000002", rrn="2")
    talk = Talk(
        respond,
        (sale(), ACK),
        (ECHO, [first, ACK + respond("17", 0, version=3)]),
        (ACK, b""),
        (ACK, b""),
        (sale(OTHER), [ACK, second]),
        (ACK, b""),
    )
    assert talk.pay() == Unknown("no_answer")
    other = talk.pay(OTHER)
    assert isinstance(other, Approved)
    assert other.invoice == "000002"
    late = talk.inquire()
    assert isinstance(late, Approved)
    assert (late.invoice, late.evidence) == ("000001", "edc_late")
    talk.transport.done()


def test_late_response_that_lies_in_the_port_belongs_to_the_first(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), ACK), (ACK, b""), *Talk.fence(respond))
    assert talk.pay() == Unknown("no_answer")
    talk.transport._inbox.append(respond(code="51"))
    assert talk.inquire() == Declined("51", "insufficient")


def test_late_response_after_the_fence_is_found_out_by_inquiry(respond: Callable[..., bytes]) -> None:
    """Against the protocol's order: the first sale's answer overtakes the second sale's own."""
    first, second = respond(invoice="000001", rrn="1"), respond(invoice="000002", rrn="2")
    talk = Talk(
        respond,
        (sale(), ACK),
        *Talk.fence(respond),
        (sale(OTHER), [ACK, first]),
        (ACK, second),
        (ACK, b""),
        *Talk.fence(respond),
        (query(OTHER), ACK + respond("33", invoice="000002", rrn="2")),
        (ACK, b""),
        *Talk.fence(respond),
        (query(ID), ACK + respond("33", invoice="000001", rrn="1")),
        (ACK, b""),
        query_type="33",
    )
    assert talk.pay() == Unknown("no_answer")
    other = talk.pay(OTHER)
    assert isinstance(other, Approved)
    assert (other.invoice, other.evidence) == ("000002", "edc_inquiry")
    first_found = talk.inquire()
    assert isinstance(first_found, Approved)
    assert first_found.invoice == "000001"


def test_answer_of_an_open_twin_alone_proves_nothing(respond: Callable[..., bytes]) -> None:
    talk = Talk(
        respond,
        (sale(), ACK),
        *Talk.fence(respond),
        (sale(OTHER), [ACK, respond()]),
        (ACK, b""),
        *Talk.fence(respond),
        (query(OTHER), ACK + respond("33", code="25")),
        (ACK, b""),
        query_type="33",
    )
    assert talk.pay() == Unknown("no_answer")
    assert talk.pay(OTHER) == Unknown("mismatch")


def test_repeated_approval_does_not_answer_the_next_sale(respond: Callable[..., bytes]) -> None:
    first, second = respond(invoice="000001", rrn="1"), respond(invoice="000002", rrn="2")
    talk = Talk(
        respond, (sale(), [ACK, first]), (ACK, b""), (sale(OTHER), [ACK, first, second]), (ACK, b""), (ACK, b"")
    )
    assert isinstance(talk.pay(), Approved)
    other = talk.pay(OTHER)
    assert isinstance(other, Approved)
    assert other.invoice == "000002"


def test_repeated_approval_with_a_new_time_is_known_by_its_references(respond: Callable[..., bytes]) -> None:
    first = respond(invoice="000001", rrn="1")
    again = respond(invoice="000001", rrn="1", stamp="20261124094155")
    talk = Talk(respond, (sale(), [ACK, first]), (ACK, b""), (sale(OTHER), [ACK, again]), (ACK, b""))
    assert isinstance(talk.pay(), Approved)
    assert talk.pay(OTHER) == Unknown("no_answer")


def test_repeated_decline_does_not_answer_the_next_sale(respond: Callable[..., bytes]) -> None:
    talk = Talk(
        respond,
        (sale(), [ACK, respond(code="51", rrn="1")]),
        (ACK, b""),
        (sale(OTHER), [ACK, respond(code="51", rrn="1"), respond(rrn="2")]),
        (ACK, b""),
        (ACK, b""),
    )
    assert talk.pay() == Declined("51", "insufficient")
    assert isinstance(talk.pay(OTHER), Approved)


@pytest.mark.parametrize("stamp", ["0" * 14, "00000000", ""])
def test_a_second_cancelled_sale_is_cancelled_at_an_edc_without_a_clock(
    respond: Callable[..., bytes], stamp: str
) -> None:
    """Its two answers are the same bytes; the echo test between them keeps a repetition of the first away."""
    said = respond(code="P3", pan="", stamp=stamp, rrn="", approval="", invoice="000000", batch="000000")
    script: list[Step] = [
        (sale(), [ACK, said]),
        (ACK, b""),
        (ECHO, [said, ACK + respond("17", 0, version=3)]),
        (ACK, b""),
        (ACK, b""),
        (sale(OTHER), [ACK, said]),
        (ACK, b""),
    ]
    talk = Talk(respond, *script)
    assert talk.pay() == Declined("P3", "user_cancelled")
    assert talk.pay(OTHER) == Declined("P3", "user_cancelled")
    talk.transport.done()


def test_late_response_of_another_amount_resolves_nothing(respond: Callable[..., bytes]) -> None:
    talk = Talk(
        respond,
        (sale(), ACK),
        (ECHO, [respond(amount=1), ACK + respond("17", 0, version=3)]),
        (ACK, b""),
        (ACK, b""),
    )
    assert talk.pay() == Unknown("no_answer")
    assert talk.inquire() == Unknown("no_query")


# -- inquiry ------------------------------------------------------------------------------------------------------


def test_without_an_inquiry_the_terminal_says_so(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond)
    assert talk.inquire() == Unknown("no_query")


def test_inquiry_finds_an_approval(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (query(ID), ACK + respond("33")), (ACK, b""), query_type="33")
    found = talk.inquire()
    assert isinstance(found, Approved)
    assert found.evidence == "edc_inquiry"


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"code": "25"}, Declined("25", "not_found")),
        ({"code": "51"}, Declined("51", "insufficient")),
        ({"code": "55"}, Declined("55", "wrong_pin")),
        ({"code": "51", "amount": 99}, Unknown("unclear")),
        ({"code": "TO"}, Unknown("host_timeout")),
        ({"amount": 99}, Unknown("mismatch", OtherDebit(99, "7788", "123456", "000123"))),
    ],
)
def test_inquiry_answers(respond: Callable[..., bytes], fields: dict[str, object], outcome: object) -> None:
    asked = (query(ID), ACK + respond("33", **fields)), (ACK, b"")
    talk = Talk(respond, *asked, query_type="33", terminal="TERM0001")
    assert talk.inquire() == outcome


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("CE", "host_timeout"),
        ("91", "host_timeout"),
        ("96", "host_timeout"),
        ("12", "no_query"),
        ("30", "no_query"),
        ("58", "no_query"),
        ("05", "unclear"),
        ("P2", "unclear"),
        ("P3", "unclear"),
        ("PT", "unclear"),
        ("Q9", "unclear"),
        (" 0", "unclear"),
    ],
)
def test_what_may_be_said_of_the_question_is_no_decline_of_the_debit(
    respond: Callable[..., bytes], code: str, reason: str
) -> None:
    """The bank took it, the answer was lost, and then the host was away, or nobody told us that it has no inquiry."""
    talk = Talk(
        respond,
        (sale(), ACK),
        *Talk.fence(respond),
        (query(ID), ACK + respond("33", code=code)),
        (ACK, b""),
        *Talk.fence(respond),
        (query(ID), ACK + respond("33")),
        (ACK, b""),
        query_type="33",
    )
    assert talk.pay() == Unknown("no_answer")
    assert talk.inquire() == Unknown(reason)
    assert isinstance(talk.inquire(), Approved)


def test_inquiry_at_an_edc_that_is_busy_asks_nothing(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (ECHO, b""), fenced=False, query_type="33")
    assert talk.inquire() == Unknown("no_answer")


def test_inquiry_does_not_give_one_approval_to_two_attempts(respond: Callable[..., bytes]) -> None:
    talk = Talk(
        respond,
        (sale(), [ACK, respond()]),
        (ACK, b""),
        *Talk.fence(respond),
        (query(OTHER), ACK + respond("33")),
        (ACK, b""),
        query_type="33",
    )
    assert isinstance(talk.pay(), Approved)
    assert talk.inquire(OTHER) == Unknown("no_answer")


# -- void, settlement, echo ---------------------------------------------------------------------------------------

SOLD = Approved(62_500, "123456", "000123", "000000000009", "TERM0001", "MERCHANT0000001", "000007")
VOID = build_request(EcrRequest(type="08", cancel_reason="02", invoice="000123", reff=short_id(OTHER)))


@pytest.mark.parametrize("echoed", [62_500, 0])
def test_void_by_invoice(respond: Callable[..., bytes], echoed: int) -> None:
    talk = Talk(respond, (VOID, [ACK, respond("08", echoed, rrn="10")]), (ACK, b""))
    voided = talk.terminal.void(OTHER, SOLD)
    assert isinstance(voided, Approved)
    assert voided.amount == 62_500


def test_void_of_another_amount_is_a_mismatch(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (VOID, [ACK, respond("08", 1, rrn="10")]), (ACK, b""))
    named = OtherDebit(1, "7788", "123456", "000123")
    assert talk.terminal.void(OTHER, SOLD) == Unknown("mismatch", named)


def test_void_without_an_invoice_is_not_sent(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, fenced=False)
    blank = Approved(62_500, "123456", "", "", "", "", "")
    assert talk.terminal.void(OTHER, blank) == Declined("", "not_sent")


@pytest.fixture
def settlement(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], bytes]:
    """The request for the settlement of this number; each has a reference of its own."""
    drawn = (f"c0ffee{number:06d}" for number in itertools.count(1))
    monkeypatch.setattr("secrets.token_hex", lambda size: next(drawn)[: 2 * size])
    return lambda number: request(type=b"10", reff=f"C0FFEE{number:06d}".encode())


def test_settlement_gives_the_terminals_total(
    respond: Callable[..., bytes], settlement: Callable[[int], bytes]
) -> None:
    talk = Talk(respond, (settlement(1), [ACK, respond("10", 1_250_000)]), (ACK, b""))
    assert talk.terminal.settle().amount == 1_250_000


def test_settlement_without_answer_is_asked_again_under_the_same_reference(
    respond: Callable[..., bytes], settlement: Callable[[int], bytes]
) -> None:
    script: list[Step] = [(settlement(1), ACK), *Talk.fence(respond), (settlement(1), [ACK, respond("10", 5)])]
    talk = Talk(respond, *script, (ACK, b""))
    with pytest.raises(DeviceTimeout):
        talk.terminal.settle()
    assert talk.terminal.settle().amount == 5
    talk.transport.done()


def test_refused_settlement(respond: Callable[..., bytes], settlement: Callable[[int], bytes]) -> None:
    talk = Talk(respond, (settlement(1), [ACK, respond("10", 0, code="PS")]), (ACK, b""))
    with pytest.raises(DeviceError) as caught:
        talk.terminal.settle()
    assert caught.value.reason == "settlement_refused"


def test_echo_is_the_diagnosis(respond: Callable[..., bytes]) -> None:
    assert Talk(respond).terminal.diagnose().state is DeviceState.READY
    assert Talk(respond, (ECHO, b""), fenced=False).terminal.diagnose().reason == "no_answer"


def test_site_without_echo_waits_for_silence(respond: Callable[..., bytes]) -> None:
    transport = ScriptedTransport([(sale(), [ACK, respond()]), (ACK, b"")])
    line = EcrLine(transport, TIMERS, EcrSite(fence="quiet", quiet_s=0.02))
    assert isinstance(EcrTerminal(line).pay(PaymentIntent(ID, 62_500), lambda _: None), Approved)


# -- whatever happens ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{}, {"amount": 1}, {"code": "51"}, {"code": "TO"}, {"approval": "1\x002"}])
def test_card_number_in_a_response_leaves_no_trace(
    respond: Callable[..., bytes], caplog: pytest.LogCaptureFixture, canary: str, fields: dict[str, Any]
) -> None:
    caplog.set_level(logging.DEBUG)
    talk = Talk(respond, (sale(), [ACK, respond(pan=canary, **fields)]), (None, b""))
    outcome = talk.pay()
    seen = caplog.text + repr(outcome) + repr(vars(talk.line)) + repr(vars(talk.terminal._evidence))
    assert canary not in seen
    assert canary.encode().hex() not in seen
    assert "EDC <-" in caplog.text


def test_edc_that_never_stops_talking_does_not_hold_the_till(respond: Callable[..., bytes]) -> None:
    noise: list[bytes | LinkLost | None] = [ACK, *[respond("17", 0)] * 500]
    talk = Talk(respond, (sale(), noise), *[(ACK, b"")] * 500)
    assert talk.pay() == Unknown("bad_frame")


def test_closing_ends_a_payment_that_waits(respond: Callable[..., bytes]) -> None:
    script = ScriptedTransport([*Talk.fence(respond), (sale(), ACK)])
    terminal = EcrTerminal(EcrLine(script, msgspec.structs.replace(TIMERS, response=30.0), EcrSite()))
    outcomes: list[PaymentOutcome] = []
    accepted = threading.Event()
    payer = threading.Thread(
        target=lambda: outcomes.append(
            terminal.pay(PaymentIntent(ID, 62_500), lambda step: accepted.set() if step == "accepted" else None)
        )
    )
    payer.start()
    assert accepted.wait(5)
    terminal.close()
    payer.join(5)
    assert outcomes == [Unknown("link_lost")]


@pytest.mark.parametrize("code", ["12", "57"])
def test_an_edc_without_the_echo_test_says_so_and_is_sent_no_sale(respond: Callable[..., bytes], code: str) -> None:
    talk = Talk(respond, (ECHO, ACK + respond("17", 0, code=code)), (ACK, b""), fenced=False)
    assert talk.pay() == Declined("", "not_sent")
    assert talk.terminal.status() == DeviceStatus(DeviceState.ATTENTION, "no_echo", code)


def test_an_edc_without_the_echo_test_sells_behind_a_quiet_line(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [ACK, respond()]), (ACK, b""), fenced=False)
    talk.line.site = EcrSite(fence="quiet", quiet_s=0.02)
    assert talk.terminal.diagnose() == DeviceStatus(DeviceState.READY, "quiet")
    assert isinstance(talk.pay(), Approved)
    assert talk.sent(ECHO) == 0


OURS = EcrSite(card_info_type="40", merchant="MERCHANT0000001", terminal="TERM0001")
BLANK = {"rrn": "", "approval": "", "invoice": "000000"}


def at_our_terminal(talk: Talk, query_type: str = "") -> Talk:
    talk.line.site = msgspec.structs.replace(OURS, query_type=query_type)
    return talk


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({}, "approved"),
        ({"terminal": "TERM0002"}, "other_terminal"),
        ({"merchant": "WARUNG-TETANGGA"}, "other_terminal"),
        ({"terminal": ""}, "other_terminal"),
        ({"terminal": "TERM0002", "code": "51"}, "other_terminal"),
        ({"terminal": "", "merchant": "0" * 15, "code": "51"}, "insufficient"),
        ({"code": "P3"}, "user_cancelled"),
    ],
)
def test_an_answer_counts_only_of_the_terminal_that_was_agreed(
    respond: Callable[..., bytes], said: dict[str, Any], outcome: str
) -> None:
    talk = at_our_terminal(Talk(respond, (sale(), [ACK, respond(**said)]), (ACK, b"")))
    got = talk.pay()
    assert ("approved" if isinstance(got, Approved) else got.reason) == outcome
    assert isinstance(got, Unknown) == (outcome == "other_terminal")


def test_a_settlement_of_another_terminal_is_not_the_total_of_this_till(
    respond: Callable[..., bytes], settlement: Callable[[int], bytes]
) -> None:
    theirs, ours = respond("10", 9_000_000, terminal="TERM0002"), respond("10", 29_000, terminal="", merchant="")
    script: list[Step] = [
        (settlement(1), [ACK, theirs]),
        (ACK, b""),
        *Talk.fence(respond),
        (settlement(2), [ACK, ours]),  # the first was answered: it is not asked for again
        (ACK, b""),
    ]
    talk = at_our_terminal(Talk(respond, *script))
    with pytest.raises(DeviceError) as caught:
        talk.terminal.settle()
    assert caught.value.reason == "other_terminal"
    assert talk.terminal.settle().amount == 29_000
    talk.transport.done()


def test_any_terminal_counts_where_none_was_agreed(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond, (sale(), [ACK, respond(terminal="TERM0002")]), (ACK, b""))
    assert isinstance(talk.pay(), Approved)


def test_an_inquiry_that_another_terminal_answers_proves_nothing(respond: Callable[..., bytes]) -> None:
    script: list[Step] = [
        (sale(), ACK),
        *Talk.fence(respond),
        (query(ID), [ACK, respond("33", terminal="TERM0002")]),
        (ACK, b""),
    ]
    talk = at_our_terminal(Talk(respond, *script), "33")
    assert talk.pay() == Unknown("no_answer")
    assert talk.inquire() == Unknown("other_terminal")


@pytest.mark.parametrize("said", [{"terminal": "TERM0002"}, BLANK])
def test_a_late_approval_of_nobody_resolves_nothing(respond: Callable[..., bytes], said: dict[str, str]) -> None:
    script: list[Step] = [
        (sale(), ACK),
        (ECHO, [respond(**said), ACK + respond("17", 0, version=3)]),
        (ACK, b""),
        (ACK, b""),
    ]
    talk = at_our_terminal(Talk(respond, *script))
    assert talk.pay() == Unknown("no_answer")
    assert talk.inquire() == Unknown("no_query")


@pytest.mark.parametrize("blank", [BLANK, {"rrn": "0" * 12, "approval": "000000", "invoice": ""}])
def test_an_approval_that_nothing_can_be_found_by_is_unknown(
    respond: Callable[..., bytes], blank: dict[str, str]
) -> None:
    talk = Talk(respond, (sale(), [ACK, respond(**blank)]), (ACK, b""))
    assert talk.pay() == Unknown("unnamed")


@pytest.mark.parametrize("one", [{"rrn": "000000000009"}, {"approval": "123456"}, {"invoice": "000123"}])
def test_an_approval_with_one_number_counts(respond: Callable[..., bytes], one: dict[str, str]) -> None:
    talk = Talk(respond, (sale(), [ACK, respond(**(BLANK | one))]), (ACK, b""))
    assert isinstance(talk.pay(), Approved)


def test_a_terminal_that_changed_is_told_when_the_edc_is_tried(respond: Callable[..., bytes]) -> None:
    script: list[Step] = [
        (sale(), [ACK, respond()]),
        (ACK, b""),
        (sale(OTHER), [ACK, respond(terminal="TERM0002", rrn="000000000010")]),
        (ACK, b""),
        *Talk.fence(respond),
    ]
    talk = Talk(respond, *script)
    assert isinstance(talk.pay(), Approved)
    assert isinstance(talk.pay(OTHER), Approved)
    found = talk.terminal.diagnose()
    assert (found.state, found.reason) == (DeviceState.READY, "terminal_changed")
    assert found.detail == "TERM0001/MERCHANT0000001 -> TERM0002/MERCHANT0000001"
    assert "TERM0002" in edc_seen(found).seen
