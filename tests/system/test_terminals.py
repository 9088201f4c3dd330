"""Somebody else's terminal on every wire, in good and bad moods: the ledger and the terminal agree to the rupiah."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import serial

from ewarung_pos.devices.ecr import EcrLine
from ewarung_pos.devices.ecr_reader import EcrCardReader
from ewarung_pos.devices.ecr_site import EcrSite, EcrTimers
from ewarung_pos.devices.ecr_terminal import EcrTerminal
from ewarung_pos.devices.simulated.edc import Spawned, spawn
from ewarung_pos.devices.transport import SerialTransport
from ewarung_pos.ports import Approved, PaymentIntent
from tests.system.kit import (
    bank,
    book,
    demo_command,
    moved,
    refused,
    run,
    said,
    same_at_the_city,
    same_money,
    voided_by_hand,
)

pytestmark = pytest.mark.system

Rules = list[dict[str, Any]]

TIDY: Rules = []
SHAPES: Rules = [
    {"on": "sale", "nth": 1, "do": "split", "ms": 2},
    {"on": "sale", "nth": 2, "do": "glue_ack"},
    {"on": "sale", "nth": 3, "do": "bad_lrc_once"},
    {"on": "sale", "nth": 4, "do": "nak", "count": 2},
    {"on": "sale", "nth": 5, "do": "duplicate_response", "ms": 20},
    {"on": "sale", "nth": 6, "do": "garbage_before"},
    {"on": "sale", "nth": 7, "do": "short"},
    {"on": "sale", "nth": 8, "do": "long"},
    {"on": "echo", "every": 2, "do": "duplicate_response"},
    {"on": "card", "every": 3, "do": "split"},
    {"on": "card", "every": 4, "do": "bad_lrc"},
    {"on": "card", "every": 5, "do": "duplicate_response"},
    {"on": "card", "every": 7, "do": "nak"},
    {"on": "any", "every": 11, "do": "glue_ack"},
    {"on": "any", "every": 13, "do": "garbage_before"},
]
LOSSES: Rules = [
    {"on": "sale", "nth": 1, "do": "silence"},
    {"on": "sale", "nth": 2, "do": "silence", "processed": True},
    {"on": "sale", "nth": 3, "do": "late_response", "ms": 4500},
    {"on": "sale", "nth": 4, "do": "hangup_after_ack"},
    {"on": "sale", "nth": 5, "do": "bad_lrc"},
    {"on": "void", "nth": 1, "do": "drop_response"},
    {"on": "inquiry", "nth": 1, "do": "split"},
    {"on": "inquiry", "nth": 2, "do": "bad_lrc"},
    {"on": "card", "nth": 3, "do": "hangup_after_ack"},
    {"on": "card", "nth": 4, "do": "silence"},
    {"on": "settle", "nth": 1, "do": "drop_response"},
]
REFUSALS: Rules = [
    {"on": "sale", "nth": 1, "do": "decline", "code": "61"},
    {"on": "sale", "nth": 2, "do": "host_timeout", "approved": True},
    {"on": "sale", "nth": 3, "do": "host_timeout"},
    {"on": "sale", "nth": 4, "do": "reject_pin"},
    {"on": "sale", "nth": 5, "do": "wrong_amount"},
    {"on": "sale", "nth": 6, "do": "wrong_type"},
    {"on": "sale", "nth": 7, "do": "nak", "count": 5},
    {"on": "sale", "nth": 8, "do": "other_card"},
    {"on": "void", "nth": 1, "do": "hangup_after_ack"},
    {"on": "void", "nth": 2, "do": "nak", "count": 3},
    {"on": "inquiry", "nth": 2, "do": "short"},
]
ALL_AT_ONCE: Rules = [
    {"on": "any", "every": 5, "do": "split", "ms": 1},
    {"on": "any", "every": 7, "do": "duplicate_response", "ms": 3},
    {"on": "any", "every": 11, "do": "garbage_before"},
    {"on": "any", "every": 13, "do": "nak"},
    {"on": "any", "every": 17, "do": "hangup_after_ack"},
    {"on": "sale", "every": 3, "do": "bad_lrc_once"},
    {"on": "sale", "every": 4, "do": "glue_ack"},
    {"on": "sale", "every": 5, "do": "drop_response"},
]
WORDS = (
    "split glue_ack bad_lrc bad_lrc_once nak silence drop_response late_response duplicate_response wrong_amount "
    "wrong_type other_card short long garbage_before hangup_after_ack decline host_timeout reject_pin"
)


@dataclass(frozen=True)
class Terminal:
    """A simulator of its own, and how a till reaches it."""

    url: str
    journal: Path
    tray: bool


@contextlib.contextmanager
def terminal(wire: str, faults: Rules, place: Path) -> Iterator[Terminal]:
    place.mkdir(parents=True, exist_ok=True)
    script, journal = place / "faults.json", place / "bank.jsonl"
    script.write_text(json.dumps(faults))
    by_pty = wire in ("link", "pts")
    where: dict[str, Any] = {"pty": place / "edc"} if by_pty else {"listen": "tcp://127.0.0.1:0"}
    with contextlib.closing(_Stopping(spawn(**where, faults=script, journal=journal))) as found:
        url = found.url
        if wire == "pts":  # the device itself, as another program would name it: no tray, cards come by themselves
            url = str(Path(url).readlink())
        elif wire == "tcp":
            url = url.replace("socket://", "tcp://")
        yield Terminal(url, journal, wire != "pts")


class _Stopping:
    def __init__(self, process: Spawned) -> None:
        self.url = process.url
        self.close = process.stop


@dataclass(frozen=True)
class Served:
    """A whole morning on a terminal."""

    folder: Path
    journal: Path
    tray: bool
    done: subprocess.CompletedProcess[str]

    @property
    def summary(self) -> dict[str, Any]:
        assert self.done.returncode == 0, self.done.stderr[-3000:]
        found: dict[str, Any] = json.loads(self.done.stdout.splitlines()[-1])
        return found


def serve(wire: str, faults: Rules, place: Path, redemptions: int, *, timeout: float = 110, others: int = 0) -> Served:
    """`others` rupiah are debited by another till before."""
    with terminal(wire, faults, place) as at:
        if others:
            line = EcrLine(SerialTransport(at.url), EcrTimers(response=4.0))
            with contextlib.closing(line):
                outcome = EcrTerminal(line).pay(PaymentIntent("another-till", others), lambda _: None)
            assert isinstance(outcome, Approved)
        command = demo_command(place / "till", redemptions, "--json", "--edc", at.url)
        return Served(place / "till", at.journal, at.tray, run(*command, timeout=timeout))


def agree(served: Served, redemptions: int) -> None:
    summary = served.summary
    assert summary["redemptions"] == redemptions
    assert summary["overspend"] == 0
    same_money(served.folder, served.journal)
    assert summary["edc_approved"] in ({moved(served.journal)} if served.tray else {moved(served.journal), None})
    held = book(served.folder)
    assert held.receipts == list(range(1, len(held.receipts) + 1))
    opened = held.facts("AttemptOpened")
    assert len(opened) == len({fact["attempt"] for fact in opened})
    assert said(served.folder)["ok"]
    same_at_the_city(served.folder)


DAYS = {"socket": ("socket", LOSSES), "link": ("link", SHAPES), "tcp": ("tcp", REFUSALS), "pts": ("pts", TIDY)}


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Served]:
    """Five mornings; they mostly wait for their terminals, so three go on at a time."""
    place = tmp_path_factory.mktemp("terminals")
    with ThreadPoolExecutor(3) as pool:
        begun = {name: pool.submit(serve, *day, place / name, 8) for name, day in DAYS.items()}
        begun["shared"] = pool.submit(serve, "socket", TIDY, place / "shared", 2, others=25_000)
        return {name: future.result() for name, future in begun.items()}


@pytest.mark.parametrize("day", DAYS)
def test_terminal_and_ledger_agree_to_the_rupiah(days: dict[str, Served], day: str) -> None:
    agree(days[day], 8)
    assert moved(days[day].journal) > 0


def test_every_word_of_the_fault_script_was_met() -> None:
    met = {rule["do"] for _, rules in DAYS.values() for rule in rules}
    assert met == set(WORDS.split())


@pytest.mark.torture
def test_money_that_nobody_could_know_of_shows_at_the_close(tmp_path: Path) -> None:
    """Host and inquiry are both dead and the EDC prints no slip: two people decide, and the totals contradict them."""
    faults: Rules = [
        {"on": "sale", "nth": 1, "do": "host_timeout", "approved": True},
        {"on": "inquiry", "do": "wrong_type"},
        {"on": "inquiry", "do": "nak", "count": 99},
    ]
    served = serve("link", faults, tmp_path, 2)
    assert served.done.returncode == 1, served.done.stderr[-3000:]
    assert "SALAH: EDC" in served.done.stderr
    held, debited = book(served.folder), bank(served.journal)[0]["amount"]
    assert moved(served.journal) - held.purse == debited
    [sealed] = held.facts("DayClosed")
    assert sealed["edc"]["amount"] == moved(served.journal)
    assert sealed["edc"]["explanation"]
    assert said(served.folder)["ok"]


def test_a_debit_of_another_card_is_voided_at_the_edc_and_said(days: dict[str, Served]) -> None:
    assert len(voided_by_hand(book(days["tcp"].folder), days["tcp"].journal)) == 1


def test_a_practice_counts_its_own_money_only_on_a_terminal_that_others_use(days: dict[str, Served]) -> None:
    served = days["shared"]
    assert served.summary["edc_approved"] == book(served.folder).purse == moved(served.journal) - 25_000 > 0


@pytest.mark.parametrize("wire", ["no port", "nobody listens", "silent", "in use"])
def test_an_edc_that_is_not_there_is_said_at_once_and_nothing_is_made(tmp_path: Path, wire: str) -> None:
    with contextlib.ExitStack() as stack:
        url = {"no port": "/dev/nope", "nobody listens": "socket://127.0.0.1:9"}.get(wire, "")
        if wire == "silent":
            ends = os.openpty()
            for end in ends:
                stack.callback(os.close, end)
            url = os.ttyname(ends[1])
        elif wire == "in use":
            at = stack.enter_context(terminal("pts", TIDY, tmp_path))
            url = at.url
            stack.callback(serial.serial_for_url(url, exclusive=True).close)
        done = run(*demo_command(tmp_path / "till", 2, "--json", "--edc", url), timeout=30)
    told = refused(done, 2)
    assert url in told
    assert "seharusnya" in told
    assert not (tmp_path / "till" / "ledger.db").exists()
    assert not (tmp_path / "till" / "city").exists()


def test_a_lost_card_answer_does_not_leave_the_till_deaf(tmp_path: Path) -> None:
    with terminal("pts", [{"on": "card", "nth": 2, "do": "drop_response"}], tmp_path) as at:
        timers = EcrTimers(response=1.0, query=1.0, echo=1.0)
        line = EcrLine(SerialTransport(at.url), timers, EcrSite(card_info_type="40", query_type="33"))
        with contextlib.closing(line):
            reader = EcrCardReader(line, lambda: bytes(32))
            cards = 0
            end = time.monotonic() + 20
            while cards < 2 and time.monotonic() < end:
                cards += reader.poll(100) is not None
    assert cards == 2, "the second card came, but nobody asked for it any more"


@pytest.mark.torture
@pytest.mark.timeout(900)
@pytest.mark.parametrize("wire", ["link", "tcp", "socket"])
@pytest.mark.parametrize("mood", ["TIDY", "SHAPES", "LOSSES", "REFUSALS", "ALL_AT_ONCE"])
def test_every_mood_on_every_wire(tmp_path: Path, wire: str, mood: str) -> None:
    agree(serve(wire, globals()[mood], tmp_path, 40, timeout=600), 40)


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_no_answer_to_any_inquiry_is_settled_by_the_slip(tmp_path: Path) -> None:
    faults: Rules = [
        {"on": "inquiry", "do": "drop_response"},
        {"on": "sale", "every": 3, "do": "drop_response"},
        {"on": "void", "nth": 1, "do": "drop_response"},
    ]
    agree(serve("link", faults, tmp_path, 12, timeout=600), 12)
