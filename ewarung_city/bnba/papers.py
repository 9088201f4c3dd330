"""The quality report of a list: every row with what was found, as CSV; counts and what a person has to do, as PDF.

Names are in it, and masked numbers; a full NIK, No. KK or card number is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from ewarung_city.bnba.columns import FIELDS
from ewarung_city.bnba.findings import Finding, Outcome, Severity, kind_of, shown
from ewarung_city.bnba.judging import Missing
from ewarung_city.bnba.taking import ListReport
from ewarung_pos.devices.pdf import sheet_bytes
from ewarung_pos.domain.documents import Align, Block, Columns, Document, Rule, Space, Table, Text
from ewarung_pos.domain.timeline import BusinessDate

__all__ = ["file_stem", "quality_csv", "quality_paper", "remarks", "write_papers"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HEADING = ("baris", "hasil", "tingkat", "kolom", "kode", "temuan", "nama", "nik_disamarkan")
_SHEET_ROWS = 1500
"""Findings, and missing families, that the PDF names one by one (some forty sheets); the CSV has them all."""

_OUTCOMES = {
    Outcome.TAKEN: "diambil: baru atau berubah",
    Outcome.UNCHANGED: "tetap seperti di register",
    Outcome.REFUSED: "ditolak",
    Outcome.SKIPPED: "dilewati",
}
_PARTS = {
    Severity.REFUSE: "Ditolak: perbaiki di daftar, lalu impor lagi",
    Severity.CHECK: "Diambil, tetapi perlu diperiksa",
    Severity.INFO: "Keterangan",
}


def file_stem(report: ListReport) -> str:
    """Name for the files, without extension."""
    return f"bnba-{report.snapshot}-{report.digest[:8]}-{report.at.local():%Y%m%d-%H%M%S}"


def counts(report: ListReport) -> Iterator[tuple[str, str]]:
    """What stands on top of both papers: whose list, and how many rows came to what."""
    yield "Berkas", shown(report.file)
    yield "SHA-256", report.digest
    yield "Dibaca sebagai", shown(report.how)
    yield "Asal daftar", shown(report.source)
    yield "Tanggal daftar", BusinessDate(report.snapshot).long()
    yield "Diperiksa", f"{report.at.date().long()} pukul {report.at.clock()} WIB"
    yield "Semua baris", _figure(len(report.rows))
    for outcome, label in _OUTCOMES.items():
        yield f"Baris {label}", _figure(report.count(outcome))
    for severity in Severity:
        yield f"Baris dengan temuan: {severity.value}", _figure(report.rows_with(severity))
    yield "Keluarga di register yang tidak disebut", _figure(len(report.missing))
    yield "Tidak disebut, baru kali ini", _figure(sum(family.new for family in report.missing))


def quality_csv(report: ListReport) -> str:
    """Every row of the list, at least one line each; then the families that it should have named.

    Separated by `;` with a byte order mark, as Indonesian spreadsheets open it; every cell quoted, none computed.
    """
    by_row: dict[int, list[Finding]] = {}
    for found in report.findings:
        by_row.setdefault(found.row, []).append(found)
    lines: list[tuple[str, ...]] = [*counts(report), *((text,) for text in remarks(report)), (), _HEADING]
    for row in report.rows:
        end = (shown(row.name), row.nik_masked)
        lines.extend(
            (str(row.row), row.outcome.value, found.severity.value, found.column, found.code, found.sentence, *end)
            for found in by_row.get(row.row, ())
        )
        if row.row not in by_row:
            lines.append((str(row.row), row.outcome.value, "", "", "", "", *end))
    lines += [(), ("Keluarga di register yang tidak disebut daftar ini",)]
    lines.append(("nama", "nik_disamarkan", "kartu", "kelurahan", "kios", "daftar_terakhir", "baru"))
    lines.extend(
        (
            family.name,
            family.nik_masked,
            f"**** {family.last4}",
            family.kelurahan_code,
            family.home,
            family.listed,
            "ya" if family.new else "tidak",
        )
        for family in report.missing
    )
    return "\ufeff" + "".join(";".join(map(_cell, line)) + "\r\n" for line in lines)


def quality_paper(report: ListReport) -> Document:
    """The report on sheets of A4: counts, how often each thing was found, then the findings, the gravest first."""
    title = "Mutu daftar penerima (BNBA)"
    blocks: list[Block] = [Text(title, bold=True, big=True), Space()]
    blocks += [Columns(label, value) for label, value in counts(report)]
    blocks += [Text(text) for text in remarks(report)]
    blocks += [Rule(), Text("Temuan menurut jenis", bold=True)]
    kinds = _kinds(report)
    blocks.append(Table(("temuan", "kali"), kinds) if kinds else Text("Tidak ada."))
    names = {row.row: shown(row.name) for row in report.rows}
    room = _SHEET_ROWS
    for severity, label in _PARTS.items():
        found = [item for item in report.findings if item.severity is severity]
        if found:
            blocks += [Rule(), Text(f"{label} ({_figure(len(found))})", bold=True)]
            blocks += _listed((_line(item, names) for item in found[:room]), len(found) - room)
            room = max(0, room - len(found))
    blocks += [Rule(), Text("Keluarga di register yang tidak disebut daftar ini", bold=True)]
    blocks += _missing(report.missing)
    blocks.append(Text("Berkas ini memuat data pribadi: simpan terkunci, hapus sesudah dipakai.", Align.CENTRE))
    return Document(file_stem(report), title, tuple(blocks))


def write_papers(report: ListReport, directory: Path) -> tuple[Path, Path]:
    """Write both; returns (CSV, PDF).

    Raises:
        OSError: they cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    table, paper = (directory / f"{file_stem(report)}.{kind}" for kind in ("csv", "pdf"))
    table.write_bytes(quality_csv(report).encode())
    paper.write_bytes(sheet_bytes(quality_paper(report)))
    return table, paper


