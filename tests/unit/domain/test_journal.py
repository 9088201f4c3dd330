"""Canonical bytes, the chain and what breaks it, identifiers."""

from __future__ import annotations

import json
import re
import typing
import uuid
from collections.abc import Callable, Iterator

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from ewarung_pos.domain.bounds import EXACT, Count, Whole
from ewarung_pos.domain.business_day import ControlLine, DayTotals, EdcTotals
from ewarung_pos.domain.entitlement import LeaseGrant, Refusal
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.journal import (
    AttemptSettled,
    CityAcknowledged,
    ClosingBegun,
    ComplaintRecorded,
    DayClosed,
    DayOpened,
    Entry,
    Fact,
    Redeemed,
    RedemptionRefused,
    Sealed,
    StateReceived,
    StockCounted,
    canonical,
    decode,
    first_break,
    genesis,
    link,
    seal,
    uuid7,
)
from ewarung_pos.domain.redemption import PurseDebit, RedemptionLine, Remaining, RightDebit, Tender
from ewarung_pos.domain.stock import CountLine, VarianceReason
from ewarung_pos.domain.units import Unit
from tests.any_entry import structs

replace = msgspec.structs.replace
KINDS: tuple[type[msgspec.Struct], ...] = typing.get_args(Fact)
ALL: tuple[type[msgspec.Struct], ...] = (Entry, *KINDS)

# --- entries of every kind, with awkward values -------------------------------------------------

ENTRIES = structs(Entry)


def entry(seq: int, fact: Fact | None = None) -> Entry:
    return Entry(
        seq=seq,
        id=uuid7(1_795_000_000_000 + seq, bytes(10)),
        device="EW-0001",
        epoch=1,
        date="2026-11-24",
        instant=1_795_000_000_000 + seq,
        monotonic=1_000 + seq,
        boot="boot-1",
        operator="siti",
        fact=fact or ComplaintRecorded(f"P-{seq}", "antrean", "5a" * 32, anonymous=True),
    )


@settings(max_examples=300)
@given(ENTRIES)
def test_canonical_bytes_are_those_of_rfc_8785(value: Entry) -> None:
    body = canonical(value)
    assert body == rfc8785.dumps(json.loads(body))
    assert body == rfc8785.dumps(msgspec.to_builtins(value, str_keys=True))


@given(ENTRIES)
def test_an_entry_is_read_back_as_it_was_written(value: Entry) -> None:
    body = canonical(value)
    assert decode(body) == value
    assert canonical(decode(body)) == body


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_fact_is_named_for_its_class_and_refuses_unknown_fields(kind: type[msgspec.Struct]) -> None:
    config = kind.__struct_config__
    assert (config.tag_field, config.tag, config.forbid_unknown_fields) == ("kind", kind.__name__, True)
    assert config.frozen


def test_the_canonical_bytes_of_a_redemption_as_written() -> None:
    fact = Redeemed(
        receipt=47,
        family="f-1",
        last4="4821",
        presence=HolderPresence.SELF,
        lines=(RedemptionLine("b", "Beras", "beras", 2, "karung", 10_000, Unit.GRAM, 67_500, Tender.RATION, "JATAH"),),
        debits=(RightDebit("JATAH", "2026-11", "beras", Unit.GRAM, 10_000),),
        remaining=(Remaining("JATAH", "beras", "Beras", Unit.GRAM, 10_000, 0),),
    )
    assert canonical(entry(1, fact)).decode() == (
        '{"boot":"boot-1","date":"2026-11-24","device":"EW-0001","epoch":1,"fact":{"debits":[{"amount":10000,'
        '"commodity":"beras","period":"2026-11","programme":"JATAH","unit":"g"}],"family":"f-1","kind":"Redeemed",'
        '"last4":"4821","lines":[{"amount":10000,"commodity":"beras","name":"Beras","pack_word":"karung","packs":2,'
        '"price":67500,"product":"b","programme":"JATAH","tender":"ration","unit":"g"}],"presence":"sendiri",'
        '"proxy_reason":"","purse":null,"purse_after":null,"purse_before":null,"receipt":47,"remaining":[{"after":0,'
        '"before":10000,"commodity":"beras","name":"Beras","programme":"JATAH","unit":"g"}]},'
        '"id":"01a1ee56-5e01-7000-8000-000000000000","instant":1795000000001,"monotonic":1001,"operator":"siti",'
        '"seq":1}'
    )


