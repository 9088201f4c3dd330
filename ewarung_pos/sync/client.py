"""The line to the city: one signed HTTP exchange at a time, with deadlines, and every failure as one of our errors.

Nothing that comes back is used before the city's signature over status, body and this request's nonce has been
verified, so a captive portal, a proxy's error page or a forged server can change nothing.
"""

from __future__ import annotations

import ipaddress
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar
from urllib.parse import urlsplit

import msgspec

from ewarung_pos.errors import ConfigError, ProtocolMismatch, ServerBusy, ServerUnreachable, Unauthorised
from ewarung_pos.sync.packing import pack, unpack
from ewarung_pos.sync.protocol import (
    MESSAGE_BYTES,
    PAGE_BYTES,
    PROBLEM_TYPE,
    Ack,
    Attest,
    Grant,
    GrantRequest,
    Hello,
    Problem,
    Push,
    StatePage,
    Welcome,
    decode,
    encode,
)
from ewarung_pos.sync.signing import SignedBy, sign_request, verify_response

if TYPE_CHECKING:
    from requests import Response

__all__ = ["Busy", "HttpCityServer", "Line", "Reply", "check_url"]

T = TypeVar("T")

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
ANSWER_SECONDS = 60.0
"""A whole answer; 256 KiB at 64 kbit/s take half of it."""

KEEP_SECONDS = 4.0
"""An idle connection is not used again after this: servers close theirs, and mobile networks forget them silently."""

_CHUNK = 16 * 1024
_PACK_FROM = 512
_MAX_RETRY_S = 3600


class Busy(ServerBusy):
    """The city asks to come back; `retry_ms` is when, 0 if it did not say."""

    code: ClassVar[str] = ServerBusy.code

    def __init__(self, detail: str = "", *, reason: str = "", retry_ms: int = 0) -> None:
        super().__init__(detail, reason=reason)
        self.retry_ms = retry_ms


class Reply(msgspec.Struct, frozen=True):
    """An answer whose signature has been verified; `body` is plain."""

    status: int
    body: bytes


class RawReply(msgspec.Struct, frozen=True):
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes
    nonce: str

    def verified(self, city_key: bytes) -> Reply:
        """The answer, if it is the city's to this request.

        Raises:
            ServerBusy: a gateway or the city asks to wait; needs no proof, because it only costs time.
            ServerUnreachable: something else answered.
            Unauthorised: not signed by the city.
        """
        if self.status in {429, 503}:
            raise Busy(f"status {self.status}", reason="asked", retry_ms=_retry_ms(self.headers))
        try:
            verify_response(self.status, self.headers, self.body, city_key, self.nonce)
        except Unauthorised as error:
            raise _unproved(self, error) from error
        try:
            coding = self.headers.get("content-encoding", "")
            return Reply(self.status, unpack(self.body) if coding == "gzip" else self.body)
        except ValueError as error:
            raise ProtocolMismatch(f"the answer's body: {error}", reason="body") from error


