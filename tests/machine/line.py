"""Between a till and its city, without a socket: what a line and whoever holds it can do to a message.

The till speaks through its own `HttpCityServer`; behind it answer the city's own routes. `SignedLine` goes through the
real HTTP signatures of both ends. `PlainCity` leaves those out, for runs of a million steps: an answer that was touched
is refused there by this file and not by the signature. Sockets, TLS, compression and the way through ASGI are tested in
tests/integration/city.
"""

from __future__ import annotations

import secrets
from collections import Counter, deque
from collections.abc import Callable
from enum import StrEnum
from types import SimpleNamespace
from typing import Any, NoReturn, TypeVar, cast
from urllib.parse import parse_qsl

import msgspec

from ewarung_city import routes
from ewarung_city.bodies import EnrolBody, GrantBody, HelloBody, PushBody
from ewarung_city.exchange import App, Caller, SignedExchange, _nonce_of, _Refused
from ewarung_city.keys import CityKeys
from ewarung_city.problems import Refusal
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore
from ewarung_pos.errors import PosError, ServerBusy, ServerUnreachable, Unauthorised
from ewarung_pos.sync.client import HttpCityServer, RawReply, Reply, raise_for_problem
from ewarung_pos.sync.protocol import CLOCK_TOLERANCE_S, NONCE_HEADER, Problem, encode
from ewarung_pos.sync.signing import SignedBy, new_key, public_of, sign_request, sign_response
from tests.altered import altered

__all__ = ["Counter", "Crash", "Desk", "Fault", "PlainCity", "SignedLine", "Wire"]

T = TypeVar("T")

_PAST = 12
_FOREIGN = new_key()


class Crash(BaseException):
    """The machine stops here: nothing that runs may catch it."""


class Fault(StrEnum):
    """What happens to one exchange; the first is nothing."""

    WELL = "well"
    REQUEST_LOST = "request lost"
    REPLY_LOST = "reply lost"
    CUT = "cut before the city"
    DOUBLED = "request doubled"
    DELAYED = "request delayed"
    STALE = "an earlier reply instead"
    CORRUPTED = "reply corrupted"
    FORGED = "reply signed by somebody else"
    BUSY = "city busy"
    CITY_DIES = "city dies at its commit"


_TOUCHED = frozenset((Fault.STALE, Fault.CORRUPTED, Fault.FORGED))
"""An answer comes, and it is not the city's to this request."""


class CityDied(Exception):
    """Instead of a commit of the city's database."""


class Wire:
    """One till's line.

    Attributes:
        plan: what happens to the next exchanges, in order; when it is empty they go well.
        whole: every answer is touched, whatever the plan says.
        point: called before a request goes out and after an answer came: the till may stop there.
        past: requests that were sent, to arrive once more.
        broken: makes the city's next commit fail.
    """

    def __init__(self, counted: Counter[str], broken: Callable[[bool], None]) -> None:
        self.plan: deque[Fault] = deque()
        self.whole: Fault | None = None
        self.point: Callable[[], None] = lambda: None
        self.past: deque[Callable[[], object]] = deque(maxlen=_PAST)
        self._replies: deque[Any] = deque(maxlen=_PAST)
        self._counted = counted
        self._broken = broken

    def carry(self, deliver: Callable[[], T], touch: Callable[[T, Fault], T]) -> T:
        """One exchange; `deliver` makes the city answer, `touch` changes an answer.

        Raises:
            ServerUnreachable: the answer did not come.
        """
        self.point()
        self._counted["messages"] += 1
        fault = self.whole or (self.plan.popleft() if self.plan else Fault.WELL)
        if fault is not Fault.WELL:
            self._counted[f"fault: {fault.value}"] += 1
        if fault is Fault.REQUEST_LOST:
            raise ServerUnreachable("lost", reason="timeout")
        if fault in {Fault.CUT, Fault.DELAYED}:
            if fault is Fault.DELAYED:
                self.past.append(deliver)
            raise ServerUnreachable("cut", reason="cut" if fault is Fault.CUT else "timeout")
        if fault is Fault.BUSY:
            raise ServerBusy("busy", reason="asked")
        self.past.append(deliver)
        answer = self._delivered(deliver, fault)
        self.point()
        earlier: T | None = self._replies[0] if self._replies else None
        self._replies.append(answer)
        if fault is Fault.STALE and earlier is not None:
            return touch(earlier, fault)
        if fault in {Fault.REPLY_LOST, Fault.STALE}:
            raise ServerUnreachable("lost", reason="cut")
        return touch(answer, fault) if fault in _TOUCHED else answer

    def _delivered(self, deliver: Callable[[], T], fault: Fault) -> T:
        if fault is Fault.DOUBLED:
            deliver()
        if fault is not Fault.CITY_DIES:
            return deliver()
        self._broken(True)
        try:
            return deliver()
        except CityDied:
            raise ServerUnreachable("the city died", reason="cut") from None
        finally:
            self._broken(False)


