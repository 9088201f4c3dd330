"""Entries of an invented kiosk's day, as the ledger would hold them, for tests of papers and printers."""

from __future__ import annotations

import hashlib
from typing import Any

from ewarung_pos.domain.business_day import ControlLine, DayTotals, EdcTotals
from ewarung_pos.domain.catalogue import Catalogue, Ceiling, Commodity, Product
from ewarung_pos.domain.documents import Columns, Document, Table, Text
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.journal import DayClosed, Entry, Fact, Redeemed, Reversed, canonical, genesis, link
from ewarung_pos.domain.papers import day_report, price_list, receipt, reversal_receipt
from ewarung_pos.domain.redemption import PurseDebit, RedemptionLine, Remaining, RightDebit, Tender
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.domain.stock import CountLine, VarianceReason
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.domain.units import Rupiah, Unit, grams, millilitres, pieces
from ewarung_pos.domain.wording import paper_text

DATE = "2026-11-24"
AT = 1_795_486_500_000  # 2026-11-24 09.15 WIB


def identity(**changes: Any) -> KioskIdentity:
    fields: dict[str, Any] = {
        "device": "EW-0123",
        "epoch": 1,
        "name": "e-Warung Mawar",
        "kelurahan_code": "33.74.01.1011",
        "kelurahan": "Kauman",
    }
    return KioskIdentity(**(fields | changes))


def line(tender: Tender, **changes: Any) -> RedemptionLine:
    fields: dict[str, Any] = {
        "product": "beras-5",
        "name": "Beras medium Rojolele 5 kg",
        "commodity": "beras",
        "packs": 2,
        "pack_word": "sak",
        "amount": 10_000,
        "unit": Unit.GRAM,
        "price": 67_500,
        "tender": tender,
        "programme": "cbp",
    }
    return RedemptionLine(**(fields | changes))


RICE = line(Tender.RATION)
OIL = line(
    Tender.RATION,
    product="minyak-1",
    name="Minyakita 1 L",
    commodity="minyak",
    packs=1,
    pack_word="botol",
    amount=1000,
    unit=Unit.MILLILITRE,
    price=15_700,
)
EGGS = line(
    Tender.PURSE,
    product="telur-10",
    name="Telur ayam ras isi 10",
    commodity="telur",
    packs=2,
    pack_word="tray",
    amount=20,
    unit=Unit.PIECE,
    price=19_500,
    programme="sembako",
)
SUGAR = line(
    Tender.CASH,
    product="gula-1",
    name="Gula pasir Gulaku 1 kg",
    commodity="gula",
    packs=1,
    pack_word="bungkus",
    amount=1000,
    price=17_500,
    programme="",
)
REMAINING = (
    Remaining("cbp", "beras", "Beras", Unit.GRAM, 10_000, 0),
    Remaining("cbp", "minyak", "Minyak goreng", Unit.MILLILITRE, 2000, 1000),
)
DEBITS = (
    RightDebit("cbp", "2026-11", "beras", Unit.GRAM, 10_000),
    RightDebit("cbp", "2026-11", "minyak", Unit.MILLILITRE, 1000),
)
DEBIT = PurseDebit("a1", 39_000, "004512", "000123", "412345678901", "00000001", "M1", "7", programme="sembako")


def redeemed(**changes: Any) -> Redeemed:
    fields: dict[str, Any] = {
        "receipt": 47,
        "family": "f-9f2c",
        "last4": "4821",
        "presence": HolderPresence.SELF,
        "lines": (RICE, OIL, EGGS, SUGAR),
        "debits": DEBITS,
        "remaining": REMAINING,
        "purse": DEBIT,
        "purse_before": 200_000,
        "purse_after": 161_000,
    }
    return Redeemed(**(fields | changes))


def ration_only() -> Redeemed:
    return redeemed(lines=(RICE, OIL), purse=None, purse_before=None, purse_after=None)


def reversed_fact(**changes: Any) -> Reversed:
    fields: dict[str, Any] = {
        "receipt": 48,
        "original": "0193-original",
        "original_receipt": 47,
        "family": "f-9f2c",
        "last4": "4821",
        "reason": "jumlah_salah",
        "approved_by": "K1",
        "lines": (RICE, EGGS),
        "debits": DEBITS[:1],
        "remaining": (Remaining("cbp", "beras", "Beras", Unit.GRAM, 0, 10_000),),
        "void": DEBIT,
    }
    return Reversed(**(fields | changes))


