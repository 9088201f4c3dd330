"""The tamper corpus: seeded edits of a ledger by somebody who knows its key, each found or named as not findable.

What cannot be found, neither in the file nor at the city's next contact, and why (for the security page). An edit that
survives must carry one of these reasons; any other survivor fails the run:

`unacknowledged`
    Entries that the city has not acknowledged yet, written anew or cut off together with everything that depends on
    them. The ledger's key opens the device's key as well, so the forger's work is the till's own. Bounded by how often
    the kiosk is online; printed receipts (number, place and hash of the entry) contradict it.
`old image`
    An older copy of the whole file that already holds all that the city had acknowledged when the copy was put back. It
    is the same as the above: what came after it is cut off. At most the leases outstanding at that moment can be handed
    out once more, and receipts prove it.
`tries`
    `print_job.tries`: how often a paper was tried. Nothing is decided by it.
`owed copy`
    A copy (SALINAN) that is owed and has not been printed: the entry follows the paper. One more or fewer of them is a
    copy that a person asks for again, or throws away; it counts in no total.
`pin count`
    `pin_failure` below the lock: a wrong PIN is no entry until it locks. The holder of the key could as well read the
    PIN's hash.
`city's word`
    The signature (and, of a day that differs, the head) in an `attested:` setting. It covers figures that only the city
    holds; the city says it again when asked. Nothing is decided by it.
`city's time`
    The city's time as last heard, in the `clock` setting: it is heard at each contact, and no entry tells of it. Until
    the next contact it decides whether the till's clock is trusted; a right that is spent stays spent whatever it says.
`own PIN`
    The till's own form of a PIN's hash, of which only the pepper could tell that it is another's. Without the pepper
    nobody can write one that opens, nor make one of what the till itself made of another PIN (`PIN of one's own choice`
    tries that); such an edit locks a person out, and the city sends that PIN anew.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlcipher3 import dbapi2 as sqlite

from ewarung_pos.errors import ConfigError, LedgerCorrupt, LedgerKeyWrong
from ewarung_pos.ledger import guards
from ewarung_pos.ledger.verify import verify
from ewarung_pos.ledger.verify_report import VerifyReport
from tests.torture.tamper_edits import Draws, Edit, Hand, take_guards_away
from tests.torture.tamper_sample import KEY, Sample, contact, signs_in

__all__ = ["RESIDUE", "Corpus", "Table"]

RESIDUE = frozenset(
    {"unacknowledged", "old image", "tries", "owed copy", "pin count", "city's word", "city's time", "own PIN"}
)
"""Reasons why an edit may survive; the module says what each means."""


@dataclass
class Table:
    """What became of the edits, by kind."""

    rows: dict[str, Counter[str]] = field(default_factory=dict)
    excuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def note(self, edit: Edit, where: str) -> None:
        counted = self.rows.setdefault(edit.kind, Counter())
        counted["tried"] += 1
        counted[where] += 1
        if where == "neither":
            self.excuses[edit.excuse] += 1

    @property
    def tried(self) -> int:
        return sum(counted["tried"] for counted in self.rows.values())

    def text(self) -> str:
        """The table as printed, and the residue by reason."""
        names = ("tried", "local", "city", "neither")
        lines = [f"{'kind of edit':<34}{'tried':>8}{'found here':>12}{'at the city':>12}{'not findable':>14}"]
        rows = [*sorted(self.rows.items()), ("all", sum(self.rows.values(), Counter[str]()))]
        for kind, counted in rows:
            tried, local, city, neither = (counted[name] for name in names)
            lines.append(f"{kind:<34}{tried:>8}{local:>12}{city:>12}{neither:>14}")
        lines += [f"not findable, {excuse}: {count}" for excuse, count in sorted(self.excuses.items())]
        return "\n".join(lines)


class Corpus:
    """Draws edits from a seed, does each on a copy of the sample's main ledger, and says what was found."""

    def __init__(self, sample: Sample, directory: Path, seed: int) -> None:
        self.table = Table()
        self._sample = sample
        self._file = directory / "edited.db"
        self._contact = directory / "contact"
        self._contact.mkdir()
        self._open = directory / "open.db"
        shutil.copy(sample.main, self._open)
        with Hand(self._open) as connection:
            take_guards_away(connection)
        self._draws = Draws(sample, self._open, seed)
        report = verify(sample.main, KEY)
        assert report.ok, report.problems

    def run(self, number: int) -> Table:
        """Do about so many distinct edits, every kind in its share."""
        kinds = self._draws.kinds()
        whole = sum(share for share, _ in kinds)
        for share, draw in kinds:
            self._some(max(1, round(number * share / whole)), draw)
        for edit in self._draws.images():
            self._try(edit)
        return self.table

    def _some(self, number: int, draw: Callable[[], Edit | None]) -> None:
        """So many distinct edits of a kind, or as many as there are."""
        seen: set[str] = set()
        dry = 0
        while len(seen) < number and dry < 60:
            edit = draw()
            if edit is None or f"{edit.kind}|{edit.what}" in seen or not self._try(edit):
                dry += 1
                continue
            dry = 0
            seen.add(f"{edit.kind}|{edit.what}")

    # -- doing one ---------------------------------------------------------------------------------------------------

    def _try(self, edit: Edit) -> bool:
        """Do it and look; False when the file itself refuses such an edit."""
        if edit.file is not None:
            shutil.copy(self._sample.main, self._file)
            edit.file(self._file)
        else:
            shutil.copy(self._open, self._file)
            with Hand(self._file) as connection:
                try:
                    connection.execute("BEGIN")
                    edit.apply(connection)
                    connection.execute("COMMIT")
                    if edit.guarded:
                        guards.install(connection)
                except (sqlite.IntegrityError, sqlite.OperationalError):
                    return False
        report = self._look()
        if report is None or not report.ok:
            self.table.note(edit, "local")
            if report is not None and edit.seq is not None and report.first_bad_seq != edit.seq:
                named = [str(problem) for problem in report.problems[:4]]
                self.table.wrong.append(f"{edit.kind}: {edit.what}: should name {edit.seq}, says {named}")
            return True
        try:
            met = contact(self._sample, self._file, self._contact)
        except (LedgerCorrupt, ConfigError):
            self.table.note(edit, "local")  # the till itself does not even open it, or has no keys to speak with
            return True
        if met.refused:
            self.table.note(edit, "city")
        elif edit.pin is not None and signs_in(self._file, *edit.pin, self._sample.clock):
            self.table.wrong.append(f"{edit.kind}: {edit.what}: opens for {edit.pin[0]}")
        elif edit.excuse:
            self.table.note(edit, "neither")
        else:
            said = [(step.code, step.reason) for step in met.reports]
            self.table.wrong.append(f"{edit.kind}: {edit.what}: not found, the city said {said}")
        return True

    def _look(self) -> VerifyReport | None:
        """The report; None when the file is not even taken for a ledger of this kiosk."""
        try:
            return verify(self._file, KEY)
        except (LedgerCorrupt, LedgerKeyWrong):
            return None
