"""The HTTP interface of a city, and the OpenAPI description that is drawn from its routes."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any, cast

from litestar import Litestar, Request, Router
from litestar.openapi import OpenAPIConfig

from ewarung_city import bundles, routes
from ewarung_city.exchange import App, Caller, Receive, Scope, Send, SignedExchange
from ewarung_city.keys import CityKeys
from ewarung_city.limits import Limits
from ewarung_city.metrics import Metrics
from ewarung_city.openapi import DESCRIPTION, Document
from ewarung_city.postbox import Postbox
from ewarung_city.problems import HANDLERS, Refusal
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Tx
from ewarung_city.watching import Watched
from ewarung_pos.sync.protocol import MESSAGE_BYTES, SCHEMA

__all__ = ["build", "interface"]

_PUBLIC = {"public": True}
"""On a route that answers anybody; every other one is for callers that the exchange has proved."""


def build(
    store: CityStore,
    keys: CityKeys,
    now_ms: Callable[[], int] | None = None,
    *,
    metrics_token: str = "",
    limits: Limits | None = None,
) -> App:
    """The ASGI application of a city; `metrics_token` lets others than this machine read `/metrics`."""
    city = routes.City(store, keys, now_ms or (lambda: time.time_ns() // 1_000_000))
    answering = cast("App", interface())

    async def with_city(scope: Scope, receive: Receive, send: Send) -> None:
        await answering({**scope, "state": {**scope.get("state", {}), "city": city}}, receive, send)

    def find_key(device: str, epoch: int) -> bytes | None:
        with store.read() as tx:
            row = tx.one(schema.epoch, device=device, epoch=epoch)
        return bytes.fromhex(row["device_key"]) if row is not None else None

    def first(caller: Caller, nonce: str, now_s: int, until_s: int) -> bool:
        return store.turn(f"nonce {caller.device}", lambda tx: _first(tx, caller, nonce, now_s, until_s))

    def take(data: bytes) -> tuple[str, bytes]:
        done = bundles.take_bundle(store, keys, data, city.now_ms())
        return done.name, done.reply

    shared = first if store.shared else None
    signed = SignedExchange(with_city, keys, find_key, lambda: city.now_ms() // 1000, shared, limits or Limits())
    return Watched(Postbox(signed, take), Metrics(store, city.now_ms), metrics_token)


@cache
def interface() -> Litestar:
    """The routes, made once for however many cities this process serves: a request says whose it is."""
    return Litestar(
        [
            routes.enrol,
            routes.hello,
            routes.push,
            routes.pull,
            routes.ask_rights,
            routes.attest_day,
            Router("/", route_handlers=[routes.health], opt=_PUBLIC),
        ],
        before_request=_proved,
        openapi_config=OpenAPIConfig(
            title="eWarung city",
            version=f"{SCHEMA}.0.0",
            description=DESCRIPTION,
            render_plugins=[Document(path=["/openapi.json", "/"])],
            openapi_router=Router("/schema", route_handlers=[], opt=_PUBLIC, include_in_schema=False),
        ),
        exception_handlers=HANDLERS,
        request_max_body_size=MESSAGE_BYTES,
        debug=False,
        logging_config=None,
    )


def _first(tx: Tx, caller: Caller, nonce: str, now_s: int, until_s: int) -> bool:
    """Whether no worker saw this message before; what is too old to come again is forgotten."""
    whose = {"device": caller.device, "epoch": caller.epoch}
    if tx.one(schema.nonce, **whose, nonce=nonce) is not None:
        return False
    tx.forget(schema.nonce, "until_s", now_s, **whose)
    tx.add(schema.nonce, [{**whose, "nonce": nonce, "until_s": until_s}])
    return True


async def _proved(request: Request[Any, Any, Any]) -> None:
    """Whichever way a path is written, the route that it leads to decides whether a signature is needed.

    Not a guard: for each of its calls Litestar copies the whole route.
    """
    if not request.route_handler.opt.get("public") and "caller" not in request.scope.get("state", {}):
        raise Refusal(401, "Not signed by a kiosk of this city", "signature")
