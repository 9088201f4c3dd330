"""The goods, price limits, programmes and people of the practice kiosk (see make_sample)."""

from __future__ import annotations

import hashlib

import msgspec
from argon2.low_level import Type, hash_secret

from ewarung_pos.domain.catalogue import BenefitKind, Catalogue, Ceiling, Commodity, Eligibility, Product, Programme
from ewarung_pos.domain.state import OperatorRecord
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.domain.units import Quantity, Rupiah, Unit, grams, millilitres

__all__ = ["CREDIT", "SampleCatalogue", "delivery", "sample_catalogue"]

CREDIT = 200_000
"""Rupiah a month in a purse (domain 1.2)."""


class SampleCatalogue(msgspec.Struct, frozen=True):
    """catalogue.json. `rations` in base units a month, `purses` in rupiah a month, both by programme code."""

    catalogue: Catalogue
    rations: dict[str, dict[str, int]]
    purses: dict[str, int]
    operators: tuple[OperatorRecord, ...]


def _commodities() -> tuple[Commodity, ...]:
    gram, millilitre = Unit.GRAM, Unit.MILLILITRE
    return (
        Commodity("beras", "Beras", "Beras", gram, "rice"),
        Commodity("gula", "Gula pasir", "Gula", gram, "sugar"),
        Commodity("minyak", "Minyak goreng", "Minyak", millilitre, "oil"),
        Commodity("tepung", "Tepung terigu", "Tepung", gram, "flour"),
        Commodity("telur", "Telur ayam", "Telur", gram, "egg"),
        Commodity("kacang_tanah", "Kacang tanah", "Kacang", gram, "package"),
        Commodity("tempe", "Tempe", "Tempe", gram, "package"),
        Commodity("ikan", "Ikan segar", "Ikan", gram, "package"),
        Commodity("sayur", "Sayur", "Sayur", gram, "package"),
        Commodity("buah", "Buah", "Buah", gram, "package"),
        Commodity("garam", "Garam", "Garam", gram, "package"),
        Commodity("kecap", "Kecap manis", "Kecap", millilitre, "package"),
    )


def _products() -> tuple[Product, ...]:
    def product(
        code: str, name: str, commodity: str, grade: str, brand: str, pack: Quantity, word: str, price: int
    ) -> Product:
        return Product(code, name, commodity, grade, brand, pack, word, Rupiah(price))

    return (
        product("beras-medium-5", "Beras medium", "beras", "medium", "", grams(5000), "karung", 67_500),
        product("beras-sphp-5", "Beras SPHP", "beras", "sphp", "SPHP Bulog", grams(5000), "karung", 62_500),
        product("gula-1", "Gula pasir", "gula", "kristal putih", "", grams(1000), "bungkus", 17_500),
        product("minyak-1", "Minyak goreng", "minyak", "minyakita", "Minyakita", millilitres(1000), "botol", 15_700),
        product("tepung-1", "Tepung terigu", "tepung", "serbaguna", "", grams(1000), "bungkus", 12_500),
        product("telur-1", "Telur ayam ras", "telur", "ras", "", grams(1000), "kemasan", 29_000),
        product("kacang-500", "Kacang tanah", "kacang_tanah", "kupas", "", grams(500), "bungkus", 15_500),
        product("tempe-500", "Tempe", "tempe", "kedelai", "", grams(500), "papan", 7_000),
        product("bandeng-500", "Bandeng segar", "ikan", "bandeng", "", grams(500), "kemasan", 19_000),
        product("wortel-500", "Wortel", "sayur", "wortel", "", grams(500), "ikat", 7_500),
        product("jeruk-1", "Jeruk", "buah", "jeruk", "", grams(1000), "kemasan", 18_000),
        product("garam-250", "Garam beryodium", "garam", "halus", "", grams(250), "bungkus", 3_500),
        product("kecap-500", "Kecap manis", "kecap", "sedang", "", millilitres(500), "botol", 14_500),
    )


