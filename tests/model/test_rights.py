"""Every state of the rule of rights: the rules as they are hold in all of them, and each broken one is found out.

sync.md section 6: I1, I2, I3, I7, I12 and I13. The four broken rules that it names are caught with the way to what is
handed out too much, and so are those that the program once had: what a city put back from a copy took for a kiosk's
report, and what it gave to a kiosk that it had not greeted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from ewarung_pos.domain.entitlement import Lease
from tests.model import rights
from tests.model.rights import ASKED, Faults, Kiosk, Model, Rules, State, Wrong

WHOLE = Faults()
CITY = Faults(city_backup=True)
DISK = Faults(old_image=True)


def look_at_all(model: Model) -> int:
    """Look at every state; returns how many there are.

    Raises:
        Wrong: something does not hold.
    """
    seen = {model.begin}
    frontier = [model.begin]
    while frontier:
        following = []
        for state in frontier:
            for _, after in model.steps(state):
                if after not in seen:
                    model.check(after)
                    seen.add(after)
                    following.append(after)
        frontier = following
    return len(seen)


def story(model: Model) -> list[str]:
    """The shortest way to what is wrong, step by step, and what it is; empty when nothing is."""
    came: dict[State, tuple[State, str]] = {}
    frontier = [model.begin]
    while frontier:
        following = []
        for state in frontier:
            try:
                for what, after in model.steps(state):
                    if after not in came:
                        came[after] = (state, what)
                        following.append(after)
            except Wrong as wrong:
                return [*_way(model, came, state), f"    {wrong}"]
        for state in following:
            try:
                model.check(state)
            except Wrong as wrong:
                return [*_way(model, came, state), f"    {wrong}"]
        frontier = following
    return []


def _way(model: Model, came: dict[State, tuple[State, str]], state: State) -> Iterator[str]:
    way = []
    while state != model.begin:
        before, what = came[state]
        way.append(f"{what:<40}{_shown(model.kiosks_of(state))}")
        state = before
    return reversed(way)


def _shown(kiosks: Sequence[Kiosk]) -> str:
    """Journals, what the city holds of each (`<-`), and what it granted."""
    return "   ".join(
        f"[{kiosk.journal}{'p' * kiosk.spent}{f' page {kiosk.page}' if kiosk.page > kiosk.journal.count('g') else ''}"
        f"{f' gone {kiosk.gone}' if kiosk.gone > kiosk.journal.count('g') else ''}"
        f" <- {kiosk.copy or '-'} G{kiosk.granted}{' ?' if kiosk.waited_for else ''}]"
        for kiosk in kiosks
    )


def hold_in_all(model: Model, record: Callable[[str, object], None]) -> None:
    count = look_at_all(model)
    record("counted: states of the rule of rights, all that there are", count)
    print(f"{count} states of {len(model.begin) - 1} kiosks, {model.units} units, {model.faults}")  # noqa: T201
    assert all(map(model.drains, model.seen()))


# Kiosks, units, what may happen: seconds, together some 300,000 states.
FEW = [
    (2, 1, CITY),
    (2, 1, DISK),
    (2, 2, CITY._replace(surrenders=2)),
    (2, 2, DISK._replace(surrenders=2)),
    (3, 2, WHOLE),
    (3, 3, WHOLE),
    (3, 3, CITY._replace(spends=False, surrenders=0)),
]
# Minutes, and some 33 million states.
MANY = [
    (2, 3, CITY),
    (2, 3, DISK),
    (3, 2, CITY._replace(spends=False, surrenders=2)),
    (3, 2, DISK._replace(surrenders=2)),
    (3, 3, CITY._replace(spends=False, surrenders=1)),
    (3, 3, DISK._replace(surrenders=1)),
]


@pytest.mark.parametrize(("kiosks", "units", "faults"), FEW)
def test_the_rules_hold_in_every_state(
    kiosks: int, units: int, faults: Faults, record_property: Callable[[str, object], None]
) -> None:
    hold_in_all(Model(kiosks, units, faults), record_property)


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("kiosks", "units", "faults"), MANY)
def test_the_rules_hold_in_every_state_of_the_whole_size(
    kiosks: int, units: int, faults: Faults, record_property: Callable[[str, object], None]
) -> None:
    hold_in_all(Model(kiosks, units, faults), record_property)


# --- broken rules -----------------------------------------------------------------------------------------------------


class CachedBalance(Rules):
    """The city tells each kiosk what is left by what it heard, and a kiosk hands out as long as that says so."""

    reads_spent = True

    def may_grant(self, kiosks: Sequence[Kiosk], to: Kiosk, units: int) -> bool:
        return False

    def page(self, kiosks: Sequence[Kiosk], to: Kiosk, units: int) -> int:
        heard = sum(kiosk.copy.count("p") for kiosk in kiosks)
        return to.copy.count("p") + max(0, units - heard)


class CapPerKiosk(Rules):
    """Each kiosk may hand out one unit without asking."""

    def may_grant(self, kiosks: Sequence[Kiosk], to: Kiosk, units: int) -> bool:
        return to.granted < 1


class SurrenderBeforeItsCommit(Rules):
    """The city credits what a kiosk says, before its disk holds it; then it crashes."""

    def announced(self, kiosk: Kiosk) -> Kiosk:
        return kiosk._replace(early=kiosk.journal.count("s") + 1)


class NoRecovery(Rules):
    """A city that was put back from a copy goes on as if nothing had happened."""

    def put_back(self, kiosk: Kiosk) -> Kiosk:
        return kiosk


class GreetingIsReport(Rules):
    """It takes a greeting for a report of what a kiosk was given, although that may not be here yet."""

    def answered(self, kiosk: Kiosk) -> Kiosk:
        return kiosk._replace(owed="")


class AnyGreetingAnswers(Rules):
    """It does not ask a question that greetings from before cannot hold."""

    def greeted_late(self, kiosk: Kiosk) -> Kiosk:
        return kiosk._replace(owed=f"{ASKED} 0")


class LatePagesAreTaken(Rules):
    """A kiosk takes what a city that is gone gave it, although it has answered the new one: on a stick, perhaps."""

    def takes_gone(self, kiosk: Kiosk) -> bool:
        return True


class NotGreetedBefore(Rules):
    """A kiosk asks for its page although the city has not seen where its journal ends, and gets it."""

    def may_ask(self, kiosk: Kiosk) -> bool:
        return True

    def gives(self, kiosk: Kiosk) -> bool:
        return not kiosk.upload_only


BROKEN = [
    (2, 1, Faults(), CachedBalance(), "I1"),
    (2, 1, Faults(), CapPerKiosk(), "I1"),
    (2, 1, Faults(), SurrenderBeforeItsCommit(), "I1"),
    (2, 1, CITY, NoRecovery(), "I1"),
    (2, 1, CITY, GreetingIsReport(), "I1"),
    (2, 1, CITY, AnyGreetingAnswers(), "I1"),
    (2, 1, CITY, LatePagesAreTaken(), "I1"),
    (2, 1, CITY, NoRecovery(), "I12"),
    (2, 1, DISK, NotGreetedBefore(), "I12"),
]


@pytest.mark.parametrize(
    ("kiosks", "units", "faults", "rules", "watched"),
    BROKEN,
    ids=[f"{type(case[3]).__name__}-{case[4]}" for case in BROKEN],
)
def test_a_broken_rule_is_found_with_the_way_to_what_it_does(
    kiosks: int, units: int, faults: Faults, rules: Rules, watched: str
) -> None:
    way = story(Model(kiosks, units, faults, rules, [watched]))
    print("", rules.__doc__, *way, sep="\n")  # noqa: T201
    assert way
    assert way[-1].strip().startswith(watched)
    assert story(Model(kiosks, units, faults, None, [watched])) == []


def test_both_sides_put_back_at_once_forget_together() -> None:
    """The limit of what can be found, kept here so that nobody claims more."""
    faults = Faults(city_backup=True, old_image=True, surrenders=1)
    with pytest.raises(Wrong):
        look_at_all(Model(2, 1, faults))


def test_the_rules_are_those_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lease, "allows", lambda self, amount: True)
    rights._allows.cache_clear()
    try:
        assert "I2" in story(Model(2, 1))[-1]
    finally:
        rights._allows.cache_clear()


def test_no_room_is_no_right() -> None:
    """The smallest case by hand: one unit, granted once, is what there is."""
    model = Model(2, 1)
    (granted,) = [state for what, state in model.steps(model.begin) if what == "is granted one more"]
    assert "is granted one more" not in [what for what, _ in model.steps(granted)]
