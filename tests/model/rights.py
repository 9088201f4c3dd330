"""The rule of rights (sync.md section 1) and everything that can go wrong around it, small enough for every state.

One family's right to some units of one thing in one month, some kiosks, one city. The rules are those of the program:
`Lease.allows` at the kiosk; `leases.outstanding`, `leases.room` and `leases.owes` at the city. What stands around them
is said here once more, in small: journals that only grow and of which the city holds a beginning, pages that answer a
question, crashes, and an old backup put back on either side.

A state is all that the two sides hold and all that is under way. The network is whoever wishes ill: any batch that a
kiosk could ever have sent arrives at any time, again, from before a crash, or never; so does the last page that it was
given, and the last one of a city that is gone (on a stick, perhaps; a line is stricter, as answers carry the nonce of
their question). So loss, doubling, reordering and partition are steps that are taken or not, in every order.

A journal is a text: `g` one more unit was granted, `p` one was handed out, `s` one was surrendered. Where no disk is
ever put back nothing hangs on where in the journal something was handed out, and it is only counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from ewarung_city.leases import outstanding, owes, room
from ewarung_pos.domain.entitlement import Lease
from ewarung_pos.domain.units import Unit

__all__ = ["ASKED", "NONE", "Faults", "Kiosk", "Model", "Rules", "State", "Wrong"]

NONE = -1
ASKED = "?"
"""The question of a restored city, as `leases.owes` reads it: the head of the answer follows after a space."""


class Kiosk(NamedTuple):
    """A kiosk and all that the city holds of it.

    Attributes:
        journal: as its disk holds it.
        spent: units handed out that its journal does not say.
        page: total of rights in the newest page that it was given, and may get at any time; NONE for none.
        gone: the same of the city that was put back since.
        knows: it has greeted since it started, and has heard of everything that the city took since. Always where no
            disk is ever put back: nothing hangs on it then.
        asked: length of its journal when it first heard the question of a restored city, and so of its life; NONE when
            it did not. That answer says least of all, and may be under way for ever.
        image: a copy of its disk, to be put back; None when there is none.
        lost: the journal that was there before its old disk was put back.
        granted: by the city.
        copy: the beginning of its journal that the city holds.
        upload_only: the city found another past.
        owed: the city's setting `owes|...`; empty for none.
        backup: (granted, copy, upload_only) in the city's backup.
        early: surrendered total that a broken rule let it say before its disk held it.
    """

    journal: str = ""
    spent: int = 0
    page: int = NONE
    gone: int = NONE
    knows: bool = False
    asked: int = NONE
    image: str | None = None
    lost: str | None = None
    granted: int = 0
    copy: str = ""
    upload_only: bool = False
    owed: str = ""
    backup: tuple[int, str, bool] | None = None
    early: int = 0

    @property
    def handed_out(self) -> int:
        """Units."""
        return self.spent + self.journal.count("p")

    @property
    def waited_for(self) -> bool:
        """Whether it owes a restored city what it was given."""
        return bool(self.owed) and owes(self.owed, len(self.copy))

    @property
    def counted(self) -> tuple[int, int, int]:
        """(granted, claimed, surrendered) of the city's lease: its own word, and what its copy of the journal says."""
        return self.granted, self.copy.count("g"), max(self.copy.count("s"), self.early)


State = tuple[int, ...]
"""Which of the faults that happen once did happen, and the numbers of the kiosks (`Model.kiosks_of`), in order."""

_COPIED, _PUT_BACK, _IMAGED = 1, 2, 4


class Wrong(Exception):
    """Something of sync.md section 6 does not hold."""


class Faults(NamedTuple):
    """What may happen beside loss, doubling and reordering.

    Attributes:
        spends: without it nothing is handed out, and all that could be at once counts as if it were: a kiosk that hands
            out something can only do less afterwards.
        surrenders: units that a kiosk surrenders at most over all.
        crash: a till starts anew.
        city_backup: the city's database is copied once, and put back once.
        old_image: so is the disk of one kiosk. Both together would be forgotten by both sides; that nobody can find.
    """

    spends: bool = True
    surrenders: int = 3
    crash: bool = True
    city_backup: bool = False
    old_image: bool = False


