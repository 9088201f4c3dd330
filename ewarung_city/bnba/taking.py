"""Taking a list into the register: one transaction, from which every row comes out taken, unchanged or reported.

Importing a list again changes nothing. A newer list changes families, and marks those that it should have named and did
not; it takes nobody out. An older one changes nothing that a newer one has said.
"""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import msgspec

from ewarung_city import feed
from ewarung_city.bnba.columns import ColumnMap, Entries, entries_of, likeness
from ewarung_city.bnba.digits import hide_digits
from ewarung_city.bnba.findings import Finding, Outcome, Severity, finding
from ewarung_city.bnba.judging import Held, Judge, Judgement, Missing, held_register
from ewarung_city.bnba.rows import Listed, RowReader, Surroundings
from ewarung_city.bnba.sheet import Sheet, read_sheet
from ewarung_city.keys import CityKeys
from ewarung_city.register import tell_homes
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.errors import ConfigError

__all__ = ["FamilyList", "ListReport", "ReadRows", "ReportedRow", "check_list", "read_list", "read_rows", "take_list"]


class FamilyList(msgspec.Struct, frozen=True):
    """A list that was read, and where it comes from. `snapshot` is its day, ISO 8601."""

    file: str
    sheet: Sheet
    entries: Entries
    mapping: ColumnMap
    source: str
    snapshot: str

    @property
    def list_id(self) -> str:
        """The same for the same file under the same map, source and day."""
        said = (self.sheet.digest, self.sheet.name, self.mapping.digest, self.source, self.snapshot)
        return hashlib.sha256("\0".join(said).encode()).hexdigest()[:32]


class ReadRows(msgspec.Struct, frozen=True):
    """Rows as what they say, and by what of the city they were read."""

    around: Surroundings
    listed: tuple[Listed, ...]


class ReportedRow(msgspec.Struct, frozen=True):
    """A row as the report names it."""

    row: int
    name: str
    nik_masked: str
    outcome: Outcome


