"""Keys and signatures of both ends: Ed25519, RFC 9421 HTTP message signatures, and the secrets of an enrolment.

The signature base of RFC 9421 is built by `http-message-signatures`, so that the two ends cannot agree on a mistake of
our own. Everything heavy is imported where it is used: the till's first paint does not pay for it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ewarung_pos.errors import Unauthorised
from ewarung_pos.sync.protocol import NONCE_HEADER, Enrolled, encode

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from http_message_signatures import HTTPMessageSigner

__all__ = [
    "SignedBy",
    "answer_proof",
    "code_secret",
    "enrol_proof",
    "fingerprint",
    "new_code",
    "new_key",
    "new_wrap_key",
    "public_of",
    "same",
    "sign",
    "sign_request",
    "sign_response",
    "unwrap",
    "verify",
    "verify_request",
    "verify_response",
    "wrap",
    "wrap_public_of",
]

_REQUEST_COVERS = ("@method", "@authority", "@path", "@query", "content-digest")
_RESPONSE_COVERS = ("@status", "content-digest", NONCE_HEADER.lower())
_LABEL = "ewarung"
_CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH = 16
_CODE_ID_LENGTH = 4

# --- Ed25519 --------------------------------------------------------------------------------------------------------


def new_key() -> bytes:
    """A new private key, 32 raw bytes."""
    return secrets.token_bytes(32)


def public_of(private: bytes) -> bytes:
    """The public key, 32 raw bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def sign(private: bytes, text: bytes) -> bytes:
    """The 64-byte signature of a text."""
    return _private(private).sign(text)


@lru_cache(maxsize=4)
def _private(key: bytes) -> Ed25519PrivateKey:
    """Whoever signs, signs again: from its bytes a key costs twice a signature."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(key)


def verify(public: bytes, text: bytes, signature: bytes) -> bool:
    """Whether the signature is the key's over this text; False for anything malformed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


# --- HTTP messages ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Whose signature a request carries: key id, time of signing (seconds), and the nonce an answer must repeat."""

    keyid: str
    created: int
    nonce: str


@dataclass(slots=True)
class _Request:
    method: str
    url: str
    headers: Any


@dataclass(slots=True)
class _Response:
    status_code: int
    headers: Any
    request: None = None


class _Lines:
    """Header lines as they came, repeated ones included."""

    def __init__(self, lines: Iterable[tuple[str, str]]) -> None:
        self._lines = tuple(lines)

    def items(self) -> Iterable[tuple[str, str]]:
        return self._lines


class _Keys:
    """What the library asks for a public key: whatever the caller knows by that id."""

    def __init__(self, find: Callable[[str], bytes | None]) -> None:
        self._find = find

    def resolve_public_key(self, key_id: str) -> object | None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        public = self._find(key_id)
        return None if public is None else Ed25519PublicKey.from_public_bytes(public)


def sign_request(
    method: str,
    url: str,
    headers: MutableMapping[str, str],
    body: bytes,
    private: bytes,
    signed_by: SignedBy,
) -> None:
    """Add Content-Digest, Signature-Input and Signature to the headers. `body` is as sent, after compression."""
    created = datetime.fromtimestamp(signed_by.created, tz=UTC)
    request = _Request(method, url, headers)
    _sign(request, headers, _REQUEST_COVERS, body, private, signed_by.keyid, created, signed_by.nonce)


def verify_request(
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    find_key: Callable[[str], bytes | None],
) -> SignedBy:
    """Whose request this is. How old it is, is the caller's business: a kiosk's clock may be wrong.

    Raises:
        Unauthorised: no signature, an unknown key (`unknown_key`), or one that does not cover and fit the message.
        Exception: what `find_key` raised.
    """
    unknown = False
    failed: Exception | None = None

    def find(key_id: str) -> bytes | None:
        nonlocal unknown, failed
        try:
            found = find_key(key_id)
        except Exception as error:
            failed = error
            raise
        unknown = found is None
        return found

    try:
        parameters = _verified(_Request(method, url, _Lines(headers)), body, _REQUEST_COVERS, find)
    except Unauthorised as error:
        if failed is not None:  # the library takes whatever goes wrong meanwhile for a signature that does not fit
            raise failed from None
        if unknown:
            raise Unauthorised(error.detail, reason="unknown_key") from error
        raise
    nonce = parameters.get("nonce")
    if not isinstance(nonce, str) or not 16 <= len(nonce) <= 64:
        raise Unauthorised("the signature has no usable nonce", reason="signature")
    return SignedBy(str(parameters["keyid"]), int(parameters["created"]), nonce)


def sign_response(
    status: int, headers: MutableMapping[str, str], body: bytes, private: bytes, keyid: str, created: int
) -> None:
    """Sign an answer; its nonce header must be set already."""
    at = datetime.fromtimestamp(created, tz=UTC)
    _sign(_Response(status, headers), headers, _RESPONSE_COVERS, body, private, keyid, at)


def verify_response(status: int, headers: Mapping[str, str], body: bytes, public: bytes, nonce: str) -> None:
    """Whether the city answered this very request.

    Raises:
        Unauthorised: not signed by the city's key, or an answer to another request. Nothing of it may be used.
    """
    _verified(_Response(status, _Lines(headers.items())), body, _RESPONSE_COVERS, lambda _: public)
    said = {name.lower(): value for name, value in headers.items()}.get(NONCE_HEADER.lower(), "")
    if not hmac.compare_digest(said.encode(), nonce.encode()):
        raise Unauthorised("an answer to another request", reason="signature")


