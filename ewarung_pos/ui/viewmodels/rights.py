"""Rights that this kiosk does not hold: asked of the city, and out of the hardship pool where nobody can be reached."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from ewarung_pos.domain.entitlement import Standing
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.rights import HARDSHIP, HardshipReason
from ewarung_pos.errors import PosError, ServerBusy, ServerUnreachable
from ewarung_pos.ports import CardPresented, CitySync, Clock, Lane, RightsAnswer, RightsWish, TaskRunner
from ewarung_pos.services.hardship import HardshipOffer, HardshipService
from ewarung_pos.services.operators import OperatorService
from ewarung_pos.services.redeem import Redemption
from ewarung_pos.ui.text import Trouble, trouble, trouble_of
from ewarung_pos.ui.viewmodels.base import ViewModel
from ewarung_pos.ui.viewmodels.counter_state import Person
from ewarung_pos.ui.viewmodels.rights_state import RightsState, with_pool

__all__ = ["PATIENCE_S", "RightsDesk", "RightsViewModel"]

PATIENCE_S = 60
"""So long the screen waits for another kiosk; the family is standing there."""

AGAIN_MS = 2_000
"""The other kiosk is asked with its next page: the city is asked again as often as this."""

_OF_THE_CARD = ("card_blocked", "holder_deceased", "family_moved")
_HELPED = ("frozen", "recovery", "doubt")
"""What the city says where rights exist that nobody can be given now."""


class RightsDesk(msgspec.Struct, frozen=True):
    """What asking may use.

    `standing` is whoever is in front at the counter; `begun` is told when this comes to the front, `left` when it goes
    without anything; `found` takes the card again once rights have come, `redeemed` what was handed out of the pool;
    `carry` keeps a request (and the family's key, if it is known) for the next stick.
    """

    city: CitySync
    hardship: HardshipService
    operators: OperatorService
    clock: Clock
    operator: Callable[[], str]
    standing: Callable[[], Standing | None]
    person: Callable[[Standing], Person | None]
    begun: Callable[[], None]
    left: Callable[[], None]
    found: Callable[[CardPresented], None]
    redeemed: Callable[[Redemption], object]
    changed: Callable[[], None]
    carry: Callable[[RightsWish, str], None]


class RightsViewModel(ViewModel[RightsState]):
    """Commands of the pages. The line is on its own lane: the window never waits for it."""

    def __init__(self, desk: RightsDesk, runner: TaskRunner) -> None:
        super().__init__(RightsState())
        self._desk = desk
        self._runner = runner
        self._standing: Standing | None = None
        self._wish: RightsWish | None = None
        self._offer: HardshipOffer | None = None
        self._basket = Basket()
        self._name = ""
        self._began_ms = 0
        self._kiosk = ""
        self._end_tick: Callable[[], None] = lambda: None
        self._end_again: Callable[[], None] = lambda: None

    # -- asking the city ------------------------------------------------------------------------------------------

    def ask_city(self) -> None:
        """*Minta jatah dari kota*: for whoever is in front at the counter."""
        if self._take_front():
            self._ask()

    def ask_home(self) -> None:
        """*Jadikan kios ini langganan*: asked once more before it is done."""
        if self._state.mode in {"", "waiting", "answer"} and (self._state.mode or self._take_front()):
            self._rest()
            self._set(replace(self._state, mode="home", answer=trouble("rights", "home_asked")))

    def move_home(self) -> None:
        """Yes: this kiosk is the family's home from now on, whatever any other kiosk thinks of it."""
        if self._state.mode == "home":
            self._ask(home=True)

    def ask_again(self) -> None:
        """*Coba lagi*."""
        if self._state.mode == "answer" and self._state.can_ask:
            self._ask()

    def go_on(self) -> None:
        """The one button of an answer: after a change of home on to this month's rights, else back to Siap."""
        if self._state.mode == "answer":
            if self._state.answer is not None and self._state.answer.code == "rights.home_changed":
                self._ask()
            else:
                self.cancel()

    def cancel(self) -> None:
        """*Batal*: nobody waits any more; the counter is free at once, whatever the line does."""
        if self._state.mode and not self._state.busy:
            self.leave()
            self._desk.left()

    def stop(self) -> None:
        """The till ends: nothing is asked again."""
        self._rest()

    def leave(self) -> None:
        """Another screen or another operator is in front."""
        self._rest()
        self._withdraw()
        self._standing, self._offer, self._basket, self._name = None, None, Basket(), ""
        if self._state.mode:
            self._set(RightsState())

    def _take_front(self) -> bool:
        standing = self._desk.standing()
        if standing is None or self._state.mode or not self._desk.operator():
            return False
        self._standing = standing
        self._desk.begun()
        last4 = standing.card.last4
        person = self._desk.person(standing) or Person(f"Kartu •••• {last4}", "belum terdaftar di kios ini", ())
        self._set(RightsState(person=person, last4=last4, stranger=standing.family is None))
        return True

    def _ask(self, *, home: bool = False) -> None:
        standing = self._standing
        if standing is None:
            return
        self._rest()
        held = self._wish
        if held is None or held.home is not home:
            self._withdraw()
            held = RightsWish(self._desk.clock.mint(), standing.card, standing.period, home=home)
        self._wish = held
        self._began_ms = self._desk.clock.now().monotonic_ms
        self._kiosk = ""
        self._set(replace(self._state, mode="waiting", answer=None, can_move=not home))
        self._tick()
        self._send(held)

    def _send(self, wish: RightsWish) -> None:
        self._runner.submit(
            Lane.SYNC,
            lambda: self._desk.city.ask(wish),
            lambda said: self._answered(wish, said),
            lambda error: self._unanswered(wish, error),
        )

    def _tick(self) -> None:
        """Say what is waited for, second by second; after a minute, that nobody answers."""
        waited = (self._desk.clock.now().monotonic_ms - self._began_ms) // 1000
        if waited >= PATIENCE_S:
            self._say(trouble("rights", "silent"), can_ask=True, can_help=True)
            return
        whom = f"{self._kiosk} mengembalikan jatah" if self._kiosk else "jawaban kota"
        self._set(replace(self._state, waiting=f"Menunggu {whom}. {waited} dari {PATIENCE_S} detik."))
        self._end_tick = self._runner.later(1000, self._tick)

    def _answered(self, wish: RightsWish, said: RightsAnswer) -> None:
        if self._wish is not wish:
            if said.outcome == "granted":
                self._desk.changed()
            return  # nobody waits for it any more; what was granted is in the journal all the same
        if said.outcome == "waiting":
            self._kiosk = said.kiosk
            self._end_again = self._runner.later(AGAIN_MS, lambda: self._send(wish))
            return
        self._wish = None
        if said.outcome == "granted":
            self._desk.changed()
            if wish.home:
                self._say(trouble("rights", "home_changed"))
            else:
                self._serve_it()
        elif said.reason in _OF_THE_CARD:
            self._say(trouble("refusal", said.reason))
        else:
            helped, there = said.reason in _HELPED, said.reason == "elsewhere"
            answer = trouble("rights", said.reason)
            if there and said.kiosk:
                answer = replace(answer, title=f"Jatah ada di {said.kiosk}")
            self._say(answer, can_ask=helped or there, can_help=helped, can_move=said.family is not None)

    def _serve_it(self) -> None:
        """The rights are here: the card is looked up as if it had just been read."""
        standing = self._standing
        self.leave()
        if standing is not None:
            self._desk.found(CardPresented(standing.card))

    def _unanswered(self, wish: RightsWish, error: Exception) -> None:
        if self._wish is wish:
            no_line = isinstance(error, (ServerUnreachable, ServerBusy))
            asked = "no_line_home" if wish.home else "no_line"  # a stick carries no change of home
            why = trouble("rights", asked) if no_line else trouble_of(error)
            self._say(why, can_ask=True, can_help=no_line, can_carry=no_line and not wish.home)
        if not isinstance(error, PosError):
            raise error

    def _say(
        self,
        answer: Trouble,
        *,
        can_ask: bool = False,
        can_help: bool = False,
        can_move: bool = False,
        can_carry: bool = False,
    ) -> None:
        self._rest()
        told = replace(self._state, mode="answer", answer=answer, waiting="", can_carry=can_carry)
        self._set(replace(told, can_ask=can_ask, can_help=can_help, can_move=can_move))

    def carry(self) -> None:
        """*Titip USB*: the request goes with the next stick, under its own name, and the family comes again."""
        standing, wish = self._standing, self._wish
        if standing is None or wish is None or not self._state.can_carry or self._state.busy:
            return
        self._wish = None  # it is kept, and not withdrawn
        family = standing.family.key if standing.family is not None else ""
        self._set(replace(self._state, busy=True))
        self._runner.submit(
            Lane.LEDGER, lambda: self._desk.carry(wish, family), lambda _: self._carried(), self._not_recorded
        )

    def _carried(self) -> None:
        self._set(replace(self._state, busy=False))
        self._say(trouble("rights", "carried"), can_help=True)
        self._desk.changed()

    def _rest(self) -> None:
        self._end_tick()
        self._end_again()

    # -- the pool -------------------------------------------------------------------------------------------------

    def open_pool(self) -> None:
        """*Jatah darurat*: what the kiosk's pool holds; only where the family's own rights cannot be reached."""
        standing = self._standing
        if standing is None or self._state.mode != "answer" or not self._state.can_help:
            return
        self._withdraw()
        self._runner.submit(
            Lane.LEDGER, lambda: self._desk.hardship.offer(standing.card), self._offered, self._not_recorded
        )

    def _withdraw(self) -> None:
        wish, self._wish = self._wish, None
        if wish is not None:
            gone = replace(wish, withdraw=True)
            self._runner.submit(Lane.SYNC, lambda: self._desk.city.ask(gone), _heard, _unheard)

    def _offered(self, offer: HardshipOffer | None) -> None:
        if self._state.mode != "answer":
            return
        if offer is None or not offer.helps:
            self._say(trouble("rights", "pool_empty"), can_ask=True)
            return
        self._offer, self._basket = offer, Basket()
        self._show_pool(replace(self._state, mode="pool", notice=None))

    def _show_pool(self, on: RightsState) -> None:
        if self._offer is not None:
            self._set(with_pool(on, self._offer, self._basket))

    def set_packs(self, product: str, packs: int) -> None:
        """Set a line, kept between 0 and what the pool and the shelf allow."""
        row = next((row for row in self._state.rows if row.product == product), None)
        if row is not None and self._state.mode == "pool":
            wanted = max(0, min(packs, row.most))
            self._basket = self._basket.with_packs(product, wanted, Tender.RATION, HARDSHIP)
            self._show_pool(self._state)

    def choose_presence(self, presence: str, proxy_reason: str = "") -> None:
        """Who came: sendiri, anggota_kk or kuasa (which needs its reason)."""
        chosen = replace(self._state, presence=HolderPresence(presence).value, proxy_reason=proxy_reason)
        self._show_pool(chosen)

    def ask_why(self) -> None:
        """*Lanjut*: why, next."""
        if self._state.mode == "pool" and self._state.can_go_on:
            self._set(replace(self._state, mode="why", notice=None))

    def choose_reason(self, reason: str) -> None:
        """Why the family's own rights cannot be reached."""
        self._set(replace(self._state, reason=HardshipReason(reason).value, notice=None))

    def type_name(self, name: str) -> None:
        """The holder's name as she says it; not kept in the state."""
        self._name = name.strip()

    def ask_leader(self) -> None:
        """*Lanjut*: the leader's PIN is next."""
        if self._state.mode == "why" and self._state.reason:
            self._set(replace(self._state, mode="pin", notice=None))

    def back(self) -> None:
        """One page back; from the first to Siap."""
        before = {"pin": "why", "why": "pool", "pool": "answer", "home": "answer"}.get(self._state.mode)
        if self._state.busy:
            return
        if before == "answer" and self._state.mode == "home":
            self.cancel()
        elif before is not None:
            self._set(replace(self._state, mode=before, notice=None))
        else:
            self.cancel()

    def confirm(self, leader_pin: str) -> None:
        """The leader allows it: one commit, and the goods may go."""
        standing, state, operator = self._standing, self._state, self._desk.operator()
        if standing is None or state.mode != "pin" or state.busy or not operator:
            return
        basket, name = self._basket, self._name

        def serve() -> Redemption:
            leader = self._desk.operators.leader(leader_pin)
            return self._desk.hardship.serve(
                standing.card,
                basket,
                HolderPresence(state.presence),
                HardshipReason(state.reason),
                operator,
                leader.code,
                proxy_reason=state.proxy_reason,
                name=name,
            )

        self._set(replace(state, busy=True, notice=None))
        self._runner.submit(Lane.PIN, serve, self._served, self._not_recorded)

    def _served(self, redemption: Redemption) -> None:
        self.leave()
        self._desk.changed()
        self._desk.redeemed(redemption)

    def _not_recorded(self, error: Exception) -> None:
        if self._state.mode:
            self._set(replace(self._state, busy=False, notice=trouble_of(error)))
        if not isinstance(error, PosError):
            raise error


def _heard(_: RightsAnswer) -> None:
    """The city knows that nobody waits."""


def _unheard(error: Exception) -> None:
    """It finds that out by itself when nobody asks again."""
    if not isinstance(error, PosError):
        raise error
