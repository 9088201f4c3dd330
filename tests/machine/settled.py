"""What must hold when everybody has come to rest: I4 to I9 and I13 of sync.md section 6.

Lines and clocks are right again, and persons have done what waits for persons: a kiosk that the city froze, or whose
disk is an old one, is restored from its own ledger and enrolled again, and so is one that both sides forgot; officers
sign for what ended.
"""

from __future__ import annotations

import random
from collections import defaultdict

import msgspec

from ewarung_city import intake, leases
from ewarung_city.greeting import UNPROVEN_CLAIM
from ewarung_city.recalls import may_come
from ewarung_city.rights import outstanding
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_city.verify import verify as verify_city
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.journal import DayClosed, HardshipAllowed, decode, link
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.rights import is_pool
from ewarung_pos.domain.timeline import Period
from ewarung_pos.ledger.verify import verify as verify_ledger
from ewarung_pos.ports import SyncReport
from ewarung_pos.sync.protocol import Ack, Flag, Outcome, Push, Quarantine, batch_text
from ewarung_pos.sync.signing import sign
from tests.machine import mishaps, rules
from tests.machine.checks import check
from tests.machine.kiosk import Kiosk
from tests.machine.line import Fault
from tests.machine.mirror import Branch, Broken, Key
from tests.machine.rebuilt import compare
from tests.machine.world import World

__all__ = ["come_to_rest"]

_STEPS = 40
_ROUNDS = 4
_MINUTES = 11 * 60_000
_EVERYDAY = {Flag.HARDSHIP.value, Flag.CLOCK_SKEW.value, Quarantine.UNKNOWN_EPOCH.value, intake.AFTER_LOST}
_AFTER_RESTORE = {Flag.UNKNOWN_GRANT.value, Flag.OVER_LEASE.value, UNPROVEN_CLAIM}
"""An honest till's cases. The second kind only where the city's database was put back: it knows less than was true."""


class Undo(Exception):
    """Ends a trial on the city's database."""


def come_to_rest(world: World, draw: random.Random, *, thorough: bool = True) -> None:
    """Let everything come to an end, and look at all of it.

    Args:
        world: of the run.
        draw: chooses how the journals are cut and mixed for I6, and which entry is altered for I8.
        thorough: also what reads every journal from its beginning.

    Raises:
        Broken: an invariant does not hold.
    """
    _put_right(world)
    for kiosk in world.kiosks:
        if not _in_order(world, kiosk) or world.now[kiosk.number].whose in world.forgotten:
            _again(world, kiosk)
    _sign_for_the_ended(world)
    for _ in range(_ROUNDS):
        for kiosk in world.kiosks:
            _drained(world, kiosk)
    reports = [_drained(world, kiosk) for kiosk in world.kiosks]
    for kiosk, report in zip(world.kiosks, reports, strict=True):
        if report.code or report.unsent or report.more:
            raise Broken(f"I13: {kiosk.device} does not drain: {report.code}.{report.reason}, {report.unsent} unsent")
    with world.city.store.write() as tx:
        if waiting := leases.recovering(tx):
            raise Broken(f"I13: the city waits for ever for {waiting}")
    _equal(world)
    _nothing_beyond(world)
    _home_is_served(world)
    if thorough:
        for kiosk in world.kiosks:
            _drained(world, kiosk)
        _sound(world)
        compare(world, draw)
        _altered(world, draw)


def _put_right(world: World) -> None:
    world.city.ahead_ms = 0
    for kiosk in world.kiosks:
        kiosk.wire.plan.clear()
        kiosk.doom = 0
        kiosk.clock.ahead_ms = 0
        rules.morning(world, kiosk.number)
        _look(world)
    for _ in range(_ROUNDS):
        for kiosk in world.kiosks:
            _drained(world, kiosk)


def _look(world: World) -> None:
    world.look()
    check(world)


def _drained(world: World, kiosk: Kiosk) -> SyncReport:
    world.ticks.ms += _MINUTES
    report, left = kiosk.engine.step(), _STEPS
    _look(world)
    while left and (report.more or report.reason == "behind"):
        report, left = kiosk.engine.step(), left - 1
        _look(world)
    return report


