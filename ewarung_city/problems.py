"""What the city answers when it does not do as asked: RFC 9457 problem documents, and how they are described."""

from __future__ import annotations

import logging
from typing import Any, cast

from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec

from ewarung_city.logs import event, whereabouts
from ewarung_pos.errors import PosError, ServerBusy
from ewarung_pos.sync.protocol import PROBLEM_TYPE, Problem, encode

__all__ = ["HANDLERS", "PROBLEMS", "Refusal"]

_RETRY_S = 5
_PROBLEM_MEDIA = cast("MediaType", PROBLEM_TYPE)


class Refusal(Exception):
    """A route says no, with a problem document."""

    def __init__(self, status: int, title: str, reason: str) -> None:
        super().__init__(reason)
        self.problem = Problem(status, title, reason)


PROBLEMS = {
    status: ResponseSpec(Problem, description=said, media_type=_PROBLEM_MEDIA, generate_examples=False)
    for status, said in (
        (400, "Malformed."),
        (401, "Not signed by a kiosk."),
        (403, "Not for this kiosk."),
        (404, "Not here (yet)."),
        (408, "The body did not arrive in time."),
        (409, "Not now."),
        (413, "Too large, as sent or unpacked."),
        (415, "Packed in another way than gzip."),
        (429, "More than one kiosk's share, or too many that prove nothing; come back after Retry-After."),
        (500, "The city failed; come back."),
        (503, "The city is busy; come back."),
    )
}
"""Of every route under /v1, in the OpenAPI description."""


def _answer(problem: Problem, retry_s: int = 0) -> Response[bytes]:
    headers = {"Retry-After": str(retry_s)} if retry_s else {}
    return Response(encode(problem), status_code=problem.status, media_type=PROBLEM_TYPE, headers=headers)


def _refusal(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    return _answer(cast("Refusal", error).problem)


def _expected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The database is busy: come back; anything else of ours is about the request."""
    if isinstance(error, ServerBusy):
        event("busy", logging.WARNING, detail=error.detail)
        return _answer(Problem(503, "The city is busy", "busy"), _RETRY_S)
    return _answer(Problem(409, "Not possible", getattr(error, "reason", "") or "rule"))


def _http(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    status = cast("HTTPException", error).status_code
    reason = {404: "not_found", 405: "method", 413: "too_large"}.get(status, "malformed")
    return _answer(Problem(status, "Not understood" if status < 500 else "The city failed", reason))


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    handler = getattr(request.scope.get("route_handler"), "handler_name", "-")
    event("fault", logging.ERROR, handler=handler, fault=whereabouts(error))
    return _answer(Problem(500, "The city failed", "failure"), _RETRY_S)


HANDLERS: dict[type[Exception] | int, Any] = {
    Refusal: _refusal,
    PosError: _expected,
    HTTPException: _http,
    Exception: _unexpected,
}
"""What answers for each kind of error."""
