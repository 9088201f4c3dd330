"""Messages that were carried here in a file: answered by what answers the network, in a file for the way back.

A file is judged as a whole before any of it is used (`ewarung_pos.sync.bundle`). Each of its messages is then a
transaction of its own, as on the line, so an import that was cut off is begun again. A file that came before gets the
answer that it got.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from ewarung_city import attest, feed, grants, greeting, intake, recalls
from ewarung_city.keys import CityKeys
from ewarung_city.reading import decode_push
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Row, Tx
from ewarung_pos.domain.bounds import EXACT
from ewarung_pos.errors import BundleRefused, NotEntitled, PosError, ServerBusy
from ewarung_pos.sync import bundle
from ewarung_pos.sync.bundle import Header, Message, Way
from ewarung_pos.sync.bundle_file import file_name
from ewarung_pos.sync.protocol import (
    CLOCK_TOLERANCE_S,
    NONCE_HEADER,
    PROBLEM_TYPE,
    SCHEMA,
    Ack,
    GrantRequest,
    Hello,
    Outcome,
    Problem,
    encode,
)
from ewarung_pos.sync.signing import sign_response

__all__ = ["Carried", "state_bundle", "take_bundle"]

_KEPT = 3
"""So many replies are kept for each enrolment; an older file is answered anew, which does no harm."""

_ANSWER_BYTES = 24 * 1024 * 1024
"""Answers of one file, together: what is left comes with the next, for a cursor tells how far it came."""

_HELLO = msgspec.json.Decoder(Hello)
_ACK = msgspec.json.Decoder(Ack)
_GRANT = msgspec.json.Decoder(GrantRequest)


class Carried(msgspec.Struct, frozen=True):
    """What became of a file.

    Attributes:
        header: of the file.
        entries: how many of its entries the city holds only since now.
        acked_seq: up to where it holds the kiosk's journal.
        flagged: (entry, why it opened a case).
        aside: why batches were not taken, in the protocol's words.
        again: it came before, and nothing was done.
        name, reply: file for the kiosk.
    """

    header: Header
    entries: int
    acked_seq: int
    flagged: tuple[tuple[int, str], ...]
    aside: tuple[str, ...]
    again: bool
    name: str
    reply: bytes


def take_bundle(store: CityStore, keys: CityKeys, data: bytes, now_ms: int) -> Carried:
    """Take a kiosk's file, and make the one that it takes home.

    Args:
        store: of the city.
        keys: of the city.
        data: the whole file.
        now_ms: the city's time.

    Raises:
        BundleRefused: nothing of it was used.
        ServerBusy: the database is held for too long; what was taken so far stays, import it again.
    """
    opened = bundle.read(data, lambda header: _signer(store, keys, header), keys.signing)
    header = opened.header
    digest = hashlib.sha256(data).hexdigest()
    whose: dict[str, Any] = {"device": header.device, "epoch": header.epoch}
    with store.read() as tx:
        held, came = tx.one(schema.epoch, **whose) or {}, tx.one(schema.bundle, **whose, digest=digest)
    if came is not None and came["reply"]:
        reply = bytes(came["reply"])
        return Carried(header, 0, int(held["acked_seq"]), (), (), True, file_name(bundle.look(reply)), reply)
    answers = _Answers(store, keys, header, now_ms, first=came is None)
    for message in opened.messages():
        answers.add(message)
    said = Header(
        way=Way.TO_KIOSK,
        city=header.city,
        device=header.device,
        epoch=header.epoch,
        id=bundle.new_id(),
        answers=header.id,
        created_s=now_ms // 1000,
        first_seq=header.first_seq,
        last_seq=header.last_seq,
        head=header.head,
    )
    reply = bundle.write(said, answers.said, keys.signing, bytes.fromhex(held["device_key"]))
    row = {
        **whose,
        "digest": digest,
        "first_seq": header.first_seq,
        "last_seq": header.last_seq,
        "taken_ms": now_ms,
        "reply": reply,
    }
    acked = store.turn(header.device, lambda tx: _keep(tx, row))
    flagged, aside = tuple(sorted(answers.flagged)), tuple(dict.fromkeys(answers.aside))
    return Carried(header, acked - int(held["acked_seq"]), acked, flagged, aside, False, file_name(said), reply)


def state_bundle(store: CityStore, keys: CityKeys, device: str, now_ms: int) -> tuple[Header, bytes]:
    """Everything that this kiosk should know, for a till that has asked nothing yet.

    It is for a journal that holds the last entry which the city holds, and no older one.

    Raises:
        NotEntitled: not an enrolled kiosk (`unknown_kiosk`), or one that may be given nothing (`upload_only`).
    """
    with store.read() as tx:
        kiosk = tx.one(schema.kiosk, device=device)
        held = tx.one(schema.epoch, device=device, epoch=int(kiosk["epoch"])) if kiosk is not None else None
    if held is None:
        raise NotEntitled(f"no kiosk {device} is enrolled", reason="unknown_kiosk")
    id_, acked_seq = bundle.new_id(), int(held["acked_seq"])
    header = Header(
        way=Way.TO_KIOSK,
        city=keys.public.hex(),
        device=device,
        epoch=int(held["epoch"]),
        id=id_,
        answers=id_,
        created_s=now_ms // 1000,
        first_seq=acked_seq + 1,
        last_seq=acked_seq,
        head=held["acked_hash"],
    )
    answers = _Answers(store, keys, header, now_ms, first=True)
    answers.add(Message(f"GET /v1/pull?cursor=0&acked_seq={acked_seq}&acked_hash={held['acked_hash']}"))
    if answers.said[0].status != 200:
        raise NotEntitled(f"{device} may be given nothing now", reason="upload_only")
    return header, bundle.write(header, answers.said, keys.signing, bytes.fromhex(held["device_key"]))


def _signer(store: CityStore, keys: CityKeys, header: Header) -> bytes:
    """The key that must have signed a file with this header."""
    if header.way is not Way.TO_CITY:
        raise BundleRefused(f"this is a city's answer to {header.device}, not a kiosk's file", reason="wrong_way")
    if header.city != keys.public.hex():
        raise BundleRefused(f"{header.device} belongs to another city", reason="other_city")
    with store.read() as tx:
        held = tx.one(schema.epoch, device=header.device, epoch=header.epoch)
    if held is None:
        raise BundleRefused(f"no {header.device}/{header.epoch} was ever enrolled here", reason="unknown_kiosk")
    return bytes.fromhex(held["device_key"])


def _keep(tx: Tx, row: Row) -> int:
    """Remember the file and its reply; returns up to where the journal is held now."""
    whose = {"device": row["device"], "epoch": row["epoch"]}
    tx.put(schema.bundle, [row])
    kept = [other for other in tx.all(schema.bundle, "taken_ms", **whose) if other["reply"]]
    for other in kept[:-_KEPT]:
        tx.change(schema.bundle, {"reply": b""}, **whose, digest=other["digest"])
    held = tx.one(schema.epoch, **whose)
    return int(held["acked_seq"]) if held is not None else 0


class _Refusal(Exception):
    """A message is answered by a problem document."""

    def __init__(self, status: int, title: str, reason: str) -> None:
        super().__init__(reason)
        self.problem = Problem(status, title, reason)


class _Answers:
    """The answers to the messages of one file, in order, each signed as on the line."""

    def __init__(self, store: CityStore, keys: CityKeys, header: Header, now_ms: int, *, first: bool) -> None:
        self.said: list[Message] = []
        self.flagged: set[tuple[int, str]] = set()
        self.aside: list[str] = []
        self._store = store
        self._keys = keys
        self._header = header
        self._now_ms = now_ms
        self._first = first
        # The way may have taken any time, so only a clock that is ahead shows itself to be wrong.
        self._timely = header.created_s <= now_ms // 1000 + CLOCK_TOLERANCE_S
        self._room = _ANSWER_BYTES
        self._pulled = False

    def add(self, message: Message) -> None:
        """Answer one more."""
        try:
            for body in self._answer(message):
                self._say(message.target, 200, body)
        except _Refusal as refused:
            self._say(message.target, refused.problem.status, encode(refused.problem))
        except ServerBusy:
            raise
        except PosError as error:
            self._say(message.target, 409, encode(Problem(409, "Not possible", error.reason or "rule")))

    def _say(self, target: str, status: int, body: bytes) -> None:
        headers = {NONCE_HEADER: f"{self._header.id}.{len(self.said)}"}  # of the file that is answered
        if status >= 400:
            headers["content-type"] = PROBLEM_TYPE
        sign_response(status, headers, body, self._keys.signing, self._keys.keyid, self._now_ms // 1000)
        lower = {name.lower(): value for name, value in headers.items()}
        self.said.append(Message(target, body, status, lower))
        self._room -= len(body)

    def _answer(self, message: Message) -> Iterator[bytes]:
        method, _, path = message.target.partition(" ")
        where = urlsplit(path)
        match method, where.path:
            case "POST", "/v1/hello":
                yield encode(self._hello(message.body))
            case "POST", "/v1/push":
                yield self._push(message.body)
            case "POST", "/v1/grant":
                yield encode(self._grant(message.body))
            case "GET", "/v1/pull":
                yield from self._pull(dict(parse_qsl(where.query)))
            case "GET", path if path.startswith("/v1/attest/"):
                yield self._attest(path.removeprefix("/v1/attest/"))
            case _:
                raise _Refusal(404, "Not understood", "not_found")

    def _hello(self, body: bytes) -> msgspec.Struct:
        try:
            hello = _HELLO.decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            raise _malformed() from error
        self._own(hello.device, hello.epoch)
        if hello.schema != SCHEMA:
            raise _Refusal(409, f"This city speaks version {SCHEMA}", "schema")

        def said(tx: Tx) -> msgspec.Struct:
            # A head below ours may be that of a file which others overtook: of such an age no clock tells anything. It
            # gets nothing either way (`behind`), and another past shows itself by its entries.
            held = tx.one(schema.epoch, device=hello.device, epoch=hello.epoch) or {"acked_seq": 0}
            news = self._first and self._timely and hello.head_seq >= int(held["acked_seq"])
            return greeting.welcome(tx, self._keys, hello, self._now_ms, fresh=news)

        return self._store.turn(hello.device, said)

    def _push(self, body: bytes) -> bytes:
        try:
            push = decode_push(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            raise _malformed() from error
        self._own(push.device, push.epoch)
        now_s = self._now_ms // 1000
        created_s = now_s if self._timely else self._header.created_s
        said = self._store.turn(
            push.device,
            lambda tx: intake.take(tx, self._keys, push, self._now_ms, created_s),
        )
        ack = _ACK.decode(said)
        self.flagged.update(ack.flagged)
        if ack.outcome is not Outcome.ACCEPTED:
            self.aside.append(ack.reason)
        return said

    def _attest(self, date: str) -> bytes:
        self._needs_a_right_clock()
        try:
            dt.date.fromisoformat(date)
        except ValueError as error:
            raise _malformed() from error
        header = self._header
        with self._store.read() as tx:
            said = attest.attest(tx, self._keys, header.device, header.epoch, date, self._now_ms)
        if said is None:
            raise _Refusal(404, "That day's seal is not here", "day_not_here")
        return encode(said)

    def _grant(self, body: bytes) -> msgspec.Struct:
        """Rights for a family of a kiosk without a line; what another kiosk has to give back is waited for."""
        self._needs_a_right_clock()
        try:
            said = _GRANT.decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            raise _malformed() from error
        self._own(said.device, said.epoch)

        def work(tx: Tx) -> msgspec.Struct:
            why = greeting.withheld(tx, said.device, said.epoch, said.acked_seq, said.acked_hash)
            return why if why is not None else grants.ask(tx, self._keys, said, self._now_ms, carried=True)

        told = self._store.turn(said.device, work)
        if isinstance(told, Problem):
            raise _Refusal(told.status, told.title, told.reason)
        return told

    def _pull(self, query: dict[str, str]) -> Iterator[bytes]:
        """Everything since the cursor, page after page: nobody can ask for the next one from where this goes."""
        self._needs_a_right_clock()
        begin, acked = _number(query.get("cursor", "")), _number(query.get("acked_seq", ""))
        if begin is None or acked is None:
            raise _malformed()
        if self._pulled:
            raise _Refusal(409, "This message came before", "replayed")
        self._pulled = True
        device, epoch = self._header.device, self._header.epoch

        def pages(tx: Tx) -> list[bytes] | Problem:
            why = greeting.withheld(tx, device, epoch, acked, query.get("acked_hash", ""))
            if why is not None:
                return why
            recalls.lapse(tx, device, epoch, self._now_ms)
            found: list[bytes] = []
            cursor, more, room = begin, True, self._room
            while more and room > 0:
                page = feed.page_for(tx, device, epoch, cursor)
                found.append(encode(page))
                cursor, more, room = page.cursor, page.more, room - len(found[-1])
            return found

        told = self._store.turn(device, pages)
        if isinstance(told, Problem):
            raise _Refusal(told.status, told.title, told.reason)
        yield from told

    def _own(self, device: str, epoch: int) -> None:
        if (device, epoch) != (self._header.device, self._header.epoch):
            raise _Refusal(403, "Signed by another kiosk", "wrong_key")

    def _needs_a_right_clock(self) -> None:
        if not self._timely:
            raise _Refusal(409, "The kiosk's clock is off; rights wait", "clock")


def _number(text: str) -> int | None:
    """A number as it stands in a path, at most as large as JSON keeps exactly; None for anything else."""
    whole = text.isascii() and text.isdigit() and len(text) < 17
    return int(text) if whole and int(text) <= EXACT else None


def _malformed() -> _Refusal:
    return _Refusal(400, "Not understood", "malformed")