def _in_order(world: World, kiosk: Kiosk) -> bool:
    """Whether the city gives it what it asks for; if it has another past, the city has to know that."""
    forked = kiosk.engine.step().reason == "fork"
    _look(world)
    row = world.epochs()[world.now[kiosk.number].whose]
    if forked and row["state"] == "active" and row["mode"] == "normal":
        raise Broken(f"I12: {kiosk.device} has another past than the city, which takes it for sound")
    return bool(row["state"] == "active" and row["mode"] == "normal")


def _again(world: World, kiosk: Kiosk) -> None:
    mishaps.copy_ledger(world, kiosk.number)
    mishaps.begin_again(world, kiosk.number, 1)
    _look(world)
    _drained(world, kiosk)
    rules.morning(world, kiosk.number)
    _look(world)


def _sign_for_the_ended(world: World) -> None:
    for kiosk in world.kiosks:
        with world.city.store.read() as tx:
            frozen = tx.all(schema.epoch, device=kiosk.device, state="frozen")
            ended = sum(not leases.is_lost(tx, kiosk.device, int(row["epoch"])) for row in frozen)
        for _ in range(ended):
            mishaps.lose(world, kiosk.number)
            _look(world)


def _equal(world: World) -> None:
    """I5 and I7: the city holds each entry once, and just what the till wrote."""
    epochs = world.epochs()
    for branch in world.now:
        seq = int(epochs[branch.whose]["acked_seq"])
        if branch.acked != (seq, branch.hashes[seq - 1]):
            raise Broken(f"I7: {branch.whose} was acknowledged {branch.acked[0]}, and the city holds {seq}")
        with world.city.store.read() as tx:
            rows = tx.all(schema.entry, "seq", device=branch.device, epoch=branch.epoch)
        if [bytes(row["hash"]) for row in rows] != branch.hashes[:seq]:
            raise Broken(f"I5: the city does not hold the entries of {branch.whose}, each once")


def _home_is_served(world: World) -> None:
    """I13: without any line, whoever has something left here gets it."""
    for kiosk in world.kiosks:
        rules.morning(world, kiosk.number)
        _look(world)
        if not kiosk.day.today().serving:
            continue  # sealed today already: tomorrow
        kiosk.wire.whole = Fault.REQUEST_LOST
        for f, row in enumerate(world.families):
            for product, packs, programme in rules.GOODS[::2]:
                if _left(world, kiosk, row["key"], programme) >= 1:
                    basket = Basket().with_packs(product, packs, Tender.RATION, programme)
                    kiosk.redeem.redeem(world.card(f), basket, HolderPresence.SELF, "siti")
                    world.counted["served at rest, with no line"] += 1
                    _look(world)
        kiosk.wire.whole = None


def _left(world: World, kiosk: Kiosk, family: str, programme: str) -> int:
    branch, month = world.now[kiosk.number], world.wall_month(kiosk).iso
    keys: list[Key] = [key for key in branch.got if key[:3] == (family, programme, month)]
    return sum(branch.got[key] - branch.used(key) for key in keys)


def _sound(world: World) -> None:
    """I4, I5 and I9: each side finds nothing wrong with itself, and each day tells one story."""
    restored = bool(world.counted["cities restored"])
    exempt = {*world.forgotten, *world.lost} if restored else set()
    with world.city.store.read() as tx:
        found = [item for item in verify_city(tx) if not (item.what.startswith("overgrant") and exempt)]
        days = [row for row in tx.all(schema.day) if row["closed_seq"] and row["differs"]]
        allowed = _EVERYDAY | (_AFTER_RESTORE if restored else set())
        cases = [
            (row["device"], row["epoch"], row["reason"])
            for row in tx.all(schema.case)
            if row["reason"] not in allowed
            and not (row["reason"] == Outcome.FORK and (row["device"], int(row["epoch"])) in world.older)
        ]
        pools = {(row["device"], int(row["epoch"]), int(row["seq"])) for row in tx.all(schema.hardship)}
    if found or days or cases:
        raise Broken(f"I5/I9: the city finds {found[:3]} {days[:2]} {cases}")
    for kiosk, branch in zip(world.kiosks, world.now, strict=True):
        report = verify_ledger(kiosk.folder, None, encrypted=False)
        if not report.ok:
            raise Broken(f"I4: {kiosk.device} finds {report.problems}")
        words = [at for at, fact in enumerate(branch.facts[: branch.acked[0]], 1) if isinstance(fact, HardshipAllowed)]
        if any((*branch.whose, at + 1) not in pools for at in words if at < branch.acked[0]):
            raise Broken(f"I9: a use of {kiosk.device}'s pool is charged to nobody")
        said = kiosk.ledger.read().settings()
        for at, fact in enumerate(branch.facts[: branch.acked[0]], 1):
            if isinstance(fact, DayClosed):
                date = decode(kiosk.ledger.read().sealed(at - 1, 1, 1)[0].body).date
                if not said.get(f"attested:{date}", "").startswith("agrees"):
                    raise Broken(f"I9: the city did not attest {date} of {kiosk.device}")
                world.counted["days attested"] += 1


