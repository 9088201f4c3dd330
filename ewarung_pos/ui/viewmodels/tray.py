"""The practice tray: cards to put in, the simulated EDC's face, and how the next sale is to go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from ewarung_pos.domain.units import Rupiah
from ewarung_pos.errors import DeviceError
from ewarung_pos.ports import PracticeTray
from ewarung_pos.ui.text import Trouble, trouble_of
from ewarung_pos.ui.viewmodels.base import ViewModel

__all__ = ["BEHAVIOURS", "TRAY_LANE", "TraySlip", "TrayState", "TrayViewModel"]

T = TypeVar("T")

TRAY_LANE = "tray"
"""A lane of its own: the EDC's lane waits inside a payment while the PIN is pressed here."""

BEHAVIOURS: tuple[tuple[str, str], ...] = (
    ("ok", "Berhasil"),
    ("wrong_pin", "PIN salah"),
    ("cancel", "Dibatalkan"),
    ("insufficient", "Saldo kurang"),
    ("lose_answer", "Jawaban hilang"),
)
"""(value, label) of how the holder or the line behaves at the next sale."""

LOOK_MS = 250
AWAY_MS = 2_000


class _Runner(Protocol):
    def submit(
        self, lane: str, work: Callable[[], T], on_ok: Callable[[T], None], on_error: Callable[[Exception], None]
    ) -> None: ...

    def later(self, delay_ms: int, callback: Callable[[], None]) -> Callable[[], None]: ...


class TraySlip(msgspec.Struct, frozen=True):
    """The newest slip of the simulated EDC, to be read and copied; `voidable` while it is a sale."""

    title: str
    numbers: str
    invoice: str
    voidable: bool


class TrayState(msgspec.Struct, frozen=True):
    """`cards` are (row, label). `display` is what the EDC shows; `asks_pin` lights its keys."""

    cards: tuple[tuple[str, str], ...] = ()
    inserted: str = ""
    behaviour: str = "ok"
    display: tuple[str, ...] = ()
    asks_pin: bool = False
    slip: TraySlip | None = None
    away: Trouble | None = None


class TrayViewModel(ViewModel[TrayState]):
    """Commands of the practice tray; the tray's calls are bounded and run on their own lane."""

    def __init__(self, tray: PracticeTray, runner: _Runner) -> None:
        super().__init__(TrayState())
        self._tray = tray
        self._runner = runner
        self._cancel: Callable[[], None] | None = None
        self._active = False
        self._choosing = 0

    def activate(self) -> None:
        """Lay out the cards and keep looking at the EDC's display."""
        if not self._active:
            self._active = True
            self._runner.submit(TRAY_LANE, self._tray.cards, self._laid_out, self._failed)

    def stop(self) -> None:
        """Look no more."""
        self._active = False
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    def insert(self, row: str) -> None:
        """Put a card into the EDC."""
        self._set(replace(self._state, inserted=row))
        self._do(lambda: self._tray.insert(row))

    def next_sale(self, what: str) -> None:
        """How the next sale goes: one of `BEHAVIOURS`."""
        self._set(replace(self._state, behaviour=what))
        self._choosing += 1

        def told(_: object) -> None:
            self._choosing -= 1
            self._look()

        def not_told(error: Exception) -> None:
            self._choosing -= 1
            self._failed(error)

        self._runner.submit(TRAY_LANE, lambda: self._tray.next_sale(what), told, not_told)

    def press(self, key: str) -> None:
        """A key of the EDC: digit, `ok`, `cancel` or `clear`."""
        self._do(lambda: self._tray.press(key))

    def void(self) -> None:
        """VOID of the newest slip in the EDC's own menu, as at a real terminal when it debited the wrong card."""
        slip = self._state.slip
        if slip is not None and slip.voidable:
            self._do(lambda: self._tray.void(slip.invoice))

    def _do(self, work: Callable[[], object]) -> None:
        self._runner.submit(TRAY_LANE, work, lambda nothing: self._look(), self._failed)

    def _laid_out(self, cards: tuple[tuple[str, str], ...]) -> None:
        self._set(replace(self._state, cards=cards, away=None))
        self._look()

    def _look(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
        if self._active:
            self._runner.submit(TRAY_LANE, self._tray.face, self._seen, self._failed)

    def _seen(self, face: Mapping[str, Any]) -> None:
        lines = tuple(str(line) for line in face.get("lines", ()))
        slip = _slip(face.get("slip"))
        asks_pin, behaviour = bool(face.get("asks_pin")), self._behaviour(face.get("next_sale"))
        self._set(replace(self._state, display=lines, asks_pin=asks_pin, slip=slip, behaviour=behaviour, away=None))
        self._again(LOOK_MS, self._look)

    def _behaviour(self, said: object) -> str:
        """What the EDC says of its next sale: a way that was chosen counts once, and it knows when.

        Not while a choice is on its way there: what it says now may be from before.
        """
        known = any(said == value for value, _ in BEHAVIOURS)
        return str(said) if known and not self._choosing else self._state.behaviour

    def _again(self, delay_ms: int, callback: Callable[[], None]) -> None:
        if self._cancel is not None:
            self._cancel()
        self._cancel = self._runner.later(delay_ms, callback) if self._active else None

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, DeviceError):
            raise error
        self._set(replace(self._state, display=(), asks_pin=False, slip=None, away=trouble_of(error)))
        self._again(AWAY_MS, self._retry)

    def _retry(self) -> None:
        self._cancel = None
        if self._state.cards:
            self._look()
        elif self._active:
            self._runner.submit(TRAY_LANE, self._tray.cards, self._laid_out, self._failed)


def _slip(said: Mapping[str, Any] | None) -> TraySlip | None:
    if said is None:
        return None
    sale = said["kind"] == "sale"
    return TraySlip(
        title=f"{'SALE' if sale else 'VOID'} {Rupiah(int(said['amount']))} •••• {said['last4']}",
        numbers=f"APPR {said['approval']} · INV {said['invoice']}",
        invoice=str(said["invoice"]),
        voidable=sale,
    )
