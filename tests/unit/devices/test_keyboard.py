"""Keys of a grabbed keyboard, on real file descriptors; the grab itself is the kernel's, asked where it has uinput."""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.devices.keyboard import GrabbedKeyboard, KeyDecoder, TypedLine
from ewarung_pos.devices.stripe import StripeCardReader
from ewarung_pos.devices.transport import LinkLost
from ewarung_pos.domain.family import card_ref
from ewarung_pos.errors import DeviceUnavailable
from ewarung_pos.ports import CardPresented

KEY = b"k" * 32
TRACK = ";6013014455667785=2812201000000123?"
# Positions on a United States keyboard, from input-event-codes.h.
CODES = {**{str(digit): 1 + digit if digit else 11 for digit in range(10)}, ";": 39, "=": 13, "\r": 28, " ": 57}
SHIFTED = {"?": 53, "%": 6, "^": 7, "B": 48, "+": 13}
LEFT_SHIFT = 42


def key(code: int, value: int) -> bytes:
    return struct.pack("@llHHi", 0, 0, 1, code, value) + struct.pack("@llHHi", 0, 0, 0, 0, 0)


def typed(text: str) -> bytes:
    events = b""
    for character in text:
        if character in SHIFTED:
            events += key(LEFT_SHIFT, 1) + key(SHIFTED[character], 1) + key(SHIFTED[character], 0) + key(LEFT_SHIFT, 0)
        else:
            events += key(CODES[character], 1) + key(CODES[character], 0)
    return events


@given(st.text(alphabet=[*CODES, *SHIFTED], max_size=60), st.lists(st.integers(1, 200), max_size=20))
def test_keys_are_what_was_typed_however_they_are_cut(text: str, cuts: list[int]) -> None:
    decoder, events, got = KeyDecoder(), typed(text), b""
    for cut in cuts:
        got += decoder.feed(events[:cut])
        events = events[cut:]
    assert (got + decoder.feed(events)).decode() == text


@given(st.binary(max_size=2000))
def test_any_bytes_are_keys_or_nothing(data: bytes) -> None:
    got = KeyDecoder().feed(data)
    assert all(byte < 128 for byte in got)


def test_what_is_held_down_is_typed_once() -> None:
    events = key(2, 1) + key(2, 2) * 9 + key(2, 0)
    assert KeyDecoder().feed(events) == b"1"


def test_keys_that_the_kernel_dropped_spoil_the_line() -> None:
    events = typed("12") + struct.pack("@llHHi", 0, 0, 0, 3, 0) + typed("3")
    assert KeyDecoder().feed(events) == b"12\x003"


def test_a_key_that_no_track_holds_spoils_the_line() -> None:
    assert KeyDecoder().feed(key(59, 1) + key(59, 0)) == b"\x00"


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Callable[[bytes], None]]:
    """A pipe in the place of a keyboard; it is written to by what this gives."""
    path = tmp_path / "event-kbd"
    os.mkfifo(path)
    handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    yield lambda data: None if os.write(handle, data) == len(data) else pytest.fail("the pipe is full")
    os.close(handle)


