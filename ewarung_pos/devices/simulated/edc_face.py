"""What people see and touch of a simulated EDC: the card slot, the keys, the display, and the holder's whims.

The same for every wire. A subclass brings the questions of its wire and gives the answers.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ewarung_pos.devices.simulated.edc_bank import APPROVED, Bank, Card, Slip, in_turn
from ewarung_pos.devices.simulated.faults import Fault, FaultScript

__all__ = ["EdcFace", "HangUp", "Task"]

_PATIENCE_S = 60.0
_BAD_PIN = "000000"
_HOLDER = {"wrong_pin": "55", "cancel": "P3", "insufficient": "51"}
RESULT = {
    "00": "BERHASIL",
    "51": "SALDO TIDAK CUKUP",
    "54": "KARTU KEDALUWARSA",
    "55": "PIN SALAH",
    "P3": "DIBATALKAN",
    "TO": "WAKTU HABIS",
}


class HangUp:
    """In the outbox: the line breaks here."""


@dataclass(kw_only=True)
class Task:
    """What a till asked for. `phase` is card, pin or work; `mute`: carried out, and the answer goes nowhere."""

    kind: str
    amount: int
    ref: str
    faults: dict[str, Fault]
    phase: str
    due: float | None
    card: Card | None = None
    pin: str = field(default="", repr=False)
    mute: bool = False
    holder: str = "ok"


_T = TypeVar("_T", bound=Task)


class EdcFace(ABC, Generic[_T]):
    """Slot, keys and display. At most one task at a time.

    Attributes:
        autopilot: nobody holds the tray: cards present themselves.

    `lost_s`: an answer that the holder's whim loses breaks the line after so long; None: there is only silence.
    """

    def __init__(
        self,
        bank: Bank,
        faults: FaultScript,
        *,
        pin_mode: str,
        delay_s: float,
        autopilot: bool,
        autopilot_s: float,
        lost_s: float | None,
        seed: int,
    ) -> None:
        self.autopilot = autopilot
        self._lost_s = lost_s
        self._bank = bank
        self._faults = faults
        self._pin_mode = pin_mode
        self._delay_s = delay_s
        self._autopilot_s = autopilot_s
        self._order = in_turn(bank.cards.values(), seed)
        self._slot: Card | None = None
        self._slot_read = False
        self._task: _T | None = None
        self._serial = itertools.count(1)
        self._next_holder = "ok"
        self._shown = ""

    @abstractmethod
    def advance(self, now: float) -> None:
        """Do what is due."""

    @abstractmethod
    def next_due(self) -> float | None:
        """When there is something to do next."""

    @abstractmethod
    def _work(self, task: _T, now: float) -> None:
        """Do what was asked; a sale ends with `_end`."""

    @abstractmethod
    def _answer(self, task: _T, code: str, now: float, slip: Slip | None) -> None:
        """Tell the till, and have no task any more."""

    def _shows(self, task: _T, code: str) -> None:
        self._task = None
        self._shown = RESULT.get(code, f"DITOLAK {code}") if task.kind in {"sale", "void"} else ""

    def _breaks_at(self, task: _T, now: float) -> float | None:
        """When the line breaks for an answer that is lost, if it does."""
        return now + self._lost_s if task.holder == "lose_answer" and self._lost_s is not None else None

    # -- hands ----------------------------------------------------------------------------------------------------

    def cards(self) -> list[list[str]]:
        """Row and label of every card."""
        return [[card.row, card.label] for card in self._bank.cards.values()]

    def insert(self, row: str, now: float) -> None:
        """Put a card in.

        Raises:
            KeyError: no such row.
        """
        self._slot, self._slot_read = self._bank.cards[row], False
        task = self._task
        if task is not None and task.phase == "card":
            self._card_in(task, now)

    def insert_by_hand(self, row: str, now: float) -> str:
        """Put a card in, the next active one without a row; its row. From then on no card presents itself.

        Raises:
            KeyError: no such row.
        """
        chosen = row or next(self._order).row
        self.insert(chosen, now)
        self.autopilot = False
        return chosen

    def remove(self) -> bool:
        """Take the card out; whether there was one. What it was asked for goes on."""
        lay, self._slot = self._slot is not None, None
        return lay

    def next_sale(self, what: str) -> None:
        """See `PracticeTray.next_sale`.

        Raises:
            KeyError: not one of its words.
        """
        if what not in {"ok", "lose_answer", *_HOLDER}:
            raise KeyError(what)
        self._next_holder = what

    def press(self, key: str, now: float) -> None:
        """A key. Only the PIN prompt and the card prompt of a sale listen."""
        task = self._task
        if task is None or task.kind not in {"sale", "card"} or task.phase not in {"pin", "card"}:
            return
        if key == "cancel":
            self._end(task, "P3", now)
        elif task.phase == "pin" and self._pin_mode == "face":
            if key == "clear":
                task.pin = ""
            elif key == "ok" and len(task.pin) == 6:
                task.phase, task.due = "work", now + self._delay_s
            elif len(key) == 1 and key.isascii() and key.isdigit() and len(task.pin) < 6:
                task.pin += key

    def face(self) -> dict[str, Any]:
        """The display, and how the next sale goes."""
        task = self._task
        lines = ["EDC SIMULASI"]
        price = "Rp " + f"{task.amount:,}".replace(",", ".") if task is not None else ""
        if task is None:
            lines.append(self._shown or "SIAP")
        elif task.phase == "card":
            lines += [price] if task.kind == "sale" else []
            lines.append("MASUKKAN KARTU")
        elif task.phase == "pin":
            lines += [price, f"MASUKKAN PIN {'*' * len(task.pin)}".strip()]
        else:
            lines.append("PROSES…")
        asks_pin = bool(task and task.phase == "pin" and self._pin_mode == "face")
        return {"lines": lines, "asks_pin": asks_pin, "slip": self._bank.slip(), "next_sale": self._next_holder}

    def slip(self, amount: int) -> dict[str, Any] | None:
        """The newest slip of that amount."""
        return self._bank.slip(amount)

    def void(self, invoice: str) -> str:
        """VOID in the terminal's own menu, by hand: the bank's answer. Not while it is busy for the till (`busy`)."""
        if self._task is not None and self._task.kind != "card":
            return "busy"
        code = self._bank.void(invoice, "").code
        self._shown = RESULT.get(code, f"DITOLAK {code}")
        return code

    def totals(self) -> dict[str, int]:
        """See `PracticeTray.totals`."""
        return self._bank.totals()

    # -- a sale or a card -----------------------------------------------------------------------------------------

    def _want_card(self, task: _T, now: float) -> None:
        task.phase, task.due = "card", now + _PATIENCE_S
        if task.kind == "card" and self._slot_read:
            self._slot = None
        if self._slot is not None:
            self._card_in(task, now)
        elif self.autopilot:
            task.due = now + (self._autopilot_s if task.kind == "card" else 0.0)

    def _card_in(self, task: _T, now: float) -> None:
        task.card, self._slot_read = self._slot, True
        if task.kind == "card":
            task.phase, task.due = "work", now + self._delay_s
        elif self._pin_mode == "face":
            task.phase, task.due = "pin", now + _PATIENCE_S
        else:
            task.phase, task.due, task.pin = "work", now + self._delay_s, "123456"

    def _step(self, task: _T, now: float) -> None:
        """A task's timer ran out: patience with people, or the time its work takes."""
        if task.phase == "card" and self.autopilot:
            self._slot, self._slot_read = next(self._order), False
            self._card_in(task, now)
        elif task.phase == "card":
            self._end(task, "TO" if task.kind == "card" else "P3", now)
        elif task.phase == "pin":
            self._end(task, "P3", now)
        else:
            self._work(task, now)

    def _sale_code(self, task: _T) -> str:
        faults, card = task.faults, task.card
        if task.amount < 0:
            return "30"
        if "decline" in faults:
            return faults["decline"].code
        if "host_timeout" in faults:
            return "TO"
        if task.holder in _HOLDER:
            return _HOLDER[task.holder]
        if "reject_pin" in faults or task.pin == _BAD_PIN:
            return "55"
        return self._bank.verdict(card, task.amount) if card is not None else "P2"

    def _end(self, task: _T, code: str, now: float) -> None:
        """Finish a sale or a card request with this code."""
        slip = None
        if task.kind == "sale":
            card = task.card or Card("", "", "", "", 0)
            hidden = code == "TO" and "host_timeout" in task.faults and task.faults["host_timeout"].approved
            slip = self._bank.sale(card, max(0, task.amount), task.ref, code, moved=code == APPROVED or hidden)
            if self.autopilot:
                self._slot = None
        self._answer(task, code, now, slip)
