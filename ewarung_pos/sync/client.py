"""The city over HTTP: signed requests, verified answers, deadlines; every failure becomes one of the sync errors.

Nothing of an answer is used before the city's signature over it held. The exceptions change nothing but a sentence on
screen or the time of the next try: status codes of a gateway in between, and the refusal of an enrolment, which a till
that knows no city key yet cannot verify.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TypeVar

import msgspec

from ewarung_pos import __version__
from ewarung_pos.domain.state import StatePage
from ewarung_pos.errors import ProtocolMismatch, ServerBusy, ServerUnreachable, SyncError, Unauthorised
from ewarung_pos.ports import Clock
from ewarung_pos.sync import protocol, signing
from ewarung_pos.sync.address import checked_url

if TYPE_CHECKING:
    from requests import Response

__all__ = ["CityBusy", "HttpCityServer", "PulledPage"]

CONNECT_SECONDS = 3.0
READ_SECONDS = 15.0
REPLY_SECONDS = 60.0
"""For a whole answer, however slowly it drips; READ_SECONDS is the longest silence."""

KEEP_SECONDS = 4.0
"""An idle connection is not used again after this: servers close theirs, and mobile networks forget them silently."""

COMPRESS_ABOVE = 1024
"""Bytes; below, the headers are longer than what compression saves."""

MAX_RETRY_MS = 3_600_000
_CLOCK = "clock"  # the city's word for a kiosk whose clock is off: entries are taken, rights wait
_FOR_PEOPLE = ("text/html", "application/xhtml+xml")

T = TypeVar("T")


class CityBusy(ServerBusy):
    """The city asks to come back later, and says when: `retry_ms`, 0 when it did not."""

    def __init__(self, detail: str, retry_ms: int) -> None:
        super().__init__(detail)
        self.retry_ms = retry_ms


@dataclass(frozen=True, slots=True)
class PulledPage:
    """A verified page of the city's state, and SHA-256 (hex) of its JSON as the city wrote it."""

    page: StatePage
    digest: str


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: dict[str, str]
    body: bytes
    nonce: str


