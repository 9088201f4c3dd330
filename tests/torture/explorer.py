"""Cuts a recorded run at any operation, lets the disk forget what no sync covers, and asks the judge about the rest."""

from __future__ import annotations

import hashlib
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture.judge import judge
from tests.torture.outside import Promise
from tests.torture.storage import Disk, Loss

__all__ = ["Found", "Recording", "explore"]

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own inside, as everywhere


@dataclass(frozen=True)
class Recording:
    """A run of the till: what its disk went through and what it promised.

    `operations` are the moments to cut at; `renamings` those of them at or right after a change of names.
    """

    disk: Disk
    promised: tuple[Promise, ...]
    operations: tuple[int, ...]
    renamings: tuple[int, ...]

    def asked_for(self) -> Counter[str]:
        """How many promises of each kind there are."""
        return Counter(promise.kind for promise in self.promised)


@dataclass
class Found:
    """What an exploration saw. `wrong` tells for each bad state how to see it again, and what was wrong with it."""

    states: int = 0
    different: int = 0
    wrong: dict[str, list[str]] = field(default_factory=dict)
    losses: Counter[str] = field(default_factory=Counter)

    @property
    def kinds(self) -> Counter[str]:
        """How many states had each kind of trouble."""
        return Counter(kind for said in self.wrong.values() for kind in {_kind(line) for line in said})

    def __str__(self) -> str:
        first = "\n".join(f"  {where}: {'; '.join(said[:3])}" for where, said in list(self.wrong.items())[:5])
        return f"{self.states} states ({self.different} different), {len(self.wrong)} wrong {dict(self.kinds)}\n{first}"


def explore(
    recording: Recording, states: int, seed: int, *, at: tuple[int, ...] = (), enough: int | None = None
) -> Found:
    """So many states of this seed: each operation in turn, in a drawn order, and with each a draw of what is lost.

    A state depends on the recording, the seed and its number alone.

    Args:
        recording: the run.
        states: how many.
        seed: of all draws.
        at: cut at these operations only.
        enough: stop after so many wrong ones.
    """
    found = Found()
    seen = set()
    moments = [(cut, loss) for cut in at or recording.operations for loss in Loss]
    random.Random(seed).shuffle(moments)
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as place:
        for number in range(states):
            state = f"seed {seed} state {number}"
            rng = random.Random(state)
            moment, loss = moments[number % len(moments)]
            cut = moment + 1
            folder = Path(place) / str(number)
            seen.add(_lay_out(folder, recording.disk, cut, loss, rng))
            wrong = judge(folder, [promise for promise in recording.promised if promise.at < cut])
            found.states += 1
            found.losses[loss] += 1
            if wrong:
                found.wrong[f"{state} (cut {cut}, {loss} lost)"] = wrong
                if len(found.wrong) == enough:
                    break
            _clear(folder)
    found.different = len(seen)
    return found


def _lay_out(folder: Path, disk: Disk, cut: int, loss: Loss, rng: random.Random) -> bytes:
    """Write a state; returns what tells it from others."""
    told = hashlib.sha256()
    folder.mkdir()
    for path, (mode, data) in disk.after(cut, loss, rng).items():
        place = folder / path
        told.update(path.encode() + b"\0" + (data or b""))
        if data is None:
            place.mkdir()
        else:
            place.write_bytes(data)
            place.chmod(mode)
    return told.digest()


def _clear(folder: Path) -> None:
    for found in sorted(folder.rglob("*"), reverse=True):
        if found.is_dir():
            found.rmdir()
        else:
            found.unlink()
    folder.rmdir()


def _kind(line: str) -> str:
    """lost said, lost printed, damaged ..."""
    word, _, rest = line.partition(":")
    if word in ("lost", "gone") and "kind=" in rest:
        return f"{word} {rest.partition('kind=')[2].split(chr(39))[1]}"
    return word
