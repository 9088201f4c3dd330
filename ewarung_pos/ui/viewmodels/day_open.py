"""Buka Hari: what the kiosk knows this morning, and one button."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ewarung_pos.domain.business_day import DayState
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.domain.units import dotted
from ewarung_pos.errors import PosError
from ewarung_pos.ports import Clock, Lane, Ledger, TaskRunner
from ewarung_pos.services.day import DayService
from ewarung_pos.services.health import HealthService, KioskStatus
from ewarung_pos.ui.text import Trouble, trouble, trouble_of
from ewarung_pos.ui.viewmodels.base import ViewModel
from ewarung_pos.ui.viewmodels.counter_state import Fact

__all__ = ["DayOpenState", "DayOpenViewModel"]


@dataclass(frozen=True, slots=True)
class DayOpenState:
    """`facts` carry an icon and a text; `tone` of each is ok, look or stop, in the same order."""

    date: str = ""
    facts: tuple[Fact, ...] = ()
    tones: tuple[str, ...] = ()
    can_open: bool = False
    already: bool = False
    notice: Trouble | None = None


class DayOpenViewModel(ViewModel[DayOpenState]):
    """Commands of Buka Hari."""

    def __init__(
        self,
        ledger: Ledger,
        day: DayService,
        health: HealthService,
        clock: Clock,
        runner: TaskRunner,
        operator: Callable[[], str],
        opened: Callable[[], None],
    ) -> None:
        super().__init__(DayOpenState())
        self._ledger = ledger
        self._day = day
        self._health = health
        self._clock = clock
        self._runner = runner
        self._operator = operator
        self._opened = opened

    def activate(self) -> None:
        """Look at the ledger, the register and the clock."""

        def look() -> tuple[KioskStatus, DayState, BusinessDate | None, int]:
            reader = self._ledger.read()
            day = reader.day()
            packs = sum(reader.stock().values())
            return self._health.status(), day.state, day.date, packs

        self._runner.submit(Lane.LEDGER, look, self._looked, self._failed)

    def _looked(self, found: tuple[KioskStatus, DayState, BusinessDate | None, int]) -> None:
        status, state, last, packs = found
        today = self._clock.now().wall.date()
        closed_today = state is DayState.CLOSED and last is not None and today <= last
        age = f"{status.register_age} hari" if status.register_age >= 0 else "umur tidak diketahui"
        facts = [
            (Fact("users", f"{dotted(status.families)} keluarga dalam daftar ({age})"), status.register_state),
            (Fact("package", f"{dotted(packs)} kemasan di rak menurut catatan"), "ok" if packs else "look"),
            (
                Fact(
                    "cloud-upload",
                    "Semua terkirim ke kota" if not status.unsent else f"{dotted(status.unsent)} belum terkirim",
                ),
                "ok" if not status.unsent else "look",
            ),
            (
                Fact("clock", "Jam komputer cocok" if not status.clock else "Jam komputer meragukan"),
                "ok" if not status.clock else "stop",
            ),
        ]
        if status.in_doubt:
            facts.append((Fact("triangle-alert", f"{status.in_doubt} penarikan belum pasti"), "look"))
        if status.papers_owed:
            facts.append((Fact("printer", f"{status.papers_owed} struk belum tercetak"), "look"))
        self._set(
            DayOpenState(
                date=today.short(),
                facts=tuple(fact for fact, _ in facts),
                tones=tuple(tone for _, tone in facts),
                can_open=state is DayState.CLOSED and not closed_today and not status.clock,
                already=state is not DayState.CLOSED,
                notice=trouble("day_not_open.already_closed") if closed_today else None,
            )
        )

    def open(self) -> None:
        """*Buka Hari*."""
        if not self._state.can_open:
            return
        self._set(replace(self._state, can_open=False))
        self._runner.submit(Lane.LEDGER, lambda: self._day.open(self._operator()), self._done, self._refused)

    def _done(self, entry: object) -> None:
        self._set(replace(self._state, already=True, notice=None))
        self._opened()

    def _refused(self, error: Exception) -> None:
        self._set(replace(self._state, can_open=True))  # so that it can be tried again once the cause is gone
        self._failed(error)

    def dismiss(self) -> None:
        """The notice was read."""
        self._set(replace(self._state, notice=None))

    def _failed(self, error: Exception) -> None:
        self._set(replace(self._state, notice=trouble_of(error)))
        if not isinstance(error, PosError):
            raise error
