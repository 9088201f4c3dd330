"""What the till says to an EDC on each errand, byte for byte as the table has it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from ewarung_pos.devices.ecr import EcrLine
from ewarung_pos.devices.ecr_reader import EcrCardReader
from ewarung_pos.devices.transport import ScriptedTransport
from ewarung_pos.ports import Approved, Unknown
from tests.unit.devices.ecr_by_table import request
from tests.unit.devices.test_ecr_terminal import ACK, ID, OTHER, SOLD, Talk

REFF, REFF_OF_OTHER = b"DC0C0C07398F", b"DC0C0C073990"
ECHO = (
    b"\x02\x01\x50"
    b"\x03"  # version
    b"17"
    b"000000000000"  # amount
    b"000000000000"  # other amount
    b"                   "  # card number
    b"    "  # expiry
    b"00"  # reason of a void
    b"000000"  # invoice
    b"      "  # authorisation
    b"  N"  # instalment, redeem, DCC
    b"   "  # plan
    b"  "  # tenor
    b"            "  # generic data
    b"            "  # reference
    b"    "  # original date
    b"                                                  "  # filler
    b"\x03\x19"
)


def heard(talk: Talk) -> list[bytes]:
    """What the EDC got, its own answers' acknowledgements left out."""
    return [frame for frame in talk.transport.written if frame != ACK]


def test_an_echo_test_is_the_published_frame(respond: Callable[..., bytes]) -> None:
    talk = Talk(respond)
    talk.terminal.diagnose()
    assert heard(talk) == [ECHO]
    assert request(version=b"\x03", type=b"17") == ECHO


def test_a_sale_says_type_amount_and_reference_and_nothing_else(respond: Callable[..., bytes]) -> None:
    frame = request(type=b"01", amount=b"000006250000", reff=REFF)
    talk = Talk(respond, (frame, [ACK, respond()]), (ACK, b""))
    assert isinstance(talk.pay(ID, 62_500, "7788"), Approved)
    assert heard(talk) == [ECHO, frame]


def test_a_void_says_the_invoice_the_reason_and_its_own_reference(respond: Callable[..., bytes]) -> None:
    frame = request(type=b"08", cancel_reason=b"02", invoice=b"000123", reff=REFF_OF_OTHER)
    talk = Talk(respond, (frame, [ACK, respond("08", rrn="10")]), (ACK, b""))
    assert isinstance(talk.terminal.void(OTHER, SOLD), Approved)
    assert heard(talk) == [ECHO, frame]


def test_a_void_writes_a_short_invoice_with_zeros(respond: Callable[..., bytes]) -> None:
    frame = request(type=b"08", cancel_reason=b"02", invoice=b"000007", reff=REFF_OF_OTHER)
    talk = Talk(respond, (frame, [ACK, respond("08", rrn="10")]), (ACK, b""))
    assert isinstance(talk.terminal.void(OTHER, msgspec.structs.replace(SOLD, invoice="7")), Approved)


def test_an_inquiry_says_the_amount_and_the_reference_of_the_sale(respond: Callable[..., bytes]) -> None:
    frame = request(type=b"33", amount=b"000006250000", reff=REFF)
    talk = Talk(respond, (frame, ACK + respond("33")), (ACK, b""), query_type="33")
    assert isinstance(talk.inquire(ID, 62_500), Approved)
    assert heard(talk) == [ECHO, frame]


def test_a_settlement_says_its_reference_and_no_amount(
    respond: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda size: "a1b2c3d4e5f6"[: 2 * size])
    frame = request(type=b"10", reff=b"A1B2C3D4E5F6")
    talk = Talk(respond, (frame, [ACK, respond("10", 5)]), (ACK, b""))
    assert talk.terminal.settle().amount == 5
    assert heard(talk) == [ECHO, frame]


def test_a_question_for_a_card_says_its_type_and_nothing_else(respond: Callable[..., bytes], canary: str) -> None:
    talk = Talk(respond, fenced=False)
    frame = request(type=b"40")
    script = ScriptedTransport([(frame, [ACK, respond("40", 0, pan=canary)]), (ACK, b"")])
    reader = EcrCardReader(EcrLine(script, talk.line.timers, talk.line.site), lambda: bytes(32))
    assert reader.poll(50) is not None
    script.done()


@pytest.mark.parametrize("version", [2, 3])
def test_the_version_of_the_site_is_that_of_all_but_the_echo_test(
    respond: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda size: "0" * 2 * size)
    said = bytes([version])
    talk = Talk(
        respond,
        (request(version=said, type=b"01", amount=b"000006250000", reff=REFF), ACK),
        *Talk.fence(respond),
        (request(version=said, type=b"33", amount=b"000006250000", reff=REFF), ACK),
        *Talk.fence(respond),
        (request(version=said, type=b"10", reff=b"0" * 12), [ACK, respond("10", 0)]),
        (ACK, b""),
        query_type="33",
    )
    talk.line.site = msgspec.structs.replace(talk.line.site, version=version)
    assert isinstance(talk.pay(), Unknown)
    assert isinstance(talk.inquire(), Unknown)
    talk.terminal.settle()
    talk.transport.done()
