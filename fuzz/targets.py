"""Every parser of bytes from outside, with what must hold for any input. `python -m fuzz` looks for one that breaks it.

A target takes bytes and returns; it raises when the parser raised what it does not promise, or broke its word: what
arrives in pieces means the same, what is accepted is written the same again, an approval says so exactly, and no error
tells a digit of a card.
"""

from __future__ import annotations

import contextlib
import functools
import operator
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from ewarung_pos.devices.ecr_codec import (
    ACK,
    NAK,
    BadFrame,
    Decoder,
    EcrRequest,
    EcrResponse,
    Event,
    Frame,
    Nak,
    build_request,
)
from ewarung_pos.devices.ecr_evidence import Doubt, Evidence
from ewarung_pos.devices.ecr_incoming import Incoming
from ewarung_pos.devices.emv import read_card
from ewarung_pos.devices.escpos import EscposPrinter, Pace
from ewarung_pos.devices.ipp import parse_answer
from ewarung_pos.devices.keyboard import KeyDecoder
from ewarung_pos.devices.poselink_codec import Action, PoseReply, read_reply, trx_id_of
from ewarung_pos.devices.poselink_evidence import PoseDoubt, judge_answer, judge_check
from ewarung_pos.devices.simulated.poselink_messages import SECRET, read_request
from ewarung_pos.devices.stripe import StripeLine
from ewarung_pos.devices.tlv import TlvError, each, objects
from ewarung_pos.domain import journal
from ewarung_pos.domain.family import CardRef, card_ref
from ewarung_pos.domain.paper_code import parse_qr, qr_text
from ewarung_pos.errors import BundleRefused, CardNotRead, PrinterNotReady
from ewarung_pos.ports import Approved, CardPresented, Declined, DeviceState
from ewarung_pos.sync import bundle, packing, protocol
from ewarung_pos.sync.signing import public_of
from fuzz.seeds import ANSWERS, READER, SIGNER

__all__ = ["TARGETS", "Broken", "Target"]

Target = Callable[[bytes], None]

_KEY = b"k" * 32
_AMOUNT = 62_500
_ATTEMPT = "01930b3f-6f2a-7c11-8f00-dc0c0c07398f"
_LONG_NUMBER = re.compile(r"[0-9]{8}")


class Broken(Exception):
    """A promise was not kept."""


