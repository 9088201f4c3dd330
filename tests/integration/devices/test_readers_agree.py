"""One invented card, read by chip, stripe, keys and EDC, and typed: it is one and the same card for the register."""

from __future__ import annotations

import contextlib
import functools
import operator
import os
import pty
import struct
import time
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.devices.ecr_reader import EcrCardReader
from ewarung_pos.devices.keyboard import GrabbedKeyboard, TypedLine
from ewarung_pos.devices.pcsc import PcscCardReader
from ewarung_pos.devices.simulated.tray import connect
from ewarung_pos.devices.stripe import StripeCardReader
from ewarung_pos.devices.transport import SerialTransport
from ewarung_pos.domain.family import card_ref
from ewarung_pos.ports import CardPresented, CardReader
from ewarung_pos.services.typed_card import TypedCardService, TypedReason
from tests.integration.devices.chip_kit import GPN, Card, application, in_reader
from tests.integration.devices.virtual_reader import VirtualReader, wait_until_empty
from tests.till_kit import CARD_KEY, till_kit

NUMBERS = ("6013014455667788", "6013010000004563", "6013010000009990")  # of the simulated EDC's tray
CODES = {**{str(digit): 1 + digit if digit else 11 for digit in range(10)}, ";": 39, "=": 13, "\r": 28}


def presented(reader: CardReader) -> CardPresented:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if (card := reader.poll(100)) is not None:
            return card
    raise AssertionError("no card came")


def track(number: str) -> str:
    """The stripe with its check character."""
    body = f";{number}=2812201000000123?"
    codes = [int(c) if c.isdigit() else {";": 11, "=": 13, "?": 15}[c] for c in body]
    return body + "0123456789:;<=>?"[functools.reduce(operator.xor, codes)]


def by_chip(pcscd: VirtualReader, number: str) -> CardPresented:
    wait_until_empty(0)
    reader = PcscCardReader("00 00", lambda: CARD_KEY)
    with contextlib.closing(reader), in_reader(pcscd.slots[0], Card({GPN: application(number)}, directory=(GPN,))):
        return presented(reader)


def by_serial_stripe(folder: Path, number: str) -> CardPresented:
    handle, child = pty.openpty()
    tty.setraw(child)
    reader = StripeCardReader(SerialTransport(os.ttyname(child)), lambda: CARD_KEY)
    with contextlib.closing(reader):
        reader.poll(0)
        os.write(handle, f"{track(number)}\r".encode())
        found = presented(reader)
    os.close(child)
    os.close(handle)
    return found


def by_grabbed_keys(folder: Path, number: str) -> CardPresented:
    """Key events through a pipe: the grab alone is left out."""
    path = folder / f"keys-{number[-4:]}"
    os.mkfifo(path)
    handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    reader = StripeCardReader(GrabbedKeyboard(str(path), lambda _: None), lambda: CARD_KEY)
    with contextlib.closing(reader):
        reader.poll(0)
        shift = {"?": "/", ":": ";", "<": ",", ">": "."}
        positions = {**CODES, "/": 53, ",": 51, ".": 52}
        for character in track(number) + "\r":
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


def by_keys_in_the_window(number: str) -> CardPresented:
    line = TypedLine()
    reader = StripeCardReader(line, lambda: CARD_KEY)
    reader.poll(0)
    line.offer(track(number))
    return presented(reader)


def by_edc(counter: Callable[..., Any], number: str) -> CardPresented:
    at = counter("pty")
    tray = connect(at.simulator.url)
    assert tray is not None
    with contextlib.closing(tray):
        reader = EcrCardReader(at.line, lambda: CARD_KEY)
        reader.poll(50)
        [row] = [row for row, label in tray.cards() if number[-4:] in label]
        tray.insert(row)
        return presented(reader)


def typed(folder: Path, number: str) -> CardPresented:
    place = folder / "till"
    place.mkdir()
    kit = till_kit(place, encrypted=False, families=1)
    with contextlib.closing(kit.ledger):
        service = TypedCardService(kit.ledger, kit.operators)
        return service.admit(number, TypedReason.READER_BROKEN, "222222", "siti")


@pytest.mark.parametrize("number", NUMBERS)
def test_however_it_is_read_it_is_the_same_card(
    pcscd: VirtualReader, counter: Callable[..., Any], tmp_path: Path, number: str
) -> None:
    found = {
        "chip": by_chip(pcscd, number),
        "serial stripe": by_serial_stripe(tmp_path, number),
        "grabbed keys": by_grabbed_keys(tmp_path, number),
        "keys in the window": by_keys_in_the_window(number),
        "EDC": by_edc(counter, number),
        "typed": typed(tmp_path, number),
    }
    assert {way: card.card for way, card in found.items()} == dict.fromkeys(found, card_ref(CARD_KEY, number))
    assert [card.source for card in found.values()] == ["pcsc", "stripe", "stripe", "stripe", "ecr", "typed"]
