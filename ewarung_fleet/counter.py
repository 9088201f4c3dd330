"""Who stands behind a counter, and what she does: serve, ask the city, help from the pool, undo, print, mend a clock.

Everything goes through the services that the till's screens use. What happens more than once after a power failure is
looked up first, as a person would in Riwayat.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from ewarung_fleet.plan import Visit
from ewarung_fleet.till import CASHIER, LEADER, Till
from ewarung_pos.domain.catalogue import BenefitKind, Catalogue
from ewarung_pos.domain.documents import Document
from ewarung_pos.domain.entitlement import Lease, Refusal, Standing
from ewarung_pos.domain.family import CardRef, HolderPresence
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.rights import HardshipReason, asks_city
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.errors import ClockSuspect, RuleViolation, SyncError
from ewarung_pos.ports import DeviceState, DeviceStatus, PaymentIntent, PrintReport, RightsAnswer, RightsWish
from ewarung_pos.services.redeem import Redemption
from ewarung_pos.services.reverse import Reversal, ReversalReason

__all__ = ["FINAL", "SERVED", "WAITING", "Counter", "Paper"]

SERVED = ""
FINAL = "final"
"""Not served, and coming again would not help."""
WAITING = "waiting"
"""Another kiosk was asked to give back what is its to give; the family stays at the counter."""

_NEAR_MS = 45 * 60_000
_REVERSED = 0.012
_VOIDED = 0.01


class Paper:
    """A printer that never fails, and keeps nothing."""

    columns = 48

    def print(self, document: Document) -> PrintReport:
        """It came out."""
        return PrintReport(confirmed=bool(document.blocks), status=self.status())

    def status(self) -> DeviceStatus:
        """Ready."""
        return DeviceStatus(DeviceState.READY)

    def seen(self) -> DeviceStatus:
        """Ready."""
        return self.status()

    def close(self) -> None:
        """There is no port."""


class Counter:
    """The work at one kiosk's counter.

    Args:
        till: of the kiosk.
        draw: decides what people do.
        card_of: the card of a family, as a reader would give it.
        rations: base units of each commodity of a whole ration.

    Attributes:
        waits_for: names of kiosks that somebody here waits for.
        on_paper: cards of families whose receipts are all that is left of a destroyed disk: they get nothing more.
    """

    def __init__(
        self, till: Till, draw: random.Random, card_of: Callable[[int], CardRef], rations: dict[str, int]
    ) -> None:
        self._till = till
        self._draw = draw
        self._card_of = card_of
        self._rations = rations
        self._paper = Paper()
        self._wishes: dict[int, str] = {}
        self._waited: set[int] = set()
        self.waits_for: set[str] = set()
        self.on_paper: set[str] = set()

    def visit(self, visit: Visit) -> str:
        """Serve somebody; SERVED, WAITING, or why not. A power failure in between is survived."""
        till, card = self._till, self._card_of(visit.family)
        if card.token in self.on_paper and visit.wants != "purse":
            till.truth.turn_away("receipt_on_paper", visit.family)
            return FINAL
        till.serving(card)
        before = len(till.truth.handed)

        def serve() -> str:
            if till.truth.net_since(before) > 0:
                return SERVED  # it had happened when the power failed
            return self._purse(card, visit) if visit.wants == "purse" else self._ration(card, visit)

        said = till.powered(serve)
        if said not in {SERVED, WAITING, FINAL}:
            if visit.wants == "greedy":
                till.truth.turn_away(f"greedy: {said}")
            else:
                till.truth.turn_away(said, visit.family if visit.wants != "purse" else None)
        till.powered(self.print_owed)
        return said

    def print_owed(self) -> None:
        """Put on paper what is owed."""
        papers = self._till.on.papers
        for job in papers.owed():
            papers.print_out(job, self._paper)

    # -- rations -----------------------------------------------------------------------------------------------------

    def _ration(self, card: CardRef, visit: Visit) -> str:
        redeem = self._till.on.redeem
        standing = redeem.identify(card)
        if Refusal.CLOCK_SUSPECT in standing.refusals:
            redeem.refuse(standing, CASHIER)
            self.mend_clock()
            standing = redeem.identify(card)
        catalogue = self._till.on.ledger.read().catalogue()
        if asks_city(standing, catalogue):
            said = self._elsewhere(card, visit)
            if said is not None:
                return said
            standing = redeem.identify(card)
        if standing.refusals:
            redeem.refuse(standing, CASHIER)
            return standing.refusals[0].value
        basket = self._basket(standing.leases, standing.stock, catalogue, half=visit.wants == "half")
        if not basket.lines:
            return Refusal.EXHAUSTED.value
        return self._hand_out(card, basket, visit)

    def _hand_out(self, card: CardRef, basket: Basket, visit: Visit) -> str:
        till = self._till
        presence = self._draw.choice((HolderPresence.SELF, HolderPresence.SELF, HolderPresence.RELATIVE))
        try:
            done = till.on.redeem.redeem(card, basket, presence, CASHIER, shown=0)
        except RuleViolation as error:
            return error.reason or error.code
        till.hand(done)
        if visit.wants == "all" and self._draw.random() < _REVERSED:
            self._undo(done)
            self._once_more(card, basket, presence)
        return SERVED

    def _once_more(self, card: CardRef, basket: Basket, presence: HolderPresence) -> None:
        """The right goods this time."""
        try:
            self._till.hand(self._till.on.redeem.redeem(card, basket, presence, CASHIER, shown=0))
        except RuleViolation as error:
            self._till.truth.findings.append(f"after a reversal: {error.code} {error.reason}")

    def _undo(self, done: Redemption) -> None:
        till = self._till
        till.hand(till.on.reverse.reverse(done.entry.id, ReversalReason.WRONG_GOODS, CASHIER, LEADER))

    def _basket(
        self,
        leases: tuple[Lease, ...],
        stock: Mapping[str, int],
        catalogue: Catalogue,
        *,
        half: bool,
        most: bool = False,
    ) -> Basket:
        """What the holder takes: all that is left, or half; of a pool (`most`) no more than a ration."""
        basket, left = Basket(), dict(stock)
        for lease in leases:
            if catalogue.kind(lease.programme) is not BenefitKind.RATION or lease.rest <= 0:
                continue
            products = [product for product in catalogue.products if product.commodity == lease.commodity]
            product = self._draw.choice(products)
            rest = min(lease.rest, self._rations.get(lease.commodity, 0)) if most else lease.rest
            packs = rest // product.pack.amount
            packs = min(-(-packs // 2) if half else packs, left.get(product.code, 0))
            basket = basket.with_packs(product.code, packs, Tender.RATION, lease.programme)
        return basket

    def _elsewhere(self, card: CardRef, visit: Visit) -> str | None:
        """Rights that are not here: ask the city, and where it cannot be asked, the pool. None when they came."""
        till = self._till
        wish = self._wishes.setdefault(visit.family, till.clock.mint())
        try:
            answer = self._ask(wish, card)
        except SyncError:
            self._wishes.pop(visit.family)
            return "no_line" if visit.wants == "greedy" else self._pool(card, HardshipReason.NO_LINE)
        if answer.outcome == "granted":
            till.truth.note("served_by_rights_from_elsewhere")
            self._wishes.pop(visit.family)
            return None
        if answer.outcome == "waiting" and visit.family not in self._waited:
            self._waited.add(visit.family)
            self.waits_for.add(answer.kiosk)
            return WAITING
        self._give_up(visit.family, card)
        if answer.reason in {"exhausted", "no_ration"} or visit.wants == "greedy":
            return answer.reason or "went_away"
        return self._pool(card, HardshipReason.HOME_SILENT)

    def _ask(self, wish: str, card: CardRef, *, withdraw: bool = False) -> RightsAnswer:
        """Ask the city; once more when the clock had to be set right first."""
        till = self._till

        def ask() -> RightsAnswer:
            period = till.clock.now().wall.date().period()
            return till.on.engine.ask(RightsWish(wish, card, period, withdraw=withdraw))

        try:
            return ask()
        except ClockSuspect:
            till.clock.wrong_ms = 0
            self.mend_clock()
            return ask()

    def _give_up(self, family: int, card: CardRef) -> None:
        try:
            self._ask(self._wishes.pop(family), card, withdraw=True)
        except SyncError:
            return

    def _pool(self, card: CardRef, reason: HardshipReason) -> str:
        till = self._till
        offer = till.on.hardship.offer(card)
        if offer is None or not offer.helps:
            return "no_pool"
        basket = self._basket(offer.standing.leases, offer.standing.stock, offer.catalogue, half=False, most=True)
        if not basket.lines:
            return "no_pool"
        try:
            done = till.on.hardship.serve(card, basket, HolderPresence.SELF, reason, CASHIER, LEADER)
        except RuleViolation as error:
            return error.reason or error.code
        till.hand(done)
        till.truth.note("helped_from_pool")
        return SERVED

    # -- the purse ---------------------------------------------------------------------------------------------------

    def _purse(self, card: CardRef, visit: Visit) -> str:
        till = self._till
        standing = till.on.redeem.identify(card)
        if Refusal.CLOCK_SUSPECT in standing.refusals:
            self.mend_clock()
            standing = till.on.redeem.identify(card)
        if standing.attempt is not None:
            till.settle_doubts()
            return SERVED
        if standing.refusals:
            till.on.redeem.refuse(standing, CASHIER)
            return standing.refusals[0].value
        basket = self._purse_basket(standing)
        if not basket.lines:
            return "out_of_stock"
        try:
            attempt = till.on.redeem.begin(card, basket, HolderPresence.SELF, CASHIER)
        except RuleViolation as error:
            return error.reason or error.code
        till.edc.present(str(visit.family))
        intent = PaymentIntent(attempt.id, attempt.amount, card.last4)
        outcome = till.edc.pay(intent, lambda _: None)
        done = till.on.redeem.conclude(attempt.id, outcome, CASHIER)
        if not isinstance(done, Redemption):
            if not done.final:
                till.settle_doubts()
                return SERVED
            till.truth.turn_away(f"purse_{done.value}")
            return FINAL
        till.hand(done)
        if self._draw.random() < _VOIDED:
            self._void(done)
        return SERVED

    def _void(self, done: Redemption) -> None:
        till = self._till
        attempt, original = till.on.reverse.begin_void(done.entry.id, ReversalReason.HOLDER_ASKED, CASHIER, LEADER)
        undone = till.on.reverse.conclude(attempt.id, till.edc.void(attempt.id, original), CASHIER)
        if isinstance(undone, Reversal):
            till.hand(undone)
        else:
            till.settle_doubts()

    def _purse_basket(self, standing: Standing) -> Basket:
        catalogue = self._till.on.ledger.read().catalogue()
        basket = Basket()
        for product in self._draw.sample(catalogue.products, len(catalogue.products)):
            if catalogue.eligible("SEMBAKO", product.commodity, standing.date) and standing.stock.get(product.code, 0):
                basket = basket.with_packs(product.code, 1, Tender.PURSE, "SEMBAKO")
                if len(basket.lines) == 2:
                    break
        return basket

    # -- the clock ---------------------------------------------------------------------------------------------------

    def mend_clock(self) -> None:
        """Somebody looks at the clock: sets it right, or (when it is nearly right) says that it is; then a leader."""
        till = self._till
        if abs(till.clock.wrong_ms) > _NEAR_MS or self._draw.random() < 0.5:
            till.clock.wrong_ms = 0
        if till.on.clocks.findings().trouble:
            till.on.clocks.confirm(LEADER)

    def open_day(self, date: BusinessDate) -> None:
        """Open the business day; who opens it looks at the date first."""
        till = self._till
        confirmed = False
        for _ in range(3):
            if till.clock.now().wall.date() != date:
                till.clock.wrong_ms = 0
            try:
                till.on.day.open(CASHIER, date_confirmed=confirmed)
            except ClockSuspect as error:
                if error.reason == "date_unsure":
                    confirmed = True
                else:
                    self.mend_clock()
            else:
                return
        till.on.day.open(CASHIER, date_confirmed=confirmed)
