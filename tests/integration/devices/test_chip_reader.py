"""Cards in a virtual reader, through the real pcscd, its vpcd driver and pyscard."""

from __future__ import annotations

import contextlib
import itertools
import logging
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ewarung_pos.devices.pcsc import PcscCardReader
from ewarung_pos.devices.simulated.chip_card import ATR_T1, GPN, VISA, Application, ChipCard, application, packed, tlv
from ewarung_pos.devices.simulated.chip_slot import in_reader
from ewarung_pos.domain.family import card_ref
from ewarung_pos.errors import CardNotRead, DeviceUnavailable
from ewarung_pos.ports import CardPresented, DeviceState, DeviceStatus
from ewarung_pos.ui.text import trouble_of
from tests.integration.devices.virtual_reader import VirtualReader, wait_until_empty

KEY = b"a key of thirty-two bytes, truly"
NUMBER = "6013014455667788"
OTHER = "6013010000004563"
ODD = "6013014455667788009"
FORBIDDEN = {0x20, 0xAE, 0x88, 0x82}  # VERIFY, GENERATE AC, INTERNAL and EXTERNAL AUTHENTICATE

TURN = itertools.cycle((0, 1))


@pytest.fixture
def place(pcscd: VirtualReader) -> int:
    """The slots in turn: while one is noticed to be empty, which takes half a second, the other is used."""
    return next(TURN)


@pytest.fixture
def slot(pcscd: VirtualReader, place: int) -> Path:
    wait_until_empty(place)
    return pcscd.slots[place]


@pytest.fixture
def reader(slot: Path, place: int) -> Iterator[PcscCardReader]:
    made = PcscCardReader(f"virtual pcd 00 0{place}", lambda: KEY)
    yield made
    made.close()


def presented(reader: PcscCardReader, seconds: float = 10.0) -> CardPresented:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (card := reader.poll(200)) is not None:
            return card
    pytest.fail("no card came")


def refused(reader: PcscCardReader, seconds: float = 10.0) -> CardNotRead:
    with pytest.raises(CardNotRead) as caught:
        presented(reader, seconds)
    return caught.value


def expected(number: str, expiry: str = "2812") -> CardPresented:
    return CardPresented(card_ref(KEY, number), expiry, "pcsc")


CARDS = {
    "no directory": lambda: ChipCard({GPN: application(NUMBER)}),
    "directory": lambda: ChipCard({GPN: application(NUMBER)}, directory=(GPN,)),
    "contactless directory": lambda: ChipCard({GPN: application(NUMBER)}, proximity=(GPN,), atr=ATR_T1),
    "several applications, the domestic one counts": lambda: ChipCard(
        {VISA: application(OTHER), GPN: application(NUMBER)}, directory=(VISA, GPN)
    ),
    "longer name in the directory": lambda: ChipCard({GPN + b"\x01": application(NUMBER)}, directory=(GPN + b"\x01",)),
    "directory of strangers": lambda: ChipCard(
        {GPN: application(NUMBER)}, directory=(bytes.fromhex("A000000151000000"),)
    ),
    "short answers": lambda: ChipCard({GPN: application(NUMBER)}, directory=(GPN,), frugal=True),
    "wants to know things": lambda: ChipCard(
        {GPN: application(NUMBER, pdol=bytes.fromhex("9F66049F02069F03069F1A0295055F2A029A039C019F3704"))}
    ),
    "old form of options": lambda: ChipCard({GPN: application(NUMBER, format1=True)}),
    "track in the options": lambda: ChipCard(
        {GPN: Application({}, b"", extra=tlv("57", packed(f"{NUMBER}D2812201000000000")))}, atr=ATR_T1
    ),
    "number without a track": lambda: ChipCard({GPN: application(NUMBER, track=False)}),
    "track alone": lambda: ChipCard({GPN: application(NUMBER, plain=False)}),
    "blocked directory": lambda: ChipCard({GPN: application(NUMBER)}, status=0x6283),
    "one application blocked": lambda: ChipCard({GPN: application(OTHER, selected=0x6283), VISA: application(NUMBER)}),
}


@pytest.mark.parametrize("name", CARDS)
def test_a_card_says_whose_it_is(reader: PcscCardReader, slot: Path, name: str) -> None:
    with in_reader(slot, CARDS[name]()) as card:
        assert presented(reader) == expected(NUMBER)
    assert card.sent(0xA8) == 1
    assert not FORBIDDEN & {command[1] for command in card.commands}
    assert reader.status().state is DeviceState.READY


