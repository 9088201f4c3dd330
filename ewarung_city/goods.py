"""Whether a new catalogue makes sense, and whether it leaves out what kiosks still need.

A catalogue replaces the one before. A kiosk that got a new one and still holds rights, families or packs of something
that is not in it could not serve them, so such a catalogue is refused whole, with each thing and its reason:

- `programme ...: has families`
- `programme ...: leases in force`, `commodity ...: leases in force`: granted for this month or the next, and not handed
  out yet
- `commodity ...: nothing to hand out`: such leases, and no product of it in the unit that they count
- `product ...: on the shelf`: a kiosk has packs of it, by its last report
- `product ...: other content`: what was sold under a code stays what it was; another pack is another code
- `commodity ...: another unit`: rights are counted in it, also those that are carried into the next month

Something goes by first letting its rights run out and its packs be sold or sent back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.rights import HARDSHIP

__all__ = ["contradictions", "missed"]


def contradictions(
    catalogue: Catalogue, rations: Mapping[str, Mapping[str, int]], purses: Mapping[str, int]
) -> list[str]:
    """What in a catalogue, its rations and its purses cannot be; empty when all of it can."""
    return [
        *_empty(catalogue),
        *_twice(catalogue),
        *_unknown(catalogue, rations, purses),
        *_measures(catalogue, rations),
    ]


def _empty(catalogue: Catalogue) -> Iterator[str]:
    for kind, things in _things(catalogue).items():
        if not things:
            yield f"no {kind} at all"


def _things(catalogue: Catalogue) -> dict[str, list[str]]:
    """Codes by kind."""
    return {
        "programme": [item.code for item in catalogue.programmes],
        "commodity": [item.code for item in catalogue.commodities],
        "product": [item.code for item in catalogue.products],
    }


def _twice(catalogue: Catalogue) -> Iterator[str]:
    for kind, codes in _things(catalogue).items():
        yield from (f"{kind} {code}: twice" for code, count in Counter(codes).items() if count > 1)
    if HARDSHIP in _things(catalogue)["programme"]:
        yield f"programme {HARDSHIP}: the name of the kiosks' hardship pools"


def _unknown(
    catalogue: Catalogue, rations: Mapping[str, Mapping[str, int]], purses: Mapping[str, int]
) -> Iterator[str]:
    named = [("commodity", item.commodity, f"product {item.code}") for item in catalogue.products]
    named += [("commodity", item.commodity, "ceiling") for item in catalogue.ceilings]
    for rule in catalogue.eligibilities:
        named += [("programme", rule.programme, "eligibility"), ("commodity", rule.commodity, "eligibility")]
    for programme, ration in rations.items():
        named.append(("programme", programme, "ration"))
        named += [("commodity", commodity, f"ration of {programme}") for commodity in ration]
    named += [("programme", programme, "purse") for programme in purses]
    known = {kind: set(codes) for kind, codes in _things(catalogue).items()}
    yield from (f"{kind} {code}: unknown, named by {where}" for kind, code, where in named if code not in known[kind])


def _measures(catalogue: Catalogue, rations: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    units = {item.code: item.unit for item in catalogue.commodities}
    for product in catalogue.products:
        if product.pack.unit is not units.get(product.commodity, product.pack.unit):
            yield f"product {product.code}: not measured as its commodity"
        if product.pack.amount <= 0 or product.price.amount < 0:
            yield f"product {product.code}: an empty pack, or a price below nothing"
    for programme, ration in rations.items():
        yield from (f"ration of {programme}: no {code}" for code, amount in ration.items() if amount <= 0)


def missed(tx: Tx, before: Catalogue, after: Catalogue, period: str) -> list[str]:
    """What kiosks still need of the catalogue before and would not find in the one after; empty when nothing.

    Args:
        tx: a transaction.
        before: what kiosks were told last.
        after: what they would be told.
        period: the month that it is, YYYY-MM.
    """
    gone = {kind: set(codes) - set(_things(after)[kind]) for kind, codes in _things(before).items()}
    return [
        *_families_left(tx, gone["programme"]),
        *_rights_left(tx, gone, after, period),
        *_packs_left(tx, gone["product"]),
        *_other_content(before, after),
        *_other_unit(before, after),
    ]


def _families_left(tx: Tx, programmes: set[str]) -> Iterator[str]:
    if programmes:
        counts = Counter(code for row in tx.all(schema.family) for code in row["programmes"].split(";"))
        yield from (f"programme {code}: has families ({counts[code]})" for code in sorted(programmes) if counts[code])


def _rights_left(tx: Tx, gone: Mapping[str, set[str]], after: Catalogue, period: str) -> Iterator[str]:
    following = (date.fromisoformat(f"{period}-01") + timedelta(days=32)).isoformat()[:7]
    counts: Counter[tuple[str, str]] = Counter()
    sold = {(product.commodity, product.pack.unit.value) for product in after.products}
    unserved: set[tuple[str, str]] = set()
    for month in (period, following):
        for row in tx.all(schema.lease, period=month):
            spent = int(row["spent"]) - int(row["returned"])
            if int(row["granted"]) - int(row["surrendered"]) - int(row["released"]) > spent:
                counts["programme", row["programme"]] += 1
                counts["commodity", row["commodity"]] += 1
                if (row["commodity"], row["unit"]) not in sold:
                    unserved.add(("commodity", row["commodity"]))
    for (kind, code), count in sorted(counts.items()):
        if code in gone[kind]:
            yield f"{kind} {code}: leases in force ({count})"
        elif (kind, code) in unserved:
            yield f"commodity {code}: nothing to hand out ({count} leases in force)"


def _packs_left(tx: Tx, products: set[str]) -> Iterator[str]:
    if products:
        active = {(row["device"], row["epoch"]) for row in tx.all(schema.epoch, state="active")}
        for row in tx.within(schema.stock, "product", sorted(products)):
            if (row["device"], row["epoch"]) in active and int(row["packs"]) > 0:
                yield f"product {row['product']}: on the shelf of {row['device']} ({row['packs']} packs)"


def _other_content(before: Catalogue, after: Catalogue) -> Iterator[str]:
    held = {product.code: (product.commodity, product.pack) for product in before.products}
    for product in after.products:
        if held.get(product.code, (product.commodity, product.pack)) != (product.commodity, product.pack):
            yield f"product {product.code}: other content than before; give it a new code"


def _other_unit(before: Catalogue, after: Catalogue) -> Iterator[str]:
    held = {commodity.code: commodity.unit for commodity in before.commodities}
    for commodity in after.commodities:
        unit = held.get(commodity.code, commodity.unit)
        if unit is not commodity.unit:
            yield f"commodity {commodity.code}: another unit than before ({unit.value}); give it a new code"
