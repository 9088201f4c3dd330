"""The chip's bytes, whatever they are: read, or refused with a reason. Never a hang, another card, or a digit told."""

from __future__ import annotations

import contextlib
import traceback
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.devices.emv import Transmit, read_card
from ewarung_pos.devices.simulated.chip_card import ATR_T0, ATR_T1, GPN, Application, ChipCard, application, packed, tlv
from ewarung_pos.devices.tlv import TlvError, each, first, objects
from ewarung_pos.domain.family import CardRef, card_ref
from ewarung_pos.errors import CardNotRead

KEY = b"k" * 32
NUMBER = "6013014455667788"


def refer(number: str) -> CardRef:
    return card_ref(KEY, number)


def test_objects_of_one_level_in_their_order() -> None:
    data = tlv("9F38", b"\x01\x02") + b"\x00\x00" + tlv("50", b"") + tlv("BF0C", tlv("4F", GPN)) + tlv("90", bytes(200))
    assert [tag for tag, _ in objects(data)] == [0x9F38, 0x50, 0xBF0C, 0x90]
    assert first(data, 0x4F) == GPN
    assert first(data, 0x5A) is None
    assert list(each(tlv("61", tlv("4F", b"a")) + tlv("61", tlv("4F", b"b")), 0x4F)) == [b"a", b"b"]


@pytest.mark.parametrize(
    "data", ["9F", "5F20", "5A", "5A0812", "5A80", "5A83000001AA", "5A8201", "9FFFFF0100", "70035A0812"]
)
def test_what_is_cut_off_is_refused(data: str) -> None:
    with pytest.raises(TlvError):
        first(bytes.fromhex(data), 0x99)


def test_a_nest_without_end_is_refused() -> None:
    data = b""
    for _ in range(20):
        data = tlv("70", data)
    with pytest.raises(TlvError):
        first(data, 0x5A)


@given(st.binary(max_size=300), st.sampled_from([0x5A, 0x57, 0x9F38, 0x4F]))
def test_any_bytes_are_objects_or_refused(data: bytes, tag: int) -> None:
    with contextlib.suppress(TlvError):
        list(each(data, tag))


@given(
    st.recursive(
        st.tuples(st.sampled_from(["5A", "57", "9F38", "5F24"]), st.binary(max_size=140)).map(lambda pair: tlv(*pair)),
        lambda inner: st.lists(inner, max_size=3).map(lambda parts: tlv("70", b"".join(parts))),
        max_leaves=5,
    )
)
def test_what_an_encoder_wrote_is_read_back(data: bytes) -> None:
    assert b"".join(tlv(f"{tag:X}", value) for tag, value in objects(data)) == data


def only_reads(command: bytes, before: list[bytes]) -> None:
    """Whatever the card is: no PIN command and no cryptogram, an end, and its options asked for once."""
    assert (command[0], command[1]) in {(0x00, 0xA4), (0x80, 0xA8), (0x00, 0xB2), (0x00, 0xC0)}, command.hex()
    assert command[1] != 0xA8 or all(each[1] != 0xA8 for each in before), "its options are asked for again"
    assert len(before) < 400, "the card is asked without end"


@dataclass
class Asked(ChipCard):
    """A card in T=1 that nothing is asked but what reads."""

    atr: bytes = ATR_T1

    def transmit(self, command: bytes) -> bytes:
        only_reads(command, self.commands)
        said = self.answer(command)
        assert said is not None
        return said


def outcome(transmit: Transmit, *, case4_le: bool = True) -> CardRef | CardNotRead:
    try:
        return read_card(transmit, refer, case4_le=case4_le)[0]
    except CardNotRead as error:
        return error


