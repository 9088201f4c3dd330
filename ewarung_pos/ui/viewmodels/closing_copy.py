"""The copy of the ledger that follows the seal of a day: what became of it, making it again, and catching up on it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from ewarung_pos.errors import PosError
from ewarung_pos.ports import Clock, Copies, Lane, Ledger, LedgerCopy, TaskRunner
from ewarung_pos.ui.text import Trouble, trouble_of
from ewarung_pos.ui.text_copies import SAME_DISK, copied_words
from ewarung_pos.ui.viewmodels.base import ViewModel

__all__ = ["COPYING", "CopyState", "CopyViewModel"]

COPYING = "Salinan buku sedang dibuat"
"""Of `CopyState.copied`: nobody waits for it."""


class CopyState(msgspec.Struct, frozen=True):
    """`copied` says what became of it, empty before the first; `trouble` asks for a look, and blocks nothing."""

    copied: str = ""
    same_disk: bool = False
    trouble: Trouble | None = None

    @property
    def words(self) -> str:
        """What is told of it, in one sentence or two."""
        return f"{self.trouble.happened} {self.trouble.now}" if self.trouble is not None else self.copied

    @property
    def asks_a_look(self) -> bool:
        """Whether somebody should do something about copies, some time."""
        return self.same_disk or self.trouble is not None


class CopyViewModel(ViewModel[CopyState]):
    """A verified copy, on a lane of its own: nobody waits for it."""

    def __init__(
        self, copies: Copies, ledger: Ledger, clock: Clock, runner: TaskRunner, failed: Callable[[Trouble], None]
    ) -> None:
        """`failed` hears why a copy that nobody looks for could not be made."""
        super().__init__(CopyState())
        self._copies = copies
        self._ledger = ledger
        self._told = failed
        self._clock = clock
        self._runner = runner

    def begin(self) -> None:
        """A day was sealed."""
        self._set(CopyState(COPYING))
        self._runner.submit(Lane.COPY, self._copies.make, self._copied, self._failed)

    def again(self) -> None:
        """*Salin lagi*, once the one after the seal is over."""
        if self._state not in (CopyState(), CopyState(COPYING)):
            self.begin()

    def catch_up(self) -> None:
        """A day begins: copy now if no copy holds the last seal. Who goes home after it ends the one under way."""

        def lacks() -> bool:
            sealed = self._ledger.read().last_seal()
            newest = self._copies.newest() if sealed else None
            return bool(sealed) and (newest is None or newest.entries < sealed)

        def looked(lacking: bool) -> None:
            if lacking:
                self._set(CopyState(COPYING))
                self._runner.submit(Lane.COPY, self._copies.make, self._copied, failed)

        def failed(error: Exception) -> None:
            self._failed(error)
            said = self._state.trouble
            if said is not None:
                self._told(replace(said, now=_without_the_button(said.now)))

        self._runner.submit(Lane.COPY, lacks, looked, failed)

    def _copied(self, made: LedgerCopy) -> None:
        words = copied_words(made, self._clock.now().wall)
        self._set(CopyState(f"{words}. {SAME_DISK}" if made.same_disk else words, same_disk=made.same_disk))

    def _failed(self, error: Exception) -> None:
        self._set(CopyState(trouble=replace(trouble_of(error), tone="look")))
        if not isinstance(error, PosError):
            raise error


def _without_the_button(now: str) -> str:
    """What to do, for where there is no *Salin lagi*."""
    by_itself = now.replace("lalu salin lagi", "disalin lagi sesudah Tutup Hari")
    return by_itself.replace("Salin lagi", "Disalin lagi sesudah Tutup Hari")
