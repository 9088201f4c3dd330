"""Chip cards through PC/SC: contact slots and contactless readers alike, each card read once per insertion.

`pyscard`'s plain winscard calls are used, and not its observers: those run in threads of their own. A service or a
driver that hangs ends none of these calls, so they are made where nobody else waits.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from ewarung_pos.devices.bounded import BoundedCalls, NotBack
from ewarung_pos.devices.emv import read_card
from ewarung_pos.domain.family import CardRef, card_ref
from ewarung_pos.errors import CardNotRead, DeviceUnavailable
from ewarung_pos.ports import CardPresented, DeviceState, DeviceStatus

__all__ = ["PcscCardReader"]

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_READ_S = 8.0
"""A card that needs longer than this for its twenty commands is worn out. Each single one is the driver's to end."""
_ANSWER_S = 3.0
"""A question about the readers that takes longer hangs, and so does a card that takes this much longer than it may."""
_TOLD_S = 4.0
"""How long it is said that a card could not be read, when it is gone already."""
_PAUSE_S = 0.05
_NOTICED_S = 0.6
_OPTIONS = 0xA8
"""GET PROCESSING OPTIONS, the one command that a card counts."""

# winscard.h; the same numbers in Windows and pcsc-lite.
_GONE = {0x80100069, 0x80100067, 0x8010000C}  # removed, unpowered, no card
_MUTE = {0x80100066, 0x80100065, 0x8010000F}  # unresponsive, unsupported, protocol mismatch
_IN_USE = {0x8010000B}
_NOT_ALLOWED = {0x8010006A, 0x80100027}
_NO_READER = {0x8010002E, 0x80100009, 0x80100017}
_NO_SERVICE = {0x8010001D, 0x8010001E, 0x80100003}  # not running, stopped, a handle of before
_WINDOWS = sys.platform == "win32"
"""There the service ends with the last reader and begins with the first: where it does not run, no reader is there."""
_TIMEOUT, _CANCELLED = 0x8010000A, 0x80100002


class _Winscard(Protocol):
    """The calls of `smartcard.scard` that are used, which has no types of its own. Each gives its code first."""

    SCARD_PROTOCOL_T0: int
    SCARD_PROTOCOL_T1: int
    SCARD_SCOPE_USER: int
    SCARD_SHARE_EXCLUSIVE: int
    SCARD_STATE_CHANGED: int
    SCARD_STATE_EMPTY: int
    SCARD_STATE_MUTE: int
    SCARD_STATE_PRESENT: int
    SCARD_STATE_UNAWARE: int
    SCARD_UNPOWER_CARD: int

    def SCardEstablishContext(self, scope: int) -> tuple[int, int]: ...  # noqa: N802 - winscard's names

    def SCardReleaseContext(self, context: int) -> int: ...  # noqa: N802

    def SCardListReaders(self, context: int | None, groups: list[str]) -> tuple[int, list[str]]: ...  # noqa: N802

    def SCardGetStatusChange(  # noqa: N802
        self, context: int | None, milliseconds: int, readers: list[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, list[int]]]]: ...

    def SCardConnect(  # noqa: N802
        self, context: int | None, reader: str, share: int, protocols: int
    ) -> tuple[int, int, int]: ...

    def SCardTransmit(self, card: int, protocol: int, command: list[int]) -> tuple[int, list[int]]: ...  # noqa: N802

    def SCardDisconnect(self, card: int, disposition: int) -> int: ...  # noqa: N802


class _Fault(NamedTuple):
    """Why a card could not be read, in which reader it lies (empty: gone), and how long that is told of one gone.

    In words: the exception itself would keep what was read of the card for as long as this is kept.
    """

    reason: str
    detail: str
    reader: str
    told_until: float


