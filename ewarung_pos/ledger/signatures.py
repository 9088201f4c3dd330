"""What entries hold under a signature: the city's on what it acknowledged and granted, the device's on its seals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ewarung_pos.domain.journal import (
    CityAcknowledged,
    DayClosed,
    Entry,
    KioskEnrolled,
    RightsGranted,
    ack_text,
)
from ewarung_pos.domain.rights import grant_text

__all__ = ["SIGNED", "Signatures"]

Execute = Callable[..., Any]
Found = tuple[int, str, str]
"""(seq of the entry that is wrong, the word for it, what exactly)."""

SIGNED = frozenset((KioskEnrolled, DayClosed, CityAcknowledged, RightsGranted))
"""Facts that hold a signature, or the key that others are checked with."""


class Signatures:
    """Takes the entries of these facts in order, and tells which are not signed by whom they say.

    Attributes:
        seals: of days, so far.
    """

    def __init__(self, execute: Execute) -> None:
        self.seals = 0
        self._execute = execute
        self._device_key = ""
        self._city_key = ""

    def add(self, entry: Entry, prev_hash: bytes, identity: tuple[str, int]) -> Iterator[Found]:
        """What is wrong with the signature of an entry in the journal of this device and epoch."""
        match entry.fact:
            case KioskEnrolled() as fact:
                self._device_key, self._city_key = fact.device_key, fact.city_key
            case DayClosed() as fact:
                yield from self._seal(entry, fact, prev_hash)
            case CityAcknowledged() as fact:
                yield from self._acknowledged(entry, fact, identity)
            case fact:
                assert isinstance(fact, RightsGranted)  # noqa: S101 - nothing else is left of SIGNED
                text = grant_text(*identity, fact.request, fact.serial, fact.family, fact.leases, home=fact.home)
                if not _signed(self._city_key, text, fact.signature):
                    yield entry.seq, "grant_signature", ""

    def _acknowledged(self, entry: Entry, fact: CityAcknowledged, identity: tuple[str, int]) -> Iterator[Found]:
        """The city's signature, over an entry that is there as the city saw it."""
        seq, text = entry.seq, (*identity, fact.acked_seq, fact.acked_hash, fact.server_ms)
        row = self._execute("SELECT hash FROM ledger_entry WHERE seq = ?", (fact.acked_seq,)).fetchone()
        if not _signed(self._city_key, ack_text(*text, fact.flagged), fact.signature):
            yield seq, "acknowledged", "signature"
        elif row is None or row[0].hex() != fact.acked_hash or fact.acked_seq >= seq:
            yield fact.acked_seq, "acknowledged", f"the city holds another entry (acknowledged at {seq})"

    def _seal(self, entry: Entry, fact: DayClosed, prev_hash: bytes) -> Iterator[Found]:
        """The device's signature over the head before the seal."""
        text = f"{entry.device}|{entry.epoch}|{fact.totals.first_seq}|{entry.seq - 1}|{fact.head}"
        if not _signed(self._device_key, text.encode(), fact.signature):
            yield entry.seq, "seal", "signature"
        if fact.head != prev_hash.hex():
            yield entry.seq, "seal", "head"
        self.seals += 1


def _signed(key: str, text: bytes, signature: str) -> bool:
    """Whether this is an Ed25519 signature under the key; both hex."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), text)
    except (ValueError, InvalidSignature):
        return False
    return True
