"""Simulated card readers as a program of its own: a stripe reader's line, or a card in a virtual chip reader.

`run` is the command `simulate-reader`. The cards are those of the simulated EDC, so that a family is the same whichever
device reads its card.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

from ewarung_pos.devices.simulated.chip_card import ScriptedCard
from ewarung_pos.devices.simulated.chip_slot import VirtualSlot, slot_address
from ewarung_pos.devices.simulated.edc_bank import Card, in_turn, read_cards, sample_cards
from ewarung_pos.devices.simulated.faults import CHIP, STRIPE, FaultScript
from ewarung_pos.devices.simulated.program import Attendant, parent_of
from ewarung_pos.devices.simulated.stripe_swiper import Swiper
from ewarung_pos.errors import ConfigError

__all__ = ["run"]

_NAME = "simulate-reader"
_REACH_S = 2.0
_READY_S = 5.0
"""So long a virtual reader may take to ask for a card before it counts as not there; it looks twice a second."""


def run(
    *,
    stripe: str | Path | None = None,
    chip: str | None = None,
    families: str | Path | None = None,
    faults: str | Path | None = None,
    every_s: float | None = None,
    seed: int = 1,
    parent: int | None = None,
) -> None:
    """The command `simulate-reader`: hold cards to the till until SIGTERM or SIGINT.

    What is typed to it is answered by a line: `swipe [ROW]` at a stripe reader, `insert [ROW]` and `remove` at a chip
    reader. Without a row the next card comes.

    Args:
        stripe: symlink to make for the stripe reader's pseudo-terminal.
        chip: slot of a virtual chip reader instead, 127.0.0.1:PORT or a Unix socket.
        families: families file; the sample families without it.
        faults: fault script.
        every_s: a card comes by itself every so many seconds; a chip card is put in and taken out in turn.
        seed: order of the cards.
        parent: end when this process is no longer the parent.

    Raises:
        ConfigError: an argument is not usable.
    """
    if (stripe is None) == (chip is None):
        raise ConfigError("beri satu: --stripe atau --chip", reason="line")
    cards = read_cards(Path(families)) if families else sample_cards()
    words = STRIPE if stripe is not None else CHIP
    script = FaultScript.read(Path(faults), words) if faults else FaultScript((), words)
    hands: _Hands
    if stripe is not None:
        hands = _AtTheStripe(cards, seed, script, Path(stripe))
    else:
        hands = _AtTheChip(cards, seed, script, chip or "")
    attendant = Attendant(hands.heard, hands.by_itself, every_s)
    hands.attendant = attendant
    try:
        attendant.attend(f"{_NAME} ready {stripe if stripe is not None else chip}", parent_of(parent))
    finally:
        hands.close()


class _Hands(ABC):
    """Whoever holds the cards.

    Attributes:
        attendant: whose program this is.
    """

    attendant: Attendant

    def __init__(self, cards: Iterable[Card], seed: int) -> None:
        held = tuple(cards)
        self._by_row = {card.row: card for card in held}
        self._order = in_turn(held, seed)

    @abstractmethod
    def heard(self, line: str) -> str:
        """Do what was typed; what came of it."""

    @abstractmethod
    def by_itself(self) -> None:
        """Do what is done every so many seconds."""

    @abstractmethod
    def close(self) -> None:
        """Leave nothing behind."""

    def _card(self, row: str) -> Card | None:
        return self._by_row.get(row) if row else next(self._order)

    def _pause(self, seconds: float) -> None:
        self.attendant.pause(seconds)


class _AtTheStripe(_Hands):
    def __init__(self, cards: Iterable[Card], seed: int, script: FaultScript, link: Path) -> None:
        super().__init__(cards, seed)
        self._swiper = Swiper(link, script, self._pause)

    def heard(self, line: str) -> str:
        word, _, row = line.partition(" ")
        if word != "swipe":
            return f"tidak dimengerti: {line!r}; ketik swipe, atau swipe BARIS"
        card = self._card(row.strip())
        return _no_card(row) if card is None else _told("swiped", card, self._swiper.swipe(card))

    def by_itself(self) -> None:
        self._swiper.swipe(next(self._order))

    def close(self) -> None:
        self._swiper.close()


class _AtTheChip(_Hands):
    def __init__(self, cards: Iterable[Card], seed: int, script: FaultScript, where: str) -> None:
        super().__init__(cards, seed)
        self._script = script
        self._where = where
        self._slot = VirtualSlot(slot_address(self._where), _REACH_S)
        self._missed = False
        try:
            self._slot.reach(_READY_S)
        except OSError as error:
            raise ConfigError(
                f"--chip: {where!r}, tidak ada yang meminta kartu ({error.strerror or type(error).__name__})",
                reason="chip_away",
            ) from error

    def heard(self, line: str) -> str:
        word, _, row = line.partition(" ")
        if word == "remove" and not row:
            lay = self._slot.holds_a_card
            self._slot.remove()
            return "removed" if lay else "tidak ada kartu di pembaca"
        if word != "insert":
            return f"tidak dimengerti: {line!r}; ketik insert, insert BARIS, atau remove"
        if self._slot.holds_a_card:
            return "masih ada kartu di pembaca; ketik remove dulu"
        card = self._card(row.strip())
        return _no_card(row) if card is None else self._insert(card)

    def by_itself(self) -> None:
        if self._slot.holds_a_card:
            self._slot.remove()
            return
        said = self._insert(next(self._order))
        missed = not said.startswith("inserted")
        if missed and not self._missed:  # once, until it answers again
            sys.stderr.write(f"{said}\n")
        self._missed = missed

    def close(self) -> None:
        self._slot.remove()

    def _insert(self, card: Card) -> str:
        put_in = ScriptedCard(card, self._script, self._slot.pause)
        try:
            self._slot.insert(put_in.chip.atr, put_in.answer)
        except OSError as error:
            return f"pembaca maya di {self._where!r} tidak menjawab ({error.strerror or type(error).__name__})"
        return _told("inserted", card, put_in.struck)


def _told(done: str, card: Card, struck: Iterable[str]) -> str:
    return " ".join((done, card.row, *struck))


def _no_card(row: str) -> str:
    return f"tidak ada kartu di baris {row.strip()!r}"
