"""Both ends of the WebSocket are met by an implementation of other authors (`wsproto`) over real TLS."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import wsproto
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Event, Ping, Request, TextMessage

from ewarung_pos.devices.simulated.edc_bank import Bank, sample_cards
from ewarung_pos.devices.simulated.poselink import PoseLinkSimulator, _identity
from ewarung_pos.devices.simulated.poselink_behaviour import PoseLinkEdc
from ewarung_pos.devices.simulated.poselink_messages import SECRET
from ewarung_pos.devices.transport import LinkLost
from ewarung_pos.devices.wss import WssLink, fingerprint_of, host_of
from ewarung_pos.errors import ConfigError

Script = Callable[["Stranger"], None]


class Stranger:
    """One end of a WebSocket, by wsproto."""

    def __init__(self, line: ssl.SSLSocket, kind: wsproto.ConnectionType) -> None:
        self.line = line
        self.protocol = wsproto.WSConnection(kind)
        self._events: list[Event] = []

    def send(self, event: Event) -> None:
        self.line.sendall(self.protocol.send(event))

    def raw(self, event: Event, pieces: int) -> None:
        """The same, a few bytes at a time."""
        data = self.protocol.send(event)
        for at in range(0, len(data), pieces):
            self.line.sendall(data[at : at + pieces])

    def next(self) -> Event:
        while not self._events:
            data = self.line.recv(4096)
            self.protocol.receive_data(data or None)
            self._events.extend(self.protocol.events())
        event = self._events.pop(0)
        if isinstance(event, Ping):
            self.send(event.response())
            return self.next()
        return event


@contextlib.contextmanager
def edc_by_others(script: Script) -> Iterator[WssLink]:
    """A server that follows the script once the handshake is done."""
    context, fingerprint = _identity("127.0.0.1")
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            with contextlib.suppress(OSError), contextlib.closing(server.accept()[0]) as bare:
                bare.settimeout(5)
                with contextlib.closing(context.wrap_socket(bare, server_side=True)) as line:
                    there = Stranger(line, wsproto.ConnectionType.SERVER)
                    assert isinstance(there.next(), Request)
                    there.send(AcceptConnection())
                    script(there)

        thread = threading.Thread(target=serve)
        thread.start()
        link = WssLink(f"wss://127.0.0.1:{server.getsockname()[1]}", fingerprint)
        try:
            yield link
        finally:
            link.close()
            thread.join(5)


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def test_messages_go_both_ways() -> None:
    def echo(there: Stranger) -> None:
        for _ in range(2):
            heard = there.next()
            assert isinstance(heard, TextMessage)
            there.send(TextMessage(data=heard.data[::-1]))
        there.next()

    with edc_by_others(echo) as link:
        link.open(soon())
        link.open(soon())  # does nothing
        for word in ("satu", "dua é"):
            link.send(word, soon())
            assert link.receive(soon()) == word[::-1]
        assert link.receive(time.monotonic()) is None


@pytest.mark.parametrize("pieces", [1, 2, 7])
def test_messages_that_come_in_pieces_and_fragments_are_whole(pieces: int) -> None:
    def talk(there: Stranger) -> None:
        there.raw(TextMessage(data="a" * 300), pieces)
        there.raw(TextMessage(data="be", message_finished=False), pieces)
        there.raw(Ping(payload=b"between"), pieces)
        there.raw(TextMessage(data="lah"), pieces)
        there.raw(BytesMessage(data=b"bytes \xff"), pieces)
        with contextlib.suppress(Exception):
            there.next()

    with edc_by_others(talk) as link:
        link.open(soon())
        assert [link.receive(soon()) for _ in range(3)] == ["a" * 300, "belah", "bytes �"]


def test_a_ping_is_answered_and_what_came_before_it_is_kept() -> None:
    def talk(there: Stranger) -> None:
        there.send(TextMessage(data="first"))
        there.next()

    with edc_by_others(talk) as link:
        link.open(soon())
        assert link.ping(soon())
        assert link.ping(soon())
        assert link.receive(soon()) == "first"


def test_nobody_answers_a_ping_of_a_server_that_sleeps() -> None:
    done = threading.Event()

    def sleep(there: Stranger) -> None:
        done.wait(5)

    with edc_by_others(sleep) as link:
        link.open(soon())
        assert not link.ping(soon(0.1))
        done.set()


def test_what_was_said_before_the_end_is_heard_before_it() -> None:
    def leave(there: Stranger) -> None:
        there.send(TextMessage(data="EDC is busy"))
        there.send(CloseConnection(code=1000))

    with edc_by_others(leave) as link:
        link.open(soon())
        assert link.receive(soon()) == "EDC is busy"
        with pytest.raises(LinkLost):
            link.receive(soon())
        with pytest.raises(LinkLost):
            link.send("too late", soon())
        with pytest.raises(LinkLost):
            link.ping(soon())
        link.close()
        with pytest.raises(LinkLost):
            link.receive(soon())


@pytest.mark.parametrize(
    "rubbish",
    [b"\xff" * 40, b"\x81\x7f\x00\x00\x00\x00\x7f\xff\xff\xff", b"\x81\x85masked", b"\x8f\x00", b"\xc1\x01a"],
    ids=["no frame", "two gigabytes", "masked by a server", "unknown opcode", "unknown extension"],
)
def test_bytes_that_are_no_websocket_end_the_line(rubbish: bytes) -> None:
    def talk(there: Stranger) -> None:
        there.line.sendall(rubbish)
        with contextlib.suppress(Exception):
            there.next()

    with edc_by_others(talk) as link:
        link.open(soon())
        with pytest.raises(LinkLost):
            link.receive(soon())


def test_a_message_larger_than_any_answer_ends_the_line() -> None:
    def talk(there: Stranger) -> None:
        with contextlib.suppress(OSError):
            for _ in range(40):
                there.send(TextMessage(data="x" * 4096, message_finished=False))
            there.next()

    with edc_by_others(talk) as link:
        link.open(soon())
        with pytest.raises(LinkLost):
            link.receive(soon())


def sealed_by_openssl(plain: bytes) -> str:
    def openssl(*arguments: str, given: bytes) -> str:
        return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True).stdout.decode()

    key = openssl("dgst", "-sha1", given=SECRET.encode()).split()[-1][:32]
    return openssl("enc", "-aes-128-ecb", "-K", key, "-base64", "-A", given=plain)


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_a_strangers_till_is_served_by_the_simulator(tcp_ports: Callable[[], int]) -> None:
    simulator = PoseLinkSimulator(PoseLinkEdc(Bank(sample_cards())), f"wss://127.0.0.1:{tcp_ports()}")
    thread = threading.Thread(target=simulator.serve)
    thread.start()
    try:
        host, port = host_of(simulator.url)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with (
            contextlib.closing(socket.create_connection((host, port), timeout=5)) as bare,
            contextlib.closing(context.wrap_socket(bare)) as line,
        ):
            till = Stranger(line, wsproto.ConnectionType.CLIENT)
            till.send(Request(host=host, target="/"))
            assert isinstance(till.next(), AcceptConnection)
            asked = {"action": "Sale", "amount": 2500, "trx_id": "T1", "time_stamp": "2026-11-24 09:41:07"}
            till.raw(TextMessage(data=sealed_by_openssl(json.dumps(asked).encode())), 3)
            noted, told = (json.loads(str(till.next().data)) for _ in range(2))  # type: ignore[attr-defined]
            assert (noted["trx_id"], "status" in noted) == ("T1", False)
            assert (told["status"], told["rc"], told["trx_id"], told["amount"]) == ("success", "00", "T1", "2500")
    finally:
        simulator.stop()
        thread.join(5)


def test_a_fingerprint_is_taken_as_people_copy_it() -> None:
    plain = "ab" * 32
    for copied in (plain, plain.upper(), ":".join(["AB"] * 32), " ".join(["ab"] * 32)):
        assert fingerprint_of(copied) == plain
    for wrong in ("", "ab" * 31, "zz" * 32, "ab" * 33):
        with pytest.raises(ConfigError):
            fingerprint_of(wrong)


def test_the_address_of_an_edc() -> None:
    assert host_of("wss://192.0.2.7") == ("192.0.2.7", 6746)
    assert host_of("wss://192.0.2.7:6747/") == ("192.0.2.7", 6747)
    assert host_of("wss://[::1]:7000#ab") == ("::1", 7000)
    for wrong in (
        "ws://192.0.2.7",
        "192.0.2.7:6746",
        "wss://",
        "wss://x:99999",
        "wss://me@edc",
        "wss://[::1",
        "https://e",
    ):
        with pytest.raises(ConfigError):
            host_of(wrong)
