"""What holds for every test: its surroundings, and that it leaves nothing behind."""

from __future__ import annotations

import contextlib
import gc
import importlib
import itertools
import os
import pkgutil
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings

from tests.city_databases import Databases
from tests.peers import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]

GRACE_SECONDS = 3.0
TESTS = Path(__file__).parent
WHOLE = {"ui", "system", "machine", "model"}
"""Folders of tests by which no branch is counted."""

# Before anything imports Qt or reads a clock. The zone is a POSIX one, far from Semarang's, so that code which takes
# the machine's local time for the kiosk's fails here and not on a laptop set to another zone.
os.environ["QT_QPA_PLATFORM"] = os.environ.get("EWARUNG_TEST_QT_PLATFORM", "offscreen")
os.environ["TZ"] = "AWAY+5"
time.tzset()
TEST_URL = os.environ.get("EWARUNG_CITY_TEST_URL", "")
"""A PostgreSQL server on which the city's tests run too (its user may create databases), or a database with Citus."""
_KEPT = {"EWARUNG_TEST_QT_PLATFORM", "EWARUNG_EVERY_PEER"}
for _name in [name for name in os.environ if name.startswith("EWARUNG_") and name not in _KEPT]:
    del os.environ[_name]

# The same examples in every run, so that a red run is red again; HYPOTHESIS_PROFILE=explore looks for new ones.
_slow_is_fine = [HealthCheck.too_slow]
settings.register_profile(
    "steady", derandomize=True, deadline=None, max_examples=100, suppress_health_check=_slow_is_fine
)
settings.register_profile("explore", deadline=None, max_examples=2000, suppress_health_check=_slow_is_fine)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long proofs run only when asked for: `make torture`, or `pytest -m torture`."""
    if "torture" in config.getoption("markexpr"):
        return
    left_out = [item for item in items if item.get_closest_marker("torture")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    """Nothing collected so far goes away: the collector of garbage need not walk through it again, test after test.

    One full walk through all tests and what they import takes half a second.
    """
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the proofs counted (`record_property("counted: ...", number)`), each test's figures added up."""
    total: Counter[str] = Counter()
    for report in itertools.chain.from_iterable(terminalreporter.stats.values()):
        for name, value in getattr(report, "user_properties", ()) if getattr(report, "when", "") == "call" else ():
            if name.startswith("counted: "):
                total[name.removeprefix("counted: ")] += value
            elif name == "figures":
                terminalreporter.write_line(f"\n{report.nodeid}\n{value}")
    if total:
        terminalreporter.section("counted")
        for name, value in sorted(total.items()):
            terminalreporter.write_line(f"{value:>8} {name}")


def _refuse_other_machines(event: str, arguments: tuple[object, ...]) -> None:
    """Keep every socket of the test process on loopback, whoever opens it."""
    if event not in {"socket.connect", "socket.bind"}:
        return
    address = arguments[1]
    if not isinstance(address, tuple):  # a Unix socket's path
        return
    host = str(address[0])
    if host.startswith("127.") or host in {"localhost", "::1"}:
        return
    message = f"a test may talk to this machine only, not {event.removeprefix('socket.')} {host!r}"
    raise PermissionError(message)


sys.addaudithook(_refuse_other_machines)


def _workers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if not thread.daemon}


def _children() -> set[int]:
    """Ids of this process's children that still run; none where the kernel does not tell."""
    found: set[int] = set()
    tasks = "/proc/self/task"  # asked at both ends of every test: Path.glob takes four times as long
    for task in os.listdir(tasks) if os.path.isdir(tasks) else ():  # noqa: PTH112, PTH208
        with contextlib.suppress(OSError), open(f"{tasks}/{task}/children", "rb") as file:  # noqa: PTH123
            found.update(map(int, file.read().split()))
    return found


def _where(thread: threading.Thread) -> str:
    frame = sys._current_frames().get(thread.ident or 0)
    stack = "".join(traceback.format_stack(frame)[-3:]) if frame else ""
    return f"{thread.name}\n{stack}"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of this session's own."""
    from tests.city_databases import server

    with server() as started:
        yield started.url


@pytest.fixture(scope="session", params=["sqlite", "postgresql", *(["url"] if TEST_URL else [])])
def databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """What a city keeps its data in: every test that asks runs once for each kind."""
    from tests.city_databases import OnCitus, OnPostgres, OnSqlite, has_citus

    if request.param == "sqlite":
        yield OnSqlite()
        return
    url = TEST_URL if request.param == "url" else request.getfixturevalue("postgresql")
    made: OnCitus | OnPostgres = OnCitus(url, _spread) if has_citus(url) else OnPostgres(url, _prepared)
    yield made
    made.close()


def _prepared(url: str) -> None:
    from ewarung_city.store.database import CityStore

    store = CityStore(url)
    store.create()
    store.close()


def _spread(url: str) -> None:
    from ewarung_city.store.database import CityStore

    store = CityStore(url)
    store.create()
    store.distribute()
    store.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Count branches where they are tested, and of a city beside SQLite only.

    Counting costs as much as what is counted. Whole windows and whole tills show that the parts fit; that each branch
    of a part does what it should is shown by its own tests, and those alone say whether any is left out. And what a
    test makes the till do beside SQLite it makes it do beside PostgreSQL too: the city, which that changes, is not
    counted.
    """
    counting = Coverage.current()
    if counting is None or (_is_counted(item) and not _in(item, "integration", "city")):
        return (yield)
    _import_counted(counting)
    if _is_counted(item):  # but for what the city's own threads do, which nobody counts and which costs as much
        hook = threading.gettrace()
        threading.settrace(None)
        try:
            return (yield)
        finally:
            threading.settrace(hook)
    counting.stop()
    try:
        return (yield)
    finally:
        counting.start()


def _is_counted(item: pytest.Item) -> bool:
    beside = getattr(item, "callspec", None)
    if beside is not None and beside.params.get("databases", "sqlite") != "sqlite":
        return False
    return not any(_in(item, folder) for folder in WHOLE)


def _in(item: pytest.Item, *folders: str) -> bool:
    return item.path.is_relative_to(TESTS.joinpath(*folders))


@cache
def _import_counted(counting: Coverage) -> None:
    """A module's own lines run once for each process: let it be while they count."""
    sources = counting.get_option("run:source")
    for source in sources if isinstance(sources, list) else []:
        found = importlib.import_module(source)
        for module in pkgutil.walk_packages(found.__path__, f"{source}."):
            importlib.import_module(module.name)


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a thread or a child process of its own running."""
    threads, children = _workers(), _children()
    yield
    deadline = time.monotonic() + GRACE_SECONDS
    while (_workers() - threads or _children() - children) and time.monotonic() < deadline:
        time.sleep(0.01)
    if left := _workers() - threads:
        pytest.fail("left running: " + "\n".join(_where(thread) for thread in left), pytrace=False)
    if orphans := _children() - children:
        pytest.fail(f"left child processes running: {sorted(orphans)}", pytrace=False)