class HttpCityServer:
    """One session with the city. Used by one thread at a time; `close` it.

    Args:
        url: of the city.
        clock: says when a request was signed.
        ca: file with the authority of the city's certificate; empty for those that the system trusts.
        device: the kiosk; empty for one that wants to enrol and is known by its key alone.
        epoch: of its enrolment.
        key: the device key, 32 raw bytes.
        city_keys: public keys that may sign an answer, 32 raw bytes each.

    Raises:
        ConfigError: the URL or the CA file cannot be used.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        ca: str = "",
        device: str = "",
        epoch: int = 0,
        key: bytes,
        city_keys: Iterable[bytes] = (),
    ) -> None:
        import requests

        self._base = checked_url(url, ca)
        self._clock = clock
        self._device = device
        self._epoch = epoch
        self._used = 0.0
        self._key = key
        self._keyid = f"{device}/{epoch}" if device else f"enrol/{signing.public_of(key).hex()}"
        self._city_keys = tuple(city_keys)
        self._session = requests.Session()
        # No .netrc credentials, and no proxy of whoever set one up on this machine: the line is the kiosk's own.
        self._session.trust_env = False
        self._session.headers.update(
            {"User-Agent": f"ewarung-pos/{__version__}", "Accept": "application/json", "Accept-Encoding": "gzip"}
        )
        if ca:
            self._session.verify = ca

    def close(self) -> None:
        """End the session."""
        self._session.close()

    # -- messages ------------------------------------------------------------------------------------------------------
    #
    # Each raises ServerUnreachable, ServerBusy (CityBusy when the city said when), Unauthorised or ProtocolMismatch.

    def enrol(self, message: protocol.Enrol, secret: bytes) -> protocol.Enrolled | protocol.EnrolPending:
        """Ask to become a kiosk. The answer is believed because it knows the code's secret (`proof`).

        EnrolPending: a person at the city has to look first; ask again with the same message.
        """
        reply = self._exchange("POST", "/v1/enrol", protocol.encode(message))
        _refuse_portal(reply)
        if reply.status >= 300:
            _fail(reply)
        answer: protocol.Enrolled | protocol.EnrolPending
        try:
            answer = _decoded(reply, protocol.Enrolled)
            said = msgspec.structs.replace(answer, proof="")
            proof = signing.answer_proof(secret, message.device_key, answer.city_key, said)
        except ProtocolMismatch:
            answer = _decoded(reply, protocol.EnrolPending)
            proof = signing.answer_proof(secret, message.device_key, answer.city_key)
        if not signing.same(proof, answer.proof):
            raise Unauthorised("the answer does not know the code", reason="signature")
        signing.verify_response(reply.status, reply.headers, reply.body, bytes.fromhex(answer.city_key), reply.nonce)
        return answer

    def hello(self, message: protocol.Hello) -> protocol.Welcome:
        """Say where the till stands."""
        return _decoded(self._ask("POST", "/v1/hello", protocol.encode(message)), protocol.Welcome)

    def push(self, message: protocol.Push) -> protocol.Ack:
        """Send a batch. The signature inside the acknowledgement is verified too: it goes into the journal."""
        ack = _decoded(self._ask("POST", "/v1/push", protocol.encode(message)), protocol.Ack)
        self._verify_text(
            ack.signature,
            protocol.ack_text(self._device, self._epoch, ack.acked_seq, ack.acked_hash, ack.server_ms, ack.flagged),
        )
        return ack

    def pull(self, cursor: int) -> PulledPage:
        """The page of the city's state that follows `cursor`."""
        reply = self._ask("GET", f"/v1/pull?cursor={cursor}")
        return PulledPage(_decoded(reply, StatePage), hashlib.sha256(_expanded(reply)).hexdigest())

    def attest(self, date: str) -> protocol.Attest | None:
        """The city's totals of a business date; None when the close of that day has not arrived."""
        reply = self._exchange("GET", f"/v1/attest/{date}")
        self._verify(reply)
        if reply.status == 404:
            return None
        if reply.status >= 300:
            _fail(reply)
        attest = _decoded(reply, protocol.Attest)
        if (attest.device, attest.epoch, attest.date) != (self._device, self._epoch, date):
            raise ProtocolMismatch("an attest of something else", reason="reply")
        self._verify_text(attest.signature, protocol.attest_text(attest))
        return attest

    # -- exchange ------------------------------------------------------------------------------------------------------

    def _ask(self, method: str, target: str, body: bytes = b"") -> _Reply:
        """Send, verify, and turn every answer but a good one into its error."""
        reply = self._exchange(method, target, body)
        self._verify(reply)
        if reply.status >= 300:
            _fail(reply)
        return reply

    def _exchange(self, method: str, target: str, body: bytes = b"") -> _Reply:
        url = self._base + target
        headers: dict[str, str] = {}
        if body:
            headers["Content-Type"] = "application/json"
        if len(body) > COMPRESS_ABOVE:
            body = protocol.pack(body)
            headers["Content-Encoding"] = "gzip"
        nonce = secrets.token_hex(16)
        by = signing.SignedBy(self._keyid, self._clock.now().wall.ms // 1000, nonce)
        signing.sign_request(method, url, headers, body, self._key, by)
        if time.monotonic() - self._used > KEEP_SECONDS:
            self._session.close()  # ends the connections, not the session
        with _translated():
            response = self._session.request(
                method,
                url,
                data=body or None,
                headers=headers,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
            )
            with response:
                reply = _Reply(response.status_code, dict(response.headers), _transmitted(response), nonce)
        self._used = time.monotonic()
        return reply

    def _verify(self, reply: _Reply) -> None:
        failure = "no city key"
        for public in self._city_keys:
            try:
                signing.verify_response(reply.status, reply.headers, reply.body, public, reply.nonce)
            except Unauthorised as error:
                failure = error.detail
            else:
                return
        _refuse_portal(reply)
        if reply.status in (429, 503):
            raise CityBusy(f"unsigned {reply.status}", _retry_ms(reply))
        if reply.status >= 500:
            raise ServerUnreachable(f"unsigned {reply.status}", reason="gateway")
        raise Unauthorised(f"{reply.status}: {failure}", reason="signature")

    def _verify_text(self, signature: str, text: bytes) -> None:
        try:
            raw = bytes.fromhex(signature)
        except ValueError:
            raw = b""
        if not any(signing.verify(public, text, raw) for public in self._city_keys):
            raise Unauthorised("the document inside is not signed by the city", reason="signature")


def _refuse_portal(reply: _Reply) -> None:
    """An answer for people (HTML) or a way to elsewhere is not the city's, it is the network's."""
    kind = _field(reply.headers, "content-type").partition(";")[0].strip().lower()
    if 300 <= reply.status < 400 or kind in _FOR_PEOPLE or reply.body.lstrip()[:1] == b"<":
        raise ServerUnreachable(f"{reply.status} {kind or 'no type'}", reason="portal")


def _fail(reply: _Reply) -> NoReturn:
    """Raise the error of an answer that is no success."""
    try:
        word = _decoded(reply, protocol.Problem).reason[:32]
    except ProtocolMismatch:
        word = ""
    detail = f"{reply.status} {word}".strip()
    if reply.status in (429, 503):
        raise CityBusy(detail, _retry_ms(reply))
    if reply.status in (401, 403):
        raise Unauthorised(detail, reason=word or "refused")
    if word == _CLOCK:
        raise SyncError(detail, reason=_CLOCK)
    if reply.status in (409, 426):
        raise ProtocolMismatch(detail, reason=word or "schema")
    if 400 <= reply.status < 500:
        raise ProtocolMismatch(detail, reason=word or str(reply.status))
    raise ServerUnreachable(detail, reason="gateway")


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Every failure of the line as ServerUnreachable: `timeout`, `tls` or `connection`."""
    import requests
    from requests.exceptions import BaseHTTPError  # type: ignore[attr-defined]  # what reading the raw body raises

    try:
        yield
    except requests.Timeout as error:
        raise ServerUnreachable(type(error).__name__, reason="timeout") from error
    except requests.exceptions.SSLError as error:
        raise ServerUnreachable(type(error).__name__, reason="tls") from error
    except (requests.RequestException, BaseHTTPError, OSError) as error:
        raise ServerUnreachable(type(error).__name__, reason="connection") from error


def _transmitted(response: Response) -> bytes:
    """The body as it came, still compressed; bounded in size and time."""
    deadline = time.monotonic() + REPLY_SECONDS
    parts: list[bytes] = []
    size = 0
    for part in response.raw.stream(16 * 1024, decode_content=False):
        parts.append(part)
        size += len(part)
        if size > protocol.MESSAGE_BYTES:
            raise ServerUnreachable("an answer without end", reason="portal")
        if time.monotonic() > deadline:
            raise ServerUnreachable("an answer that drips", reason="timeout")
    return b"".join(parts)


def _expanded(reply: _Reply) -> bytes:
    coding = _field(reply.headers, "content-encoding").strip().lower()
    if coding in {"", "identity"}:
        return reply.body
    if coding != "gzip":
        raise ProtocolMismatch(f"content-encoding {coding[:16]}", reason="reply")
    try:
        return protocol.unpack(reply.body)
    except ValueError as error:
        raise ProtocolMismatch(str(error), reason="reply") from error


def _decoded(reply: _Reply, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(_expanded(reply), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolMismatch(f"{kind.__name__}: {error}"[:200], reason="reply") from error


def _field(headers: dict[str, str], wanted: str) -> str:
    return next((value for name, value in headers.items() if name.lower() == wanted), "")


def _retry_ms(reply: _Reply) -> int:
    """`Retry-After` in milliseconds, within the hour; 0 when it says nothing useful."""
    text = _field(reply.headers, "retry-after").strip()
    return min(int(text) * 1000, MAX_RETRY_MS) if text.isascii() and text.isdigit() and len(text) < 8 else 0
