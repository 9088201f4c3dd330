"""Everything that may happen, as functions of a world and a few small numbers: whoever chooses those is the adversary.

hypothesis chooses them in the short runs and shrinks what it finds; in the long ones a seeded generator does.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.journal import Redeemed
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.rights import HARDSHIP, HardshipReason
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.ports import RightsWish
from ewarung_pos.services.reverse import ReversalReason
from tests.machine.city import HOMES, KIOSKS, OIL, RICE
from tests.machine.kiosk import Kiosk
from tests.machine.line import Fault
from tests.machine.mirror import Broken
from tests.machine.world import World

__all__ = ["RULES", "Rule", "apply", "choose"]

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
FAMILIES = len(HOMES)
GOODS = ((RICE, 1, "JATAH"), (RICE, 2, "JATAH"), (OIL, 1, "TABUNGAN"), (OIL, 2, "TABUNGAN"))
_FAULTS = tuple(Fault)[1:]


class Rule(NamedTuple):
    """A step: how often it is taken beside the others, and how many values each of its numbers has."""

    weight: int
    numbers: tuple[int, ...]
    step: Callable[..., None]


# --- at the counter -----------------------------------------------------------------------------------------------


def serve(world: World, k: int, f: int, what: int) -> None:
    """A family takes of its ration; more often one that has rights here than any."""
    kiosk, (product, packs, programme) = world.kiosks[k], GOODS[what]
    f = world.with_rights(k)[f % FAMILIES] if f >= FAMILIES else f
    basket = Basket().with_packs(product, packs, Tender.RATION, programme)
    with world.alive(kiosk):
        kiosk.redeem.redeem(world.card(f), basket, HolderPresence.SELF, "siti")
        world.counted["served"] += 1


def reverse(world: World, k: int) -> None:
    """The newest hand-over is undone, with the leader's word."""
    kiosk, branch = world.kiosks[k], world.now[k]
    place = next((at for at in range(len(branch.facts), 0, -1) if isinstance(branch.facts[at - 1], Redeemed)), 0)
    if place:
        entry = kiosk.ledger.read().sealed(place - 1, 1, 1)[0]
        with world.alive(kiosk):
            kiosk.reverse.reverse(_id(entry.body), ReversalReason.WRONG_GOODS, "siti", "yuni")


def pool(world: World, k: int, f: int, what: int) -> None:
    """A family is served from the pool, with the leader's word and a reason."""
    kiosk, (product, packs, _) = world.kiosks[k], GOODS[what]
    basket = Basket().with_packs(product, packs, Tender.RATION, HARDSHIP)
    with world.alive(kiosk):
        kiosk.hardship.serve(
            world.card(f), basket, HolderPresence.SELF, HardshipReason.NO_LINE, "siti", "yuni", name="SUMINAH"
        )
        world.counted["served from a pool"] += 1


def open_day(world: World, k: int) -> None:
    """In the morning; what is left of a month that is over goes back."""
    kiosk = world.kiosks[k]
    with world.alive(kiosk):
        kiosk.day.open("siti", date_confirmed=True)
        kiosk.leftovers.give_back()


def close_day(world: World, k: int) -> None:
    """In the evening: counted, explained, sealed."""
    kiosk = world.kiosks[k]
    with world.alive(kiosk):
        if not kiosk.day.today().closing:
            kiosk.day.begin_close("siti")
        lines = kiosk.day.count(kiosk.ledger.read().stock(), "siti")
        kiosk.day.explain(lines, "siti", "yuni")
        kiosk.day.seal("siti", None)
        kiosk.leftovers.give_back()


def morning(world: World, k: int) -> None:
    """A day as it should be: yesterday sealed, the clock right or confirmed, today open."""
    kiosk = world.kiosks[k]
    kiosk.clock.ahead_ms = 0
    day = kiosk.day.today()
    if kiosk.clockwork.findings().trouble:
        confirm(world, k)
    if day.date is not None and day.date != kiosk.clock.now().wall.date() and (day.serving or day.closing):
        close_day(world, k)
    if not kiosk.day.today().serving:
        open_day(world, k)
    if kiosk.ledger.read().stock().get(RICE, 0) < 100:
        with world.alive(kiosk):
            kiosk.stock.receive("Bulog", "SJ-2", (ReceivedLine(RICE, 5_000), ReceivedLine(OIL, 5_000)), "siti")


def confirm(world: World, k: int) -> None:
    """The leader says that the clock is right."""
    with world.alive(world.kiosks[k]):
        world.kiosks[k].clockwork.confirm("yuni")


# --- on the line ---------------------------------------------------------------------------------------------------


def sync(world: World, k: int) -> None:
    """One step of the till's engine."""
    kiosk = world.kiosks[k]
    with world.alive(kiosk):
        report = kiosk.engine.step()
        world.counted[f"sync: {report.code}.{report.reason}" if report.code else "sync: well"] += 1


def drain(world: World, k: int) -> None:
    """As many as there is something to do for."""
    kiosk = world.kiosks[k]
    with world.alive(kiosk):
        for _ in range(8):
            if not kiosk.engine.step().more:
                break


def ask(world: World, k: int, f: int, how: int) -> None:
    """The till asks for a family's rights: again as long as it waits, as its home, or it gives up."""
    kiosk = world.kiosks[k]
    if (k, f) not in world.wishes:
        world.serial += 1
        world.wishes[k, f] = f"r-{world.serial}"
    wish = RightsWish(
        world.wishes[k, f], world.card(f), world.wall_month(kiosk), home=how == 4, withdraw=how == 5
    )  # fmt: skip
    with world.alive(kiosk):
        said = kiosk.engine.ask(wish)
        world.counted[f"asked: {said.outcome} {said.reason}".rstrip()] += 1
        if said.outcome != "waiting":
            del world.wishes[k, f]


