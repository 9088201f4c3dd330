"""A till with its real ledger, services and engine; its disk can be copied and put back, and it stops at any point."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ewarung_pos.domain.journal import uuid7
from ewarung_pos.domain.timeline import ClockReading, Instant
from ewarung_pos.ledger.database import LEDGER_FILE, SqlLedger, open_ledger
from ewarung_pos.services.clockwork import ClockService
from ewarung_pos.services.day import DayService
from ewarung_pos.services.hardship import HardshipService
from ewarung_pos.services.leftovers import LeftoverService
from ewarung_pos.services.redeem import RedeemService
from ewarung_pos.services.reverse import ReverseService
from ewarung_pos.services.stock import StockService
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.sync.outgoing import Speaker, keys_of
from ewarung_pos.sync.signing import public_of
from tests.machine.line import Crash, Desk, PlainCity, Wire
from tests.machine.mirror import Branch, Broken

__all__ = ["KEY", "Kiosk", "Ticks", "TillClock"]

KEY = bytes(32)
_ALL = 10**8


class Ticks:
    """True time, which only goes on."""

    def __init__(self, ms: int) -> None:
        self.ms = ms
        self.minted = 0


class TillClock:
    """A wall clock that somebody sets, beside a monotonic one that begins with each boot."""

    def __init__(self, ticks: Ticks, number: int) -> None:
        self._ticks = ticks
        self._number = number
        self._boots = 0
        self._since = 0
        self.ahead_ms = 0
        self.start()

    def start(self) -> None:
        """Another boot."""
        self._boots += 1
        self._since = self._ticks.ms - 1_000

    def now(self) -> ClockReading:
        """Both clocks."""
        wall = Instant(self._ticks.ms + self.ahead_ms)
        return ClockReading(wall, self._ticks.ms - self._since, f"boot-{self._number}-{self._boots}")

    def mint(self) -> str:
        """An identifier that nobody minted before."""
        self._ticks.minted += 1
        return uuid7(self._ticks.ms + self.ahead_ms, self._ticks.minted.to_bytes(10, "big"))


class Kiosk:
    """One kiosk's machine.

    Args:
        folder: its disk.
        url: where its line leads; with `signed` that goes through real HTTP signatures.
        doom: how many more points it passes (before and after each commit, before and after each message) until it
            stops dead; none where it is 0.
    """

    def __init__(
        self,
        folder: Path,
        number: int,
        ticks: Ticks,
        wire: Wire,
        desk: Callable[[], Desk],
        counted: Counter[str],
        url: str,
        *,
        signed: bool,
    ) -> None:
        self.folder = folder
        self.number = number
        self.device = f"EW-{number + 1:04d}"
        self.clock = TillClock(ticks, number)
        self.wire = wire
        self.url = url
        self.doom = 0
        self._desk = desk
        self._signed = signed
        self._counted = counted
        self._commit: Callable[[Any], None] = lambda _: None
        self.dead = True
        wire.point = self.point

    def start(self) -> None:
        """Switch it on."""
        self.clock.start()
        self.ledger: SqlLedger = open_ledger(self.folder, KEY, self.clock, encrypted=False)
        self._commit = self.ledger._commit
        self.ledger._commit = self._committed  # type: ignore[method-assign]
        self.engine = SyncEngine(self.ledger, self.clock, self.url, connect=None if self._signed else self._speaker)
        offset = self.engine.offset_ms
        self.stock = StockService(self.ledger)
        self.day = DayService(self.ledger, self.clock, self.stock, offset)
        self.redeem = RedeemService(self.ledger, self.clock, offset)
        self.reverse = ReverseService(self.ledger, self.clock)
        self.hardship = HardshipService(self.ledger, self.clock, offset)
        self.clockwork = ClockService(self.ledger, self.clock, offset)
        self.leftovers = LeftoverService(self.ledger, self.clock, offset)
        self.dead = False

    def stop(self) -> None:
        """Switch it off; what was not committed is gone."""
        if not self.dead:
            self.engine.close()
            self.ledger.close()
            self.dead = True

    def point(self) -> None:
        """Something durable is about to happen, or has happened.

        Raises:
            Crash: the machine stops here.
        """
        if self.doom:
            self.doom -= 1
            if not self.doom:
                raise Crash

    def _committed(self, unit: Any) -> None:
        self.point()
        self._commit(unit)
        self._counted["commits"] += 1
        self.point()

    def _speaker(self) -> Speaker:
        reader = self.ledger.read()
        who = reader.identity()
        assert who is not None
        key, city_key = keys_of(reader)
        now_s = self._now_s
        return Speaker(who, PlainCity(self.wire, self._desk, f"{who.device}/{who.epoch}", key, now_s), key, city_key)

    def _now_s(self) -> int:
        return self.clock.now().wall.ms // 1000

    # -- the disk ----------------------------------------------------------------------------------------------------

    def copy_disk(self, folder: Path) -> None:
        """An image of it, as somebody takes who switches it off for that."""
        self.stop()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder)
        self.start()

    def put_back(self, folder: Path) -> None:
        """The disk of that image again."""
        self.stop()
        shutil.rmtree(self.folder)
        shutil.copytree(folder, self.folder)
        self.start()

    def wipe(self) -> None:
        """The disk is gone."""
        self.stop()
        for file in self.folder.glob(f"{LEDGER_FILE}*"):
            file.unlink()

    # -- the journal -------------------------------------------------------------------------------------------------

    def begin(self) -> Branch:
        """Its journal as the mirror knows it, from its first entry on."""
        reader = self.ledger.read()
        who, key = reader.identity(), reader.secret("device_key")
        assert who is not None
        assert key is not None
        branch = Branch(who.device, who.epoch, public_of(key).hex())
        self.follow(branch)
        return branch

    def follow(self, branch: Branch) -> bool:
        """Let the mirror see what was appended; whether anything was.

        Raises:
            Broken: I2, or I4: what was written before is not there any more.
        """
        reader = self.ledger.read()
        known, head = len(branch.hashes), reader.head()
        if head.seq == known and (known == 0 or bytes.fromhex(head.hash) == branch.hashes[-1]):
            return False
        rows = reader.sealed(known, _ALL, _ALL)
        if head.seq <= known or not rows:
            raise Broken(f"I4: {self.device} wrote {known} entries, and {head.seq} are there")
        branch.take(rows)
        self._counted["entries"] += len(rows)
        return True
