"""Typing a card's number where no reader can read it: the number and why, then the leader's PIN."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from ewarung_pos.domain.family import luhn_valid
from ewarung_pos.errors import NotEntitled, PosError
from ewarung_pos.ports import CardPresented, Lane, TaskRunner
from ewarung_pos.services.typed_card import TypedCardService, TypedReason
from ewarung_pos.ui.text import Trouble, trouble_of
from ewarung_pos.ui.viewmodels.base import ViewModel

__all__ = ["LONGEST", "ODD", "TYPED_REASONS", "TypedCardDesk", "TypedCardState", "TypedCardViewModel"]

TYPED_REASONS: tuple[tuple[str, str], ...] = tuple((reason.value, reason.label) for reason in TypedReason)
"""(value, label) of every reason to type a number."""

SHORTEST, LONGEST = 14, 19
"""Digits of a card number."""

ODD = "Angka terakhir tidak cocok dengan yang lain: mungkin ada yang salah ketik."


class TypedCardState(msgspec.Struct, frozen=True):
    """`mode` is empty (not in front), number or pin. The number itself is not in here.

    `warning` says that the check digit does not fit, which stops nobody. `last4` is shown where the PIN is asked for.
    """

    mode: str = ""
    reason: str = ""
    ready: bool = False
    warning: str = ""
    last4: str = ""
    busy: bool = False
    notice: Trouble | None = None


class TypedCardDesk(msgspec.Struct, frozen=True):
    """What typing may use. `begun` is told when it comes to the front, `left` when it goes without a card."""

    cards: TypedCardService
    operator: Callable[[], str]
    begun: Callable[[], None]
    left: Callable[[], None]
    found: Callable[[CardPresented], None]


class TypedCardViewModel(ViewModel[TypedCardState]):
    """Commands of the page."""

    def __init__(self, desk: TypedCardDesk, runner: TaskRunner) -> None:
        super().__init__(TypedCardState())
        self._desk = desk
        self._runner = runner
        self._number = ""

    def begin(self) -> None:
        """*Ketik nomor*: nobody's card is read meanwhile."""
        if self._desk.operator() and not self._state.mode:
            self._desk.begun()
            self._set(TypedCardState(mode="number"))

    def type(self, number: str) -> None:
        """What stands in the field now; blanks between the digits do not count."""
        self._number = "".join(number.split())
        whole = SHORTEST <= len(self._number) <= LONGEST and self._number.isascii() and self._number.isdigit()
        warning = ODD if whole and not luhn_valid(self._number) else ""
        self._set(replace(self._state, ready=whole, warning=warning, notice=None))

    def choose_reason(self, reason: str) -> None:
        """Why no reader read it."""
        self._set(replace(self._state, reason=TypedReason(reason).value, notice=None))

    def ask_leader(self) -> None:
        """*Lanjut*: the leader's PIN is next."""
        if self._state.mode == "number" and self._state.ready and self._state.reason:
            self._set(replace(self._state, mode="pin", last4=self._number[-4:], notice=None))

    def confirm(self, leader_pin: str) -> None:
        """The leader allows it: the card is looked up as if it had been read."""
        operator, state = self._desk.operator(), self._state
        if state.mode != "pin" or state.busy or not operator:
            return
        number, reason = self._number, TypedReason(state.reason)
        self._set(replace(state, busy=True, notice=None))
        self._runner.submit(
            Lane.PIN, lambda: self._desk.cards.admit(number, reason, leader_pin, operator), self._admitted, self._failed
        )

    def back(self) -> None:
        """From the PIN to the number, from the number to Siap."""
        if self._state.mode == "pin" and not self._state.busy:
            self._set(replace(self._state, mode="number", last4="", notice=None))
        elif self._state.mode == "number":
            self.leave()
            self._desk.left()

    def leave(self) -> None:
        """Another screen or another operator is in front: what was typed is forgotten."""
        self._number = ""
        if self._state.mode:
            self._set(TypedCardState())

    def _admitted(self, card: CardPresented) -> None:
        if self._state.busy:  # not left meanwhile
            self.leave()
            self._desk.found(card)

    def _failed(self, error: Exception) -> None:
        if self._state.busy:
            mode = "number" if isinstance(error, NotEntitled) else "pin"
            self._set(replace(self._state, mode=mode, busy=False, notice=trouble_of(error)))
        if not isinstance(error, PosError):
            raise error
