"""Check a city's database against itself: chains, watermarks, totals folded again, and the rule of the leases."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ewarung_city.attest import fold_day
from ewarung_city.counterparts import Counterparts
from ewarung_city.reading import countable
from ewarung_city.rights import RIGHT, following, outstanding
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.bounds import EXACT
from ewarung_pos.domain.business_day import DayTotals
from ewarung_pos.domain.journal import Entry, Redeemed, Reversed, genesis, link
from ewarung_pos.domain.rights import holder_of, is_pool
from ewarung_pos.sync.protocol import Flag

__all__ = ["Finding", "verify"]

_STEP = 5_000
_FAMILIES = 500
_TOTALS = msgspec.json.Decoder(DayTotals)


class Finding(msgspec.Struct, frozen=True):
    """Something wrong: where, and what (gap, hash, unread, watermark, lease, overgrant, charge, day)."""

    device: str
    epoch: int
    seq: int
    what: str


def verify(tx: Tx) -> list[Finding]:
    """Everything wrong; the first break of a chain ends the look at that chain."""
    findings: list[Finding] = []
    for held in tx.all(schema.epoch, "device", "epoch"):
        findings.extend(_epoch(tx, held))
    findings.extend(_grants(tx))
    findings.extend(_charges(tx))
    return findings


def _epoch(tx: Tx, held: Row) -> Iterator[Finding]:
    device, epoch = held["device"], int(held["epoch"])
    head, seq = genesis(device, epoch), 0
    rights: dict[tuple[str, str, str, str], list[int]] = {}
    counterparts = Counterparts()
    unread = tx.all(schema.case, device=device, epoch=epoch, reason=Flag.UNREADABLE.value)
    cases = {int(row["seq"]) for row in unread}
    for row in _entries(tx, device, epoch):
        if int(row["seq"]) != seq + 1:
            yield Finding(device, epoch, seq + 1, "gap")
            return
        seq, head = int(row["seq"]), link(head, bytes(row["body"]))
        if head != bytes(row["hash"]):
            yield Finding(device, epoch, seq, "hash")
            return
        entry = _read(row)
        if row["kind"] != (type(entry.fact).__name__ if entry is not None else "") or (
            entry is None and seq not in cases
        ):
            yield Finding(device, epoch, seq, "unread")
        if entry is not None:
            _rights(entry, rights, counterparts)
    if (seq, head.hex()) != (int(held["acked_seq"]), held["acked_hash"]):
        yield Finding(device, epoch, seq, "watermark")
    for row in tx.all(schema.lease, device=device, epoch=epoch):
        key = _key(row)
        if [int(row["spent"]), int(row["returned"])] != rights.pop(key, [0, 0]):
            yield Finding(device, epoch, 0, f"lease {'/'.join(key)}")
    for key in sorted(rights):
        yield Finding(device, epoch, 0, f"lease {'/'.join(key)}")
    yield from _days(tx, device, epoch)


def _days(tx: Tx, device: str, epoch: int) -> Iterator[Finding]:
    rows = tx.all(schema.day, "first_seq", device=device, epoch=epoch)
    ends = [*(int(row["first_seq"]) for row in rows[1:]), EXACT]  # a day ends where the next begins (`days`)
    for row, end in zip(rows, ends, strict=False):
        if row["closed_seq"]:
            first, last = int(row["first_seq"]), min(int(row["closed_seq"]), end) - 1
            held = tx.between(schema.entry, "seq", first, last, device=device, epoch=epoch)
            entries = [entry for entry in map(_read, held) if entry is not None]
            if fold_day(entries, first, last) != _TOTALS.decode(row["totals"]):
                yield Finding(device, epoch, int(row["closed_seq"]), "day")


def _grants(tx: Tx) -> Iterator[Finding]:
    """Never sum(granted - surrendered) above the entitlement; of every month that there ever was, family by family.

    A pool has no second holder: what its kiosk claims of one that a database which is gone had made larger is a case
    (UNKNOWN_GRANT), and takes nothing from anybody.
    """
    whose = (tx.tally(table, "family") for table in (schema.entitlement, schema.lease))
    families = sorted({family for found in whose for (family,) in found})
    wrong = [
        finding
        for first in range(0, len(families), _FAMILIES)
        for finding in _granted(tx, families[first : first + _FAMILIES])
    ]
    yield from sorted(wrong, key=lambda finding: (finding.device, finding.epoch))


def _granted(tx: Tx, families: list[str]) -> Iterator[Finding]:
    rest: dict[tuple[str, str, str, str], int] = {}
    for row in tx.within(schema.entitlement, "family", families):
        key = _key(row)
        rest[key] = rest.get(key, 0) + int(row["amount"]) - int(row["carried"])
        after = (*key[:2], following(row["period"]), row["commodity"])
        rest[after] = rest.get(after, 0) + int(row["carried"])
    leases = tx.within(schema.lease, "family", families)
    for row in sorted(leases, key=lambda row: (row["device"], int(row["epoch"]))):
        key = _key(row)
        out = outstanding(row)
        if is_pool(key[0]):
            out -= max(0, int(row["claimed"]) - int(row["granted"]))
        rest[key] = rest.get(key, 0) - out
        if rest[key] < 0 and int(row["granted"]) > 0:
            yield Finding(row["device"], int(row["epoch"]), 0, f"overgrant {'/'.join(key)}")


def _charges(tx: Tx) -> Iterator[Finding]:
    """A right is charged with what pools gave for it, and with nothing else."""
    charged: dict[tuple[str, str, str, str], int] = {}
    for use in tx.all(schema.hardship, returned=0):
        key = _key(use)
        charged[key] = charged.get(key, 0) + int(use["charged"])
    held = {_key(row) for row in tx.after(schema.entitlement, "charged", 0, EXACT)}
    for key in sorted(charged.keys() | held):
        row = tx.one(schema.entitlement, **dict(zip(RIGHT, key, strict=True)))
        if row is not None and charged.get(key, 0) != int(row["charged"]):
            yield Finding("", 0, 0, f"charge {'/'.join(key)}")


def _key(row: Row) -> tuple[str, str, str, str]:
    return row["family"], row["programme"], row["period"], row["commodity"]


def _rights(entry: Entry, rights: dict[tuple[str, str, str, str], list[int]], counterparts: Counterparts) -> None:
    fact = entry.fact
    counterparts.redeemed(entry)
    if isinstance(fact, Redeemed) or (isinstance(fact, Reversed) and counterparts.undoes(entry, fact)):
        for debit in fact.debits:
            holder = holder_of(fact.family, debit.programme, entry.device)
            key = (holder, debit.programme, debit.period, debit.commodity)
            rights.setdefault(key, [0, 0])[isinstance(fact, Reversed)] += debit.amount


def _entries(tx: Tx, device: str, epoch: int) -> Iterator[Row]:
    seq = 0
    while rows := tx.after(schema.entry, "seq", seq, _STEP, device=device, epoch=epoch):
        yield from rows
        seq = int(rows[-1]["seq"])


def _read(row: Row) -> Entry | None:
    """The entry, if it was counted; what was not is a case, and `_epoch` holds that against the store."""
    return countable(bytes(row["body"])) if row["kind"] else None
