"""Belum pasti: debits and voids whose outcome at the EDC is not proven, and how they are settled.

The till asks the EDC by itself, a few times with growing pauses; only when it cannot decide do two people read the
EDC's slip. Nothing else is sold to that card meanwhile; other cards are served.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.redemption import AttemptState
from ewarung_pos.domain.units import Rupiah
from ewarung_pos.errors import DeviceError, PosError
from ewarung_pos.ports import (
    Approved,
    Attempt,
    Declined,
    Lane,
    Ledger,
    PaymentIntent,
    PaymentOutcome,
    PaymentTerminal,
    TaskRunner,
    Unknown,
)
from ewarung_pos.services.operators import OperatorService
from ewarung_pos.services.redeem import RedeemService, Redemption
from ewarung_pos.services.reverse import Reversal, ReverseService
from ewarung_pos.ui.text import Trouble, trouble, trouble_of
from ewarung_pos.ui.viewmodels.base import ViewModel
from ewarung_pos.ui.viewmodels.counter_state import DoubtPanel, Mark, Step

__all__ = ["DoubtDesk", "DoubtState", "DoubtViewModel"]

PAUSES_MS = (2_000, 5_000, 10_000)


@dataclass(frozen=True, slots=True)
class DoubtState:
    """The doubt in front, if the screen is open; how many wait; and what went wrong with a form."""

    panel: DoubtPanel | None = None
    waiting: int = 0
    notice: Trouble | None = None


@dataclass(frozen=True, slots=True)
class DoubtDesk:
    """What is needed to settle a doubt. `settled` is told about a redemption or reversal that came of it, or None."""

    ledger: Ledger
    redeem: RedeemService
    reverse: ReverseService
    operators: OperatorService
    terminal: PaymentTerminal | None
    operator: Callable[[], str]
    settled: Callable[[Redemption | Reversal | None, str], None]


class DoubtViewModel(ViewModel[DoubtState]):
    """Commands of Belum pasti."""

    def __init__(self, desk: DoubtDesk, runner: TaskRunner) -> None:
        super().__init__(DoubtState())
        self._desk = desk
        self._runner = runner
        self._attempt: Attempt | None = None
        self._tries = 0
        self._reason = "restart"
        self._cancel: Callable[[], None] | None = None

    def open(self, attempt: Attempt, reason: str) -> None:
        """Show this doubt and ask the EDC about it."""
        self._attempt = attempt
        self._reason = reason or "restart"
        self._tries = 0
        self._show()
        self.inquire()

    def resume(self) -> None:
        """Show the oldest open doubt, if there is any (at start, or from Siap)."""

        def look() -> tuple[Attempt, ...]:
            return self._desk.ledger.read().open_attempts()

        self._runner.submit(Lane.LEDGER, look, self._resumed, self._failed)

    def _resumed(self, attempts: tuple[Attempt, ...]) -> None:
        self._set(replace(self._state, waiting=len(attempts)))
        if attempts and self._attempt is None:
            self.open(attempts[0], "restart")

    def serve_other(self) -> None:
        """*Layani kartu lain*: the doubt stays and is asked about again later."""
        self._stop()
        self._attempt = None
        self._set(replace(self._state, panel=None, notice=None))
        self._desk.settled(None, "")

    def inquire(self) -> None:
        """Ask the EDC what became of it."""
        attempt, terminal = self._attempt, self._desk.terminal
        if attempt is None or (self._state.panel is not None and self._state.panel.asking):
            return
        self._stop()
        self._show(asking=True)

        def ask() -> PaymentOutcome:
            if terminal is None:
                return Unknown("no_query")
            try:
                return terminal.inquire(PaymentIntent(attempt.id, attempt.amount, attempt.card.last4))
            except DeviceError:
                return Unknown("link_lost")

        self._runner.submit(Lane.TERMINAL, ask, self._answered, lambda error: self._answered(Unknown("no_answer")))

    def _answered(self, outcome: PaymentOutcome) -> None:
        attempt = self._attempt
        if attempt is None:
            return
        if not isinstance(outcome, Unknown):
            self._conclude(outcome, ())
            return
        self._reason = outcome.reason
        self._show()
        if outcome.reason != "no_query" and self._tries < len(PAUSES_MS):
            pause = PAUSES_MS[self._tries]
            self._tries += 1
            self._cancel = self._runner.later(pause, self.inquire)

    def ask_slip(self) -> None:
        """*Saya punya struk EDC*: show the form for what the slip says."""
        self._stop()
        self._show(slip=True)

    def slip_approved(self, approval: str, invoice: str, leader_pin: str) -> None:
        """The slip shows an approval: enter its numbers; the leader confirms with her PIN."""
        attempt = self._attempt
        if attempt is None:
            return
        if not approval.strip() or not invoice.strip().isdigit():
            self._set(
                replace(self._state, notice=_form("Nomor persetujuan dan nomor invoice harus disalin dari struk EDC."))
            )
            return
        outcome = Approved(attempt.amount, approval.strip(), invoice.strip(), "", "", "", "", evidence="slip")
        self._by_people(outcome, leader_pin)

    def slip_none(self, leader_pin: str) -> None:
        """No slip and the EDC shows no such transaction: nothing was debited; the leader confirms with her PIN."""
        self._by_people(Declined("", "not_found"), leader_pin)

    def _by_people(self, outcome: PaymentOutcome, leader_pin: str) -> None:
        def check() -> str:
            return self._desk.operators.leader(leader_pin).code

        self._runner.submit(
            Lane.LEDGER,
            check,
            lambda leader: self._conclude(outcome, (self._desk.operator(), leader)),
            self._failed,
        )

    def _conclude(self, outcome: PaymentOutcome, people: tuple[str, ...]) -> None:
        attempt = self._attempt
        if attempt is None:
            return
        service = self._desk.reverse if attempt.kind == "void" else self._desk.redeem
        self._runner.submit(
            Lane.LEDGER,
            lambda: service.conclude(attempt.id, outcome, self._desk.operator(), people),
            lambda result: self._concluded(outcome, result),
            self._failed,
        )

    def _concluded(self, outcome: PaymentOutcome, result: Redemption | Reversal | AttemptState) -> None:
        self._stop()
        self._attempt = None
        reason = outcome.reason if isinstance(outcome, Declined | Unknown) else ""
        self._set(replace(self._state, panel=None, notice=None, waiting=max(0, self._state.waiting - 1)))
        self._desk.settled(result if isinstance(result, Redemption | Reversal) else None, reason)

    def dismiss(self) -> None:
        """The notice was read."""
        self._set(replace(self._state, notice=None))

    def _failed(self, error: Exception) -> None:
        self._set(replace(self._state, notice=trouble_of(error)))
        if not isinstance(error, PosError):
            raise error

    def _stop(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    def _show(self, *, asking: bool = False, slip: bool = False) -> None:
        attempt = self._attempt
        if attempt is None:
            return

        def look() -> tuple[Catalogue, int]:
            reader = self._desk.ledger.read()
            return reader.catalogue(), len(reader.open_attempts())

        def show(found: tuple[Catalogue, int]) -> None:
            catalogue, count = found
            if self._attempt is not attempt:
                return
            goods = tuple(
                f"{line.packs} {catalogue.commodity(catalogue.product(line.product).commodity).short.lower()}"
                f" {catalogue.product(line.product).pack}"
                for line in attempt.basket.lines
            )
            why = trouble("doubt." + self._reason) if asking or self._reason else trouble("outcome_unknown")
            self._set(
                DoubtState(
                    panel=DoubtPanel(
                        attempt=attempt.id,
                        trouble=why,
                        amount=f"{Rupiah(attempt.amount)} dari saldo KKS •••• {attempt.card.last4}",
                        steps=_steps(asking, self._tries),
                        tag=f"T-{int(attempt.id[-4:], 16) % 100:02d}",
                        goods=goods,
                        asking=asking,
                        slip_form=slip,
                        others=count - 1,
                        void=attempt.kind == "void",
                    ),
                    waiting=count,
                    notice=self._state.notice if slip else None,
                )
            )

        self._runner.submit(Lane.LEDGER, look, show, self._failed)


def _steps(asking: bool, tries: int) -> tuple[Step, ...]:
    again = f" (coba ke-{tries + 1})" if tries else ""
    return (
        Step("Permintaan tersimpan di buku kas", Mark.DONE),
        Step(f"Menanyakan transaksi ini ke EDC{again}", Mark.NOW if asking else Mark.TODO),
        Step("Catat hasilnya, lalu cetak struk", Mark.TODO),
    )


def _form(now: str) -> Trouble:
    return Trouble(
        "form", "Belum lengkap", "Isian belum lengkap.", "Belum ada yang diubah.", now, "Mengerti", "dismiss", "look"
    )
