"""One kiosk's ledgers held against the city's database, entry by entry and day by day, and both against the truth.

The sums here are made anew from the entries, with nothing of what till and city sum up with.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Row, Tx
from ewarung_fleet.findings import Finding, Kind
from ewarung_fleet.truth import SealedDay, Truth
from ewarung_pos.domain.business_day import DayTotals
from ewarung_pos.domain.journal import CityAcknowledged, DayClosed, Entry, Redeemed, Reversed, decode
from ewarung_pos.domain.redemption import Tender
from ewarung_pos.ledger.database import LEDGER_FILE
from ewarung_pos.ledger.keys import key_of
from ewarung_pos.ledger.restore import ARCHIVE, LedgerFile, holds_copy
from ewarung_pos.ledger.verify import verify

__all__ = ["KioskFound", "look_at_kiosk"]

_REPLACED = "-replaced-"
_PAGE, _PAGE_BYTES = 500, 4_000_000
_TOTALS = msgspec.json.Decoder(DayTotals)


class KioskFound(msgspec.Struct):
    """What was looked at, and what is wrong with it; as `messages.Looked`."""

    findings: list[Finding] = []
    device_days: int = 0
    entries: int = 0
    ledgers: int = 0
    on_way: int = 0


class _Sums:
    """A day's figures, added up from its entries one by one."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.goods: Counter[str] = Counter()

    def add(self, entry: Entry) -> None:
        """One entry of the day."""
        fact = entry.fact
        if not isinstance(fact, Redeemed | Reversed):
            return
        sign = 1 if isinstance(fact, Redeemed) else -1
        self.counts["redemptions" if sign > 0 else "reversals"] += 1
        self.counts["receipts"] += 1
        for line in fact.lines:
            value = sign * line.packs * line.price
            name = {Tender.RATION: "ration_value", Tender.PURSE: "purse", Tender.CASH: "cash"}[line.tender]
            self.counts[name] += value
            self.goods[line.commodity] += sign * line.amount

    def differs(self, totals: DayTotals) -> list[str]:
        """Names of the figures in which these totals say something else."""
        names = ("redemptions", "reversals", "receipts", "ration_value", "purse", "cash")
        wrong = [name for name in names if getattr(totals, name) != self.counts[name]]
        said = {line.commodity: line for line in totals.control}
        for commodity in sorted(said.keys() | self.goods.keys()):
            line = said.get(commodity)
            if line is None or {line.debited, line.issued, line.receipted, line.moved} != {self.goods[commodity]}:
                wrong.append(commodity)
        return wrong


def look_at_kiosk(store: CityStore, folder: Path, truth: Truth) -> KioskFound:
    """Everything that a kiosk left on its disk, beside everything that the city has of it."""
    found = KioskFound()
    days: dict[tuple[int, str], DayTotals] = {}
    with store.read() as tx:
        for path, serves in _ledgers(folder):
            _ledger(tx, found, path, key_of(folder).secret, days, serves=serves)
        _days(tx, found, folder.name, truth, days)
        _handed(tx, found, folder.name, truth)
    return found


