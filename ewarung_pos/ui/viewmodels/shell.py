"""The frame around the screens: who works, which screen is in front, and the three lamps."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from ewarung_pos.domain.state import KioskIdentity, OperatorRecord
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.domain.units import dotted
from ewarung_pos.errors import PosError
from ewarung_pos.ports import CardReader, Clock, DeviceState, Lane, Ledger, PaymentTerminal, ReceiptPrinter, TaskRunner
from ewarung_pos.services.health import HealthService, KioskStatus
from ewarung_pos.services.operators import OperatorService
from ewarung_pos.ui.text import Trouble, trouble, trouble_of
from ewarung_pos.ui.viewmodels.base import ViewModel

__all__ = ["READERS", "SCREENS", "LampState", "ShellState", "ShellViewModel"]

T = TypeVar("T")

SCREENS: tuple[tuple[str, str, str, str], ...] = (
    ("counter", "Layanan", "hand-helping", "F1"),
    ("history", "Riwayat", "history", "F2"),
    ("stock", "Stok", "package", "F3"),
    ("day", "Buka Hari", "calendar", "F4"),
    ("closing", "Tutup Hari", "door-closed", "F5"),
    ("sync", "Sinkron", "cloud-upload", "F6"),
    ("devices", "Atur", "settings", "F7"),
)
"""(id, word, icon, key) of the screens that exist."""


PRINTER_WORDS: dict[str, tuple[str, str]] = {
    "paper_low": ("Kertas tinggal sedikit", "look"),
    "paper_out": ("Kertas habis", "stop"),
    "cover_open": ("Printer terbuka", "stop"),
    "cutter": ("Pisau macet", "stop"),
    "hot": ("Printer panas", "look"),
    "no_answer": ("Printer diam", "info"),
    "queue": ("Antrean cetak siap", "info"),
    "queue_stopped": ("Antrean berhenti", "stop"),
    "not_asked": ("Printer dicari", "info"),
}
"""What the lamp says of the printer, by the reason of its state; a silent one is not called ready."""

_SCREEN_OF = {"delivery": "stock", "count": "closing", "sealing": "closing", "void": "history"}
"""Where it is, what would be lost; all else is at the counter."""

_LOCKED = ("not_authorised.locked", "not_authorised.leader_locked")

_TERMINAL_TROUBLE = {
    DeviceState.AWAY: ("EDC terputus", "stop"),
    DeviceState.ATTENTION: ("Periksa EDC", "look"),
}
READERS: dict[str, str] = {"ecr": "EDC", "pcsc": "Chip", "stripe": "Gesek"}
"""What the counter calls the reader, by `CardReader.source`."""

_CHECK = {"ecr": "Periksa EDC", "pcsc": "Periksa chip"}


class LampState(msgspec.Struct, frozen=True):
    """A lamp: icon, word, and tone (ok, look, stop, info, off). `short` is the word where there is no room."""

    icon: str
    word: str
    tone: str
    screen: str = ""
    short: str = ""


class _Look(NamedTuple):
    """What the ledger says that changes without anybody at this screen."""

    status: KioskStatus
    people: tuple[OperatorRecord, ...]
    locked: frozenset[str]
    openable: bool


class ShellState(msgspec.Struct, frozen=True):
    """`operators` are (code, name) to choose from while nobody is signed in; `locked` are codes of theirs.

    `openable` is whether a leader could open those, with her PIN.
    `asks` is the question before a basket, or something half entered, is thrown away.
    `recovered` says what was recorded before the till died, until it was read; only to who is signed in.
    """

    kiosk: str = ""
    place: str = ""
    practice: bool = False
    date: str = ""
    time: str = ""
    screen: str = "counter"
    operator: str = ""
    operator_name: str = ""
    operators: tuple[tuple[str, str], ...] = ()
    locked: frozenset[str] = frozenset()
    openable: bool = True
    checking: bool = False
    lamps: tuple[LampState, ...] = ()
    banner: str = ""
    recovered: str = ""
    notice: Trouble | None = None
    asks: Trouble | None = None


class ShellViewModel(ViewModel[ShellState]):
    """Commands of the frame.

    `show` tells the composition which screen is in front; `in_hand` says what the counter would lose now: a `basket`,
    the sight of what is being paid (`paying`), or nothing. `unsaved` says what the till's end would lose beside it: a
    half-entered `delivery` or `count`, the sight of a `void` or `sealing`, or nothing.
    """

    def __init__(
        self,
        ledger: Ledger,
        operators: OperatorService,
        health: HealthService,
        clock: Clock,
        reader: CardReader,
        terminal: PaymentTerminal | None,
        printer: ReceiptPrinter,
        runner: TaskRunner,
        show: Callable[[str, str], None],
        in_hand: Callable[[], str],
        unsaved: Callable[[], str],
    ) -> None:
        super().__init__(ShellState())
        self._ledger = ledger
        self._operators = operators
        self._health = health
        self._clock = clock
        self._reader = reader
        self._terminal = terminal
        self._printer = printer
        self._runner = runner
        self._show = show
        self._in_hand = in_hand
        self._unsaved = unsaved
        self._counts: list[Callable[[int], None]] = []

    _halted: Trouble | None = None
    _recovered: str = ""

    def operator(self) -> str:
        """Code of whoever is signed in, or empty."""
        return self._state.operator

    def start(self) -> None:
        """Which kiosk this is, and all that `refresh` looks at."""

        def looked(identity: KioskIdentity | None) -> None:
            self._set(
                replace(
                    self._state,
                    kiosk=identity.name if identity is not None else "Belum terdaftar",
                    place=f"Kel. {identity.kelurahan}" if identity is not None else "",
                    practice=identity.practice if identity is not None else False,
                )
            )
            self.refresh()

        self._runner.submit(Lane.LEDGER, lambda: self._ledger.read().identity(), looked, self._failed)
        self.tick()

    def tick(self) -> None:
        """The clock on the wall; called each second by the view's timer."""
        now = self._clock.now().wall
        self._set(replace(self._state, date=now.date().short(), time=now.clock(), lamps=self._lamps(None)))

    def count_with(self, *counts: Callable[[int], None]) -> None:
        """Tell these how many entries wait for the city, whenever the lamp is told."""
        self._counts += counts

    def refresh(self) -> None:
        """After a commit, or news of the city: lamps, banner, who may sign in and who is locked."""

        def look() -> _Look:
            desk = self._operators
            return _Look(self._health.status(), desk.present(), desk.locked(), desk.can_unlock())

        self._runner.submit(Lane.LEDGER, look, self._refreshed, self._failed)

    def _refreshed(self, found: _Look) -> None:
        status = found.status
        banner = ""
        if status.register_state == "stop":
            banner = f"Daftar keluarga sudah {status.register_age} hari: sinkron dan hubungi kota."
        elif status.register_state == "look" and status.register_age > 0:
            banner = f"Daftar keluarga berumur {status.register_age} hari."
        self._status = status
        notice = self._state.notice
        if notice is not None and notice.code in _LOCKED and self._state.locked - found.locked:
            notice = self._halted  # the city has opened an account: nothing is to be said of it any more
        self._set(
            replace(
                self._state,
                lamps=self._lamps(status),
                banner=banner,
                notice=notice,
                operators=tuple((person.code, person.name) for person in found.people),
                locked=found.locked,
                openable=found.openable,
            )
        )
        for count in self._counts:
            count(status.unsent)

    _status: KioskStatus | None = None

    def _lamps(self, status: KioskStatus | None) -> tuple[LampState, ...]:
        status = status or self._status
        name = READERS.get(self._reader.source, "pembaca")
        words = {
            DeviceState.READY: (f"{name} siap", "ok"),
            DeviceState.BUSY: (f"{name} bekerja", "info"),
            DeviceState.AWAY: (f"{name} terputus", "stop"),
            DeviceState.ATTENTION: (_CHECK.get(self._reader.source, "Periksa pembaca"), "look"),
            DeviceState.UNKNOWN: (f"{name} dicari", "info"),
            DeviceState.NONE: (f"Tanpa {name}", "info"),
        }
        word, tone = words[self._reader.status().state]
        short = READERS.get(self._reader.source, "Kartu")
        beside = self._terminal.status().state if self._terminal is not None else DeviceState.NONE
        if tone == "ok" and beside in _TERMINAL_TROUBLE:  # a box of its own that only pays
            (word, tone), short = _TERMINAL_TROUBLE[beside], "EDC"
        lamps = [LampState("credit-card", word, tone, "counter", short)]
        lamps.append(self._printer_lamp(status.papers_owed if status is not None else 0))
        unsent = status.unsent if status is not None else 0
        lamps.append(
            LampState("cloud-upload", f"{dotted(unsent)} belum terkirim", "look", "sync")
            if unsent
            else LampState("cloud-upload", "Semua terkirim", "ok", "sync")
        )
        return tuple(lamps)

    def _printer_lamp(self, owed: int) -> LampState:
        seen = self._printer.seen()
        if seen.state is DeviceState.READY:
            word, tone = "Struk siap", "ok"
        elif seen.state is DeviceState.AWAY:
            word, tone = "Printer terputus", "stop"
        else:
            word, tone = PRINTER_WORDS.get(seen.reason, ("Periksa printer", "look"))
        if owed:
            word, tone = f"{dotted(owed)} struk tertunda", "stop" if tone == "stop" else "look"
        return LampState("printer", word, tone, "history")

    def go(self, screen: str) -> None:
        """Bring a screen to the front."""
        before = self._state.screen
        if any(screen == known[0] for known in SCREENS):
            self._set(replace(self._state, screen=screen, notice=self._halted, asks=None))
            self._show(before, screen)

    def sign_in(self, code: str, pin: str) -> None:
        """Sign in with one's own PIN."""
        if self._halted is not None:
            self._set(replace(self._state, notice=self._halted))
            return

        def done(person: OperatorRecord) -> None:
            self._set(
                replace(
                    self._state,
                    operator=person.code,
                    operator_name=person.name,
                    notice=None,
                    recovered=self._recovered,
                    checking=False,
                )
            )
            self.refresh()
            self._show("", self._state.screen)

        self._check(lambda: self._operators.sign_in(code, pin), done)

    def _check(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """What hashes a PIN, one at a time, on its own lane."""
        if self._state.checking:
            return
        self._set(replace(self._state, checking=True))
        self._runner.submit(Lane.PIN, work, done, self._refused)

    def _refused(self, error: Exception) -> None:
        self._set(replace(self._state, checking=False))
        self.refresh()
        self._failed(error)

    def leave(self) -> None:
        """The operator's name was pressed: sign out, but ask first when there is something in hand."""
        if self._state.operator and not self._ask("sign_out"):
            self.sign_out()

    def ask_before_close(self) -> bool:
        """Whether the till may not be closed yet, for there is something in hand; then it is asked about."""
        return bool(self._state.operator) and self._ask("close")

    def _ask(self, what: str) -> bool:
        found = self._lost_by(what)
        if found:
            self._set(replace(self._state, asks=trouble("leave", what if found == "basket" else f"{what}_{found}")))
        return bool(found)

    def _lost_by(self, what: str) -> str:
        """What would be lost; who signs out finds her delivery and her count again."""
        return self._in_hand() or (self._unsaved() if what == "close" else "")

    def stay(self) -> None:
        """Nobody leaves: back to what is in hand."""
        asked = self._state.asks.code.rpartition("_")[2] if self._state.asks is not None else ""
        self._set(replace(self._state, asks=None))
        screen = _SCREEN_OF.get(asked, "counter")
        if self._state.screen != screen:
            self.go(screen)

    def look_again(self) -> None:
        """A screen went on: with nothing to lose any more there is nothing to ask."""
        asks = self._state.asks
        if asks is not None and not self._lost_by("close" if asks.code.startswith("leave.close") else "sign_out"):
            self._set(replace(self._state, asks=None))

    def sign_out(self) -> None:
        """Leave the till; the screens wait for the next operator, and no card is read meanwhile."""
        code = self._state.operator
        if not code:
            return
        self._leave(None)
        self._runner.submit(Lane.LEDGER, lambda: self._operators.sign_out(code), lambda _: self.refresh(), self._failed)

    def halt(self, error: PosError) -> None:
        """Nothing is served until the till is started again; what is under way at the EDC is still recorded."""
        self._halted = trouble_of(error)
        self._leave(self._halted)

    def _leave(self, notice: Trouble | None) -> None:
        self._set(replace(self._state, operator="", operator_name="", notice=notice, recovered="", asks=None))
        self._show(self._state.screen, "")

    def unlock(self, code: str, leader_pin: str) -> None:
        """The leader opens an account that too many wrong PINs locked."""

        def done(nothing: None) -> None:
            self._set(replace(self._state, notice=None, checking=False, locked=self._state.locked - {code}))

        self._check(lambda: self._operators.unlock(code, leader_pin), done)

    def recall(self, sentence: str) -> None:
        """Say what was recorded before the till died, until somebody has read it."""
        self._recovered = sentence
        self._set(replace(self._state, recovered=sentence if self._state.operator else ""))

    def tell(self, why: Trouble) -> None:
        """Say what went wrong with something that no screen asked for."""
        self._set(replace(self._state, notice=self._halted or why))

    def dismiss(self) -> None:
        """The notice was read; without one, what was recorded before the till died."""
        if self._state.notice is None:
            self._recovered = ""
        self._set(replace(self._state, notice=self._halted, recovered=self._recovered))

    def today(self) -> BusinessDate:
        """The calendar date now."""
        return self._clock.now().wall.date()

    def _failed(self, error: Exception) -> None:
        self._set(replace(self._state, notice=trouble_of(error)))
        if not isinstance(error, PosError):
            raise error