def _sign(
    message: _Request | _Response,
    headers: MutableMapping[str, str],
    covers: tuple[str, ...],
    body: bytes,
    private: bytes,
    keyid: str,
    created: datetime,
    nonce: str | None = None,
) -> None:
    """Add a signature over the base that the library builds.

    Its own `sign` builds the base a second time before it adds the two headers, in case the message changed meanwhile.
    """
    prepared = _signer().prepare(
        message,
        key_id=keyid,
        created=created,
        nonce=nonce,
        label=_LABEL,
        include_alg=True,
        covered_component_ids=covers,
        body=body,
    )
    signature = base64.b64encode(sign(private, prepared.signature_base)).decode("ascii")
    headers["Signature-Input"] = f"{_LABEL}={prepared.signature_params}"
    headers["Signature"] = f"{_LABEL}=:{signature}:"


@lru_cache(maxsize=1)
def _signer() -> HTTPMessageSigner:
    from http_message_signatures import HTTPMessageSigner, algorithms

    return HTTPMessageSigner(signature_algorithm=algorithms.ED25519)


def _verified(
    message: _Request | _Response, body: bytes, covers: tuple[str, ...], find: Callable[[str], bytes | None]
) -> dict[str, Any]:
    from http_message_signatures import HTTPMessageVerifier, algorithms
    from http_message_signatures.exceptions import HTTPMessageSignaturesException

    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519,
        key_resolver=_Keys(find),  # type: ignore[arg-type]  # the one method is all that it calls
    )
    verifier.max_clock_skew = timedelta(days=36_500)  # order and rights never hang on a clock
    try:
        (result,) = verifier.verify(message, max_age=None, require_components=covers, body=body)
    except (HTTPMessageSignaturesException, ValueError) as error:
        raise Unauthorised(str(error), reason="signature") from error
    return dict(result.parameters)


# --- enrolment ------------------------------------------------------------------------------------------------------


def new_code() -> str:
    """An enrolment code to be typed once: XXXX-XXXX-XXXX-XXXX, 20 bits of name and 60 of secret."""
    letters = "".join(secrets.choice(_CODE_ALPHABET) for _ in range(_CODE_LENGTH))
    return "-".join(letters[at : at + 4] for at in range(0, _CODE_LENGTH, 4))


def code_secret(code: str) -> tuple[str, bytes]:
    """(public name, 32-byte secret) of a code as typed: case, spaces and dashes do not matter, nor O for 0, I for 1.

    Raises:
        Unauthorised: not a code (`code_form`).
    """
    letters = "".join(c for c in code.upper() if c not in "- ").translate(str.maketrans("OIL", "011"))
    if len(letters) != _CODE_LENGTH or any(c not in _CODE_ALPHABET for c in letters):
        raise Unauthorised("an enrolment code has 16 letters and digits", reason="code_form")
    return letters[:_CODE_ID_LENGTH], hashlib.sha256(b"ewarung enrolment|" + letters.encode("ascii")).digest()


def enrol_proof(secret: bytes, code_id: str, device_key: str, wrap_key: str) -> str:
    """What only the holder of the code can say about its public keys (hex)."""
    return _mac(secret, f"enrol|{code_id}|{device_key}|{wrap_key}".encode())


def answer_proof(secret: bytes, device_key: str, city_key: str, answer: Enrolled | None = None) -> str:
    """What only the city that issued the code can answer (hex); without `answer`, that a person has to look first."""
    said = b"pending" if answer is None else encode(answer)
    return _mac(secret, f"enrolled|{device_key}|{city_key}|".encode() + said)


def same(one: str, other: str) -> bool:
    """Compare without telling how much is alike."""
    return hmac.compare_digest(one.encode(), other.encode())


def fingerprint(device_key: str, wrap_key: str, city_key: str) -> str:
    """Six digits that both screens show; a person compares them before approving."""
    digest = hashlib.sha256(f"fingerprint|{device_key}|{wrap_key}|{city_key}".encode()).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 1_000_000:06d}"


def new_wrap_key() -> bytes:
    """A new X25519 private key, 32 raw bytes."""
    return secrets.token_bytes(32)


def wrap_public_of(private: bytes) -> bytes:
    """Its public key, 32 raw bytes."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def wrap(public: bytes, secret: bytes, context: str) -> bytes:
    """Seal a secret to a kiosk's X25519 key: ephemeral key, nonce, AES-256-GCM under HKDF-SHA-256 of the agreement.

    Raises:
        ValueError: a public key that agrees on nothing (of small order).
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    ephemeral = new_wrap_key()
    mine = wrap_public_of(ephemeral)
    nonce = secrets.token_bytes(12)
    sealed = AESGCM(_agreed(ephemeral, public, mine + public, context)).encrypt(nonce, secret, context.encode())
    return mine + nonce + sealed


def unwrap(private: bytes, wrapped: bytes, context: str) -> bytes:
    """Undo `wrap`.

    Raises:
        Unauthorised: not sealed to this key, or altered.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    theirs, nonce, sealed = wrapped[:32], wrapped[32:44], wrapped[44:]
    try:
        key = _agreed(private, theirs, theirs + wrap_public_of(private), context)
        return AESGCM(key).decrypt(nonce, sealed, context.encode())
    except (InvalidTag, ValueError) as error:
        raise Unauthorised("the card key is not sealed to this till", reason="wrapped_key") from error


def _agreed(private: bytes, public: bytes, salt: bytes, context: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    shared = X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
    return HKDF(SHA256(), 32, salt, f"ewarung card key|{context}".encode()).derive(shared)


def _mac(secret: bytes, text: bytes) -> str:
    return hmac.new(secret, text, hashlib.sha256).hexdigest()
