"""Turn standings, baskets and redemptions into the lines the counter shows; pure functions."""

from __future__ import annotations

from ewarung_pos.domain.catalogue import BenefitKind, Catalogue, Product
from ewarung_pos.domain.entitlement import Bound, Standing, allowance, purse_programme, ration_programme
from ewarung_pos.domain.journal import Redeemed
from ewarung_pos.domain.redemption import Basket, RedemptionLine, Tender, priced, total_of
from ewarung_pos.domain.units import Quantity, Rupiah, dotted
from ewarung_pos.ports import DeviceState, Tally
from ewarung_pos.ui.viewmodels.counter_state import (
    Fact,
    LeftRow,
    Mark,
    Person,
    Pick,
    Section,
    ShelfRow,
    Step,
    TallyItem,
)

__all__ = [
    "first_of_use",
    "hand_over",
    "left_rows",
    "person",
    "picks",
    "sections",
    "short_name",
    "steps",
    "summary",
    "tally_items",
    "to_pay",
]


def tally_items(tally: Tally, catalogue: Catalogue) -> tuple[TallyItem, ...]:
    """37 keluarga · beras 370 kg · ..."""
    items = [TallyItem("keluarga", dotted(tally.families), word_first=False)]
    for code, amount in tally.goods:
        unit = next((each.unit for each in catalogue.commodities if each.code == code), None)
        if unit is not None:
            items.append(TallyItem(catalogue.short(code).lower(), str(Quantity(amount, unit))))
    return tuple(items[:6])


def person(standing: Standing, catalogue: Catalogue) -> Person | None:
    """The family's panel; None for a card that is not known."""
    family = standing.family
    if family is None:
        return None
    names = " + ".join(each.name for each in catalogue.programmes if each.code in family.programmes)
    people = f" · {family.members} jiwa" if family.members else ""
    facts = [
        Fact("credit-card", f"kartu •••• {family.card.last4}"),
        Fact("user", f"NIK {family.nik_masked}"),
        Fact("map-pin", f"{family.kelurahan}, {family.kecamatan}"),
    ]
    if standing.last_visit is not None:
        facts.append(Fact("clock", f"terakhir datang {standing.last_visit.day_month()}"))
    if standing.shadow is not None:
        facts.append(Fact("hand-coins", f"saldo menurut catatan {standing.shadow}"))
    return Person(family.name, names + people, tuple(facts))


def sections(standing: Standing, basket: Basket, catalogue: Catalogue, terminal: DeviceState) -> tuple[Section, ...]:
    """The tabs of the basket: ration, purse (when the family has one), cash."""
    found = []
    ration = _ration_rows(standing, basket, catalogue)
    if standing.leases:
        found.append(
            Section(
                id=Tender.RATION.value,
                title=f"Jatah {standing.period.long()}",
                subtitle=f"sampai {standing.period.last_day().long().rsplit(' ', 1)[0]}",
                tab="Jatah",
                rows=ration,
                take_all=any(row.most > 0 for row in ration),
                chosen=_chosen(basket, Tender.RATION),
            )
        )
    family = standing.family
    if family is not None and any(catalogue.kind(code) is BenefitKind.PURSE for code in family.programmes):
        away = terminal not in (DeviceState.READY, DeviceState.BUSY, DeviceState.UNKNOWN)
        shadow = f"saldo menurut catatan {standing.shadow}" if standing.shadow is not None else ""
        found.append(
            Section(
                id=Tender.PURSE.value,
                title="Belanja KKS",
                subtitle=shadow,
                tab="Belanja KKS",
                rows=tuple(
                    _priced_row(product, Tender.PURSE, standing, basket, catalogue)
                    for product in catalogue.products
                    if purse_programme(standing, catalogue, product.commodity) is not None
                ),
                why_not="EDC tidak tersambung: belanja KKS menunggu EDC." if away else "",
                look=_over_shadow(standing, basket, catalogue),
                chosen=_chosen(basket, Tender.PURSE),
            )
        )
    found.append(
        Section(
            id=Tender.CASH.value,
            title="Tunai",
            subtitle="harga sama untuk semua",
            tab="Tunai",
            rows=tuple(
                _priced_row(product, Tender.CASH, standing, basket, catalogue) for product in catalogue.products
            ),
            chosen=_chosen(basket, Tender.CASH),
        )
    )
    return tuple(found)


def first_of_use(found: tuple[Section, ...]) -> str:
    """Id of the first section something can be taken from now; of the first at all when there is none."""
    usable = (each.id for each in found if not each.why_not and any(row.most > 0 for row in each.rows))
    return next(usable, found[0].id)


def summary(basket: Basket, catalogue: Catalogue) -> str:
    """2 beras SPHP · 2 gula · 1 minyak."""
    counts: dict[str, int] = {}
    for line in basket.lines:
        counts[line.product] = counts.get(line.product, 0) + line.packs
    names = {code: short_name(catalogue.product(code), catalogue) for code in counts}
    return " · ".join(f"{dotted(packs)} {names[code]}" for code, packs in counts.items())


def short_name(product: Product, catalogue: Catalogue) -> str:
    """Fewest words that still say which goods these are: `gula`, but `beras SPHP` beside `beras medium`."""
    short = catalogue.short(product.commodity)
    alike = sum(each.commodity == product.commodity for each in catalogue.products)
    name = short if alike == 1 and product.name.lower().startswith(short.lower()) else product.name
    return name[:1].lower() + name[1:]


