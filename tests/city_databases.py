"""Where the cities of the tests keep their data: SQLite files, and databases of a PostgreSQL server that tests start.

The server is Debian's own program in a directory of its own; it listens on a Unix socket there and nowhere else, does
not wait for the disk, and dies with the process that started it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import URL, make_url

__all__ = ["Databases", "OnCitus", "OnPostgres", "OnSqlite", "PostgresServer", "has_citus", "postgres_programs"]

START_SECONDS = 30
OWNER = "postgres"


class Databases(ABC):
    """Makes databases for cities, each known by its SQLAlchemy URL."""

    @abstractmethod
    def fresh(self, data_dir: Path) -> str:
        """An empty one for the city in that directory."""

    @abstractmethod
    def copied(self, url: str, data_dir: Path) -> str:
        """One with all that another holds; nobody may be connected to that."""

    @abstractmethod
    def drop(self, url: str) -> None:
        """It is not needed any more."""


class OnSqlite(Databases):
    """A file in the city's own directory, where the program itself puts it."""

    def fresh(self, data_dir: Path) -> str:
        data_dir.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{data_dir / 'city.db'}"

    def copied(self, url: str, data_dir: Path) -> str:
        shutil.copy(str(make_url(url).database), data_dir / "city.db")
        return self.fresh(data_dir)

    def drop(self, url: str) -> None:
        """The directory goes with the test."""


class OnPostgres(Databases):
    """Databases on one server, copied from templates by the server itself.

    Args:
        url: of a database of that server; its user may create others.
        prepare: brings an empty database to the program's tables, once; every fresh one is its copy.
    """

    def __init__(self, url: str, prepare: Callable[[str], None]) -> None:
        self._url = make_url(url).set(drivername="postgresql+psycopg")
        self._names = (f"ewarung_test_{os.getpid()}_{number}" for number in itertools.count(1))
        self._made: set[str] = set()
        self._prepare = prepare
        self._empty: URL | None = None
        server = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._server = psycopg.connect(server, autocommit=True)

    def fresh(self, data_dir: Path) -> str:
        if self._empty is None:
            empty = self._create("template0")
            self._prepare(_text(empty))
            self._empty = empty
        return self.copied(_text(self._empty), data_dir)

    def copied(self, url: str, data_dir: Path) -> str:
        data_dir.mkdir(parents=True, exist_ok=True)
        return _text(self._create(str(make_url(url).database)))

    def unprepared(self) -> str:
        """One without any table."""
        return _text(self._create("template0"))

    def _create(self, template: str) -> URL:
        name = next(self._names)
        # As files: page by page through the log, as a server does unasked, takes three times the work.
        options = f"TEMPLATE {template} ENCODING 'UTF8' STRATEGY FILE_COPY"
        self._server.execute(f"CREATE DATABASE {name} {options}".encode())
        self._made.add(name)
        return self._url.set(database=name)

    def drop(self, url: str) -> None:
        name = str(make_url(url).database)
        self._server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        self._made.discard(name)

    def close(self) -> None:
        """Drop what is left."""
        for name in sorted(self._made):
            self._server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        self._server.close()


