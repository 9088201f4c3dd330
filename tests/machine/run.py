"""One run of the machine from a seed, and the same by hypothesis, which also shrinks what it finds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.city_databases import Databases
from tests.machine.mirror import Broken
from tests.machine.rules import RULES, apply, choose
from tests.machine.settled import come_to_rest
from tests.machine.world import Template

__all__ = ["explore", "found", "run"]

Step = tuple[str, tuple[int, ...]]


def run(
    seed: int,
    steps: int,
    counted: Counter[str] | None = None,
    *,
    databases: Databases | None = None,
    signed: bool = False,
    rest: bool = True,
    thorough: bool = True,
    names: Sequence[str] = (),
) -> None:
    """So many steps of a seeded adversary, and then rest.

    Args:
        seed: says all of it.
        steps: how many.
        counted: gets everything that was counted.
        databases: where the city keeps its data; SQLite files if not said.
        signed: through the HTTP signatures of both ends.
        rest: come to rest at the end (`settled`).
        thorough: and read every journal from its beginning there.
        names: of the only rules that are taken; all, if none are named.

    Raises:
        Broken: an invariant does not hold; the steps so far are in its notes, to be repeated without this seed.
    """
    draw, taken = random.Random(seed), list[Step]()
    with Template.of(databases).world(signed=signed) as world:
        try:
            for _ in range(steps):
                taken.append(choose(draw, names))
                apply(world, *taken[-1])
            if rest:
                come_to_rest(world, draw, thorough=thorough)
                world.counted["runs that came to rest"] += 1
        except Exception as error:
            error.add_note(f"seed {seed}, step {len(taken)}: {taken}")
            raise
        finally:
            if counted is not None:
                counted.update(world.counted)


def found(seed: int, steps: int, names: Sequence[str] = ()) -> str:
    """What the run of that seed breaks within so many steps, without coming to rest; empty if nothing."""
    try:
        run(seed, steps, rest=False, names=names)
    except Broken as broken:
        return str(broken)
    return ""


def _machine(signed: bool, told: Callable[[Counter[str]], None]) -> type[RuleBasedStateMachine]:
    """The rules as hypothesis takes them."""

    def begin(self: Any) -> None:
        RuleBasedStateMachine.__init__(self)
        self.run = Template.of().world(signed=signed)
        self.world = self.run.__enter__()
        self.well = True

    def end(self: Any) -> None:
        try:
            if self.well:
                come_to_rest(self.world, random.Random(0), thorough=False)
                self.world.counted["runs that came to rest"] += 1
        finally:
            told(self.world.counted)
            self.run.__exit__(None, None, None)

    def step(name: str) -> Callable[..., None]:
        def taken(self: Any, **numbers: int) -> None:
            self.well = False
            apply(self.world, name, tuple(numbers[place] for place in sorted(numbers)))
            self.well = True

        spans = {f"n{place}": st.integers(0, most - 1) for place, most in enumerate(RULES[name].numbers)}
        taken.__name__ = name
        made: Callable[..., None] = rule(**spans)(taken)  # type: ignore[call-overload]
        return made

    steps = {name: step(name) for name in RULES}
    return type("Machine", (RuleBasedStateMachine,), {"__init__": begin, "teardown": end, **steps})


def explore(examples: int, steps: int, *, signed: bool, shrink: bool) -> Counter[str]:
    """Let hypothesis choose the steps; returns what was counted over all runs.

    Args:
        examples: runs.
        steps: of each, at most.
        signed: through the HTTP signatures of both ends.
        shrink: look for the shortest steps to what is broken, which takes minutes.

    Raises:
        Broken: an invariant does not hold.
    """
    total: Counter[str] = Counter()
    run_state_machine_as_test(
        _machine(signed, total.update),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            phases=[phase for phase in Phase if shrink or phase is not Phase.shrink],
        ),
    )
    return total
