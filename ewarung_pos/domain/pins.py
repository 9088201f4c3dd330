"""The two forms of a PIN's hash: as the city sends it, and as the till keeps it after the first right entry.

The city's is Argon2id over the PIN and can be guessed at by whoever holds it: there are a million PINs at most. The
till's own is Argon2id over HMAC-SHA-256(pepper, member, origin and PIN), and says nothing without the pepper.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

__all__ = ["OwnHash", "origin_of", "own_hash", "pepper_name", "peppered", "same_pin"]

_MARK = "till2"
_MARKS = (_MARK, "till1")  # of the one before the origin was no part
_PARTS = 4


class OwnHash(msgspec.Struct, frozen=True):
    """The till's form, kept as one text where the city's hash was.

    `pepper` names the pepper (not a secret; empty where it is no matter, for such a one opens for nobody), `origin` the
    city's hash that it came from, `encoded` is Argon2id.
    """

    pepper: str
    origin: str
    encoded: str

    def __str__(self) -> str:
        return f"{_MARK}:{self.pepper}:{self.origin}:{self.encoded}"


def own_hash(kept: str) -> OwnHash | None:
    """What is kept, when it is the till's form; None for the city's."""
    mark, *parts = kept.split(":", _PARTS - 1)
    if mark not in _MARKS or len(parts) != _PARTS - 1:
        return None
    own = OwnHash(*parts)
    return own if mark == _MARK else msgspec.structs.replace(own, pepper="")


def origin_of(kept: str) -> str:
    """Names the city's hash without repeating it: that one has 128 random bits of salt in it, which are then gone."""
    own = own_hash(kept)
    return own.origin if own is not None else hashlib.sha256(kept.encode()).hexdigest()


def same_pin(kept: str, sent: str) -> bool:
    """Whether the city sent the PIN that is kept, rather than a new one."""
    return bool(kept) and origin_of(kept) == origin_of(sent)


def pepper_name(pepper: bytes) -> str:
    """Tells peppers apart without giving them away."""
    return hmac.digest(pepper, b"name", hashlib.sha256).hex()[:16]


def peppered(pepper: bytes, code: str, origin: str, pin: str) -> bytes:
    """What Argon2id is given: a PIN keyed by the till, and bound to whose it is and to the city's hash it came from.

    Else a hash that the till made of somebody's own PIN could be given the name of the one that the city sent.
    """
    return hmac.digest(pepper, b"\0".join((b"pin", code.encode(), origin.encode(), pin.encode())), hashlib.sha256)
