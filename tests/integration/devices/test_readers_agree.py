"""A family of the sample, its card read by chip, stripe, keys and EDC, and typed: one and the same for the register."""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.devices.ecr_reader import EcrCardReader
from ewarung_pos.devices.keyboard import GrabbedKeyboard, TypedLine
from ewarung_pos.devices.pcsc import PcscCardReader
from ewarung_pos.devices.simulated.chip_card import chip_of
from ewarung_pos.devices.simulated.chip_slot import in_reader
from ewarung_pos.devices.simulated.edc_bank import Card, read_cards
from ewarung_pos.devices.simulated.stripe_swiper import Swiper, track2
from ewarung_pos.devices.simulated.tray import connect
from ewarung_pos.devices.stripe import StripeCardReader
from ewarung_pos.devices.transport import SerialTransport
from ewarung_pos.domain.family import card_ref
from ewarung_pos.ports import CardPresented, CardReader
from ewarung_pos.services.typed_card import TypedCardService, TypedReason
from tests.integration.devices.virtual_reader import VirtualReader, wait_until_empty
from tests.till_kit import CARD_KEY, till_kit

ROWS = ("1", "2", "3")
CODES = {**{str(digit): 1 + digit if digit else 11 for digit in range(10)}, ";": 39, "=": 13, "\r": 28}


def presented(reader: CardReader) -> CardPresented:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if (card := reader.poll(100)) is not None:
            return card
    raise AssertionError("no card came")


def by_chip(pcscd: VirtualReader, card: Card) -> CardPresented:
    wait_until_empty(0)
    reader = PcscCardReader("00 00", lambda: CARD_KEY)
    with contextlib.closing(reader), in_reader(pcscd.slots[0], chip_of(card)):
        return presented(reader)


def by_serial_stripe(folder: Path, card: Card) -> CardPresented:
    swiper = Swiper(folder / "stripe")
    reader = StripeCardReader(SerialTransport(str(swiper.link)), lambda: CARD_KEY)
    with contextlib.closing(swiper), contextlib.closing(reader):
        reader.poll(0)
        swiper.swipe(card)
        return presented(reader)


def by_grabbed_keys(folder: Path, card: Card) -> CardPresented:
    """Key events through a pipe: the grab alone is left out."""
    path = folder / "keys"
    os.mkfifo(path)
    handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    reader = StripeCardReader(GrabbedKeyboard(str(path), lambda _: None), lambda: CARD_KEY)
    with contextlib.closing(reader):
        reader.poll(0)
        shift = {"?": "/", ":": ";", "<": ",", ">": "."}
        positions = {**CODES, "/": 53, ",": 51, ".": 52}
        for character in track2(card) + "\r":
            shifted = character in shift
            code = positions[shift.get(character, character)]
            for key, value in (
                *(((42, 1),) if shifted else ()),
                (code, 1),
                (code, 0),
                *(((42, 0),) if shifted else ()),
            ):
                os.write(handle, struct.pack("@llHHi", 0, 0, 1, key, value))
        found = presented(reader)
    os.close(handle)
    return found


def by_keys_in_the_window(card: Card) -> CardPresented:
    line = TypedLine()
    reader = StripeCardReader(line, lambda: CARD_KEY)
    reader.poll(0)
    line.offer(track2(card))
    return presented(reader)


def by_edc(counter: Callable[..., Any], card: Card) -> CardPresented:
    at = counter("pty")
    tray = connect(at.simulator.url)
    assert tray is not None
    with contextlib.closing(tray):
        reader = EcrCardReader(at.line, lambda: CARD_KEY)
        reader.poll(50)
        tray.insert(card.row)
        return presented(reader)


def typed(folder: Path, number: str) -> CardPresented:
    place = folder / "till"
    place.mkdir()
    kit = till_kit(place, encrypted=False, families=1)
    with contextlib.closing(kit.ledger):
        service = TypedCardService(kit.ledger, kit.operators)
        return service.admit(number, TypedReason.READER_BROKEN, "222222", "siti")


@pytest.mark.parametrize("row", ROWS)
def test_however_it_is_read_it_is_the_same_card(
    pcscd: VirtualReader, counter: Callable[..., Any], families: Path, tmp_path: Path, row: str
) -> None:
    card = next(card for card in read_cards(families) if card.row == row)
    found = {
        "chip": by_chip(pcscd, card),
        "serial stripe": by_serial_stripe(tmp_path, card),
        "grabbed keys": by_grabbed_keys(tmp_path, card),
        "keys in the window": by_keys_in_the_window(card),
        "EDC": by_edc(counter, card),
        "typed": typed(tmp_path, card.number),
    }
    assert {way: read.card for way, read in found.items()} == dict.fromkeys(found, card_ref(CARD_KEY, card.number))
    assert {read.expiry for way, read in found.items() if way != "typed"} == {card.expiry}
    assert [read.source for read in found.values()] == ["pcsc", "stripe", "stripe", "stripe", "ecr", "typed"]
