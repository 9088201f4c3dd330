"""Whatever the line does to the messages, both ends come to the same books; a bad line costs time and nothing else."""

from __future__ import annotations

import random
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.domain.journal import SettingsChanged
from ewarung_pos.ports import SyncReport
from ewarung_pos.sync.engine import SyncEngine
from tests.fault_proxy import (
    CAPTIVE_PORTAL,
    Exchange,
    Fault,
    FaultProxy,
    answering,
    at,
    half_reply,
    half_request,
    honest,
    lost_reply,
    lost_request,
    stale_reply,
    twice,
)
from tests.integration.city.city_kit import LiveCity, Till
from tests.integration.city.test_edges import certificate
from tests.integration.sync.shop import Shop, city_story, copied, ledger_story, small_city, step_until_quiet

FAMILIES = 8

FAULTS: dict[str, Fault] = {
    "the request is lost": lost_request,
    "half of the request arrives": half_request,
    "the answer is lost": lost_reply,
    "half of the answer arrives": half_reply,
    "the request arrives twice": twice,
    "an older answer comes again": stale_reply,
    "a captive portal": CAPTIVE_PORTAL,
    "500": answering(500, b"oops"),
    "503, come back in 40 s": answering(503, Retry_After="40"),
    "413": answering(413),
    "429, come back in 7 s": answering(429, Retry_After="7"),
    "502 from a gateway": answering(502, b"<html>"),
}
KINDS = ("hello", "push", "pull", "attest")

Books = tuple[list[tuple[str, Any]], dict[str, list[Any]]]


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> LiveCity:
    """A closed city, to be copied."""
    city = small_city(tmp_path_factory.mktemp("pattern"), FAMILIES)
    city.close()
    return city


@dataclass
class Ends:
    """A city that serves, and a till that is enrolled with it."""

    city: LiveCity
    till: Till
    shop: Shop

    def books(self) -> Books:
        return ledger_story(self.till), city_story(self.city)

    def over(self, url: str, ca: str = "") -> None:
        """Another line."""
        self.till.engine.close()
        self.till.engine = SyncEngine(self.till.ledger, self.till.clock, url, ca)

    def quiet(self) -> list[SyncReport]:
        return step_until_quiet(self.till.engine, self.till.clock)

    def day(self, url: str) -> list[SyncReport]:
        """The whole day over that line."""
        self.over(url)
        reports = self.quiet()
        self.shop.first_half()
        reports += self.quiet()
        self.shop.second_half()
        return reports + self.quiet()


@pytest.fixture
def both(pattern: LiveCity, tmp_path: Path) -> Iterator[Callable[[str], Ends]]:
    """Makes cities with a till each."""
    with ExitStack() as stack:

        def make(name: str) -> Ends:
            folder = tmp_path / name
            folder.mkdir()
            city = copied(pattern, folder / "city")
            stack.callback(city.close)
            city.start()
            till = Till(folder / "till", city.url, city.code(), city.clock)
            stack.callback(till.close)
            return Ends(city, till, Shop(till))

        yield make