def _holds(promise: bool, words: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not promise:
        raise Broken(words)


def _refer(number: str) -> CardRef:
    return card_ref(_KEY, number)


def _pieces(data: bytes) -> Iterator[bytes]:
    """Cut where the bytes themselves say."""
    at = 0
    while at < len(data):
        step = 1 + data[at] % 7
        yield data[at : at + step]
        at += step


# -- wires of the counter ------------------------------------------------------------------------------------------


def ecr_frames(data: bytes) -> None:
    """Bytes of an EDC, whole and in pieces."""
    whole, split = Decoder(), Decoder()
    expected = [*whole.feed(data), *whole.expire()]
    got = [event for piece in _pieces(data) for event in split.feed(piece)]
    got += split.expire()
    _holds(got == expected, "pieces mean something else")
    for event in expected:
        if isinstance(event, Frame):
            _holds(len(event.response.code) <= 2, "a code of more than two characters")
        elif isinstance(event, BadFrame):
            _holds(not _LONG_NUMBER.search(event.reason), "an error that tells digits")


def ecr_pauses(data: bytes) -> None:
    """Bursts of an EDC and silence between them: a NAK is believed only where all before it was said well."""
    whole, split = Incoming(), Incoming()
    well = True
    for burst in _bursts(data):
        whole.feed(burst)
        for piece in _pieces(burst):
            split.feed(piece)
        said = _events(whole)
        _holds(_events(split) == said, "pieces mean something else")
        clear = _said_well(burst)
        if not well:
            _holds(Nak() not in said, "a NAK behind a broken burst")
        elif not any(isinstance(event, Frame) for event in said):
            _holds(said.count(Nak()) <= burst[:clear].count(NAK), "a NAK behind broken bytes")
        whole.silent()
        split.silent()
        over = _events(whole)
        _holds(_events(split) == over, "pieces mean something else at their end")
        _holds(Nak() not in over, "a NAK out of what was broken off")
        if any(isinstance(event, BadFrame) for event in said + over):
            _holds(b"\x02\x02\x00" in burst or len(burst) >= 100, "noise taken for a response")
        well = well and clear == len(burst)
    _holds(not whole.inside_frame and not split.inside_frame, "silence ended nothing")


def _bursts(data: bytes) -> Iterator[bytes]:
    """Pieces, each behind its length; 0 ends a burst, 254 and 255 are sound answers."""
    burst, at = b"", 0
    while at < len(data):
        length = data[at]
        at += 1
        if length == 0:
            yield burst
            burst = b""
        elif length >= 254:
            burst += ANSWERS[length - 254]
        else:
            burst += data[at : at + length]
            at += length
    yield burst


def _events(line: Incoming) -> list[Event]:
    events = []
    while line:
        events.append(line.next())
    return events


def _said_well(burst: bytes) -> int:
    """How many of its bytes, from the first, are sound answers, ACKs and NAKs."""
    at = 0
    while at < len(burst):
        if burst[at] in {ACK, NAK}:
            at += 1
        elif [type(event) for event in Decoder().feed(burst[at : at + 205])] == [Frame]:
            at += 205
        else:
            break
    return at


def ecr_responses(data: bytes) -> None:
    """A sound frame with any body, and what it proves."""
    body = data[:200].ljust(200, b" ")
    covered = b"\x02\x00" + body + b"\x03"
    frame = b"\x02" + covered + bytes([functools.reduce(operator.xor, covered)])
    for event in Decoder().feed(frame):
        if isinstance(event, Frame):
            _judged(event.response)


def _judged(response: EcrResponse) -> None:
    doubt = Doubt("a", "01", frozenset({_AMOUNT}), _AMOUNT, "7788")
    for outcome in (
        Evidence(check_last4=True).judge(doubt, response, "edc"),
        Evidence(check_last4=True).judge_inquiry(doubt, response),
    ):
        if isinstance(outcome, Approved):
            _holds(response.code == "00" and response.amount == _AMOUNT, "approved what was not")
            _holds(response.last4 in {"", "7788"}, "approved another card")
        if isinstance(outcome, Declined):
            _holds(response.code != "00", "declined what was approved")


def ecr_requests(data: bytes) -> None:
    """A request with any reference is a frame of its fixed length, or refused."""
    text = data.decode("latin-1")
    with contextlib.suppress(ValueError):
        frame = build_request(EcrRequest(type="01", amount=len(data), reff=text, invoice=text[:6]))
        _holds(len(frame) == 155 and frame[0] == 2 and frame[153] == 3, "no frame")
        _holds(not {ACK, NAK} & {frame[1], frame[2]}, "a length that it cannot have")


def chip_objects(data: bytes) -> None:
    """BER-TLV of any kind."""
    try:
        found = objects(data)
        _holds(sum(len(value) for _, value in found) <= len(data), "more than there is")
        for tag in (0x5A, 0x57, 0x9F38):
            list(each(data, tag))
    except TlvError as error:
        _holds(not _LONG_NUMBER.search(str(error)), "an error that tells digits")


def chip_walk(data: bytes) -> None:
    """A card that answers anything: an end, with a reference or a reason."""
    answers = _answers(data)
    try:
        card, expiry = read_card(lambda _: next(answers, b""), _refer, case4_le=bool(data[:1] > b"\x7f"))
    except CardNotRead as error:
        _holds(error.reason in {"wrong_card", "blocked", "unreadable"}, "a reason that nobody knows")
        _holds(not _LONG_NUMBER.search(error.detail), "an error that tells digits")
    else:
        _holds(len(card.last4) == 4 and (not expiry or expiry.isdigit()), "a card that is none")


def _answers(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        length = data[at]
        yield data[at + 1 : at + 1 + length]
        at += 1 + length


def stripe_tracks(data: bytes) -> None:
    """Swipes, whole and in pieces."""
    whole, split = StripeLine(_refer), StripeLine(_refer)
    expected = [*whole.feed(data), *whole.end()]
    got = [swipe for piece in _pieces(data) for swipe in split.feed(piece)]
    got += split.end()
    _holds([_told(swipe) for swipe in got] == [_told(swipe) for swipe in expected], "pieces mean something else")


def _told(swipe: CardPresented | CardNotRead) -> object:
    if isinstance(swipe, CardNotRead):
        _holds(not _LONG_NUMBER.search(str(swipe)), "an error that tells digits")
        return swipe.reason
    _holds(swipe.expiry.isdigit() and len(swipe.expiry) == 4, "no month")
    return swipe


def typed_keys(data: bytes) -> None:
    """The kernel's events of a keyboard, whole and in pieces, and the swipes in them."""
    whole, split = KeyDecoder(), KeyDecoder()
    typed = whole.feed(data)
    _holds(b"".join(split.feed(piece) for piece in _pieces(data)) == typed, "pieces mean something else")
    line = StripeLine(_refer)
    for swipe in (*line.feed(typed), *line.end()):
        _told(swipe)


def printer_answers(data: bytes) -> None:
    """A receipt printer that says anything when it is asked: ready only when it said so, each to its own question."""
    wire = _PrinterWire(data)
    status = EscposPrinter(lambda: wire, 32, Path(), pace=_HASTE).status()
    if status.state is DeviceState.READY:
        _holds(wire.said.keys() >= {1, 4}, "ready without a word")
        _holds(not wire.said[1] & 0x08 and not wire.said[4] & 0x6C, "ready, and it said otherwise")
        _holds(not wire.said.get(2, 0) & 0x64, "ready with a cause of not being ready")


_HASTE = Pace(answer=0.0005)


class _PrinterWire:
    """`PrinterLink` to the bytes of an input, a few for each look; gone when they end."""

    byte_s = 0.0

    def __init__(self, data: bytes) -> None:
        self._answers = _answers(data)
        self._question = 0
        self.said: dict[int, int] = {}

    def write(self, data: bytes, timeout: float) -> None:
        self._question = data[2]

    def unsent(self) -> int:
        return 0

    def read(self, timeout: float) -> bytes:
        got = next(self._answers, None)
        if got is None:
            raise PrinterNotReady("the input ended", reason="link")
        if timeout > 0:
            for byte in got:
                if byte & 0x93 == 0x12:
                    self.said.setdefault(self._question, byte)
        return got

    def close(self) -> None:
        """Nothing is held."""


def poselink_answers(data: bytes) -> None:
    """What an EDC on the network says, and what it proves."""
    said = read_reply(data.decode("utf-8", "replace"))
    if not isinstance(said, PoseReply):
        return
    for action in (Action.SALE, Action.VOID):
        doubt = PoseDoubt(_ATTEMPT, action, _AMOUNT, "7788")
        for outcome in (judge_answer(doubt, said, "edc"), judge_check(doubt, said, "Transaction not found")):
            if isinstance(outcome, Approved):
                _holds(said.trx_id == _ATTEMPT, "approved what it does not name")
                _holds(said.code == "00" and said.status in {"success", "paid"}, "approved what was not")
                _holds(said.amount == _AMOUNT or (action is Action.VOID and said.amount is None), "another amount")
                _holds(outcome.invoice.isdigit() and outcome.approval.isalnum(), "references that are none")
            if isinstance(outcome, Declined):
                _holds(said.status == "failed" and said.trx_id == _ATTEMPT, "declined what was not")


def poselink_requests(data: bytes) -> None:
    """What a till says to the simulated EDC, and how an attempt is named."""
    request = read_request(data.decode("latin-1"), SECRET)
    _holds(request is None or bool(request.trx_id), "a request without a name")
    name = trx_id_of(data.decode("latin-1"))
    _holds(re.fullmatch(r"[A-Za-z0-9.=_-]{1,36}", name) is not None, "a name that the wire does not allow")


def ipp_answers(data: bytes) -> None:
    """A print queue's answer."""
    with contextlib.suppress(ValueError):
        answer = parse_answer(data)
        answer.number("job-id")
        answer.words("job-state-reasons")


# -- messages and files --------------------------------------------------------------------------------------------


def journal_entries(data: bytes) -> None:
    """An entry of the journal: what is accepted is an entry again when it is written."""
    try:
        entry = journal.decode(data)
    except msgspec.DecodeError:
        return
    body = journal.canonical(entry)
    _holds(journal.canonical(journal.decode(body)) == body, "written otherwise the second time")


_MESSAGES: tuple[Any, ...] = (
    protocol.Enrol,
    protocol.Enrolled,
    protocol.Hello,
    protocol.Welcome,
    protocol.Push,
    protocol.Ack,
    protocol.Attest,
    protocol.GrantRequest,
    protocol.Grant,
    protocol.Problem,
)


def sync_messages(data: bytes) -> None:
    """A message between kiosk and city, its kind by the first byte; what is accepted travels unchanged."""
    kind = _MESSAGES[data[0] % len(_MESSAGES)] if data else _MESSAGES[0]
    try:
        message = protocol.decode(data[1:], kind)
    except msgspec.MsgspecError:
        return
    body = protocol.encode(message)
    _holds(protocol.decode(body, kind) == message, "another message when it travels")


def sync_expansion(data: bytes) -> None:
    """A packed body: within its bound, or refused."""
    with contextlib.suppress(ValueError):
        _holds(len(packing.unpack(data, 4096)) <= 4096, "more than the bound")
    with contextlib.suppress(ValueError):
        plain = zlib.compress(data)
        _holds(packing.unpack(packing.pack(plain), len(plain)) == plain, "not what was packed")


def carried_bundles(data: bytes) -> None:
    """A file from a stick: as it is, and with any content under the right keys."""
    for attempt in (data, bundle.MAGIC + data):
        with contextlib.suppress(BundleRefused):
            bundle.look(attempt)
        with contextlib.suppress(BundleRefused):
            opened = bundle.read(attempt, lambda _: public_of(SIGNER), READER)
            list(opened.messages())


def carried_records(data: bytes) -> None:
    """One record, as it is inside when it was opened."""
    with contextlib.suppress(ValueError, msgspec.MsgspecError):
        bundle._message(packing.pack(data))


def paper_codes(data: bytes) -> None:
    """The code of a paper, as scanned: what is accepted is written the same again."""
    try:
        code = parse_qr(data.decode("utf-8", "replace"))
    except ValueError:
        return
    _holds(parse_qr(qr_text(code)) == code, "another code when it is printed again")


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        ecr_frames,
        ecr_pauses,
        ecr_responses,
        ecr_requests,
        chip_objects,
        chip_walk,
        stripe_tracks,
        typed_keys,
        printer_answers,
        poselink_answers,
        poselink_requests,
        ipp_answers,
        journal_entries,
        sync_messages,
        sync_expansion,
        carried_bundles,
        carried_records,
        paper_codes,
    )
}
"""By name."""
