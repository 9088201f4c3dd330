"""The HTTP interface: routes, problem documents, and the OpenAPI description that is drawn from them."""

from __future__ import annotations

import datetime as dt
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, cast

import msgspec
from litestar import Litestar, MediaType, Request, Response, Router, get, post
from litestar._openapi.schema_generation import SchemaCreator
from litestar.connection import ASGIConnection
from litestar.dto import AbstractDTO
from litestar.exceptions import HTTPException, ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Reference, Schema
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.typing import FieldDefinition

from ewarung_city import attest, enrolment, feed, grants, intake, recalls
from ewarung_city.exchange import App, Caller, SignedExchange, whereabouts
from ewarung_city.keys import CityKeys
from ewarung_city.openapi import DESCRIPTION, WireTypes
from ewarung_city.reading import decode_push
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Tx
from ewarung_pos.domain.bounds import EXACT
from ewarung_pos.domain.state import StatePage
from ewarung_pos.errors import PosError, ServerBusy, Unauthorised
from ewarung_pos.sync.protocol import (
    MESSAGE_BYTES,
    PROBLEM_TYPE,
    SCHEMA,
    Ack,
    Attest,
    Enrol,
    Enrolled,
    EnrolPending,
    Grant,
    GrantRequest,
    Hello,
    Mode,
    Problem,
    Push,
    Welcome,
    encode,
)

__all__ = ["build"]

_LOG = logging.getLogger("ewarung_city")
_RETRY_S = 5
_PROBLEM_MEDIA = cast("MediaType", PROBLEM_TYPE)

Cursor = Annotated[int, QueryParameter(ge=0, le=EXACT, description="Of the last page that was accepted.")]
AckedSeq = Annotated[int | None, QueryParameter(ge=0, le=EXACT, description="Last entry that both hold.")]
AckedHash = Annotated[str, QueryParameter(max_length=64, description="Its hash, hex; of the seed for entry 0.")]
Date = Annotated[str, PathParameter(description="Business date, YYYY-MM-DD.", max_length=10)]


class Health(msgspec.Struct, frozen=True):
    """The city answers, and can read its database."""

    status: str
    schema: int
    kiosks: int


@dataclass(frozen=True, slots=True)
class City:
    """What the routes need; lives in the application's state."""

    store: CityStore
    keys: CityKeys
    now_ms: Callable[[], int]


class _Refusal(Exception):
    """A route says no, with a problem document."""

    def __init__(self, status: int, title: str, reason: str) -> None:
        super().__init__(reason)
        self.problem = Problem(status, title, reason)


