"""Belum pasti: debits and voids whose outcome at the EDC is not proven, and how they are settled.

The till asks the EDC by itself, a few times with growing pauses; only when it cannot decide do two people read the
EDC's slip. Nothing else is sold to that card meanwhile; other cards are served.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.journal import OTHER_DEBIT, OTHER_DEBIT_VOIDED
from ewarung_pos.domain.redemption import AttemptState
from ewarung_pos.domain.units import Rupiah, dotted
from ewarung_pos.errors import DeviceError, PosError
from ewarung_pos.ports import (
    Approved,
    Attempt,
    Declined,
    Lane,
    Ledger,
    OtherDebit,
    PaymentIntent,
    PaymentOutcome,
    PaymentTerminal,
    TaskRunner,
    Unknown,
)
from ewarung_pos.services.doubt import named_debit
from ewarung_pos.services.operators import OperatorService
from ewarung_pos.services.redeem import RedeemService, Redemption
from ewarung_pos.services.reverse import Reversal, ReverseService
from ewarung_pos.ui.text import Trouble, trouble, trouble_of
from ewarung_pos.ui.viewmodels.base import ViewModel
from ewarung_pos.ui.viewmodels.counter_state import DoubtPanel, Mark, Step

__all__ = ["DoubtDesk", "DoubtState", "DoubtViewModel"]

_LAST = 4
_NOT_RECORDED = "not_recorded"
PAUSES_MS = (2_000, 5_000, 10_000)
LATER_MS = 30_000
"""After these: an EDC that can be asked is asked on, at rest, until its line is back or the sale's own time has passed.
Asking moves no money (devices: Check Trx), and nobody has to think of it.
"""


class DoubtState(msgspec.Struct, frozen=True):
    """The doubt in front, if the screen is open; how many wait; and what went wrong with a form."""

    panel: DoubtPanel | None = None
    waiting: int = 0
    notice: Trouble | None = None


class DoubtDesk(msgspec.Struct, frozen=True):
    """What is needed to settle a doubt.

    `settled` is told about a redemption or reversal that came of it, or None and how it ended (None: put aside).
    `under_way` names the attempts that the EDC is being asked for at this moment: no doubts yet.
    """

    ledger: Ledger
    redeem: RedeemService
    reverse: ReverseService
    operators: OperatorService
    terminal: PaymentTerminal | None
    operator: Callable[[], str]
    settled: Callable[[Redemption | Reversal | None, Trouble | None], None]
    under_way: Callable[[], frozenset[str]] = frozenset


class DoubtViewModel(ViewModel[DoubtState]):
    """Commands of Belum pasti."""

    def __init__(self, desk: DoubtDesk, runner: TaskRunner) -> None:
        super().__init__(DoubtState())
        self._desk = desk
        self._runner = runner
        self._attempt: Attempt | None = None
        self._tries = 0
        self._reason = "restart"
        self._other: OtherDebit | None = None
        self._slip = False
        self._known: dict[str, PaymentOutcome] = {}
        self._cancel: Callable[[], None] | None = None

    def open(self, attempt: Attempt, outcome: PaymentOutcome) -> None:
        """Show this doubt and ask the EDC about it; an outcome that is known but could not be recorded is kept."""
        if not isinstance(outcome, Unknown):
            self._known[attempt.id] = outcome
        unknown = outcome if isinstance(outcome, Unknown) else Unknown("restart")
        self._attempt = attempt
        self._reason = _NOT_RECORDED if attempt.id in self._known else unknown.reason
        self._other = unknown.other
        self._tries = 0
        self._slip = False
        self._show()
        self.inquire()

    def resume(self) -> None:
        """Show the oldest open doubt, if there is any (at start, or from Siap)."""

        def look() -> tuple[tuple[Attempt, OtherDebit | None], ...]:
            reader = self._desk.ledger.read()
            return tuple((attempt, named_debit(reader, attempt.id)) for attempt in reader.open_attempts())

        self._runner.submit(Lane.LEDGER, look, self._resumed, self._failed)

    def _resumed(self, attempts: tuple[tuple[Attempt, OtherDebit | None], ...]) -> None:
        under_way = self._desk.under_way()
        doubts = [(attempt, other) for attempt, other in attempts if attempt.id not in under_way]
        self._set(replace(self._state, waiting=len(doubts)))
        if doubts and self._attempt is None:
            attempt, other = doubts[0]
            self.open(attempt, Unknown("restart", other))

    def serve_other(self) -> None:
        """*Layani kartu lain*: the doubt stays and is asked about again later."""
        self.stop()
        self._attempt = None
        self._set(replace(self._state, panel=None, notice=None))
        self._desk.settled(None, None)

    def stop(self) -> None:
        """Ask no more by itself (put aside, or the till ends)."""
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    def inquire(self) -> None:
        """Ask the EDC what became of it; what it said before and could not be recorded is recorded now."""
        attempt, terminal = self._attempt, self._desk.terminal
        if attempt is None or (self._state.panel is not None and self._state.panel.asking):
            return
        self.stop()
        self._show(asking=True)
        if attempt.id in self._known:
            self._conclude(attempt, self._known[attempt.id], ())
            return

        def ask() -> PaymentOutcome:
            if terminal is None:
                return Unknown("no_query")
            try:
                return terminal.inquire(PaymentIntent(attempt.id, attempt.amount, attempt.card.last4, attempt.kind))
            except DeviceError:
                return Unknown("link_lost")

        self._runner.submit(
            Lane.TERMINAL,
            ask,
            lambda outcome: self._answered(attempt, outcome),
            lambda error: self._broke(attempt, error),
        )

    def _broke(self, attempt: Attempt, error: Exception) -> None:
        self._answered(attempt, Unknown("no_answer"))
        raise error

    def _answered(self, attempt: Attempt, outcome: PaymentOutcome) -> None:
        if self._attempt is not attempt:  # put aside meanwhile; it is asked about again when it is opened
            return
        if not isinstance(outcome, Unknown):
            self._conclude(attempt, outcome, ())
            return
        self._other = outcome.other or self._other
        # Whatever became of the line since: that another debit was named is what somebody must look into.
        self._reason = outcome.reason if self._other is None else "mismatch"
        self._show()
        if outcome.other is not None:
            self._note(attempt, outcome)
        if self._slip:
            return
        if outcome.reason == "no_query":
            return
        if self._tries < len(PAUSES_MS):
            self._cancel = self._runner.later(PAUSES_MS[self._tries], self.inquire)
            self._tries += 1
        elif outcome.other is None:  # one that names another debit says so each time: people read its slip
            self._cancel = self._runner.later(LATER_MS, self.inquire)

    def _note(self, attempt: Attempt, outcome: Unknown) -> None:
        """What the EDC says that it debited instead is in the journal before anybody is asked for its slip."""
        service, operator = self._service(attempt), self._desk.operator() or attempt.operator
        self._runner.submit(
            Lane.LEDGER, lambda: service.conclude(attempt.id, outcome, operator), lambda _: None, self._failed
        )

    def ask_slip(self) -> None:
        """*Saya punya struk EDC*: show the form for what the slip says."""
        self.stop()
        self._slip = True
        self._show()

    def slip_approved(self, last4: str, approval: str, invoice: str, leader_pin: str) -> None:
        """The slip shows an approval for this card: enter what it says; the leader confirms with her PIN."""
        attempt, slip = self._attempt, self._copied(last4, approval, invoice)
        if attempt is None or slip is None:
            return
        if slip.last4 != attempt.card.last4 or self._is_other(slip):
            void = attempt.kind == "void"  # whose form has no Salah
            now = "Cari struk pembatalan kartu ini." if void else "Bila EDC menarik yang salah, pilih Salah."
            self._refuse("Struk ini milik kartu atau jumlah lain.", now)
            return
        outcome = Approved(attempt.amount, slip.approval, slip.invoice, "", "", "", "", evidence="slip")
        self._by_people(attempt, outcome, leader_pin)

    def slip_none(self, leader_pin: str) -> None:
        """No slip and the EDC shows no such transaction: nothing was debited; the leader confirms with her PIN."""
        if self._attempt is not None:
            self._by_people(self._attempt, Declined("", "no_slip"), leader_pin)

    def slip_other(self, last4: str, approval: str, invoice: str, leader_pin: str, *, voided: bool) -> None:
        """The slip shows another card or amount: what it says, and whether it was voided at the EDC."""
        attempt, slip = self._attempt, self._copied(last4, approval, invoice)
        if attempt is None or attempt.kind == "void" or slip is None:
            return
        if self._other is not None and not self._is_other(slip):
            self._refuse(f"EDC menyebut struk lain: {_named(self._other)}.", "Salin dari struk itu.")
            return
        reason = OTHER_DEBIT_VOIDED if voided else OTHER_DEBIT
        self._by_people(attempt, Declined(f"{slip.last4} {slip.approval} {slip.invoice}", reason), leader_pin)

    def _copied(self, last4: str, approval: str, invoice: str) -> OtherDebit | None:
        """What was copied from a slip, if it is whole; else it is said what is missing."""
        said = OtherDebit(0, last4.strip(), approval.strip(), invoice.strip())
        digits = said.last4 + said.invoice
        whole = len(said.last4) == _LAST and said.invoice and said.approval.isalnum()
        if whole and digits.isascii() and digits.isdigit():
            return said
        if self._attempt is not None:
            self._refuse("Isian belum lengkap.", "Salin 4 angka kartu, APPROVAL, dan INVOICE dari struk EDC.")
        return None

    def _is_other(self, slip: OtherDebit) -> bool:
        """Whether it is the slip of the debit that the EDC itself named instead of this one."""
        other = self._other
        return other is not None and slip.last4 == other.last4 and int(slip.invoice) == int(other.invoice)

    def _refuse(self, happened: str, now: str) -> None:
        self._set(replace(self._state, notice=_form(happened, now)))

    def _by_people(self, attempt: Attempt, outcome: PaymentOutcome, leader_pin: str) -> None:
        operator = self._desk.operator()  # whoever pressed; not whoever is there when the PIN was checked

        def check() -> str:
            return self._desk.operators.leader(leader_pin).code

        self._runner.submit(
            Lane.PIN,
            check,
            lambda leader: self._conclude(attempt, outcome, (operator, leader)),
            self._failed,
        )

    def _conclude(self, attempt: Attempt, outcome: PaymentOutcome, people: tuple[str, ...]) -> None:
        service = self._service(attempt)
        operator = people[0] if people else self._desk.operator() or attempt.operator
        self._runner.submit(
            Lane.LEDGER,
            lambda: service.conclude(attempt.id, outcome, operator, people),
            lambda result: self._concluded(attempt, outcome, result),
            lambda error: self._failed(error) if people else self._not_recorded(attempt, outcome, error),
        )

    def _service(self, attempt: Attempt) -> RedeemService | ReverseService:
        return self._desk.reverse if attempt.kind == "void" else self._desk.redeem

    def _not_recorded(self, attempt: Attempt, outcome: PaymentOutcome, error: Exception) -> None:
        """The EDC's answer could not be written: it is kept, and stays a doubt until it is."""
        self._known[attempt.id] = outcome
        if self._attempt is attempt:
            self._reason = _NOT_RECORDED
            panel = self._state.panel
            if panel is not None:
                steps = _steps(asking=False, tries=self._tries)
                panel = replace(panel, asking=False, steps=steps, trouble=trouble("doubt", _NOT_RECORDED))
                self._set(replace(self._state, panel=panel))
        self._failed(error)

    def _concluded(
        self, attempt: Attempt, outcome: PaymentOutcome, result: Redemption | Reversal | AttemptState
    ) -> None:
        self._known.pop(attempt.id, None)
        if result is AttemptState.IN_DOUBT:  # what the EDC says does not end it
            self._reason = "other_terminal" if self._other is None else "mismatch"
            self._show()
            return
        if self._attempt is attempt:
            self.stop()
            self._attempt = None
            self._set(replace(self._state, panel=None, notice=None))
        code = "void" if attempt.kind == "void" else "edc"
        ended = trouble(code, outcome.reason) if isinstance(outcome, Declined) else None
        self._set(replace(self._state, waiting=max(0, self._state.waiting - 1)))
        self._desk.settled(result if isinstance(result, Redemption | Reversal) else None, ended)

    def dismiss(self) -> None:
        """The notice was read."""
        self._set(replace(self._state, notice=None))

    def _failed(self, error: Exception) -> None:
        self._set(replace(self._state, notice=trouble_of(error)))
        if not isinstance(error, PosError):
            raise error

    def _show(self, *, asking: bool = False) -> None:
        attempt = self._attempt
        if attempt is None:
            return
        slip, reason, tries, other = self._slip, self._reason, self._tries, self._other

        def look() -> tuple[Catalogue, int]:
            reader = self._desk.ledger.read()
            return reader.catalogue(), len(reader.open_attempts())

        def show(found: tuple[Catalogue, int]) -> None:
            catalogue, count = found
            if self._attempt is not attempt:
                return
            goods = tuple(
                f"{dotted(line.packs)} {catalogue.short(line.commodity).lower()} {line.pack}" for line in attempt.lines
            )
            void = attempt.kind == "void"
            direction = "kembali ke" if void else "dari"
            self._set(
                DoubtState(
                    panel=DoubtPanel(
                        attempt=attempt.id,
                        trouble=trouble("doubt", reason),
                        amount=f"{Rupiah(attempt.amount)} {direction} saldo KKS •••• {attempt.card.last4}",
                        steps=_steps(asking, tries),
                        tag=f"T-{int(attempt.id[-4:], 16) % 100:02d}",
                        goods=goods,
                        asking=asking,
                        slip_form=slip,
                        others=count - 1,
                        void=void,
                        named=f"EDC menyebut {_named(other)}" if other is not None else "",
                        slip=(other.last4, other.approval, other.invoice) if other is not None else ("", "", ""),
                    ),
                    waiting=count,
                    notice=self._state.notice if slip else None,
                )
            )

        self._runner.submit(Lane.LEDGER, look, show, self._failed)


def _steps(asking: bool, tries: int) -> tuple[Step, ...]:
    again = f" (coba ke-{tries + 1})" if tries else ""
    return (
        Step("Permintaan tersimpan di buku catatan", Mark.DONE),
        Step(f"Menanyakan transaksi ini ke EDC{again}", Mark.NOW if asking else Mark.TODO),
        Step("Catat hasilnya, lalu cetak struk", Mark.TODO),
    )


def _named(other: OtherDebit) -> str:
    return f"kartu •••• {other.last4}, {Rupiah(other.amount)}, invoice {other.invoice}"


def _form(happened: str, now: str) -> Trouble:
    return Trouble("form", "Belum lengkap", happened, "Belum ada yang diubah.", now, "Mengerti", "dismiss", "look")