@given(st.data())
def test_a_corrupt_card_is_never_another_card(data: st.DataObject) -> None:
    """One byte of what the files hold is changed: the number is the true one, or there is none."""
    app = application(NUMBER)
    spoilt: dict[int, list[bytes]] = {}
    file = data.draw(st.sampled_from([1, 2]))
    for number, records in app.files.items():
        spoilt[number] = list(records)
    record = bytearray(spoilt[file][0])
    at = data.draw(st.integers(0, len(record) - 1))
    record[at] ^= data.draw(st.integers(1, 255))
    spoilt[file][0] = bytes(record)
    both = Application({1: [spoilt[1][0] + spoilt[2][0]]}, bytes.fromhex("08010100"))
    card = Asked({GPN: both})
    found = outcome(card.transmit)
    if isinstance(found, CardNotRead):
        assert found.reason == "unreadable"
        assert NUMBER[:10] not in "".join(traceback.format_exception(found))
    else:  # the number stands twice: a change of one copy was noticed, or made it unfindable
        assert found == refer(NUMBER)


@given(st.lists(st.binary(max_size=60), max_size=12), st.binary(max_size=80), st.booleans())
def test_a_card_of_any_bytes_ends_in_a_reason(answers: list[bytes], options: bytes, frugal: bool) -> None:
    card = Asked({GPN: Application({1: answers}, options)}, (GPN,), frugal=frugal, atr=ATR_T0 if frugal else ATR_T1)
    found = outcome(card.transmit, case4_le=not frugal)
    assert isinstance(found, CardRef) or (found.reason in {"unreadable", "wrong_card"} and found.__cause__ is None)


@given(st.lists(st.binary(min_size=0, max_size=40), min_size=1, max_size=20))
def test_answers_that_make_no_sense_end_in_a_reason(answers: list[bytes]) -> None:
    asked: list[tuple[bytes, bytes]] = []

    def transmit(command: bytes) -> bytes:
        # 6Cxx: the card did nothing yet, and is asked again (ISO 7816-4). What the reader's driver makes of that for
        # the options, which it lets through once, is in test_pcsc.
        only_reads(command, [before for before, said in asked if said[-2:-1] != b"\x6c"])
        assert len(asked) < 400
        asked.append((command, answers[len(asked) % len(answers)]))
        return asked[-1][1]

    found = outcome(transmit)
    assert isinstance(found, CardRef) or found.reason in {"unreadable", "wrong_card", "blocked"}


@pytest.mark.parametrize("longer", [12, 250, 300])
def test_a_name_longer_than_names_are_is_not_asked_for(longer: int) -> None:
    card = Asked({GPN: application(NUMBER)}, directory=(GPN + bytes(longer),))
    assert outcome(card.transmit) == refer(NUMBER)


def test_nothing_is_asked_that_moves_more_than_one_counter() -> None:
    card = Asked({GPN: application(NUMBER)}, directory=(GPN,))
    assert read_card(card.transmit, refer, case4_le=True) == (refer(NUMBER), "2812")
    assert {command[1] for command in card.commands} == {0xA4, 0xA8, 0xB2}
    assert card.sent(0xA8) == 1


def test_reading_ends_where_the_certificates_begin() -> None:
    card = Asked({GPN: application(NUMBER, plain=False)})
    read_card(card.transmit, refer, case4_le=True)
    assert bytes.fromhex("00B2011400") not in card.commands


def test_what_the_card_wants_to_know_is_answered_in_its_lengths() -> None:
    pdol = bytes.fromhex("9F1A02" + "5F2A02" + "9F6604" + "9F3501" + "9F0206" + "DF810103")
    card = Asked({GPN: application(NUMBER, pdol=pdol)})
    card._open = lambda chosen, said: (_ for _ in ()).throw(AssertionError(said.hex()))  # type: ignore[method-assign]
    with pytest.raises(AssertionError) as told:
        read_card(card.transmit, refer, case4_le=True)
    assert str(told.value).upper() == "8312" + "0360" + "0360" + "36004000" + "22" + "000000000000" + "000000"


def test_an_impossible_month_is_no_expiry() -> None:
    files = {1: [tlv("70", tlv("5A", packed(NUMBER)) + tlv("5F24", bytes.fromhex("281331")))]}
    card = Asked({GPN: Application(files, bytes.fromhex("08010100"))})
    assert read_card(card.transmit, refer, case4_le=True) == (refer(NUMBER), "")


