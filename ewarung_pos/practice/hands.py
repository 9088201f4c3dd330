"""The hands of the scripted morning: put a card in, wait for the screen, settle a debit in doubt.

They do what an operator would do when something goes wrong: insert the card again, put a stranger's card aside, ask the
EDC once more, read its slip. What she could not do, they cannot.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ewarung_pos.app import Application
from ewarung_pos.domain.journal import DayClosed, Fact, Redeemed, Reversed, decode
from ewarung_pos.domain.redemption import PurseDebit
from ewarung_pos.ports import Attempt, LedgerReader, PracticeTray
from ewarung_pos.practice.cards import PracticeCard
from ewarung_pos.ui.runners import SteppedRunner
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Phase

__all__ = ["LEADER_PIN", "Hands", "MorningFailed", "purse_movements", "sealed_days"]

LEADER_PIN = "222222"
WAIT_S = 60.0
CARD_S = 4.0
"""After so long without a sign from the till a person puts the card in again."""

_LOOKED_UP = (Phase.RECOGNISED, Phase.REFUSED)
_PASSING = (Phase.LOOKING, Phase.PROCESSING, Phase.DOUBT)
_ASKS = 5
_PAGE = 500


def purse_movements(reader: LedgerReader) -> Iterator[tuple[PurseDebit, int]]:
    """Every debit of the ledger with its rupiah, and every void with them negative."""
    for fact in _facts(reader):
        if isinstance(fact, Redeemed) and fact.purse is not None:
            yield fact.purse, fact.purse.amount
        elif isinstance(fact, Reversed) and fact.void is not None:
            yield fact.void, -fact.void.amount


def sealed_days(reader: LedgerReader) -> Iterator[DayClosed]:
    """Every day that was sealed."""
    return (fact for fact in _facts(reader) if isinstance(fact, DayClosed))


def _facts(reader: LedgerReader) -> Iterator[Fact]:
    after = 0
    while page := reader.sealed(after, _PAGE, 10_000_000):
        for sealed in page:
            yield decode(sealed.body).fact
        after = page[-1].seq


class MorningFailed(Exception):
    """The morning did not go as it must; the message says what was waited for and what the screen showed."""


@dataclass
class Hands:
    """What every step of the morning needs. `say` gets lines for the terminal, `shot` the name of a picture."""

    app: Application
    runner: SteppedRunner
    tray: PracticeTray | None
    say: Callable[[str], None]
    shot: Callable[[str], None]
    in_doubt_resolved: int = 0

    def wait(self, until: Callable[[], bool], what: str) -> None:
        """Until something shows.

        Raises:
            MorningFailed: it did not, for a minute.
        """
        if not self.runner.pump(until, WAIT_S):
            self._give_up(what)

    def redeemed(self) -> int:
        """Redemptions of the day so far."""
        reader = self.app.services.ledger.read()
        day = reader.day()
        return reader.totals(day.date).redemptions if day.date is not None else 0

    # -- cards ----------------------------------------------------------------------------------------------------

    def present(self, card: PracticeCard | None, sale: str) -> CounterState:
        """Bring a card (None: whichever comes) to the counter and wait until the till has looked it up.

        Raises:
            MorningFailed: no card was read for a minute.
        """
        counter = self.app.till.counter
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            if self.tray is not None and card is not None:
                self.tray.next_sale(sale)
                self.tray.insert(card.row)
            if self.runner.pump(lambda: counter.state.phase in _LOOKED_UP or self._doubted(), CARD_S):
                state = counter.state
                if self._doubted():
                    self.to_ready()
                elif card is None or state.person is None or state.person.name == card.name:
                    return state
                else:  # somebody else's card, read late
                    counter.finish()
        return self._give_up("a card")

    def to_ready(self) -> None:
        """Back to Siap, whatever is in front.

        Raises:
            MorningFailed: the counter does not come back.
        """
        counter = self.app.till.counter
        deadline = time.monotonic() + WAIT_S
        while counter.state.phase is not Phase.READY:
            if time.monotonic() > deadline:
                self._give_up("Siap")
            if self._doubted():
                self.resolve()
            elif counter.state.phase in (Phase.RECOGNISED, Phase.REFUSED, Phase.DONE):
                counter.finish()
            else:  # how a doubt ended is said a moment after it is settled
                self.runner.pump(lambda: counter.state.phase not in _PASSING or self._doubted(), 1.0)

    # -- the clock ------------------------------------------------------------------------------------------------

    def confirm_clock(self) -> None:
        """The leader looks at the computer's date and time and says that they are right; back to where we were.

        Raises:
            MorningFailed: that did not help.
        """
        till = self.app.till
        before = till.shell.state.screen
        till.shell.go("day")
        self.wait(lambda: bool(till.day.state.suspect), "the clock")
        self.say(f"Jam dipastikan ketua. {'; '.join(till.day.state.suspect)}")
        self.shot("jam")
        till.day.ask_leader()
        till.day.confirm_clock(LEADER_PIN)
        self.wait(lambda: not till.day.state.suspect or till.day.state.notice is not None, "the leader's word")
        if till.day.state.notice is not None:
            raise MorningFailed(f"{till.day.state.notice.title}: {till.day.state.notice.happened}")
        till.shell.go(before)

    # -- doubts ---------------------------------------------------------------------------------------------------

    def settle_doubts(self) -> bool:
        """Every debit and void in doubt is asked about until it is known; whether the last became a redemption.

        Raises:
            MorningFailed: one stays in doubt.
        """
        till = self.app.till
        done = False
        if self.app.services.redeem.open_attempts():
            till.shell.go("counter")
        while self.app.services.redeem.open_attempts():
            till.doubt.resume()
            self.wait(self._doubted, "a doubt")
            self.resolve()
            done = till.counter.state.phase is Phase.DONE
        return done

    def resolve(self) -> None:
        """Settle the doubt in front.

        Raises:
            MorningFailed: neither the EDC nor its slip says what happened.
        """
        doubt = self.app.till.doubt
        panel = doubt.state.panel
        if panel is None:
            return

        def settled() -> bool:
            found = self.app.services.ledger.read().attempt(panel.attempt)
            now = doubt.state.panel
            return (found is None or found.state.final) and (now is None or now.attempt != panel.attempt)

        def quiet() -> bool:
            now = doubt.state.panel
            return now is None or not now.asking

        for _ in range(_ASKS):
            self.runner.pump(lambda: settled() or quiet(), WAIT_S)
            if settled():
                break
            self.runner.advance(10_000)
            doubt.inquire()
        if not settled():
            self._by_slip(panel.attempt)
        self.wait(settled, "the doubt to be settled")
        if panel.void and self.app.till.shell.state.screen == "history":  # it was shown what goes back
            self.app.till.shell.go("counter")
        self.in_doubt_resolved += 1
        self.say("Sudah pasti: hasil dari EDC dicatat.")

    def _doubted(self) -> bool:
        return self.app.till.doubt.state.panel is not None

    def _by_slip(self, attempt_id: str) -> None:
        """Two people read the EDC's own slip, where the terminal has no answer."""
        doubt = self.app.till.doubt
        attempt = self.app.services.ledger.read().attempt(attempt_id)
        if self.tray is None or attempt is None:
            raise MorningFailed("EDC tidak dapat ditanya dan tidak ada struk EDC; satu penarikan tetap belum pasti")
        slip = self._slip_of(attempt)
        doubt.ask_slip()
        other = self._other_debit(attempt) if slip is None else None
        if other is not None:
            last4, _, invoice = other
            code = self.tray.void(invoice)
            voided = code == "00"
            self.say(f"Struk EDC memakai kartu •••• {last4}: invoice {invoice}, pembatalan di EDC menjawab {code}.")
            doubt.slip_other(*other, LEADER_PIN, voided=voided)
        elif slip is None:
            self.say("EDC tidak mencetak struk untuk itu: dua orang menyatakan tidak ada penarikan.")
            doubt.slip_none(LEADER_PIN)
        else:
            self.say(f"Struk EDC ada: invoice {slip[2]}.")
            doubt.slip_approved(*slip, LEADER_PIN)
        self.wait(lambda: doubt.state.panel is None or doubt.state.notice is not None, "the slip")
        if doubt.state.notice is not None:
            raise MorningFailed(f"{doubt.state.notice.title}: {doubt.state.notice.happened}")

    def _slip_of(self, attempt: Attempt) -> tuple[str, str, str] | None:
        """What the slip of this very attempt says (last four, approval, invoice), if it is in no other receipt yet."""
        slip = self.tray.slip(attempt.amount) if self.tray is not None else None
        if slip is None or slip["kind"] != attempt.kind or slip["last4"] != attempt.card.last4:
            return None
        approval, invoice = slip["approval"], slip["invoice"]
        known = {(debit.approval, debit.invoice) for debit, _ in purse_movements(self.app.services.ledger.read())}
        return None if (approval, invoice) in known else (slip["last4"], approval, invoice)

    def _other_debit(self, attempt: Attempt) -> tuple[str, str, str] | None:
        """Last four, approval and invoice of a slip that took this amount from another card, and is in no receipt."""
        slip = self.tray.slip(attempt.amount) if self.tray is not None and attempt.kind == "sale" else None
        if slip is None or slip["kind"] != "sale" or slip["last4"] == attempt.card.last4:
            return None
        known = {debit.invoice for debit, _ in purse_movements(self.app.services.ledger.read())}
        return None if slip["invoice"] in known else (slip["last4"], slip["approval"], slip["invoice"])

    def _give_up(self, what: str) -> CounterState:
        shell, counter = self.app.till.shell.state, self.app.till.counter.state
        notices = (shell.notice, counter.notice, counter.refusal, counter.reader)
        device = self.app.services.reader.status()
        said = "; ".join(f"{found.title}: {found.happened} {found.now}" for found in notices if found is not None)
        raise MorningFailed(
            f"{WAIT_S:.0f} detik menunggu tanpa hasil ({what}, layar {shell.screen}/{counter.phase}, "
            f"EDC {device.reason or device.state}). {said}".strip()
        )
