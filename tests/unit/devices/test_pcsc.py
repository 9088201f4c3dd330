"""What PC/SC says when something is wrong: codes that no virtual reader can be made to give."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

import pytest

from ewarung_pos.devices import pcsc
from ewarung_pos.devices.pcsc import PcscCardReader
from ewarung_pos.devices.simulated.chip_card import ATR_T1, GPN, Application, ChipCard, application, packed, tlv
from ewarung_pos.domain.family import card_ref
from ewarung_pos.errors import CardNotRead, DeviceUnavailable
from ewarung_pos.ports import DeviceState
from ewarung_pos.ui.text import trouble_of

KEY = b"k" * 32
NUMBER, OTHER = "6013014455667788", "6013010000004563"
CHANGED, EMPTY, PRESENT = 0x2, 0x10, 0x20


class Winscard:
    """winscard with cards in its readers, and the codes it is told to give instead of an answer."""

    SCARD_PROTOCOL_T0, SCARD_PROTOCOL_T1, SCARD_SCOPE_USER, SCARD_SHARE_EXCLUSIVE = 1, 2, 0, 1
    SCARD_STATE_CHANGED, SCARD_STATE_EMPTY, SCARD_STATE_PRESENT = CHANGED, EMPTY, PRESENT
    SCARD_STATE_MUTE, SCARD_STATE_UNAWARE = 0x200, 0
    SCARD_UNPOWER_CARD = 2

    def __init__(self, **cards: ChipCard | None) -> None:
        self.cards = cards
        self.events = dict.fromkeys(cards, 1)
        self.connected: list[str] = []
        self.transmitted = 0
        self.code: Callable[[int], int] = lambda place: 0
        self.connects = 0
        self.listing = 0

    def put(self, reader: str, card: ChipCard | None) -> None:
        self.cards[reader] = card
        self.events[reader] = self.events.get(reader, 0) + 1

    def SCardEstablishContext(self, scope: int) -> tuple[int, int]:
        return 0, 1

    def SCardReleaseContext(self, context: int) -> int:
        return 0

    def SCardListReaders(self, context: int, groups: list[str]) -> tuple[int, list[str]]:
        return self.listing, [] if self.listing else list(self.cards)

    def SCardGetStatusChange(
        self, context: int, milliseconds: int, readers: list[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, list[int]]]]:
        found: list[tuple[str, int, list[int]]] = []
        for name, seen in readers:
            state = self.events[name] << 16 | (EMPTY if self.cards[name] is None else PRESENT)
            found.append((name, state | (CHANGED if seen & ~CHANGED != state else 0), []))
        if any(state & CHANGED for _, state, _ in found):
            return 0, found
        time.sleep(milliseconds / 1000)
        return 0x8010000A, found

    def SCardConnect(self, context: int, reader: str, share: int, protocols: int) -> tuple[int, int, int]:
        self.connected.append(reader)
        lying = self.cards[reader]
        return self.connects, 7, 2 if lying is not None and lying.atr == ATR_T1 else 1

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


class Stopping(Winscard):
    """Its service stops with its last reader, as on Windows; a context of before is of no use then."""

    def __init__(self, **cards: ChipCard | None) -> None:
        super().__init__(**cards)
        self.says: dict[str, int] = {}
        self.context = 0

    def SCardEstablishContext(self, scope: int) -> tuple[int, int]:
        if code := self.says.get("establish"):
            return code, 0
        self.context += 1
        return 0, self.context

    def SCardListReaders(self, context: int, groups: list[str]) -> tuple[int, list[str]]:
        code = self.says.get("list", 0) if context == self.context else -2146435069
        return code, [] if code else list(self.cards)

    def SCardGetStatusChange(
        self, context: int, milliseconds: int, readers: list[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, list[int]]]]:
        if code := self.says.get("change"):
            return code, []
        return super().SCardGetStatusChange(context, milliseconds, readers)


def reader_on(scard: Winscard, monkeypatch: pytest.MonkeyPatch) -> PcscCardReader:
    monkeypatch.setattr(pcsc, "_NOTICED_S", 0.01)
    reader = PcscCardReader("", lambda: KEY)
    monkeypatch.setattr(reader, "_scard", lambda: scard)
    return reader


@pytest.mark.parametrize(("code", "reason"), [(0x8010006A, "reader_no_permission"), (0x8010000B, "reader_in_use")])
def test_a_card_that_may_not_be_opened_yet_is_said_until_it_may(
    monkeypatch: pytest.MonkeyPatch, code: int, reason: str
) -> None:
    """Nothing was sent to it: it need not be put in again."""
    card = ChipCard({GPN: application(NUMBER)})
    scard = Winscard(here=card)
    scard.connects = code
    reader = reader_on(scard, monkeypatch)
    for _ in range(3):
        with pytest.raises(DeviceUnavailable) as caught:
            reader.poll(1)
        assert caught.value.reason == reason
        assert reader.status().reason == reason
    scard.connects = 0
    found = reader.poll(1)
    assert found is not None
    assert found.card == card_ref(KEY, NUMBER)


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


class Insatiable(ChipCard):
    """Whatever length of its options is asked for, it names another."""

    def answer(self, command: bytes) -> bytes | None:
        said = super().answer(command)
        return bytes([0x6C, len(self.commands)]) if command[1] == 0xA8 else said


def test_a_card_that_wants_to_be_asked_for_its_options_again_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Insatiable({GPN: application(NUMBER)}, atr=ATR_T1)
    reader = reader_on(Winscard(one=card), monkeypatch)
    for _ in range(2):
        with pytest.raises(CardNotRead) as caught:
            reader.poll(0)
        assert caught.value.reason == "unreadable"
    assert card.sent(0xA8) == 1


def must_be_put_in_again(reader: PcscCardReader) -> None:
    for _ in range(3):
        with pytest.raises(CardNotRead) as caught:
            reader.poll(0)
        assert "masukkan lagi" in trouble_of(caught.value).now
        assert reader.status().state is DeviceState.ATTENTION


@pytest.mark.parametrize("empty_is_seen", [True, False])
def test_a_card_whose_service_ended_after_it_counted_is_asked_no_more_until_it_was_out(
    monkeypatch: pytest.MonkeyPatch, empty_is_seen: bool
) -> None:
    card = ChipCard({GPN: application(NUMBER)})
    scard = Winscard(one=card)
    reader = reader_on(scard, monkeypatch)
    ended: list[int] = []

    def end_after_its_options(place: int) -> int:
        if card.sent(0xA8) and not ended:
            ended.append(place)
        return 0x8010001D if place in ended else 0

    scard.code = end_after_its_options
    with pytest.raises(DeviceUnavailable) as caught:
        reader.poll(0)
    assert caught.value.reason == "no_pcscd"
    assert ended
    scard.events["one"] = 0  # it counts from the beginning
    must_be_put_in_again(reader)
    assert card.sent(0xA8) == 1
    scard.put("one", None)
    if empty_is_seen:
        with pytest.raises(CardNotRead):  # still said for a while
            reader.poll(0)
    scard.put("one", card)
    found = reader.poll(0)
    assert found is not None
    assert found.card == card_ref(KEY, NUMBER)
    assert card.sent(0xA8) == 2


def test_a_card_that_was_read_is_not_read_again_because_the_service_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    card = ChipCard({GPN: application(NUMBER)})
    scard = Winscard(one=card)
    reader = reader_on(scard, monkeypatch)
    assert reader.poll(0) is not None
    scard.listing = 0x8010001D
    for _ in range(2):
        with pytest.raises(DeviceUnavailable):
            reader.poll(0)
    scard.listing = 0
    must_be_put_in_again(reader)
    assert card.sent(0xA8) == 1


def test_a_card_that_was_taken_out_while_the_service_was_away_leaves_its_place_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scard = Winscard(one=ChipCard({GPN: application(NUMBER)}))
    reader = reader_on(scard, monkeypatch)
    assert reader.poll(0) is not None
    scard.listing = 0x8010001D
    with pytest.raises(DeviceUnavailable):
        reader.poll(0)
    scard.put("one", None)
    scard.listing = 0
    assert reader.poll(0) is None
    scard.put("one", ChipCard({GPN: application(OTHER)}))
    found = reader.poll(0)
    assert found is not None
    assert found.card == card_ref(KEY, OTHER)


@pytest.mark.parametrize(("windows", "reason"), [(True, "no_reader"), (False, "no_pcscd")])
@pytest.mark.parametrize("code", [0x8010001D, 0x8010001E, 0x8010001D - (1 << 32), 0x8010001E - (1 << 32)])
@pytest.mark.parametrize("first", ["list", "change"])
def test_a_service_that_stops_with_its_last_reader_lacks_a_reader(
    monkeypatch: pytest.MonkeyPatch, first: str, code: int, windows: bool, reason: str
) -> None:
    """Windows ends the service when no reader is plugged in; anywhere else somebody has to start it again."""
    monkeypatch.setattr(pcsc, "_WINDOWS", windows)
    scard = Stopping(one=None)
    reader = reader_on(scard, monkeypatch)
    assert reader.poll(0) is None
    for place in (first, "establish", "establish"):
        scard.says = {place: code}
        with pytest.raises(DeviceUnavailable) as caught:
            reader.poll(0)
        assert caught.value.reason == reason
        assert trouble_of(caught.value).code == f"device_unavailable.{reason}"
        assert (reader.status().state, reader.status().reason) == (DeviceState.AWAY, reason)
    assert reader.diagnose().reason == reason
    scard.says = {}
    scard.put("one", ChipCard({GPN: application(NUMBER)}))
    found = reader.poll(0)
    assert found is not None
    assert found.card == card_ref(KEY, NUMBER)
    assert reader.status().state is DeviceState.READY


def test_a_reader_that_takes_the_service_along_while_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pcsc, "_WINDOWS", True)
    scard = Stopping(one=ChipCard({GPN: application(NUMBER)}))
    reader = reader_on(scard, monkeypatch)

    def pulled_out(place: int) -> int:
        if place < 3:
            return 0
        scard.says = {"change": -2146435042}
        return 0x8010002F

    scard.code = pulled_out
    with pytest.raises(CardNotRead) as caught:
        reader.poll(0)
    assert caught.value.reason == "removed"


def test_a_reader_that_is_plugged_in_again_is_in_service_at_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    scard = Winscard(one=None)
    reader = reader_on(scard, monkeypatch)
    assert reader.poll(0) is None
    for number in (NUMBER, OTHER):
        del scard.cards["one"]
        for _ in range(2):
            with pytest.raises(DeviceUnavailable) as caught:
                reader.poll(0)
            assert caught.value.reason == "no_reader"
            assert (reader.status().state, reader.status().reason) == (DeviceState.AWAY, "no_reader")
        scard.events["one"] = 0
        scard.cards["one"] = None
        assert reader.poll(0) is None
        assert reader.status().state is DeviceState.READY
        scard.put("one", ChipCard({GPN: application(number)}))
        found = reader.poll(0)
        assert found is not None
        assert found.card == card_ref(KEY, number)


@pytest.mark.parametrize("counted", [True, False])
def test_a_card_that_lies_in_a_reader_that_is_plugged_in_again(monkeypatch: pytest.MonkeyPatch, counted: bool) -> None:
    """One that was asked may be the same one; one that was not is read at once."""
    card = ChipCard({GPN: application(NUMBER)})
    scard = Winscard(one=card if counted else None)
    reader = reader_on(scard, monkeypatch)
    assert (reader.poll(0) is not None) is counted
    del scard.cards["one"]
    with pytest.raises(DeviceUnavailable):
        reader.poll(0)
    scard.put("one", card)
    if counted:
        must_be_put_in_again(reader)
    else:
        assert reader.poll(0) is not None
    assert card.sent(0xA8) == 1


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


def test_a_card_that_came_while_the_service_hung_is_asked_only_when_somebody_hears_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scard, reader = hanging(monkeypatch)
    card = ChipCard({GPN: application(NUMBER)})
    scard.put("one", card)
    hangs(reader)
    monkeypatch.setattr(pcsc, "_READ_S", 8.0)
    scard.hangs.clear()
    scard.free.set()
    assert reader.poll(1000) is not None
    assert card.sent(0xA8) == 1
    assert scard.released == 1


def test_a_service_that_comes_back_late_says_so_and_the_card_waits_for_the_next_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pcsc, "_ANSWER_S", 0.05)
    card = ChipCard({GPN: application(NUMBER)})
    scard = Hanging(one=card)
    reader = reader_on(scard, monkeypatch)
    scard.hangs.set()
    back = threading.Timer(0.2, scard.free.set)
    back.start()
    with pytest.raises(DeviceUnavailable) as caught:
        reader.poll(0)
    back.join()
    assert caught.value.reason == "reader_hangs"
    assert card.commands == []
    monkeypatch.setattr(pcsc, "_ANSWER_S", 3.0)
    assert reader.poll(0) is not None
    assert card.sent(0xA8) == 1


def test_of_a_card_that_was_read_too_late_nobody_heard_so_it_must_be_put_in_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pcsc, "_READ_S", 0.2)
    monkeypatch.setattr(pcsc, "_ANSWER_S", 0.2)
    card = ChipCard({GPN: application(NUMBER)})
    scard = Hanging(one=card)
    reader = reader_on(scard, monkeypatch)

    def hang_after_its_options(place: int) -> int:
        assert not card.sent(0xA8) or scard.free.wait(20)
        return 0

    scard.code = hang_after_its_options
    hangs(reader)
    monkeypatch.setattr(pcsc, "_READ_S", 8.0)
    monkeypatch.setattr(pcsc, "_ANSWER_S", 3.0)
    scard.free.set()
    with pytest.raises(CardNotRead):
        reader.poll(1000)
    must_be_put_in_again(reader)
    assert card.sent(0xA8) == 1
    assert scard.released == 1
    scard.put("one", None)
    scard.put("one", card)
    assert reader.poll(0) is not None


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
