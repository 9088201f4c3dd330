"""Sealing a file key to somebody of whom only the Ed25519 key is known: HPKE (RFC 9180) to its X25519 form.

Every kiosk knows its city's signing key, and the city every kiosk's, since enrolment; so no other key has to travel
first, which a kiosk without a line could never get. The two curves are one curve in two forms (RFC 7748 section 4.1);
that one key may serve signatures and such a KEM side by side is shown in Thormarker, "On using the same key pair for
Ed25519 and an X25519 based KEM", IACR ePrint 2021/509.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hpke import Suite

__all__ = ["SEALED_BYTES", "agreement_private", "agreement_public", "seal", "unseal"]

SEALED_BYTES = 32 + 32 + 16
"""Length of a sealed 32-byte key: the ephemeral public key, the ciphertext, the tag."""

_P = 2**255 - 19
_SIGN_BIT = 1 << 255


def agreement_public(public: bytes) -> bytes:
    """The X25519 public key that belongs to an Ed25519 one: u = (1 + y) / (1 - y) modulo 2^255 - 19.

    Raises:
        ValueError: not 32 bytes, or the point that has no such form.
    """
    if len(public) != 32:
        raise ValueError("an Ed25519 public key has 32 bytes")
    y = int.from_bytes(public, "little") & (_SIGN_BIT - 1)
    return ((1 + y) * pow(1 - y, -1, _P) % _P).to_bytes(32, "little")


def agreement_private(private: bytes) -> bytes:
    """Its private key: the first half of SHA-512 of the seed (RFC 8032 section 5.1.5), clamped where it is used."""
    return hashlib.sha512(private).digest()[:32]


def seal(public: bytes, secret: bytes, context: bytes) -> bytes:
    """Seal a 32-byte secret to whoever holds the Ed25519 key `public` belongs to; `context` must be said to open it.

    Raises:
        ValueError: not a key that anything can be sealed to.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    return _suite().encrypt(secret, X25519PublicKey.from_public_bytes(agreement_public(public)), context)


def unseal(private: bytes, sealed: bytes, context: bytes) -> bytes:
    """Undo `seal` with the Ed25519 private key.

    Raises:
        ValueError: not sealed to this key under this context, or altered.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    key = X25519PrivateKey.from_private_bytes(agreement_private(private))
    try:
        return _suite().decrypt(sealed, key, context)
    except InvalidTag as error:
        raise ValueError("not sealed to this key") from error


def _suite() -> Suite:
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