def trouble(world: World, k: int, fault: int, after: int) -> None:
    """Something happens to one of the next exchanges."""
    plan = world.kiosks[k].wire.plan
    if len(plan) < 6:
        plan.extend((Fault.WELL,) * after)
        plan.append(_FAULTS[fault])


def late(world: World, k: int, which: int) -> None:
    """A request that was sent before arrives, perhaps for the second time; nobody hears the answer."""
    past = world.kiosks[k].wire.past
    if past:
        past[which % len(past)]()
        world.counted["late requests"] += 1


def liar(world: World, k: int, how: int) -> None:
    """I10: a whole step in which no answer is the city's. The till's state stays what it was."""
    kiosk = world.kiosks[k]
    kiosk.wire.whole = (Fault.STALE, Fault.CORRUPTED, Fault.FORGED)[how]
    before = _state(kiosk)
    try:
        with world.alive(kiosk):
            kiosk.engine.step()
    finally:
        kiosk.wire.whole = None
    if _state(kiosk) != before:
        raise Broken(f"I10: {kiosk.device} believed what the city did not sign")


def stop_at(world: World, k: int, points: int) -> None:
    """The machine will stop dead: so many commits and messages from now, before or after."""
    world.kiosks[k].doom = points + 1


def restart(world: World, k: int) -> None:
    """The till is switched off and on."""
    world.kiosks[k].stop()
    world.kiosks[k].start()


# --- clocks --------------------------------------------------------------------------------------------------------

_PASSES = (_MINUTE, _MINUTE, 6 * _MINUTE, 6 * _MINUTE, 3 * _HOUR, _DAY, 8 * _DAY, 31 * _DAY)
_TILL_SETS = (0, -10 * _MINUTE, 10 * _MINUTE, -_DAY, _DAY, 40 * _DAY, -40 * _DAY, 1500 * _DAY, -1500 * _DAY)
_CITY_SETS = (0, 0, 0, 0, -10 * _MINUTE, 10 * _MINUTE, -_DAY, _DAY, 40 * _DAY, -40 * _DAY)


def wait(world: World, how: int) -> None:
    """Time passes for everybody."""
    world.ticks.ms += _PASSES[how]


def set_till(world: World, k: int, to: int) -> None:
    """Somebody sets a till's clock."""
    world.kiosks[k].clock.ahead_ms = _TILL_SETS[to]


def set_city(world: World, to: int) -> None:
    """The city's clock jumps."""
    world.city.ahead_ms = _CITY_SETS[to]


def _state(kiosk: Kiosk) -> object:
    reader = kiosk.ledger.read()
    return reader.head(), reader.cursor(), dict(reader.settings())


def _id(body: bytes) -> str:
    from ewarung_pos.domain.journal import decode

    return decode(body).id


def _rules() -> dict[str, Rule]:
    from tests.machine import mishaps

    families, goods = FAMILIES, len(GOODS)
    return {
        "serve": Rule(30, (KIOSKS, 4 * families, goods), serve),
        "reverse": Rule(4, (KIOSKS,), reverse),
        "pool": Rule(4, (KIOSKS, families, goods), pool),
        "morning": Rule(14, (KIOSKS,), morning),
        "open_day": Rule(3, (KIOSKS,), open_day),
        "close_day": Rule(2, (KIOSKS,), close_day),
        "confirm": Rule(2, (KIOSKS,), confirm),
        "sync": Rule(30, (KIOSKS,), sync),
        "drain": Rule(5, (KIOSKS,), drain),
        "ask": Rule(14, (KIOSKS, families, 6), ask),
        "trouble": Rule(10, (KIOSKS, len(_FAULTS), 3), trouble),
        "late": Rule(6, (KIOSKS, 12), late),
        "liar": Rule(2, (KIOSKS, 3), liar),
        "stop_at": Rule(5, (KIOSKS, 12), stop_at),
        "restart": Rule(2, (KIOSKS,), restart),
        "wait": Rule(5, (len(_PASSES),), wait),
        "set_till": Rule(1, (KIOSKS, len(_TILL_SETS)), set_till),
        "set_city": Rule(1, (len(_CITY_SETS),), set_city),
        **{name: Rule(*said) for name, said in mishaps.RULES.items()},
    }


RULES: dict[str, Rule] = _rules()
_NAMES = list(RULES)
_WEIGHTS = [rule.weight for rule in RULES.values()]


def choose(draw: random.Random, names: Sequence[str] = ()) -> tuple[str, tuple[int, ...]]:
    """A step of the seeded run; of these rules only, if any are named."""
    weights = [RULES[name].weight for name in names] or _WEIGHTS
    name = draw.choices(names or _NAMES, weights)[0]
    return name, tuple(draw.randrange(most) for most in RULES[name].numbers)


def apply(world: World, name: str, numbers: tuple[int, ...]) -> None:
    """Take that step, and look at what it did.

    Raises:
        Broken: an invariant does not hold.
    """
    from tests.machine.checks import check

    world.counted[f"rule: {name}"] += 1
    world.counted["steps"] += 1
    RULES[name].step(world, *numbers)
    world.look()
    check(world)
