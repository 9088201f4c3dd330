"""What `import-families` does with an office's list: read, take or only check, report, and say what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ewarung_city.bnba import papers
from ewarung_city.bnba.columns import read_map
from ewarung_city.bnba.findings import Outcome, Severity
from ewarung_city.bnba.taking import ListReport, check_list, read_list, read_rows, take_list
from ewarung_city.keys import CityKeys
from ewarung_city.store.database import CityStore
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.errors import ConfigError

__all__ = ["ImportedList", "import_list"]

_LINES = 20


class ImportedList(msgspec.Struct, frozen=True):
    """The answer of the command: for a machine, for a person, and whether rows were refused."""

    said: dict[str, Any]
    sentences: str
    refused: bool


def import_list(
    store: CityStore,
    keys: CityKeys,
    file: Path,
    map_file: Path | None,
    sheet: str,
    source: str,
    snapshot: str,
    out: Path,
    now_ms: int,
    *,
    only_check: bool,
) -> ImportedList:
    """Import a list into the register, or only check it; the quality report is written to `out` either way.

    Raises:
        ConfigError: the list, the map, its day or its source cannot be used, or `out` cannot be written to (`out`):
            before anything was taken, or, as the sentence says, after.
        ServerBusy: the database is held by another; nothing was taken.
    """
    listed = read_list(file, read_map(map_file), source, snapshot, Instant(now_ms).local().date(), sheet)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{out}: {error.strerror}; register tidak berubah", reason="out") from error
    if only_check:
        with store.read() as tx:
            report = check_list(tx, keys, listed, now_ms)
    else:
        with store.read() as tx:
            rows = read_rows(tx, listed)
        report = store.decide(lambda tx: take_list(tx, keys, listed, now_ms, rows))
    try:
        table, paper = papers.write_papers(report, out)
    except OSError as error:
        state = "register tidak berubah" if only_check else "baris yang baik sudah diambil"
        raise ConfigError(
            f"{out}: laporan mutu gagal ditulis ({error.strerror}); {state}. Ulangi dengan --out lain", reason="out"
        ) from error
    counts = {
        "rows": len(report.rows),
        "taken": report.count(Outcome.TAKEN),
        "unchanged": report.count(Outcome.UNCHANGED),
        "refused": report.count(Outcome.REFUSED),
        "skipped": report.count(Outcome.SKIPPED),
        "missing": len(report.missing),
    }
    said = {
        **counts,
        "list": report.list_id,
        "checked_only": only_check,
        "reasons": report.by_code(),
        "notes": [
            {"row": found.row, "severity": found.severity, "reason": found.code, "sentence": found.sentence}
            for found in report.findings
        ],
        "csv": str(table),
        "pdf": str(paper),
    }
    return ImportedList(said, "\n".join([*_sentences(report, counts), str(table), str(paper)]), bool(counts["refused"]))


def _sentences(report: ListReport, counts: dict[str, int]) -> Iterator[str]:
    refusing = [found for found in report.findings if found.severity is Severity.REFUSE]
    for found in refusing[:_LINES]:
        yield f"baris {found.row}: ditolak. {found.sentence}"
    if len(refusing) > _LINES:
        yield f"... dan {len(refusing) - _LINES} alasan lagi, semuanya di laporan mutu"
    yield from papers.remarks(report)
    yield (
        f"{counts['rows']} baris: {counts['taken']} diambil, {counts['unchanged']} tetap, {counts['refused']} ditolak, "
        f"{counts['skipped']} dilewati"
    )
    if report.missing:
        new = sum(family.new for family in report.missing)
        yield f"{len(report.missing)} keluarga di register tidak disebut ({new} baru); ditandai, tetap dilayani"