class Desk:
    """The city's end: its routes, called as Litestar calls them, behind its own look at signatures.

    Args:
        store, keys, now_ms: of the city.
        touched: told after each answer, for something may have changed.
    """

    def __init__(
        self, store: CityStore, keys: CityKeys, now_ms: Callable[[], int], touched: Callable[[], None]
    ) -> None:
        self.keys = keys
        self._city = routes.City(store, keys, now_ms)
        self._now_ms = now_ms
        self._touched = touched
        self._seen: set[str] = set()
        self._publics: dict[tuple[str, int], str] = {}
        self.exchange = SignedExchange(cast("App", None), keys, self._key_of, lambda: now_ms() // 1000)

    def _key_of(self, device: str, epoch: int) -> bytes | None:
        with self._city.store.read() as tx:
            row = tx.one(schema.epoch, device=device, epoch=epoch)
        return bytes.fromhex(row["device_key"]) if row is not None else None

    def known(self, device: str, epoch: int, public: str, created_s: int, nonce: str, target: str) -> Caller:
        """Who that is; as `SignedExchange` finds it by a signature.

        Raises:
            Refusal: nobody of this city, or a fresh message that came before.
        """
        held = self._publics.get((device, epoch))
        if held is None:
            found = self._key_of(device, epoch)
            held = self._publics[device, epoch] = found.hex() if found is not None else ""
        if held != public:
            raise Refusal(401, "Not signed by a kiosk of this city", "unknown_key")
        fresh = abs(created_s - self._now_ms() // 1000) <= CLOCK_TOLERANCE_S
        if fresh and target != "/v1/push":
            if nonce in self._seen:
                raise Refusal(409, "This message came before", "replayed")
            self._seen.add(nonce)
        return Caller(device, epoch, "", created_s, fresh)

    def answer(self, who: Callable[[], Caller], method: str, target: str, body: bytes) -> Reply:
        """One message and its answer.

        Raises:
            CityDied: at its commit; nothing was answered.
        """
        try:
            said = self._route(who(), method, target, body)
            content = said.content if hasattr(said, "content") else said
            status = getattr(said, "status_code", None) or 200
            return Reply(status, content if isinstance(content, bytes) else encode(content))
        except (Refusal, _Refused) as refused:
            return Reply(refused.problem.status, encode(refused.problem))
        except ServerBusy:
            return Reply(503, encode(Problem(503, "The city is busy", "busy")))
        except PosError as error:
            return Reply(409, encode(Problem(409, "Not possible", error.reason or "rule")))
        finally:
            self._touched()

    def _route(self, caller: Caller, method: str, target: str, body: bytes) -> Any:
        request: Any = SimpleNamespace(scope={"state": {"city": self._city, "caller": caller}})
        path, _, query = target.partition("?")
        match method, path:
            case "POST", "/v1/hello":
                return routes.hello.fn(HelloBody.message(body), request)
            case "POST", "/v1/push":
                return routes.push.fn(PushBody.message(body), request)
            case "POST", "/v1/grant":
                return routes.ask_rights.fn(GrantBody.message(body), request)
            case "POST", "/v1/enrol":
                return routes.enrol.fn(EnrolBody.message(body), request)
            case "GET", "/v1/pull":
                asked: dict[str, Any] = {
                    name: value if name == "acked_hash" else int(value) for name, value in parse_qsl(query)
                }
                return routes.pull.fn(request=request, **asked)
            case _:
                return routes.attest_day.fn(path.removeprefix("/v1/attest/"), request)


class PlainCity(HttpCityServer):
    """`HttpCityServer` without HTTP signatures: who asks is told, and answers that were touched are not believed."""

    def __init__(self, wire: Wire, desk: Callable[[], Desk], keyid: str, key: bytes, now_s: Callable[[], int]) -> None:
        device, _, epoch = keyid.partition("/")
        self._wire = wire
        self._desk = desk
        self._own = (device, int(epoch), public_of(key).hex())
        self._now = now_s
        self._count = 0

    def _reply(self, method: str, target: str, body: bytes) -> Reply:
        created, nonce = self._now(), secrets.token_hex(12)
        path = target.partition("?")[0]

        def deliver() -> Reply:
            desk = self._desk()
            return desk.answer(lambda: desk.known(*self._own, created, nonce, path), method, target, body)

        reply = self._wire.carry(deliver, _disbelieved)
        raise_for_problem(reply)
        return reply

    def close(self) -> None:
        """Nothing is open."""


def _disbelieved(answer: Reply, fault: Fault) -> NoReturn:
    raise Unauthorised(f"{fault.value}: {len(answer.body)} bytes", reason="signature")


class SignedLine:
    """`sync.client.Line` without a socket. `wires` are those of the tills, by the URL that leads to them."""

    wires: dict[str, tuple[Wire, Callable[[], Desk]]] = {}  # noqa: RUF012 - one network for the whole process

    def __init__(self, url: str, ca: str = "") -> None:
        self._wire, self._desk = self.wires[url]

    def exchange(self, method: str, target: str, body: bytes, key: bytes, keyid: str, created_s: int) -> RawReply:
        """As `Line.exchange`."""
        url = f"https://kota.test{target}"
        headers = {"Accept": "application/json", "Host": "kota.test"}
        by = SignedBy(keyid, created_s, secrets.token_urlsafe(24))
        sign_request(method, url, headers, body, key, by)
        lines = [(name.lower(), value) for name, value in headers.items()]

        def deliver() -> RawReply:
            return self._answered(method, target, lines, body, by.nonce)

        return msgspec.structs.replace(self._wire.carry(deliver, _touched), nonce=by.nonce)

    def close(self) -> None:
        """Nothing is open."""

    def _answered(self, method: str, target: str, lines: list[tuple[str, str]], body: bytes, nonce: str) -> RawReply:
        desk = self._desk()
        path, _, query = target.partition("?")
        scope = {
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "scheme": "https",
        }

        def who() -> Caller:
            caller = desk.exchange._who(scope, lines, body)
            assert caller is not None
            return caller

        reply = desk.answer(who, method, target, body)
        said = {NONCE_HEADER.lower(): _nonce_of(lines), "content-type": "application/json"}
        sign_response(reply.status, said, reply.body, desk.keys.signing, desk.keys.keyid, desk._now_ms() // 1000)
        return RawReply(reply.status, {name.lower(): value for name, value in said.items()}, reply.body, nonce)


def _touched(answer: RawReply, fault: Fault) -> RawReply:
    """What somebody on the way makes of an answer."""
    if fault is Fault.CORRUPTED:
        return msgspec.structs.replace(answer, body=altered(answer.body, len(answer.body) // 2))
    if fault is Fault.FORGED:
        said = {
            name: value for name, value in answer.headers.items() if not name.startswith(("signature", "content-d"))
        }
        sign_response(answer.status, said, answer.body, _FOREIGN, "city/0000000000000000", 1_795_480_000)
        return msgspec.structs.replace(answer, headers={name.lower(): value for name, value in said.items()})
    return answer  # an earlier one: it is the city's, and answers something else
