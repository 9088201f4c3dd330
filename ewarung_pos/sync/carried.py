"""The city as a file of its own words: every answer in it is proved before the first one is used."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from ewarung_pos.domain.journal import CityAcknowledged
from ewarung_pos.errors import BundleRefused, ServerUnreachable, SyncError
from ewarung_pos.sync.bundle import Bundle
from ewarung_pos.sync.client import RawReply, Reply, raise_for_problem
from ewarung_pos.sync.protocol import (
    PAGE_BYTES,
    Ack,
    Attest,
    Grant,
    GrantRequest,
    Hello,
    Outcome,
    Problem,
    Push,
    Quarantine,
    StatePage,
    Welcome,
    decode,
)

__all__ = ["NOT_CARRIED", "CarriedCity"]

T = TypeVar("T")

NOT_CARRIED = "not_carried"
"""Reason of a ServerUnreachable: the file does not speak of what was asked."""

_PULL = re.compile(r"GET /v1/pull\?cursor=([0-9]{1,16})(?:&[a-z_]+=[0-9a-f]*)*")
_ATTEST = "GET /v1/attest/"


class CarriedCity:
    """`outgoing.CityServer` that says what the city wrote into a file: each answer signed by it, as on the line.

    Args:
        opened: the file.
        city_key: public.
        known: the newest acknowledgement in the ledger; said again for a batch that the file does not speak of.

    Attributes:
        heard: how many answers were used, each counted once.
        lacks_from: the first entry that the city lacks below those that it was sent; 0 when it lacks none.
        asks: what a restored city asks, to be answered by the next HELLO (`protocol.Welcome.recovery`).
        life: of the city when it answered (`protocol.Welcome.life`).
        answers: what it said of requests for rights, by their names.

    Raises:
        BundleRefused: an answer is not the city's, or nothing that this version knows (`damaged`).
    """

    def __init__(self, opened: Bundle, city_key: bytes, known: CityAcknowledged | None) -> None:
        self.heard = self.lacks_from = 0
        self.asks = self.life = ""
        self.answers: dict[str, Grant] = {}
        self._welcome: Reply | None = None
        self._refused: Reply | None = None
        self._acks: list[Reply] = []
        self._pages: list[tuple[int, StatePage, bytes]] = []
        self._attests: dict[str, Reply] = {}
        self._told: set[str] = set()
        self._ack = _said_again(known)
        for place, message in enumerate(opened.messages()):
            try:
                raw = RawReply(message.status, message.headers, message.body, f"{opened.header.answers}.{place}")
                self._file(message.target, raw.verified(city_key))
            except (SyncError, msgspec.MsgspecError) as error:
                raise BundleRefused(f"answer {place}: {error}", reason="damaged") from error

    def hello(self, message: Hello) -> Welcome:
        """Where the city's copy ends, moved on by what it has acknowledged in this file since."""
        if self._welcome is None:  # it was not asked: then nothing that we believe is contradicted
            return Welcome(message.acked_seq, message.acked_hash, 0, 0)
        welcome = _decoded(self._welcome, Welcome)
        self.asks = welcome.recovery
        if self.heard and self._ack is not None and self._ack.acked_seq >= welcome.acked_seq:
            return msgspec.structs.replace(welcome, acked_seq=self._ack.acked_seq, acked_hash=self._ack.acked_hash)
        return welcome

    def push(self, message: Push) -> tuple[Ack, int]:
        """The next of the city's acknowledgements; the last one again, once there is no other.

        Raises:
            ServerUnreachable: there never was one (`not_carried`).
        """
        if self._acks:
            self.heard += 1
            self._ack = _decoded(self._acks.pop(0), Ack)
            if self._ack.reason == Quarantine.GAP:
                self.lacks_from = self._ack.acked_seq + 1
        if self._ack is None:
            raise ServerUnreachable("the file says nothing of entries", reason=NOT_CARRIED)
        return self._ack, 0

    def pull(
        self, cursor: int, acked: tuple[int, str] | None = None, most: int = PAGE_BYTES
    ) -> tuple[StatePage, bytes]:
        """The page that goes on from `cursor`, and the bytes that the city signed; an empty one if there is none.

        What the city withheld because it held more by then comes with a newer file, and is no trouble.
        """
        refused, self._refused = self._refused, None
        if refused is not None and decode(refused.body, Problem).reason != "behind":
            raise_for_problem(refused)
        for start, page, body in self._pages:
            if start <= cursor < page.cursor:
                return page, body
        return StatePage(cursor), b""

    def attest(self, date: str) -> Attest | None:
        """The city's word on a sealed day; None while the seal had not arrived there."""
        found = self._attests.get(date)
        if found is None or found.status != 200:
            return None
        if date not in self._told:
            self._told.add(date)
            self.heard += 1
        return _decoded(found, Attest)

    def grant(self, message: GrantRequest) -> Grant:
        """What the city said of a request that went with the file which this one answers.

        Raises:
            ServerUnreachable: nothing (`not_carried`).
        """
        said = self.answers.get(message.request)
        if said is None:
            raise ServerUnreachable("the file says nothing of these rights", reason=NOT_CARRIED)
        return said

    def close(self) -> None:
        """Nothing is open."""

    def _file(self, target: str, reply: Reply) -> None:
        """Put an answer where it will be asked for; what does not decode is none. Unknown ones are left alone."""
        pulled = _PULL.fullmatch(target)
        if target == "POST /v1/hello":
            self._welcome = _checked(reply, Welcome)
            self.life = decode(reply.body, Welcome).life if reply.status == 200 else ""
        elif target == "POST /v1/push":
            self._acks.append(_checked(reply, Ack))
        elif target == "POST /v1/grant":
            if _checked(reply, Grant).status == 200:  # of what was withheld, the next file asks again
                said = decode(reply.body, Grant)
                self.answers[said.request] = said
        elif target.startswith(_ATTEST):
            self._attests[target.removeprefix(_ATTEST)] = _checked(reply, Attest)
        elif pulled is not None and reply.status != 200:
            self._refused = _checked(reply, StatePage)
        elif pulled is not None:
            start = self._pages[-1][1].cursor if self._pages else int(pulled[1])
            self._pages.append((start, decode(reply.body, StatePage), reply.body))


def _said_again(known: CityAcknowledged | None) -> Ack | None:
    if known is None:
        return None
    return Ack(
        Outcome.ACCEPTED, known.acked_seq, known.acked_hash, known.server_ms, known.flagged, signature=known.signature
    )


def _decoded(reply: Reply, kind: type[T]) -> T:
    raise_for_problem(reply)
    return decode(reply.body, kind)


def _checked(reply: Reply, kind: type[T]) -> Reply:
    """The reply, if it is of that kind, or a problem document."""
    if reply.status == 200:
        decode(reply.body, kind)
    else:
        decode(reply.body, Problem)
    return reply
