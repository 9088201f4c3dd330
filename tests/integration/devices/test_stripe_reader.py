"""A stripe reader on a real pseudo-terminal: its bytes in pieces, glued, with noise between; pulled out and back."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ewarung_pos.devices.simulated.stripe_swiper import Swiper
from ewarung_pos.devices.stripe import StripeCardReader
from ewarung_pos.devices.transport import SerialTransport
from ewarung_pos.domain.family import card_ref, luhn_valid
from ewarung_pos.errors import CardNotRead, DeviceUnavailable
from ewarung_pos.ports import CardPresented

KEY = b"a key of thirty-two bytes, truly"
TRACK = b";6013014455667785=2812201000000123?\r"


@pytest.fixture
def swiper(tmp_path: Path) -> Iterator[Swiper]:
    made = Swiper(tmp_path / "stripe")
    yield made
    made.close()


@pytest.fixture
def reader(swiper: Swiper) -> Iterator[StripeCardReader]:
    made = StripeCardReader(SerialTransport(str(swiper.link)), lambda: KEY)
    assert made.poll(0) is None
    yield made
    made.close()


def card(track: bytes = TRACK) -> CardPresented:
    return CardPresented(card_ref(KEY, track[1:17].decode()), track[18:22].decode(), "stripe")


def test_a_swipe_in_one_piece(reader: StripeCardReader, swiper: Swiper) -> None:
    swiper.send(TRACK)
    assert reader.poll(1000) == card()


def test_a_swipe_in_single_bytes_at_the_speed_of_a_slow_line(reader: StripeCardReader, swiper: Swiper) -> None:
    sender = threading.Thread(target=lambda: swiper.send(*[bytes([b]) for b in TRACK], pause=0.008))  # 1200 baud
    sender.start()
    found = None
    while found is None and sender.is_alive():
        found = reader.poll(50)
    sender.join()
    assert (found or reader.poll(500)) == card()


def test_a_swipe_without_its_end_counts_once_the_line_is_quiet(reader: StripeCardReader, swiper: Swiper) -> None:
    swiper.send(TRACK[:-1])
    assert reader.poll(1000) == card()


def test_noise_before_and_after_harms_nobody(reader: StripeCardReader, swiper: Swiper) -> None:
    swiper.send(b"\x00\xff\x13" + TRACK + b"\x11\x7f\r" + TRACK)  # at once: pieces may come while it is read
    assert reader.poll(500) == card()
    assert reader.poll(0) is None


def test_half_a_swipe_is_none_and_the_next_one_counts(reader: StripeCardReader, swiper: Swiper) -> None:
    swiper.send(TRACK[:15])
    with pytest.raises(CardNotRead) as caught:
        reader.poll(2000)
    assert caught.value.reason == "bad_swipe"
    swiper.send(TRACK)
    assert reader.poll(1000) == card()


def test_a_reader_pulled_out_is_missed_and_found_again(reader: StripeCardReader, swiper: Swiper) -> None:
    swiper.pull_out()
    with pytest.raises(DeviceUnavailable) as caught:
        reader.poll(1000)
    assert caught.value.reason == "no_reader"
    with pytest.raises(DeviceUnavailable):
        reader.poll(50)
    swiper.plug_in()
    assert reader.poll(0) is None
    swiper.send(TRACK)
    assert reader.poll(1000) == card()


def test_a_port_that_another_program_holds_is_called_that(swiper: Swiper) -> None:
    holder = SerialTransport(str(swiper.link))
    holder.open()
    with contextlib.closing(holder):
        reader = StripeCardReader(SerialTransport(str(swiper.link)), lambda: KEY)
        with pytest.raises(DeviceUnavailable) as caught:
            reader.poll(0)
        assert caught.value.reason == "reader_in_use"


def test_a_swipe_of_the_time_before_is_forgotten(reader: StripeCardReader, swiper: Swiper) -> None:
    swiper.send(TRACK)
    reader._polled -= 3
    assert reader.poll(50) is None


def test_two_hundred_cards_in_random_pieces_are_those_cards(reader: StripeCardReader, swiper: Swiper) -> None:
    chance = random.Random(7)
    for _ in range(200):
        head = f"601301{chance.randrange(10**9):09d}"
        number = next(head + digit for digit in "0123456789" if luhn_valid(head + digit))
        track = f";{number}=2812201?\r".encode()
        at = chance.randrange(len(track))
        swiper.send(track[:at], track[at:])
        assert reader.poll(1000) == card(track)
