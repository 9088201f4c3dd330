"""Three tills, their city, and everything between them: one run of the machine, in a directory of its own."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest import mock

from ewarung_city.keys import KEY_FILE
from ewarung_city.store import schema
from ewarung_city.store.database import Row
from ewarung_pos.domain.family import CardRef
from ewarung_pos.domain.rights import is_pool
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.domain.timeline import Instant, Period
from ewarung_pos.errors import PosError
from ewarung_pos.ledger.database import open_ledger
from ewarung_pos.sync import enrolment, outgoing
from ewarung_pos.sync.enrolment import Enrolment, enrol, record
from tests.city_databases import Databases, OnSqlite
from tests.machine.city import HOMES, KIOSKS, OIL, RATIONS, RICE, START_MS, City, new_city
from tests.machine.kiosk import KEY, Kiosk, Ticks
from tests.machine.line import Crash, SignedLine, Wire
from tests.machine.mirror import Branch, Key
from tests.new_ledger import new_ledger

__all__ = ["Template", "World"]

_SHELF = 5_000


class Template:
    """A world as every run finds it: enrolled tills with an open day and goods, and the city that they are enrolled
    with. Made once for each kind of database.
    """

    _made: dict[int, Template] = {}  # noqa: RUF012 - one for the process

    def __init__(self, databases: Databases) -> None:
        self.databases = databases
        self.folder = Path(tempfile.mkdtemp(prefix="machine-", dir=_memory()))
        ticks = Ticks(START_MS)
        self.city = new_city(self.folder / "city", databases, ticks)
        with World(self.folder, self.city, ticks, signed=True) as world:
            for kiosk in world.kiosks:
                kiosk.folder.mkdir()
                world.begin_ledger(kiosk)
                kiosk.start()
                while kiosk.engine.step().more:
                    pass
                kiosk.day.open("siti")
                kiosk.stock.receive(
                    "Bulog", "SJ-1", (ReceivedLine(RICE, _SHELF, 0), ReceivedLine(OIL, _SHELF, 0)), "siti"
                )
                while kiosk.engine.step().more:
                    pass
        self.minted = ticks.minted

    @classmethod
    def of(cls, databases: Databases | None = None) -> Template:
        """The template for these; on SQLite if none is said."""
        key = id(databases) if databases is not None else 0
        if key not in cls._made:
            cls._made[key] = cls(databases or OnSqlite())
        return cls._made[key]

    @contextlib.contextmanager
    def world(self, *, signed: bool = False) -> Iterator[World]:
        """A run of its own."""
        folder = Path(tempfile.mkdtemp(prefix="machine-", dir=_memory()))
        ticks = Ticks(START_MS)
        ticks.minted = self.minted
        try:
            (folder / "city").mkdir()
            shutil.copy(self.city.folder / KEY_FILE, folder / "city")
            url = self.databases.copied(self.city.url, folder / "city")
            for kiosk in range(KIOSKS):
                shutil.copytree(self.folder / f"till-{kiosk}", folder / f"till-{kiosk}")
            with World(folder, City(folder / "city", url, self.databases, ticks), ticks, signed=signed) as world:
                for each in world.kiosks:
                    each.start()
                world.look()
                yield world
        finally:
            shutil.rmtree(folder)

    @classmethod
    def forget(cls) -> None:
        """Remove them all."""
        for made in cls._made.values():
            shutil.rmtree(made.folder)
        cls._made.clear()


def _memory() -> str | None:
    """A file system that costs no disk, where there is one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - mkdtemp makes it safe


