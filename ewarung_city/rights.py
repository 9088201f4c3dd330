"""One family's rights of a month, over all kiosks: what was granted, what that leaves, and granting more of it.

The one rule (sync.md section 1), with totals that only grow:

    sum over devices of (granted - surrendered) + g <= entitlement
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.bounds import EXACT
from ewarung_pos.domain.timeline import Period
from ewarung_pos.sync.protocol import Mode

__all__ = [
    "RIGHT",
    "Right",
    "before",
    "brought",
    "carried_into",
    "charged_to",
    "following",
    "give",
    "may_be_given",
    "onwards",
    "outstanding",
    "rest_of",
    "right_of",
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
    `charged` was handed out of a pool. Where that came to light after the month was carried on (`carried`), the month
    after has so much less (`brought`), and this one counts as having carried on the rest only.
    """

    family: str
    programme: str
    period: str
    commodity: str
    unit: str
    entitled: int
    charged: int
    carried: int
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
    months: dict[tuple[str, str], dict[str, Row]] = {}
    for row in tx.all(schema.entitlement, "programme", "commodity", family=family):
        months.setdefault((row["programme"], row["commodity"]), {})[row["period"]] = row
    leases: dict[tuple[str, str], list[Row]] = {}
    for row in tx.all(schema.lease, "device", "epoch", family=family, period=period):
        leases.setdefault((row["programme"], row["commodity"]), []).append(row)
    return [_right(tx, held, held[period], leases.get(thing, [])) for thing, held in months.items() if period in held]


def right_of(tx: Tx, family: str, programme: str, period: str, commodity: str) -> Right | None:
    """One of them, if the family has it."""
    rights = rights_of(tx, family, period)
    return next((each for each in rights if (each.programme, each.commodity) == (programme, commodity)), None)


def brought(tx: Tx, months: Mapping[str, Row], period: str) -> int:
    """What the month before carried into this one, less what pools had given of it before the city heard of that.

    Args:
        tx: to look where the months before are, if pools gave of any.
        months: rows of one right, by month.
        period: the month that it goes into.
    """
    chain = []
    while (row := months.get(before(period))) is not None and int(row["carried"]):
        chain.append(row)
        period = before(period)
    came = short = 0
    for row in reversed(chain):
        short = _gone(tx, row, came, short)
        came = int(row["carried"]) - short
    return came


def charged_to(tx: Tx) -> set[str]:
    """Families to whose rights anything of a pool is charged."""
    return {str(row["family"]) for row in tx.all(schema.hardship, returned=0) if int(row["charged"])}


def carried_into(tx: Tx, period: str) -> dict[tuple[object, ...], int]:
    """The same of every family: what the month before carried into this one, by family, programme and commodity."""
    carried: dict[tuple[object, ...], int] = {
        (row["family"], row["programme"], row["commodity"]): int(row["carried"])
        for row in tx.after(schema.entitlement, "carried", 0, EXACT, period=before(period))
    }
    of_pools = charged_to(tx) if carried else set()
    for family, programme, commodity in [thing for thing in carried if thing[0] in of_pools]:
        rows = tx.all(schema.entitlement, family=family, programme=programme, commodity=commodity)
        carried[family, programme, commodity] = brought(tx, {row["period"]: row for row in rows}, period)
    return carried


def onwards(tx: Tx, right: Right) -> list[Right]:
    """The same right in the months after, as far as each was carried into the next."""
    found: list[Right] = []
    last = right
    while last.carried:
        held = right_of(tx, right.family, right.programme, following(last.period), right.commodity)
        if held is None:
            break
        found.append(held)
        last = held
    return found


def _right(tx: Tx, months: Mapping[str, Row], row: Row, leases: list[Row]) -> Right:
    period, carried = row["period"], int(row["carried"])
    came = brought(tx, months, period)
    earlier = months.get(before(period))
    missed = int(earlier["carried"]) - came if earlier is not None else 0
    gone = _gone(tx, row, came, missed, leases)
    return Right(
        row["family"],
        row["programme"],
        period,
        row["commodity"],
        row["unit"],
        int(row["amount"]) - carried + gone + came,
        int(row["charged"]),
        carried,
        int(row["version"]),
        leases,
    )


def _gone(tx: Tx, row: Row, came: int, missed: int, leases: list[Row] | None = None) -> int:
    """So much of what a month carried on was not there: pools had given it, or the month before had less to carry.

    Args:
        tx: to look who holds something of the month, where that matters.
        row: of the right in that month.
        came: from the month before.
        missed: the month before said that it carried so much more.
        leases: all of that right and month, if they are at hand.
    """
    carried, owed = int(row["carried"]), int(row["charged"]) + missed
    if not carried or not owed:
        return 0
    if leases is None:
        leases = tx.all(schema.lease, **{name: row[name] for name in RIGHT})
    out = sum(map(outstanding, leases)) + int(row["charged"])
    return min(carried, owed, max(0, out - (int(row["amount"]) - carried + came)))


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
