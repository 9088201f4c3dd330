"""A purse debit on its way to the terminal, as the ledger keeps it for whoever has to finish it."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from ewarung_pos.domain.family import CardRef
from ewarung_pos.domain.redemption import AttemptState, Basket, RedemptionLine
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.ports.devices import Approved

__all__ = ["Attempt"]


class Attempt(msgspec.Struct, frozen=True):
    """A purse debit, or the void of one, on its way to the terminal.

    `kind` is sale or void. A sale keeps its `basket` and the `lines` as priced when the holder was asked, so that the
    redemption can be completed after a power cut and whatever the catalogue says by then; a void keeps the `entry` it
    undoes, the `reason` and the `leader` who allowed it, for the same purpose. `salt` (hex) is random and stands here
    alone: once the family left the register, nobody finds its card by guessing what the journal's `intent` was of.
    """

    id: str
    state: AttemptState
    family: str
    card: CardRef
    amount: int
    basket: Basket
    presence: str
    programme: str
    date: BusinessDate
    opened_ms: int
    operator: str
    approval: Approved | None = None
    proxy_reason: str = ""
    kind: str = "sale"
    entry: str = ""
    reason: str = ""
    leader: str = ""
    lines: tuple[RedemptionLine, ...] = ()
    salt: str = ""

    def intent(self) -> str:
        """Digest (SHA-256, hex) of the attempt as it was opened: the same whatever became of it since."""
        opened = msgspec.structs.replace(self, state=AttemptState.PENDING, approval=None)
        return sha256(msgspec.json.encode(opened)).hexdigest()

    def forgotten(self) -> Attempt:
        """What stays of one that is over when its family leaves the register: nothing that the journal does not say."""
        return Attempt(
            id=self.id,
            state=self.state,
            family=self.family,
            card=CardRef("", self.card.last4),
            amount=self.amount,
            basket=Basket(),
            presence="",
            programme="",
            date=self.date,
            opened_ms=0,
            operator=self.operator,
            approval=self.approval,
            kind=self.kind,
        )
