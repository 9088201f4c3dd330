"""Atur: reader, printer and EDC of this kiosk, each with a live trial; what is plugged in, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from ewarung_pos.domain.state import OperatorRecord
from ewarung_pos.errors import DeviceError, PosError
from ewarung_pos.ports import (
    CardPresented,
    CardReader,
    Clock,
    DeviceSearch,
    DeviceState,
    DeviceStatus,
    FoundDevice,
    Lane,
    PaymentTerminal,
    PrintReport,
    ReceiptPrinter,
    Setting,
    SettingsFile,
    TaskRunner,
)
from ewarung_pos.services.operators import OperatorService
from ewarung_pos.services.printing import PaperService
from ewarung_pos.services.proposal import propose
from ewarung_pos.ui.text import Trouble, trouble_of
from ewarung_pos.ui.text_devices import (
    NO_CARD,
    NO_READER,
    NO_TERMINAL,
    Seen,
    card_seen,
    device_words,
    edc_seen,
    failed,
    last_card_seen,
    paper_seen,
    printer_seen,
    proposal_words,
)
from ewarung_pos.ui.viewmodels.base import ViewModel
from ewarung_pos.ui.viewmodels.card_watch import CardWatch

__all__ = ["CARD_MS", "DeviceRow", "DevicesDesk", "DevicesState", "DevicesViewModel"]

CARD_MS = 20_000
"""How long *Uji kartu* waits for a card."""


class DeviceRow(msgspec.Struct, frozen=True):
    """One device: `id` is card, print or edc; `seen` what was found of it, `busy` what is waited for meanwhile."""

    id: str
    title: str
    seen: Seen
    busy: str = ""


class DevicesState(msgspec.Struct, frozen=True):
    """`found` and `proposed` once it was looked around (`looked`); `written` once they stand in the file.

    `asks_leader` shows the pad: what changes devices is a leader's to allow.
    """

    rows: tuple[DeviceRow, ...] = ()
    found: tuple[str, ...] = ()
    proposed: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()
    looked: bool = False
    written: bool = False
    asks_leader: bool = False
    busy: str = ""
    notice: Trouble | None = None


class DevicesDesk(msgspec.Struct, frozen=True):
    """What Atur may use. `poll_ms` is the longest single wait for a card."""

    papers: PaperService
    operators: OperatorService
    reader: CardReader
    terminal: PaymentTerminal | None
    printer: ReceiptPrinter
    search: DeviceSearch
    settings: SettingsFile
    clock: Clock
    poll_ms: int = 200


class DevicesViewModel(ViewModel[DevicesState]):
    """Commands of Atur. A trial is recorded nowhere and serves nobody."""

    def __init__(self, desk: DevicesDesk, runner: TaskRunner) -> None:
        super().__init__(DevicesState())
        self._desk = desk
        self._runner = runner
        self._active = False
        self._wants_card = False
        self._last_fault: DeviceError | None = None
        self._end_card: Callable[[], None] | None = None
        self._sure: tuple[Setting, ...] = ()
        self._watch = CardWatch(
            desk.reader,
            desk.poll_ms,
            runner,
            wanted=lambda: self._active and self._wants_card,
            found=self._card,
            away=self._card_failed,
            broke=self._failed,
        )

    def activate(self) -> None:
        """The screen is in front: what was last seen of each, and which trial still goes on."""
        self._active = True
        busy = {row.id: row.busy for row in self._state.rows}
        seen = (
            ("card", "Pembaca kartu", self._reader_now()),
            ("print", "Printer struk", printer_seen(self._desk.printer.seen())),
            ("edc", "EDC", self._edc_now()),
        )
        rows = tuple(DeviceRow(name, title, what, busy.get(name, "")) for name, title, what in seen)
        self._set(replace(self._state, rows=rows))

    def deactivate(self) -> None:
        """Another screen is in front: nobody is waited for."""
        self._active = False
        self._stop_card()
        self._set(replace(self._state, asks_leader=False, looked=False, notice=None))

    # -- trials ---------------------------------------------------------------------------------------------------

    def try_card(self) -> None:
        """*Uji kartu*: wait for a card and say what was read of it."""
        if self._wants_card:
            return
        if not self._desk.reader.source:
            self._show("card", NO_READER)
            return
        self._wants_card = True
        self._last_fault = None
        self._wait("card", "Masukkan atau gesek satu kartu")
        self._end_card = self._runner.later(CARD_MS, self._no_card)
        self._watch.look()

    def _card(self, card: CardPresented) -> None:
        self._stop_card()
        self._show("card", card_seen(card))

    def _card_failed(self, error: DeviceError | None) -> None:
        """The reader said why; it is looked at again until time is up."""
        if error is not None and self._wants_card:
            self._last_fault = error
            self._set_row("card", lambda row: replace(row, seen=failed(error)))

    def _no_card(self) -> None:
        fault = self._last_fault
        self._stop_card()
        self._show("card", failed(fault) if fault is not None else NO_CARD)

    def _stop_card(self) -> None:
        self._wants_card = False
        self._watch.rest()
        if self._end_card is not None:
            self._end_card()
            self._end_card = None
        self._set_row("card", lambda row: replace(row, busy=""))

    def try_paper(self) -> None:
        """*Uji cetak*: print a page that shows whether everything comes out."""
        if self._busy("print"):
            return
        desk, now = self._desk, self._desk.clock.now().wall.ms

        def printed(report: PrintReport) -> None:
            self._show("print", paper_seen(report))

        self._wait("print", "Mencetak")
        self._runner.submit(
            Lane.PRINTER,
            lambda: desk.papers.try_out(desk.printer, now),
            printed,
            lambda error: self._lost("print", error),
        )

    def try_edc(self) -> None:
        """*Uji EDC*: ask it for an echo; no money moves."""
        terminal = self._desk.terminal
        if terminal is None:
            self._show("edc", NO_TERMINAL)
            return
        if self._busy("edc"):
            return
        self._stop_card()

        def ask() -> DeviceStatus:
            self._desk.reader.release()
            return terminal.diagnose()

        self._wait("edc", "Menunggu jawaban EDC")
        self._runner.submit(
            Lane.TERMINAL,
            ask,
            lambda status: self._show("edc", edc_seen(status)),
            lambda error: self._lost("edc", error),
        )

    # -- what is plugged in -----------------------------------------------------------------------------------------

    def look_around(self) -> None:
        """*Cari perangkat*: what is there, and the settings that follow for what is not set up yet."""
        if self._state.busy:
            return
        desk = self._desk

        def look() -> tuple[tuple[FoundDevice, ...], tuple[Setting, ...]]:
            found = desk.search.look()
            return found, propose(found, desk.settings.set_up())

        def looked(result: tuple[tuple[FoundDevice, ...], tuple[Setting, ...]]) -> None:
            found, settings = result
            self._sure = tuple(each for each in settings if each.sure)
            self._set(
                replace(
                    self._state,
                    busy="",
                    looked=True,
                    written=False,
                    found=tuple(device_words(each) for each in found),
                    proposed=proposal_words(self._sure),
                    guesses=proposal_words(each for each in settings if not each.sure),
                )
            )

        self._set(replace(self._state, busy="Mencari perangkat", notice=None))
        self._runner.submit(Lane.TERMINAL, look, looked, self._failed)

    def ask_to_apply(self) -> None:
        """*Pakai usulan*: the leader's PIN comes first."""
        if self._sure and not self._state.written:
            self._set(replace(self._state, asks_leader=True, notice=None))

    def back(self) -> None:
        """One level up: from the pad to what was found, from there to the devices."""
        if self._state.asks_leader:
            self._set(replace(self._state, asks_leader=False, notice=None))
        else:
            self._set(replace(self._state, looked=False, notice=None))

    def apply(self, leader_pin: str) -> None:
        """The leader allows it: write what is sure into config.toml. It counts from the next start."""
        if self._state.busy or not self._sure:
            return
        desk, settings = self._desk, self._sure

        def allowed(_: OperatorRecord) -> None:
            self._runner.submit(Lane.LEDGER, lambda: desk.settings.apply(settings), written, self._failed)

        def written(_: None) -> None:
            self._set(replace(self._state, busy="", asks_leader=False, written=True))

        self._set(replace(self._state, busy="Menyimpan", notice=None))
        self._runner.submit(Lane.PIN, lambda: desk.operators.leader(leader_pin), allowed, self._failed)

    def dismiss(self) -> None:
        """The notice was read."""
        self._set(replace(self._state, notice=None))

    # -- rows -------------------------------------------------------------------------------------------------------

    def _reader_now(self) -> Seen:
        if not self._desk.reader.source:
            return NO_READER
        status = self._desk.reader.status()
        if status.state is DeviceState.UNKNOWN:
            return Seen("look", "Belum dicoba.", "Uji dengan satu kartu.")
        if status.state is DeviceState.READY:
            return Seen("ok", "Siap.")
        if status.state is DeviceState.ATTENTION and self._desk.reader.source != "ecr":
            return last_card_seen(status)
        return edc_seen(status)

    def _edc_now(self) -> Seen:
        terminal = self._desk.terminal
        if terminal is None:
            return NO_TERMINAL
        status = terminal.status()
        if status.state is DeviceState.UNKNOWN:
            return Seen("look", "Belum dicoba.", "Uji sebelum kartu pertama datang.")
        return edc_seen(status)

    def _busy(self, name: str) -> bool:
        return any(row.id == name and row.busy for row in self._state.rows)

    def _wait(self, name: str, words: str) -> None:
        self._set_row(name, lambda row: replace(row, busy=words))

    def _show(self, name: str, seen: Seen) -> None:
        self._set_row(name, lambda row: replace(row, seen=seen, busy=""))

    def _set_row(self, name: str, change: Callable[[DeviceRow], DeviceRow]) -> None:
        rows = tuple(change(row) if row.id == name else row for row in self._state.rows)
        if rows != self._state.rows:
            self._set(replace(self._state, rows=rows))

    def _lost(self, name: str, error: Exception) -> None:
        if isinstance(error, PosError):
            self._show(name, failed(error))
            return
        self._wait(name, "")
        raise error

    def _failed(self, error: Exception) -> None:
        self._stop_card()
        self._set(replace(self._state, busy="", notice=trouble_of(error)))
        if not isinstance(error, PosError):
            raise error
