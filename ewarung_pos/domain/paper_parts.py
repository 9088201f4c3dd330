"""What every paper of the kiosk has in common: its head, its number, its place in the chain, its end."""

from __future__ import annotations

from ewarung_pos.domain.documents import Align, Block, Columns, Cut, Document, Qr, Rule, Text
from ewarung_pos.domain.journal import Entry
from ewarung_pos.domain.paper_code import PaperCode, qr_text
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.domain.timeline import BusinessDate, Instant
from ewarung_pos.domain.units import Rupiah
from ewarung_pos.domain.wording import rupiah_in_words

__all__ = [
    "COMPLAINTS",
    "NO_DATA",
    "WATERMARK",
    "chain_place",
    "code_for",
    "ending",
    "finished",
    "heading",
    "moment",
    "receipt_number",
    "short_hash",
    "total_line",
]

WATERMARK = "LATIHAN - BUKAN STRUK ASLI"
"""On every paper of a practice till."""

COMPLAINTS = ("Aduan: Lapor Semar", "0812-15000-512")
"""The city's public complaint channel, outside the kiosk's hands."""

NO_DATA = "tidak ada data"
"""Missing is never printed as zero (domain rule R45)."""


def receipt_number(date: str, number: int) -> str:
    """A receipt's number as printed and spoken: 2026-11-24/0047."""
    return f"{date}/{number:04d}"


def short_hash(entry_hash_hex: str) -> str:
    """The first 12 hexadecimal digits in groups of four, for the eye."""
    return " ".join(entry_hash_hex[start : start + 4] for start in (0, 4, 8))


def finished(
    identity: KioskIdentity,
    stem: str,
    title: str,
    entry: Entry,
    number: int,
    copy: int,
    blocks: list[Block],
    *,
    cash: bool = False,
) -> Document:
    """The paper with its file name; file names never repeat within a data directory."""
    # Receipt numbers start again with each epoch, and files must not replace each other.
    epoch = f"-e{entry.epoch}" if entry.epoch > 1 else ""
    suffix = f"-salinan-{copy}" if copy else ""
    return Document(
        name=f"{stem}-{entry.date}-{number:04d}{epoch}{suffix}",
        title=f"{title} {receipt_number(entry.date, number)}",
        blocks=tuple(blocks),
        watermark=WATERMARK if identity.practice else "",
        cash=cash,
    )


def heading(identity: KioskIdentity, title: str, copy: int, *, again: bool = False) -> list[Block]:
    """Whose paper this is, and what it is; a copy says so first, and so does an original that may be out already."""
    mark = _mark(copy, again=again)
    return [
        *mark,
        *([Rule()] if mark else []),
        Text(identity.name, Align.CENTRE, bold=True, big=True),
        Text(f"Kel. {identity.kelurahan}  {identity.kelurahan_code}", Align.CENTRE),
        Text(f"ID kios {identity.device}", Align.CENTRE),
        Rule(),
        Text(title, Align.CENTRE, bold=True),
    ]


def moment(instant: int) -> list[Block]:
    """Date and time of an instant (ms UTC), WIB."""
    when = Instant(instant)
    return [Columns(when.date().long(), f"{when.clock()} WIB")]


def total_line(label: str, amount: int) -> list[Block]:
    """An amount of rupiah in figures and, as on a kuitansi, in words."""
    words: list[Block] = [Text(f"({rupiah_in_words(Rupiah(amount))})")] if amount >= 0 else []
    return [Rule(double=True), Columns(label, str(Rupiah(amount)), bold=True, tall=True), *words, Rule(double=True)]


def code_for(kind: str, entry: Entry, seq: int, digest: str, number: int, total: int) -> PaperCode:
    """The content of an entry's QR; `digest` is its whole hash in hex, `total` rupiah."""
    return PaperCode(kind, entry.device, entry.epoch, seq, digest[:16], number, BusinessDate(entry.date), total)


def chain_place(code: PaperCode) -> list[Block]:
    """Where the entry stands in the chain: QR, number, short hash."""
    book = f" buku {code.epoch}" if code.epoch > 1 else ""
    return [
        Qr(qr_text(code)),
        Text(f"Catatan no. {code.seq}{book}", Align.CENTRE, small=True),
        Text(short_hash(code.digest), Align.CENTRE, small=True),
    ]


def ending(copy: int, *, again: bool = False) -> list[Block]:
    """The last lines; a copy says so again."""
    return [*_mark(copy, again=again), Cut()]


def _mark(copy: int, *, again: bool) -> list[Block]:
    if copy:
        return [Text(f"SALINAN ke-{copy}", Align.CENTRE, bold=True, big=True)]
    if again:
        return [
            Text("SALINAN", Align.CENTRE, bold=True, big=True),
            Text("yang asli mungkin sudah tercetak", Align.CENTRE, small=True),
        ]
    return []
