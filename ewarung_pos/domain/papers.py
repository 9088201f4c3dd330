"""The papers of a kiosk, as pure functions of what is recorded: receipt, reversal, day report, price list.

A receipt carries everything that the holder needs to complain with (domain rules R21, R22): what was handed over at
which price, what paid for it, the bank's references, what is left, who served, and the place of its entry in the
chain. It names no person but the cashier unless a name is passed, and of the card only the last four digits (R23).
"""

from __future__ import annotations

from collections.abc import Iterable

from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.day_paper import day_report
from ewarung_pos.domain.documents import Align, Block, Columns, Cut, Document, Rule, Table, Text, text_lines
from ewarung_pos.domain.journal import Entry, Redeemed, Reversed
from ewarung_pos.domain.paper_code import parse_qr
from ewarung_pos.domain.paper_parts import (
    COMPLAINTS,
    NO_DATA,
    WATERMARK,
    chain_place,
    code_for,
    ending,
    finished,
    heading,
    moment,
    receipt_number,
    short_hash,
    total_line,
)
from ewarung_pos.domain.redemption import PurseDebit, RedemptionLine, Remaining, RightDebit, Tender
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.domain.timeline import BusinessDate, Period
from ewarung_pos.domain.units import Quantity, Rupiah, Unit, dotted

__all__ = [
    "COMPLAINTS",
    "WATERMARK",
    "day_report",
    "parse_qr",
    "price_list",
    "receipt",
    "receipt_number",
    "reversal_receipt",
    "short_hash",
    "text_lines",
]


def receipt(
    identity: KioskIdentity,
    entry: Entry,
    seq: int,
    entry_hash_hex: str,
    operator_name: str,
    copy: int,
    *,
    again: bool = False,
) -> Document:
    """The receipt of a redemption; `copy` 0 is the original, 1.. are marked SALINAN. It names no family.

    `again`: a try to print it was cut off, and nobody knows whether the original came out; marked as well.

    Raises:
        TypeError: the entry is not a redemption.
    """
    fact = entry.fact
    if not isinstance(fact, Redeemed):
        raise TypeError("a receipt needs a redemption")
    total = sum(line.total.amount for line in fact.lines)
    blocks: list[Block] = [
        *heading(identity, "STRUK PENGAMBILAN", copy, again=again),
        Text(f"No. {receipt_number(entry.date, fact.receipt)}", Align.CENTRE, bold=True),
        *moment(entry.instant),
        Columns("Kasir", operator_name),
        Columns("Kartu", f"**** {fact.last4}"),
        Columns("Hadir", fact.presence.label),
        Rule(),
        *_goods(fact.lines),
        Rule(),
        *_tenders(fact.lines),
        *total_line("TOTAL", total),
        *_purse(fact),
        *_remaining(fact.remaining, fact.debits, entry.date),
        *_promises(has_purse=fact.purse is not None or fact.purse_before is not None),
        *chain_place(code_for("receipt", entry, seq, entry_hash_hex, fact.receipt, total)),
        *ending(copy, again=again),
    ]
    cash = _cash_moves(fact.lines, copy, again=again)
    return finished(identity, "struk", "Struk", entry, fact.receipt, copy, blocks, cash=cash)


def reversal_receipt(
    identity: KioskIdentity,
    entry: Entry,
    seq: int,
    entry_hash_hex: str,
    operator_name: str,
    approver_name: str,
    copy: int,
    *,
    again: bool = False,
) -> Document:
    """The paper of a reversal: who allowed it, what came back, which rights returned, the bank's reference of the void.

    Raises:
        TypeError: the entry is not a reversal.
    """
    fact = entry.fact
    if not isinstance(fact, Reversed):
        raise TypeError("a reversal receipt needs a reversal")
    total = sum(line.total.amount for line in fact.lines)
    blocks: list[Block] = [
        *heading(identity, "STRUK PEMBATALAN", copy, again=again),
        Text(f"No. {receipt_number(entry.date, fact.receipt)}", Align.CENTRE, bold=True),
        Text(f"membatalkan No. {receipt_number(entry.date, fact.original_receipt)}", Align.CENTRE),
        *moment(entry.instant),
        Columns("Kasir", operator_name),
        Columns("Disetujui", approver_name),
        Columns("Kartu", f"**** {fact.last4}"),
        Columns("Alasan", fact.reason.replace("_", " ")),
        Rule(),
        Text("Barang kembali ke kios:"),
        *_goods(fact.lines),
        Rule(),
        *_tenders(fact.lines),
        *total_line("DIBATALKAN", total),
    ]
    if fact.void is not None:
        blocks += [
            Columns("KKS dikembalikan bank", str(Rupiah(fact.void.amount)), bold=True),
            *_references(fact.void),
            Rule(),
        ]
    blocks += [
        *_remaining(fact.remaining, fact.debits, entry.date),
        *_promises(has_purse=fact.void is not None),
        *chain_place(code_for("reversal", entry, seq, entry_hash_hex, fact.receipt, total)),
        *ending(copy, again=again),
    ]
    cash = _cash_moves(fact.lines, copy, again=again)
    return finished(identity, "batal", "Struk pembatalan", entry, fact.receipt, copy, blocks, cash=cash)


