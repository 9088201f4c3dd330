"""The OpenAPI document: drawn from the routes, with the messages as their decoders take them."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import msgspec
from litestar import Request
from litestar.openapi.plugins import JsonRenderPlugin

from ewarung_pos.domain.state import StatePage
from ewarung_pos.sync.protocol import (
    Ack,
    Attest,
    Enrol,
    Enrolled,
    EnrolPending,
    Grant,
    GrantRequest,
    Hello,
    Problem,
    Push,
    Welcome,
)

__all__ = ["DESCRIPTION", "Document"]

DESCRIPTION = """\
Messages between kiosks and their city. Everything under /v1 is signed both ways (RFC 9421, Ed25519): requests over
`@method @authority @path @query content-digest` with `created`, `nonce` and `keyid` (`DEVICE/EPOCH`, or
`enrol/PUBLIC-KEY-HEX`), answers over `@status content-digest ewarung-nonce`. Bodies are JSON, plain or gzip, at most
640 KiB either way; numbers are integers and have no fraction. Refusals are RFC 9457 problem documents with a stable
`reason`. A batch has at most 500 entries or 256 KiB, a page at most 240 KiB. The same batch again is answered in the
same bytes; every other message is answered once. Totals travel, never differences.
"""

_MESSAGES = (
    Ack,
    Attest,
    Enrol,
    Enrolled,
    EnrolPending,
    Grant,
    GrantRequest,
    Hello,
    Problem,
    Push,
    StatePage,
    Welcome,
)


class Document(JsonRenderPlugin):
    """Serves it as JSON."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The document: what Litestar says of the routes, what msgspec says of the messages."""
        known = openapi_schema["components"]["schemas"]
        components = {**openapi_schema["components"], "schemas": {**known, **_messages()}}
        return self.render_json(request, {**openapi_schema, "components": components})


@cache
def _messages() -> dict[str, Any]:
    """JSON Schema of every message and its parts, by the rules that decode them."""
    _, found = msgspec.json.schema_components(_MESSAGES, ref_template="#/components/schemas/{name}")
    for schema in found.values():
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
    entries = found["Push"]["properties"]["entries"]
    entries["items"] = {"type": "object", "description": "A journal entry: RFC 8785 canonical JSON."}
    return found
