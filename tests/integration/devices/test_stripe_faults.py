"""The simulated stripe reader goes wrong by a script, on a real pty: never a wrong card, and the next one counts."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.devices.simulated.edc_bank import Card, in_turn, read_cards
from ewarung_pos.devices.simulated.faults import STRIPE, FaultScript
from ewarung_pos.devices.simulated.spawned import Spawned, own_command, start
from ewarung_pos.devices.simulated.stripe_swiper import Swiper, track2
from ewarung_pos.devices.stripe import StripeCardReader
from ewarung_pos.devices.transport import SerialTransport
from ewarung_pos.domain.family import card_ref
from ewarung_pos.errors import CardNotRead, DeviceUnavailable
from ewarung_pos.ports import CardPresented
from tests.integration.devices.conftest import CARD_KEY
from tests.system.kit import run

READ, BAD, GONE = "read", "bad_swipe", "no_reader"
MATRIX: dict[str, tuple[dict[str, Any], str]] = {
    "split": ({"ms": 2}, READ),
    "garbage_before": ({}, READ),
    "twice": ({"ms": 200}, READ),
    "bad_parity": ({}, BAD),
    "bad_lrc": ({}, BAD),
    "no_start": ({}, BAD),
    "no_end": ({}, BAD),
    "unplugged": ({"after": 20, "ms": 300}, GONE),
}


def reader_at(link: str) -> StripeCardReader:
    return StripeCardReader(SerialTransport(link), lambda: CARD_KEY)


def presented(card: Card) -> CardPresented:
    return CardPresented(card_ref(CARD_KEY, card.number), card.expiry, "stripe")


def look(reader: StripeCardReader, seconds: float = 10) -> CardPresented | str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if (card := reader.poll(100)) is not None:
                return card
        except (CardNotRead, DeviceUnavailable) as error:
            return error.reason
    return "nothing"


def next_card(reader: StripeCardReader) -> CardPresented | str:
    """The card that comes while it is still said of the one before that it could not be read."""
    found: CardPresented | str = BAD
    while found == BAD:
        found = look(reader)
    return found


@pytest.fixture
def cards(families: Path) -> tuple[Card, ...]:
    return read_cards(families)


@pytest.fixture
def swiper(tmp_path: Path) -> Iterator[Callable[..., Swiper]]:
    with ExitStack() as stack:

        def make(*faults: dict[str, Any]) -> Swiper:
            made = Swiper(tmp_path / "stripe", FaultScript.of(list(faults), STRIPE))
            stack.callback(made.close)
            return made

        yield make


def test_the_stripe_is_written_as_the_standard_has_it() -> None:
    """Worked out by hand: 7 for the number's pairs, and each of the sentinels, the separator, the date and the code."""
    track = track2(Card("1", "6013014455667788", "Siti", "active", 0, "2812"))
    assert track[:-1] == ";6013014455667788=281220100000000?"
    assert len(track) <= 40
    parity = [sum(ord(character) >> bit & 1 for character in track) % 2 for bit in range(4)]
    assert parity == [0, 0, 0, 0], "each column of the four bits is even with the check character"


@pytest.mark.parametrize("deed", MATRIX)
def test_a_swipe_that_goes_wrong_is_the_card_or_none_and_the_next_counts(
    swiper: Callable[..., Swiper], cards: tuple[Card, ...], deed: str
) -> None:
    settings, outcome = MATRIX[deed]
    device = swiper({"on": "swipe", "nth": 2, "do": deed, **settings})
    reader = reader_at(str(device.link))
    try:
        assert reader.poll(0) is None
        assert device.swipe(cards[0]) == ()
        assert look(reader) == presented(cards[0])
        struck: list[tuple[str, ...]] = []
        hand = threading.Thread(target=lambda: struck.append(device.swipe(cards[1])))
        hand.start()
        found = look(reader)
        hand.join()
        assert struck == [(deed,)]
        assert found == (presented(cards[1]) if outcome is READ else outcome)
        with contextlib.suppress(CardNotRead):  # which is said for a while
            assert reader.poll(300) == (presented(cards[1]) if deed == "twice" else None)
        device.swipe(cards[2])
        assert next_card(reader) == presented(cards[2])
    finally:
        reader.close()


def test_every_deed_has_its_row() -> None:
    assert set(MATRIX) == set(STRIPE.deeds)


# -- as a program --------------------------------------------------------------------------------------------------


def program(told: bool = True, **options: str | Path | int) -> Spawned:
    named = {f"--{name}": value for name, value in options.items()}
    return start("simulate-reader", own_command("simulate-reader"), named, told=told)


def test_the_command_swipes_what_is_typed_and_takes_its_link_away(
    tmp_path: Path, families: Path, cards: tuple[Card, ...]
) -> None:
    (tmp_path / "faults.toml").write_text('[[fault]]\non = "swipe"\nnth = 2\ndo = "bad_lrc"\n')
    link = tmp_path / "stripe"
    with program(stripe=link, families=families, faults=tmp_path / "faults.toml") as device:
        assert device.url == str(link)
        reader = reader_at(device.url)
        try:
            assert reader.poll(0) is None
            assert device.tell("swipe 3") == "swiped 3"
            assert look(reader) == presented(cards[2])
            assert device.tell("swipe 1") == "swiped 1 bad_lrc"
            assert look(reader) == BAD
            assert device.tell("swipe 99") == "tidak ada kartu di baris '99'"
            assert "tidak dimengerti" in device.tell("insert 1")
            assert device.tell("swipe") == f"swiped {next(in_turn(cards, 1)).row}"
            assert look(reader) == presented(next(in_turn(cards, 1)))
        finally:
            reader.close()
    assert not device.running
    assert device._process.returncode == 0
    assert not os.path.lexists(link)


def test_cards_come_by_themselves_in_the_order_of_the_seed(
    tmp_path: Path, families: Path, cards: tuple[Card, ...]
) -> None:
    order = [presented(card) for card in itertools.islice(in_turn(cards, 7), 4)]
    assert order[0] != order[1]
    with program(told=False, stripe=tmp_path / "stripe", families=families, every=1, seed=7) as device:
        reader = reader_at(device.url)
        try:
            found = [look(reader) for _ in range(3)]
        finally:
            reader.close()
    assert found in (order[:3], order[1:]), "from the first, or the second where the first came before we listened"


def test_a_cable_that_is_out_for_long_does_not_hold_up_the_end(tmp_path: Path, families: Path) -> None:
    (tmp_path / "faults.json").write_text(json.dumps([{"do": "unplugged", "ms": 60_000}]))
    link = tmp_path / "stripe"
    with program(stripe=link, families=families, faults=tmp_path / "faults.json") as device:
        assert device._process.stdin is not None
        device._process.stdin.write("swipe 1\n")
        device._process.stdin.flush()
        deadline = time.monotonic() + 30
        while os.path.lexists(link) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not os.path.lexists(link)
    assert device._process.returncode == 0, "it was not killed"
    assert not os.path.lexists(link)


def test_it_ends_with_whoever_started_it(tmp_path: Path, families: Path) -> None:
    words = ["simulate-reader", "--stripe", str(tmp_path / "stripe"), "--families", str(families), "--parent", "1"]
    done = run(*words, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert not os.path.lexists(tmp_path / "stripe")


def test_the_rules_that_a_script_has_are_read_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text(json.dumps([{"do": "paper_out"}]))
    words = ["simulate-reader", "--stripe", str(tmp_path / "stripe"), "--faults", str(tmp_path / "faults.json")]
    assert run(*words, timeout=60).returncode == 2
    assert not os.path.lexists(tmp_path / "stripe")