def price_list(identity: KioskIdentity, catalogue: Catalogue, date: BusinessDate) -> Document:
    """The prices of the day for the wall: one price for everybody, whatever pays (R27), beside its ceiling (R24)."""
    blocks: list[Block] = [*heading(identity, "DAFTAR HARGA", 0), Text(date.short(), Align.CENTRE), Rule()]
    limits: dict[str, str] = {}
    for product in catalogue.products:
        blocks += [
            Text(product.name, bold=True),
            Columns(f"  isi {product.pack}", str(product.price), bold=True),
        ]
        limit = catalogue.ceiling(product, date)
        if limit is None:
            continue
        kind = "HET" if limit.binding else "acuan"
        per = {Unit.GRAM: "kg", Unit.MILLILITRE: "L", Unit.PIECE: "butir"}[product.pack.unit]
        over = "di atas HET" if catalogue.over_ceiling(product, date) else ""
        blocks.append(Columns(f"  {kind} {limit.price}/{per}", over))
        limits[limit.regulation] = kind
    blocks += [
        Rule(),
        Text("Harga sama untuk jatah, KKS, dan tunai.", Align.CENTRE),
        *(Text(f"{kind}: {rule}", Align.CENTRE, small=True) for rule, kind in limits.items()),
        *(Text(line, Align.CENTRE) for line in COMPLAINTS),
        Cut(),
    ]
    return Document(f"harga-{date.iso}", "Daftar harga", tuple(blocks), WATERMARK if identity.practice else "")


def _cash_moves(lines: tuple[RedemptionLine, ...], copy: int, *, again: bool) -> bool:
    """Whether this is the paper with which cash changes hands: no copy, and nothing that is printed once more."""
    return copy == 0 and not again and any(line.tender is Tender.CASH for line in lines)


def _goods(lines: Iterable[RedemptionLine]) -> list[Block]:
    blocks: list[Block] = []
    for line in lines:
        blocks += [
            Text(line.name, bold=True),
            Columns(f"  {dotted(line.packs)} {line.pack_word} x {Rupiah(line.price)}", str(line.total)),
            Columns(f"  isi {line.quantity}", line.tender.label),
        ]
    return blocks


def _tenders(lines: tuple[RedemptionLine, ...]) -> list[Block]:
    sums = {tender: sum(x.total.amount for x in lines if x.tender is tender) for tender in Tender}
    used = {line.tender for line in lines}
    return [
        Columns(tender.label[:1].upper() + tender.label[1:], str(Rupiah(amount)))
        for tender, amount in sums.items()
        if tender in used
    ]


def _references(debit: PurseDebit) -> list[Block]:
    blocks: list[Block] = [
        Columns("  Persetujuan", debit.approval or NO_DATA),
        Columns("  Invoice", debit.invoice or NO_DATA),
        Columns("  TID", debit.terminal or NO_DATA),
    ]
    if debit.evidence == "slip":
        blocks.append(Columns("  Bukti", "slip EDC, 2 orang"))
    return blocks


def _purse(fact: Redeemed) -> list[Block]:
    if fact.purse is None:
        return []
    before = NO_DATA if fact.purse_before is None else str(Rupiah(fact.purse_before))
    after = NO_DATA if fact.purse_after is None else str(Rupiah(fact.purse_after))
    return [
        Columns("KKS lewat EDC", str(Rupiah(fact.purse.amount)), bold=True),
        *_references(fact.purse),
        Text("Saldo menurut catatan"),
        Columns("  sebelum", before),
        Columns("  sesudah", after, bold=True),
        Rule(),
    ]


def _remaining(remaining: tuple[Remaining, ...], debits: tuple[RightDebit, ...], date: str) -> list[Block]:
    if not remaining:
        return []
    period = Period(debits[0].period) if debits else BusinessDate(date).period()
    rows = tuple((x.name, str(Quantity(x.before, x.unit)), str(Quantity(x.after, x.unit))) for x in remaining)
    return [Text(f"Sisa jatah {period.long()}", bold=True), Table(("", "sebelum", "sesudah"), rows), Rule()]


def _promises(*, has_purse: bool) -> list[Block]:
    lines = ["Sisa saldo TIDAK hangus."] if has_purse else []
    lines += ["Kartu & PIN dipegang sendiri.", *COMPLAINTS]
    return [Text(line, Align.CENTRE) for line in lines]