def _nothing_beyond(world: World) -> None:
    """I1 and I3 with what pools gave: no kiosk keeps more of a right than they leave of it and of what was carried."""
    if world.counted["cities restored"]:
        return  # what was claimed then is above the entitlement, and a case
    with world.city.store.read() as tx:
        rows = {_right(row): row for row in tx.all(schema.entitlement) if not is_pool(row["family"])}
        out: dict[Key, int] = defaultdict(int)
        left: dict[Key, int] = defaultdict(int)
        for lease in tx.all(schema.lease):
            out[_right(lease)] += outstanding(lease)
            left[_right(lease)] += may_come(tx, lease)
    came: dict[Key, int] = defaultdict(int)
    short: dict[Key, int] = defaultdict(int)
    for key in sorted(rows, key=lambda key: key[2]):
        row, after = rows[key], (*key[:2], Period(key[2]).following().iso, key[3])
        carried, charged = int(row["carried"]), int(row["charged"])
        over = out[key] + charged - (int(row["amount"]) - carried + came[key])
        # What pools gave of a month that was carried on (or of one before it) is missing in the next.
        short[after] = max(0, min(over, carried, charged + short[key]))
        came[after] = carried - short[after]
        if over > short[after] and left[key] > 0:
            raise Broken(f"I1: {left[key]} is left of {key}, and {over} more is out or given than there is")
        if charged:
            world.counted["rights that a pool gave of, at rest"] += 1


def _right(row: Row) -> Key:
    return row["family"], row["programme"], row["period"], row["commodity"]


def _altered(world: World, draw: random.Random) -> None:
    """I8: one entry is altered, removed, or changes places with the next; whoever holds the key signs it anew."""
    kiosk = draw.choice(world.kiosks)
    branch, reader = world.now[kiosk.number], kiosk.ledger.read()
    rows = [row.body for row in reader.sealed(0, 10**6, 10**9)[: branch.acked[0]]]
    place = draw.randrange(2, len(rows) - 1)
    how = draw.choice(("altered", "removed", "reordered"))
    bodies = list(rows)
    if how == "altered":
        bodies[place - 1] = rows[place - 1].replace(b'"operator":"', b'"operator":"x', 1)
    elif how == "removed":
        del bodies[place - 1]
    else:
        bodies[place - 1 : place + 1] = reversed(rows[place - 1 : place + 1])
    key = reader.secret("device_key") or b""
    try:
        with world.city.store.write() as tx:
            said = msgspec.json.decode(_sent(world, tx, branch, place, bodies[place - 1 :], key), type=Ack)
            if said.outcome is not Outcome.FORK or said.bad_seq != place:
                raise Broken(f"I8: entry {place} of {branch.whose} was {how}, and the city says {said}")
            whose = {"device": branch.device, "epoch": branch.epoch}
            tx.change(schema.entry, {"body": bodies[place - 1]}, **whose, seq=place)
            found = [(item.device, item.epoch, item.seq, item.what) for item in verify_city(tx)]
            if (branch.device, branch.epoch, place, "hash") not in found:
                raise Broken(f"I8: entry {place} of {branch.whose} was {how} at the city, which finds {found}")
            raise Undo
    except Undo:
        world.counted[f"entries {how}, found and named"] += 1


def _sent(world: World, tx: Tx, branch: Branch, first: int, bodies: list[bytes], key: bytes) -> bytes:
    bodies = bodies[:400]
    head = branch.hashes[first - 2]
    before = head.hex()
    for body in bodies:
        head = link(head, body)
    last = first + len(bodies) - 1
    text = batch_text(branch.device, branch.epoch, first, last, head.hex())
    entries = tuple(map(msgspec.Raw, bodies))
    push = Push(branch.device, branch.epoch, first, before, entries, head.hex(), sign(key, text).hex())
    now = world.city.now_ms()
    return intake.take(tx, world.city.keys, push, now, now // 1000)