def test_a_number_of_odd_length_is_whole(reader: PcscCardReader, slot: Path) -> None:
    with in_reader(slot, ChipCard({GPN: application(ODD)})):
        assert presented(reader) == expected(ODD)


def test_every_slot_counts_where_none_is_named(pcscd: VirtualReader) -> None:
    wait_until_empty(0)
    wait_until_empty(1)
    anyone = PcscCardReader("", lambda: KEY)
    with contextlib.closing(anyone):
        for slot, number in zip(pcscd.slots, (NUMBER, OTHER), strict=True):
            with in_reader(slot, ChipCard({GPN: application(number)})):
                assert presented(anyone) == expected(number)


BAD: dict[str, tuple[Callable[[], ChipCard], str]] = {
    "no bank card": (lambda: ChipCard({}), "wrong_card"),
    "application blocked": (lambda: ChipCard({GPN: application(NUMBER, selected=0x6283)}), "blocked"),
    "card blocked": (lambda: ChipCard({GPN: application(NUMBER, selected=0x6A81)}), "blocked"),
    "options refused": (lambda: ChipCard({GPN: application(NUMBER, options=0x6985)}), "unreadable"),
    "no number": (lambda: ChipCard({GPN: application(NUMBER, track=False, plain=False)}), "unreadable"),
    "two numbers": (
        lambda: ChipCard(
            {
                GPN: Application(
                    {1: [tlv("70", tlv("5A", packed(NUMBER)) + tlv("57", packed(f"{OTHER}D2812201")))]},
                    bytes.fromhex("08010100"),
                )
            }
        ),
        "unreadable",
    ),
    "locator without end": (lambda: ChipCard({GPN: Application({}, bytes.fromhex("0801FF00" * 40))}), "unreadable"),
    "locator cut off": (lambda: ChipCard({GPN: Application({}, bytes.fromhex("080101"))}), "unreadable"),
    "number of letters": (
        lambda: ChipCard({GPN: Application({1: [tlv("70", tlv("5A", b"\xab" * 8))]}, bytes.fromhex("08010100"))}),
        "unreadable",
    ),
    "short number": (lambda: ChipCard({GPN: application("601301445566")}), "unreadable"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_card_that_cannot_be_read_says_why(reader: PcscCardReader, slot: Path, name: str) -> None:
    make, reason = BAD[name]
    with in_reader(slot, make()) as card:
        assert refused(reader).reason == reason
        before = len(card.commands)
        assert refused(reader).reason == reason, "it is said while the card is there"
        assert len(card.commands) == before, "and the card is not asked again"
        assert reader.status().state is DeviceState.ATTENTION
    assert card.sent(0xA8) <= 1


@pytest.mark.parametrize("at", [1, 3, 4, 5])
def test_a_card_taken_out_too_early_is_called_that(reader: PcscCardReader, slot: Path, at: int) -> None:
    with in_reader(slot, ChipCard({GPN: application(NUMBER)}, leaves_at=at)):
        assert refused(reader).reason == "removed"
    with in_reader(slot, ChipCard({GPN: application(OTHER)})):
        assert next_card(reader) == expected(OTHER)


def next_card(reader: PcscCardReader) -> CardPresented:
    """The card that comes while it is still said that the one before could not be read."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(CardNotRead):
            if (card := reader.poll(200)) is not None:
                return card
    pytest.fail("no card came")


def test_a_card_is_read_once_however_long_it_lies_there(reader: PcscCardReader, slot: Path) -> None:
    with in_reader(slot, ChipCard({GPN: application(NUMBER)})) as card:
        presented(reader)
        for _ in range(5):
            assert reader.poll(50) is None
        assert card.sent(0xA8) == 1


def test_a_card_that_waits_since_before_is_read(reader: PcscCardReader, slot: Path) -> None:
    with in_reader(slot, ChipCard({GPN: application(NUMBER)})):
        time.sleep(0.6)
        assert reader.poll(0) == expected(NUMBER)


@pytest.mark.slow
def test_fifty_cards_in_and_out_are_fifty_cards(pcscd: VirtualReader) -> None:
    wait_until_empty(0)
    wait_until_empty(1)
    reader = PcscCardReader("", lambda: KEY)
    numbers = [f"601301{place:010d}" for place in range(50)]
    seen, options = [], 0
    for place, number in enumerate(numbers):
        # In turn: while one slot is noticed to be empty, the next card is in the other.
        with in_reader(pcscd.slots[place % 2], ChipCard({GPN: application(number)}, directory=(GPN,))) as card:
            seen.append(presented(reader))
            options += card.sent(0xA8)
    reader.close()
    assert seen == [expected(number) for number in numbers]
    assert options == 50


def test_a_slow_card_is_given_up(reader: PcscCardReader, slot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ewarung_pos.devices.pcsc._READ_S", 0.3)
    with in_reader(slot, ChipCard({GPN: application(NUMBER)}, delay=0.15)):
        assert refused(reader).reason == "unreadable"


def test_an_empty_reader_is_waited_for_as_long_as_asked(reader: PcscCardReader) -> None:
    began = time.monotonic()
    assert reader.poll(150) is None
    assert 0.1 < time.monotonic() - began < 2


def test_no_such_reader_is_said(pcscd: VirtualReader) -> None:
    other = PcscCardReader("ACR39U", lambda: KEY)
    with pytest.raises(DeviceUnavailable) as caught:
        other.poll(50)
    other.close()
    assert caught.value.reason == "no_reader"
    assert other.status().state is DeviceState.AWAY


def test_readers_are_named_for_the_doctor(pcscd: VirtualReader) -> None:
    with contextlib.closing(PcscCardReader("virtual", lambda: KEY)) as reader:
        assert reader.diagnose() == DeviceStatus(DeviceState.READY, detail="Virtual PCD 00 00, Virtual PCD 00 01")


def test_the_number_leaves_no_trace(reader: PcscCardReader, slot: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with in_reader(slot, ChipCard({GPN: application(NUMBER)})):
        card = presented(reader)
    with in_reader(slot, BAD["two numbers"][0]()):
        error = refused(reader)
    told = "".join(traceback.format_exception(error)) + caplog.text + repr(card) + repr(vars(reader))
    for number in (NUMBER, OTHER):
        assert number not in told
        assert number[:12] not in told


def test_no_thread_is_started_but_the_one_that_waits(reader: PcscCardReader, slot: Path) -> None:
    before = set(threading.enumerate())
    with in_reader(slot, ChipCard({GPN: application(NUMBER)})):
        presented(reader)
        begun = set(threading.enumerate()) - before
        assert [thread.name for thread in begun].count("pcsc") == 1
        assert len(begun) == 2  # the other is the card's own


ANOTHER = """
import sys
from smartcard import scard
_, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
share, name = getattr(scard, sys.argv[1]), sys.argv[2]
state = scard.SCARD_STATE_UNAWARE
while not state & scard.SCARD_STATE_PRESENT:
    _, [(_, state, _)] = scard.SCardGetStatusChange(context, 1000, [(name, state)])
result, card, _ = scard.SCardConnect(context, name, share, scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1)
print(result, flush=True)
sys.stdin.read()
scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)
scard.SCardReleaseContext(context)
"""


@contextlib.contextmanager
def another_program(place: int, share: str) -> Iterator[None]:
    """It was at the card first and keeps it while the block lasts."""
    command = [sys.executable, "-c", ANOTHER, share, f"Virtual PCD 00 0{place}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stdout.readline() == "0\n"
        try:
            yield
        finally:
            program.stdin.close()
            program.wait(10)


@pytest.mark.parametrize("share", ["SCARD_SHARE_EXCLUSIVE", "SCARD_SHARE_SHARED"])
def test_a_card_that_another_program_reached_first_is_read_when_it_lets_go(
    reader: PcscCardReader, slot: Path, place: int, share: str
) -> None:
    with in_reader(slot, ChipCard({GPN: application(NUMBER)})) as card:
        with another_program(place, share):
            for _ in range(3):
                with pytest.raises(DeviceUnavailable) as caught:
                    presented(reader, 1.0)
                assert caught.value.reason == "reader_in_use"
                assert (reader.status().state, reader.status().reason) == (DeviceState.AWAY, "reader_in_use")
                assert "dipakai program lain" in trouble_of(caught.value).title
        assert presented(reader) == expected(NUMBER)
        assert card.sent(0xA8) == 1
    assert reader.status().state is DeviceState.READY
