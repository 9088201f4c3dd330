"""A counter with the simulated POSe Link EDC, and what is asked there."""

from __future__ import annotations

import time
from collections.abc import Callable

from ewarung_pos.devices.poselink import PoseLinkTerminal
from ewarung_pos.devices.poselink_line import PoseLine, PoseLinkSite, PoseLinkTimers
from ewarung_pos.devices.simulated.edc_bank import Bank, Slip
from ewarung_pos.devices.simulated.poselink import PoseLinkSimulator
from ewarung_pos.devices.simulated.poselink_messages import NOT_FOUND, SECRET
from ewarung_pos.devices.wss import WssLink
from ewarung_pos.ports import Approved, Declined, PaymentIntent, PaymentOutcome, Unknown

__all__ = ["AMOUNT", "TIMERS", "PoseCounter", "known_later", "word"]

# Short, but no shorter than a busy machine can hold.
TIMERS = PoseLinkTimers(connect=2.0, ping=0.5, accept=0.5, response=0.6, query=0.4, again=0.02, slice=0.05, write=0.5)
AMOUNT = 2_500


class PoseCounter:
    """One counter: simulator, line and terminal."""

    def __init__(self, simulator: PoseLinkSimulator, bank: Bank, timers: PoseLinkTimers) -> None:
        self.simulator = simulator
        self.bank = bank
        self.timers = timers
        url, _, self.fingerprint = simulator.url.partition("#")
        self.url = url
        self.tills: list[PoseLinkTerminal] = []
        self.terminal = self.another()

    def another(self, *, secret: str = SECRET, fingerprint: str = "") -> PoseLinkTerminal:
        """A till of its own on the same EDC."""
        link = WssLink(self.url, fingerprint or self.fingerprint)
        made = PoseLinkTerminal(PoseLine(link, PoseLinkSite(secret, "EW-0001", NOT_FOUND), self.timers))
        self.tills.append(made)
        made._over_before = 0.0  # no sale of an earlier life of the program can still be under way
        return made

    def pay(self, attempt: str, amount: int = AMOUNT, last4: str = "") -> PaymentOutcome:
        return self.terminal.pay(PaymentIntent(attempt, amount, last4), lambda _: None)

    def inquire(self, attempt: str, amount: int = AMOUNT, kind: str = "sale", last4: str = "") -> PaymentOutcome:
        return self.terminal.inquire(PaymentIntent(attempt, amount, last4, kind))

    def put_in(self, row: str = "1") -> str:
        """This card lies in the EDC, and no other comes by itself; its last four digits."""
        self.simulator.edc.autopilot = False
        self.simulator.edc._slot = self.bank.cards[row]
        return self.bank.cards[row].number[-4:]

    def close(self) -> None:
        for till in self.tills:
            till.close()

    def until(self, there: Callable[[], bool]) -> None:
        """Wait for the EDC, which works on when a till has gone."""
        end = time.monotonic() + 5
        while not there() and time.monotonic() < end:
            time.sleep(0.002)

    def slips(self, kind: str = "sale") -> list[Slip]:
        """What the bank did, whatever the line made of it."""
        return [slip for slip in self.bank._slips if slip.kind == kind]


def word(outcome: object) -> str:
    match outcome:
        case Approved():
            return "approved"
        case Declined(reason=reason):
            return reason
        case Unknown(reason=reason):
            return "?" + reason
    raise AssertionError(outcome)


def known_later(at: PoseCounter, name: str, kind: str = "sale", last4: str = "") -> PaymentOutcome:
    """Asked as the screen asks: again while the EDC may still be at work."""
    end = time.monotonic() + 4 * at.timers.response
    outcome = at.inquire(name, kind=kind, last4=last4)
    while isinstance(outcome, Unknown) and outcome.reason in {"busy", "no_answer"} and time.monotonic() < end:
        time.sleep(0.1)
        outcome = at.inquire(name, kind=kind, last4=last4)
    return outcome
