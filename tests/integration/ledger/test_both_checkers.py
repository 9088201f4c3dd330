"""The stranger's checker and our own `verify` of an export say the same of every number that an entry can hold."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ewarung_pos.ledger.verify import verify
from scripts.ledger_file import File
from tests.integration.ledger.test_published_ledgers import CHECKER, LEDGERS, module_of

Body = dict[str, Any]
Place = tuple[str | int, ...]
BODIES: list[Body] = [
    json.loads(line)["entry"] for line in (LEDGERS / "good-two-days.jsonl").read_bytes().splitlines()[1:-1]
]
NUMBERS = (-1, 0, 2**53, -(2**53), 2**64)
LONG = "n" * 81


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    return module_of(CHECKER)


def leaves(value: object, place: Place = ()) -> Iterator[tuple[Place, object]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*place, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from leaves(inner, (*place, at))
    else:
        yield place, value


def fields(of: type) -> list[tuple[int, Place]]:
    """The first place of each field of each kind that holds such a value, but what tells the kind, and signatures."""
    found: dict[tuple[str | int, ...], tuple[int, Place]] = {}
    for seq, body in enumerate(BODIES, start=1):
        for place, value in leaves(body):
            if type(value) is of and place[-1] not in {"kind", "signature"}:
                field = tuple("*" if isinstance(step, int) else step for step in place)
                found.setdefault((body["fact"]["kind"], *field), (seq, place))
    return list(found.values())


def name_of(field: tuple[int, Place]) -> str:
    seq, place = field
    return f"{BODIES[seq - 1]['fact']['kind']}-{'.'.join(map(str, place))}"


def with_value(seq: int, place: Place, value: object) -> list[Body]:
    """The entries up to this one, in which one field says something else."""
    bodies = copy.deepcopy(BODIES[:seq])
    inner: Any = bodies[seq - 1]
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return bodies


def verdicts(checker: ModuleType, path: Path, bodies: list[Body]) -> list[tuple[bool, int | None]]:
    """Of both: sound or not, and the first entry that is wrong. The file is signed anew by whoever has all keys."""
    content = File(bodies).written()
    path.write_bytes(content)
    told, report = checker.check(io.BytesIO(content)), verify(path)
    return [(told["ok"], told["first_bad_seq"]), (report.ok, report.first_bad_seq)]


@pytest.mark.parametrize("field", fields(int), ids=name_of)
def test_both_say_the_same_of_every_number(checker: ModuleType, tmp_path: Path, field: tuple[int, Place]) -> None:
    seq, place = field
    for number in NUMBERS:
        if place != ("seq",) or 0 <= number < 2**53:  # no file has a place for such an entry
            theirs, ours = verdicts(checker, tmp_path / "out.jsonl", with_value(seq, place, number))
            assert theirs == ours, number
            assert abs(number) < 2**53 or not theirs[0], number


@pytest.mark.parametrize("field", fields(str), ids=name_of)
def test_both_say_the_same_of_a_name_that_is_too_long(
    checker: ModuleType, tmp_path: Path, field: tuple[int, Place]
) -> None:
    theirs, ours = verdicts(checker, tmp_path / "out.jsonl", with_value(*field, LONG))
    assert theirs == ours


def first(kind: str, **told: object) -> int:
    return next(
        seq
        for seq, body in enumerate(BODIES, start=1)
        if body["fact"]["kind"] == kind and all(body["fact"][name] != value for name, value in told.items())
    )


@pytest.mark.parametrize(
    ("kind", "place", "number"),
    [
        ("PriceChanged", ("before",), -1),
        ("PriceChanged", ("after",), -1),
        ("DayOpened", ("cash_float",), -1),
        ("ReceiptPrinted", ("copy",), -1),
        ("ReceiptPrinted", ("receipt",), -1),
        ("DayClosed", ("report",), -1),
        ("StateReceived", ("cursor",), -1),
        ("RightsGranted", ("serial",), -1),
        ("RegisterPurged", ("months",), -1),
        ("Reversed", ("lines", 0, "packs"), 0),
        ("Reversed", ("debits", 0, "amount"), 0),
    ],
)
def test_no_number_of_things_is_below_none(
    checker: ModuleType, tmp_path: Path, kind: str, place: Place, number: int
) -> None:
    seq = first(kind)
    bodies = with_value(seq, ("fact", *place), number)
    assert verdicts(checker, tmp_path / "out.jsonl", bodies) == [(False, seq), (False, seq)]


@pytest.mark.parametrize("amount", [-40_000, -1, 0])
def test_a_void_is_of_something(checker: ModuleType, tmp_path: Path, amount: int) -> None:
    seq = first("Reversed", void=None)
    bodies = with_value(seq, ("fact", "void", "amount"), amount)
    assert verdicts(checker, tmp_path / "out.jsonl", bodies) == [(False, seq), (False, seq)]


def test_a_step_of_the_wall_clock_is_none_of_the_other_one(checker: ModuleType, tmp_path: Path) -> None:
    seq = first("ClockStepped")
    before = BODIES[seq - 2]
    bodies = with_value(seq, ("monotonic",), before["monotonic"] - 1)
    bodies[-1]["boot"] = before["boot"]
    assert verdicts(checker, tmp_path / "out.jsonl", bodies) == [(False, seq), (False, seq)]


@pytest.mark.parametrize("kind", ["StateReceived", "RightsGranted"])
def test_a_lease_keeps_its_unit(checker: ModuleType, tmp_path: Path, kind: str) -> None:
    """The last page grants of a known lease in another unit."""
    seq = [body["seq"] for body in BODIES if body["fact"]["kind"] == kind][-1]
    lease = next(body["fact"]["leases"][0] for body in BODIES if body["fact"]["kind"] == "StateReceived")
    other = [*lease[:4], "pc" if lease[4] != "pc" else "g", lease[5]]
    bodies = with_value(seq, ("fact", "leases"), [other])
    assert verdicts(checker, tmp_path / "out.jsonl", bodies) == [(False, seq), (False, seq)]
