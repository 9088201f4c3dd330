"""The city over HTTP: signed requests, verified answers, deadlines; every failure becomes one of the sync errors.

Nothing of an answer is used before the city's signature over it held. The exceptions change nothing but a sentence on
screen or the time of the next try: status codes of a gateway in between, and the refusal of an enrolment, which a till
that knows no city key yet cannot verify.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import hmac
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar
from urllib.parse import urlsplit

import msgspec

from ewarung_pos import __version__
from ewarung_pos.domain.state import StatePage
from ewarung_pos.errors import ConfigError, ProtocolMismatch, ServerBusy, ServerUnreachable, Unauthorised
from ewarung_pos.ports import Clock
from ewarung_pos.sync import protocol, signing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from requests import Response

__all__ = ["CityBusy", "HttpCityServer", "PulledPage", "checked_url", "public_keys"]

CONNECT_SECONDS = 3.0
READ_SECONDS = 15.0
REPLY_SECONDS = 60.0
"""For a whole answer, however slowly it drips; READ_SECONDS is the longest silence."""

COMPRESS_ABOVE = 1024
MAX_REPLY_BYTES = 2 * 1024 * 1024
"""As transmitted, and again after expansion: a state page is far below."""

MAX_RETRY_MS = 3_600_000
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PORTAL_STATUSES = range(300, 400)

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


def checked_url(url: str, ca: str = "") -> str:
    """The city's base URL without a slash at its end.

    Raises:
        ConfigError: neither https nor plain http to this machine, or the CA file is not there.
    """
    base = url.rstrip("/")
    try:
        parts = urlsplit(base)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"city.url: {url!r}, expected https://HOST[:PORT]", reason="invalid") from error
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    if not (host and secure and base.isascii()) or parts.query or parts.fragment or "@" in parts.netloc:
        raise ConfigError(
            f"city.url: {url!r}, expected https://HOST[:PORT] (http only to this machine)", reason="invalid"
        )
    if ca and not Path(ca).is_file():
        raise ConfigError(f"city.ca: {ca!r}, expected a certificate file", reason="invalid")
    return base


class HttpCityServer:
    """One session with the city. Used by one thread at a time; `close` it."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        ca: str = "",
        device: str = "",
        epoch: int = 0,
        key: Ed25519PrivateKey | None = None,
        city_keys: Iterable[Ed25519PublicKey] = (),
    ) -> None:
        import requests

        self._base = checked_url(url, ca)
        self._clock = clock
        self._keyid = signing.device_keyid(device, epoch)
        self._device = device
        self._epoch = epoch
        self._key = key
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

    def enrol(self, message: protocol.Enrol, secret: bytes) -> protocol.Enrolled:
        """Become a kiosk. The answer is believed because it knows the code's secret (`Enrolled.proof`)."""
        reply = self._exchange("POST", protocol.ENROL_PATH, msgspec.json.encode(message))
        self._refuse_portal(reply)
        if reply.status >= 300:
            self._fail(reply)
        enrolled = _decoded(reply, protocol.Enrolled)
        proof = signing.enrol_proof(secret, protocol.enrolled_text(message.code_id, enrolled))
        if not enrolled.city_keys or not hmac.compare_digest(proof, enrolled.proof):
            raise Unauthorised("the answer does not know the code", reason="signature")
        signing.verify_response(
            reply.status, reply.headers, reply.body, reply.nonce, public_keys(bytes.fromhex(enrolled.city_keys[0]))
        )
        return enrolled

    def hello(self, message: protocol.Hello) -> protocol.Welcome:
        """Say where the till stands."""
        return _decoded(self._ask("POST", protocol.HELLO_PATH, msgspec.json.encode(message)), protocol.Welcome)

    def push(self, message: protocol.Push) -> protocol.Ack:
        """Send a batch. The signature inside the acknowledgement is verified too: it goes into the journal."""
        ack = _decoded(self._ask("POST", protocol.PUSH_PATH, msgspec.json.encode(message)), protocol.Ack)
        text = protocol.ack_text(self._device, self._epoch, ack.acked_seq, ack.acked_hash, ack.server_ms)
        self._verify_text(ack.signature, text)
        return ack

    def pull(self, cursor: int) -> PulledPage:
        """The page of the city's state that follows `cursor`."""
        reply = self._ask("GET", f"{protocol.PULL_PATH}?cursor={cursor}")
        body = _expanded(reply)
        return PulledPage(_decoded(reply, StatePage), hashlib.sha256(body).hexdigest())

    def attest(self, date: str) -> protocol.Attest | None:
        """The city's totals of a business date; None when that day has not arrived."""
        reply = self._exchange("GET", f"{protocol.ATTEST_PATH}/{date}")
        self._verify(reply)
        if reply.status == 404:
            return None
        if reply.status >= 300:
            self._fail(reply)
        attest = _decoded(reply, protocol.Attest)
        if (attest.device, attest.epoch, attest.date) != (self._device, self._epoch, date):
            raise ProtocolMismatch("an attest of something else", reason="reply")
        text = protocol.attest_text(
            attest.device, attest.epoch, attest.date, attest.first_seq, attest.last_seq, attest.head
        )
        self._verify_text(attest.signature, text)
        return attest

    # -- exchange ------------------------------------------------------------------------------------------------------

    def _ask(self, method: str, target: str, body: bytes = b"") -> _Reply:
        """Send, verify, and turn every answer but a good one into its error."""
        reply = self._exchange(method, target, body)
        self._verify(reply)
        if reply.status >= 300:
            self._fail(reply)
        return reply

    def _exchange(self, method: str, target: str, body: bytes = b"") -> _Reply:
        import requests

        url = self._base + target
        headers: dict[str, str] = {}
        if body:
            headers["Content-Type"] = "application/json"
        if len(body) > COMPRESS_ABOVE:
            body = gzip.compress(body, 6, mtime=0)
            headers["Content-Encoding"] = "gzip"
        nonce = signing.new_nonce()
        if self._key is None:
            headers[signing.NONCE_HEADER] = nonce
        else:
            created = self._clock.now().wall.ms // 1000
            headers = signing.sign_request(
                method, url, headers, body, keyid=self._keyid, key=self._key, created=created, nonce=nonce
            )
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
                return _Reply(response.status_code, dict(response.headers), _transmitted(response), nonce)

    def _verify(self, reply: _Reply) -> None:
        try:
            signing.verify_response(reply.status, reply.headers, reply.body, reply.nonce, self._city_keys)
        except Unauthorised as error:
            self._refuse_portal(reply)
            if reply.status in (429, 503):
                raise CityBusy(f"unsigned {reply.status}", _retry_ms(reply)) from error
            if reply.status >= 500:
                raise ServerUnreachable(f"unsigned {reply.status}", reason="gateway") from error
            raise Unauthorised(f"{reply.status}: {error.detail or error.reason}", reason="signature") from error

    def _verify_text(self, signature: str, text: bytes) -> None:
        if not any(signing.verify_text(key, signature, text) for key in self._city_keys):
            raise Unauthorised("the document inside is not signed by the city", reason="signature")

    def _refuse_portal(self, reply: _Reply) -> None:
        """An answer for people (HTML) or a way to elsewhere is not the city's, it is the network's."""
        kind = _field(reply.headers, "content-type").partition(";")[0].strip().lower()
        if (
            reply.status in _PORTAL_STATUSES
            or kind in {"text/html", "application/xhtml+xml"}
            or reply.body.lstrip()[:1] == b"<"
        ):
            raise ServerUnreachable(f"{reply.status} {kind or 'no type'}", reason="portal")

    def _fail(self, reply: _Reply) -> NoReturn:
        """The error of an answer that is no success."""
        try:
            word = _decoded(reply, protocol.Problem).word[:32]
        except ProtocolMismatch:
            word = ""
        detail = f"{reply.status} {word}".strip()
        if reply.status in (429, 503):
            raise CityBusy(detail, _retry_ms(reply))
        if reply.status in (401, 403):
            raise Unauthorised(detail, reason=word or "refused")
        if reply.status in (409, 426):
            raise ProtocolMismatch(detail, reason=word or "schema")
        if 400 <= reply.status < 500:
            raise ProtocolMismatch(detail, reason=word or str(reply.status))
        raise ServerUnreachable(detail, reason="gateway")


def public_keys(*raw: bytes) -> tuple[Ed25519PublicKey, ...]:
    """Ed25519 public keys of their raw bytes.

    Raises:
        Unauthorised: not a key (`signature`: nothing could be verified with it).
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        return tuple(Ed25519PublicKey.from_public_bytes(key) for key in raw)
    except ValueError as error:
        raise Unauthorised("not a city key", reason="signature") from error


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Every failure of the line as ServerUnreachable: `timeout`, `tls` or `connection`."""
    import requests
    from requests.exceptions import BaseHTTPError

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
        if size > MAX_REPLY_BYTES:
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
    inflater = zlib.decompressobj(wbits=31)
    try:
        body = inflater.decompress(reply.body, MAX_REPLY_BYTES)
    except zlib.error as error:
        raise ProtocolMismatch("broken gzip", reason="reply") from error
    if not inflater.eof:
        raise ProtocolMismatch("gzip cut short, or too large", reason="reply")
    return body


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
