"""Is what is left after a power cut what the till owes? Opened by the till's own engine, then read by another way."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ewarung_pos.clock import SystemClock
from ewarung_pos.errors import PosError
from ewarung_pos.ledger.database import LEDGER_FILE, open_ledger
from ewarung_pos.ledger.keys import key_of
from ewarung_pos.ledger.verify import verify
from ewarung_pos.services.redeem import RedeemService
from tests.system.kit import Book, book, other_connection
from tests.torture.outside import Promise

__all__ = ["halves", "judge", "kept"]


def judge(folder: Path, promised: Iterable[Promise]) -> list[str]:
    """Everything that is wrong with this data directory; empty when all is well.

    The ledger is opened as the till does at its start, and an attempt that was under way becomes IN DOUBT by a commit
    of its own: the till can go on with what it found.
    """
    owed = tuple(promised)
    if not (folder / LEDGER_FILE).exists():
        return [f"gone: no ledger, but {promise}" for promise in owed[:1]]
    note = folder / "edc-before.json"
    if note.exists() and not note.read_bytes().isdigit():
        return ["unusable: practice cannot go on without what its EDC had moved before"]
    try:
        ledger = open_ledger(folder, key_of(folder).secret, SystemClock())
        try:
            RedeemService(ledger, SystemClock(), lambda: None).recover()
        finally:
            ledger.close()
        report = verify(folder)
    except PosError as error:
        return [f"unusable: {type(error).__name__} {error.reason} {error.detail}"]
    if not report.ok:
        return [f"damaged: {problem}" for problem in report.problems]
    held = book(folder)
    filed = [file.read_bytes() for file in folder.glob("print/*.bin")]
    unfiled = [
        f"unfiled: {promise}"
        for promise in owed
        if promise.kind == "printed" and not any(paper.startswith(promise.data) for paper in filed)
    ]
    return [*kept(held, owed), *halves(held, folder), *unfiled]


def kept(held: Book, promised: Iterable[Promise]) -> list[str]:
    """Promises that the ledger does not keep."""
    hashes = {seq: digest for seq, _, digest, _ in held.entries}
    receipts = set(held.receipts)
    kinds = {kind for _, kind, _, _ in held.entries}
    opened = {
        "sale": [fact["amount"] for fact in held.facts("AttemptOpened") if fact["amount"] > 0],
        "void": [0 for fact in held.facts("AttemptOpened") if fact["amount"] < 0],
    }
    broken = []
    for promise in promised:
        match promise.kind:
            case "said":
                good = promise.number in receipts
            case "happened":
                good = promise.word in kinds
            case "asked":
                # In the order of the intents; one that came to nothing before it was sent may lie between.
                left = opened[promise.word]
                good = promise.number in left
                opened[promise.word] = left[left.index(promise.number) + 1 :] if good else []
            case _:
                good = hashes.get(promise.number, "").startswith(promise.word)
        if not good:
            broken.append(f"lost: {promise}")
    return broken


def halves(held: Book, folder: Path) -> list[str]:
    """Redemptions and attempts of which only a part is there: what `verify` does not fold from the entries."""
    with other_connection(folder) as connection:
        attempts = {row[0]: json.loads(bytes(row[1])) for row in connection.execute("SELECT id, body FROM attempt")}
        jobs = {(row[0], row[1]) for row in connection.execute("SELECT entry, copy FROM print_job")}
        ids = dict(connection.execute("SELECT seq, id FROM ledger_entry"))
    wrong = []
    if held.receipts != list(range(1, len(held.receipts) + 1)):
        wrong.append(f"half: receipts {held.receipts}")
    if {fact["attempt"] for fact in held.facts("AttemptOpened")} != set(attempts):
        wrong.append("half: attempts and their entries differ")
    wrong += [
        f"half: entry {seq} without its paper"
        for seq, kind, _, _ in held.entries
        if kind in ("Redeemed", "Reversed", "DayClosed") and (ids[seq], 0) not in jobs
    ]
    moved: list[dict[str, Any]] = [*held.debits, *held.voids]
    done = {name for name, body in attempts.items() if body["state"] == "done"}
    if {debit["attempt"] for debit in moved} != done or len(moved) != len(done):
        wrong.append("half: attempts that are done and debits differ")
    return wrong