class OnCitus(Databases):
    """Schemas of one database that has Citus: its extension and its machines belong to a database, so none is made.

    Args:
        url: of that database; its user may make schemas. Nothing else works on it meanwhile.
        prepare: brings an empty schema to the program's tables, each in its place.
    """

    def __init__(self, url: str, prepare: Callable[[str], None]) -> None:
        self._url = make_url(url).set(drivername="postgresql+psycopg")
        self._names = (f"ewarung_test_{os.getpid()}_{number}" for number in itertools.count(1))
        self._prepare = prepare
        self._made: dict[str, str] = {}

    def fresh(self, data_dir: Path) -> str:
        data_dir.mkdir(parents=True, exist_ok=True)
        url = self.unprepared()
        self._prepare(url)
        return url

    def unprepared(self) -> str:
        """One without any table."""
        name = next(self._names)
        self._run(f"CREATE SCHEMA {name}")
        # psycopg's own keywords stay as they are: only this one is added.
        url = _text(self._url.update_query_dict({"options": f"-csearch_path={name},public"}))
        self._made[url] = name
        return url

    def copied(self, url: str, data_dir: Path) -> str:
        from ewarung_city.store.schema import METADATA

        made = self.fresh(data_dir)
        old, new = self._made[url], self._made[made]
        months = "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relname ~ '^entry_[0-9_]+$'"
        for (month,) in self._run(months, (old,)):
            bounds = "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = %s::regclass"
            ((bound,),) = self._run(bounds, (f"{old}.{month}",))
            self._run(f"CREATE TABLE {new}.{month} PARTITION OF {new}.entry {bound}")
        for table in METADATA.sorted_tables:
            if table.name == "city":  # where the revisions wrote already
                self._run(f"TRUNCATE {new}.city")
            self._run(f'INSERT INTO {new}."{table.name}" SELECT * FROM {old}."{table.name}"')  # noqa: S608 - our names
        return made

    def drop(self, url: str) -> None:
        self._run(f"DROP SCHEMA {self._made.pop(url)} CASCADE")

    def close(self) -> None:
        """Drop what is left."""
        for url in list(self._made):
            self.drop(url)

    def _run(self, statement: str, told: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        with psycopg.connect(_text(self._url.set(drivername="postgresql")), autocommit=True) as connection:
            ran = connection.execute(statement.encode(), told)
            return ran.fetchall() if ran.description else []


def has_citus(url: str) -> bool:
    """Whether that database has the extension."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        return connection.execute("SELECT FROM pg_extension WHERE extname = 'citus'").fetchone() is not None


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def postgres_programs() -> Path | None:
    """Where `initdb` and `postgres` are, the newest of several; None when PostgreSQL is not installed."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if found:
        return max(found, key=lambda path: int(path.parent.name))
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


class PostgresServer:
    """A server in a new directory; `url` is its first database. Not durable unless asked.

    It refuses to run as root, so root starts it as the account that Debian's package made.
    """

    def __init__(self, programs: Path, *, durable: bool = False, settings: tuple[str, ...] = ()) -> None:
        self._as = ("setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups") if os.getuid() == 0 else ()
        self.folder = _short_directory(in_memory=not durable)
        self._log = self.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        try:
            if self._as:
                shutil.chown(self.folder, OWNER, OWNER)
            self._run(
                programs / "initdb", "--pgdata", self.folder / "data", "--username", OWNER, "--auth", "trust",
                "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions",
            )  # fmt: skip
            self._options = _options(self.folder, durable=durable) + settings
            self._programs = programs
            self.url = f"postgresql+psycopg://{OWNER}@/postgres?host={self.folder}"
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Of the process that all others come from."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, if it does not run."""
        if self._process is not None and self._process.poll() is None:
            return
        with self._log.open("ab") as log:
            # The signal comes from the kernel when this process dies, however it does: no server is left behind.
            self._process = subprocess.Popen(
                [
                    *(self._as or ("setpriv",)), "--pdeathsig", "QUIT", str(self._programs / "postgres"),
                    "-D", str(self.folder / "data"), *(part for option in self._options for part in ("-c", option)),
                ],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
            )  # fmt: skip
        self._wait()

    def stop(self) -> None:
        """End it in order, as an operator does: nothing is left to be recovered."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)

    def kill(self) -> None:
        """All its processes at once; what it had promised is in its files."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGSTOP)  # none is born between the look and the end
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text(encoding="ascii")
        doomed = [*map(int, children.split())]
        for pid in (self._process.pid, *doomed):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(20)
        deadline = time.monotonic() + 20
        while any(map(_lives, doomed)):  # a server does not start beside one of the server before
            if time.monotonic() > deadline:
                raise RuntimeError("a process of the server does not end")
            time.sleep(0.002)

    def _run(self, *command: object) -> None:
        subprocess.run([*self._as, *map(str, command)], check=True, stdout=subprocess.DEVNULL, cwd=self.folder)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(host=str(self.folder), user=OWNER, dbname="postgres").close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process is None or self._process.poll() is not None:
                    raise RuntimeError(f"the server did not start:\n{self._log.read_text()}") from None
                time.sleep(0.02)

    def close(self) -> None:
        """Stop it at once and remove everything."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGQUIT)
            process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


def _lives(pid: int) -> bool:
    """Whether a process still holds anything; one that ended may wait for somebody to hear of it."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] != "Z"
        )
    except OSError:
        return False


def _options(folder: Path, *, durable: bool) -> tuple[str, ...]:
    quick = (
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "wal_level=minimal",
        "max_wal_senders=0",
        "autovacuum=off",
        "jit=off",
    )
    return (
        "listen_addresses=", f"unix_socket_directories={folder}", "max_connections=60", "timezone=UTC",
        "shared_buffers=64MB", *(() if durable else quick),
    )  # fmt: skip


def _short_directory(*, in_memory: bool) -> Path:
    """A new directory that another account can reach, with a path short enough for a socket."""
    memory = [Path("/dev/shm")] if in_memory else []  # noqa: S108 - mkdtemp makes it safe
    for parent in (*memory, Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - as above
        if _reachable(parent):
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix="ewarung-pg-", dir=parent))
    raise RuntimeError("no directory for a PostgreSQL server")


def _reachable(folder: Path) -> bool:
    return folder.is_dir() and all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents))


@contextlib.contextmanager
def server(*, durable: bool = False, settings: tuple[str, ...] = ()) -> Iterator[PostgresServer]:
    """A server for the length of a block.

    Raises:
        RuntimeError: PostgreSQL is not installed; `scripts/setup full` does that.
    """
    programs = postgres_programs()
    if programs is None:
        raise RuntimeError("PostgreSQL is not installed: run scripts/setup full")
    started = PostgresServer(programs, durable=durable, settings=settings)
    try:
        yield started
    finally:
        started.close()
