"""The counter: card in, basket, Salurkan, done; and what happens when the EDC's answer is lost."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import Standing, take_all
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.redemption import AttemptState, Basket, Tender
from ewarung_pos.domain.spoken import spoken_handover
from ewarung_pos.errors import DeviceError, PosError
from ewarung_pos.ports import Attempt, CardPresented, Declined, DeviceState, Lane, PaymentOutcome, TaskRunner, Unknown
from ewarung_pos.services.redeem import Redemption
from ewarung_pos.ui.text import Trouble, trouble, trouble_of
from ewarung_pos.ui.viewmodels import counter_basket as basket
from ewarung_pos.ui.viewmodels import counter_lines as lines
from ewarung_pos.ui.viewmodels import counter_phases as phases
from ewarung_pos.ui.viewmodels.base import ViewModel
from ewarung_pos.ui.viewmodels.card_watch import CardWatch
from ewarung_pos.ui.viewmodels.counter_desk import CounterDesk, Seen, look
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Person, Phase
from ewarung_pos.ui.viewmodels.handover import Handover
from ewarung_pos.ui.viewmodels.payment import Payment, Recorded

__all__ = ["CounterViewModel"]

_NO_READER = trouble("device_unavailable", "not_configured")
_LISTENING = (Phase.READY, Phase.DONE, Phase.REFUSED)


class CounterViewModel(ViewModel[CounterState]):
    """Commands of the counter; those of Selesai are taken by its `handover`.

    Everything that blocks runs on a lane; results come home on the UI thread.
    """

    def __init__(
        self, desk: CounterDesk, runner: TaskRunner, doubted: Callable[[Attempt, PaymentOutcome], None]
    ) -> None:
        super().__init__(CounterState())
        self._desk = desk
        self._runner = runner
        self._doubted = doubted
        self._catalogue = Catalogue()
        self._reader_away(None)  # one that there is not is not waited for
        self._asked: CardPresented | None = None
        self._standing: Standing | None = None
        self._basket = Basket()
        self._shown = 0
        self._active = False
        self.handover = Handover(
            desk.papers,
            desk.printer,
            desk.files,
            runner,
            shown=lambda: self._state.done,
            show=lambda panel: self._set(replace(self._state, done=panel)),
            catalogue=lambda: self._catalogue,
            changed=desk.changed,
            over=self.finish,
        )
        self._watch = CardWatch(
            desk.reader,
            desk.poll_ms,
            runner,
            wanted=lambda: self._active and self._state.phase in _LISTENING and self.handover.kept is None,
            found=self._found,
            away=self._reader_away,
            broke=self._failed,
        )
        self.payment = Payment(
            desk,
            runner,
            waits=lambda words: self._set(replace(self._state, waiting=words)),
            held=lambda: self._set(phases.held(self._state)),
            answered=lambda: self._set(phases.answered(self._state)),
            over=self._paid,
            broke=self._failed,
        )

    # -- listening for cards --------------------------------------------------------------------------------------

    def activate(self) -> None:
        """The screen is in front: refresh and listen for cards."""
        self._active = True
        self.refresh()
        self._watch.look()

    def deactivate(self) -> None:
        """Another screen is in front: let the reader rest."""
        self._active = False

    def stop(self) -> None:
        """The till ends: no card is read, nothing goes back to Siap by itself."""
        self._active = False
        self.handover.stay()
        self.payment.rest()
        self._watch.rest()

    def tell(self, why: Trouble, person: Person | None) -> None:
        """Say how something ended that was settled elsewhere (a doubt that ended without a debit), and for whom."""
        self._forget()
        self._set(replace(phases.cleared(self._state, Phase.REFUSED), refusal=why, person=person))
        self.refresh()
        self._watch.look()

    def hold(self) -> None:
        """A doubt is in front: no card is read until it is settled or put aside."""
        if self._state.phase in _LISTENING:
            self._turn_to(Phase.DOUBT)

    def in_front(self) -> Standing | None:
        """Whoever is in front and is not being paid for or handed anything."""
        return self._standing if self._state.phase in (Phase.REFUSED, Phase.RECOGNISED) else None

    def person_of(self, standing: Standing) -> Person | None:
        """The family's panel, as this screen shows it."""
        return lines.person(standing, self._catalogue)

    def give_way(self) -> None:
        """Rights are asked for in front: no card is read until that is settled or put aside."""
        self._turn_to(Phase.DOUBT)

    def leave_doubt(self) -> None:
        """The doubt in front was settled or put aside: back to Siap, or to the family that is being served."""
        if not self._state.occupied:
            self.finish()

    def refresh(self) -> None:
        """Read catalogue, tally and the day's state again, and whether what refuses a card still does."""
        standing = self._standing
        refused = standing if standing is not None and standing.refusals else None
        self._runner.submit(
            Lane.LEDGER, lambda: look(self._desk, refused), lambda seen: self._refreshed(seen, refused), self._failed
        )

    def _refreshed(self, seen: Seen, refused: Standing | None) -> None:
        if seen.catalogue != self._catalogue:
            self._take(seen.catalogue)
        self._set(phases.refreshed(self._state, seen, self._catalogue))
        if seen.sealed and self._state.phase is Phase.RECOGNISED:
            self._turn_to(Phase.READY)  # a basket from before the seal can only be refused
        if refused is not None and seen.again is not None and self._standing is refused:
            self._ask_again(refused, seen.again)

    def _ask_again(self, refused: Standing, again: Standing) -> None:
        """A refusal does not outlive its reason: nothing is recorded, the card is simply asked for again."""
        if self._state.phase is not Phase.REFUSED or again.why_not == refused.why_not:
            return
        if again.refusals:
            self._refuse(again)
        else:
            self._turn_to(Phase.READY)

    def _take(self, catalogue: Catalogue) -> None:
        """The city sent other goods or prices; a basket that is being filled shows them, and says so."""
        before, self._catalogue = self._shown, catalogue
        if self._state.phase is not Phase.RECOGNISED:
            return
        wanted, self._basket = self._basket, basket.still_sold(self._basket, catalogue)
        self._show_basket()
        if self._basket != wanted or self._shown != before:
            self._set(replace(self._state, notice=trouble("rule", "price_changed")))

    def _reader_away(self, error: DeviceError | None) -> None:
        absent = self._desk.reader.status().state is DeviceState.NONE
        said = trouble_of(error) if error is not None else _NO_READER if absent else None
        self._set(replace(self._state, reader=said))

    # -- a card ---------------------------------------------------------------------------------------------------

    def _found(self, card: CardPresented) -> None:
        if not self.handover.keep(card):
            self.present(card)

    def present(self, card: CardPresented) -> None:
        """A card was read: find out whose it is and what is left. Nobody is served by nobody."""
        operator = self._desk.operator()
        if not operator:
            return
        self._asked = card
        self._turn_to(Phase.LOOKING)
        self._runner.submit(
            Lane.LEDGER,
            lambda: self._look_up(card, operator),
            lambda standing: self._looked_up(card, standing),
            self._failed,
        )

    def _look_up(self, card: CardPresented, operator: str) -> Standing:
        standing = self._desk.redeem.identify(card.card)
        if standing.refusals:
            self._desk.redeem.refuse(standing, operator)
        return standing

    def _looked_up(self, card: CardPresented, standing: Standing) -> None:
        # Signed out or cancelled meanwhile: nobody is shown a family whose card is not the one on the counter.
        if self._state.phase is not Phase.LOOKING or self._asked is not card:
            return
        if standing.refusals:
            self._refuse(standing)
            self._desk.changed()
            self._watch.look()
            return
        self._standing = standing
        self._basket = Basket()
        panel = lines.person(standing, self._catalogue)
        self._show_basket(on=replace(phases.cleared(self._state, Phase.RECOGNISED), person=panel))
        if any(section.id == Tender.PURSE.value for section in self._state.sections):
            self.payment.greet(self._terminal_greeted)

    def _terminal_greeted(self) -> None:
        if self._state.phase is Phase.RECOGNISED:
            self._show_basket(self._state.notice)

    def _refuse(self, standing: Standing) -> None:
        self._standing = standing
        why, panel = trouble(f"refusal.{standing.why_not}"), lines.person(standing, self._catalogue)
        self._set(replace(phases.cleared(self._state, Phase.REFUSED), refusal=why, person=panel))

    def _show_basket(self, notice: Trouble | None = None, *, on: CounterState | None = None) -> None:
        """The basket as it stands; `on` the state of a card that was just read, which no screen has seen yet."""
        standing, now = self._standing, on or self._state
        if standing is None:
            return
        terminal = self._desk.terminal.status().state if self._desk.terminal is not None else DeviceState.NONE
        self._shown = basket.worth(self._basket, self._catalogue)
        self._set(basket.recognised(now, standing, self._basket, self._catalogue, terminal, notice))

    def choose_section(self, section: str) -> None:
        """Show Jatah, Belanja KKS or Tunai."""
        if any(found.id == section for found in self._state.sections):
            self._set(replace(self._state, section=section, asks_discard=False))

    def choose_presence(self, presence: str, proxy_reason: str = "") -> None:
        """Who came: sendiri, anggota_kk or kuasa (which needs its reason)."""
        self._set(replace(self._state, presence=HolderPresence(presence).value, proxy_reason=proxy_reason))
        if self._state.phase is Phase.RECOGNISED:
            self._show_basket()

    def set_packs(self, product: str, packs: int) -> None:
        """Set a line of the section in front; kept between 0 and what lease and stock allow."""
        standing = self._standing
        if standing is None or self._state.phase is not Phase.RECOGNISED:
            return
        chosen = basket.with_packs(self._state, standing, self._basket, self._catalogue, product, packs)
        if chosen is not None:
            self._basket = chosen
            self._show_basket()

    def step(self, product: str, by: int) -> None:
        """One pack more or less of the section in front."""
        row = basket.row_in_front(self._state, product)
        if row is not None:
            self.set_packs(product, row.packs + by)

    def take_all(self) -> None:
        """*Ambil semua*: rations only, never a purse."""
        if self._standing is not None and self._state.phase is Phase.RECOGNISED:
            self._basket = take_all(self._standing, self._catalogue, self._basket)
            self._set(replace(self._state, section=Tender.RATION.value))
            self._show_basket()

    def cancel(self) -> None:
        """Back to Siap; during payment ask the EDC to stop, which works until it has the amount.

        A basket with goods in it is asked about once: the second press throws it away. A notice is only left.
        """
        if self._state.phase is Phase.PROCESSING:
            if self._state.can_cancel:
                self.payment.cancel()
            return
        if self._state.phase is Phase.RECOGNISED:
            if self._state.notice is not None:
                self.dismiss()
                return
            if self._basket.lines and not self._state.asks_discard:
                self._set(replace(self._state, asks_discard=True))
                return
        self.finish()

    # -- Salurkan -------------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """*Salurkan*: one commit, with the purse debit before it when the basket asks for one."""
        standing = self._standing
        if standing is None or not self._state.can_serve or self._state.phase is not Phase.RECOGNISED:
            return
        if self._state.asks_discard:  # Enter under a question is no to it, and hands nothing out
            self._set(replace(self._state, asks_discard=False))
            return
        chosen, presence, shown = self._basket, HolderPresence(self._state.presence), self._shown
        operator, why = self._desk.operator(), self._state.proxy_reason
        if not operator:
            return
        purse = any(line.tender is Tender.PURSE for line in chosen.lines)
        self.payment.expect()
        self._set(phases.processing(self._state, purse=purse))
        if purse:
            self._runner.submit(
                Lane.LEDGER,
                lambda: self._desk.redeem.begin(standing.card, chosen, presence, operator, why, shown),
                self.payment.begin,
                self._refused,
            )
        else:
            self._runner.submit(
                Lane.LEDGER,
                lambda: self._desk.redeem.redeem(standing.card, chosen, presence, operator, why, shown),
                self._redeemed,
                self._refused,
            )

    def _paid(self, attempt: Attempt, outcome: PaymentOutcome, recorded: Recorded) -> None:
        if isinstance(recorded, Redemption):
            self._redeemed(recorded)
        elif recorded is None:
            self._in_doubt(attempt, outcome)
        elif recorded is AttemptState.IN_DOUBT:
            self._in_doubt(attempt, outcome if isinstance(outcome, Unknown) else Unknown("restart"))
        elif isinstance(outcome, Declined):
            self._desk.changed()
            self._show_basket(trouble("edc", outcome.reason))
        else:  # settled before by somebody else: what was recorded then stands
            self._desk.changed()
            self._set(phases.cleared(self._state, Phase.READY))
            self.finish()

    def _in_doubt(self, attempt: Attempt, outcome: PaymentOutcome) -> None:
        self._turn_to(Phase.DOUBT)
        self._desk.changed()
        self._doubted(attempt, outcome)

    def _refused(self, error: Exception) -> None:
        if isinstance(error, PosError):
            self._show_basket(trouble_of(error))
            self.refresh()
        else:
            self._failed(error)

    # -- Selesai --------------------------------------------------------------------------------------------------

    def show_redemption(self, redemption: Redemption) -> str:
        """Selesai for a redemption that was settled elsewhere (a doubt that ended well).

        Where another family is in front its paper comes out, and what is returned says which goods are to be handed
        over; empty when Selesai says it.
        """
        if not self._state.occupied:
            self._redeemed(redemption)
            return ""
        self._desk.changed()
        self.handover.print(redemption)
        whose = f"Struk {redemption.fact.receipt:04d} {redemption.name}".rstrip()
        return f"{whose}: tercatat. {lines.hand_over(redemption.fact.lines, self._catalogue)}."

    def _redeemed(self, redemption: Redemption) -> None:
        panel = self.handover.begin(redemption)
        self._set(phases.done(self._state, panel, purse=redemption.fact.purse is not None))
        self._desk.changed()
        self.handover.print(redemption)
        self._desk.say(spoken_handover(redemption.fact))
        self._watch.look()

    def finish(self) -> None:
        """*Selesai*: back to Siap, or to the next family whose card is read already."""
        if self._state.phase is Phase.PROCESSING:
            return
        card = self.handover.kept
        self._turn_to(Phase.READY)
        self.refresh()
        self._watch.look()
        if card is not None:
            self.present(card)

    # -- trouble --------------------------------------------------------------------------------------------------

    def dismiss(self) -> None:
        """The notice was read."""
        self._set(replace(self._state, notice=None))

    def _failed(self, error: Exception) -> None:
        self._set(replace(phases.cleared(self._state, Phase.REFUSED), refusal=trouble_of(error)))
        if not isinstance(error, PosError):
            raise error

    def _turn_to(self, phase: Phase) -> None:
        """With nobody in front."""
        self._forget()
        self._set(phases.cleared(self._state, phase))

    def _forget(self) -> None:
        self.handover.forget()
        self._standing = None
        self._basket = Basket()
