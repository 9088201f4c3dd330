"""What will happen, drawn from a seed before anything happens: families, visits, and which kiosk has which bad luck.

Each kiosk draws from a source of its own, so that its month does not depend on how the kiosks are shared out among
processes, nor on how many others there are. A plan knows nothing of ledgers and servers.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from collections import defaultdict
from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property

import msgspec

from ewarung_pos.domain.timeline import WIB

__all__ = ["SLOTS", "START", "Luck", "Outage", "Plan", "PlannedFamily", "Settings", "Visit", "kiosk_id"]

START = dt.date(2026, 11, 1)
"""The first business day."""

SLOTS = (8, 10, 13, 15)
"""Hours of a business day at which the kiosks are looked at; between them nothing happens and every clock goes on."""

_CLOSE_MINUTE = 30
_HOUR_MS = 3_600_000
_ELSEWHERE = 0.02
_TWICE = 0.4
_GREEDY = 0.02
_CITY_DIES = 0.25
_LOOKS = math.log(600)
"""A slot has some tens or hundreds of looks at the clock; the power fails early in it as often as late."""

_CARD_PREFIX = "9999"  # of no issuer (resources/sample/README.md)


class Settings(msgspec.Struct, frozen=True):
    """Size of the fleet, length of its life, and the seed that everything is drawn from."""

    kiosks: int
    days: int
    families: int
    seed: int
    faults: bool


class Luck(StrEnum):
    """The one large misfortune of a kiosk's month, if it has any."""

    NONE = "none"
    NO_LINE = "no_line"
    STICK = "stick"
    RESTORED = "restored"
    LOST = "lost"
    ROLLED_BACK = "rolled_back"


class PlannedFamily(msgspec.Struct, frozen=True):
    """An invented family: card number, index of its home kiosk, whether it has a ration, and rupiah in its purse."""

    number: str
    home: int
    ration: bool
    purse: int


class Visit(msgspec.Struct, frozen=True):
    """Somebody comes for something.

    `wants`: half (of the packs), all (whatever is left), purse, or greedy (once more, at a counter that should have
    nothing for them). `tries` counts earlier visits for the same thing.
    """

    family: int
    wants: str
    tries: int = 0


class Outage(msgspec.Struct, frozen=True):
    """No line from the first day and slot up to, and without, the last."""

    first: tuple[int, int]
    last: tuple[int, int]


def kiosk_id(index: int) -> str:
    """The id of the kiosk with that index."""
    return f"EW-{index + 1:04d}"


