"""The sheet of Tutup Hari in words: what was counted, why it differs, the four figures, and the day's totals."""

from __future__ import annotations

import msgspec

from ewarung_pos.domain.business_day import DayTotals, paid_words
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.redemption import Tender
from ewarung_pos.domain.stock import CountLine, VarianceReason
from ewarung_pos.domain.units import Quantity, Rupiah, dotted

__all__ = ["REASONS", "CountRow", "StoryLine", "count_lines", "count_row", "differences", "figures_of", "story_of"]

REASONS: tuple[tuple[str, str], ...] = tuple((reason.value, reason.label) for reason in VarianceReason)
"""(value, label) of every reason for a difference."""


class CountRow(msgspec.Struct, frozen=True):
    """One product at the count. `booked` is hidden while the count is blind; `difference`: `−1 papan`, `cocok`."""

    product: str
    name: str
    pictogram: str
    pack_word: str
    booked: int
    counted: int | None
    difference: str = ""
    differs: bool = False
    reason: str = ""
    note: str = ""


class StoryLine(msgspec.Struct, frozen=True):
    """One of the four figures of one commodity, and whether it agrees."""

    text: str
    agrees: bool


def count_row(catalogue: Catalogue, code: str, booked: int, counted: int | None) -> CountRow:
    """A product at the count, with its difference in words once it is counted."""
    product = catalogue.product(code)
    difference, differs = "", False
    if counted is not None:
        packs = counted - booked
        differs = packs != 0
        sign = "+" if packs > 0 else "−"
        difference = f"{sign}{dotted(abs(packs))} {product.pack_word}" if differs else "cocok"
    return CountRow(
        product=code,
        name=f"{product.name} {product.pack}" if str(product.pack) not in product.name else product.name,
        pictogram=catalogue.commodity(product.commodity).pictogram,
        pack_word=product.pack_word,
        booked=booked,
        counted=counted,
        difference=difference,
        differs=differs,
    )


def differences(rows: tuple[CountRow, ...], most: int) -> tuple[str, ...]:
    """What a leader agrees to, the largest first, each with its reason; after so many only how many more there are."""
    labels = dict(REASONS)
    differ = sorted((row for row in rows if row.differs), key=lambda row: -abs((row.counted or 0) - row.booked))
    told = [f"{row.name}: {row.difference}, {row.note or labels.get(row.reason, '')}" for row in differ]
    more = f"dan {dotted(len(told) - most)} barang lain"
    return tuple(told) if len(told) <= most else (*told[:most], more)


def count_lines(rows: tuple[CountRow, ...]) -> tuple[CountLine, ...]:
    """What the rows say, as it is recorded; what is not counted yet counts as booked."""
    return tuple(
        CountLine(
            row.product,
            row.booked,
            row.counted if row.counted is not None else row.booked,
            VarianceReason(row.reason) if row.reason else None,
            row.note,
        )
        for row in rows
    )


def story_of(totals: DayTotals, paid: dict[str, dict[Tender, int]], catalogue: Catalogue) -> tuple[StoryLine, ...]:
    """Four figures for each commodity that moved: paid for (by tender), handed out, on paper, and off the stock."""
    story: list[StoryLine] = []
    for line in totals.control:
        if not (line.debited or line.issued or line.receipted or line.moved):
            continue
        name = catalogue.commodity(line.commodity).short.lower()
        parts = paid_words(paid.get(line.commodity, {}), line.unit) or str(Quantity(0, line.unit))
        story.append(StoryLine(f"{name}: {parts}", line.agrees))
        story.append(StoryLine(f"diserahkan {Quantity(line.issued, line.unit)}", line.agrees))
        story.append(StoryLine(f"di struk {Quantity(line.receipted, line.unit)}", line.agrees))
        story.append(StoryLine(f"stok −{Quantity(line.moved, line.unit)}", line.agrees))
    return tuple(story)


def figures_of(totals: DayTotals) -> tuple[tuple[str, str], ...]:
    """(what, how much) of the day."""
    return (
        ("Keluarga dilayani", dotted(totals.families)),
        ("Penyaluran", dotted(totals.redemptions)),
        ("Pembatalan", dotted(totals.reversals)),
        ("Tidak dilayani", dotted(totals.refused)),
        ("Struk", f"{dotted(totals.receipts)} (salinan {dotted(totals.copies)})"),
        ("Nilai jatah", str(Rupiah(totals.ration_value))),
        ("KKS lewat EDC", str(Rupiah(totals.purse))),
        ("Tunai", str(Rupiah(totals.cash))),
    )
