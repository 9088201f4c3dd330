"""A small shelf and a family for the domain's tests."""

from __future__ import annotations

from collections.abc import Mapping

from ewarung_pos.domain.catalogue import (
    BenefitKind,
    Catalogue,
    Ceiling,
    Commodity,
    Eligibility,
    Product,
    Programme,
)
from ewarung_pos.domain.entitlement import Lease, Standing
from ewarung_pos.domain.family import CardRef, CardStatus, Family
from ewarung_pos.domain.timeline import BusinessDate, Period
from ewarung_pos.domain.units import Quantity, Rupiah, Unit, grams, millilitres, pieces

TODAY = BusinessDate("2026-11-24")
PERIOD = Period("2026-11")


def product(code: str, commodity: str, pack: Quantity, price: int, grade: str = "") -> Product:
    return Product(code, code.title(), commodity, grade, "", pack, "bungkus", Rupiah(price))


RICE_5 = product("beras-5", "beras", grams(5000), 67_500, "medium")
RICE_2 = product("beras-2", "beras", grams(2000), 27_000, "medium")
SUGAR = product("gula-1", "gula", grams(1000), 17_500)
OIL = product("minyak-1", "minyak", millilitres(1000), 15_700, "minyakita")
EGG = product("telur-10", "telur", pieces(10), 20_000, "ras")
SALT = product("garam-1", "garam", grams(250), 3_500)

CATALOGUE = Catalogue(
    commodities=(
        Commodity("beras", "Beras", "Beras", Unit.GRAM, "rice"),
        Commodity("gula", "Gula pasir", "Gula", Unit.GRAM, "sugar"),
        Commodity("minyak", "Minyak goreng", "Minyak", Unit.MILLILITRE, "oil"),
        Commodity("telur", "Telur ayam", "Telur", Unit.PIECE, "egg"),
        Commodity("garam", "Garam", "Garam", Unit.GRAM),
    ),
    products=(RICE_2, RICE_5, SUGAR, OIL, EGG, SALT),
    programmes=(
        Programme("JATAH", "Jatah pangan kota", BenefitKind.RATION),
        Programme("TAMBAHAN", "Jatah tambahan", BenefitKind.RATION),
        Programme("SEMBAKO", "Sembako KKS", BenefitKind.PURSE, carry_over=True),
    ),
    eligibilities=(
        Eligibility("JATAH", "beras", BusinessDate("2026-01-01")),
        Eligibility("TAMBAHAN", "beras", BusinessDate("2026-01-01")),
        Eligibility("JATAH", "gula", BusinessDate("2026-01-01"), BusinessDate("2026-11-24")),
        Eligibility("JATAH", "minyak", BusinessDate("2026-01-01")),
        Eligibility("SEMBAKO", "beras", BusinessDate("2020-01-01")),
        Eligibility("SEMBAKO", "telur", BusinessDate("2020-01-01")),
    ),
    ceilings=(
        Ceiling("beras", "medium", Rupiah(13_500), BusinessDate("2025-08-22"), "Kep. Bapanas 299/2025"),
        Ceiling("beras", "medium", Rupiah(12_500), BusinessDate("2024-06-07"), "Perbadan 5/2024"),
        Ceiling("telur", "ras", Rupiah(1_900), BusinessDate("2024-01-01"), "HAP", binding=False),
    ),
)

FAMILY = Family(
    key="f-1",
    name="SUMINAH",
    nik_masked="3374••••••••9062",
    kelurahan_code="33.74.01.1010",
    kelurahan="Kauman",
    kecamatan="Semarang Tengah",
    members=4,
    programmes=("JATAH", "SEMBAKO"),
    home="EW-0001",
    card=CardRef("ab" * 32, "4821"),
    card_status=CardStatus.ACTIVE,
)

PLENTY = {item.code: 50 for item in CATALOGUE.products}


def lease(commodity: str, granted: int, unit: Unit = Unit.GRAM, *, programme: str = "JATAH", spent: int = 0) -> Lease:
    return Lease(FAMILY.key, programme, PERIOD.iso, commodity, unit, granted, spent=spent)


RATION = (lease("beras", 10_000), lease("gula", 2_000), lease("minyak", 2_000, Unit.MILLILITRE))


def standing(
    leases: tuple[Lease, ...] = RATION,
    stock: Mapping[str, int] = PLENTY,
    *,
    family: Family | None = FAMILY,
    date: BusinessDate = TODAY,
) -> Standing:
    return Standing(FAMILY.card, family, date, date.period(), (), leases, stock)