class ListReport(msgspec.Struct, frozen=True):
    """What became of a list. Every row of it is in `rows` once.

    Attributes:
        how: as what the file was read.
        headings: the list's own heading by field.
        unread: headings of the columns that nothing was taken from.
        others: sheets of the workbook that were not read, with how many rows each has.
        hidden: so many of its rows the spreadsheet does not show.
        missing: families that it should have named (registered in its kelurahan and programmes).
        only_checked: nothing was written.
    """

    list_id: str
    file: str
    digest: str
    how: str
    source: str
    snapshot: str
    at: Instant
    headings: dict[str, str]
    rows: tuple[ReportedRow, ...]
    findings: tuple[Finding, ...]
    missing: tuple[Missing, ...]
    guessed_letters: bool
    only_checked: bool
    unread: tuple[str, ...] = ()
    others: tuple[tuple[str, int], ...] = ()
    hidden: int = 0

    def count(self, outcome: Outcome) -> int:
        """How many rows came to that."""
        return sum(row.outcome is outcome for row in self.rows)

    def rows_with(self, severity: Severity) -> int:
        """How many rows have a finding that grave."""
        return len({found.row for found in self.findings if found.severity is severity})

    def by_code(self) -> dict[str, int]:
        """How often each thing was found, the most frequent first."""
        counts: dict[str, int] = {}
        for found in self.findings:
            counts[found.code] = counts.get(found.code, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def read_list(file: Path, mapping: ColumnMap, source: str, snapshot: str, today: date, sheet: str = "") -> FamilyList:
    """Read a file as a list.

    Raises:
        ConfigError: it cannot be read as one (`unreadable`, `too_large`, `sheet`, `columns`), or has no day that can be
            or no source (`snapshot`, `source`).
    """
    try:
        day = date.fromisoformat(snapshot)
    except ValueError as error:
        raise ConfigError(f"tanggal daftar {snapshot!r}: harus TTTT-BB-HH (--snapshot)", reason="snapshot") from error
    if day > today:
        raise ConfigError(f"tanggal daftar {snapshot} belum tiba (--snapshot)", reason="snapshot")
    if not source.strip():
        raise ConfigError("sebutkan asal daftar (--source)", reason="source")
    table = read_sheet(file, lambda rows: likeness(mapping, rows), sheet or mapping.sheet)
    entries = entries_of(file, table, mapping)
    return FamilyList(hide_digits(file.name), table, entries, mapping, hide_digits(source.strip()), day.isoformat())


def read_rows(tx: Tx, said: FamilyList) -> ReadRows:
    """The rows of a list as what they say, in the city as it is now.

    This is half of the work and needs no lock: whoever does it before `take_list` holds up the kiosks half as long.
    """
    around = _surroundings(tx)
    return ReadRows(around, RowReader(said.entries, said.mapping, around).read())


def check_list(tx: Tx, keys: CityKeys, said: FamilyList, now_ms: int) -> ListReport:
    """What taking the list would come to; nothing is written."""
    _, listed, judgement = _judged(tx, keys, said, now_ms, None)
    return _report(said, listed, judgement, now_ms, only_checked=True)


def take_list(tx: Tx, keys: CityKeys, said: FamilyList, now_ms: int, rows: ReadRows | None = None) -> ListReport:
    """Take what is sound, tell the kiosks, and keep what was found.

    Args:
        tx: one write transaction for the whole list.
        keys: of the city; no number is kept.
        said: the list.
        now_ms: since when a changed card status counts.
        rows: if they were read before; they are read again if the city changed meanwhile.
    """
    held, listed, judgement = _judged(tx, keys, said, now_ms, rows)
    report = _report(said, listed, judgement, now_ms, only_checked=False)
    before = tx.one(schema.family_list, list_id=said.list_id)
    tx.put(schema.family, judgement.families)
    tx.put(schema.family_listing, judgement.listings)
    tell_homes(tx, judgement.families, held.families, now_ms)
    scope = [place for place in judgement.scope if held.newest.get(place, "") < said.snapshot]
    tx.put(
        schema.family_list_scope,
        [
            {"kelurahan_code": kelurahan, "programme": code, "snapshot": said.snapshot, "list_id": said.list_id}
            for kelurahan, code in scope
        ],
    )
    if before is None or judgement.families or judgement.listings:
        _keep(tx, said, report)
    if said.snapshot >= tx.setting("register_date") and (before is None or judgement.families):
        tx.set("register_date", said.snapshot)
        tx.set("register_source", said.source)
        feed.tell_all(tx, [("register", "")])
    return report


def _surroundings(tx: Tx) -> Surroundings:
    catalogue = tx.setting("catalogue")
    programmes = feed.CATALOGUE.decode(catalogue).programmes if catalogue else ()
    return Surroundings(
        regions=tuple(tx.all(schema.region, "kelurahan_code")),
        kiosks=tuple(str(row["device"]) for row in tx.all(schema.kiosk, "device")),
        programmes=tuple((item.code, item.name) for item in programmes),
    )


def _judged(
    tx: Tx, keys: CityKeys, said: FamilyList, now_ms: int, rows: ReadRows | None
) -> tuple[Held, tuple[Listed, ...], Judgement]:
    if rows is None or rows.around != _surroundings(tx):
        rows = read_rows(tx, said)
    held = held_register(tx)
    judge = Judge(held, keys, said.snapshot, said.list_id, said.mapping.homes, now_ms)
    return held, rows.listed, judge.judge(rows.listed)


def _report(
    said: FamilyList, listed: tuple[Listed, ...], judgement: Judgement, now_ms: int, *, only_checked: bool
) -> ListReport:
    rows = [ReportedRow(row.row, row.name, row.nik_masked, judgement.outcomes[row.row]) for row in listed]
    passed = said.entries.passed
    rows += [ReportedRow(number, "", "", Outcome.SKIPPED) for number in passed]
    findings = [*judgement.findings, *(finding(number, "", "row_of_headings") for number in passed)]
    return ListReport(
        list_id=said.list_id,
        file=said.file,
        digest=said.sheet.digest,
        how=said.sheet.how,
        source=said.source,
        snapshot=said.snapshot,
        at=Instant(now_ms),
        headings=said.entries.headings,
        rows=tuple(sorted(rows, key=lambda row: row.row)),
        findings=tuple(sorted(findings, key=lambda found: found.row)),
        missing=judgement.missing,
        guessed_letters=said.sheet.guessed_letters,
        only_checked=only_checked,
        unread=said.entries.unread,
        others=said.sheet.others,
        hidden=said.sheet.hidden,
    )


def _keep(tx: Tx, said: FamilyList, report: ListReport) -> None:
    """The list and its findings, those of an earlier import of the same list replaced."""
    tx.put(
        schema.family_list,
        [
            {
                "list_id": said.list_id,
                "file": said.file,
                "digest": said.sheet.digest,
                "map_digest": said.mapping.digest,
                "source": said.source,
                "snapshot": said.snapshot,
                "taken_ms": report.at.ms,
                "rows": len(report.rows),
                "taken": report.count(Outcome.TAKEN),
                "unchanged": report.count(Outcome.UNCHANGED),
                "refused": report.count(Outcome.REFUSED),
                "skipped": report.count(Outcome.SKIPPED),
                "missing": len(report.missing),
            }
        ],
    )
    tx.remove(schema.import_note, import_id=said.list_id)
    notes = {
        (found.row, found.code): {
            "import_id": said.list_id,
            "row": found.row,
            "reason": found.code,
            "severity": found.severity.value,
        }
        for found in report.findings
    }
    tx.add(schema.import_note, list(notes.values()))