@pytest.mark.parametrize(
    "fact",
    [
        StateReceived(
            7, "d", (LeaseGrant("f", "JATAH", "2026-11", "beras", Unit.GRAM, 1),), (("f", "S", "2026-11", 2),)
        ),
        RedemptionRefused("4821", "f-1", (Refusal.EXHAUSTED, Refusal.PERIOD_OVER)),
        AttemptSettled("a", "approved", evidence="slip", decided_by=("siti", "yuni")),
        StockCounted((CountLine("beras-5", 3, 2, VarianceReason.LEAKED, "sobek"),), closing=True),
        CityAcknowledged(3, "00", 5, "ff", ((2, "conflict"),)),
        ClosingBegun(),
        DayClosed(
            DayTotals(control=(ControlLine("beras", Unit.GRAM, 1, 1, 1, 1),)), (), EdcTotals(5, "000012"), "aa", "bb", 9
        ),
        Redeemed(
            1,
            "f-1",
            "4821",
            HolderPresence.PROXY,
            (),
            (),
            (),
            PurseDebit("a", 5, "004512", "1", "2", "3", "4", "5"),
            purse_before=10,
            purse_after=5,
            proxy_reason="sakit",
        ),
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_facts_survive_the_journal(fact: Fact) -> None:
    assert decode(canonical(entry(1, fact))).fact == fact


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"kind":"DayOpened"', '"kind":"DayImagined"'),
        lambda text: text.replace('"cash_float":0', '"cash_float":0,"gift":1'),
        lambda text: text.replace('"cash_float":0', '"cash_float":"0"'),
        lambda text: text.replace('"seq":1', '"seq":1,"more":2'),
        lambda text: text.replace('"boot":"boot-1",', ""),
        lambda text: text[:-1],
    ],
    ids=["unknown kind", "unknown field", "wrong type", "unknown entry field", "missing field", "cut off"],
)
def test_bytes_of_another_version_are_not_read(change: Callable[[str], str]) -> None:
    text = canonical(entry(1, DayOpened())).decode()
    changed = change(text)
    assert changed != text
    with pytest.raises(msgspec.DecodeError):
        decode(changed.encode())


@pytest.mark.parametrize("garbage", [b'{"id":"\xff"}', b'{"fact":' + b"[" * 100_000, b"\xff", b""])
def test_bytes_that_are_not_even_json_are_no_entry(garbage: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(garbage)


# --- how large numbers may be -------------------------------------------------------------------


def _numbers(kind: object, where: str) -> Iterator[tuple[str, object]]:
    """Every integer that an entry can hold: the way to it, and its type."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for name, inner in typing.get_type_hints(kind, include_extras=True).items():
            yield from _numbers(inner, f"{where}.{name}")
    elif kind is int or (typing.get_origin(kind) is typing.Annotated and typing.get_args(kind)[0] is int):
        yield where, kind
    else:
        for inner in typing.get_args(kind):
            yield from _numbers(inner, where)


def test_no_number_of_an_entry_is_beyond_what_json_keeps_exactly() -> None:
    found = [number for kind in ALL for number in _numbers(kind, kind.__name__)]
    assert len(found) > 80
    assert {kind for _, kind in found} <= {Whole, Count}, [where for where, kind in found if kind is int]


@pytest.mark.parametrize("cash", [EXACT + 1, 2**63, 2**70, -1, -(2**70)])
def test_an_entry_with_a_number_that_cannot_be_is_not_read(cash: int) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(canonical(entry(1, DayOpened(cash))))


@pytest.mark.parametrize("cash", [0, EXACT])
def test_the_largest_numbers_are_read(cash: int) -> None:
    assert decode(canonical(entry(1, DayOpened(cash)))).fact == DayOpened(cash)


def test_a_name_that_is_too_long_to_be_a_key_is_not_read() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(canonical(replace(entry(1), id="x" * 81)))


# --- the chain ----------------------------------------------------------------------------------

SEED = genesis("EW-0001", 1)


def chain(length: int) -> list[Sealed]:
    return list(seal((entry(seq) for seq in range(1, length + 1)), SEED))


def rechained(row: Sealed, body: bytes) -> Sealed:
    """The row as a forger would write it: its own hash fits, its successor's does not."""
    return Sealed(row.seq, body, row.prev_hash, link(row.prev_hash, body))


def test_every_device_and_epoch_begins_with_its_own_seed() -> None:
    assert len({genesis(device, epoch) for device in ("EW-0001", "EW-0002") for epoch in (1, 2)}) == 4
    assert len(SEED) == 32
    assert genesis("EW-0001", 1) == SEED


def test_a_sound_chain_has_no_break() -> None:
    assert first_break(chain(12), SEED) is None
    assert first_break([], SEED) is None


def test_a_chain_may_be_walked_from_anywhere() -> None:
    rows = chain(12)
    assert first_break(rows[5:], rows[4].hash, first_seq=6) is None
    assert first_break(rows[5:], rows[3].hash, first_seq=6) == (6, "prev_hash")


def test_another_devices_chain_does_not_fit() -> None:
    assert first_break(chain(3), genesis("EW-0002", 1)) == (1, "prev_hash")


CHAINS = st.integers(2, 12).flatmap(lambda length: st.tuples(st.just(length), st.integers(0, length - 1)))


@given(CHAINS, st.data())
def test_every_single_bit_turned_over_is_found(where: tuple[int, int], data: st.DataObject) -> None:
    length, at = where
    rows = chain(length)
    row = rows[at]
    column = data.draw(st.sampled_from(["body", "prev_hash", "hash"]))
    value = bytearray(getattr(row, column))
    place = data.draw(st.integers(0, len(value) * 8 - 1))
    value[place // 8] ^= 1 << (place % 8)
    rows[at] = replace(row, **{column: bytes(value)})
    assert first_break(rows, SEED) == (row.seq, "prev_hash" if column == "prev_hash" else "hash")


@given(CHAINS)
def test_a_rewritten_entry_with_a_fitting_hash_breaks_at_its_successor(where: tuple[int, int]) -> None:
    length, at = where
    rows = chain(length + 1)
    rows[at] = rechained(rows[at], canonical(entry(at + 1, DayOpened(cash_float=1))))
    assert first_break(rows, SEED) == (at + 2, "prev_hash")


@given(CHAINS)
def test_a_removed_entry_is_found_even_when_the_rest_is_renumbered(where: tuple[int, int]) -> None:
    length, at = where
    rows = chain(length + 1)
    del rows[at]
    assert first_break(rows, SEED) == (at + 1, "gap")
    renumbered = [replace(row, seq=place) for place, row in enumerate(rows, 1)]
    assert first_break(renumbered, SEED) == (at + 1, "prev_hash")


@given(st.integers(3, 12).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 2), st.integers(1, n - 2))))
def test_a_stretch_cut_out_of_the_middle_is_found(cut: tuple[int, int, int]) -> None:
    length, start, count = cut
    rows = chain(length)
    kept = rows[:start] + rows[min(start + count, length - 1) :]
    assert first_break(kept, SEED) == (start + 1, "gap")


