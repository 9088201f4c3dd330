from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ewarung_pos.devices.ecr import EcrLine
from ewarung_pos.devices.ecr_codec import EcrRequest, build_request
from ewarung_pos.devices.ecr_evidence import short_id
from ewarung_pos.devices.ecr_reader import EcrCardReader
from ewarung_pos.devices.ecr_site import EcrSite, EcrTimers
from ewarung_pos.devices.ecr_terminal import EcrTerminal
from ewarung_pos.devices.transport import LinkLost, ScriptedTransport
from ewarung_pos.domain.family import card_ref
from ewarung_pos.errors import ConfigError, DeviceProtocolError, DeviceUnavailable
from ewarung_pos.ports import Approved, CardPresented, DeviceState, DeviceStatus, PaymentIntent, Unknown

KEY = b"k" * 32
ACK, NAK = b"\x06", b"\x15"
TIMERS = EcrTimers(ack=0.05, gap=0.02, response=0.08, echo=0.05, repeat=0.05, settle=0.02, slice=0.02, reopen=0.05)
ASK = build_request(EcrRequest(type="40"))
ECHO = build_request(EcrRequest(type="17", version=3))


def reader_on(*script: tuple[bytes, Any]) -> EcrCardReader:
    line = EcrLine(ScriptedTransport(script), TIMERS, EcrSite(card_info_type="40"))
    return EcrCardReader(line, lambda: KEY)


def test_card_becomes_a_reference(respond: Callable[..., bytes], canary: str) -> None:
    reader = reader_on((ASK, [ACK, respond("40", 0, pan=canary)]), (ACK, b""))
    assert reader.poll(100) == CardPresented(card_ref(KEY, canary), "", "ecr")


def test_one_request_survives_many_polls(respond: Callable[..., bytes], canary: str) -> None:
    reader = reader_on((ASK, [ACK, None, None, None, respond("40", 0, pan=canary)]), (ACK, b""))
    assert any(reader.poll(10) for _ in range(6))
    assert reader._line._transport.written.count(ASK) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("code", ["TO", "P3", "P2"])
def test_no_card_is_asked_again(respond: Callable[..., bytes], canary: str, code: str) -> None:
    reader = reader_on(
        (ASK, [ACK, respond("40", 0, code=code, rrn="1")]),
        (ACK, b""),
        (ASK, [ACK, respond("40", 0, pan=canary, rrn="2")]),
        (ACK, b""),
    )
    assert reader.poll(50) is None
    assert reader.poll(50) is not None


def test_edc_that_knows_no_card_information_is_told(respond: Callable[..., bytes]) -> None:
    reader = reader_on((ASK, [ACK, respond("40", 0, code="12")]), (ACK, b""))
    with pytest.raises(DeviceProtocolError) as caught:
        reader.poll(50)
    assert caught.value.reason == "card_info_refused"
    assert reader.status().state is DeviceState.ATTENTION
    assert reader.poll(10) is None


@pytest.mark.parametrize("pan", ["601301******7788", "0" * 16, "0" * 19, "9" * 16, "6013010000000000"])
def test_masked_number_is_no_card(respond: Callable[..., bytes], pan: str) -> None:
    reader = reader_on((ASK, [ACK, respond("40", 0, pan=pan)]), (ACK, b""))
    with pytest.raises(DeviceProtocolError) as caught:
        reader.poll(50)
    assert caught.value.reason == "card_number"


def test_number_leaves_no_trace(respond: Callable[..., bytes], caplog: pytest.LogCaptureFixture, canary: str) -> None:
    caplog.set_level(logging.DEBUG)
    half = canary[:15] + "X"
    reader = reader_on((ASK, [ACK, respond("40", 0, pan=half)]), (ACK, b""))
    with pytest.raises(DeviceProtocolError) as caught:
        reader.poll(50)
    whole = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text
    assert half[:12] not in whole
    reader = reader_on((ASK, [ACK, respond("40", 0, pan=canary)]), (ACK, b""))
    card = reader.poll(50)
    assert canary not in caplog.text + repr(card) + repr(vars(reader)) + repr(vars(reader._line))


def test_silence_is_away_and_asked_again(respond: Callable[..., bytes], canary: str) -> None:
    reader = reader_on((ASK, b""))
    assert reader.poll(100) is None
    assert (reader.status().state, reader.status().reason) == (DeviceState.AWAY, "no_answer")


def test_three_naks_need_attention() -> None:
    reader = reader_on((ASK, NAK), (ASK, NAK), (ASK, NAK))
    assert reader.poll(100) is None
    assert reader.status().reason == "not_accepted"