def test_a_swipe_of_a_grabbed_keyboard_is_a_card(device: Callable[[bytes], None], tmp_path: Path) -> None:
    grabbed: list[int] = []
    reader = StripeCardReader(GrabbedKeyboard(str(tmp_path / "event-kbd"), grabbed.append), lambda: KEY)
    with contextlib.closing(reader):
        assert reader.poll(0) is None
        assert len(grabbed) == 1
        device(typed(TRACK + "\r"))
        assert reader.poll(500) == CardPresented(card_ref(KEY, TRACK[1:17]), "2812", "stripe")


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.EBUSY, "reader_in_use"), (errno.ENOTTY, "no_reader"), (errno.ENODEV, "no_reader")]
)
def test_a_keyboard_that_cannot_be_grabbed_is_not_read(
    device: Callable[[bytes], None], tmp_path: Path, number: int, reason: str
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    keyboard = GrabbedKeyboard(str(tmp_path / "event-kbd"), refuse)
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(DeviceUnavailable) as caught:
        StripeCardReader(keyboard, lambda: KEY).poll(0)
    assert caught.value.reason == reason
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_a_keyboard_is_grabbed_by_the_kernels_own_request(
    device: Callable[[bytes], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EVIOCGRAB is _IOW('E', 0x90, int), with 1 to take it (linux/input.h); asked of what was opened."""
    path = tmp_path / "event-kbd"
    asked: list[tuple[int, tuple[object, ...]]] = []

    def ioctl(handle: int, *request: object) -> int:
        asked.append((os.fstat(handle).st_ino, request))
        return 0

    monkeypatch.setattr("fcntl.ioctl", ioctl)
    with contextlib.closing(GrabbedKeyboard(str(path))) as keyboard:
        keyboard.open()
        keyboard.open()
        device(typed("1"))
        assert keyboard.read(8, time.monotonic() + 1) == b"1"
    request = 1 << 30 | struct.calcsize("i") << 16 | ord("E") << 8 | 0x90
    assert request == 0x40044590
    assert asked == [(path.stat().st_ino, (request, 1))]


def test_the_kernel_itself_refuses_to_grab_what_is_no_keyboard(device: Callable[[bytes], None], tmp_path: Path) -> None:
    with pytest.raises(LinkLost) as caught:
        GrabbedKeyboard(str(tmp_path / "event-kbd")).open()
    assert caught.value.reason == "no_port"


def test_no_keyboard_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(LinkLost) as caught:
        GrabbedKeyboard(str(tmp_path / "none")).open()
    assert caught.value.reason == "no_port"


def test_a_keyboard_pulled_out_is_said_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "event-kbd"
    os.mkfifo(path)
    handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    reader = StripeCardReader(GrabbedKeyboard(str(path), lambda _: None), lambda: KEY)
    with contextlib.closing(reader):
        assert reader.poll(0) is None
        os.close(handle)
        with pytest.raises(DeviceUnavailable):
            reader.poll(50)
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        assert reader.poll(0) is None
        os.write(handle, typed(TRACK + "\r"))
        assert reader.poll(500) is not None
    os.close(handle)


def test_what_the_window_took_from_the_keys_is_a_card() -> None:
    line = TypedLine()
    reader = StripeCardReader(line, lambda: KEY)
    assert reader.poll(0) is None
    timer = threading.Timer(0.05, line.offer, [TRACK])
    timer.start()
    began = time.monotonic()
    assert reader.poll(5000) is not None
    assert time.monotonic() - began < 2
    timer.join()


def test_what_was_swiped_while_nobody_looked_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    line = TypedLine()
    reader = StripeCardReader(line, lambda: KEY)
    assert reader.poll(0) is None
    line.offer(TRACK)
    reader._polled -= 3
    assert reader.poll(0) is None


def test_a_swipe_that_nobody_looks_for_is_kept_nowhere() -> None:
    """At sign-in, or beside a basket: it might be hours until the next look."""
    line = TypedLine()
    line.offer(TRACK)
    assert TRACK[1:17] not in repr(vars(line))
    reader = StripeCardReader(line, lambda: KEY)
    assert reader.poll(0) is None
    line.offer(TRACK)
    line._wanted_until = 0.0  # as when the time until the next look is over
    line.offer(TRACK)
    assert TRACK[1:17] not in repr(vars(line))


@pytest.mark.skipif(not os.access("/dev/uinput", os.W_OK), reason="this kernel has no uinput")
def test_a_real_keyboard_types_for_nobody_else() -> None:
    """A keyboard made through uinput: while it is grabbed, a second opener of the same device hears nothing."""
    import fcntl

    handle = os.open("/dev/uinput", os.O_WRONLY | os.O_NONBLOCK)
    fcntl.ioctl(handle, 0x40045564, 1)  # UI_SET_EVBIT EV_KEY
    for code in (*CODES.values(), *SHIFTED.values(), LEFT_SHIFT):
        fcntl.ioctl(handle, 0x40045565, code)  # UI_SET_KEYBIT
    os.write(handle, struct.pack("80sHHHHi", b"test stripe reader", 3, 0x1234, 0x5678, 1, 0) + bytes(4 * 64 * 4))
    fcntl.ioctl(handle, 0x5501)  # UI_DEV_CREATE
    try:
        name = bytearray(64)
        fcntl.ioctl(handle, 0x8040552C, name)  # UI_GET_SYSNAME
        folder = Path("/sys/devices/virtual/input") / name.split(b"\0")[0].decode()
        path = Path("/dev/input") / next(folder.glob("event*")).name
        deadline = time.monotonic() + 5
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        reader = StripeCardReader(GrabbedKeyboard(str(path)), lambda: KEY)
        with contextlib.closing(reader):
            assert reader.poll(0) is None
            other = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            os.write(handle, typed(TRACK + "\r"))
            assert reader.poll(1000) is not None
            with pytest.raises(BlockingIOError):
                os.read(other, 24)
            os.close(other)
    finally:
        fcntl.ioctl(handle, 0x5502)  # UI_DEV_DESTROY
        os.close(handle)
