"""What a fleet's life came to, for a person and for a machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

__all__ = ["Report", "Served"]


class Served(msgspec.Struct, frozen=True):
    """Of so many families (for each month), how many have their whole ration at the end.

    `why`: for what those who have not were sent away last.
    """

    came: int
    served: int
    why: dict[str, int] = {}

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
        yield f"served, no line all month, at home  {self.served_home}"
        yield f"served, all families                {self.served_all}"
        wrong = ("differences", "overspend", "lost", "double", "unsound")
        yield ", ".join(f"{name} {getattr(self, name)}" for name in wrong)
        yield from self.findings


def _table(heading: str, counts: Mapping[str, int]) -> Iterator[str]:
    yield f"{heading}: {', '.join(f'{name} {count}' for name, count in counts.items()) or 'none'}"
