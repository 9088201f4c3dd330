"""What must hold after every step: I1, I2, I3, I7 and I12 of sync.md section 6 (I4 and I10 where they happen).

Nothing here asks the code that is judged: sums are made of journals as they grew, and of the city's bare rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from ewarung_city.recovery import OWES, owes
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.rights import is_pool
from ewarung_pos.domain.timeline import Period
from tests.machine.mirror import Branch, Broken, Key
from tests.machine.world import World

__all__ = ["check"]

_CARRIED = "TABUNGAN"
Epochs = Mapping[tuple[str, int], Row]


def check(world: World) -> None:
    """Look at both sides, as far as either moved.

    Raises:
        Broken: an invariant does not hold.
    """
    if not world.changed and not world.city.touched:
        return
    epochs = world.epochs()
    for branch in world.now:
        _journal(world, branch, epochs)
    if world.city.touched:
        with world.city.store.read() as tx:
            _grants(world, tx)
        world.city.touched = False
    _handed_out(world, epochs)


def _journal(world: World, branch: Branch, epochs: Epochs) -> None:
    """I7, and of a disk that was put back I12: what lies behind the city's copy is given nothing."""
    row = epochs.get(branch.whose)
    if row is None or row["device_key"] != branch.public:
        raise Broken(f"I7: the city knows no {branch.whose}")
    seq = int(row["acked_seq"])
    if not branch.begins_with(*branch.acked):
        raise Broken(f"I7: {branch.whose} keeps an acknowledgement of what it does not hold")
    if branch.begins_with(seq, bytes.fromhex(row["acked_hash"])):
        if branch.acked[0] > seq and not world.counted["cities restored"]:
            raise Broken(f"I7: the city forgot what it had acknowledged to {branch.whose}")
        branch.granted_at_image = sum(branch.got.values())
        return
    if not branch.old:
        raise Broken(f"I7: the city holds another entry {seq} than {branch.whose}")
    if sum(branch.got.values()) > branch.granted_at_image:
        raise Broken(f"I12: a new right to the old disk of {branch.whose}")


def _grants(world: World, tx: Tx) -> None:
    rights: dict[Key, int] = {}
    brought: dict[Key, int] = {}
    for row in tx.all(schema.entitlement):
        key = _key(row)
        rights[key] = int(row["amount"]) - int(row["carried"])
        brought[key[0], key[1], Period(key[2]).following().iso, key[3]] = int(row["carried"])
        if is_pool(key[0]):
            world.pools[key] = max(world.pools.get(key, 0), int(row["amount"]))
    leases = tx.all(schema.lease)
    _credits_what_was_given(world, leases)
    _knows_before_it_grants(world, leases)
    if _recovering(tx):
        return
    out: dict[Key, int] = defaultdict(int)
    doubtful: set[tuple[str, ...]] = set()
    epochs = tx.all(schema.epoch)
    held = {(row["device"], int(row["epoch"])): int(row["acked_seq"]) for row in epochs}
    # Whom a city that was put back does not wait for. A copy may have frozen an enrolment that another copy, put back
    # before it, had not: then what it gave back since counts as its own. What was handed out is counted all the same.
    unasked = {*world.lost, *((row["device"], int(row["epoch"])) for row in epochs if row["state"] == "frozen")}
    for row in leases:
        key, whose = _key(row), (row["device"], int(row["epoch"]))
        out[key] += max(int(row["granted"]), int(row["claimed"])) - int(row["surrendered"]) - int(row["released"])
        if (
            whose in world.forgotten
            or whose in world.unsigned
            or (whose in unasked and _knows_less(world, held, whose))
        ):
            doubtful.add(_thing(key))
    for key, amount in out.items():
        # A city put back to before it granted a month has no row of it, or a pool by other homes; what it had decided
        # then is what its kiosks' word counts against.
        most = rights[key] if key in rights and not is_pool(key[0]) else world.ration(key)
        most += brought.get(key, 0)
        if amount > most and _thing(key) not in doubtful:
            raise Broken(f"I3: {amount} outstanding of {most}: {key}")


def _knows_less(world: World, held: Mapping[tuple[str, int], int], whose: tuple[str, int]) -> bool:
    """Whether a city that was put back lacks what it had once acknowledged to an enrolment."""
    return any(branch.acked[0] > held[whose] for branch in (*world.now, *world.before) if branch.whose == whose)


