"""The debit at the EDC: asked for once, waited for in seconds, and recorded whatever the answer is."""

from __future__ import annotations

from collections.abc import Callable

from ewarung_pos.domain.redemption import AttemptState
from ewarung_pos.domain.spoken import spoken_debit
from ewarung_pos.domain.units import Rupiah
from ewarung_pos.errors import DeviceError, PosError
from ewarung_pos.ports import Attempt, Declined, Lane, PaymentIntent, PaymentOutcome, PaymentStep, TaskRunner, Unknown
from ewarung_pos.services.redeem import Redemption
from ewarung_pos.ui.viewmodels.counter_desk import CounterDesk

__all__ = ["Payment", "Recorded"]

Recorded = Redemption | AttemptState | None
"""What was recorded of an outcome; None when the disk did not take it: then nobody knows but the bank."""


_LONG_S = 30
"""A PIN was entered by then, or its answer is lost: the next thing that anybody does could debit a second time."""
_PIN = "Keluarga menekan PIN sendiri."
_PATIENCE = "Bila sudah berhasil, jangan ulangi."


class Payment:
    """From the attempt that is recorded to the outcome that is recorded.

    Args:
        desk: with reader, terminal and ledger.
        runner: of the lanes.
        waits: takes the words for what is waited for, anew every second.
        held: hears that the EDC has the amount: it can no longer be called off from here.
        answered: hears that the EDC answered, and that the answer is being recorded.
        over: takes the attempt, its outcome, and what was recorded of it.
        broke: takes an error that is no trouble of the ledger's.
    """

    def __init__(
        self,
        desk: CounterDesk,
        runner: TaskRunner,
        *,
        waits: Callable[[str], None],
        held: Callable[[], None],
        answered: Callable[[], None],
        over: Callable[[Attempt, PaymentOutcome, Recorded], None],
        broke: Callable[[Exception], None],
    ) -> None:
        self._desk = desk
        self._runner = runner
        self._waits = waits
        self._held = held
        self._answered = answered
        self._over = over
        self._broke = broke
        self._attempt: Attempt | None = None
        self._stop_asked = False
        self._second: Callable[[], None] | None = None

    def under_way(self) -> str:
        """Id of the attempt that the EDC is being asked about now, or empty."""
        return self._attempt.id if self._attempt is not None else ""

    def greet(self, greeted: Callable[[], None]) -> None:
        """An EDC that does not read the cards is asked whether it is there, while the goods are chosen."""
        terminal = self._desk.terminal
        if terminal is not None and self._desk.reader.source != "ecr":
            self._runner.submit(Lane.TERMINAL, terminal.diagnose, lambda _: greeted(), self._broke)

    def expect(self) -> None:
        """An attempt is being recorded: nobody has asked to stop this one yet."""
        self._stop_asked = False

    def cancel(self) -> None:
        """Ask the EDC to stop, which works until it has the amount."""
        if self._desk.terminal is not None:
            self._stop_asked = True
            self._desk.terminal.abort()

    def rest(self) -> None:
        """Count no more seconds."""
        if self._second is not None:
            self._second()
            self._second = None

    def begin(self, attempt: Attempt) -> None:
        """Ask the EDC for this attempt, which is in the ledger already."""
        terminal = self._desk.terminal
        self._attempt = attempt
        self._wait(attempt, 0)
        self._desk.say(spoken_debit(attempt.amount))

        def pay() -> PaymentOutcome:
            self._desk.reader.release()
            if self._stop_asked:  # asked before the EDC's turn came: an abort then would be forgotten
                return Declined("", "user_cancelled")
            if terminal is None:
                return Declined("", "not_sent")
            try:
                return terminal.pay(
                    PaymentIntent(attempt.id, attempt.amount, attempt.card.last4),
                    lambda step: self._runner.post(lambda: self._progress(step)),
                )
            except DeviceError:
                return Declined("", "not_sent")

        def broke(error: Exception) -> None:
            self._paid(attempt, Unknown("no_answer"))
            raise error

        self._runner.submit(Lane.TERMINAL, pay, lambda outcome: self._paid(attempt, outcome), broke)

    def _wait(self, attempt: Attempt, seconds: int) -> None:
        """Say what the EDC is asked for and, second by second, how long it has been."""
        so_far = f" {seconds} dari {self._desk.response_seconds} detik." if seconds else ""
        now = _PIN if seconds < _LONG_S else _PATIENCE
        self._waits(f"Menunggu EDC: {Rupiah(attempt.amount)}. {now}{so_far}")
        self._second = self._runner.later(1000, lambda: self._wait(attempt, seconds + 1))

    def _progress(self, step: PaymentStep) -> None:
        if step is not PaymentStep.SENT:
            self._held()

    def _paid(self, attempt: Attempt, outcome: PaymentOutcome) -> None:
        self.rest()
        self._answered()
        self._runner.submit(
            Lane.LEDGER,
            lambda: self._desk.redeem.conclude(attempt.id, outcome, attempt.operator),
            lambda result: self._end(attempt, outcome, result),
            lambda error: self._not_recorded(attempt, outcome, error),
        )

    def _not_recorded(self, attempt: Attempt, outcome: PaymentOutcome, error: Exception) -> None:
        """The bank may have taken the money, and the ledger does not know: nobody is told that nothing happened."""
        if isinstance(error, PosError):
            self._end(attempt, outcome, None)
        else:
            self._attempt = None
            self._broke(error)

    def _end(self, attempt: Attempt, outcome: PaymentOutcome, recorded: Recorded) -> None:
        self._attempt = None
        self._over(attempt, outcome, recorded)
