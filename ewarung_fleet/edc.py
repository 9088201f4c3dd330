"""The simulated EDC at a kiosk's counter, in this process: the sandbox's bank behind the till's own port.

It is a device of its own: when the till's power fails it knows what it did, and can be asked.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from ewarung_pos.devices.simulated.edc_bank import APPROVED, Bank, Card, Slip
from ewarung_pos.ports import (
    Approved,
    Declined,
    DeviceState,
    DeviceStatus,
    PaymentIntent,
    PaymentOutcome,
    PaymentStep,
    Settlement,
    Unknown,
)

__all__ = ["CounterEdc"]

_DECLINED = {"51": "insufficient", "55": "wrong_pin", "54": "expired_card"}
_WRONG_PIN = 0.01
_LOST = 0.02


class CounterEdc:
    """`ports.PaymentTerminal`.

    Args:
        cards: of the families at home here.
        draw: decides on wrong PINs and lost answers.
        rough: whether answers are lost at all.
        look: called between asking and answering: time goes on, and the till's power may fail.

    Attributes:
        fired: faults that happened, by kind.
    """

    def __init__(
        self, cards: tuple[Card, ...], draw: random.Random, look: Callable[[], object], *, rough: bool
    ) -> None:
        self._bank = Bank(cards)
        self._draw = draw
        self._rough = rough
        self._look = look
        self._card = ""
        self._settlements = 0
        self.fired: Counter[str] = Counter()

    def present(self, row: str) -> None:
        """The holder puts that card in."""
        self._card = row

    def pay(self, intent: PaymentIntent, on_step: Callable[[PaymentStep], None]) -> PaymentOutcome:
        """Ask for a debit of the card that is in."""
        card = self._bank.cards[self._card]
        code = "55" if self._rough and self._draw.random() < _WRONG_PIN else self._bank.verdict(card, intent.amount)
        slip = self._bank.sale(card, intent.amount, intent.attempt, code, moved=code == APPROVED)
        self._look()
        return self._heard(slip)

    def inquire(self, intent: PaymentIntent) -> PaymentOutcome:
        """What became of it."""
        slip = self._bank.find(intent.attempt)
        return Declined("25", "not_found") if slip is None else _outcome(slip)

    def void(self, attempt: str, original: Approved) -> PaymentOutcome:
        """Undo an approved debit of the open batch."""
        slip = self._bank.void(original.invoice, attempt)
        self._look()
        return self._heard(slip)

    def settle(self) -> Settlement:
        """End the batch."""
        self._settlements += 1
        slip = self._bank.settle(f"settlement {self._settlements}")
        return Settlement(slip.amount, slip.batch)

    def abort(self) -> None:
        """Nothing is ever under way when somebody else could speak."""

    def look(self) -> DeviceStatus:
        """As `status`."""
        return self.status()

    def diagnose(self) -> DeviceStatus:
        """It is there."""
        return self.status()

    def status(self) -> DeviceStatus:
        """It is there."""
        return DeviceStatus(DeviceState.READY)

    def close(self) -> None:
        """There is no port."""

    def moved(self) -> int:
        """Rupiah that left the purses: approved less voided, of its whole life."""
        totals = self._bank.totals()
        return totals["approved"] - totals["voided"]

    def _heard(self, slip: Slip) -> PaymentOutcome:
        if self._rough and self._draw.random() < _LOST:
            self.fired["edc_answer_lost"] += 1
            return Unknown("no_answer")
        return _outcome(slip)


def _outcome(slip: Slip) -> PaymentOutcome:
    if slip.code != APPROVED:
        return Declined(slip.code, _DECLINED.get(slip.code, "declined"))
    return Approved(slip.amount, slip.approval, slip.invoice, slip.rrn, slip.terminal, slip.merchant, slip.batch)
