"""The journal has no place for a name, a NIK, an address or a card number: every text of a fact is accounted for."""

from __future__ import annotations

import typing
from collections.abc import Iterator

import msgspec
import pytest

from ewarung_pos.domain.free_text import NOTE_CHARS, holds_long_number, holds_name
from ewarung_pos.domain.journal import ComplaintRecorded, Entry, Fact

CODES = {
    # who and what, by keys that mean nothing outside the city's register
    "attempt", "boot", "code", "commodity", "decided_by", "device", "entry", "expired", "family", "id",
    "kelurahan_code", "moved",
    "operator", "approved_by", "original", "period", "product", "programme", "number", "request",
    # hashes, keys and signatures
    "acked_hash", "city_key", "commitment", "device_key", "digest", "head", "intent", "items", "named", "signature",
    # words out of lists of ours, and what the catalogue, the EDC or the release is called
    "app_version", "approval", "batch", "category", "change", "credits", "evidence", "flagged", "invoice", "kelurahan",
    "key", "merchant", "name", "outcome", "pack_word", "paper", "rrn", "terminal", "before", "after", "date",
    # four digits of the card
    "last4",
}  # fmt: skip
"""What text may be in a fact without anybody having typed it."""

TYPED = {"explanation", "note", "note_number", "proxy_reason", "reason", "supplier"}
"""What somebody may have typed: bounded, and refused with a long number in it (tests/unit/services/test_typed.py)."""

FORBIDDEN = {
    "address",
    "alamat",
    "card",
    "card_number",
    "kk",
    "nama",
    "nik",
    "nik_masked",
    "pan",
    "pin",
    "text",
    "token",
}


def texts(kind: typing.Any, name: str = "") -> Iterator[tuple[str, str]]:
    """(struct, field) of every text that a type can hold."""
    if kind is str:
        yield "", name
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for field, hint in typing.get_type_hints(kind).items():
            if field in kind.__struct_fields__:
                for _, found in texts(hint, field):
                    yield kind.__name__, found
    else:
        for part in typing.get_args(kind):
            yield from texts(part, name)


FOUND = sorted({place for fact in typing.get_args(Fact) for place in texts(fact)} | set(texts(Entry)))


def test_the_walk_reaches_into_lines_and_totals() -> None:
    assert {("Redeemed", "last4"), ("Redeemed", "proxy_reason"), ("StockAdjusted", "note")} <= set(FOUND)
    assert ("DayClosed", "explanation") in FOUND
    assert len(typing.get_args(Fact)) > 20


@pytest.mark.parametrize(("fact", "field"), FOUND)
def test_every_text_of_every_fact_is_a_code_or_a_bounded_note(fact: str, field: str) -> None:
    assert field in CODES | TYPED, f"{fact}.{field}: say what may stand there"
    assert field not in FORBIDDEN


def test_a_complaint_leaves_a_commitment_and_no_words() -> None:
    assert ComplaintRecorded.__struct_fields__ == ("number", "category", "commitment", "anonymous")


@pytest.mark.parametrize(
    "text",
    ["3374015708619062", "kartu 9999 8425 3882 4821", "33.74.01.570861.9062", "3374-0157-0861-9062 a.n. ibu", "1" * 13],
)
def test_long_numbers_are_seen_however_they_are_spaced(text: str) -> None:
    assert holds_long_number(text)


@pytest.mark.parametrize("text", ["", "SJ-0117/XI/2026", "dua sak 9,6 kg", "0812 3456 7890", "telepon 024-8441234"])
def test_what_a_delivery_note_or_a_telephone_has_is_not_one(text: str) -> None:
    assert not holds_long_number(text)
    assert len(text) < NOTE_CHARS


@pytest.mark.parametrize(
    ("text", "held"),
    [("", False), ("kartu SRI WAHYUNI", True), ("sri, wahyuni", True), ("Sri", False), ("SRI WAHYUNINGSIH", False)],
)
def test_a_name_is_seen_whole_and_only_whole(text: str, held: bool) -> None:
    assert holds_name(text, ["SUMINAH", "Sri Wahyuni"]) is held


@pytest.mark.parametrize("name", ["", " ", "-"])
def test_a_register_without_a_name_refuses_nothing(name: str) -> None:
    assert not holds_name("", [name])
    assert not holds_name("tumpah - dua sak", [name])
