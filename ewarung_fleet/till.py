"""One kiosk's machine: a real ledger in a folder of its own, the real engine over a line that may be bad, and the plug.

Everything a power failure takes is taken: what was in the process is dropped, and the next start has the two files of
the ledger as they were at that moment, in the middle of a transaction or not.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from ewarung_fleet.clock import KioskClock, PowerCut
from ewarung_fleet.edc import CounterEdc
from ewarung_fleet.line import BadLine, Weather
from ewarung_fleet.truth import SealedDay, Truth
from ewarung_pos.domain.family import CardRef
from ewarung_pos.domain.journal import DayClosed, Entry, decode
from ewarung_pos.errors import ServerUnreachable
from ewarung_pos.kiosk.enrolment import enrol_into
from ewarung_pos.ledger.database import LEDGER_FILE, SqlLedger, open_ledger
from ewarung_pos.ledger.keys import key_of
from ewarung_pos.ports import PaymentIntent
from ewarung_pos.services.clockwork import ClockService
from ewarung_pos.services.day import DayService
from ewarung_pos.services.hardship import HardshipService
from ewarung_pos.services.printing import PaperService
from ewarung_pos.services.redeem import RedeemService, Redemption
from ewarung_pos.services.reverse import Reversal, ReverseService
from ewarung_pos.services.stock import StockService
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.sync.outgoing import Speaker, speaker
from ewarung_pos.sync.stick import Stick

__all__ = ["CASHIER", "LEADER", "Machine", "Till"]

T = TypeVar("T")

CASHIER, LEADER = "siti", "yuni"

_STEPS = 14
_WAIT_MS = 20_000
_LOG = LEDGER_FILE + "-wal"
_PAGE, _PAGE_BYTES = 500, 4_000_000


class Machine(msgspec.Struct, frozen=True):
    """A till that is switched on: its ledger, its end of the line, and the services of the counter."""

    ledger: SqlLedger
    engine: SyncEngine
    stock: StockService
    day: DayService
    redeem: RedeemService
    reverse: ReverseService
    hardship: HardshipService
    clocks: ClockService
    papers: PaperService
    stick: Stick


class Till:
    """A kiosk's place on this disk.

    Args:
        folder: data directory.
        url: of the city.
        clock, weather, edc, truth: of the kiosk; they outlive its machine.

    Attributes:
        end: (epoch, last entry, last acknowledged) when it was last switched off.
    """

    def __init__(
        self, folder: Path, url: str, clock: KioskClock, weather: Weather, edc: CounterEdc, truth: Truth
    ) -> None:
        self.folder = folder
        self.clock = clock
        self.weather = weather
        self.edc = edc
        self.truth = truth
        self.end = (0, 0, 0)
        self._url = url
        self._machine: Machine | None = None
        self._known = 0
        self._holder = CardRef("", "")
        self._image: Path | None = None

    @property
    def on(self) -> Machine:
        """The machine, which is on."""
        if self._machine is None:
            raise AssertionError("the till is off")
        return self._machine

    @property
    def running(self) -> bool:
        """Whether the machine is on."""
        return self._machine is not None

    @property
    def key(self) -> bytes:
        """Of the ledger."""
        return key_of(self.folder).secret

    # -- on, off, and the plug ---------------------------------------------------------------------------------------

    def enrol(self, code: str) -> None:
        """Become the kiosk that the code is for, as `ewarung-pos enrol` does.

        Raises:
            PosError: not enrolled; nothing was left behind.
        """
        enrol_into(self.folder, self._url, code, self.clock, practice=True)

    def start(self) -> None:
        """Switch it on: what was under way when the power failed is found and settled."""
        self.clock.boot()
        ledger = open_ledger(self.folder, self.key, self.clock)
        engine = SyncEngine(ledger, self.clock, self._url, connect=lambda: self._speaker(ledger))
        stock = StockService(ledger)
        self._machine = Machine(
            ledger,
            engine,
            stock,
            DayService(ledger, self.clock, stock, engine.offset_ms),
            RedeemService(ledger, self.clock, engine.offset_ms),
            ReverseService(ledger, self.clock),
            HardshipService(ledger, self.clock, engine.offset_ms),
            ClockService(ledger, self.clock, engine.offset_ms),
            PaperService(ledger),
            Stick(ledger, self.clock, self.folder),
        )
        self._look_back()
        self.on.redeem.recover()
        self.settle_doubts()

    def stop(self) -> None:
        """Switch it off, if it is on."""
        if self._machine is None:
            return
        reader = self._machine.ledger.read()
        who, head = reader.identity(), reader.head()
        self.end = (who.epoch if who is not None else 0, head.seq, head.acked_seq)
        self._drop()

    def throw_away(self, copied: int = 0) -> None:
        """The disk is destroyed, and what was on it; so many of its entries are in a copy."""
        self.stop()
        epoch, head, acked = self.end
        self.truth.lose_disk(self.folder.name, epoch, max(acked, copied), head)
        self._known = 0

    def arm(self, looks: int) -> None:
        """The power fails at that look at the clock from now on, unless `arm(0)` comes before."""
        self.clock.fail_at(looks, self._dies)

    def powered(self, work: Callable[[], T]) -> T:
        """Do it; if the power fails meanwhile, start again and do what is left of it. `work` looks what is done."""
        while True:
            try:
                return work()
            except PowerCut:
                self.truth.fire("power_cut")
                self._drop()
                self._put_back()
                self.clock.wait(30_000)
                self.start()

    def _dies(self) -> None:
        """The disk as it is now, with whatever a transaction under way has written."""
        self._image = self.folder.with_name(f"{self.folder.name}.cut")
        shutil.rmtree(self._image, ignore_errors=True)
        self._image.mkdir()
        for name in (LEDGER_FILE, _LOG):
            if (self.folder / name).exists():
                shutil.copyfile(self.folder / name, self._image / name)

    def _put_back(self) -> None:
        if self._image is None:
            return
        for suffix in ("", "-wal", "-shm"):
            (self.folder / f"{LEDGER_FILE}{suffix}").unlink(missing_ok=True)
        for file in self._image.iterdir():
            file.replace(self.folder / file.name)
        self._image.rmdir()
        self._image = None

    def _drop(self) -> None:
        machine, self._machine = self._machine, None
        if machine is not None:
            machine.engine.close()
            machine.ledger.close()

    def _speaker(self, ledger: SqlLedger) -> Speaker:
        who = ledger.read().identity()
        if who is None:
            raise ServerUnreachable("not enrolled", reason="no_line")
        said = speaker(ledger.read(), who, self._url, "", lambda: self.clock.now().wall.ms // 1000)
        return msgspec.structs.replace(said, city=BadLine(said.city, self.weather))

    # -- what leaves the counter -------------------------------------------------------------------------------------

    def serving(self, card: CardRef) -> None:
        """That card is on the counter: what is found after a power failure was for it."""
        self._holder = card

    def hand(self, done: Redemption | Reversal) -> None:
        """The goods are handed over, or taken back."""
        self.truth.hand(done.entry, self._holder.token)
        self._known = done.entry.seq

    def sealed(self, entry: Entry) -> None:
        """The day is over, and its report is looked at."""
        if isinstance(entry.fact, DayClosed):
            day = SealedDay(entry.device, entry.epoch, entry.seq, entry.date, entry.fact.totals)
            self.truth.sealed.append(day)
        self._known = entry.seq

    def new_epoch(self) -> None:
        """Its journal begins anew."""
        self._known = 0

    def settle_doubts(self) -> None:
        """Ask the EDC what became of every debit that nobody knows the outcome of."""
        for attempt in self.on.redeem.open_attempts():
            self._holder = attempt.card
            intent = PaymentIntent(attempt.id, attempt.amount, attempt.card.last4, attempt.kind)
            outcome = self.edc.inquire(intent)
            service = self.on.redeem if attempt.kind == "sale" else self.on.reverse
            done = service.conclude(attempt.id, outcome, CASHIER)
            self.truth.note("doubt_resolved")
            if isinstance(done, Redemption | Reversal):
                self.hand(done)

    def _look_back(self) -> None:
        """After a start: a redemption that was committed and never seen stands in Riwayat; its goods go now."""
        reader = self.on.ledger.read()
        while rows := reader.sealed(self._known, _PAGE, _PAGE_BYTES):
            for row in rows:
                entry = decode(row.body)
                if isinstance(entry.fact, DayClosed):
                    self.sealed(entry)
                else:
                    self.truth.hand(entry, self._holder.token)
                self._known = row.seq

    # -- the line ----------------------------------------------------------------------------------------------------

    def sync(self, steps: int = _STEPS) -> str:
        """Step until nothing waits, or it is no use now; returns the trouble, empty if there is none."""
        trouble, errors = "", 0
        for _ in range(steps):
            report = self.on.engine.step()
            trouble = report.reason or report.code
            if not trouble and not report.more and not report.unsent:
                return ""
            if trouble:
                errors += 1
                if trouble in {"no_line", "fork"} or errors > 2:
                    return trouble
                self.clock.wait(min(report.retry_ms, _WAIT_MS))
        return trouble or "more"
