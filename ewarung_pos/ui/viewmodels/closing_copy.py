"""The copy of the ledger that follows the seal of a day: what became of it, and making it again."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from ewarung_pos.errors import PosError
from ewarung_pos.ports import Clock, Copies, Lane, LedgerCopy, TaskRunner
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

    def __init__(self, copies: Copies, clock: Clock, runner: TaskRunner) -> None:
        super().__init__(CopyState())
        self._copies = copies
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

    def _copied(self, made: LedgerCopy) -> None:
        words = copied_words(made, self._clock.now().wall)
        self._set(CopyState(f"{words}. {SAME_DISK}" if made.same_disk else words, same_disk=made.same_disk))

    def _failed(self, error: Exception) -> None:
        self._set(CopyState(trouble=replace(trouble_of(error), tone="look")))
        if not isinstance(error, PosError):
            raise error