class PcscCardReader:
    """`CardReader` on whatever readers PC/SC knows.

    A card that lies in the reader when the first poll comes is read then. A card that was read, or could not be read,
    is left alone until it was taken out: reading moves a counter on the chip. Where PC/SC or the reader was gone in
    between, nobody knows whether the card was too: one that had been asked for its options must be taken out then.
    """

    source = "pcsc"

    def __init__(self, name: str, card_key: Callable[[], bytes]) -> None:
        """`name` is part of the reader's name as PC/SC says it, empty for every reader.

        `card_key` gives the city's key for card references, at each card (it may change by enrolment).
        """
        self._name = name.casefold()
        self._card_key = card_key
        self._context: int | None = None
        self._seen: dict[str, int] = {}
        self._read: dict[str, int] = {}
        self._counted: set[str] = set()  # readers whose card was asked for its options and has not been seen to leave
        self._fault: _Fault | None = None
        self._status = DeviceStatus(DeviceState.UNKNOWN)
        self._calls = BoundedCalls("pcsc")
        self._hung = False

    def poll(self, wait_ms: int) -> CardPresented | None:
        """Wait at most `wait_ms` for a card; reading one takes up to 8 s more, noticing that PC/SC hangs 11 s, once.

        Raises:
            DeviceUnavailable: no_driver, no_pcscd, no_reader, reader_hangs, reader_in_use, reader_no_permission.
            CardNotRead: this card could not be read; said again while it stays in the reader.
        """
        wait_s = wait_ms / 1000
        try:
            return self._asked(lambda: self._poll(time.monotonic() + wait_s), wait_s + _READ_S + _ANSWER_S, wait_s)
        except DeviceUnavailable as error:
            self._note(DeviceState.AWAY, error.reason)
            raise
        except CardNotRead as error:
            self._note(DeviceState.ATTENTION, error.reason)
            raise

    def release(self) -> None:
        """Nothing is asked of a card while nobody polls."""

    def status(self) -> DeviceStatus:
        """As last seen; no I/O."""
        return self._status

    def diagnose(self) -> DeviceStatus:
        """Ask PC/SC for the readers that are meant; `detail` has their names. Never raises."""
        try:
            names = self.names()
        except DeviceUnavailable as error:
            return DeviceStatus(DeviceState.AWAY, error.reason, error.detail)
        return DeviceStatus(DeviceState.READY, detail=", ".join(names))

    def names(self) -> tuple[str, ...]:
        """The readers that are meant, as PC/SC calls them; a name may hold any character.

        Raises:
            DeviceUnavailable: as `poll`.
        """
        return self._asked(lambda: self._readers(self._scard()), _ANSWER_S, _ANSWER_S)

    def close(self) -> None:
        """Let PC/SC go; one that hangs is left to itself. Whoever polls again begins anew. Never raises."""
        if self._context is not None or self._hung:
            with contextlib.suppress(DeviceUnavailable):
                self._asked(self._let_go, _ANSWER_S, 0.0)
        self._counted.clear()
        self._calls.end()

    def _asked(self, call: Callable[[], _T], seconds: float, late_seconds: float) -> _T:
        """What a call gives that PC/SC may never come back from.

        Raises:
            DeviceUnavailable: reader_hangs, until it is back. Then everything begins anew: of a card that was read
                meanwhile nobody heard, so it must be put in again.
        """
        try:
            return self._calls.ask(partial(self._afresh, call), seconds, late_seconds)
        except NotBack:
            self._hung = True
            raise DeviceUnavailable("PC/SC does not come back", reason="reader_hangs") from None

    def _afresh(self, call: Callable[[], _T]) -> _T:
        if self._hung:
            self._hung = False
            self._let_go()
        return call()

    def _let_go(self) -> None:
        context, self._context = self._context, None
        self._forget(())
        if context is not None:
            self._scard().SCardReleaseContext(context)

    def _poll(self, until: float) -> CardPresented | None:
        scard = self._scard()
        while True:
            names = self._readers(scard)
            changes = self._changes(scard, names, until)
            if time.monotonic() > until + _ANSWER_S:  # too late to be sure that who asked hears of a card
                raise DeviceUnavailable("PC/SC took too long", reason="reader_hangs")
            for name, state in changes:
                self._seen[name] = state
                inserted = state >> 16
                present = bool(state & scard.SCARD_STATE_PRESENT)
                if self._fault is not None and self._fault.reader == name and not present:
                    self._fault = self._fault._replace(reader="")
                before = self._read.get(name)
                if state & scard.SCARD_STATE_EMPTY or (present and before not in {None, inserted}):
                    self._counted.discard(name)
                if present and before != inserted:
                    self._read[name] = inserted
                    return self._card(scard, name, mute=bool(state & scard.SCARD_STATE_MUTE))
            if time.monotonic() >= until:
                break
        if self._fault is not None:
            if self._fault.reader or time.monotonic() < self._fault.told_until:
                raise CardNotRead(self._fault.detail, reason=self._fault.reason)
            self._fault = None
        self._note(DeviceState.READY)
        return None

    def _card(self, scard: _Winscard, name: str, *, mute: bool) -> CardPresented:
        self._fault = None
        try:
            if mute:
                raise CardNotRead(reason="mute")
            if name in self._counted:
                raise CardNotRead("read before; it may not have been taken out since")
            card, expiry = self._read_chip(scard, name)
        except CardNotRead as error:
            lies_in = "" if error.reason == "removed" else name
            self._fault = _Fault(error.reason, error.detail, lies_in, time.monotonic() + _TOLD_S)
            raise
        self._note(DeviceState.READY)
        return CardPresented(card, expiry, "pcsc")

    def _read_chip(self, scard: _Winscard, name: str) -> tuple[CardRef, str]:
        result, handle, protocol = scard.SCardConnect(
            self._context, name, scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        )
        if _code(result) in _IN_USE | _NOT_ALLOWED:
            # Nothing was sent: read it when the other program lets go, or it is allowed, of which PC/SC need not tell.
            self._seen.pop(name, None)
            del self._read[name]
        if _at_the_card(result):
            raise CardNotRead(f"PC/SC {_code(result):08X}", reason="unreadable")
        self._check(result)
        until = time.monotonic() + _READ_S

        def transmit(command: bytes) -> bytes:
            if time.monotonic() >= until:
                raise CardNotRead("too slow", reason="unreadable")
            if command[1] == _OPTIONS:
                if name in self._counted:
                    raise CardNotRead("it wants to be asked for its options again", reason="unreadable")
                self._counted.add(name)
            result, answer = scard.SCardTransmit(handle, protocol, list(command))
            if _at_the_card(result) or (not _code(result) and len(answer) < 2):
                reason = "removed" if self._taken_out(scard, name) else "unreadable"
                raise CardNotRead(f"PC/SC {_code(result):08X}", reason=reason)
            self._check(result)
            return bytes(byte & 0xFF for byte in answer)

        try:
            return read_card(
                transmit,
                lambda number: card_ref(self._card_key(), number),
                case4_le=protocol != scard.SCARD_PROTOCOL_T0,
            )
        finally:
            scard.SCardDisconnect(handle, scard.SCARD_UNPOWER_CARD)

    def _taken_out(self, scard: _Winscard, name: str) -> bool:
        """Whether the card leaves within the time that PC/SC needs to notice it."""
        state, until = scard.SCARD_STATE_UNAWARE, time.monotonic() + _NOTICED_S
        while (left := until - time.monotonic()) > 0:
            result, states = scard.SCardGetStatusChange(self._context, int(left * 1000), [(name, state)])
            if _code(result):
                return _code(result) in _NO_READER or _stopped_without_reader(result)
            state = states[0][1]
            if not state & scard.SCARD_STATE_PRESENT:
                return True
        return False

    def _changes(self, scard: _Winscard, names: tuple[str, ...], until: float) -> list[tuple[str, int]]:
        """(reader, state) of each that changed since it was last looked at; waits for one until then."""
        asked = [(name, self._seen.get(name, scard.SCARD_STATE_UNAWARE)) for name in names]
        wait = max(0, int((until - time.monotonic()) * 1000))
        result, states = scard.SCardGetStatusChange(self._context, wait, asked)
        if _code(result) in {_TIMEOUT, _CANCELLED}:
            return []
        if _code(result) in _NO_READER:  # pulled out since it was listed
            time.sleep(_PAUSE_S)
            return []
        self._check(result)
        return [(name, state) for name, state, _ in states if state & scard.SCARD_STATE_CHANGED]

    def _readers(self, scard: _Winscard) -> tuple[str, ...]:
        if self._context is None:
            result, self._context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
            if _code(result):
                self._context = None
            self._check(result)
        result, names = scard.SCardListReaders(self._context, [])
        if _code(result) in _NO_READER:
            names = []
        else:
            self._check(result)
        meant = tuple(name for name in names if self._name in name.casefold())
        self._forget(meant)
        if not meant:
            raise DeviceUnavailable(f"{len(names)} readers, none is meant", reason="no_reader")
        return meant

    def _forget(self, kept: tuple[str, ...]) -> None:
        """A reader that was unplugged counts its cards from the beginning when it is back."""
        for known in (self._seen, self._read):
            for name in known.keys() - set(kept):
                del known[name]
        if self._fault is not None and self._fault.reader not in kept:
            self._fault = self._fault._replace(reader="")

    def _scard(self) -> _Winscard:
        try:
            found: Any = importlib.import_module("smartcard.scard")
            return cast("_Winscard", found)
        except ImportError as error:
            raise DeviceUnavailable(str(error), reason="no_driver") from error

    def _check(self, result: int) -> None:
        """Turn a winscard code into what it means here.

        Raises:
            CardNotRead, DeviceUnavailable: unless it is 0.
        """
        code = _code(result)
        if not code:
            return
        detail = f"PC/SC {code:08X}"
        if code in _GONE:
            raise CardNotRead(detail, reason="removed")
        if code in _MUTE:
            raise CardNotRead(detail, reason="mute")
        if code in _IN_USE:
            raise DeviceUnavailable(detail, reason="reader_in_use")
        if code in _NOT_ALLOWED:
            raise DeviceUnavailable(detail, reason="reader_no_permission")
        if code in _NO_READER:
            raise DeviceUnavailable(detail, reason="no_reader")
        self._let_go()  # the service went away, or came back: begin anew at the next poll
        raise DeviceUnavailable(detail, reason="no_reader" if _stopped_without_reader(result) else "no_pcscd")

    def _note(self, state: DeviceState, reason: str = "") -> None:
        if (state, reason) != (self._status.state, self._status.reason):
            _log.info("chip reader %s %s", state.value, reason)
            self._status = DeviceStatus(state, reason)


def _at_the_card(result: int) -> bool:
    """Whether an exchange with a card went wrong in a way that has no name of its own here (there are many).

    It is the card's or its driver's: were it taken for the service's, the card would be read again each second.
    """
    return _code(result) not in {0} | _GONE | _MUTE | _IN_USE | _NOT_ALLOWED | _NO_READER | _NO_SERVICE


def _stopped_without_reader(result: int) -> bool:
    return _WINDOWS and _code(result) in _NO_SERVICE


def _code(result: int) -> int:
    """Windows says these as negative numbers."""
    return result & 0xFFFFFFFF
