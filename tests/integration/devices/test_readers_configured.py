"""A till put together from its configuration reads cards with the reader that is named there, and pays with the EDC."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ewarung_pos.app import Application, build
from ewarung_pos.config import KioskConfig
from ewarung_pos.devices.absent import NoCardReader
from ewarung_pos.devices.ecr_reader import EcrCardReader
from ewarung_pos.devices.ecr_site import EcrSite, EcrTimers
from ewarung_pos.devices.ecr_terminal import EcrTerminal
from ewarung_pos.devices.keyboard import GrabbedKeyboard, TypedLine
from ewarung_pos.devices.pcsc import PcscCardReader
from ewarung_pos.devices.poselink import PoseLinkTerminal
from ewarung_pos.devices.stripe import StripeCardReader
from ewarung_pos.devices.transport import SerialTransport
from ewarung_pos.domain.family import card_ref
from ewarung_pos.errors import ConfigError, DeviceUnavailable
from ewarung_pos.ledger.keys import LedgerKey, Tier
from ewarung_pos.ports import Approved, Declined, DeviceState, PaymentIntent
from ewarung_pos.ui.runners import InlineRunner
from ewarung_pos.ui.text import trouble_of
from ewarung_pos.ui.text_devices import edc_seen
from tests.till_kit import CARD_KEY, LEDGER_KEY, PEPPER, FakeClock, till_kit
from tests.unit.devices.conftest import build_response


@contextlib.contextmanager
def till_with(folder: Path, reader: dict[str, Any], terminal: dict[str, Any] | None = None) -> Iterator[Application]:
    kit = till_kit(folder, families=1)
    kit.ledger.close()
    config = msgspec.convert({"card_reader": reader, "payment_terminal": terminal or {}}, KioskConfig)
    key = LedgerKey(LEDGER_KEY, Tier.KEY_FILE, PEPPER)
    app = build(config, folder, FakeClock(), InlineRunner(), close_runner=lambda: None, key=key)
    try:
        yield app
    finally:
        app.stop()


@pytest.mark.parametrize(
    ("reader", "made", "line"),
    [
        ({}, NoCardReader, None),
        ({"driver": "ecr", "port": "/dev/ttyEDC"}, EcrCardReader, None),
        ({"driver": "pcsc"}, PcscCardReader, None),
        ({"driver": "stripe-serial", "port": "/dev/ttyMSR"}, StripeCardReader, SerialTransport),
        ({"driver": "stripe-keyboard", "port": "/dev/input/by-id/msr"}, StripeCardReader, GrabbedKeyboard),
        ({"driver": "stripe-keyboard"}, StripeCardReader, TypedLine),
    ],
)
def test_the_reader_is_the_one_that_is_named(tmp_path: Path, reader: Any, made: type, line: type | None) -> None:
    with till_with(tmp_path, reader) as app:
        assert type(app.services.reader) is made
        if isinstance(app.services.reader, StripeCardReader):
            assert type(app.services.reader._transport) is line


@pytest.mark.parametrize("reader", [{}, {"driver": "ecr", "port": "/dev/ttyEDC"}, {"driver": "pcsc"}])
def test_keys_that_a_reader_types_are_taken_from_the_window_of_every_till(tmp_path: Path, reader: Any) -> None:
    """A scanner, or a stripe reader that was left plugged in, would press what is in front."""
    with till_with(tmp_path, reader) as app:
        assert app.swiped is not None
        app.swiped(";6013014455667785=2812201?")


def test_a_swipe_in_the_window_is_the_registers_card(tmp_path: Path) -> None:
    with till_with(tmp_path, {"driver": "stripe-keyboard"}) as app:
        assert app.swiped is not None
        assert app.services.reader.poll(0) is None
        app.swiped(";6013014455667785=2812201?")
        found = app.services.reader.poll(0)
        assert found is not None
        assert found.card == card_ref(CARD_KEY, "6013014455667785")


def test_a_swipe_that_comes_before_the_keyboard_is_grabbed_is_nobodys(tmp_path: Path) -> None:
    """The window takes it from the keys as well: at sign-in its digits would be a PIN, and its Enter would try it."""
    with till_with(tmp_path, {"driver": "stripe-keyboard", "port": "/dev/input/by-id/msr"}) as app:
        assert app.swiped is not None
        app.swiped(";6013014455667785=2812201?")
        with pytest.raises(DeviceUnavailable):
            app.services.reader.poll(0)


def test_an_edc_beside_another_reader_has_a_line_of_its_own(tmp_path: Path) -> None:
    edc = {"driver": "ecr", "port": "/dev/ttyEDC", "baudrate": 115200}
    with till_with(tmp_path, {"driver": "stripe-serial", "port": "/dev/ttyMSR"}, edc) as app:
        assert isinstance(app.services.terminal, EcrTerminal)
        assert app.services.terminal._line.port == "/dev/ttyEDC"


def test_what_the_bank_says_of_its_edc_counts_for_its_line(tmp_path: Path) -> None:
    edc = {"driver": "ecr", "port": "/dev/ttyEDC"}
    said = {"fence": "quiet", "quiet_seconds": 2, "version": 3, "check_last4": False, "inquiry_type": "33"}
    said |= {"merchant": "MERCHANT0000001", "terminal": "TERM0001"}
    times = {"ack_seconds": 5, "gap_ms": 800, "echo_seconds": 8, "query_seconds": 45, "repeat_seconds": 15}
    with till_with(tmp_path, edc, edc | said | times | {"response_seconds": 90}) as app:
        assert isinstance(app.services.terminal, EcrTerminal)
        line = app.services.terminal._line
        site, took = line.site, line.timers
        assert (site.fence, site.quiet_s, site.version, site.check_last4) == ("quiet", 2.0, 3, False)
        assert (site.merchant, site.terminal) == ("MERCHANT0000001", "TERM0001")
        assert (site.query_type, site.card_info_type) == ("33", "40")
        assert (took.ack, took.gap, took.echo, took.query, took.repeat, took.response) == (5, 0.8, 8, 45, 15, 90)


def test_without_a_word_the_edcs_line_is_as_its_driver_has_it(tmp_path: Path) -> None:
    edc = {"driver": "ecr", "port": "/dev/ttyEDC"}
    with till_with(tmp_path, edc, edc) as app:
        assert isinstance(app.services.terminal, EcrTerminal)
        assert app.services.terminal._line.timers == EcrTimers()
        assert app.services.terminal._line.site == EcrSite(card_info_type="40")


@pytest.fixture
def asked_of_pyserial(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What pyserial is asked to open, and how. Pseudo-terminals take any speed and parity, so nothing else shows it."""
    asked: list[tuple[str, dict[str, Any]]] = []

    def serial_for_url(url: str, **settings: Any) -> None:
        asked.append((url, settings))
        raise OSError(2, "no such port")

    monkeypatch.setattr("serial.serial_for_url", serial_for_url)
    return asked


