"""The report that seals a business day."""

from __future__ import annotations

from collections.abc import Mapping

from ewarung_pos.domain.business_day import ControlLine, DayTotals, EdcTotals, paid_words
from ewarung_pos.domain.catalogue import Catalogue, Product
from ewarung_pos.domain.documents import Align, Block, Columns, Document, Rule, Space, Table, Text
from ewarung_pos.domain.journal import DayClosed, Entry
from ewarung_pos.domain.paper_parts import (
    NO_DATA,
    chain_place,
    code_for,
    ending,
    finished,
    heading,
    receipt_number,
    short_hash,
    total_line,
)
from ewarung_pos.domain.redemption import Tender
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.domain.stock import CountLine
from ewarung_pos.domain.timeline import BusinessDate, Instant
from ewarung_pos.domain.units import Quantity, Rupiah, Unit, dotted

__all__ = ["day_report"]

_NOTHING: Mapping[str, Mapping[Tender, int]] = {}


def day_report(
    identity: KioskIdentity,
    entry: Entry,
    seq: int,
    entry_hash_hex: str,
    operator_name: str,
    catalogue: Catalogue,
    copy: int = 0,
    *,
    again: bool = False,
    paid: Mapping[str, Mapping[Tender, int]] = _NOTHING,
) -> Document:
    """The report that seals a business day (domain rules R33, R34): totals, four-way control, EDC, count, seal.

    `paid`: for each commodity what paid for the goods that left, base units; the parts of the control's first figure.

    Raises:
        TypeError: the entry does not close a day.
    """
    fact = entry.fact
    if not isinstance(fact, DayClosed):
        raise TypeError("a day report needs a closed day")
    totals = fact.totals
    value = totals.ration_value + totals.purse + totals.cash
    blocks: list[Block] = [
        *heading(identity, "LAPORAN TUTUP HARI", copy, again=again),
        Text(f"No. {receipt_number(entry.date, fact.report)}", Align.CENTRE, bold=True),
        Columns("Hari", BusinessDate(entry.date).short()),
        Columns("Ditutup", _closing_time(entry)),
        Columns("Oleh", operator_name),
        Rule(),
        *_services(totals),
        Rule(),
        Columns("Jatah", str(Rupiah(totals.ration_value))),
        Columns("KKS", str(Rupiah(totals.purse))),
        Columns("Tunai", str(Rupiah(totals.cash))),
        *total_line("TOTAL", value),
        *_edc(totals, fact.edc),
        Rule(),
        *_control(totals, catalogue, paid),
        Rule(),
        *_count(fact.count, catalogue),
        Rule(),
        Text("SEGEL", bold=True),
        Columns("Catatan no.", f"{totals.first_seq} s.d. {totals.last_seq}"),
        Columns("Kepala rantai", short_hash(fact.head)),
        Text(f"Tanda tangan kios: {_grouped(fact.signature)}", small=True),
        *chain_place(code_for("day_report", entry, seq, entry_hash_hex, fact.report, max(0, value))),
        *_signatures(("Kasir", "Ketua", "Pendamping")),
        *ending(copy, again=again),
    ]
    return finished(identity, "tutup-hari", "Laporan tutup hari", entry, fact.report, copy, blocks)


def _services(totals: DayTotals) -> list[Block]:
    blocks: list[Block] = [
        Columns("Keluarga dilayani", dotted(totals.families)),
        Columns("Penyaluran", dotted(totals.redemptions)),
        Columns("Pembatalan", dotted(totals.reversals)),
        Columns("Tidak dilayani", dotted(totals.refused)),
        Columns("Tidak pasti", dotted(totals.in_doubt)),
    ]
    if totals.receipts:
        numbers = f"{totals.first_receipt:04d} - {totals.last_receipt:04d}"
        blocks.append(Columns("Struk", f"{numbers} ({dotted(totals.receipts)})"))
    else:
        blocks.append(Columns("Struk", "0"))
    return [*blocks, Columns("Salinan", dotted(totals.copies))]


