"""Buka Hari: what the kiosk knows this morning, and one button."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from ewarung_pos.domain.business_day import Day, DayState
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.domain.units import dotted
from ewarung_pos.errors import PosError
from ewarung_pos.ports import Clock, Lane, Ledger, TaskRunner
from ewarung_pos.services.clockwork import ClockFindings, ClockService
from ewarung_pos.services.day import DayService
from ewarung_pos.services.health import HealthService, KioskStatus
from ewarung_pos.services.operators import OperatorService
from ewarung_pos.ui.text import Trouble, trouble, trouble_of
from ewarung_pos.ui.text_day import left_open, still_to_close
from ewarung_pos.ui.viewmodels.base import ViewModel
from ewarung_pos.ui.viewmodels.counter_state import Fact

__all__ = ["DayOpenState", "DayOpenViewModel"]


class DayOpenState(msgspec.Struct, frozen=True):
    """`facts` carry an icon and a text; `tone` of each is ok, look or stop, in the same order.

    `already`: a business day is there, and `left_open` says what to do where it is not today's; `closing`: its close
    has begun. `suspect` says, line by line, what contradicts the clock; a leader may confirm it (`asks_leader` shows
    the pad).
    """

    date: str = ""
    facts: tuple[Fact, ...] = ()
    tones: tuple[str, ...] = ()
    can_open: bool = False
    already: bool = False
    closing: bool = False
    left_open: str = ""
    suspect: tuple[str, ...] = ()
    asks_leader: bool = False
    busy: str = ""
    notice: Trouble | None = None


class _Morning(msgspec.Struct, frozen=True):
    status: KioskStatus
    day: Day
    sealed: bool
    packs: int
    clock: ClockFindings


class DayOpenViewModel(ViewModel[DayOpenState]):
    """Commands of Buka Hari."""

    def __init__(
        self,
        ledger: Ledger,
        day: DayService,
        health: HealthService,
        clocks: ClockService,
        operators: OperatorService,
        clock: Clock,
        runner: TaskRunner,
        operator: Callable[[], str],
        opened: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        super().__init__(DayOpenState())
        self._ledger = ledger
        self._day = day
        self._health = health
        self._clocks = clocks
        self._operators = operators
        self._clock = clock
        self._runner = runner
        self._operator = operator
        self._opened = opened
        self._changed = changed

    def activate(self) -> None:
        """Look at the ledger, the register and the clock."""

        def look() -> _Morning:
            reader = self._ledger.read()
            packs = sum(reader.stock().values())
            sealed = reader.has_day(self._clock.now().wall.date())
            return _Morning(self._health.status(), reader.day(), sealed, packs, self._clocks.findings())

        self._runner.submit(Lane.LEDGER, look, self._looked, self._failed)

    def _looked(self, found: _Morning) -> None:
        status, state, packs = found.status, found.day.state, found.packs
        today = self._clock.now().wall.date()
        closed_today = state is DayState.CLOSED and found.sealed
        facts = [
            (
                Fact("users", f"Daftar {dotted(status.families)} keluarga, {_age(status.register_age)}"),
                status.register_state,
            ),
            _shelf(found.day, packs),
            _sent(status.unsent),
            (
                Fact("clock", "Jam komputer cocok" if not status.clock else "Jam komputer meragukan"),
                "ok" if not status.clock else "stop",
            ),
        ]
        if said := left_open(found.day, today):
            facts.insert(0, (Fact("calendar", said), "look"))
        if status.in_doubt:
            facts.append((Fact("triangle-alert", f"{status.in_doubt} penarikan belum pasti"), "look"))
        if status.papers_owed:
            facts.append((Fact("printer", f"{dotted(status.papers_owed)} struk belum tercetak"), "look"))
        self._set(
            DayOpenState(
                date=today.short(),
                facts=tuple(fact for fact, _ in facts),
                tones=tuple(tone for _, tone in facts),
                can_open=state is DayState.CLOSED and not closed_today and not status.clock,
                already=state is not DayState.CLOSED,
                closing=found.day.closing,
                left_open=still_to_close(found.day, today),
                suspect=_contradictions(found.clock),
                notice=trouble("day_not_open.already_closed") if closed_today else None,
            )
        )

    def counted(self, unsent: int) -> None:
        """So many entries wait for the city now."""
        fact, tone = _sent(unsent)
        places = [place for place, held in enumerate(self._state.facts) if held.icon == fact.icon and held != fact]
        for at in places:
            facts, tones = self._state.facts, self._state.tones
            facts, tones = (*facts[:at], fact, *facts[at + 1 :]), (*tones[:at], tone, *tones[at + 1 :])
            self._set(replace(self._state, facts=facts, tones=tones))

    def open(self) -> None:
        """*Buka Hari*."""
        if self._state.can_open:
            self._open(date_confirmed=False)

    def confirm_date(self) -> None:
        """*Tanggal benar*: the operator looked at the calendar."""
        if self._state.can_open:
            self._open(date_confirmed=True)

    def _open(self, *, date_confirmed: bool) -> None:
        self._set(replace(self._state, can_open=False, notice=None))
        self._runner.submit(
            Lane.LEDGER,
            lambda: self._day.open(self._operator(), date_confirmed=date_confirmed),
            self._done,
            self._refused,
        )

    def ask_leader(self) -> None:
        """*Jam sudah benar*: a leader has to say so."""
        if self._state.suspect:
            self._set(replace(self._state, asks_leader=True, notice=None))

    def confirm_clock(self, leader_pin: str) -> None:
        """The leader's PIN: the clock is right, whatever contradicts it."""
        if not self._state.asks_leader or self._state.busy:
            return
        self._set(replace(self._state, busy="memeriksa PIN", notice=None))

        def confirm() -> None:
            self._clocks.confirm(self._operators.leader(leader_pin).code)

        def confirmed(nothing: None) -> None:
            self._set(replace(self._state, busy="", asks_leader=False))
            self._changed()
            self.activate()

        self._runner.submit(Lane.PIN, confirm, confirmed, self._failed)

    def back(self) -> None:
        """No leader is here."""
        self._set(replace(self._state, asks_leader=False, busy="", notice=None))

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
        self._set(replace(self._state, busy="", notice=trouble_of(error)))
        if not isinstance(error, PosError):
            raise error


def _shelf(day: Day, packs: int) -> tuple[Fact, str]:
    if day.counting:
        return Fact("package", "Stok sedang dihitung tanpa melihat catatan"), "info"
    return Fact("package", f"{dotted(packs)} kemasan di rak menurut catatan"), "ok" if packs else "look"


def _age(days: int) -> str:
    """How old the register is, as the city last sent it."""
    if days < 0:
        return "umur tidak diketahui"
    return f"umur {dotted(days)} hari" if days else "baru hari ini"


def _contradictions(clock: ClockFindings) -> tuple[str, ...]:
    if not clock.trouble:
        return ()
    told = [("Jam komputer", clock.now), ("Catatan terakhir", clock.last), ("Jam kota", clock.city)]
    return tuple(f"{what}: {_moment(at)}" for what, at in told if at is not None)


def _moment(at: Instant) -> str:
    return f"{at.date().short()}, {at.clock()}"


def _sent(unsent: int) -> tuple[Fact, str]:
    words = f"{dotted(unsent)} catatan belum terkirim" if unsent else "Semua terkirim ke kota"
    return Fact("cloud-upload", words), "look" if unsent else "ok"
