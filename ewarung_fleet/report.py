"""What a fleet's life came to, for a person and for a machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

__all__ = ["Report", "Served", "missed"]

_HOME, _ALL = 10_000, 9_950
"""Goals, of ten thousand families: those at home where there was no line, and all of a whole city's month."""

_CITY_KIOSKS, _MONTH_DAYS = 100, 28
"""From here on the share of all families is a goal: of a small fleet one kiosk's empty pool, or one receipt that only
paper knew of, is a per cent, and chance decides."""


class Served(msgspec.Struct, frozen=True):
    """Of so many families (for each month), how many have their whole ration at the end.

    `why`: for what those who have not were sent away last.
    """

    came: int
    served: int
    why: dict[str, int] = {}

    def reaches(self, goal: int) -> bool:
        """Whether so many of ten thousand were served."""
        return self.served * 10_000 >= goal * self.came

    def __str__(self) -> str:
        share = f" ({self.served / self.came:.2%})" if self.came else ""
        why = ", ".join(f"{reason} {count}" for reason, count in self.why.items())
        return f"{self.served} of {self.came}{share}{f'; the others last: {why}' if why else ''}"


class Report(msgspec.Struct):
    """Figures of a reconciliation; `findings` has a sentence for each thing that is wrong.

    Attributes:
        device_days: sealed business days, each compared in all its figures: Z report, ledger, city.
        entries: held by the city. `entries_compared` of them were found in a ledger under the same hash; the rest were
            on disks that are destroyed, or are counted twice: in a ledger and in a copy of it.
        on_way: acknowledgements that wait for their kiosk's next batch.
        gone: entries that were on a destroyed disk and nowhere else.
        served_home: families at home at kiosks that had no line all the time, and came there alone.
        seconds: from founding to here.
    """

    kiosks: int
    days: int
    families: int
    seed: int
    device_days: int
    ledgers: int
    redemptions: int
    entries: int
    entries_compared: int
    on_way: int
    faults: dict[str, int]
    noted: dict[str, int]
    turned_away: dict[str, int]
    cases: dict[str, int]
    gone: int
    differences: int
    overspend: int
    lost: int
    double: int
    unsound: int
    served_home: Served
    served_all: Served
    findings: list[str]
    seconds: int = 0

    @property
    def is_city_month(self) -> bool:
        """Whether it is as large and as long as what the share of all families is a goal of."""
        return self.kiosks >= _CITY_KIOSKS and self.days >= _MONTH_DAYS

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong, and there was something to look at."""
        return not self.findings and self.device_days > 0 and self.entries_compared > 0

    def lines(self) -> Iterator[str]:
        """For a person."""
        yield f"{self.kiosks} kiosks, {self.days} days, {self.families} families, seed {self.seed}: {self.seconds} s"
        yield f"device-days compared  {self.device_days}"
        yield f"redemptions           {self.redemptions}"
        yield f"entries at the city   {self.entries}; compared {self.entries_compared} in {self.ledgers} ledgers"
        yield f"on destroyed disks    {self.gone} entries"
        yield from _table("faults that happened", self.faults)
        yield from _table("noted", self.noted)
        yield from _table("turned away for", self.turned_away)
        yield from _table("cases at the city", self.cases)
        yield f"served, no line all month, at home  {self.served_home}; goal {_HOME / 100:g} %"
        less = (
            "" if self.is_city_month else f" of {_CITY_KIOSKS} kiosks for {_MONTH_DAYS} days or more, not of this run"
        )
        yield f"served, all families                {self.served_all}; goal {_ALL / 100:g} %{less}"
        wrong = ("differences", "overspend", "lost", "double", "unsound")
        yield ", ".join(f"{name} {getattr(self, name)}" for name in wrong)
        yield from self.findings


def missed(report: Report) -> Iterator[str]:
    """A sentence for each goal of this run that its families did not reach."""
    if not report.served_home.reaches(_HOME):
        yield f"goal missed: at home where there was no line {report.served_home}, and not {_HOME / 100:g} %"
    if report.is_city_month and not report.served_all.reaches(_ALL):
        yield f"goal missed: of all families {report.served_all}, and not {_ALL / 100:g} %"


def _table(heading: str, counts: Mapping[str, int]) -> Iterator[str]:
    yield f"{heading}: {', '.join(f'{name} {count}' for name, count in counts.items()) or 'none'}"