def _ceilings() -> tuple[Ceiling, ...]:
    """Price limits for Java, by kilogram or litre; README.md of the folder says how their dates were chosen."""

    def limit(commodity: str, grade: str, price: int, since: str, rule: str, *, binding: bool = True) -> Ceiling:
        return Ceiling(commodity, grade, Rupiah(price), BusinessDate(since), rule, binding)

    egg_relief = "Relaksasi HAP Bapanas 25 April 2024 atas Perbadan 5/2022"
    sugar_relief = "Relaksasi HAP Bapanas 5 April 2024, diperpanjang surat 425/TS.02.02/B/6/2024"
    return (
        limit("beras", "medium", 10_900, "2023-03-15", "Perbadan 7/2023"),
        limit("beras", "medium", 12_500, "2024-06-07", "Perbadan 5/2024"),
        limit("beras", "medium", 13_500, "2025-08-22", "Kep. Bapanas 299/2025"),
        limit("beras", "premium", 13_900, "2023-03-15", "Perbadan 7/2023"),
        limit("beras", "premium", 14_900, "2024-06-07", "Perbadan 5/2024"),
        limit("beras", "premium", 14_900, "2025-08-22", "Kep. Bapanas 299/2025"),
        limit("beras", "sphp", 12_500, "2025-07-12", "Penyaluran SPHP, pengumuman Bapanas 12 Juli 2025"),
        limit("minyak", "minyakita", 15_700, "2024-08-14", "Permendag 18/2024"),
        limit("gula", "kristal putih", 14_500, "2023-07-21", "Perbadan 17/2023", binding=False),
        limit("gula", "kristal putih", 17_500, "2024-04-05", sugar_relief, binding=False),
        limit("telur", "ras", 27_000, "2022-10-05", "Perbadan 5/2022", binding=False),
        limit("telur", "ras", 30_000, "2024-04-25", egg_relief, binding=False),
    )


def _eligibilities() -> tuple[Eligibility, ...]:
    """The city's ration, and the food list of Program Sembako (domain 1.5): no oil, sugar or flour from the purse."""
    ration, purse = BusinessDate("2025-01-01"), BusinessDate("2020-01-01")
    foods = ("beras", "telur", "kacang_tanah", "tempe", "ikan", "sayur", "buah")
    return (
        *(Eligibility("JATAH", code, ration) for code in ("beras", "gula", "minyak", "tepung")),
        *(Eligibility("SEMBAKO", code, purse) for code in foods),
    )


def _operator(code: str, name: str, role: str, pin: str = "") -> OperatorRecord:
    """A member of the practice kiosk. The salt comes from the code, so that the file can be drawn again."""
    if not pin:
        return OperatorRecord(code, name, role)
    salt = hashlib.sha256(f"ewarung-pos sample operator {code}".encode()).digest()[:16]
    pin_hash = hash_secret(
        pin.encode(), salt, time_cost=3, memory_cost=65_536, parallelism=4, hash_len=32, type=Type.ID
    )
    return OperatorRecord(code, name, role, pin_hash.decode())


def sample_catalogue() -> SampleCatalogue:
    """Goods, programmes and people of the practice kiosk."""
    return SampleCatalogue(
        catalogue=Catalogue(
            commodities=_commodities(),
            products=_products(),
            programmes=(
                Programme("JATAH", "Jatah pangan kota", BenefitKind.RATION),
                Programme("SEMBAKO", "Sembako KKS", BenefitKind.PURSE, carry_over=True),
            ),
            eligibilities=_eligibilities(),
            ceilings=_ceilings(),
        ),
        rations={"JATAH": {"beras": 10_000, "gula": 2_000, "minyak": 2_000, "tepung": 2_000}},
        purses={"SEMBAKO": CREDIT},
        operators=(
            _operator("siti", "Bu Siti", "kasir", "111111"),
            _operator("yuni", "Bu Yuni", "ketua", "222222"),
            _operator("adi", "Mas Adi", "pendamping"),
        ),
    )


def delivery() -> tuple[ReceivedLine, ...]:
    """A first delivery that serves 150 families with their whole ration and a purse's worth of food beside it."""
    return (
        ReceivedLine("beras-medium-5", 420, 64_500),
        ReceivedLine("beras-sphp-5", 100, 55_000),
        ReceivedLine("gula-1", 310, 16_600),
        ReceivedLine("minyak-1", 310, 14_500),
        ReceivedLine("tepung-1", 310, 11_400),
        ReceivedLine("telur-1", 220, 26_500),
        ReceivedLine("kacang-500", 120, 13_500),
        ReceivedLine("tempe-500", 120, 6_000),
        ReceivedLine("bandeng-500", 60, 16_500),
        ReceivedLine("wortel-500", 100, 6_000),
        ReceivedLine("jeruk-1", 120, 15_500),
        ReceivedLine("garam-250", 40, 2_600),
        ReceivedLine("kecap-500", 40, 12_800),
    )