def _ledgers(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Every ledger of the directory, and whether it may serve: then it holds all that the city has of its epoch."""
    if (folder / LEDGER_FILE).exists():
        yield folder / LEDGER_FILE, not holds_copy(folder / LEDGER_FILE, key_of(folder).secret)
    for path in sorted((*folder.glob(f"{ARCHIVE}/*.db"), *folder.glob(f"ledger-*{_REPLACED}*.db"))):
        yield path, False


def _ledger(
    tx: Tx, found: KioskFound, path: Path, key: bytes, days: dict[tuple[int, str], DayTotals], *, serves: bool
) -> None:
    """The file by itself, each of its entries at the city, and each of its days by its entries."""
    report = verify(path, key)
    found.ledgers += 1
    where = f"{report.device}/{report.epoch}"
    if not report.ok:
        found.findings.append(Finding(Kind.UNSOUND, where, "; ".join(map(str, report.problems))))
    city = _city_rows(tx, report.device, report.epoch)
    sums: dict[str, _Sums] = defaultdict(_Sums)
    beyond = forked = False
    with LedgerFile(path, key) as ledger:
        after = 0
        while rows := ledger.sealed(after, _PAGE, _PAGE_BYTES):
            for row in rows:
                after = row.seq
                entry = decode(row.body)
                if isinstance(entry.fact, DayClosed):
                    days[report.epoch, entry.date] = entry.fact.totals
                    if wrong := sums[entry.date].differs(entry.fact.totals):
                        what = f"the seal differs from the ledger's entries in {', '.join(wrong)}"
                        found.findings.append(Finding(Kind.DIFFERENCE, f"{where} {entry.date}", what))
                sums[entry.date].add(entry)
                theirs = None if beyond else next(city, None)
                beyond = theirs is None
                forked = forked or (_REPLACED in path.name and theirs is not None and bytes(theirs["hash"]) != row.hash)
                if forked:
                    _on_image(found, where, entry)
                elif theirs is not None:
                    _same(found, where, row.seq, row.hash, theirs)
                elif isinstance(entry.fact, CityAcknowledged):
                    found.on_way += 1
                else:
                    what = f"entry {row.seq} ({type(entry.fact).__name__}) is not at the city"
                    found.findings.append(Finding(Kind.LOST, where, what))
    if serves and (more := sum(1 for _ in city)):
        found.findings.append(Finding(Kind.DOUBLE, where, f"the city holds {more} entries more than the ledger"))


def _on_image(found: KioskFound, where: str, entry: Entry) -> None:
    """What an old image wrote by itself until the city found it: that its clock was set, but nothing handed out."""
    if isinstance(entry.fact, Redeemed | Reversed | DayClosed):
        what = f"entry {entry.seq} ({type(entry.fact).__name__}) was written on an old image"
        found.findings.append(Finding(Kind.DOUBLE, where, what))


def _same(found: KioskFound, where: str, seq: int, digest: bytes, theirs: Row) -> None:
    if int(theirs["seq"]) != seq:
        what = f"the city holds entry {theirs['seq']} where {seq} should be"
        found.findings.append(Finding(Kind.DOUBLE if int(theirs["seq"]) < seq else Kind.LOST, where, what))
    elif bytes(theirs["hash"]) != digest:
        found.findings.append(Finding(Kind.DIFFERENCE, where, f"entry {seq} is another one at the city"))
    else:
        found.entries += 1


def _city_rows(tx: Tx, device: str, epoch: int) -> Iterator[Row]:
    after = 0
    while rows := tx.after(schema.entry, "seq", after, _PAGE, device=device, epoch=epoch):
        yield from rows
        after = int(rows[-1]["seq"])


def _days(tx: Tx, found: KioskFound, device: str, truth: Truth, ledgers: dict[tuple[int, str], DayTotals]) -> None:
    """Each day that somebody sealed: what she saw, what the ledger keeps and what the city made of it are the same."""
    rows = {(int(row["epoch"]), str(row["date"])): row for row in tx.all(schema.day, device=device)}
    seen: set[tuple[int, str]] = set()
    for day in truth.sealed:
        key = (day.epoch, day.date)
        where = f"{device}/{day.epoch} {day.date}"
        if key in seen:
            found.findings.append(Finding(Kind.DOUBLE, where, "the day was sealed twice"))
        seen.add(key)
        row = rows.get(key)
        if row is None or not row["closed_seq"]:
            if not day.gone:
                found.findings.append(Finding(Kind.LOST, where, "the city has no seal of it"))
            continue
        found.device_days += 1
        for what in _differences(day, row, ledgers.get(key)):
            found.findings.append(Finding(Kind.DIFFERENCE, where, what))
    for key, row in rows.items():
        if row["closed_seq"] and key not in seen:
            found.findings.append(Finding(Kind.DOUBLE, f"{device}/{key[0]} {key[1]}", "nobody sealed that day"))
    for key in ledgers.keys() - seen:
        found.findings.append(
            Finding(Kind.DOUBLE, f"{device}/{key[0]} {key[1]}", "a ledger has a seal that nobody saw")
        )


def _differences(day: SealedDay, row: Row, ledger: DayTotals | None) -> Iterator[str]:
    theirs = _TOTALS.decode(row["totals"])
    if theirs != day.totals:
        names = [name for name in DayTotals.__struct_fields__ if getattr(theirs, name) != getattr(day.totals, name)]
        yield f"the city's totals differ from the Z report in {', '.join(names)}"
    if row["differs"]:
        yield f"the city says that the seal differs in {row['differs']}"
    if int(row["closed_seq"]) != day.seq:
        yield f"the city has its seal as entry {row['closed_seq']}, not {day.seq}"
    if ledger is not None and ledger != day.totals:
        yield "the ledger's seal is not the Z report"


def _handed(tx: Tx, found: KioskFound, device: str, truth: Truth) -> None:
    """What left over the counter is at the city, each entry once, and sums up to the same for each family."""
    ids: Counter[str] = Counter()
    at_city: Counter[tuple[str, str]] = Counter()
    families = {row["key"]: row["token"] for row in tx.all(schema.family)} if truth.handed else {}
    by_place: dict[tuple[int, int], str] = {}
    for row in tx.all(schema.redemption, device=device):
        ids[row["entry"]] += 1
        by_place[int(row["epoch"]), int(row["seq"])] = row["family"]
    for line in tx.all(schema.redemption_line, device=device, tender=Tender.RATION.value):
        family = by_place[int(line["epoch"]), int(line["seq"])]
        at_city[_short(families.get(family, family)), f"{line['programme']}|{line['commodity']}"] += int(line["amount"])
    handed: Counter[tuple[str, str]] = Counter()
    for one in truth.handed:
        times = ids.pop(one.entry, 0)
        if times > 1:
            found.findings.append(
                Finding(Kind.DOUBLE, f"{device}/{one.epoch}", f"entry {one.seq} counts {times} times")
            )
        if times == 0:
            if not one.gone:
                what = f"entry {one.seq} left the counter, and the city does not know of it"
                found.findings.append(Finding(Kind.LOST, f"{device}/{one.epoch}", what))
            continue
        for key, amount in one.rations.items():
            programme, _, commodity = key.split("|")
            handed[_short(one.token), f"{programme}|{commodity}"] += amount
    for entry in ids:
        found.findings.append(Finding(Kind.DOUBLE, device, f"the city counts {entry}, which nobody handed out"))
    for right in handed.keys() | at_city.keys():
        if handed[right] != at_city[right]:
            what = f"{right[1]}: {handed[right]} left the counter, the city counts {at_city[right]}"
            found.findings.append(Finding(Kind.DIFFERENCE, f"{device}, family {right[0][:8]}", what))


def _short(token: str) -> str:
    """A card's reference, or the key of a stranger, which is the beginning of one (`domain.rights.stranger_of`)."""
    return token[1:].lower() if len(token) == 16 and token.startswith("C") else token[:15]
