"""The counter: card in, basket, Salurkan, done; and what happens when the EDC's answer is lost."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from ewarung_pos.domain.business_day import Day
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import Standing, check, purse_programme, ration_programme, take_all
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.redemption import AttemptState, Basket, Tender, priced, total_of
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.domain.units import Rupiah
from ewarung_pos.errors import DeviceError, PosError
from ewarung_pos.ports import (
    Attempt,
    CardPresented,
    CardReader,
    Declined,
    DeviceState,
    DeviceStatus,
    Lane,
    Ledger,
    PaymentIntent,
    PaymentOutcome,
    PaymentStep,
    PaymentTerminal,
    ReceiptPrinter,
    Tally,
    TaskRunner,
    Unknown,
)
from ewarung_pos.services.day import DayService
from ewarung_pos.services.printing import PaperService
from ewarung_pos.services.redeem import RedeemService, Redemption
from ewarung_pos.ui.text import Trouble, trouble, trouble_of
from ewarung_pos.ui.viewmodels import counter_lines as lines
from ewarung_pos.ui.viewmodels.base import ViewModel
from ewarung_pos.ui.viewmodels.card_watch import CardWatch
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Phase
from ewarung_pos.ui.viewmodels.handover import Handover

__all__ = ["CounterDesk", "CounterViewModel"]

_LISTENING = (Phase.READY, Phase.DONE, Phase.REFUSED)


class CounterDesk(msgspec.Struct, frozen=True):
    """What stands on the counter: services and devices the view-model may use.

    `operator` gives the code of whoever is signed in; `doubted` is told about an attempt in doubt; `changed` is called
    after each commit (the shell refreshes its lamps, sync may run). `files` takes receipts when the printer is dead.
    `poll_ms` is the longest single wait for a card,
    `response_seconds` the longest the terminal waits for the bank.
    """

    ledger: Ledger
    redeem: RedeemService
    day: DayService
    papers: PaperService
    reader: CardReader
    terminal: PaymentTerminal | None
    printer: ReceiptPrinter
    files: ReceiptPrinter
    operator: Callable[[], str]
    changed: Callable[[], None]
    poll_ms: int = 200
    response_seconds: int = 120


class _Now(msgspec.Struct, frozen=True):
    """What the ledger says; `again` about the card that was refused."""

    catalogue: Catalogue
    tally: Tally | None
    day: Day
    sealed: bool
    doubts: int
    again: Standing | None


class CounterViewModel(ViewModel[CounterState]):
    """Commands of the counter. Everything that blocks runs on a lane; results come home on the UI thread."""

    def __init__(
        self, desk: CounterDesk, runner: TaskRunner, doubted: Callable[[Attempt, PaymentOutcome], None]
    ) -> None:
        super().__init__(CounterState())
        self._desk = desk
        self._runner = runner
        self._doubted = doubted
        self._catalogue = Catalogue()
        self._asked: CardPresented | None = None
        self._standing: Standing | None = None
        self._basket = Basket()
        self._shown = 0
        self._active = False
        self._handover = Handover(
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
            wanted=self._wants_card,
            found=self.present,
            away=self._reader_away,
            broke=self._failed,
        )
        self._attempt: Attempt | None = None
        self._stop_asked = False
        self._second: Callable[[], None] | None = None

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
        self._handover.stay()
        self._waited()
        self._watch.rest()

    @property
    def busy(self) -> bool:
        """Whether something is being recorded, paid or printed: no moment to leave the screen."""
        return self._state.phase in (Phase.LOOKING, Phase.PROCESSING)

    @property
    def occupied(self) -> bool:
        """Whether a family is in front: its basket, its payment, or the goods it is being handed."""
        return self._state.phase in (Phase.LOOKING, Phase.RECOGNISED, Phase.PROCESSING, Phase.DONE)

    def in_hand(self) -> str:
        """What would be lost if everybody left now: `basket` with goods in it, `paying`, or nothing."""
        if self._state.phase is Phase.PROCESSING:
            return "paying"
        return "basket" if self._state.phase is Phase.RECOGNISED and self._basket.lines else ""

    def under_way(self) -> str:
        """Id of the debit that the EDC is being asked for now, or empty."""
        return self._attempt.id if self._attempt is not None else ""

    def tell(self, why: Trouble) -> None:
        """Say how something ended that was settled elsewhere (a doubt that ended without a debit)."""
        self._forget()
        self._set(replace(self._cleared(), phase=Phase.REFUSED, refusal=why))
        self.refresh()
        self._watch.look()

    def hold(self) -> None:
        """A doubt is in front: no card is read until it is settled or put aside."""
        if self._state.phase in _LISTENING:
            self._forget()
            self._set(replace(self._cleared(), phase=Phase.DOUBT))

    def leave_doubt(self) -> None:
        """The doubt in front was settled or put aside: back to Siap, or to the family that is being served."""
        if not self.occupied:
            self.finish()

    def refresh(self) -> None:
        """Read catalogue, tally and the day's state again, and whether what refuses a card still does."""
        standing = self._standing
        refused = standing if standing is not None and standing.refusals else None

        def look() -> _Now:
            reader = self._desk.ledger.read()
            day = reader.day()
            return _Now(
                reader.catalogue(),
                reader.tally(day.date) if day.date is not None and day.serving else None,
                day,
                self._desk.day.sealed_today(),
                len(reader.open_attempts()),
                self._desk.redeem.identify(refused.card) if refused is not None else None,
            )

        self._runner.submit(Lane.LEDGER, look, lambda now: self._refreshed(now, refused), self._failed)

    def _refreshed(self, now: _Now, refused: Standing | None) -> None:
        catalogue, tally = now.catalogue, now.tally
        if catalogue != self._catalogue:
            self._take(catalogue)
        opened = ""
        if tally is not None and tally.opened_ms:
            opened = f"buka {Instant(tally.opened_ms).clock()}"
        self._set(
            replace(
                self._state,
                tally=lines.tally_items(tally, self._catalogue) if tally is not None else (),
                opened=opened,
                day_open=now.day.serving,
                day_closing=now.day.closing,
                day_sealed=now.sealed,
                doubts_waiting=now.doubts,
            )
        )
        if refused is not None and now.again is not None and self._standing is refused:
            self._ask_again(refused, now.again)

    def _ask_again(self, refused: Standing, again: Standing) -> None:
        """A refusal does not outlive its reason: nothing is recorded, the card is simply asked for again."""
        if self._state.phase is not Phase.REFUSED or again.why_not == refused.why_not:
            return
        if again.refusals:
            self._refuse(again)
        else:
            self._forget()
            self._set(replace(self._cleared(), phase=Phase.READY))

    def _take(self, catalogue: Catalogue) -> None:
        """The city sent other goods or prices; a basket that is being filled shows them, and says so."""
        before, self._catalogue = self._shown, catalogue
        if self._state.phase is not Phase.RECOGNISED:
            return
        kept = tuple(line for line in self._basket.lines if catalogue.knows(line.product))
        gone = len(kept) < len(self._basket.lines)
        self._basket = Basket(kept)
        self._show_basket()
        if gone or self._shown != before:
            self._set(replace(self._state, notice=trouble("rule", "price_changed")))

    def _wants_card(self) -> bool:
        return self._active and self._state.phase in _LISTENING

    def _reader_away(self, error: DeviceError | None) -> None:
        self._set(replace(self._state, reader=trouble_of(error) if error is not None else None))

    # -- a card ---------------------------------------------------------------------------------------------------

    def present(self, card: CardPresented) -> None:
        """A card was read: find out whose it is and what is left. Nobody is served by nobody."""
        operator = self._desk.operator()
        if not operator:
            return
        self._forget()
        self._asked = card
        self._set(replace(self._cleared(), phase=Phase.LOOKING))
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
        self._show_basket(on=replace(self._cleared(), person=lines.person(standing, self._catalogue)))
        self._greet_terminal()

    def _greet_terminal(self) -> None:
        """An EDC that does not read the cards is asked whether it is there, while the goods are chosen."""
        terminal = self._desk.terminal
        purse = any(section.id == Tender.PURSE.value for section in self._state.sections)
        if terminal is None or not purse or self._desk.reader.source == "ecr":
            return

        def greeted(_: DeviceStatus) -> None:
            if self._state.phase is Phase.RECOGNISED:
                self._show_basket(self._state.notice)

        self._runner.submit(Lane.TERMINAL, terminal.diagnose, greeted, self._failed)

    def _refuse(self, standing: Standing) -> None:
        self._standing = standing
        why, panel = trouble(f"refusal.{standing.why_not}"), lines.person(standing, self._catalogue)
        self._set(replace(self._cleared(), phase=Phase.REFUSED, refusal=why, person=panel))

    def _show_basket(self, notice: Trouble | None = None, *, on: CounterState | None = None) -> None:
        """The basket as it stands; `on` the state of a card that was just read, which no screen has seen yet."""
        standing, now = self._standing, on or self._state
        if standing is None:
            return
        terminal = self._desk.terminal.status().state if self._desk.terminal is not None else DeviceState.NONE
        found = lines.sections(standing, self._basket, self._catalogue, terminal)
        wanted = now.section
        if wanted not in {section.id for section in found} or not now.sections:
            wanted = lines.first_of_use(found)
        self._shown = total_of(priced(self._basket, self._catalogue), Tender.PURSE, Tender.CASH).amount
        sound = bool(self._basket.lines) and not check(self._basket, standing, self._catalogue)
        proxy = now.presence == HolderPresence.PROXY.value and not now.proxy_reason
        self._set(
            replace(
                now,
                phase=Phase.RECOGNISED,
                sections=found,
                section=wanted,
                summary=lines.summary(self._basket, self._catalogue),
                to_pay=lines.to_pay(self._basket, self._catalogue),
                can_serve=sound and not proxy,
                notice=notice,
                asks_discard=False,
                steps=(),
                waiting="",
            )
        )

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
        tender = Tender(self._state.section)
        row = next(
            (r for s in self._state.sections if s.id == tender.value for r in s.rows if r.product == product), None
        )
        if row is None:
            return
        commodity = self._catalogue.product(product).commodity
        programme = ""
        if tender is Tender.RATION:
            programme = ration_programme(standing, self._catalogue, commodity) or ""
        elif tender is Tender.PURSE:
            programme = purse_programme(standing, self._catalogue, commodity) or ""
        self._basket = self._basket.with_packs(product, max(0, min(packs, row.most)), tender, programme)
        self._show_basket()

    def step(self, product: str, by: int) -> None:
        """One pack more or less of the section in front."""
        for section in self._state.sections:
            if section.id == self._state.section:
                for row in section.rows:
                    if row.product == product:
                        self.set_packs(product, row.packs + by)
                        return

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
            if self._state.can_cancel and self._desk.terminal is not None:
                self._stop_asked = True
                self._desk.terminal.abort()
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
        basket, presence, shown = self._basket, HolderPresence(self._state.presence), self._shown
        operator, why = self._desk.operator(), self._state.proxy_reason
        if not operator:
            return
        purse = any(line.tender is Tender.PURSE for line in basket.lines)
        self._stop_asked = False
        self._set(
            replace(
                self._state,
                phase=Phase.PROCESSING,
                can_serve=False,
                steps=lines.steps(purse, 0),
                notice=None,
                can_cancel=purse,
                why_no_cancel="" if purse else "Penyaluran sedang dicatat.",
            )
        )
        if purse:
            self._runner.submit(
                Lane.LEDGER,
                lambda: self._desk.redeem.begin(standing.card, basket, presence, operator, why, shown),
                self._pay,
                self._refused,
            )
        else:
            self._runner.submit(
                Lane.LEDGER,
                lambda: self._desk.redeem.redeem(standing.card, basket, presence, operator, why, shown),
                self._redeemed,
                self._refused,
            )

    def _pay(self, attempt: Attempt) -> None:
        terminal = self._desk.terminal
        self._attempt = attempt
        self._wait_on(attempt, 0)

        def pay() -> PaymentOutcome:
            self._desk.reader.release()
            if self._stop_asked:  # asked before the EDC's turn came: an abort then would be forgotten
                return Declined("", "user_cancelled")
            if terminal is None:
                return _not_sent()
            try:
                return terminal.pay(
                    PaymentIntent(attempt.id, attempt.amount, attempt.card.last4),
                    lambda step: self._runner.post(lambda: self._progress(step)),
                )
            except DeviceError:
                return _not_sent()

        def broke(error: Exception) -> None:
            self._paid(attempt, Unknown("no_answer"))
            raise error

        self._runner.submit(Lane.TERMINAL, pay, lambda outcome: self._paid(attempt, outcome), broke)

    def _wait_on(self, attempt: Attempt, seconds: int) -> None:
        """Say what the EDC is asked for and, second by second, how long it has been."""
        so_far = f" {seconds} dari {self._desk.response_seconds} detik." if seconds else ""
        words = f"Menunggu EDC: {Rupiah(attempt.amount)}. Lihat layar EDC; keluarga menekan PIN sendiri.{so_far}"
        self._set(replace(self._state, waiting=words))
        self._second = self._runner.later(1000, lambda: self._wait_on(attempt, seconds + 1))

    def _waited(self) -> None:
        if self._second is not None:
            self._second()
            self._second = None

    def _progress(self, step: PaymentStep) -> None:
        if self._state.phase is Phase.PROCESSING and step is not PaymentStep.SENT:
            self._set(
                replace(
                    self._state,
                    can_cancel=False,
                    why_no_cancel="EDC sudah memegang jumlahnya: batalkan lewat tombol merah di EDC.",
                )
            )

    def _paid(self, attempt: Attempt, outcome: PaymentOutcome) -> None:
        self._waited()
        wait = "Jawaban EDC sedang dicatat."
        self._set(replace(self._state, steps=lines.steps(purse=True, at=1), can_cancel=False, why_no_cancel=wait))
        self._runner.submit(
            Lane.LEDGER,
            lambda: self._desk.redeem.conclude(attempt.id, outcome, attempt.operator),
            lambda result: self._concluded(attempt, outcome, result),
            lambda error: self._not_recorded(attempt, outcome, error),
        )

    def _not_recorded(self, attempt: Attempt, outcome: PaymentOutcome, error: Exception) -> None:
        """The bank may have taken the money, and the ledger does not know: nobody is told that nothing happened."""
        if not isinstance(error, PosError):
            self._failed(error)
            return
        self._in_doubt(attempt, outcome)

    def _in_doubt(self, attempt: Attempt, outcome: PaymentOutcome) -> None:
        self._attempt = None
        self._forget()
        self._set(replace(self._cleared(), phase=Phase.DOUBT))
        self._desk.changed()
        self._doubted(attempt, outcome)

    def _concluded(self, attempt: Attempt, outcome: PaymentOutcome, result: Redemption | AttemptState) -> None:
        self._attempt = None
        if isinstance(result, Redemption):
            self._redeemed(result)
        elif result is AttemptState.IN_DOUBT:
            self._in_doubt(attempt, outcome if isinstance(outcome, Unknown) else Unknown("restart"))
        elif isinstance(outcome, Declined):
            self._desk.changed()
            self._show_basket(trouble("edc", outcome.reason))
        else:  # settled before by somebody else: what was recorded then stands
            self._desk.changed()
            self._set(replace(self._cleared(), phase=Phase.READY))
            self.finish()

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
        if not self.occupied:
            self._redeemed(redemption)
            return ""
        self._desk.changed()
        self._handover.print(redemption)
        whose = f"Struk {redemption.fact.receipt:04d} {redemption.name}".rstrip()
        return f"{whose}: tercatat. {lines.hand_over(redemption.fact.lines, self._catalogue)}."

    def _redeemed(self, redemption: Redemption) -> None:
        self._set(
            replace(
                self._cleared(),
                phase=Phase.DONE,
                steps=lines.steps(redemption.fact.purse is not None, 2),
                done=self._handover.begin(redemption),
            )
        )
        self._desk.changed()
        self._handover.print(redemption)
        self._watch.look()

    def tick(self, place: int) -> None:
        """One item of the pick list was handed over."""
        self._handover.tick(place)

    def reprint(self) -> None:
        """*Cetak ulang*: the original if it never came out, else a copy marked SALINAN."""
        self._handover.reprint()

    def show_on_screen(self) -> None:
        """*Tampilkan di layar*: the receipt as a file and on the screen, when the printer is dead."""
        self._handover.show_on_screen()

    def close_screen(self) -> None:
        """The receipt on the screen was looked at."""
        self._handover.close_screen()

    def finish(self) -> None:
        """*Selesai*: back to Siap; the next card may be inserted at once."""
        if self._state.phase is Phase.PROCESSING:
            return
        self._forget()
        self._set(replace(self._cleared(), phase=Phase.READY))
        self.refresh()
        self._watch.look()

    # -- trouble --------------------------------------------------------------------------------------------------

    def dismiss(self) -> None:
        """The notice was read."""
        self._set(replace(self._state, notice=None))

    def _failed(self, error: Exception) -> None:
        self._attempt = None
        self._set(replace(self._cleared(), phase=Phase.REFUSED, refusal=trouble_of(error)))
        if not isinstance(error, PosError):
            raise error

    def _forget(self) -> None:
        self._handover.forget()
        self._standing = None
        self._basket = Basket()

    def _cleared(self) -> CounterState:
        now = self._state
        return CounterState(
            reader=now.reader,
            tally=now.tally,
            opened=now.opened,
            day_open=now.day_open,
            day_closing=now.day_closing,
            day_sealed=now.day_sealed,
            doubts_waiting=now.doubts_waiting,
        )


def _not_sent() -> PaymentOutcome:
    return Declined("", "not_sent")
