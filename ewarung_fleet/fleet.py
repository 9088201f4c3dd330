"""A fleet's life from its founding to the reconciliation, conducted slot by slot."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from ewarung_fleet.books import reconcile
from ewarung_fleet.city import CityServer, Office
from ewarung_fleet.clock import ToldTime
from ewarung_fleet.crews import Crews, Hands
from ewarung_fleet.kiosk import Ask
from ewarung_fleet.messages import Begin, Done, Drain, Enter, Look, Looked, Slot, SyncThese, WaitOver
from ewarung_fleet.plan import SLOTS, Plan, Settings, Visit, kiosk_id
from ewarung_fleet.report import Report

__all__ = ["Fleet"]

_MIDDLE_MS = 2 * 60_000
"""The city's clock stands in the middle of a slot, in which a kiosk's own goes on for some minutes at most."""

_BEFORE_DAYS = 7
_AFTER_DAYS = 2


class Fleet:
    """Context manager: on exit everything is stopped, whatever happened.

    Args:
        settings: what is lived.
        folder: for everything that is written; empty.
        database: URL of the city's; empty for SQLite in the folder.
        hands: the crews.
        say: hears of progress.
    """

    def __init__(
        self, settings: Settings, folder: Path, database: str, hands: list[Hands], say: Callable[[str], None]
    ) -> None:
        self.settings = settings
        self.plan = Plan(settings)
        self._folder = folder
        self._say = say
        self._hands = hands
        self._crews = Crews(hands)
        self._time = ToldTime(folder / "time")
        self._time.tell(self.plan.at(-_BEFORE_DAYS, 0))
        self.office = Office(self.plan, folder, database, self._time)
        self._server = CityServer(self.office.data_dir, self.office.database, folder / "time")
        self._codes: dict[str, str] = {}
        self._coming: dict[tuple[int, int], list[tuple[int, Visit]]] = defaultdict(list)
        self._waits: set[str] = set()
        self._asks: list[Ask] = []
        self._on_paper: list[str] = []
        self._killed = 0
        self._unsent: dict[str, int] = {}
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._crews.close()
        self._server.stop()
        self.office.close()
        self._time.__exit__(kind, error, trace)

    def found(self) -> None:
        """Make the city, start its server, and give each crew its kiosks."""
        self.office.found()
        self._say(f"city founded: {self.settings.families} families, {self.settings.kiosks} kiosks")
        self._server.start()
        every = range(self.settings.kiosks)
        count = len(self._hands)
        folder = self._folder / "kiosks"
        folder.mkdir()
        self._crews.begin(
            [Begin(self.settings, str(folder), self._server.url, tuple(every[place::count])) for place in range(count)]
        )
        self._time.tell(self.plan.at(0, 0))
        self._codes = self.office.codes([Ask("enrol", kiosk_id(kiosk)) for kiosk in every])

    def live(self) -> None:
        """All days, one slot after the other."""
        for day in range(self.settings.days):
            for slot in range(len(SLOTS)):
                self._slot(day, slot)
            self.office.evening(self._folder / "kiosks")
            self._say(f"day {day + 1} of {self.settings.days} is over ({self._elapsed()} s)")

    def drain(self) -> None:
        """Every line comes back, and everything that waits arrives."""
        for after in range(_AFTER_DAYS):
            now = self.plan.at(self.settings.days + after, 0)
            self._time.tell(now + _MIDDLE_MS)
            codes, self._codes, self._unsent = self._codes, {}, {}
            dones = self._crews.all(Drain(now, codes), Done)
            for done in dones:
                self._unsent |= done.unsent
            self._took(dones)
            asks, self._asks = self._asks, []
            self._codes = self.office.codes(asks)
            self._say(f"drained: {sum(self._unsent.values())} entries are not at the city ({self._elapsed()} s)")

    def reconcile(self) -> Report:
        """Look at everything; says what was looked at, and what is wrong."""
        looked = self._crews.all(Look(self.office.database), Looked)
        report = reconcile(self.office.store, self.plan, looked, self._unsent, self._killed, self.office.token_of)
        report.seconds = self._elapsed()
        return report

    def _slot(self, day: int, slot: int) -> None:
        now = self.plan.at(day, slot)
        self._time.tell(now + _MIDDLE_MS)
        visits = tuple(self._coming.pop((day, slot), ()))
        dying = self._dying(day, slot)
        codes, self._codes = self._codes, {}
        on_paper, self._on_paper = tuple(self._on_paper), []
        self._took(self._crews.all(Slot(day, slot, now, codes, visits, on_paper), Done))
        if dying is not None:
            dying.join()
        if self._waits:
            names, self._waits = tuple(sorted(self._waits)), set()
            self._took(self._crews.all(SyncThese(names), Done))
            self._took(self._crews.all(WaitOver(day, slot), Done))
        asks, self._asks = self._asks, []
        self._codes = self.office.codes(asks)

    def _took(self, dones: list[Done]) -> None:
        for done in dones:
            self._waits |= set(done.waits_for)
            self._asks += done.asks
            self._on_paper += done.missing
            for one in done.again:
                self._come_again(one)

    def _come_again(self, one: Enter) -> None:
        if one.day < self.settings.days:
            self._coming[one.day, one.slot].append((one.kiosk, one.visit))

    def _dying(self, day: int, slot: int) -> threading.Thread | None:
        """The server dies in the middle of this slot, and is started again."""
        if self.plan.city_dies(day) != slot:
            return None
        pause = random.Random(f"{self.settings.seed} {day}").uniform(0.0, 0.02 + self.settings.kiosks / 100)  # noqa: S311

        def die() -> None:
            time.sleep(pause)
            self._server.kill()
            self._killed += 1
            self._server.start()

        thread = threading.Thread(target=die, name="city dies")
        thread.start()
        return thread

    def _elapsed(self) -> int:
        return round(time.monotonic() - self._began)
