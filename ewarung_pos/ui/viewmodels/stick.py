"""*Simpan ke USB* and *Ambil dari USB* on Sinkron: the way to the city for a kiosk without a line."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from ewarung_pos.errors import PosError, StickError
from ewarung_pos.ports import BundleFetched, BundleSaved, CityStick, Lane, StickPlace, SyncReport, TaskRunner
from ewarung_pos.ui.text import Trouble, trouble, trouble_of
from ewarung_pos.ui.text_stick import CARRY_IT, PULL_IT, fetched_words, saved_words
from ewarung_pos.ui.viewmodels.base import ViewModel

__all__ = ["StickState", "StickViewModel"]


class StickState(msgspec.Struct, frozen=True):
    """Where the stick stands.

    Attributes:
        busy: what is being done, in words; empty when nothing is.
        places: several sticks: which one is meant; empty when nothing is asked.
        words: what became of the last time, and what to do now; empty before the first.
        tone: of `words`: ok or info.
        notice: what went wrong with it instead.
    """

    busy: str = ""
    places: tuple[StickPlace, ...] = ()
    words: str = ""
    tone: str = "ok"
    notice: Trouble | None = None


class StickViewModel(ViewModel[StickState]):
    """Commands of the stick. Everything is done on the lane of the line, so that the two take turns."""

    def __init__(self, stick: CityStick, runner: TaskRunner, heard: Callable[[SyncReport], None]) -> None:
        super().__init__(StickState())
        self._stick = stick
        self._runner = runner
        self._heard = heard
        self._work: Callable[[str], None] = self._save

    def activate(self) -> None:
        """Sinkron is shown: what became of the last time is old news."""
        if not self._state.busy:
            self._set(StickState())

    def save(self) -> None:
        """*Simpan ke USB*."""
        self._begin(self._save)

    def fetch(self) -> None:
        """*Ambil dari USB*."""
        self._begin(self._fetch)

    def choose(self, folder: str) -> None:
        """Of several sticks, this one."""
        if any(place.folder == folder for place in self._state.places):
            self._set(replace(self._state, places=()))
            self._work(folder)

    def leave(self) -> None:
        """None of them."""
        self._set(replace(self._state, places=()))

    def _begin(self, work: Callable[[str], None]) -> None:
        if self._state.busy:
            return
        self._work = work
        self._set(StickState(busy="Mencari USB …"))
        self._runner.submit(Lane.SYNC, self._stick.places, self._found, self._failed)

    def _found(self, places: tuple[StickPlace, ...]) -> None:
        if not places:
            self._failed(StickError(reason="no_stick"))
        elif len(places) > 1:
            self._set(StickState(places=places))
        else:
            self._work(places[0].folder)

    def _save(self, folder: str) -> None:
        self._set(StickState(busy="Menyimpan ke USB. Jangan dicabut dulu …"))
        self._runner.submit(Lane.SYNC, lambda: self._stick.save(folder), self._saved, self._failed)

    def _fetch(self, folder: str) -> None:
        self._set(StickState(busy="Mengambil dari USB. Jangan dicabut dulu …"))
        self._runner.submit(Lane.SYNC, lambda: self._stick.fetch(folder), self._fetched, self._failed)

    def _saved(self, saved: BundleSaved) -> None:
        said = saved_words(saved.first_seq, saved.last_seq, saved.left)
        self._set(StickState(words=f"{said}. {PULL_IT} {CARRY_IT}"))

    def _fetched(self, fetched: BundleFetched) -> None:
        report = fetched.report
        said = ", ".join(fetched_words(report.sent, report.received, report.attested))
        new = bool(report.sent or report.received or report.attested)
        notice = trouble(report.code, report.reason) if report.code else None
        self._set(StickState(words=f"{said}. {PULL_IT}", tone="ok" if new else "info", notice=notice))
        self._heard(report)

    def _failed(self, error: Exception) -> None:
        self._set(StickState(notice=trouble_of(error)))
        if not isinstance(error, PosError):
            raise error