def line_of(asked: list[tuple[str, dict[str, Any]]]) -> tuple[str, int, str]:
    """Port, speed and parity of the one line that was asked for; always 8 data bits, 1 stop bit, no flow control."""
    [(port, how)] = asked
    asked.clear()
    assert (how["bytesize"], how["stopbits"], how["exclusive"]) == (8, 1, True)
    assert not {"xonxoff", "rtscts", "dsrdtr"} & how.keys()
    return port, how["baudrate"], how["parity"]


@pytest.mark.parametrize(("baudrate", "parity"), [(115200, "E"), (19200, "O"), (38400, "N")])
def test_speed_and_parity_of_an_edc_that_reads_the_cards_are_those_of_its_port(
    tmp_path: Path, asked_of_pyserial: list[tuple[str, dict[str, Any]]], baudrate: int, parity: str
) -> None:
    edc = {"driver": "ecr", "port": "/dev/ttyEDC", "baudrate": baudrate, "parity": parity}
    with till_with(tmp_path, edc, {"driver": "ecr"}) as app:
        assert app.services.terminal is not None
        assert app.services.terminal.diagnose().reason == "no_port"
        assert line_of(asked_of_pyserial) == ("/dev/ttyEDC", baudrate, parity)
        assert app.services.reader.diagnose().reason == "no_port"
        assert line_of(asked_of_pyserial) == ("/dev/ttyEDC", baudrate, parity)


def test_speed_and_parity_of_an_edc_beside_a_stripe_reader_are_its_own(
    tmp_path: Path, asked_of_pyserial: list[tuple[str, dict[str, Any]]]
) -> None:
    stripe = {"driver": "stripe-serial", "port": "/dev/ttyMSR", "baudrate": 4800, "parity": "O"}
    edc = {"driver": "ecr", "port": "/dev/ttyEDC", "baudrate": 115200, "parity": "E"}
    with till_with(tmp_path, stripe, edc) as app:
        with pytest.raises(DeviceUnavailable):
            app.services.reader.poll(0)
        assert line_of(asked_of_pyserial) == ("/dev/ttyMSR", 4800, "O")
        assert app.services.terminal is not None
        app.services.terminal.diagnose()
        assert line_of(asked_of_pyserial) == ("/dev/ttyEDC", 115200, "E")


