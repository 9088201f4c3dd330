"""One family's rights of a month, over all kiosks: what was granted, what that leaves, and granting more of it.

The one rule (sync.md section 1), with totals that only grow:

    sum over devices of (granted - surrendered) + g <= entitlement
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.timeline import Period
from ewarung_pos.sync.protocol import Mode

__all__ = [
    "RIGHT",
    "Right",
    "before",
    "following",
    "give",
    "may_be_given",
    "outstanding",
    "rest_of",
    "rights_of",
    "room",
]


RIGHT = ("family", "programme", "period", "commodity")
"""What names a right in every table."""


def outstanding(row: Row) -> int:
    """How much of a lease counts against the entitlement: all that was granted, less what will never be spent."""
    return max(int(row["granted"]), int(row["claimed"])) - int(row["surrendered"]) - int(row["released"])


def room(entitled: int, leases: Iterable[Row]) -> int:
    """The city's rule: how much more of an entitlement may be granted, to whichever device; nothing below 1."""
    return entitled - sum(map(outstanding, leases))


def rest_of(row: Row) -> int:
    """What the kiosk may still hand out of a lease, by what it has reported."""
    return outstanding(row) - max(0, int(row["spent"]) - int(row["returned"]))


def may_be_given(held: Row) -> bool:
    """Whether this enrolment may be given anything: it is at work, and nobody has to look at it first."""
    return bool(held["state"] == "active" and held["mode"] == Mode.NORMAL.value)


def before(period: str) -> str:
    """The month before."""
    return Period(period).before().iso


def following(period: str) -> str:
    """The month after."""
    return Period(period).following().iso


@dataclass
class Right:
    """What a family is entitled to of one commodity in one month, and where it is.

    `entitled` is the amount of the month, with what the one before carried over and without what this one carries on.
    `charged` was handed out of a pool.
    """

    family: str
    programme: str
    period: str
    commodity: str
    unit: str
    entitled: int
    charged: int
    version: int
    leases: list[Row] = field(default_factory=list)

    @property
    def reserve(self) -> int:
        """What may be granted now."""
        return max(0, room(self.entitled - self.charged, self.leases))

    @property
    def key(self) -> dict[str, str]:
        """Of its row."""
        return {
            "family": self.family,
            "programme": self.programme,
            "period": self.period,
            "commodity": self.commodity,
        }

    def lease(self, device: str, epoch: int) -> Row | None:
        """The lease of that enrolment, if it has one."""
        return next((row for row in self.leases if (row["device"], row["epoch"]) == (device, epoch)), None)


def rights_of(tx: Tx, family: str, period: str) -> list[Right]:
    """All of a family's rights of a month, by programme and commodity."""
    # Their versions first: what is granted after this was read is seen by `give`, whatever is read in between.
    entitled = tx.all(schema.entitlement, "programme", "commodity", family=family, period=period)
    brought = {
        (row["programme"], row["commodity"]): int(row["carried"])
        for row in tx.all(schema.entitlement, family=family, period=before(period))
    }
    leases: dict[tuple[str, str], list[Row]] = {}
    for row in tx.all(schema.lease, "device", "epoch", family=family, period=period):
        leases.setdefault((row["programme"], row["commodity"]), []).append(row)
    return [
        Right(
            family,
            row["programme"],
            period,
            row["commodity"],
            row["unit"],
            int(row["amount"]) - int(row["carried"]) + brought.get((row["programme"], row["commodity"]), 0),
            int(row["charged"]),
            int(row["version"]),
            leases.get((row["programme"], row["commodity"]), []),
        )
        for row in entitled
    ]


def give(tx: Tx, device: str, epoch: int, wanted: Iterable[tuple[Right, int]]) -> list[int]:
    """Grant so much more of each right to an enrolment, as far as the reserve allows; returns how much of each.

    Each right that is granted of is written to, so that of two that grant of it at once one loses and looks again.
    """
    given = []
    for right, amount in wanted:
        more = min(amount, right.reserve)
        given.append(max(0, more))
        if more > 0:
            held = right.lease(device, epoch)
            granted = (int(held["granted"]) if held is not None else 0) + more
            lease = {"device": device, "epoch": epoch, **right.key, "unit": right.unit, "granted": granted}
            tx.advance(schema.entitlement, {"version": right.version + 1}, {"version": right.version}, **right.key)
            right.version += 1
            tx.put(schema.lease, [lease])
    return given
