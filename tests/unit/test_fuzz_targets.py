"""The targets of the fuzzer keep their word on sound input and near it, and notice when a parser does not."""

from __future__ import annotations

import random

import pytest

from ewarung_pos.devices.stripe import StripeLine
from ewarung_pos.ports import Approved
from fuzz import targets
from fuzz.seeds import seeds
from fuzz.targets import TARGETS

NEAR = 60


def altered(seed: bytes, dice: random.Random) -> bytes:
    """A few bytes changed, doubled or cut."""
    data = bytearray(seed)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(4):
            case 0:
                data[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                data[at:at] = data[dice.randrange(len(data) + 1) :][: dice.randint(1, 40)]
            case 2:
                del data[at:]
            case _:
                data[at:at] = dice.randbytes(dice.randint(1, 8))
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_every_parser_keeps_its_word_on_what_is_sound_and_near_it(name: str) -> None:
    dice = random.Random(name)
    assert seeds(name)
    for seed in (*seeds(name), b""):
        TARGETS[name](seed)
        for _ in range(NEAR):
            TARGETS[name](altered(seed, dice))


def test_an_approval_of_what_was_declined_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    approved = Approved(62_500, "123456", "000123", "", "", "", "")
    monkeypatch.setattr(targets, "judge_answer", lambda *_: approved)
    with pytest.raises(targets.Broken):
        TARGETS["poselink_answers"](seeds("poselink_answers")[1])


def test_pieces_that_mean_something_else_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = StripeLine.feed
    monkeypatch.setattr(StripeLine, "feed", lambda self, data: whole(self, data[:-2] if len(data) > 20 else data))
    with pytest.raises(targets.Broken):
        TARGETS["stripe_tracks"](seeds("stripe_tracks")[0])


def test_an_exception_that_is_not_promised_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "parse_answer", lambda data: data[99])
    with pytest.raises(IndexError):
        TARGETS["ipp_answers"](b"short")