@given(CHAINS, st.data())
def test_two_entries_that_changed_places_are_found(where: tuple[int, int], data: st.DataObject) -> None:
    length, at = where
    other = data.draw(st.integers(0, length - 1).filter(lambda place: place != at))
    rows = chain(length)
    rows[at], rows[other] = rows[other], rows[at]
    first = min(at, other)
    assert first_break(rows, SEED) == (first + 1, "gap")
    rows[at], rows[other] = replace(rows[at], seq=at + 1), replace(rows[other], seq=other + 1)
    assert first_break(rows, SEED) == (first + 1, "prev_hash")


@given(CHAINS)
def test_an_entry_put_in_twice_is_found(where: tuple[int, int]) -> None:
    length, at = where
    rows = chain(length)
    rows.insert(at, rows[at])
    assert first_break(rows, SEED) == (at + 2, "gap")


def test_a_lost_tail_is_a_sound_shorter_chain_so_the_head_must_be_known() -> None:
    rows = chain(5)
    assert first_break(rows[:3], SEED) is None
    assert rows[2].hash != rows[4].hash


# --- identifiers --------------------------------------------------------------------------------

MS = st.integers(0, 2**48 - 1)
ENTROPY = st.binary(min_size=10, max_size=16)


@given(MS, ENTROPY)
def test_an_identifier_is_a_version_7_uuid(ms: int, entropy: bytes) -> None:
    text = uuid7(ms, entropy)
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", text)
    parsed = uuid.UUID(text)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == ms


def test_the_example_of_rfc_9562() -> None:
    entropy = (0x0CC3).to_bytes(2, "big") + (0x18C4DC0C0C07398F).to_bytes(8, "big")
    assert uuid7(0x017F22E279B0, entropy) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@given(MS, MS, ENTROPY, ENTROPY)
def test_identifiers_sort_by_time(first: int, second: int, one: bytes, other: bytes) -> None:
    if first != second:
        assert (uuid7(first, one) < uuid7(second, other)) == (first < second)


@given(MS, st.binary(max_size=9))
def test_too_little_chance_makes_no_identifier(ms: int, entropy: bytes) -> None:
    with pytest.raises(ValueError, match="ten random bytes"):
        uuid7(ms, entropy)


@given(MS, ENTROPY, ENTROPY)
def test_different_chance_makes_different_identifiers(ms: int, one: bytes, other: bytes) -> None:
    def free(entropy: bytes) -> bytes:
        """The 74 bits that version and variant leave."""
        return bytes([entropy[0] & 0x0F, entropy[1], entropy[2] & 0x3F]) + entropy[3:10]

    assert (uuid7(ms, one) == uuid7(ms, other)) == (free(one) == free(other))