def test_unreadable_card_information(respond: Callable[..., bytes]) -> None:
    broken = respond("40", 0)[:-1] + b"\x00"
    reader = reader_on((ASK, [ACK, broken]), (NAK, broken), (NAK, broken))
    with pytest.raises(DeviceProtocolError):
        reader.poll(100)


def test_lost_line_is_reported_and_reopened(respond: Callable[..., bytes], canary: str) -> None:
    reader = reader_on((ASK, [ACK, LinkLost("unplugged")]), (ASK, [ACK, respond("40", 0, pan=canary)]), (ACK, b""))
    with pytest.raises(DeviceUnavailable) as caught:
        reader.poll(100)
    assert caught.value.reason == "unplugged"
    assert reader.status().state is DeviceState.AWAY
    assert reader.poll(200) is not None


def test_released_request_is_superseded_and_its_card_forgotten(respond: Callable[..., bytes], canary: str) -> None:
    sale = build_request(EcrRequest(type="01", amount=62_500, reff=short_id("a")))
    stray = respond("40", 0, pan=canary, rrn="3")
    script = ScriptedTransport(
        [
            (ASK, ACK),
            (ECHO, [ACK, stray, respond("17", 0, version=3)]),
            (ACK, b""),
            (ACK, b""),
            (sale, [ACK, respond()]),
            (ACK, b""),
            (ASK, ACK),
        ]
    )
    line = EcrLine(script, TIMERS, EcrSite(card_info_type="40"))
    reader, terminal = EcrCardReader(line, lambda: KEY), EcrTerminal(line)
    assert reader.poll(10) is None
    reader.release()
    assert isinstance(terminal.pay(PaymentIntent("a", 62_500), lambda _: None), Approved)
    assert reader.poll(10) is None
    script.done()