class Plan:
    """Everything that a seed decides."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def families(self) -> tuple[PlannedFamily, ...]:
        """By index; the kiosks have about as many each."""
        draw = self._draw("families")
        numbers: set[str] = set()
        made = []
        for index in range(self.settings.families):
            number = _card(draw, numbers)
            kind = draw.random()
            purse = draw.choice((200_000, 200_000, 200_000, 400_000, 15_000)) if kind >= 0.4 else 0
            made.append(PlannedFamily(number, index % self.settings.kiosks, kind < 0.75, purse))
        return tuple(made)

    @cached_property
    def lucks(self) -> tuple[Luck, ...]:
        """Each kiosk's; with faults every kind happens, as far as there are kiosks."""
        count = self.settings.kiosks
        lucks = [Luck.NONE] * count
        if not self.settings.faults:
            return tuple(lucks)
        order = list(range(count))
        self._draw("luck").shuffle(order)
        kinds = (Luck.STICK, Luck.RESTORED, Luck.LOST, Luck.ROLLED_BACK, Luck.NO_LINE)
        for _ in range(max(1, round(count * 0.02))):
            for kind in kinds:
                if order:
                    lucks[order.pop()] = kind
        return tuple(lucks)

    def struck(self, kiosk: int) -> int:
        """The day on which a kiosk's disk dies, its machine is stolen, or an old image is put back."""
        return min(self.settings.days - 1, max(2, self._draw(f"struck {kiosk}").randrange(self.settings.days)))

    def outages(self, kiosk: int) -> tuple[Outage, ...]:
        """When the kiosk has no line: never, for hours, for days, or all the time."""
        if not self.settings.faults:
            return ()
        days = self.settings.days
        if self.lucks[kiosk] in {Luck.NO_LINE, Luck.STICK}:
            return (Outage((0, 0), (days, 0)),)
        draw = self._draw(f"line {kiosk}")
        out = [
            Outage((day, slot), (day, slot + draw.randint(1, 2)))
            for day in range(days)
            for slot in range(len(SLOTS))
            if draw.random() < 0.04
        ]
        if draw.random() < 0.15:
            first = draw.randrange(days)
            out.append(Outage((first, 0), (first + draw.randint(1, 9), 0)))
        return tuple(out)

    def cuts(self, kiosk: int) -> dict[tuple[int, int], int]:
        """Slots in which the power fails, and at which look at the clock it does."""
        draw = self._draw(f"power {kiosk}")
        chance = 0.03 if self.settings.faults else 0.0
        return {
            (day, slot): round(math.exp(draw.uniform(0.0, _LOOKS)))
            for day in range(self.settings.days)
            for slot in range(len(SLOTS))
            if draw.random() < chance
        }

    def wrong_clocks(self, kiosk: int) -> dict[tuple[int, int], int]:
        """Slots in which the wall clock goes wrong, and by how many ms: minutes, hours, days or years."""
        if not self.settings.faults:
            return {}
        draw = self._draw(f"clock {kiosk}")
        minute, day = 60_000, 86_400_000
        wrong = {}
        for date in range(self.settings.days):
            if draw.random() < 0.02:
                unit = draw.choice((minute, 60 * minute, day, 365 * day))
                by = unit * draw.randint(1, {minute: 40, 60 * minute: 20, day: 40, 365 * day: 6}[unit])
                wrong[date, draw.randrange(len(SLOTS))] = draw.choice((-1, 1)) * by
        return wrong

    def city_dies(self, day: int) -> int | None:
        """The slot in which the city's server is killed on that day; None when it lives."""
        draw = self._draw(f"city {day}")
        dies = self.settings.faults and (day == 1 or (day > 1 and draw.random() < _CITY_DIES))
        return draw.randrange(len(SLOTS)) if dies else None

    def visits(self, kiosks: frozenset[int]) -> dict[tuple[int, int, int], list[Visit]]:
        """(kiosk, day, slot) -> who comes there, for the kiosks asked for; each family draws for itself."""
        found: dict[tuple[int, int, int], list[Visit]] = defaultdict(list)
        for index in range(self.settings.families):
            for kiosk, day, slot, visit in self._visits_of(index):
                if kiosk in kiosks:
                    found[kiosk, day, slot].append(visit)
        return found

    def stays_home(self, index: int) -> bool:
        """Whether that family fetches its ration at its own kiosk alone."""
        own = self.families[index].home
        return all(kiosk == own for kiosk, _, _, visit in self._visits_of(index) if visit.wants != "greedy")

    def without_line(self) -> Iterator[int]:
        """Kiosks that have no line all the time."""
        return (kiosk for kiosk, luck in enumerate(self.lucks) if luck in {Luck.NO_LINE, Luck.STICK})

    def months(self) -> list[list[int]]:
        """The days of each month, as indices."""
        split: dict[str, list[int]] = defaultdict(list)
        for day in range(self.settings.days):
            split[f"{self.date(day):%Y-%m}"].append(day)
        return list(split.values())

    @staticmethod
    def date(day: int) -> dt.date:
        """The business date of a day; days before the first are negative."""
        return START + dt.timedelta(days=day)

    def at(self, day: int, slot: int) -> int:
        """When a slot begins, ms UTC."""
        minute = _CLOSE_MINUTE if slot == len(SLOTS) - 1 else 0
        moment = dt.datetime.combine(self.date(day), dt.time(SLOTS[slot], minute), WIB)
        return int(moment.timestamp() * 1000)

    def draw(self, kiosk: int, what: str) -> random.Random:
        """A source for what a kiosk decides on the way."""
        return self._draw(f"{what} {kiosk}")

    def _visits_of(self, index: int) -> Iterator[tuple[int, int, int, Visit]]:
        family, draw = self.families[index], self._draw(f"visits {index}")
        for days in self.months():
            weights = [_curve(self.date(day).day) for day in days]

            def when() -> tuple[int, int]:
                return draw.choices(days, weights)[0], draw.choices(range(len(SLOTS)), (3, 4, 3, 1))[0]  # noqa: B023

            if family.ration:
                kiosk = family.home
                if draw.random() < _ELSEWHERE and self.settings.kiosks > 1:
                    others = [other for other in range(self.settings.kiosks) if other != family.home]
                    kiosk = draw.choice(others)
                times = sorted(when() for _ in range(2 if draw.random() < _TWICE else 1))
                for place, moment in enumerate(times):
                    yield kiosk, *moment, Visit(index, "all" if place == len(times) - 1 else "half")
                if draw.random() < _GREEDY:
                    last = min(days[-1], times[-1][0] + 1), len(SLOTS) - 2
                    yield draw.randrange(self.settings.kiosks), *last, Visit(index, "greedy")
            if family.purse:
                yield family.home, *when(), Visit(index, "purse")

    def _draw(self, what: str) -> random.Random:
        return random.Random(f"{self.settings.seed}|{what}")  # noqa: S311 - drawn to be drawn again, nothing secret


def _curve(day: int) -> float:
    """How many come on a day of the month: most in the first week, some more when the purse was filled."""
    return 1 + 6 * math.exp(-(((day - 4) / 4) ** 2)) + 2 * math.exp(-(((day - 16) / 3) ** 2))


def _card(draw: random.Random, used: set[str]) -> str:
    while True:
        free = f"{_CARD_PREFIX}{draw.randrange(10**11):011d}"
        number = free + _check_digit(free)
        if number not in used:
            used.add(number)
            return number


def _check_digit(digits: str) -> str:
    """ISO/IEC 7812."""
    doubled = (int(digit) * (1 if place % 2 else 2) for place, digit in enumerate(reversed(digits)))
    return str(-sum(value // 10 + value % 10 for value in doubled) % 10)
