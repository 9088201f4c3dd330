"""A window with nothing behind it: still view-models, and the scenes that `pictures` paints of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from msgspec.structs import fields, replace
from PySide6.QtWidgets import QWidget

from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.domain.units import dotted
from ewarung_pos.ports import PracticeTray
from ewarung_pos.ui.viewmodels.closing_copy import CopyState
from ewarung_pos.ui.viewmodels.closing_state import ClosingState
from ewarung_pos.ui.viewmodels.counter_state import CounterState
from ewarung_pos.ui.viewmodels.day_open import DayOpenState
from ewarung_pos.ui.viewmodels.devices import DevicesState
from ewarung_pos.ui.viewmodels.doubt import DoubtState
from ewarung_pos.ui.viewmodels.history import HistoryState
from ewarung_pos.ui.viewmodels.rights_state import RightsState
from ewarung_pos.ui.viewmodels.shell import LampState, ShellState
from ewarung_pos.ui.viewmodels.stick import StickState
from ewarung_pos.ui.viewmodels.stock import StockState
from ewarung_pos.ui.viewmodels.sync import SyncState
from ewarung_pos.ui.viewmodels.typed_card import TypedCardState
from ewarung_pos.ui.views.window import TillWindow, ViewModels

__all__ = ["AWAY", "OUT", "SHELL", "Scene", "Shows", "Still", "at_counter", "on", "till_window"]


class Still:
    """A view-model that only shows: it has a state, tells it to whoever listens, and takes every command calmly.

    Attributes:
        state: what it shows.
        calls: the commands it took, with their arguments.
    """

    def __init__(self, state: object) -> None:
        self.state = state
        self.calls: list[tuple[object, ...]] = []
        self._listeners: list[Callable[[Any], None]] = []

    def subscribe(self, listener: Callable[[Any], None]) -> Callable[[], None]:
        """As a view-model does."""
        self._listeners.append(listener)
        listener(self.state)
        return lambda: self._listeners.remove(listener)

    def show(self, state: object) -> None:
        """Change the state and tell."""
        self.state = state
        for listener in tuple(self._listeners):
            listener(state)

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_"):
            raise AttributeError(name)

        def take(*arguments: object, **named: object) -> None:
            self.calls.append((name, *arguments, *named.values()))

        return take


@dataclass(frozen=True, slots=True)
class Scene:
    """A name, how to build the window that shows it, what is pressed afterwards, and a size if it has its own."""

    name: str
    build: Callable[[], QWidget]
    after: Callable[[QWidget], None] | None = None
    size: tuple[int, int] | None = None


TODAY = BusinessDate("2026-11-24").short()
_CLOUD = "cloud-upload"
_SENDS = 3
"""From this step on Tutup Hari says how much waits (`ClosingState.step`)."""

_LAMPS = (
    LampState("credit-card", "EDC siap", "ok", "counter"),
    LampState("printer", "Struk siap", "ok", "history"),
    LampState("cloud-upload", "3 belum terkirim", "look", "sync"),
)
SHELL = ShellState(
    kiosk="e-Warung Mawar",
    place="Kel. Kauman",
    date=TODAY,
    time="09.41",
    operator="S1",
    operator_name="Bu Siti",
    operators=(("S1", "Bu Siti"), ("R1", "Bu Ratna"), ("K1", "Bu Kartini")),
    lamps=_LAMPS,
)
OUT = replace(SHELL, operator="", operator_name="")
AWAY = replace(
    SHELL,
    lamps=(
        LampState("credit-card", "EDC terputus", "stop", "counter"),
        LampState("printer", "2 struk tertunda", "look", "history"),
        LampState("cloud-upload", "Semua terkirim", "ok", "sync"),
    ),
)


def till_window(
    *, practice_hint: str = "", tray: PracticeTray | None = None, **states: Any
) -> tuple[TillWindow, dict[str, Still]]:
    """A window over still view-models, and these by name; the counter's `handover` is still too.

    Args:
        practice_hint: what the sign-in says in practice.
        tray: of the invented EDC, in practice.
        states: what the view-models show, by their names; the others are as a till begins.
    """
    stills = {name: Still(state) for name, state in _states(**states).items()}
    cast("Any", stills["counter"]).handover = Still(None)
    models = ViewModels(**{each.name: cast("Any", stills[each.name]) for each in fields(ViewModels)})
    return TillWindow(models, practice_hint, tray), stills


def _states(
    *,
    shell: ShellState = SHELL,
    counter: CounterState | None = None,
    doubt: DoubtState | None = None,
    typed: TypedCardState | None = None,
    rights: RightsState | None = None,
    history: HistoryState | None = None,
    stock: StockState | None = None,
    day: DayOpenState | None = None,
    closing: ClosingState | None = None,
    copy: CopyState | None = None,
    sync: SyncState | None = None,
    devices: DevicesState | None = None,
    stick: StickState | None = None,
) -> dict[str, object]:
    return {
        "shell": _counted(shell, sync, closing),
        "counter": counter or CounterState(),
        "doubt": doubt or DoubtState(),
        "typed": typed or TypedCardState(),
        "rights": rights or RightsState(),
        "history": history or HistoryState(),
        "stock": stock or StockState(),
        "day": day or DayOpenState(),
        "closing": closing or ClosingState(),
        "copy": copy or CopyState(),
        "sync": sync or SyncState(),
        "devices": devices or DevicesState(),
        "stick": stick or StickState(),
    }


def _counted(shell: ShellState, sync: SyncState | None, closing: ClosingState | None) -> ShellState:
    """The shell whose lamp counts what the screen in front does: both ask the same ledger."""
    if shell.screen == "sync" and sync is not None:
        unsent = sync.unsent
    elif shell.screen == "closing" and closing is not None and closing.step >= _SENDS:
        unsent = closing.unsent
    else:
        return shell
    words, tone = (f"{dotted(unsent)} belum terkirim", "look") if unsent else ("Semua terkirim", "ok")
    lamps = tuple(replace(lamp, word=words, tone=tone) if lamp.icon == _CLOUD else lamp for lamp in shell.lamps)
    return replace(shell, lamps=lamps)


class Shows:
    """Builds the window that shows these states (the words of `till_window`), or has a standing one show them.

    Attributes:
        alone: it says more than states, so no standing window can show it.
    """

    def __init__(self, **states: Any) -> None:
        self._states = states
        self.alone = not states.keys().isdisjoint({"practice_hint", "tray"})

    def __call__(self) -> QWidget:
        return till_window(**self._states)[0]

    def opened(self) -> tuple[TillWindow, dict[str, Still]]:
        """A new window that shows these states, and its view-models."""
        return till_window(**self._states)

    def show_on(self, stills: dict[str, Still]) -> None:
        """Have a window's view-models show these states, and what a till begins with in all else."""
        for name, state in _states(**self._states).items():
            stills[name].show(state)


def at_counter(name: str, state: CounterState, shell: ShellState = SHELL) -> Scene:
    """The scene of one state of the counter."""
    return Scene(name, Shows(counter=state, shell=shell))


def on(screen: str) -> ShellState:
    """The shell with this screen in front."""
    return replace(SHELL, screen=screen)