class World:
    """Kiosks, city and lines, and what the run knows of them from outside.

    Attributes:
        now: each kiosk's journal.
        before: journals that a disk has no more, or that ended with their epoch.
        lost: enrolments that two officers declared lost, and up to where the city held each when they did.
        unsigned: those of which a city that was put back had forgotten that.
        lacks: enrolments of whose journal a restore took entries from the city, up to the last that it had held.
        forgotten: those of which no disk can send all of that again.
        underway: by kiosk, files that were on their way when an older disk was put back, and the replies to them.
        first: the first month that was granted.
        counted: rules, faults and everything else that happened.
        older: enrolments that greeted with an older disk, or from a copy before their epoch ended.
        pools: the largest that each kiosk's pool ever was.
        granted: by right, what the city had granted of it when it was last looked at; None
            where nobody looked since it was put back.
        changed: kiosks whose journal grew in the last step.
    """

    def __init__(self, folder: Path, city: City, ticks: Ticks, *, signed: bool) -> None:
        self.folder = folder
        self.city = city
        self.ticks = ticks
        self.signed = signed
        self.counted: Counter[str] = Counter()
        self.now: list[Branch] = []
        self.before: list[Branch] = []
        self.lost: dict[tuple[str, int], int] = {}
        self.unsigned: set[tuple[str, int]] = set()
        self.lacks: dict[tuple[str, int], tuple[int, bytes]] = {}
        self.forgotten: set[tuple[str, int]] = set()
        self.first = Instant(START_MS).date().period().iso
        self.images: dict[int, tuple[Path, Branch, int]] = {}
        self.copies: dict[int, tuple[Path, int]] = {}
        self.city_copies: list[tuple[str, frozenset[tuple[str, int]]]] = []
        self.wishes: dict[tuple[int, int], str] = {}
        self.sticks_out: dict[int, list[bytes]] = {}
        self.sticks_in: dict[int, list[bytes]] = {}
        self.underway: dict[int, set[bytes]] = {}
        self.notes: dict[int, Any] = {}
        self.changed: set[int] = set()
        self.older: set[tuple[str, int]] = set()
        self.pools: dict[Key, int] = {}
        self.granted: dict[Key, int] | None = None
        self.serial = 0
        self._files = 0
        self.kiosks: list[Kiosk] = []
        for number in range(KIOSKS):
            wire = Wire(self.counted, city.break_commits)
            url = f"https://kota.test/{number}"
            SignedLine.wires[url] = (wire, lambda: self.city.desk)
            self.kiosks.append(
                Kiosk(
                    folder / f"till-{number}", number, ticks, wire, lambda: self.city.desk, self.counted, url,
                    signed=signed,
                )
            )  # fmt: skip
        self._lines = ExitStack()
        for module in (enrolment, outgoing):
            self._lines.enter_context(mock.patch.object(module, "Line", SignedLine))
        with city.store.read() as tx:
            rows = tx.all(schema.family, "key")
        self.families = sorted(rows, key=lambda row: (row["home"], row["key"]))
        assert [row["home"] for row in self.families] == [f"EW-{home + 1:04d}" for home in HOMES]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for kiosk in self.kiosks:
            kiosk.stop()
        self.city.close()
        if not isinstance(self.city.databases, OnSqlite) and self.now:
            for url in (self.city.url, *(url for url, _ in self.city_copies)):
                self.city.databases.drop(url)
        self._lines.close()

    # -- what everybody needs ----------------------------------------------------------------------------------------

    def path(self, name: str) -> Path:
        """A new place of that name."""
        self._files += 1
        return self.folder / f"{name}-{self._files}"

    def card(self, family: int) -> CardRef:
        """The card of a family."""
        row = self.families[family]
        return CardRef(row["token"], row["last4"])

    def month(self) -> Period:
        """Of the city's clock."""
        return Instant(self.city.now_ms()).date().period()

    def wall_month(self, kiosk: Kiosk) -> Period:
        """Of a kiosk's business day, else of its clock."""
        day = kiosk.ledger.read().day()
        return day.date.period() if day.date is not None else kiosk.clock.now().wall.date().period()

    def with_rights(self, k: int) -> list[int]:
        """Families that have something left at a kiosk this month, over and over; every one where none has."""
        branch, month = self.now[k], self.wall_month(self.kiosks[k]).iso
        left = {key[0] for key, got in branch.got.items() if key[2] == month and got > branch.used(key)}
        found = [f for f, row in enumerate(self.families) if row["key"] in left]
        return (found or list(range(len(self.families)))) * len(self.families)

    def ration(self, key: Key) -> int:
        """E of a month, by what was decided and not by any database: the programme's ration, or the largest pool."""
        family, programme, _, commodity = key
        return self.pools.get(key, 0) if is_pool(family) else RATIONS[programme][commodity]

    def begin_ledger(self, kiosk: Kiosk, reason: str = "") -> None:
        """Enrol with a code, and put a ledger of the new epoch into an empty folder."""
        new_ledger(kiosk.folder, KEY, encrypted=False)
        self.record_in(kiosk, kiosk.folder, self.enrolled(kiosk), reason)

    def enrolled(self, kiosk: Kiosk, device: str = "") -> Enrolment:
        """What the city answers to a code."""
        code = self.city.code(kiosk.device)
        now_s = kiosk._now_s
        return enrol(kiosk.url, code, "0.1.0", host="machine", device=device, now_s=now_s, sleep=lambda _: None)

    def record_in(self, kiosk: Kiosk, folder: Path, enrolment: Enrolment, reason: str) -> None:
        """The first entry of an epoch."""
        ledger = open_ledger(folder, KEY, kiosk.clock, encrypted=False)
        try:
            with ledger.write() as uow:
                record(uow, enrolment, reason)
        finally:
            ledger.close()

    def epochs(self) -> dict[tuple[str, int], Row]:
        """Every enrolment that the city knows."""
        with self.city.store.read() as tx:
            return {(row["device"], int(row["epoch"])): row for row in tx.all(schema.epoch)}

    # -- a step ------------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Let the mirror see what every journal holds."""
        self.changed = set()
        for kiosk in self.kiosks:
            if kiosk.number >= len(self.now):
                self.now.append(kiosk.begin())
            elif kiosk.follow(self.now[kiosk.number]):
                self.changed.add(kiosk.number)

    @contextlib.contextmanager
    def alive(self, kiosk: Kiosk) -> Iterator[None]:
        """What a machine does until it ends or stops dead; then it is started again. Refusals are everyday life."""
        try:
            yield
        except PosError as error:
            self.counted[f"refused: {error.code}.{error.reason}"] += 1
        except Crash:
            self.counted["crashes"] += 1
            kiosk.stop()
            kiosk.doom = 0
            kiosk.start()