def _edc(totals: DayTotals, edc: EdcTotals | None) -> list[Block]:
    if edc is None:
        return [Columns("Total EDC", NO_DATA)]
    blocks: list[Block] = [
        Columns("Total EDC", str(Rupiah(edc.amount))),
        Columns("KKS di kios", str(Rupiah(totals.purse))),
        Columns("Selisih", str(Rupiah(edc.amount - totals.purse)), bold=True),
    ]
    if edc.batch:
        blocks.append(Columns("Batch", edc.batch))
    if edc.explanation:
        blocks.append(Text(f"Penjelasan: {edc.explanation}"))
    return blocks


def _control(totals: DayTotals, catalogue: Catalogue, paid: Mapping[str, Mapping[Tender, int]]) -> list[Block]:
    title = Text("KENDALI EMPAT ANGKA", bold=True)
    if not totals.control:
        return [title, Text("Tidak ada barang keluar.")]
    rows = tuple(_control_row(line, catalogue) for line in totals.control)
    verdict = "Keempat angka cocok." if totals.agrees else "ANGKA TIDAK COCOK."
    parts: list[Block] = [
        Columns(f"  {_commodity(line, catalogue)}", words)
        for line in totals.control
        if (words := paid_words(paid.get(line.commodity, {}), line.unit))
    ]
    return [
        title,
        Table(("Barang", "dasar", "keluar", "struk", "stok"), rows),
        *([Text("Dasar menurut pembayaran:")] if parts else []),
        *parts,
        Text(verdict, bold=not totals.agrees),
    ]


def _commodity(line: ControlLine, catalogue: Catalogue) -> str:
    names = {commodity.code: commodity.short for commodity in catalogue.commodities}
    return names.get(line.commodity, line.commodity)


def _control_row(line: ControlLine, catalogue: Catalogue) -> tuple[str, ...]:
    unit = {Unit.GRAM: "kg", Unit.MILLILITRE: "L", Unit.PIECE: "butir"}[line.unit]
    figures = (line.debited, line.issued, line.receipted, line.moved)
    return (
        f"{_commodity(line, catalogue)} ({unit})",
        *(_figure(amount, line.unit) for amount in figures),
    )


def _figure(amount: int, unit: Unit) -> str:
    """A bare number in kg, L or pieces, so that a row reads in one unit."""
    if unit is Unit.PIECE:
        return Quantity(amount, unit).figure
    whole, rest = divmod(abs(amount), 1000)
    tail = f",{rest:03d}".rstrip("0") if rest else ""
    return ("-" if amount < 0 else "") + dotted(whole) + tail


def _count(count: tuple[CountLine, ...], catalogue: Catalogue) -> list[Block]:
    title = Text("HITUNG STOK (kemasan)", bold=True)
    if not count:
        return [title, Text(NO_DATA)]
    products = {product.code: product for product in catalogue.products}
    rows = tuple(
        (_product_name(products, x.product), dotted(x.booked), dotted(x.counted), _signed(x.difference)) for x in count
    )
    reasons = [
        Text(
            f"{_product_name(products, x.product)}: {_signed(x.difference)}, {x.reason.label if x.reason else NO_DATA}"
            + (f" ({x.note})" if x.note else "")
        )
        for x in count
        if x.difference
    ]
    return [title, Table(("Barang", "buku", "hitung", "selisih"), rows), *reasons]


def _product_name(products: dict[str, Product], code: str) -> str:
    return products[code].name if code in products else code


def _signed(difference: int) -> str:
    return f"{'+' if difference > 0 else ''}{dotted(difference)}"


def _signatures(roles: tuple[str, ...]) -> list[Block]:
    blocks: list[Block] = []
    for role in roles:
        blocks += [Space(), Space(), Columns(role, "_" * 20)]
    return [*blocks, Space()]


def _grouped(text: str) -> str:
    return " ".join(text[start : start + 8] for start in range(0, len(text), 8))


def _closing_time(entry: Entry) -> str:
    moment = Instant(entry.instant)
    late = "" if moment.date().iso == entry.date else f"{moment.date().long()} "
    return f"{late}{moment.clock()} WIB"
