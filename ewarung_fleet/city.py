"""The city of a fleet: its server, in a process that can be killed, and its officers, who work on the database beside.

The officers do what `ewarung-city`'s commands do, by the same functions and by the told time.
"""

from __future__ import annotations

import select
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from ewarung_city import enrolment, leases, officers, register
from ewarung_city.bundles import take_bundle
from ewarung_city.keys import make_keys
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Tx
from ewarung_fleet.clock import ToldTime
from ewarung_fleet.kiosk import REPLIES, Ask, posted
from ewarung_fleet.people import write_families, write_kiosks
from ewarung_fleet.plan import Plan
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.errors import ConfigError, NotEntitled
from ewarung_pos.sync.bundle_file import keep, take

__all__ = ["CityServer", "Office"]

_START_S = 60.0
_STOP_S = 10.0
_OFFICERS = ("Ratna", "Budi")
_AHEAD_MS = 7 * 86_400_000


class CityServer:
    """The server's process; its port stays the same however often it dies."""

    def __init__(self, data_dir: Path, database: str, clock: Path) -> None:
        self._command = [sys.executable, "-m", "ewarung_fleet.server", str(data_dir), database]
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> None:
        """Start it, and wait until it listens.

        Raises:
            ConfigError: it does not.
        """
        listen = urlsplit(self.url).netloc if self.url else "127.0.0.1:0"
        self._process = process = subprocess.Popen(  # noqa: S603 - our own program
            [*self._command, listen, str(self._clock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        said = process.stdout
        if said is None or not select.select([said], [], [], _START_S)[0] or not (line := said.readline()):
            self.kill()
            raise ConfigError("the city's server does not start", reason="city_start")
        self.url = line.decode().strip()

    def kill(self) -> None:
        """As a power failure would: it hears nothing of it (SIGKILL)."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            self._over(process)

    def stop(self) -> None:
        """In order; does nothing when it is not running."""
        process, self._process = self._process, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
            self._over(process)

    @staticmethod
    def _over(process: subprocess.Popen[bytes]) -> None:
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


class Office:
    """The officers' desk.

    Args:
        plan: says who lives there.
        folder: of the whole simulation.
        database: URL; empty for SQLite in the folder.
        time: the city's.
    """

    def __init__(self, plan: Plan, folder: Path, database: str, time: ToldTime) -> None:
        self.data_dir = folder / "city"
        self.data_dir.mkdir(exist_ok=True)
        self.database = database or f"sqlite:///{self.data_dir / 'city.db'}"
        self.store = CityStore(self.database)
        self._folder = folder
        self._plan = plan
        self._time = time
        self._keys = make_keys(self.data_dir)
        self._granted: set[str] = set()
        self._to_sign: list[Ask] = []
        self._released = False

    def found(self) -> None:
        """Make the city: tables, register, rations of the first month, two officers with keys.

        Raises:
            ConfigError: that database holds a city already.
        """
        self.store.create()
        with self.store.read() as tx:
            if tx.count(schema.kiosk) or tx.count(schema.family):
                raise ConfigError("--database: there is a city in it already; give an empty one", reason="not_empty")
        write_kiosks(self._plan, self._folder / "kiosks.csv")
        write_families(self._plan, self._folder / "families.csv")
        sample = Path(str(files("ewarung_pos") / "resources" / "sample"))
        month = self._month(0)
        with self.store.write() as tx:
            register.import_regions(tx, sample / "semarang-kelurahan.csv")
            register.import_catalogue(tx, sample / "catalogue.json", month)
            kiosks = register.import_kiosks(tx, self._folder / "kiosks.csv")
            now = self._time.ms()
            families = register.import_families(tx, self._folder / "families.csv", self._keys, now, "rekaan")
            for name in _OFFICERS:
                officers.register_officer(tx, name, self._key_file(name))
        if kiosks.refused or families.refused:
            raise ConfigError(f"{kiosks.by_reason()} {families.by_reason()}", reason="invented")
        self.grant_ahead()

    def grant_ahead(self) -> None:
        """The month that it is, and the next one seven days before it begins."""
        for ahead in (0, _AHEAD_MS):
            month = self._month(ahead)
            if month not in self._granted:
                self.store.decide(lambda tx, month=month: leases.grant(tx, month))  # type: ignore[misc]
                self._granted.add(month)

    def codes(self, asks: list[Ask]) -> dict[str, str]:
        """Do what kiosks asked for; returns the codes for those that want to enrol."""
        codes = {}
        for ask in asks:
            if ask.what == "freeze":
                self.store.decide(lambda tx, ask=ask: officers.freeze(tx, ask.device))  # type: ignore[misc]
            elif ask.what == "lost":
                self._to_sign.append(ask)
        self._to_sign = [ask for ask in self._to_sign if not self._sign(ask)]
        for ask in asks:
            if ask.what == "enrol":
                codes[ask.device] = self.store.decide(
                    lambda tx, ask=ask: enrolment.issue_code(tx, ask.device, self._time.ms(), auto=True)  # type: ignore[misc]
                )
        return codes

    def evening(self, kiosks: Path) -> None:
        """Take the files that kiosks of that folder sent by hand, and grant what was freed."""
        for file in posted(kiosks):
            done = take_bundle(self.store, self._keys, take(file), self._time.ms())
            replies = file.parent / REPLIES
            replies.mkdir(exist_ok=True)
            keep(replies / done.name, done.reply)
            file.unlink()
        if self._released:
            self._released = False
            month = self._month(0)
            self.store.decide(lambda tx: leases.grant(tx, month))
        self.grant_ahead()

    def token_of(self, family: int) -> str:
        """The reference of a planned family's card."""
        return self._keys.card_ref(self._plan.families[family].number).token

    def close(self) -> None:
        """Give connections back."""
        self.store.close()

    def _sign(self, ask: Ask) -> bool:
        """Both officers sign that this enrolment will never spend again; False while it is not frozen yet."""

        def work(tx: Tx) -> int:
            words = [officers.sign_lost(tx, ask.device, ask.epoch, name, self._key_file(name)) for name in _OFFICERS]
            return officers.declare_lost(tx, ask.device, ask.epoch, words)

        try:
            self.store.decide(work)
        except NotEntitled as error:
            if error.reason == "not_frozen":
                return False
            raise
        self._released = True
        return True

    def _month(self, ahead_ms: int) -> str:
        return Instant(self._time.ms() + ahead_ms).date().period().iso

    def _key_file(self, name: str) -> Path:
        return self.data_dir / f"officer-{name}.key"
