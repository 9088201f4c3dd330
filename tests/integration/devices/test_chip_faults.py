"""A simulated card goes wrong by a script, in a virtual reader of the real pcscd, and as a program of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.devices.pcsc import PcscCardReader
from ewarung_pos.devices.simulated.chip_card import ScriptedCard
from ewarung_pos.devices.simulated.chip_slot import VirtualSlot, slot_address
from ewarung_pos.devices.simulated.edc_bank import Card, read_cards, usual_expiry
from ewarung_pos.devices.simulated.faults import CHIP, FaultScript
from ewarung_pos.devices.simulated.spawned import Spawned, own_command, start
from ewarung_pos.domain.family import card_ref
from ewarung_pos.errors import CardNotRead, ConfigError
from ewarung_pos.ports import CardPresented
from tests.integration.devices.conftest import CARD_KEY
from tests.integration.devices.virtual_reader import VirtualReader, wait_until_empty

READ = "read"
# Commands to a card with a directory: 1 SELECT directory, 2 and 3 its records, 4 SELECT application, 5 its options.
MATRIX: list[tuple[dict[str, Any], str]] = [
    ({"on": "insert", "do": "removed"}, "removed"),
    ({"on": "insert", "do": "removed", "at": 5}, "removed"),
    ({"on": "command", "nth": 6, "do": "removed"}, "removed"),
    ({"on": "insert", "do": "slow", "ms": 20}, READ),
    ({"on": "command", "nth": 4, "do": "slow", "ms": 300}, READ),
    ({"on": "insert", "do": "status", "at": 5}, "unreadable"),
    ({"on": "insert", "do": "status", "at": 5, "status": "6985"}, "unreadable"),
    ({"on": "command", "nth": 1, "do": "status", "status": "6A82"}, READ),
    ({"on": "command", "every": 1, "do": "status", "status": "6A82"}, "wrong_card"),
    ({"on": "insert", "do": "blocked"}, "blocked"),
    ({"on": "insert", "do": "blocked", "status": "6A81"}, "blocked"),
    ({"on": "insert", "do": "no_directory"}, READ),
    ({"on": "insert", "do": "odd_number"}, READ),
]


@pytest.fixture
def cards(families: Path) -> tuple[Card, ...]:
    return read_cards(families)


@pytest.fixture
def slot(pcscd: VirtualReader) -> Path:
    wait_until_empty(1)
    return pcscd.slots[1]


@pytest.fixture
def reader(slot: Path) -> Iterator[PcscCardReader]:
    made = PcscCardReader("virtual pcd 00 01", lambda: CARD_KEY)
    yield made
    made.close()


def presented(number: str, expiry: str = "") -> CardPresented:
    return CardPresented(card_ref(CARD_KEY, number), expiry or usual_expiry(), "pcsc")


def look(reader: PcscCardReader, *, over: str = "") -> CardPresented | str:
    """The card, or why there is none; `over` is what is still said of the one before."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if (card := reader.poll(200)) is not None:
                return card
        except CardNotRead as error:
            if error.reason != over:
                return error.reason
    return "nothing"


@pytest.mark.parametrize(("fault", "outcome"), MATRIX, ids=["-".join(map(str, row[0].values())) for row in MATRIX])
def test_a_card_that_goes_wrong_is_read_or_says_why(
    reader: PcscCardReader, slot: Path, cards: tuple[Card, ...], fault: dict[str, Any], outcome: str
) -> None:
    held = VirtualSlot(slot)
    put_in = ScriptedCard(cards[0], FaultScript.of([fault], CHIP), held.pause)
    number = cards[0].number + ("0" if fault["do"] == "odd_number" else "")
    held.insert(put_in.chip.atr, put_in.answer)
    try:
        assert look(reader) == (presented(number) if outcome is READ else outcome)
        assert held.holds_a_card is (outcome != "removed")
    finally:
        held.remove()
    assert put_in.chip.sent(0xA8) <= 1, "its options are asked for once, whatever comes of it"


def test_every_deed_has_its_row() -> None:
    assert {fault["do"] for fault, _ in MATRIX} == set(CHIP.deeds)