class Rules:
    """What the two sides keep to. A broken rule is a subclass that has one of them otherwise."""

    reads_spent = False
    """Whether the city goes by what was handed out."""

    def may_use(self, kiosk: Kiosk) -> bool:
        """The device rule: may one more unit be handed out, or surrendered?"""
        return _allows(kiosk.journal.count("g"), kiosk.journal.count("s"), kiosk.handed_out)

    def may_grant(self, kiosks: Sequence[Kiosk], to: Kiosk, units: int) -> bool:
        """The city's rule: may one more unit be granted?"""
        if any(kiosk.waited_for for kiosk in kiosks):
            return False
        return _room(units, tuple(kiosk.counted for kiosk in kiosks)) >= 1

    def page(self, kiosks: Sequence[Kiosk], to: Kiosk, units: int) -> int:
        """The total of rights that the city says."""
        return to.granted

    def announced(self, kiosk: Kiosk) -> Kiosk:
        """What it may say of a surrender before its disk holds it: nothing."""
        return kiosk

    def put_back(self, kiosk: Kiosk) -> Kiosk:
        """What the city asks when its database is an old copy."""
        return kiosk._replace(owed=ASKED)

    def answered(self, kiosk: Kiosk) -> Kiosk:
        """The greeting that repeats the question."""
        return kiosk._replace(owed=f"{ASKED} {kiosk.asked}") if kiosk.asked != NONE else kiosk

    def greeted_late(self, kiosk: Kiosk) -> Kiosk:
        """A greeting from before arrives: it knows nothing of the question."""
        return kiosk

    def takes_gone(self, kiosk: Kiosk) -> bool:
        """Whether it takes what a city gave that is gone: until it has heard of the new one's life."""
        return kiosk.asked == NONE

    def may_ask(self, kiosk: Kiosk) -> bool:
        """Whether a kiosk asks for its page."""
        return kiosk.knows

    def gives(self, kiosk: Kiosk) -> bool:
        """Whether the city answers it: only if the kiosk says where the city's copy ends."""
        return not kiosk.upload_only and kiosk.knows


@cache
def _allows(granted: int, surrendered: int, spent: int) -> bool:
    return Lease("F", "JATAH", "2026-11", "beras", Unit.GRAM, granted, surrendered, spent).allows(1)


def _row(granted: int, claimed: int, surrendered: int) -> dict[str, int]:
    return {"granted": granted, "claimed": claimed, "surrendered": surrendered, "released": 0}


@cache
def _room(units: int, counted: tuple[tuple[int, int, int], ...]) -> int:
    return room(units, [_row(*totals) for totals in counted])


class _Looked(NamedTuple):
    """What a kiosk adds to the sums that must hold; `found` is what is wrong with it alone."""

    out: int
    again: int
    outstanding: int
    waited_for: bool
    unknown: bool
    found: str