class Line:
    """A keep-alive connection to one city. Not for use by two threads at a time.

    Args:
        url: `https://...`; plain `http://` only on this machine.
        ca: PEM file that replaces the system's authorities; empty for those.

    Raises:
        ConfigError: a URL or file that cannot be used.
    """

    def __init__(self, url: str, ca: str = "") -> None:
        import requests

        self._base = check_url(url)
        if ca and not Path(ca).is_file():
            raise ConfigError(f"city.ca: {ca!r}, seharusnya berkas PEM", reason="invalid")
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, no netrc: where this goes is the configuration's word alone
        self._session.verify = ca or True
        self._session.headers.clear()
        self._used = 0.0

    def exchange(self, method: str, target: str, body: bytes, key: bytes, keyid: str, created_s: int) -> RawReply:
        """Send one signed request and read the whole answer.

        Raises:
            ServerUnreachable: no line (`no_line`), too slow (`timeout`), wrong certificate (`tls`), cut off
                (`cut`), an answer larger than the protocol allows (`too_large`), or a redirection (`not_the_city`).
        """
        import requests
        from requests.exceptions import BaseHTTPError  # type: ignore[attr-defined]  # what reading the raw body raises

        url = self._base + target
        headers = {"Accept-Encoding": "gzip", "Accept": "application/json", "Host": urlsplit(url).netloc}
        if body:
            headers["Content-Type"] = "application/json"
            if len(body) > _PACK_FROM:
                body = pack(body)
                headers["Content-Encoding"] = "gzip"
        by = SignedBy(keyid, created_s, secrets.token_urlsafe(24))
        sign_request(method, url, headers, body, key, by)
        if time.monotonic() - self._used > KEEP_SECONDS:
            self._session.close()  # ends the connections, not the session
        try:
            with self._session.request(
                method,
                url,
                data=body or None,
                headers=headers,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as response:
                content = _content(response)
                said = {name.lower(): value for name, value in response.headers.items()}
                status = response.status_code
        except requests.exceptions.SSLError as error:
            raise ServerUnreachable(_why(error), reason="tls") from error
        except requests.exceptions.Timeout as error:
            raise ServerUnreachable(_why(error), reason="timeout") from error
        except requests.exceptions.ConnectionError as error:
            reason = "cut" if _was_cut(error) else "no_line"
            raise ServerUnreachable(_why(error), reason=reason) from error
        except (requests.exceptions.RequestException, BaseHTTPError, OSError) as error:
            raise ServerUnreachable(_why(error), reason="cut") from error
        self._used = time.monotonic()
        if 300 <= status < 400:
            raise ServerUnreachable(f"status {status}", reason="not_the_city")
        return RawReply(status, said, content, by.nonce)

    def close(self) -> None:
        """Give the connection back."""
        self._session.close()


class HttpCityServer:
    """The city as an enrolled kiosk speaks to it.

    Args:
        line: to the city.
        keyid: `DEVICE/EPOCH`.
        device_key: private, to sign requests.
        city_key: public, the only signature that counts.
        now_s: the till's wall clock, seconds; it is told as it is, so that the city sees when it is off.
    """

    def __init__(self, line: Line, keyid: str, device_key: bytes, city_key: bytes, now_s: Callable[[], int]) -> None:
        self._line = line
        self._keyid = keyid
        self._key = device_key
        self._city_key = city_key
        self._now_s = now_s

    def hello(self, message: Hello) -> Welcome:
        """Where the city's copy of the journal ends, and what this kiosk may do."""
        return self._ask("POST", "/v1/hello", encode(message), Welcome)

    def push(self, message: Push) -> tuple[Ack, int]:
        """Send a batch; returns the answer and how many bytes the batch was."""
        body = encode(message)
        return self._ask("POST", "/v1/push", body, Ack), len(body)

    def pull(
        self, cursor: int, acked: tuple[int, str] | None = None, most: int = PAGE_BYTES
    ) -> tuple[StatePage, bytes]:
        """The page after `cursor`, and the bytes that the city signed.

        Args:
            cursor: of the last page that was accepted.
            acked: last entry (seq, hash) that the city was found to share with this journal. The city gives nothing
                when it holds more by now (`behind`): then this may be an old copy of the journal, and says HELLO first.
            most: bytes of the page, before compression.
        """
        held = f"&acked_seq={acked[0]}&acked_hash={acked[1]}" if acked is not None else ""
        size = f"&most={most}" if most < PAGE_BYTES else ""
        reply = self._reply("GET", f"/v1/pull?cursor={cursor}{held}{size}", b"")
        return _decode(reply, StatePage), reply.body

    def attest(self, date: str) -> Attest | None:
        """The city's word on a sealed day; None while the seal has not arrived there."""
        try:
            return self._ask("GET", f"/v1/attest/{date}", b"", Attest)
        except ProtocolMismatch as error:
            if error.reason == "day_not_here":
                return None
            raise

    def grant(self, message: GrantRequest) -> Grant:
        """The city's answer to a request for rights."""
        return self._ask("POST", "/v1/grant", encode(message), Grant)

    def close(self) -> None:
        """Give the connection back."""
        self._line.close()

    def _ask(self, method: str, target: str, body: bytes, kind: type[T]) -> T:
        return _decode(self._reply(method, target, body), kind)

    def _reply(self, method: str, target: str, body: bytes) -> Reply:
        """A signed answer with status 200.

        Raises:
            SyncError: anything else.
        """
        raw = self._line.exchange(method, target, body, self._key, self._keyid, self._now_s())
        reply = raw.verified(self._city_key)
        raise_for_problem(reply)
        return reply


def raise_for_problem(reply: Reply) -> None:
    """Turn a signed refusal into the error that says what to do.

    Raises:
        Unauthorised: 401, 403. ServerBusy: 429, 5xx. ProtocolMismatch: other refusals.
    """
    if reply.status < 300:
        return
    try:
        reason = decode(reply.body, Problem).reason
    except msgspec.MsgspecError:
        reason = ""
    if reply.status in {401, 403}:
        raise Unauthorised(f"status {reply.status}", reason=reason)
    if reply.status == 429 or reply.status >= 500:
        raise Busy(f"status {reply.status}", reason="server_error")
    raise ProtocolMismatch(f"status {reply.status}", reason=reason)


def check_url(url: str) -> str:
    """The URL without a trailing slash.

    Raises:
        ConfigError: not https, unless it is this machine.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"city.url: {url!r}, seharusnya https://HOST[:PORT]", reason="invalid") from error
    host = parts.hostname or ""
    if (
        parts.scheme not in {"http", "https"}
        or not host
        or parts.query
        or parts.fragment
        or parts.username
        or port == 0
    ):
        raise ConfigError(f"city.url: {url!r}, seharusnya https://HOST[:PORT]", reason="invalid")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ConfigError(f"city.url: {url!r}, seharusnya https:// (http:// hanya untuk komputer ini)", reason="no_tls")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _content(response: Response) -> bytes:
    """The body as sent, before any decoding: that is what is signed."""
    deadline = time.monotonic() + ANSWER_SECONDS
    body = bytearray()
    while piece := response.raw.read(_CHUNK, decode_content=False):
        body += piece
        if len(body) > MESSAGE_BYTES:
            raise ServerUnreachable("the answer is too large", reason="too_large")
        if time.monotonic() > deadline:
            raise ServerUnreachable("the answer takes too long", reason="timeout")
    return bytes(body)


def _decode(reply: Reply, kind: type[T]) -> T:
    try:
        return decode(reply.body, kind)
    except msgspec.MsgspecError as error:
        raise ProtocolMismatch(f"{kind.__name__}: {error}", reason="body") from error


def _unproved(reply: RawReply, error: Unauthorised) -> ServerUnreachable | Unauthorised | Busy:
    """Something answered, and it was not provably the city: say what it looks like, and use none of it."""
    if not reply.body and not reply.headers.keys() & {"content-length", "transfer-encoding"}:
        return ServerUnreachable("the head of the answer ends in the middle", reason="cut")
    if reply.status >= 500:
        return Busy(f"status {reply.status}", reason="server_error")
    kind = reply.headers.get("content-type", "").partition(";")[0].strip()
    if "signature" not in reply.headers and kind not in {"application/json", PROBLEM_TYPE}:
        return ServerUnreachable(f"status {reply.status}, {kind or 'no type'}", reason="not_the_city")
    return Unauthorised(f"status {reply.status}: {error.detail}", reason="signature")


def _retry_ms(headers: Mapping[str, str]) -> int:
    """Retry-After in seconds; the form with a date is not trusted, a clock is not."""
    text = headers.get("retry-after", "").strip()
    return min(int(text), _MAX_RETRY_S) * 1000 if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _why(error: Exception) -> str:
    """For the log: the kind of failure; messages of the library repeat the URL and are cut."""
    return f"{type(error).__name__}: {str(error)[:160]}"


def _was_cut(error: Exception) -> bool:
    """Whether the connection stood: the city may have got the request."""
    text = str(error)
    return "Connection aborted" in text or "Connection broken" in text or "IncompleteRead" in text