def remarks(report: ListReport) -> Iterator[str]:
    """How the file was read, as far as a person should know of it."""
    if report.only_checked:
        yield "Hanya diperiksa (--check): register tidak berubah."
    if report.guessed_letters:
        yield "Berkas bukan UTF-8 dan dibaca sebagai Windows-1252: periksa huruf pada nama dan alamat."
    read = (f"{FIELDS[field][0]} = {shown(heading)}" for field, heading in report.headings.items())
    yield f"Kolom yang dibaca: {'; '.join(read)}."
    if report.unread:
        yield f"Kolom yang tidak dibaca: {'; '.join(map(shown, report.unread))}."
    if report.hidden:
        yield f"{_figure(report.hidden)} baris tersembunyi di lembar kerja (saringan?) ikut dibaca."
    if report.others:
        named = "; ".join(f"{shown(name)} ({_figure(rows)} baris)" for name, rows in report.others)
        yield f"Lembar yang tidak dibaca: {named}."


def _missing(missing: tuple[Missing, ...]) -> Iterator[Block]:
    if not missing:
        yield Text("Tidak ada.")
        return
    yield Text(
        "Terdaftar di kelurahan dan program daftar ini, tetapi tidak disebut. Mereka ditandai dan tetap dilayani "
        "sampai statusnya diputuskan."
    )
    rows = tuple(
        (f"{family.name}, {family.nik_masked}", family.kelurahan_code, family.home, family.listed or "-")
        for family in missing[:_SHEET_ROWS]
    )
    yield Table(("nama dan NIK", "kelurahan", "kios", "daftar terakhir"), rows)
    if len(missing) > _SHEET_ROWS:
        yield Text(f"{_figure(len(missing) - _SHEET_ROWS)} keluarga lagi ada di berkas CSV.")


def _line(found: Finding, names: dict[int, str]) -> str:
    who = names.get(found.row, "")
    return f"Baris {found.row}{f' ({who})' if who else ''}: {found.sentence}"


def _listed(lines: Iterable[str], left: int) -> Iterator[Block]:
    yield from (Text(line, small=True) for line in lines)
    if left > 0:
        yield Text(f"{_figure(left)} lagi ada di berkas CSV.")


def _kinds(report: ListReport) -> tuple[tuple[str, str], ...]:
    """What was found how often, the gravest first."""
    often = Counter((found.severity, found.column, found.code) for found in report.findings)
    grave = list(Severity)
    order = sorted(often.items(), key=lambda item: (grave.index(item[0][0]), -item[1], item[0][2]))
    return tuple(
        (f"{severity.value}: {kind_of(code, column)}", _figure(count)) for (severity, column, code), count in order
    )


def _figure(count: int) -> str:
    return f"{count:,}".replace(",", ".")


def _cell(text: str) -> str:
    guarded = f"'{text}" if text.startswith(_FORMULA) else text
    return '"' + guarded.replace('"', '""') + '"'
