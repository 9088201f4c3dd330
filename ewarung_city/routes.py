"""The routes of the HTTP interface: each is one message, answered by one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, cast

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, PathParameter, QueryParameter

from ewarung_city import attest, enrolment, feed, grants, greeting, intake, recalls
from ewarung_city.bodies import EnrolBody, GrantBody, HelloBody, PushBody
from ewarung_city.exchange import Caller
from ewarung_city.keys import CityKeys
from ewarung_city.problems import PROBLEMS, Refusal
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Tx
from ewarung_pos.domain.bounds import EXACT
from ewarung_pos.domain.state import StatePage
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.errors import Unauthorised
from ewarung_pos.sync.protocol import (
    PAGE_BYTES,
    SCHEMA,
    Ack,
    Attest,
    Enrol,
    Enrolled,
    EnrolPending,
    Grant,
    GrantRequest,
    Hello,
    Push,
    Welcome,
)

__all__ = ["City", "ask_rights", "attest_day", "enrol", "health", "hello", "pull", "push"]

Cursor = Annotated[int, QueryParameter(ge=0, le=EXACT, description="Of the last page that was accepted.")]
AckedSeq = Annotated[int, QueryParameter(ge=-1, le=EXACT, description="Last entry that both hold; -1 says nothing.")]
AckedHash = Annotated[str, QueryParameter(max_length=64, description="Its hash, hex; of the seed for entry 0.")]
Most = Annotated[int, QueryParameter(ge=1024, le=PAGE_BYTES, description="Bytes of the page at most, uncompressed.")]
Date = Annotated[
    str,
    PathParameter(
        description="Business date, YYYY-MM-DD.",
        pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        max_length=10,
        schema_extra={"format": "date"},
    ),
]


@dataclass(frozen=True, slots=True)
class City:
    """What the routes need; every request brings it along in its state."""

    store: CityStore
    keys: CityKeys
    now_ms: Callable[[], int]


class Health(msgspec.Struct, frozen=True):
    """The city answers, and can read its database."""

    status: str
    schema: int
    kiosks: int


@post(
    "/v1/enrol",
    sync_to_thread=True,
    status_code=200,
    tags=["enrolment"],
    dto=EnrolBody,
    return_dto=None,
    responses={
        **PROBLEMS,
        202: ResponseSpec(EnrolPending, description="A person compares the six digits first.", generate_examples=False),
    },
)
def enrol(data: JSONBody[Enrol], request: Request[Any, Any, Any]) -> Response[Enrolled | EnrolPending]:
    """A kiosk asks to be taken in with its code; asked again until a person has compared the six digits."""
    city = _city(request)
    if _caller(request).key != data.device_key:
        raise Refusal(403, "Signed by another key", "wrong_key")

    def work(tx: Tx) -> Enrolled | EnrolPending | Unauthorised:
        return enrolment.enrol(tx, city.keys, data, city.now_ms())

    answer = city.store.turn(f"code {data.code_id}", work)
    if isinstance(answer, Unauthorised):
        raise Refusal(403, "The code was not accepted", answer.reason)
    return Response(answer, status_code=202 if isinstance(answer, EnrolPending) else 200)


@post(
    "/v1/hello",
    sync_to_thread=True,
    status_code=200,
    tags=["journal"],
    dto=HelloBody,
    return_dto=None,
    responses=PROBLEMS,
)
def hello(data: JSONBody[Hello], request: Request[Any, Any, Any]) -> Welcome:
    """Where does the city's copy of the journal end, and what may this kiosk do?"""
    city, caller = _city(request), _caller(request)
    _own(caller, data.device, data.epoch)
    if data.schema != SCHEMA:
        raise Refusal(409, f"This city speaks version {SCHEMA}", "schema")
    answer: Welcome = city.store.turn(
        data.device, lambda tx: greeting.welcome(tx, city.keys, data, city.now_ms(), fresh=caller.fresh)
    )
    return answer


