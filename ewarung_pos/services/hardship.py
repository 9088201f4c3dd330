"""Nobody is sent home because a network is down: serve from the kiosk's pool, with the leader's word and a reason."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import Standing
from ewarung_pos.domain.family import CardRef, HolderPresence
from ewarung_pos.domain.free_text import NOTE_CHARS, PROXY_REASON_CHARS
from ewarung_pos.domain.journal import HardshipAllowed
from ewarung_pos.domain.redemption import Basket
from ewarung_pos.domain.rights import (
    HardshipReason,
    name_digest,
    pool_family,
    pool_helps,
    pool_of,
    pool_standing,
    with_pool,
)
from ewarung_pos.errors import NotAuthorised, NotEntitled
from ewarung_pos.ports import Clock, Ledger, LedgerReader
from ewarung_pos.services.redeem import Redemption, hand_out
from ewarung_pos.services.standing import standing_of
from ewarung_pos.services.typed import refuse_text

__all__ = ["HardshipOffer", "HardshipService"]


class HardshipOffer(msgspec.Struct, frozen=True):
    """What the pool can do for a card: who stands there as it may serve them, and the catalogue with its programme."""

    standing: Standing
    catalogue: Catalogue

    @property
    def helps(self) -> bool:
        """Whether anything is left in it."""
        return any(lease.rest > 0 for lease in self.standing.leases)


class HardshipService:
    """The kiosk's hardship pool (sync.md section 1), on the ledger lane.

    That there is no line, or no answer of the home kiosk, is for who asks here to find out first: this service only
    keeps the pool's own rules.
    """

    def __init__(self, ledger: Ledger, clock: Clock, offset_ms: Callable[[], int | None]) -> None:
        """`offset_ms` gives the city's time minus ours at the last exchange, if there was one."""
        self._ledger = ledger
        self._clock = clock
        self._offset_ms = offset_ms

    def offer(self, card: CardRef) -> HardshipOffer | None:
        """What the pool can do for this card now; None when it is not for them."""
        reader = self._ledger.read()
        standing = standing_of(reader, card, self._clock.now().wall, self._offset_ms)
        return self._offer(reader, standing) if pool_helps(standing) else None

    def serve(
        self,
        card: CardRef,
        basket: Basket,
        presence: HolderPresence,
        reason: HardshipReason,
        operator: str,
        leader: str,
        *,
        proxy_reason: str = "",
        name: str = "",
    ) -> Redemption:
        """Hand out a basket of the pool: the leader's word and the redemption in one commit.

        Args:
            card: on the counter, in the register here or not.
            basket: of the offer.
            presence: who came.
            reason: why the family's own rights cannot be reached.
            operator: who serves.
            leader: code of the leader whose PIN was right (`OperatorService.leader`).
            proxy_reason: why a proxy came.
            name: as the holder says it, where the register here has none; only its keyed digest is kept.

        Raises:
            NotEntitled: has_rights (rights of this month are or were here), or the basket is none of the pool.
            NotAuthorised: no leader.
            RuleViolation: anything else that stands in the way; nothing happened.
        """
        refuse_text(proxy_reason, PROXY_REASON_CHARS)
        refuse_text(name, NOTE_CHARS)
        if not leader:
            raise NotAuthorised("the pool needs a leader", reason="no_leader")
        with self._ledger.write() as uow:
            standing = standing_of(uow, card, self._clock.now().wall, self._offset_ms)
            if not standing.refusals and not pool_helps(standing):
                raise NotEntitled("the family has rights here", reason="has_rights")
            offer = self._offer(uow, standing)
            word = HardshipAllowed(
                receipt=uow.next_receipt(),
                family=pool_family(standing).key,
                last4=card.last4,
                reason=reason.value,
                approved_by=leader,
                named=name_digest(uow.secret("card_key") or b"", name),
            )
            uow.append(word, operator)
            return hand_out(uow, offer.standing, basket, offer.catalogue, presence, operator, proxy_reason)

    @staticmethod
    def _offer(reader: LedgerReader, standing: Standing) -> HardshipOffer:
        identity = reader.identity()
        pool = reader.leases(pool_of(identity.device if identity is not None else ""), standing.period)
        return HardshipOffer(pool_standing(standing, pool), with_pool(reader.catalogue(), pool))
