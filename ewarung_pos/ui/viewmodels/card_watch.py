"""Looks at the card reader again and again, one look at a time, while somebody wants a card."""

from __future__ import annotations

from collections.abc import Callable

from ewarung_pos.errors import DeviceError
from ewarung_pos.ports import CardPresented, CardReader, Lane, TaskRunner

__all__ = ["CardWatch"]

RETRY_MS = 1_000


class CardWatch:
    """Polls on the terminal's lane, bounded by `poll_ms`, and rests a second while the reader is away.

    Attributes:
        wanted: asked before each look, and again before a card is handed on.
        found: takes the card.
        away: hears why the reader cannot be used, and None once it can again.
        broke: takes an error that is no trouble of the reader's.
    """

    def __init__(
        self,
        reader: CardReader,
        poll_ms: int,
        runner: TaskRunner,
        *,
        wanted: Callable[[], bool],
        found: Callable[[CardPresented], None],
        away: Callable[[DeviceError | None], None],
        broke: Callable[[Exception], None],
    ) -> None:
        self._reader = reader
        self._poll_ms = poll_ms
        self._runner = runner
        self._wanted = wanted
        self._found = found
        self._away = away
        self._broke = broke
        self._looking = False
        self._cancel: Callable[[], None] | None = None

    def look(self) -> None:
        """Look now, unless nobody wants a card or a look is under way; takes the place of one that is planned."""
        self.rest()
        if self._looking or not self._wanted():
            return
        self._looking = True
        self._runner.submit(Lane.TERMINAL, lambda: self._reader.poll(self._poll_ms), self._looked, self._failed)

    def rest(self) -> None:
        """Plan no further look; one that is under way ends by itself."""
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    def _looked(self, card: CardPresented | None) -> None:
        self._looking = False
        self._away(None)
        if card is not None and self._wanted():
            self._found(card)
        else:
            self._cancel = self._runner.later(0, self.look)

    def _failed(self, error: Exception) -> None:
        self._looking = False
        if isinstance(error, DeviceError):
            self._away(error)
            self._cancel = self._runner.later(RETRY_MS, self.look)
        else:
            self._broke(error)