@post(
    "/v1/push",
    sync_to_thread=True,
    status_code=200,
    tags=["journal"],
    dto=PushBody,
    return_dto=None,
    responses=PROBLEMS,
)
def push(data: JSONBody[Push], request: Request[Any, Any, Any]) -> Response[Ack]:
    """Journal up: answered after the commit; the same batch again gets the same bytes."""
    city, caller = _city(request), _caller(request)
    _own(caller, data.device, data.epoch)
    said: bytes = city.store.turn(
        data.device, lambda tx: intake.take(tx, city.keys, data, city.now_ms(), caller.created)
    )
    return cast("Response[Ack]", Response(said, media_type=MediaType.JSON))


@get("/v1/pull", sync_to_thread=True, tags=["state"], responses=PROBLEMS)
def pull(
    cursor: Cursor,
    request: Request[Any, Any, Any],
    acked_seq: AckedSeq = -1,
    acked_hash: AckedHash = "",
    most: Most = PAGE_BYTES,
) -> StatePage:
    """State down: the page after `cursor`.

    Nothing is given to a journal that may be an older one than ours: `behind` asks for a HELLO.
    """
    city, caller = _city(request), _caller(request)
    _timely(caller)

    def work(tx: Tx) -> StatePage:
        _entitled(tx, caller, acked_seq if acked_seq >= 0 else None, acked_hash)
        recalls.lapse(tx, caller.device, caller.epoch, city.now_ms())
        return feed.page_for(tx, caller.device, caller.epoch, cursor, most)

    page: StatePage = city.store.turn(caller.device, work)
    return page


@post(
    "/v1/grant",
    sync_to_thread=True,
    status_code=200,
    tags=["rights"],
    dto=GrantBody,
    return_dto=None,
    responses=PROBLEMS,
)
def ask_rights(data: JSONBody[GrantRequest], request: Request[Any, Any, Any]) -> Grant:
    """Rights for whose card is on this kiosk's counter; the same request is granted once and answered for ever."""
    city, caller = _city(request), _caller(request)
    _own(caller, data.device, data.epoch)
    _timely(caller)

    def work(tx: Tx) -> Grant:
        _entitled(tx, caller, data.acked_seq, data.acked_hash)
        return grants.ask(tx, city.keys, data, city.now_ms())

    said: Grant = city.store.turn(caller.device, work)
    return said


def _entitled(tx: Tx, caller: Caller, acked_seq: int | None, acked_hash: str) -> None:
    """Whether this enrolment may be given anything."""
    why = greeting.withheld(tx, caller.device, caller.epoch, acked_seq, acked_hash)
    if why is not None:
        raise Refusal(why.status, why.title, why.reason)


@get("/v1/attest/{date:str}", sync_to_thread=True, tags=["journal"], responses=PROBLEMS)
def attest_day(date: Date, request: Request[Any, Any, Any]) -> Attest:
    """The city's own totals of a sealed day: the operator's proof that it arrived."""
    city, caller = _city(request), _caller(request)
    _timely(caller)
    try:
        BusinessDate(date)
    except ValueError as error:
        raise Refusal(400, "Expected YYYY-MM-DD", "malformed") from error
    with city.store.read() as tx:
        said = attest.attest(tx, city.keys, caller.device, caller.epoch, date, city.now_ms())
    if said is None:
        raise Refusal(404, "That day's seal is not here", "day_not_here")
    return said


@get("/health", sync_to_thread=True, tags=["service"])
def health(request: Request[Any, Any, Any]) -> Health:
    """Whether the city can work."""
    with _city(request).store.read() as tx:
        return Health("ok", SCHEMA, tx.count(schema.kiosk))


def _city(request: Request[Any, Any, Any]) -> City:
    return cast("City", request.scope["state"]["city"])


def _caller(request: Request[Any, Any, Any]) -> Caller:
    return cast("Caller", request.scope["state"]["caller"])


def _own(caller: Caller, device: str, epoch: int) -> None:
    if (caller.device, caller.epoch) != (device, epoch):
        raise Refusal(403, "Signed by another kiosk", "wrong_key")


def _timely(caller: Caller) -> None:
    if not caller.fresh:
        raise Refusal(409, "The kiosk's clock is off; rights wait", "clock")