def _credits_what_was_given(world: World, leases: list[Row]) -> None:
    """I3: S as reported is never more than a journal says that was surrendered."""
    given: dict[tuple[object, ...], int] = defaultdict(int)
    for branch in (*world.now, *world.before):
        for key, amount in branch.given.items():
            given[*branch.whose, *key] = max(given[*branch.whose, *key], amount)
    for row in leases:
        if int(row["surrendered"]) > given[row["device"], int(row["epoch"]), *_key(row)]:
            raise Broken(f"I3: the city credits {row['device']} with what it never gave back: {_key(row)}")


def _knows_before_it_grants(world: World, leases: list[Row]) -> None:
    """I12: a city put back from a copy grants nothing of a right before it knows all that was granted of it."""
    granted: dict[Key, int] = defaultdict(int)
    known: dict[tuple[str, int], dict[Key, int]] = defaultdict(dict)
    for row in leases:
        key = _key(row)
        granted[key] += int(row["granted"])
        known[row["device"], int(row["epoch"])][key] = max(int(row["granted"]), int(row["claimed"]))
    before, world.granted = world.granted, dict(granted)
    if before is None:
        return
    for key, amount in granted.items():
        if amount <= before.get(key, 0):
            continue
        for branch in world.now:
            if branch.old or branch.whose in world.lost:
                continue
            if branch.got.get(key, 0) > known[branch.whose].get(key, 0):
                raise Broken(f"I12: the city grants and does not know what {branch.whose} was given: {key}")


def _handed_out(world: World, epochs: Epochs) -> None:
    """I1, over every journal that counts (`_counts`)."""
    total: dict[Key, int] = defaultdict(int)
    newest: dict[tuple[str, int], list[Branch]] = defaultdict(list)
    for branch in (*world.now, *reversed(world.before)):
        newest[branch.whose].append(branch)
    for whose, branches in newest.items():
        for key, amount in _counts(world, whose, branches, epochs.get(whose)).items():
            total[key] += amount
    # Both sides put back forget together: what such an enrolment gave back, it has again.
    forgotten = {
        _thing(key)
        for branch in (*world.now, *world.before)
        if branch.whose in world.forgotten
        for key, amount in branch.given.items()
        if amount
    }
    sums: dict[tuple[str, ...], int] = defaultdict(int)
    for key in sorted(total, key=lambda key: key[2]):
        _, programme, period, _ = key
        if _thing(key) in forgotten:
            continue
        amount, most = total[key], world.ration(key)
        if programme == _CARRIED:
            sums[_thing(key)] += amount
            amount, most = sums[_thing(key)], most * _months(world.first, period)
        if amount > most:
            raise Broken(f"I1: {amount} handed out of {most}: {key}")


def _counts(world: World, whose: tuple[str, int], branches: list[Branch], row: Row | None) -> Mapping[Key, int]:
    """P of an enrolment, by the journal of it that is in force.

    That is the one on its disk as long as it goes on from what the city holds. Where an older disk was put back behind
    the city's copy, or two officers signed that the enrolment is lost, it is what the city holds: what is beyond is the
    exception that sync.md names, and nobody can know of it. A city that was put back and hears of a lost enrolment more
    than it held when they signed hears of that exception.
    """
    if row is None:
        return {}
    seq, digest = int(row["acked_seq"]), bytes.fromhex(row["acked_hash"])
    if whose not in world.lost and branches[0].begins_with(seq, digest):
        return branches[0].spent
    for branch in branches:
        if branch.begins_with(seq, digest):
            return branch.spent_until(min(seq, world.lost.get(whose, seq)))
    raise Broken(f"I7: nobody ever wrote what the city holds of {whose}")


def _recovering(tx: Tx) -> bool:
    held = {(row["device"], int(row["epoch"])): int(row["acked_seq"]) for row in tx.all(schema.epoch)}
    for row in tx.starting(schema.city, "name", OWES):
        _, device, epoch = str(row["name"]).split("|")
        if owes(str(row["value"]), held.get((device, int(epoch)), 0)):
            return True
    return False


def _key(row: Row) -> Key:
    return row["family"], row["programme"], row["period"], row["commodity"]


def _thing(key: Key) -> tuple[str, ...]:
    """What is counted together: what is carried over belongs to all months."""
    family, programme, period, commodity = key
    return (family, programme, commodity) if programme == _CARRIED else (family, programme, commodity, period)


def _months(first: str, period: str) -> int:
    """How many months of rights there were until then."""
    return 1 + sum(
        (int(year) - int(since)) * each
        for year, since, each in zip(period.split("-"), first.split("-"), (12, 1), strict=True)
    )
