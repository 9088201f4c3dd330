"""What the city tells a monitoring system: how it works, and what a person should look at. Nothing of any family.

Counters and times of this process come from `prometheus_client`; where several workers serve they write them to files
in the directory that PROMETHEUS_MULTIPROC_DIR names, and whoever is asked adds up all. What the database knows is read
from it when asked, so it is the same whichever worker answers, and outlives them.
"""

from __future__ import annotations

import os
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from ewarung_city import ahead, audit, enrolment, versions
from ewarung_city.place import now_ms
from ewarung_city.recovery import recovering
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Row, Tx
from ewarung_pos.sync.protocol import SCHEMA, Flag, Mode, Outcome

__all__ = ["DIRECTORY", "EACH_KIOSK", "Metrics"]

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""Of the environment: where the files of several workers are. Read by prometheus_client when it is imported."""

EACH_KIOSK = 2_000
"""A city with more kiosks tells of them only in sums: each would be several series of its own."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The figures of one city, as far as this process made them, and what its database says at this time (ms UTC)."""

    def __init__(self, store: CityStore, now_ms: Callable[[], int] = now_ms) -> None:
        self._database = _Database(store, now_ms)
        self._files = os.environ.get(DIRECTORY, "")
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "ewarung_requests", "Answered requests.", ("route", "method", "status"), registry=registry
        )
        self._refusals = Counter(
            "ewarung_refusals", "Requests that were refused, by the problem's reason.", ("reason",), registry=registry
        )
        self._seconds = Histogram(
            "ewarung_request_seconds", "From heading to answer.", ("route",), registry=registry, buckets=_SECONDS
        )
        self._waits = Histogram(
            "ewarung_database_wait_seconds",
            "Until a transaction had its connection and its turn.",
            ("work",),
            registry=registry,
            buckets=_SECONDS,
        )
        self._works = Histogram(
            "ewarung_database_seconds",
            "From then until it was over.",
            ("work",),
            registry=registry,
            buckets=_SECONDS,
        )
        store.watch = self.transaction

    def request(self, route: str, method: str, status: int, reason: str, seconds: float) -> None:
        """One was answered; `reason` of the problem document, if it was one."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        if reason:
            self._refusals.labels(reason).inc()

    def transaction(self, work: str, waited: float, worked: float) -> None:
        """One is over: `work` is read, kiosk or office."""
        self._waits.labels(work).observe(waited)
        self._works.labels(work).observe(worked)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        registry = self._registry
        if self._files:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, self._files)  # type: ignore[no-untyped-call]
        return generate_latest(registry) + generate_latest(_only(self._database))


def _only(collector: Collector) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(collector)
    return registry


class _Database(Collector):
    """What the city's database says now."""

    def __init__(self, store: CityStore, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._now_ms = now_ms

    def describe(self) -> list[Metric]:
        """Nothing before it is asked: else registering would already read."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every figure."""
        kind = "postgresql" if self._store.shared else "sqlite"
        yield _gauge("ewarung_build", "The program.", ("version", "protocol", "database"), {
            (version("ewarung-pos"), str(SCHEMA), kind): 1
        })  # fmt: skip
        began = time.perf_counter()
        with self._store.read() as tx:
            figures = [*_journals(tx), *_decisions(tx, self._now_ms()), *_months(tx, self._now_ms())]
        yield from figures
        took = time.perf_counter() - began
        yield GaugeMetricFamily("ewarung_collect_seconds", "What reading these figures took.", value=took)
        yield GaugeMetricFamily(
            "ewarung_connections", "Of this worker to its database, in use.", value=self._store.busy
        )


def _journals(tx: Tx) -> Iterator[Metric]:
    """How far what kiosks wrote is here."""
    epochs = tx.all(schema.epoch, "device", "epoch")
    active = [row for row in epochs if row["state"] == "active"]
    yield _counter("ewarung_entries", "Entries taken.", (), {(): sum(int(row["acked_seq"]) for row in epochs)})
    yield _gauge("ewarung_kiosks", "Enrolled kiosks.", ("state",), dict(_states(active)))
    least = versions.oldest(tx)
    old = sum(versions.state_of(str(row["app_version"]), least) != "ok" for row in active)
    yield _gauge("ewarung_kiosks_old", "Kiosks whose version the city supports no more.", (), {(): old})
    behind = [max(0, int(row["said_seq"]) - int(row["acked_seq"])) for row in active]
    yield _gauge(
        "ewarung_behind_entries", "Entries kiosks said they have, and the city has not.", (), {(): sum(behind)}
    )
    if len(active) > EACH_KIOSK:
        return
    each = {(row["device"],): row for row in active}
    yield _gauge(
        "ewarung_kiosk_seen_timestamp_seconds", "When a kiosk was last heard of.", ("kiosk",),
        {key: int(row["seen_ms"]) / 1000 for key, row in each.items()},
    )  # fmt: skip
    yield _gauge(
        "ewarung_kiosk_entries", "Entries of its journal that are here.", ("kiosk",),
        {key: int(row["acked_seq"]) for key, row in each.items()},
    )  # fmt: skip
    yield _gauge(
        "ewarung_kiosk_behind_entries", "Entries that it said it has, and the city has not.", ("kiosk",),
        {key: behind[place] for place, key in enumerate(each)},
    )  # fmt: skip


def _states(active: list[Row]) -> Iterator[tuple[tuple[str], int]]:
    tally = Tally("active" if row["mode"] == Mode.NORMAL.value else "upload_only" for row in active)
    for state in ("active", "upload_only"):
        yield (state,), tally[state]


def _decisions(tx: Tx, now_ms: int) -> Iterator[Metric]:
    """What waits for a person."""
    none = dict.fromkeys(((Outcome.FORK.value, "open"), (Flag.UNREADABLE.value, "open")), 0)
    cases = none | tx.tally(schema.case, "reason", "state")
    yield _gauge("ewarung_cases", "Cases; open ones wait for a person.", ("reason", "state"), cases)
    aside = {(Outcome.FORK.value,): 0} | tx.tally(schema.aside, "reason")
    yield _gauge("ewarung_aside", "Batches put aside, not taken.", ("reason",), aside)
    pending = len(enrolment.waiting(tx, now_ms))
    yield _gauge("ewarung_enrolments_pending", "Kiosks that wait for their six digits.", (), {(): pending})
    yield _gauge("ewarung_recovery_waits", "Kiosks that a restored city waits for.", (), {(): len(recovering(tx))})
    yield _gauge("ewarung_audit_acts", "Rows of the audit: never fewer than before.", (), {(): audit.head(tx).seq})


def _months(tx: Tx, now_ms: int) -> Iterator[Metric]:
    """Which months should be granted by now, and are or are not."""
    told: dict[tuple[str, ...], float] = {}
    for period, _ in ahead.expected(now_ms):
        told[period,] = int(ahead.is_granted(tx, period))
    yield _gauge("ewarung_period_granted", "Months that should be granted by now: 1 if they are.", ("period",), told)


def _gauge(name: str, said: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]) -> Metric:
    family = GaugeMetricFamily(name, said, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _counter(name: str, said: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]) -> Metric:
    family = CounterMetricFamily(name, said, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