class Model:
    """All that can happen.

    Args:
        kiosks: how many.
        units: the entitlement. No kiosk is granted more than this over all, so that totals stay small.
        faults: what may happen.
        rules: what the two sides keep to.
        watched: what is looked for, of the invariants of sync.md section 6.
    """

    def __init__(
        self,
        kiosks: int,
        units: int,
        faults: Faults | None = None,
        rules: Rules | None = None,
        watched: Sequence[str] = ("I1", "I2", "I3", "I7", "I12"),
    ) -> None:
        self.units = units
        self.faults = faults or Faults()
        self.rules = rules or Rules()
        self.watched = frozenset(watched)
        self._kiosks: list[Kiosk] = []
        self._numbers: dict[Kiosk, int] = {}
        self._alone: list[list[tuple[str, int]] | None] = []
        self._looked: list[_Looked] = []
        self.begin: State = (0, *(self._number(Kiosk(knows=not self.faults.old_image)),) * kiosks)

    def kiosks_of(self, state: State) -> list[Kiosk]:
        """The kiosks of a state."""
        return [self._kiosks[number] for number in state[1:]]

    def steps(self, state: State) -> Iterator[tuple[str, State]]:
        """Everything that can happen next, as (what, state after it); kiosks that are alike do it once.

        Raises:
            Wrong: something that must not.
        """
        flags, numbers = state[0], state[1:]
        kiosks = [self._kiosks[number] for number in numbers]
        for place, number in enumerate(numbers):
            if place and numbers[place - 1] == number:
                continue
            others = numbers[:place] + numbers[place + 1 :]
            for what, after in self._by_itself(number):
                yield what, (flags, *sorted((*others, after)))
            for what, kiosk in self._with_city(kiosks, kiosks[place], numbers):
                yield what, (flags, *sorted((*others, self._number(kiosk))))
            if self.faults.old_image and not flags & _IMAGED:
                kiosk = kiosks[place]._replace(image=kiosks[place].journal)
                yield "a disk is copied", (flags | _IMAGED, *sorted((*others, self._number(kiosk))))
        if self.faults.city_backup and not flags & _COPIED:
            kept = (kiosk._replace(backup=(kiosk.granted, kiosk.copy, kiosk.upload_only)) for kiosk in kiosks)
            yield "the city is copied", (flags | _COPIED, *sorted(map(self._number, kept)))
        elif self.faults.city_backup and not flags & _PUT_BACK:
            yield "the city is put back", (flags | _PUT_BACK, *sorted(map(self._number, map(self._old, kiosks))))

    def check(self, state: State) -> None:
        """Look at a state.

        With an old disk put back, at most that is handed out once more which the lost one had surrendered to the city;
        what it had handed out itself nobody can take back, and is not counted.

        Raises:
            Wrong: I1, I2, I3 or I7 does not hold.
        """
        looked = [self._looked[number] for number in state[1:]]
        found = [kiosk.found for kiosk in looked if kiosk.found]
        if sum(kiosk.out for kiosk in looked) > self.units + sum(kiosk.again for kiosk in looked):
            found.append("I1: more is handed out than the family is entitled to")
        if sum(kiosk.outstanding for kiosk in looked) > self.units and not any(kiosk.waited_for for kiosk in looked):
            found.append("I3: the city has more outstanding than the family is entitled to")
        for what in found:
            if what.partition(":")[0] in self.watched:
                raise Wrong(what)

    def drains(self, kiosk: Kiosk) -> bool:
        """I13: with the line there and nobody at the counter, both come to hold the same, and no question stays open.

        A kiosk whose other past was found waits for a person; a city that will be gone is not asked.
        """
        if kiosk.backup is not None:
            return True
        while True:
            steps = dict(self._alone_steps(kiosk))
            taken = [after for what, after in steps.items() if what.startswith("takes")]
            if taken:
                kiosk = taken[0]
            elif "answers" in steps:
                kiosk = steps["answers"]
            elif "an entry arrives and is acknowledged" in steps:
                kiosk = steps["an entry arrives and is acknowledged"]
            elif "greets" in steps and (not kiosk.knows or (kiosk.owed == ASKED and kiosk.asked == NONE)):
                kiosk = steps["greets"]
            elif self.rules.gives(kiosk) and kiosk.granted > kiosk.journal.count("g"):
                kiosk = kiosk._replace(page=kiosk.granted)
            else:
                break
        if kiosk.upload_only:
            return True
        return not kiosk.waited_for and kiosk.copy == kiosk.journal and kiosk.journal.count("g") >= kiosk.granted

    def seen(self) -> Sequence[Kiosk]:
        """Every kiosk that any state held."""
        return self._kiosks

    # -- steps -------------------------------------------------------------------------------------------------------

    def _by_itself(self, number: int) -> list[tuple[str, int]]:
        alone = self._alone[number]
        if alone is None:
            steps = self._alone_steps(self._kiosks[number])
            alone = self._alone[number] = [(what, self._number(kiosk)) for what, kiosk in steps]
        return alone

    def _with_city(self, kiosks: Sequence[Kiosk], kiosk: Kiosk, numbers: State) -> Iterator[tuple[str, Kiosk]]:
        rules = self.rules
        if kiosk.granted < self.units and rules.may_grant(kiosks, kiosk, self.units):
            if "I12" in self.watched and any(self._looked[number].unknown for number in numbers):
                raise Wrong("I12: a city put back from a copy grants before it knows what it had granted")
            yield "is granted one more", kiosk._replace(granted=kiosk.granted + 1)
        if rules.may_ask(kiosk) and rules.gives(kiosk):
            total = rules.page(kiosks, kiosk, self.units)
            if total > kiosk.journal.count("g"):
                if "I12" in self.watched and not kiosk.journal.startswith(kiosk.copy):
                    raise Wrong("I12: the city gives a new right to an old disk although it holds what that lost")
                yield f"is answered {total}", kiosk._replace(page=total)

    def _alone_steps(self, kiosk: Kiosk) -> Iterator[tuple[str, Kiosk]]:
        """What hangs on nobody else."""
        rules, journal = self.rules, kiosk.journal
        if rules.may_use(kiosk):
            if self.faults.spends and (self.faults.old_image or rules.reads_spent):
                yield "hands out one", kiosk._replace(journal=journal + "p")
            elif self.faults.spends:
                yield "hands out one", kiosk._replace(spent=kiosk.spent + 1)
            if journal.count("s") < self.faults.surrenders:
                yield "surrenders one", kiosk._replace(journal=journal + "s")
                if rules.announced(kiosk) != kiosk:
                    yield "says that it will surrender one", rules.announced(kiosk)
        yield from self._sends(kiosk)
        yield from self._greets(kiosk)
        for page in {kiosk.page, kiosk.gone if rules.takes_gone(kiosk) else NONE}:
            new = page - journal.count("g")
            if page != NONE and new > 0:
                yield f"takes {new} more", kiosk._replace(journal=journal + "g" * new)
        if self.faults.crash and kiosk != self._started(kiosk):
            yield "crashes", self._started(kiosk)
        if kiosk.image is not None:
            back = self._started(kiosk)._replace(journal=kiosk.image, image=None, lost=journal)
            yield "has its old disk put back", back

    def _sends(self, kiosk: Kiosk) -> Iterator[tuple[str, Kiosk]]:
        """One more entry arrives, of the journal or of the one that was lost with the disk."""
        journal, copy, lost = kiosk.journal, kiosk.copy, kiosk.lost
        if len(copy) < len(journal):
            if kiosk.backup is not None and not self.faults.old_image:
                # This city will be gone. Of what arrives until then only surrenders make a difference to anything.
                end = journal.find("s", len(copy)) + 1
                if end:
                    yield "entries arrive", kiosk._replace(copy=journal[:end])
            elif journal.startswith(copy):
                taken = _settled(kiosk._replace(copy=journal[: len(copy) + 1]))
                if kiosk.knows:
                    yield "an entry arrives and is acknowledged", taken
                yield "an entry arrives", taken._replace(knows=not self.faults.old_image)
            elif not kiosk.upload_only:
                yield "another past arrives", kiosk._replace(upload_only=True, knows=False)
        if lost is not None and not lost.startswith(copy) and not kiosk.upload_only:
            yield "the lost past arrives", kiosk._replace(upload_only=True)
        elif lost is not None and lost.startswith(copy) and len(copy) < len(lost):
            yield "a lost entry arrives", kiosk._replace(copy=lost[: len(copy) + 1], knows=False)

    def _greets(self, kiosk: Kiosk) -> Iterator[tuple[str, Kiosk]]:
        whole = kiosk.journal.startswith(kiosk.copy)
        after = kiosk._replace(knows=whole, upload_only=kiosk.upload_only or not whole)
        if kiosk.owed == ASKED and kiosk.asked == NONE:
            after = after._replace(asked=len(kiosk.journal))
        if after != kiosk:
            yield "greets", after
        if kiosk.owed == ASKED and self.rules.answered(kiosk) != kiosk:
            yield "answers", _settled(self.rules.answered(kiosk))
        if kiosk.owed == ASKED and self.rules.greeted_late(kiosk) != kiosk:
            yield "a greeting from before arrives", self.rules.greeted_late(kiosk)

    def _started(self, kiosk: Kiosk) -> Kiosk:
        """What only memory held is gone."""
        return kiosk._replace(knows=not self.faults.old_image)

    def _old(self, kiosk: Kiosk) -> Kiosk:
        """The city knows what its backup knew; a page that it gave may still be under way."""
        assert kiosk.backup is not None
        granted, copy, upload_only = kiosk.backup
        back = kiosk._replace(granted=granted, copy=copy, upload_only=upload_only, backup=None)
        back = back._replace(page=NONE, gone=kiosk.page)
        return self.rules.put_back(back)

    # -- kiosks by number --------------------------------------------------------------------------------------------

    def _number(self, kiosk: Kiosk) -> int:
        number = self._numbers.get(kiosk)
        if number is None:
            number = self._numbers[kiosk] = len(self._kiosks)
            self._kiosks.append(kiosk)
            self._alone.append(None)
            self._looked.append(_look(kiosk, spends=self.faults.spends))
        return number


def _settled(kiosk: Kiosk) -> Kiosk:
    """What was answered and shown is asked no more (`leases.recovering` forgets it)."""
    if kiosk.owed in {"", ASKED}:
        return kiosk
    return kiosk._replace(owed=kiosk.owed if kiosk.waited_for else "")


def _look(kiosk: Kiosk, *, spends: bool) -> _Looked:
    journal = kiosk.journal
    granted, surrendered, spent = journal.count("g"), journal.count("s"), kiosk.handed_out
    found = ""
    if spent + surrendered > granted:
        found = "I2: a kiosk uses more than it was granted"
    elif kiosk.lost is None and not journal.startswith(kiosk.copy):
        found = "I7: the city holds what the kiosk never wrote"
    again = max(0, kiosk.copy.count("s") - surrendered) if kiosk.lost is not None else 0
    counted = _row(*kiosk.counted)
    unknown = kiosk.lost is None and granted > max(counted["granted"], counted["claimed"])
    out = spent if spends else granted - surrendered
    return _Looked(out, again, outstanding(counted), kiosk.waited_for, unknown, found)