@pytest.mark.parametrize(
    ("reader", "own", "speed", "parity"),
    [
        ("ecr", {}, 57600, "O"),
        ("ecr", {"baudrate": 9600}, 9600, "O"),
        ("ecr", {"parity": "N"}, 57600, "N"),
        ("stripe-serial", {}, 9600, "N"),
        ("stripe-serial", {"baudrate": 115200}, 115200, "N"),
        ("stripe-serial", {"parity": "E"}, 9600, "E"),
    ],
)
def test_what_an_edcs_line_leaves_out_is_as_at_the_edc_that_reads_the_cards(
    tmp_path: Path,
    asked_of_pyserial: list[tuple[str, dict[str, Any]]],
    reader: str,
    own: dict[str, Any],
    speed: int,
    parity: str,
) -> None:
    cards = {"driver": reader, "port": "/dev/ttyUSB7", "baudrate": 57600, "parity": "O"}
    with till_with(tmp_path, cards, {"driver": "ecr", "port": "/dev/ttyEDC"} | own) as app:
        assert app.services.terminal is not None
        app.services.terminal.diagnose()
        assert line_of(asked_of_pyserial) == ("/dev/ttyEDC", speed, parity)


def test_without_a_word_a_stripe_readers_line_has_9600_baud_and_no_parity(
    tmp_path: Path, asked_of_pyserial: list[tuple[str, dict[str, Any]]]
) -> None:
    with till_with(tmp_path, {"driver": "stripe-serial", "port": "/dev/ttyMSR"}) as app:
        with pytest.raises(DeviceUnavailable):
            app.services.reader.poll(0)
        assert line_of(asked_of_pyserial) == ("/dev/ttyMSR", 9600, "N")


@contextlib.contextmanager
def edc_without_echo(code: str) -> Iterator[str]:
    """An EDC on TCP that approves every sale and answers the echo test with this code."""

    def serve(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            line, _ = server.accept()
            with line:
                heard = b""
                while piece := line.recv(4096):
                    heard = (heard + piece).lstrip(b"\x06")
                    if len(heard) >= 155:
                        kind, heard = heard[4:6].decode(), b""
                        line.sendall(b"\x06" + build_response(kind, code=code if kind == "17" else "00"))

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("code", ["12", "57"])
def test_an_edc_without_the_echo_test_sells_where_the_installer_says_so(tmp_path: Path, code: str) -> None:
    sale = PaymentIntent("a", 62_500, "7788")
    for name in ("echo", "quiet"):
        (tmp_path / name).mkdir()
    with edc_without_echo(code) as port:
        edc = {"driver": "ecr", "port": port}
        with till_with(tmp_path / "echo", {"driver": "none"}, edc) as app:
            assert app.services.terminal is not None
            assert app.services.terminal.pay(sale, lambda _: None) == Declined("", "not_sent")
            told = app.services.terminal.status()
            assert (told.state, told.reason, told.detail) == (DeviceState.ATTENTION, "no_echo", code)
            assert 'fence = "quiet"' in edc_seen(told).do
    with edc_without_echo(code) as port:
        edc = {"driver": "ecr", "port": port, "fence": "quiet"}
        with till_with(tmp_path / "quiet", {"driver": "none"}, edc) as app:
            assert app.services.terminal is not None
            assert isinstance(app.services.terminal.pay(sale, lambda _: None), Approved)
            assert "tanpa uji gema" in edc_seen(app.services.terminal.diagnose()).seen


def test_an_edc_on_the_network_is_beside_any_reader(tmp_path: Path) -> None:
    edc = {"driver": "poselink", "url": "wss://127.0.0.1:9", "certificate": "ab" * 32, "not_found": "no"}
    key = tmp_path / "poselink.key"
    key.write_text("k\n")
    key.chmod(0o600)
    with till_with(tmp_path, {"driver": "pcsc"}, edc | {"response_seconds": 60}) as app:
        terminal = app.services.terminal
        assert isinstance(terminal, PoseLinkTerminal)
        assert terminal._line.timers.response == 60.0
        assert (terminal._line.site.secret, terminal._line.site.not_found) == ("k", "no")
        assert terminal.diagnose().reason == "no_host"


@pytest.mark.parametrize(
    ("held", "mode", "said"),
    [
        (None, 0, "berkas berisi kunci"),
        (" ", 0o600, "tidak kosong"),
        ("k", 0o644, "izinnya 644, seharusnya 600"),
        ("k", 0o640, "izinnya 640, seharusnya 600"),
    ],
)
def test_the_key_of_an_edc_on_the_network_is_for_the_till_alone(
    tmp_path: Path, held: str | None, mode: int, said: str
) -> None:
    file = tmp_path / "vendor.key"
    if held is not None:
        file.write_text(held)
        file.chmod(mode)
    edc = {"driver": "poselink", "url": "wss://127.0.0.1:9", "certificate": "ab" * 32, "key_file": str(file)}
    with pytest.raises(ConfigError, match=said) as caught, till_with(tmp_path, {"driver": "pcsc"}, edc):
        pass
    assert "payment_terminal.key_file" in str(caught.value)
    told = trouble_of(caught.value)
    assert "config.toml" not in told.happened + told.now, "no value there is wrong"
    assert "kunci POSe Link" in told.happened
    assert ("chmod 600" in told.now) == (held == "k")