def build(store: CityStore, keys: CityKeys, now_ms: Callable[[], int] | None = None) -> App:
    """The ASGI application of a city."""
    city = City(store, keys, now_ms or (lambda: time.time_ns() // 1_000_000))

    def find_key(device: str, epoch: int) -> bytes | None:
        with store.read() as tx:
            row = tx.one(schema.epoch, device=device, epoch=epoch)
        return bytes.fromhex(row["device_key"]) if row is not None else None

    def first(caller: Caller, nonce: str, now_s: int, until_s: int) -> bool:
        return store.turn(f"nonce {caller.device}", lambda tx: _first(tx, caller, nonce, now_s, until_s))

    app = Litestar(
        [enrol, hello, push, pull, ask_rights, attest_day, Router("/", route_handlers=[health], opt=_PUBLIC)],
        guards=[_proved],
        openapi_config=OpenAPIConfig(
            title="eWarung city",
            version=f"{SCHEMA}.0.0",
            description=DESCRIPTION,
            render_plugins=[JsonRenderPlugin(path=["/openapi.json", "/"])],
            openapi_router=Router("/schema", route_handlers=[], opt=_PUBLIC, include_in_schema=False),
        ),
        plugins=[WireTypes()],
        exception_handlers={
            _Refusal: _refusal,
            PosError: _expected,
            HTTPException: _http,
            Exception: _unexpected,
        },
        request_max_body_size=MESSAGE_BYTES,
        debug=False,
        logging_config=None,
    )
    app.state.city = city
    return SignedExchange(
        cast("App", app), keys, find_key, lambda: city.now_ms() // 1000, first if store.shared else None
    )


def _first(tx: Tx, caller: Caller, nonce: str, now_s: int, until_s: int) -> bool:
    """Whether no worker saw this message before; what is too old to come again is forgotten."""
    whose = {"device": caller.device, "epoch": caller.epoch}
    if tx.one(schema.nonce, **whose, nonce=nonce) is not None:
        return False
    tx.forget(schema.nonce, "until_s", now_s, **whose)
    tx.add(schema.nonce, [{**whose, "nonce": nonce, "until_s": until_s}])
    return True


_PUBLIC = {"public": True}
"""On a route that answers anybody; every other one is for callers that the exchange has proved."""


def _proved(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Whichever way a path is written, the route that it leads to decides whether a signature is needed."""
    if not handler.opt.get("public") and "caller" not in connection.scope.get("state", {}):
        raise _Refusal(401, "Not signed by a kiosk of this city", "signature")


class _Verbatim(AbstractDTO[Any], ABC):
    """Decode a message in one step: a batch's entries stay untouched, for hashes are computed over their very bytes."""

    @staticmethod
    @abstractmethod
    def message(value: bytes) -> msgspec.Struct:
        """Decode it; `decode_bytes` makes one error of every one."""

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: type[Any] | None = None
    ) -> None:
        """Nothing to prepare."""

    def decode_bytes(self, value: bytes) -> msgspec.Struct:
        """The message.

        Raises:
            ValidationException: not one, not JSON, nested deeper than anything of ours, or not UTF-8.
        """
        try:
            return type(self).message(value)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            raise ValidationException("not this message") from error

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: SchemaCreator
    ) -> Reference | Schema:
        """As any other type."""
        return schema_creator.for_field_definition(field_definition)


_ENROL = msgspec.json.Decoder(Enrol)
_HELLO = msgspec.json.Decoder(Hello)
_GRANT = msgspec.json.Decoder(GrantRequest)


class _EnrolBody(_Verbatim):
    @staticmethod
    def message(value: bytes) -> Enrol:
        """An ENROL."""
        return _ENROL.decode(value)


class _HelloBody(_Verbatim):
    @staticmethod
    def message(value: bytes) -> Hello:
        """A HELLO."""
        return _HELLO.decode(value)


class _GrantBody(_Verbatim):
    @staticmethod
    def message(value: bytes) -> GrantRequest:
        """A GRANT_REQ."""
        return _GRANT.decode(value)


class _PushBody(_Verbatim):
    """One entry that is no JSON does not cost the others their place."""

    @staticmethod
    def message(value: bytes) -> Push:
        """A PUSH."""
        return decode_push(value)


_PROBLEMS = {
    400: ResponseSpec(Problem, description="Malformed.", media_type=_PROBLEM_MEDIA, generate_examples=False),
    401: ResponseSpec(
        Problem, description="Not signed by a kiosk.", media_type=_PROBLEM_MEDIA, generate_examples=False
    ),
    403: ResponseSpec(Problem, description="Not for this kiosk.", media_type=_PROBLEM_MEDIA, generate_examples=False),
    409: ResponseSpec(Problem, description="Not now.", media_type=_PROBLEM_MEDIA, generate_examples=False),
    503: ResponseSpec(Problem, description="Come back.", media_type=_PROBLEM_MEDIA, generate_examples=False),
}

# --- routes ---------------------------------------------------------------------------------------------------------


@post(
    "/v1/enrol",
    sync_to_thread=True,
    status_code=200,
    tags=["enrolment"],
    dto=_EnrolBody,
    return_dto=None,
    responses=_PROBLEMS,
)
def enrol(data: JSONBody[Enrol], request: Request[Any, Any, Any]) -> Response[Enrolled | EnrolPending]:
    """A kiosk asks to be taken in with its code; asked again until a person has compared the six digits."""
    city = _city(request)
    if _caller(request).key != data.device_key:
        raise _Refusal(403, "Signed by another key", "wrong_key")

    def work(tx: Tx) -> Enrolled | EnrolPending | Unauthorised:
        return enrolment.enrol(tx, city.keys, data, city.now_ms())

    answer = city.store.turn(f"code {data.code_id}", work)
    if isinstance(answer, Unauthorised):
        raise _Refusal(403, "The code was not accepted", answer.reason)
    return Response(answer, status_code=202 if isinstance(answer, EnrolPending) else 200)


@post(
    "/v1/hello",
    sync_to_thread=True,
    status_code=200,
    tags=["journal"],
    dto=_HelloBody,
    return_dto=None,
    responses=_PROBLEMS,
)
def hello(data: JSONBody[Hello], request: Request[Any, Any, Any]) -> Welcome:
    """Where does the city's copy of the journal end, and what may this kiosk do?"""
    city, caller = _city(request), _caller(request)
    _own(caller, data.device, data.epoch)
    if data.schema != SCHEMA:
        raise _Refusal(409, f"This city speaks version {SCHEMA}", "schema")
    answer: Welcome = city.store.turn(
        data.device, lambda tx: intake.welcome(tx, city.keys, data, city.now_ms(), fresh=caller.fresh)
    )
    return answer


@post(
    "/v1/push",
    sync_to_thread=True,
    status_code=200,
    tags=["journal"],
    dto=_PushBody,
    return_dto=None,
    responses=_PROBLEMS,
)
def push(data: JSONBody[Push], request: Request[Any, Any, Any]) -> Response[Ack]:
    """Journal up: answered after the commit; the same batch again gets the same bytes."""
    city, caller = _city(request), _caller(request)
    _own(caller, data.device, data.epoch)
    said: bytes = city.store.turn(
        data.device, lambda tx: intake.take(tx, city.keys, data, city.now_ms(), caller.created)
    )
    return cast("Response[Ack]", Response(said, media_type=MediaType.JSON))


@get("/v1/pull", sync_to_thread=True, tags=["state"], responses=_PROBLEMS)
def pull(
    cursor: Cursor, request: Request[Any, Any, Any], acked_seq: AckedSeq = None, acked_hash: AckedHash = ""
) -> StatePage:
    """State down: the page after `cursor`.

    Nothing is given to a journal that may be an older one than ours: `behind` asks for a HELLO.
    """
    city, caller = _city(request), _caller(request)
    _timely(caller)

    def work(tx: Tx) -> StatePage:
        _entitled(tx, caller, acked_seq, acked_hash)
        recalls.lapse(tx, caller.device, caller.epoch, city.now_ms())
        return feed.page_for(tx, caller.device, caller.epoch, cursor)

    page: StatePage = city.store.turn(caller.device, work)
    return page


@post(
    "/v1/grant",
    sync_to_thread=True,
    status_code=200,
    tags=["rights"],
    dto=_GrantBody,
    return_dto=None,
    responses=_PROBLEMS,
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
    """Whether this enrolment may be given anything: nothing where a person has to look, nothing to an older journal."""
    held = tx.one(schema.epoch, device=caller.device, epoch=caller.epoch)
    if held is None or held["state"] != "active" or held["mode"] != Mode.NORMAL.value:
        raise _Refusal(403, "Upload only until a person decided", "upload_only")
    if acked_seq is not None and (acked_seq, acked_hash) != (int(held["acked_seq"]), held["acked_hash"]):
        raise _Refusal(409, "This city holds another entry as the last", "behind")


@get("/v1/attest/{date:str}", sync_to_thread=True, tags=["journal"], responses=_PROBLEMS)
def attest_day(date: Date, request: Request[Any, Any, Any]) -> Attest:
    """The city's own totals of a sealed day: the operator's proof that it arrived."""
    city, caller = _city(request), _caller(request)
    _timely(caller)
    try:
        dt.date.fromisoformat(date)
    except ValueError as error:
        raise _Refusal(400, "Expected YYYY-MM-DD", "malformed") from error
    with city.store.read() as tx:
        said = attest.attest(tx, city.keys, caller.device, caller.epoch, date, city.now_ms())
    if said is None:
        raise _Refusal(404, "That day's seal is not here", "day_not_here")
    return said


@get("/health", sync_to_thread=True, tags=["service"])
def health(request: Request[Any, Any, Any]) -> Health:
    """Whether the city can work."""
    with _city(request).store.read() as tx:
        return Health("ok", SCHEMA, tx.count(schema.kiosk))


def _city(request: Request[Any, Any, Any]) -> City:
    return cast("City", request.app.state.city)


def _caller(request: Request[Any, Any, Any]) -> Caller:
    return cast("Caller", request.scope["state"]["caller"])


def _own(caller: Caller, device: str, epoch: int) -> None:
    if (caller.device, caller.epoch) != (device, epoch):
        raise _Refusal(403, "Signed by another kiosk", "wrong_key")


def _timely(caller: Caller) -> None:
    if not caller.fresh:
        raise _Refusal(409, "The kiosk's clock is off; rights wait", "clock")


# --- problems -------------------------------------------------------------------------------------------------------


def _answer(problem: Problem, retry_s: int = 0) -> Response[bytes]:
    headers = {"Retry-After": str(retry_s)} if retry_s else {}
    return Response(encode(problem), status_code=problem.status, media_type=PROBLEM_TYPE, headers=headers)


def _refusal(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    return _answer(cast("_Refusal", error).problem)


def _expected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The database is busy: come back; anything else of ours is about the request."""
    if isinstance(error, ServerBusy):
        _LOG.warning("busy: %s", error.detail)
        return _answer(Problem(503, "The city is busy", "busy"), _RETRY_S)
    return _answer(Problem(409, "Not possible", getattr(error, "reason", "") or "rule"))


def _http(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    status = cast("HTTPException", error).status_code
    reason = {404: "not_found", 405: "method", 413: "too_large"}.get(status, "malformed")
    return _answer(Problem(status, "Not understood" if status < 500 else "The city failed", reason))


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    _LOG.error("%s failed: %s", getattr(request.scope.get("route_handler"), "handler_name", "-"), whereabouts(error))
    return _answer(Problem(500, "The city failed", "failure"), _RETRY_S)