def to_pay(basket: Basket, catalogue: Catalogue) -> str:
    """KKS Rp95.500 + tunai Rp15.700 = Rp111.200; empty for rations alone."""
    parts, together = [], Rupiah(0)
    for tender, word in ((Tender.PURSE, "KKS"), (Tender.CASH, "tunai")):
        total = Rupiah(0)
        for line in basket.lines:
            if line.tender is tender:
                total += catalogue.product(line.product).price * line.packs
        if total.amount:
            parts.append(f"{word} {total}")
            together += total
    return " + ".join(parts) + (f" = {together}" if len(parts) > 1 else "")


def picks(lines: tuple[RedemptionLine, ...], catalogue: Catalogue, ticked: frozenset[int]) -> tuple[Pick, ...]:
    """What changes hands, with ticks: first the cash to take, then 2 karung Beras SPHP 5 kg ...

    The name is the one recorded, as on the receipt.
    """
    cash = total_of(lines, Tender.CASH)
    things = [("cash", f"Terima tunai {cash}")] if cash.amount else []
    things += [
        (catalogue.pictogram(line.commodity), f"{dotted(line.packs)} {line.pack_word} {line.name} {line.pack}")
        for line in lines
    ]
    return tuple(Pick(picture, text, place in ticked) for place, (picture, text) in enumerate(things))


def hand_over(lines: tuple[RedemptionLine, ...], catalogue: Catalogue) -> str:
    """The same in a sentence: Serahkan 2 karung Beras SPHP 5 kg, ..."""
    texts = [pick.text for pick in picks(lines, catalogue, frozenset())]
    cash = [f"{texts.pop(0)}, lalu serahkan"] if len(texts) > len(lines) else ["Serahkan"]
    return " ".join((*cash, ", ".join(texts)))


def left_rows(fact: Redeemed, catalogue: Catalogue) -> tuple[LeftRow, ...]:
    """What is left of the month, and of the purse as recorded."""
    rows = [LeftRow(each.name, str(Quantity(each.after, each.unit))) for each in fact.remaining]
    if fact.purse_after is not None:
        rows.append(LeftRow("Saldo menurut catatan", str(Rupiah(fact.purse_after))))
    return tuple(rows)


def steps(purse: bool, at: int) -> tuple[Step, ...]:
    """The steps of Proses, the one at `at` under way; without a purse the first does not exist."""
    words = ["Menunggu PIN di EDC", "Dicatat", "Struk dicetak"] if purse else ["Dicatat", "Struk dicetak"]
    now = at if purse else max(0, at - 1) if at else 0
    marks = [Mark.DONE if i < now else Mark.NOW if i == now else Mark.TODO for i in range(len(words))]
    return tuple(Step(word, mark) for word, mark in zip(words, marks, strict=True))


def _over_shadow(standing: Standing, basket: Basket, catalogue: Catalogue) -> str:
    """The bank decides; our record only warns (domain rule R16)."""
    total = total_of(priced(basket, catalogue), Tender.PURSE)
    if standing.shadow is None or total.amount <= standing.shadow.amount:
        return ""
    return f"Melebihi saldo menurut catatan {standing.shadow}; EDC mungkin menolak."


def _chosen(basket: Basket, tender: Tender) -> int:
    return sum(line.packs for line in basket.lines if line.tender is tender)


def _ration_rows(standing: Standing, basket: Basket, catalogue: Catalogue) -> tuple[ShelfRow, ...]:
    rows = []
    for lease in standing.leases:
        products = [p for p in catalogue.products if p.commodity == lease.commodity]
        if not products:
            continue
        stocked = [p for p in products if standing.stock.get(p.code, 0) > 0] or products[:1]
        chosen = [p for p in products if basket.packs(p.code, Tender.RATION)]
        for product in dict.fromkeys(chosen + stocked[:1]):
            packs = basket.packs(product.code, Tender.RATION)
            most, bound = allowance(product, Tender.RATION, basket, standing, catalogue)
            gone = "" if lease.left.amount else "sudah habis bulan ini"
            if not gone and ration_programme(standing, catalogue, lease.commodity) is None:
                gone = "belum boleh dibagikan hari ini"
            permille = 1000 * lease.left.amount // lease.granted if lease.granted else 0
            rows.append(
                ShelfRow(
                    product=product.code,
                    name=next((c.name for c in catalogue.commodities if c.code == lease.commodity), product.name),
                    pictogram=catalogue.pictogram(lease.commodity),
                    left=f"sisa {lease.left.figure}",
                    of=f"dari {lease.whole}",
                    permille=permille,
                    value=f"{dotted(packs)} × {product.pack}",
                    packs=packs,
                    most=most,
                    bound=_bound_text(bound, most) if packs >= most else "",
                    scarce=bound is Bound.STOCK,
                    gone=gone,
                )
            )
    return tuple(rows)


def _priced_row(product: Product, tender: Tender, standing: Standing, basket: Basket, catalogue: Catalogue) -> ShelfRow:
    packs = basket.packs(product.code, tender)
    most, bound = allowance(product, tender, basket, standing, catalogue)
    return ShelfRow(
        product=product.code,
        name=product.name,
        pictogram=catalogue.pictogram(product.commodity),
        left=str(product.price),
        of=f"per {product.pack_word} {product.pack}",
        permille=None,
        value=f"{dotted(packs)} × {product.pack}",
        packs=packs,
        most=most,
        bound=_bound_text(bound, most) if packs >= most else "",
        scarce=bound is Bound.STOCK,
        gone="" if most or packs else "stok habis",
    )


def _bound_text(bound: Bound, most: int) -> str:
    if bound is Bound.STOCK:
        return f"stok hanya {dotted(most)}" if most else "stok habis"
    return "sampai batas jatah"
