"""A card that no reader can read: its number typed, with the leader's PIN and a reason."""

from __future__ import annotations

from enum import StrEnum

from ewarung_pos.domain.family import card_ref
from ewarung_pos.domain.journal import CardTyped
from ewarung_pos.errors import NotEntitled
from ewarung_pos.ports import CardPresented, Ledger
from ewarung_pos.services.operators import OperatorService

__all__ = ["TypedCardService", "TypedReason"]


class TypedReason(StrEnum):
    """Why the number was typed. The card itself is on the counter in every case (domain rule R18)."""

    CARD_BROKEN = "kartu_rusak"
    READER_BROKEN = "pembaca_rusak"
    NO_READER = "tanpa_pembaca"

    @property
    def label(self) -> str:
        """As said at the counter."""
        return {
            "kartu_rusak": "kartu rusak",
            "pembaca_rusak": "pembaca rusak",
            "tanpa_pembaca": "tidak ada pembaca",
        }[self.value]


class TypedCardService:
    """Takes typed numbers. Checking the PIN takes a tenth of a second: PIN lane."""

    def __init__(self, ledger: Ledger, operators: OperatorService) -> None:
        self._ledger = ledger
        self._operators = operators

    def admit(self, number: str, reason: TypedReason, leader_pin: str, operator: str) -> CardPresented:
        """Let a typed number stand for the card, and record that it was typed.

        The number becomes its keyed reference here, and is not kept.

        Args:
            number: 14 to 19 digits.
            reason: why no reader read the card.
            leader_pin: of a leader; she may be the operator herself.
            operator: who typed.

        Raises:
            NotEntitled: typed_number (no card number; the message does not repeat it), or not_enrolled.
            NotAuthorised: the PIN is no leader's, or must wait.
            LedgerError: nothing was recorded.
        """
        key = self._ledger.read().secret("card_key")
        if key is None:
            raise NotEntitled("no card key", reason="not_enrolled")
        try:
            card = card_ref(key, number)
        except ValueError:
            raise NotEntitled("no card number", reason="typed_number") from None
        leader = self._operators.leader(leader_pin)
        with self._ledger.write() as uow:
            family = uow.family_by_card(card.token)
            key_of_family = family.key if family is not None else ""
            uow.append(CardTyped(card.last4, key_of_family, reason.value, leader.code), operator)
        return CardPresented(card, "", "typed")