def test_a_card_that_came_while_nobody_waited_is_forgotten(
    respond: Callable[..., bytes], canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another card may be in the EDC by the time somebody looks again."""
    other = canary[:-4] + "4321"
    script = ScriptedTransport(
        [
            (ASK, ACK),
            (ACK, b""),
            (ASK, [ACK, respond("40", 0, pan=other, rrn="2")]),
            (ACK, b""),
        ]
    )
    reader = EcrCardReader(EcrLine(script, TIMERS, EcrSite(card_info_type="40")), lambda: KEY)
    assert reader.poll(5) is None
    script._inbox.append(respond("40", 0, pan=canary, rrn="1"))
    with monkeypatch.context() as later:
        later.setattr("ewarung_pos.devices.ecr_reader._STALE_S", 0.0)
        assert reader.poll(200) == CardPresented(card_ref(KEY, other), "", "ecr")
    script.done()


def test_payment_without_release_supersedes_as_well(respond: Callable[..., bytes]) -> None:
    sale = build_request(EcrRequest(type="01", amount=62_500, reff=short_id("a")))
    line = EcrLine(
        ScriptedTransport(
            [
                (ASK, ACK),
                (ECHO, ACK + respond("17", 0, version=3)),
                (ACK, b""),
                (sale, [ACK, respond()]),
                (ACK, b""),
                (ASK, ACK),
            ]
        ),
        TIMERS,
        EcrSite(card_info_type="40"),
    )
    reader, terminal = EcrCardReader(line, lambda: KEY), EcrTerminal(line)
    reader.poll(10)
    terminal.pay(PaymentIntent("a", 62_500), lambda _: None)
    assert reader.poll(10) is None
    line._transport.done()  # type: ignore[attr-defined]


def test_release_never_raises() -> None:
    reader = reader_on((ASK, ACK))
    reader.poll(10)
    reader._line._transport._inbox.append(LinkLost("unplugged"))  # type: ignore[attr-defined]
    reader.release()
    reader.release()
    reader.close()


def test_late_sale_response_during_a_poll_is_kept_for_the_inquiry(respond: Callable[..., bytes], canary: str) -> None:
    sale = build_request(EcrRequest(type="01", amount=62_500, reff=short_id("a")))
    fence = ((ECHO, ACK + respond("17", 0, version=3)), (ACK, b""))
    script = ScriptedTransport(
        [*fence, (sale, ACK), (ASK, [respond(), ACK, respond("40", 0, pan=canary)]), (ACK, b""), (ACK, b"")]
    )
    line = EcrLine(script, TIMERS, EcrSite(card_info_type="40"))
    reader, terminal = EcrCardReader(line, lambda: KEY), EcrTerminal(line)
    terminal.pay(PaymentIntent("a", 62_500), lambda _: None)
    assert reader.poll(100) is not None
    late = terminal.inquire(PaymentIntent("a", 62_500))
    assert isinstance(late, Approved)
    assert late.evidence == "edc_late"


@pytest.mark.parametrize("kind", ["", "4", "400"])
def test_site_without_card_information_is_a_configuration_error(kind: str) -> None:
    line = EcrLine(ScriptedTransport([]), TIMERS, EcrSite(card_info_type=kind))
    with pytest.raises(ConfigError):
        EcrCardReader(line, lambda: KEY)


BLANK = {"rrn": "", "approval": "", "invoice": "000000", "batch": "000000"}


@pytest.mark.parametrize("stamp", ["0" * 14, "", "20261124094100"])
def test_the_next_card_counts_where_nothing_but_the_number_differs(
    respond: Callable[..., bytes], canary: str, stamp: str
) -> None:
    other = canary[:-4] + "4321"
    reader = reader_on(
        (ASK, [ACK, respond("40", 0, pan=canary, stamp=stamp, **BLANK)]),
        (ACK, b""),
        (ASK, [ACK, respond("40", 0, pan=other, stamp=stamp, **BLANK)]),
        (ACK, b""),
    )
    assert reader.poll(50) == CardPresented(card_ref(KEY, canary), "", "ecr")
    assert reader.poll(50) == CardPresented(card_ref(KEY, other), "", "ecr")


def test_a_card_that_is_said_twice_is_one_card(respond: Callable[..., bytes], canary: str) -> None:
    said = respond("40", 0, pan=canary, **BLANK)
    reader = reader_on((ASK, [ACK, said]), (ACK, b""), (ASK, [ACK, said]), (ACK, b""))
    assert reader.poll(50) is not None
    assert reader.poll(30) is None


def test_the_same_card_counts_again_later_at_an_edc_whose_clock_stands_still(
    respond: Callable[..., bytes], canary: str
) -> None:
    said = respond("40", 0, pan=canary, **BLANK)
    reader = reader_on((ASK, [ACK, said]), (ACK, b""), (ASK, [ACK, None, None, None, None, said]), (ACK, b""))
    assert reader.poll(20) is not None
    assert any(reader.poll(20) for _ in range(10))


class Connections(ScriptedTransport):
    """A conversation over TCP, and how often it was connected."""

    def __init__(self, script: list[tuple[bytes, Any]], name: str) -> None:
        super().__init__(script)
        self.name = name
        self.connected = 0
        self._is_open = False

    def open(self) -> None:
        self.connected += not self._is_open
        self._is_open = True

    def close(self) -> None:
        self._is_open = False


@pytest.mark.parametrize(("name", "connected"), [("socket://192.0.2.10:7002", 2), ("/dev/ttyACM0", 1)])
def test_a_silent_edc_on_the_network_is_connected_anew(
    respond: Callable[..., bytes], canary: str, monkeypatch: pytest.MonkeyPatch, name: str, connected: int
) -> None:
    monkeypatch.setattr("ewarung_pos.devices.ecr_reader._REFUSED_PAUSE_S", 0.0)
    line = Connections([(ASK, b"")] * 3 + [(ASK, [ACK, respond("40", 0, pan=canary)]), (ACK, b"")], name)
    reader = EcrCardReader(EcrLine(line, TIMERS, EcrSite(card_info_type="40")), lambda: KEY)
    for _ in range(3):
        assert reader.poll(100) is None
        assert reader.status() == DeviceStatus(DeviceState.AWAY, "no_answer")
    assert reader.poll(100) is not None
    assert line.connected == connected
    line.done()


def test_a_connection_on_which_a_late_answer_may_come_is_kept(
    respond: Callable[..., bytes], canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ewarung_pos.devices.ecr_reader._REFUSED_PAUSE_S", 0.0)
    sale = build_request(EcrRequest(type="01", amount=62_500, reff=short_id("a")))
    script: list[tuple[bytes, Any]] = [(ECHO, ACK + respond("17", 0, version=3)), (ACK, b""), (sale, b"")]
    link = Connections([*script, *[(ASK, b"")] * 4], "socket://192.0.2.10:7002")
    line = EcrLine(link, msgspec.structs.replace(TIMERS, response=60.0), EcrSite(card_info_type="40"))
    reader, terminal = EcrCardReader(line, lambda: KEY), EcrTerminal(line)
    assert isinstance(terminal.pay(PaymentIntent("a", 62_500), lambda _: None), Unknown)
    for _ in range(4):
        assert reader.poll(100) is None
    assert link.connected == 1
    link._inbox.append(respond())
    link._script.extend([(ACK, b""), (ECHO, ACK + respond("17", 0, version=3)), (ACK, b"")])
    assert isinstance(terminal.inquire(PaymentIntent("a", 62_500)), Approved)