@pytest.fixture(scope="session")
def calm(pattern: LiveCity, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The books after that day on a good line."""
    folder = tmp_path_factory.mktemp("calm")
    with ExitStack() as stack:
        city = copied(pattern, folder / "city")
        stack.callback(city.close)
        city.start()
        till = Till(folder / "till", city.url, city.code(), city.clock)
        stack.callback(till.close)
        ends = Ends(city, till, Shop(till))
        reports = ends.day(city.url)
        assert not any(report.code for report in reports)
        return ends.books()


class EachOnce:
    """In each part of the day the first message of each kind meets it; said again, it arrives."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.met: set[str] = set()

    def __call__(self, exchange: Exchange) -> Fault:
        if exchange.what in self.met:
            return honest
        self.met.add(exchange.what)
        return self.fault


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_each_message_may_meet_each_fault_and_the_books_are_the_same(
    both: Callable[[str], Ends], calm: Books, name: str
) -> None:
    ends = both("bad")
    plan = EachOnce(FAULTS[name])
    with FaultProxy(ends.city.url, plan) as line:
        ends.over(line.url)
        reports = ends.quiet()
        plan.met.clear()
        ends.shop.first_half()
        reports += ends.quiet()
        plan.met.clear()
        ends.shop.second_half()
        reports += ends.quiet()
        assert plan.met == set(KINDS)
    wrong = {(report.code, report.reason) for report in reports if report.code}
    print(name, sorted(wrong))  # noqa: T201
    assert bool(wrong) is (FAULTS[name] is not twice) or ("protocol_mismatch", "replayed") in wrong
    assert ends.books() == calm


def test_a_slow_line_only_takes_its_time(both: Callable[[str], Ends], calm: Books) -> None:
    ends = both("slow")
    with FaultProxy(ends.city.url, bits_s=64_000) as line:
        reports = ends.day(line.url)
    assert not any(report.code for report in reports)
    assert ends.books() == calm


def test_a_line_that_ends_every_few_kilobytes_carries_everything_in_the_end(
    both: Callable[[str], Ends], calm: Books
) -> None:
    ends = both("short")
    with FaultProxy(ends.city.url, cut_each=10_000) as line:
        ends.day(line.url)
    assert ends.books() == calm


def test_a_certificate_of_somebody_else_gets_nothing_and_with_the_right_one_all_arrives(
    both: Callable[[str], Ends], calm: Books, tmp_path: Path
) -> None:
    ends = both("tls")
    ours = certificate(tmp_path / "ours.pem")
    for name in ("theirs", "ours"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate(tmp_path / "theirs.pem") if name == "theirs" else ours)
        with FaultProxy(ends.city.url, tls=context) as line:
            ends.over(line.url, str(ours))
            if name == "theirs":
                report = ends.till.engine.step()
                assert (report.code, report.reason) == ("server_unreachable", "tls")
                assert line.seen == []
                continue
            ends.quiet()
            ends.shop.first_half()
            ends.shop.second_half()
            ends.quiet()
    assert ends.books() == calm


def test_an_answer_that_is_lost_costs_two_short_messages_and_not_the_batch_again(both: Callable[[str], Ends]) -> None:
    sent, draw = {}, random.Random(1)
    for name, nth in (("calm", 0), ("lost", 1)):
        ends = both(name)
        ends.quiet()
        with ends.till.ledger.write() as uow:
            for _ in range(60):
                uow.append(SettingsChanged("note", "", draw.randbytes(200).hex()))
        with FaultProxy(ends.city.url, at("push", nth, lost_reply)) as line:
            ends.over(line.url)
            ends.quiet()
            sent[name] = line.up
    assert sent["calm"] > 8_000
    assert sent["lost"] - sent["calm"] < 3_000


class Random:
    """So many of a hundred exchanges meet a fault, drawn from a seed."""

    def __init__(self, seed: int, percent: int) -> None:
        self.draw = random.Random(seed)
        self.percent = percent

    def __call__(self, exchange: Exchange) -> Fault:
        bad = self.draw.randrange(100) < self.percent
        name = self.draw.choice(sorted(FAULTS))
        return FAULTS[name] if bad else honest


def test_selling_goes_on_while_the_queue_drains(both: Callable[[str], Ends], calm: Books) -> None:
    """The counter and the line take turns at the ledger, in two threads, and neither waits for a message."""
    ends = both("busy")
    with FaultProxy(ends.city.url, Random(7, 40)) as line:
        ends.over(line.url)
        ends.quiet()
        counter = threading.Thread(target=ends.shop.first_half, name="counter")
        counter.start()
        while counter.is_alive():
            ends.till.clock.wait(ends.till.engine.step().retry_ms)
        counter.join()
        counter = threading.Thread(target=ends.shop.second_half, name="counter")
        counter.start()
        while counter.is_alive():
            ends.till.clock.wait(ends.till.engine.step().retry_ms)
        counter.join()
        ends.quiet()
    assert ends.books() == calm


def test_two_at_work_on_one_journal_send_it_once(both: Callable[[str], Ends], calm: Books) -> None:
    """As when *Kirim sekarang* is pressed while a step is under way: both may send, and each entry counts once."""
    ends = both("two")
    with FaultProxy(ends.city.url, Random(11, 30)) as line, FaultProxy(ends.city.url, Random(12, 30)) as other:
        ends.over(line.url)
        second = SyncEngine(ends.till.ledger, ends.till.clock, other.url)
        over = threading.Event()

        def work() -> None:
            while not over.is_set():
                second.step()

        thread = threading.Thread(target=work, name="second engine")
        thread.start()
        try:
            ends.quiet()
            ends.shop.first_half()
            ends.quiet()
            ends.shop.second_half()
            ends.quiet()
        finally:
            over.set()
            thread.join()
            second.close()
    assert ends.books() == calm


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(8))
def test_any_mixture_of_faults_ends_with_the_same_books(
    both: Callable[[str], Ends], calm: Books, seed: int, record_property: Callable[[str, object], None]
) -> None:
    for number in range(25):
        ends = both(f"mixed-{number}")
        with FaultProxy(ends.city.url, Random(1000 * seed + number, 20 + 10 * (number % 5))) as line:
            ends.day(line.url)
        record_property("counted: exchanges on a line with every fault", len(line.seen))
        assert ends.books() == calm
        ends.till.close()
        ends.city.close()