def test_a_card_that_is_too_slow_is_given_up_and_comes_out_at_once(
    reader: PcscCardReader, slot: Path, cards: tuple[Card, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ewarung_pos.devices.pcsc._READ_S", 0.3)
    held = VirtualSlot(slot)
    put_in = ScriptedCard(cards[0], FaultScript.of([{"on": "insert", "do": "slow", "ms": 200}], CHIP), held.pause)
    held.insert(put_in.chip.atr, put_in.answer)
    try:
        assert look(reader) == "unreadable"
    finally:
        held.remove()


def test_only_a_slot_of_this_machine_is_one() -> None:
    assert slot_address("127.0.0.1:35963") == ("127.0.0.1", 35963)
    assert slot_address("[::1]:35964") == ("::1", 35964)
    assert slot_address("/run/slot0") == Path("/run/slot0")
    for words in ("192.0.2.1:35963", "127.0.0.1:0", "127.0.0.1:x", "slot0", ""):
        with pytest.raises(ConfigError) as caught:
            slot_address(words)
        assert caught.value.reason == "chip"


# -- as a program --------------------------------------------------------------------------------------------------


def program(slot: str, families: Path, told: bool = True, **options: str | Path | int) -> Spawned:
    named = {"--chip": slot, "--families": families, **{f"--{name}": value for name, value in options.items()}}
    return start("simulate-reader", own_command("simulate-reader"), named, told=told)


def test_the_command_puts_in_and_takes_out_what_is_typed(
    reader: PcscCardReader, slot: Path, families: Path, cards: tuple[Card, ...], tmp_path: Path
) -> None:
    (tmp_path / "faults.toml").write_text('[[fault]]\non = "insert"\nnth = 2\ndo = "blocked"\n')
    with program(str(slot), families, faults=tmp_path / "faults.toml") as device:
        assert device.url == str(slot)
        assert device.tell("insert 1") == "inserted 1"
        assert look(reader) == presented(cards[0].number)
        assert "remove dulu" in device.tell("insert 2")
        assert device.tell("remove") == "removed"
        assert device.tell("remove") == "tidak ada kartu di pembaca"
        wait_until_empty(1)
        assert device.tell("insert 9") == "tidak ada kartu di baris '9'"
        assert "tidak dimengerti" in device.tell("swipe 1")
        assert device.tell("insert 2") == "inserted 2 blocked"
        assert look(reader) == "blocked"
        assert device.tell("remove") == "removed"
        wait_until_empty(1)
        assert device.tell("insert 3") == "inserted 3"
        assert look(reader, over="blocked") == presented(cards[2].number)
    assert device._process.returncode == 0
    wait_until_empty(1)
    assert reader.poll(100) is None, "the card left with the program"


def test_cards_come_and_go_by_themselves(
    reader: PcscCardReader, slot: Path, families: Path, cards: tuple[Card, ...]
) -> None:
    active = {presented(card.number) for card in cards if card.status == "active"}
    assert len(active) == 2
    found: set[CardPresented | str] = set()
    deadline = time.monotonic() + 60
    with program(str(slot), families, told=False, every=1):
        while not active <= found and time.monotonic() < deadline:
            found.add(look(reader))
    assert active <= found
    assert found <= active | {"removed"}, "a slow machine may come too late for one"


@contextlib.contextmanager
def asking(slot: Path, words: bytes) -> Iterator[None]:
    """Whoever comes to this slot hears these words, as vpcd asks for the ATR; then nobody is there any more."""
    with socket.socket(socket.AF_UNIX) as ear:
        ear.bind(str(slot))
        ear.listen()

        def answer() -> None:
            with contextlib.suppress(OSError), ear.accept()[0] as made:
                made.sendall(words)
                made.settimeout(20)
                made.recv(1)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                ear.shutdown(socket.SHUT_RDWR)
            thread.join()
            slot.unlink()


def test_a_slot_is_reached_when_its_reader_asks_for_a_card(tmp_path: Path) -> None:
    """A port that opens is not enough: it may be anybody's."""
    slot = VirtualSlot(tmp_path / "slot")
    with pytest.raises(FileNotFoundError):
        slot.reach(0.1)
    with asking(tmp_path / "slot", b""), pytest.raises(OSError, match="timed out"):
        slot.reach(0.3)
    with asking(tmp_path / "slot", b"\x00\x01\x04"):
        slot.reach(5)


def test_where_no_reader_is_any_more_it_says_so_and_goes_on(tmp_path: Path, families: Path) -> None:
    with contextlib.ExitStack() as there:
        there.enter_context(asking(tmp_path / "slot", b"\x00\x01\x04"))
        device = program(str(tmp_path / "slot"), families)
    with device:
        for _ in range(2):
            assert f"pembaca maya di '{tmp_path}/slot' tidak menjawab" in device.tell("insert 1")
    assert device._process.returncode == 0