DIRECTORY = "0E 31 50 41 59 2E 53 59 53 2E 44 44 46 30 31"
CONTACTLESS = "0E 32 50 41 59 2E 53 59 53 2E 44 44 46 30 31"


def wire(card: ChipCard) -> list[str]:
    return [command.hex(" ").upper() for command in card.commands]


def test_in_t1_each_command_says_that_all_of_the_answer_is_wanted() -> None:
    """Le is 00 in every command that gets an answer (EMV Book 1, 11.2 and 11.3; Book 3, 6.5.8)."""
    card = Asked({GPN: application(NUMBER, track=False, pdol=bytes.fromhex("9F1A02"))}, directory=(GPN,))
    assert read_card(card.transmit, refer, case4_le=True) == (refer(NUMBER), "2812")
    assert wire(card) == [
        f"00 A4 04 00 {DIRECTORY} 00",
        "00 B2 01 0C 00",
        "00 B2 02 0C 00",
        "00 A4 04 00 07 A0 00 00 06 02 10 10 00",
        "80 A8 00 00 04 83 02 03 60 00",
        "00 B2 01 0C 00",
        "00 B2 01 14 00",
    ]


def test_in_t0_nothing_stands_behind_a_commands_data_and_the_rest_is_fetched_in_its_length() -> None:
    """ISO 7816-3, 12.2: P3 is the length of the data, and 61xx and 6Cxx name that of the answer."""
    card = Asked({GPN: application(NUMBER, track=False)}, frugal=True, atr=ATR_T0)
    assert read_card(card.transmit, refer, case4_le=False) == (refer(NUMBER), "2812")
    assert wire(card) == [
        f"00 A4 04 00 {DIRECTORY}",
        f"00 A4 04 00 {CONTACTLESS}",
        "00 A4 04 00 07 A0 00 00 06 02 10 10",
        "00 C0 00 00 14",
        "80 A8 00 00 02 83 00",
        "00 C0 00 00 10",
        "00 B2 01 0C 00",
        "00 B2 01 0C 0F",
        "00 B2 01 14 00",
        "00 B2 01 14 12",
    ]


@pytest.mark.parametrize("case4_le", [True, False])
@pytest.mark.parametrize(
    ("answer", "then"),
    [("6114", "00 C0 00 00 14"), ("6100", "00 C0 00 00 00"), ("6CFF", "00 B2 01 0C FF"), ("6C00", "00 B2 01 0C 00")],
)
def test_a_length_that_the_card_names_is_asked_for(answer: str, then: str, case4_le: bool) -> None:
    """256 bytes are 00."""
    card = Asked({GPN: application(NUMBER)}, atr=ATR_T1 if case4_le else ATR_T0)
    sent: list[bytes] = []

    def transmit(command: bytes) -> bytes:
        only_reads(command, sent)
        sent.append(command)
        if sent[-2:-1] and sent[-2][1] == 0xB2:
            raise CardNotRead(command.hex(" ").upper())
        return bytes.fromhex(answer) if command[1] == 0xB2 else card.transmit(command)

    with pytest.raises(CardNotRead) as told:
        read_card(transmit, refer, case4_le=case4_le)
    assert told.value.detail == then


@pytest.mark.parametrize("atr", [ATR_T0, ATR_T1])
def test_the_card_of_these_tests_refuses_a_command_of_another_length(atr: bytes) -> None:
    in_t1 = atr == ATR_T1
    card = ChipCard({GPN: application(NUMBER)}, atr=atr)
    select, options = bytes.fromhex("00A4040007A0000006021010"), bytes.fromhex("80A80000028300")
    for command in (select, options):
        assert card.answer(command + b"\x00" * (not in_t1)) == b"\x67\x00"
        assert (card.answer(command + b"\x00" * in_t1) or b"")[-2:] == b"\x90\x00"
    for short_or_long in ("00B2010C", "00B2010C0000", "00"):
        assert card.answer(bytes.fromhex(short_or_long)) == b"\x67\x00"
    assert card.answer(bytes.fromhex("00B2010C01")) == b"\x6c\x15"
    assert (card.answer(bytes.fromhex("00B2010C15")) or b"")[-2:] == b"\x90\x00"
