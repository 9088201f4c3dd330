"""What PC/SC says when something is wrong: codes that no virtual reader can be made to give."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

import pytest

from ewarung_pos.devices import pcsc
from ewarung_pos.devices.pcsc import PcscCardReader
from ewarung_pos.devices.simulated.chip_card import GPN, Application, ChipCard, application, packed, tlv
from ewarung_pos.domain.family import card_ref
from ewarung_pos.errors import CardNotRead, DeviceUnavailable
from ewarung_pos.ports import DeviceState

KEY = b"k" * 32
NUMBER, OTHER = "6013014455667788", "6013010000004563"
CHANGED, PRESENT = 0x2, 0x20


class Winscard:
    """winscard with cards in its readers, and the codes it is told to give instead of an answer."""

    SCARD_PROTOCOL_T0, SCARD_PROTOCOL_T1, SCARD_SCOPE_USER, SCARD_SHARE_EXCLUSIVE = 1, 2, 0, 1
    SCARD_STATE_CHANGED, SCARD_STATE_MUTE, SCARD_STATE_PRESENT, SCARD_STATE_UNAWARE = CHANGED, 0x200, PRESENT, 0
    SCARD_UNPOWER_CARD = 2

    def __init__(self, **cards: ChipCard | None) -> None:
        self.cards = cards
        self.events = dict.fromkeys(cards, 1)
        self.connected: list[str] = []
        self.transmitted = 0
        self.code: Callable[[int], int] = lambda place: 0
        self.connects = 0

    def put(self, reader: str, card: ChipCard | None) -> None:
        self.cards[reader] = card
        self.events[reader] += 1

    def SCardEstablishContext(self, scope: int) -> tuple[int, int]:
        return 0, 1

    def SCardReleaseContext(self, context: int) -> int:
        return 0

    def SCardListReaders(self, context: int, groups: list[str]) -> tuple[int, list[str]]:
        return 0, list(self.cards)

    def SCardGetStatusChange(
        self, context: int, milliseconds: int, readers: list[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, list[int]]]]:
        found: list[tuple[str, int, list[int]]] = []
        for name, seen in readers:
            state = self.events[name] << 16 | (PRESENT if self.cards[name] is not None else 0)
            found.append((name, state | (CHANGED if seen & ~CHANGED != state else 0), []))
        if any(state & CHANGED for _, state, _ in found):
            return 0, found
        time.sleep(milliseconds / 1000)
        return 0x8010000A, found

    def SCardConnect(self, context: int, reader: str, share: int, protocols: int) -> tuple[int, int, int]:
        self.connected.append(reader)
        return self.connects, 7, self.SCARD_PROTOCOL_T1

    def SCardTransmit(self, card: int, protocol: int, command: list[int]) -> tuple[int, list[int]]:
        self.transmitted += 1
        if code := self.code(self.transmitted):
            return code, []
        lying = self.cards[self.connected[-1]]
        said = lying.answer(bytes(command)) if lying is not None else None
        return (0, list(said)) if said is not None else (0x80100069, [])

    def SCardDisconnect(self, card: int, disposition: int) -> int:
        return 0


class Hanging(Winscard):
    """Does not come back from the question for the readers until it is let go."""

    def __init__(self, **cards: ChipCard | None) -> None:
        super().__init__(**cards)
        self.hangs = threading.Event()
        self.free = threading.Event()
        self.released = 0

    def SCardListReaders(self, context: int, groups: list[str]) -> tuple[int, list[str]]:
        if self.hangs.is_set():
            assert self.free.wait(20)
        return super().SCardListReaders(context, groups)

    def SCardReleaseContext(self, context: int) -> int:
        self.released += 1
        return 0


def reader_on(scard: Winscard, monkeypatch: pytest.MonkeyPatch) -> PcscCardReader:
    monkeypatch.setattr(pcsc, "_NOTICED_S", 0.01)
    reader = PcscCardReader("", lambda: KEY)
    monkeypatch.setattr(reader, "_scard", lambda: scard)
    return reader


@pytest.mark.parametrize("code", [0x80100013, 0x80100001, 0x80100004, 0x1F, 0x45D, -2146435053])
@pytest.mark.parametrize("at_connect", [True, False])
def test_a_card_that_fails_in_a_way_without_a_name_is_not_read_again_and_again(
    monkeypatch: pytest.MonkeyPatch, code: int, at_connect: bool
) -> None:
    scard = Winscard(one=ChipCard({GPN: application(NUMBER)}))
    reader = reader_on(scard, monkeypatch)
    if at_connect:
        scard.connects = code
    else:
        scard.code = lambda place: code if place > 4 else 0
    for _ in range(3):
        with pytest.raises(CardNotRead) as caught:
            reader.poll(0)
        assert caught.value.reason == "unreadable"
    assert len(scard.connected) == 1


def test_a_service_that_ended_is_the_services(monkeypatch: pytest.MonkeyPatch) -> None:
    scard = Winscard(one=ChipCard({GPN: application(NUMBER)}))
    reader = reader_on(scard, monkeypatch)
    scard.code = lambda place: 0x8010001D if place == 2 else 0
    with pytest.raises(DeviceUnavailable) as caught:
        reader.poll(0)
    assert caught.value.reason == "no_pcscd"
    found = reader.poll(0)
    assert found is not None
    assert found.card == card_ref(KEY, NUMBER)


def test_what_was_read_of_a_card_that_counts_for_nothing_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    two_numbers = tlv("70", tlv("5A", packed(NUMBER)) + tlv("57", packed(f"{OTHER}D2812201")))
    scard = Winscard(one=ChipCard({GPN: Application({1: [two_numbers]}, bytes.fromhex("08010100"))}))
    reader = reader_on(scard, monkeypatch)
    with pytest.raises(CardNotRead):
        reader.poll(0)
    held = [part for value in vars(reader).values() for part in (value if isinstance(value, tuple) else (value,))]
    assert not any(isinstance(part, BaseException) for part in held)  # its frames hold the whole record
    with pytest.raises(CardNotRead) as again:
        reader.poll(0)
    assert again.value.reason == "unreadable"


def test_a_reader_that_is_pulled_out_takes_its_fault_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pcsc, "_TOLD_S", 0.0)
    scard = Winscard(one=ChipCard({}), two=None)
    reader = reader_on(scard, monkeypatch)
    for _ in range(2):
        with pytest.raises(CardNotRead):
            reader.poll(0)
    del scard.cards["one"]
    assert reader.poll(0) is None
    scard.put("two", ChipCard({GPN: application(OTHER)}))
    found = reader.poll(0)
    assert found is not None
    assert found.card == card_ref(KEY, OTHER)


def hanging(monkeypatch: pytest.MonkeyPatch) -> tuple[Hanging, PcscCardReader]:
    """A reader that was in use when PC/SC began to hang."""
    monkeypatch.setattr(pcsc, "_READ_S", 0.0)
    monkeypatch.setattr(pcsc, "_ANSWER_S", 0.1)
    scard = Hanging(one=None)
    reader = reader_on(scard, monkeypatch)
    assert reader.poll(0) is None
    scard.hangs.set()
    return scard, reader


def hangs(reader: PcscCardReader) -> None:
    with pytest.raises(DeviceUnavailable) as caught:
        reader.poll(1)
    assert caught.value.reason == "reader_hangs"
    assert (reader.status().state, reader.status().reason) == (DeviceState.AWAY, "reader_hangs")
    assert reader.diagnose().reason == "reader_hangs"


def test_a_service_that_hangs_holds_nobody_and_is_used_again_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    scard, reader = hanging(monkeypatch)
    hangs(reader)
    hangs(reader)
    monkeypatch.setattr(pcsc, "_READ_S", 8.0)
    scard.put("one", ChipCard({GPN: application(NUMBER)}))
    scard.hangs.clear()
    scard.free.set()
    deadline = time.monotonic() + 10
    card = None
    while card is None and time.monotonic() < deadline:
        with contextlib.suppress(DeviceUnavailable):
            card = reader.poll(10)
    assert card is not None
    assert card.card == card_ref(KEY, NUMBER)
    assert reader.status().state is DeviceState.READY


def test_of_a_card_that_was_read_too_late_nobody_heard_so_it_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scard, reader = hanging(monkeypatch)
    scard.put("one", ChipCard({GPN: application(NUMBER)}))
    hangs(reader)
    scard.hangs.clear()
    scard.free.set()
    while not scard.connected:
        time.sleep(0.001)
    monkeypatch.setattr(pcsc, "_READ_S", 8.0)
    found = reader.poll(1000)
    assert found is not None
    assert scard.connected == ["one", "one"]
    assert scard.released == 1


def test_closing_a_reader_that_hangs_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scard, reader = hanging(monkeypatch)
    hangs(reader)
    reader.close()
    assert scard.released == 0
    scard.free.set()


def test_closing_lets_the_service_go_and_a_closed_reader_can_be_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scard = Hanging(one=ChipCard({GPN: application(NUMBER)}))
    reader = reader_on(scard, monkeypatch)
    before = set(threading.enumerate())
    for times in (1, 2):
        assert reader.poll(0) is not None
        (begun,) = set(threading.enumerate()) - before
        reader.close()
        assert scard.released == times
        begun.join(10)
        assert not begun.is_alive()
