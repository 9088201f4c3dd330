"""What the system tests share: programs of ours as processes, and what they leave behind, read by another way."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import re
import signal
import sqlite3 as plain
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as sqlite

from tests.escpos_interpreter import CutShortError, interpret

TILL = [sys.executable, "-m", "ewarung_pos"]
CITY = [sys.executable, "-m", "ewarung_city"]
ROLL_DOTS = 384
SUMMARY = {
    "redemptions",
    "refused",
    "reversed",
    "in_doubt_resolved",
    "receipts_printed",
    "entries",
    "ledger_head",
    "acked_seq",
    "overspend",
    "edc_approved",
    "data_dir",
}
_MOVES = {"sale": 1, "void": -1}
_ON_PAPER = re.compile(r"Catatan no\. (\d+)")
_DIGEST = re.compile(r"([0-9a-f]{4}) ([0-9a-f]{4}) ([0-9a-f]{4})")


def surroundings(**more: str) -> dict[str, str]:
    """No display and no configuration of whoever runs the tests."""
    left_out = ("DISPLAY", "WAYLAND_DISPLAY", "EWARUNG")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)} | more


def run(*arguments: str, timeout: float = 110, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command of the till, to its end."""
    return subprocess.run(
        [*TILL, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=surroundings(**environment),
        check=False,
    )


def demo_command(folder: Path, redemptions: int, *more: str, seed: int = 7) -> list[str]:
    words = ["demo", "--headless", "--redemptions", str(redemptions), "--seed", str(seed)]
    return [*words, "--data-dir", str(folder), *more]


def morning(
    folder: Path, redemptions: int, *more: str, seed: int = 7, timeout: float = 110
) -> tuple[dict[str, Any], str]:
    """A demo that must end well: its summary, and what it said."""
    done = run(*demo_command(folder, redemptions, "--json", *more, seed=seed), timeout=timeout)
    assert done.returncode == 0, done.stderr[-3000:]
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return summary, done.stderr


def said(path: Path) -> dict[str, Any]:
    """What `verify --json` says, with the exit code that belongs to it."""
    done = run("verify", str(path), "--json")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == (0 if report["ok"] else 1)
    return report


def refused(done: subprocess.CompletedProcess[str], code: int) -> str:
    """A failure as a person should meet it: the documented exit code, what happened, what is safe, one next step."""
    assert done.returncode == code, done.stderr[-3000:]
    assert "Traceback" not in done.stderr
    assert done.stderr.count("Lakukan sekarang:") == 1
    assert "Yang sudah aman:" in done.stderr
    return done.stderr


# -- another way into the ledger ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def other_connection(folder: Path) -> Iterator[Any]:
    """A second connection that knows the key, without any of the till's code."""
    key = (folder / "ledger.key").read_text().strip()
    connection = sqlite.connect(str(folder / "ledger.db"), isolation_level=None)
    try:
        connection.execute(f"PRAGMA key = \"x'{key}'\"")
        connection.execute("PRAGMA cipher_page_size = 2048")
        connection.execute("PRAGMA cipher_hmac_algorithm = HMAC_SHA256")
        yield connection
    finally:
        connection.close()


@dataclass(frozen=True)
class Book:
    """Every entry of a ledger: (seq, kind, hash as hex, fact)."""

    entries: tuple[tuple[int, str, str, dict[str, Any]], ...]

    @property
    def head(self) -> tuple[int, str]:
        return self.entries[-1][0], self.entries[-1][2]

    def facts(self, kind: str) -> list[dict[str, Any]]:
        return [fact for _, found, _, fact in self.entries if found == kind]

    @property
    def receipts(self) -> list[int]:
        return [fact["receipt"] for _, kind, _, fact in self.entries if kind in ("Redeemed", "Reversed")]

    @property
    def debits(self) -> list[dict[str, Any]]:
        return [fact["purse"] for fact in self.facts("Redeemed") if fact.get("purse")]

    @property
    def voids(self) -> list[dict[str, Any]]:
        return [fact["void"] for fact in self.facts("Reversed") if fact.get("void")]

    @property
    def purse(self) -> int:
        return int(sum(debit["amount"] for debit in self.debits) - sum(void["amount"] for void in self.voids))


def book(folder: Path) -> Book:
    with other_connection(folder) as connection:
        rows = connection.execute("SELECT seq, kind, hash, payload FROM ledger_entry ORDER BY seq").fetchall()
    return Book(tuple((seq, kind, bytes(h).hex(), json.loads(bytes(body))["fact"]) for seq, kind, h, body in rows))


# -- the terminal's and the city's own account -------------------------------------------------------------------------


def bank(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []


def moved(journal: Path) -> int:
    """Rupiah approved minus voided, by the terminal's own journal."""
    return sum(row["amount"] * _MOVES.get(row["kind"], 0) for row in bank(journal) if row["moved"])


def same_money(folder: Path, journal: Path) -> None:
    """Terminal and ledger agree to the rupiah, debit by debit, and nothing was debited twice for one redemption."""
    held = book(folder)
    for kind, entries in (("sale", held.debits), ("void", held.voids)):
        done = Counter((row["invoice"], row["amount"]) for row in bank(journal) if row["kind"] == kind and row["moved"])
        done -= Counter({(row["invoice"], row["amount"]): 1 for row in voided_by_hand(held, journal)})
        kept = Counter((entry["invoice"], entry["amount"]) for entry in entries)
        assert kept == done, f"{kind}s of the ledger and of the terminal"
        assert set(kept.values()) <= {1}, f"a {kind} stands in the ledger twice"
    assert held.purse == moved(journal)


def voided_by_hand(held: Book, journal: Path) -> list[dict[str, Any]]:
    """Sales on another card, voided at the terminal itself, as the ledger tells of them: card, invoice, two people."""
    told = [fact for fact in held.facts("AttemptSettled") if fact["outcome"] == "other_debit_voided"]
    rows = {
        (row["last4"], row["approval"], row["invoice"]): row
        for row in bank(journal)
        if row["kind"] == "sale" and row["moved"]
    }
    undone = {row["invoice"] for row in bank(journal) if row["kind"] == "void" and row["moved"]}
    assert all(len(set(fact["decided_by"])) == 2 for fact in told)
    found = [rows[tuple(fact["code"].split())] for fact in told]
    assert {row["invoice"] for row in found} <= undone
    return found


def same_at_the_city(folder: Path) -> None:
    """The city holds the till's chain up to the last acknowledgement, and its own totals are the Z report's."""
    checked = subprocess.run(
        [*CITY, "verify", "--data-dir", str(folder / "city"), "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        env=surroundings(),
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    held = book(folder)
    with contextlib.closing(plain.connect(folder / "city" / "city.db")) as city:
        entries = city.execute("SELECT seq, hash FROM entry WHERE device = 'EW-0001' ORDER BY seq").fetchall()
        days = city.execute("SELECT date, totals, differs FROM day WHERE device = 'EW-0001'").fetchall()
    ours = [(seq, digest) for seq, _, digest, _ in held.entries[: len(entries)]]
    assert [(seq, bytes(digest).hex()) for seq, digest in entries] == ours
    left = held.entries[len(entries) :]
    assert [kind for _, kind, _, _ in left] == ["CityAcknowledged"], "all but the word that it arrived is there"
    sealed = held.facts("DayClosed")
    assert [json.loads(totals) for _, totals, _ in days] == [day["totals"] for day in sealed]
    assert [differs for _, _, differs in days] == [""] * len(sealed)


# -- paper -------------------------------------------------------------------------------------------------------------


def papers(folder: Path) -> list[tuple[int, str]]:
    """(entry, first digits of its hash) of every paper that came out whole, as printed on it."""
    files = sorted((folder / "print").glob("*.bin"))
    return [paper for file in files for paper in named_on(file.read_bytes())]


@functools.cache
def named_on(printed: bytes) -> tuple[tuple[int, str], ...]:
    """Entries, each with the first digits of its hash, that the bytes of a whole paper name.

    A kill may have cut one short within a command; what it would have named stands at its end.
    """
    found = []
    try:
        lines = [line.text.strip() for line in interpret(printed, ROLL_DOTS).lines]
    except CutShortError:
        return ()
    for line, following in itertools.pairwise(lines):
        entry, digest = _ON_PAPER.fullmatch(line), _DIGEST.fullmatch(following)
        if entry and digest:
            found.append((int(entry[1]), "".join(digest.groups())))
    return tuple(found)


def paper_is_backed(folder: Path) -> None:
    """Whatever paper came out, its entry is in the ledger under the hash that the paper names."""
    hashes = {seq: digest for seq, _, digest, _ in book(folder).entries}
    for seq, digest in papers(folder):
        assert hashes.get(seq, "").startswith(digest), f"paper of entry {seq} has no such entry"


# -- processes ---------------------------------------------------------------------------------------------------------


def offspring(pid: int) -> set[int]:
    """Ids of its children and theirs."""
    found: set[int] = set()
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                found |= {int(child)} | offspring(int(child))
    return found


def alive(pids: Sequence[int] | set[int]) -> set[int]:
    """Those that still run; a zombie does not."""
    running = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                running.add(pid)
    return running


def gone(pids: set[int], seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while alive(pids) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pids)


@contextlib.contextmanager
def started(*arguments: str, said_in: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command of the till in the background, its words in a file; killed at the end, if it still runs."""
    with said_in.open("ab") as out:
        process = subprocess.Popen([*TILL, *arguments], stdout=out, stderr=out, env=surroundings(**environment))
    try:
        yield process
    finally:
        children = offspring(process.pid)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(10)
        assert gone(children), "what the killed till had started lives on"


def heard(path: Path, words: str, seconds: float = 90) -> bool:
    """Wait until these words were said."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.exists() and words in path.read_text(errors="replace"):
            return True
        time.sleep(0.02)
    return False