def closed(**changes: Any) -> DayClosed:
    fields: dict[str, Any] = {
        "totals": DayTotals(
            first_seq=1,
            last_seq=131,
            redemptions=45,
            reversals=1,
            refused=3,
            families=41,
            receipts=46,
            first_receipt=1,
            last_receipt=46,
            copies=2,
            ration_value=6_075_000,
            purse=1_911_000,
            cash=122_500,
            control=(
                ControlLine("beras", Unit.GRAM, 452_500, 452_500, 452_500, 452_500),
                ControlLine("minyak", Unit.MILLILITRE, 45_000, 45_000, 45_000, 45_000),
                ControlLine("telur", Unit.PIECE, 1200, 1200, 1200, 1200),
            ),
        ),
        "count": (
            CountLine("beras-5", 120, 120),
            CountLine("gula-1", 40, 39, VarianceReason.SPILLED, "kantong sobek"),
            CountLine("minyak-1", 55, 55),
        ),
        "edc": EdcTotals(1_911_000, "000007"),
        "head": hashlib.sha256(b"head").hexdigest(),
        "signature": hashlib.sha512(b"signature").hexdigest(),
        "report": 12,
    }
    return DayClosed(**(fields | changes))


def entry(fact: Fact, seq: int = 123) -> Entry:
    return Entry(seq, "0193-id", "EW-0123", 1, DATE, AT, 5000, "boot", "S1", fact)


def digest(item: Entry) -> str:
    return link(genesis(item.device, item.epoch), canonical(item)).hex()


def receipt_of(fact: Redeemed, copy: int = 0, **who: Any) -> Document:
    item = entry(fact)
    return receipt(identity(**who), item, item.seq, digest(item), "Sri", copy)


def reversal_of(fact: Reversed, copy: int = 0, **who: Any) -> Document:
    item = entry(fact)
    return reversal_receipt(identity(**who), item, item.seq, digest(item), "Sri", "Yuni Astuti", copy)


def report_of(fact: DayClosed, copy: int = 0, **who: Any) -> Document:
    item = entry(fact, seq=132)
    return day_report(identity(**who), item, item.seq, digest(item), "Sri", catalogue(), copy)


def prices(**who: Any) -> Document:
    return price_list(identity(**who), catalogue(), BusinessDate(DATE))


def catalogue() -> Catalogue:
    since = BusinessDate("2026-01-01")
    return Catalogue(
        commodities=(
            Commodity("beras", "Beras", "Beras", Unit.GRAM),
            Commodity("minyak", "Minyak goreng", "Minyak", Unit.MILLILITRE),
            Commodity("telur", "Telur ayam", "Telur", Unit.PIECE),
            Commodity("gula", "Gula pasir", "Gula", Unit.GRAM),
        ),
        products=(
            Product("beras-5", RICE.name, "beras", "medium", "Rojolele", grams(5000), "sak", Rupiah(67_500)),
            Product("minyak-1", OIL.name, "minyak", "kemasan", "Minyakita", millilitres(1000), "botol", Rupiah(16_000)),
            Product("telur-10", EGGS.name, "telur", "ras", "", pieces(10), "tray", Rupiah(19_500)),
            Product("gula-1", SUGAR.name, "gula", "konsumsi", "Gulaku", grams(1000), "bungkus", Rupiah(17_500)),
        ),
        ceilings=(
            Ceiling("beras", "medium", Rupiah(13_500), since, "Perbadan 5/2025"),
            Ceiling("minyak", "kemasan", Rupiah(15_700), since, "Kepmendag 1028/2024"),
            Ceiling("gula", "konsumsi", Rupiah(17_500), since, "Perbadan 12/2024", binding=False),
        ),
    )


def all_documents(**who: Any) -> dict[str, Document]:
    """One of each paper, and the awkward ones."""
    return {
        "receipt": receipt_of(redeemed(), **who),
        "ration": receipt_of(ration_only(), **who),
        "copy": receipt_of(redeemed(), copy=2, **who),
        "reversal": reversal_of(reversed_fact(), **who),
        "report": report_of(closed(), **who),
        "prices": prices(**who),
    }


def words_of(document: Document) -> set[str]:
    """Every word of a paper, as printed; signatures and codes, which no line can hold, are no words."""
    texts: list[str] = []
    for block in document.blocks:
        match block:
            case Text():
                texts.append(block.text)
            case Columns():
                texts += [block.left, block.right]
            case Table():
                texts += [cell for row in (block.header[1:], *block.rows) for cell in row]
            case _:
                pass
    return {word for text in texts for word in paper_text(text).split() if len(word) <= 20}
