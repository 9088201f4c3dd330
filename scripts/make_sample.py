"""Draw the sample data of ewarung_pos/resources/sample: invented families, goods with their real price limits.

    python scripts/make_sample.py [folder]

The same seed draws the same files, byte for byte; tests/unit/test_sample_data.py holds the files to that. The region
codes (semarang-kelurahan.csv) are not drawn: they lie in the folder already and are read from there.
"""

from __future__ import annotations

import csv
import hashlib
import io
import random
import sys
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from datetime import date, timedelta
from pathlib import Path

import msgspec
from argon2.low_level import Type, hash_secret

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from ewarung_pos.domain.catalogue import (  # noqa: E402 - found only now that the tree is on the path
    BenefitKind,
    Catalogue,
    Ceiling,
    Commodity,
    Eligibility,
    Product,
    Programme,
)
from ewarung_pos.domain.family import CardStatus, luhn_valid  # noqa: E402
from ewarung_pos.domain.state import OperatorRecord  # noqa: E402
from ewarung_pos.domain.stock import ReceivedLine  # noqa: E402
from ewarung_pos.domain.timeline import BusinessDate  # noqa: E402
from ewarung_pos.domain.units import Quantity, Rupiah, Unit, grams, millilitres  # noqa: E402

SAMPLE = ROOT / "ewarung_pos" / "resources" / "sample"
SEED = 3374
CARD_PREFIX = "9999"

FAMILIES = 300
HOME = "EW-0001"
HOME_FAMILIES = 240

# --- kiosks -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kiosk:
    """A row of kiosks.csv; `officers` are the names of its people, separated by semicolons."""

    kiosk_id: str
    name: str
    kelurahan_code: str
    officers: str


# Mangunharjo is the name of two kelurahan (also 33.74.10.1003): whoever joins on the name goes wrong here.
KIOSKS = (
    Kiosk(HOME, "e-Warung Mawar", "33.74.01.1010", "Bu Siti;Bu Yuni;Mas Adi"),
    Kiosk("EW-0002", "e-Warung Melati", "33.74.02.1001", "Bu Ratmi;Bu Harni;Mas Bayu"),
    Kiosk("EW-0003", "e-Warung Kenanga", "33.74.10.1002", "Bu Wiji;Bu Lastri;Mbak Rini"),
    Kiosk("EW-0004", "e-Warung Cempaka", "33.74.16.1007", "Bu Umi;Bu Narti;Mas Joko"),
)

# --- families -----------------------------------------------------------------------------------


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Names as they are given in Central Java, cut into parts and put together anew; all people are invented.
OLDER_WOMEN = _words(
    "SUMINAH SUTINI NGATINI WAGIYEM SUPARMI TUKINAH PAINEM PONIRAH DARSINI WARSITI SUMARNI TUMINI MUJIATI YATMI "
    "SUKINI KASIYEM RUBIYEM SAMINAH KARSIYAH PARINAH SARIYEM SUDARMI NGATEMI MARSIYEM JUMINAH RUSMINI KUSTIYAH "
    "SUPINAH TASMINI LEGIYEM"
)
WOMEN = _words(
    "SRI SITI ENDANG DWI TRI NUR ENI RINI YUNI WAHYU RETNO ANIK DEWI ISTI KUS WIWIK TITIK UMI ARUM INDAH NANIK LILIS"
)
WOMEN_SECOND = _words(
    "WAHYUNI LESTARI RAHAYU HANDAYANI PURWANTI SETYOWATI MULYANI SUSANTI WIDAYATI UTAMI HARTATI KUSUMAWATI ASIH "
    "MARYATI NINGSIH SULASTRI ASTUTI HIDAYATI ROHMAH KHASANAH SUPRIHATIN MURTINI YULIANTI"
)
MEN = _words("SUKARDI WAGIMIN SLAMET SUPARNO NGADIMAN TEGUH AGUS BAMBANG MULYONO JOKO PURWANTO KASMADI SUTRISNO")
MEN_SECOND = _words("RIYADI SANTOSO WIDODO SUSILO PRASETYO HARYANTO WIBOWO SETIAWAN NUGROHO RAHARJO")
LANES = _words("MELATI MANGGIS CEMPAKA SAWO KENANGA DELIMA RAMBUTAN SALAK ANGGREK BOUGENVIL KEPODANG PERKUTUT")
NUMERALS = ("I", "II", "III", "IV", "V")
ELSEWHERE = ("3315", "3318", "3321", "3322", "3324")  # Grobogan, Pati, Demak, Kab. Semarang, Kendal

# Shares of every hundred families; domain 1.2: Rp200.000 a month, several months at once are frequent (1.3).
PROGRAMMES = (("JATAH", 40), ("SEMBAKO", 25), ("JATAH;SEMBAKO", 35))
CREDIT = 200_000
BALANCES = (CREDIT,) * 14 + (2 * CREDIT,) * 3 + (15_000, 47_500, 120_000)

# Rows of the demonstration kiosk, counted from one, that are not served; far enough in for a first look to go well.
STOPPED = {
    12: CardStatus.BLOCKED,
    17: CardStatus.DECEASED,
    23: CardStatus.MOVED,
    58: CardStatus.BLOCKED,
    96: CardStatus.BLOCKED,
    131: CardStatus.DECEASED,
    174: CardStatus.MOVED,
    209: CardStatus.BLOCKED,
}


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """A row of families.csv: what the city's own register would hold, in clear."""

    card_number: str
    nik: str
    kk: str
    name: str
    members: int
    address: str
    rt: str
    rw: str
    kelurahan_code: str
    programmes: str
    home_kiosk: str
    card_status: str
    purse_balance: int


def with_check_digit(digits: str) -> str:
    """The number with its ISO/IEC 7812 check digit added."""
    return next(digits + last for last in "0123456789" if luhn_valid(digits + last))


class Register:
    """Draws families; no card, NIK or KK twice."""

    def __init__(self, seed: int, kelurahan: Sequence[str]) -> None:
        self._draw = random.Random(seed)  # noqa: S311 - drawn to be drawn again, nothing secret
        self._kelurahan = kelurahan
        self._used: set[str] = set()

    def families(self) -> list[FamilyRow]:
        """All of them: first those of the demonstration kiosk, its known faces in front."""
        known = self._known_faces()
        homes = [HOME] * HOME_FAMILIES
        others = [kiosk.kiosk_id for kiosk in KIOSKS if kiosk.kiosk_id != HOME]
        homes += [others[place % len(others)] for place in range(FAMILIES - HOME_FAMILIES)]
        programmes = self._programmes(HOME_FAMILIES, [row.programmes for row in known])
        programmes += self._programmes(FAMILIES - HOME_FAMILIES, [])
        rows = known[:]
        for place in range(len(known), FAMILIES):
            status = STOPPED.get(place + 1, CardStatus.ACTIVE)
            rows.append(self._family(homes[place], programmes[place], status))
        return rows

    def _programmes(self, count: int, given: list[str]) -> list[str]:
        drawn = [name for name, share in PROGRAMMES for _ in range(count * share // 100)]
        for name in given:
            drawn.remove(name)
        self._draw.shuffle(drawn)
        return given + drawn

    def _known_faces(self) -> list[FamilyRow]:
        """The first rows, one of each kind, so that a demonstration can name them."""
        return [
            # 4821 as on the pictures of the design.
            replace(
                self._family(HOME, "JATAH;SEMBAKO", name="SUMINAH", born=date(1961, 8, 17), last="482", members=4),
                address="Gg. Melati II No. 14",
                kelurahan_code=KIOSKS[0].kelurahan_code,
                purse_balance=CREDIT,
            ),
            self._family(HOME, "JATAH", name="SRI WAHYUNI", born=date(1979, 3, 5), members=5),
            replace(
                self._family(HOME, "SEMBAKO", name="TUKINAH", born=date(1954, 11, 21), members=1), purse_balance=15_000
            ),
            replace(
                self._family(HOME, "JATAH;SEMBAKO", name="ENDANG LESTARI", born=date(1972, 6, 30), members=3),
                purse_balance=2 * CREDIT,
            ),
            self._family(HOME, "JATAH", name="SLAMET RIYADI", born=date(1958, 1, 9), members=2, woman=False),
        ]

    def _family(
        self,
        home: str,
        programmes: str,
        status: CardStatus = CardStatus.ACTIVE,
        *,
        name: str = "",
        born: date | None = None,
        last: str = "",
        members: int = 0,
        woman: bool | None = None,
    ) -> FamilyRow:
        draw = self._draw
        born = born or date(1950, 1, 1) + timedelta(days=draw.randrange(48 * 365))
        woman = draw.random() < 0.92 if woman is None and not name else woman is not False
        code = self._lives_at(home)
        purse = draw.choice(BALANCES) if "SEMBAKO" in programmes else 0
        return FamilyRow(
            card_number=self._card(last),
            nik=self._nik(code, born, woman=woman),
            kk=self._kk(code),
            name=name or self._name(born, woman=woman),
            members=members or draw.choice((1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 6)),
            address=f"Gg. {draw.choice(LANES).title()} {draw.choice(NUMERALS)} No. {draw.randint(1, 48)}",
            rt=f"{draw.randint(1, 9):03d}",
            rw=f"{draw.randint(1, 10):03d}",
            kelurahan_code=code,
            programmes=programmes,
            home_kiosk=home,
            card_status=status.value,
            purse_balance=purse,
        )

    def _fresh(self, candidate: str) -> bool:
        if candidate in self._used:
            return False
        self._used.add(candidate)
        return True

    def _card(self, last: str) -> str:
        """Prefix, digits drawn, check digit; the reserved ending 4821 stays with the one it was drawn for."""
        while True:
            free = 15 - len(CARD_PREFIX) - len(last)
            number = with_check_digit(CARD_PREFIX + f"{self._draw.randrange(10**free):0{free}d}" + last)
            if number.endswith("4821") == (last == "482") and self._fresh(number):
                return number

    def _nik(self, code: str, born: date, *, woman: bool) -> str:
        """Domain 4.1. Serials from 9001 up: real ones are counted from 0001 within one day and kecamatan."""
        draw = self._draw
        region = code.replace(".", "")[:6]
        if draw.random() < 0.12:
            region = f"{draw.choice(ELSEWHERE)}{draw.randint(1, 14):02d}"
        elif draw.random() < 0.2:
            region = f"3374{draw.randint(1, 16):02d}"
        day = born.day + (40 if woman else 0)
        while True:
            nik = f"{region}{day:02d}{born:%m%y}{draw.randint(9001, 9899)}"
            if self._fresh(nik):
                return nik

    def _kk(self, code: str) -> str:
        draw = self._draw
        while True:
            issued = date(2006, 1, 1) + timedelta(days=draw.randrange(19 * 365))
            kk = f"{code.replace('.', '')[:6]}{issued:%d%m%y}{draw.randint(9001, 9899)}"
            if self._fresh(kk):
                return kk

    def _name(self, born: date, *, woman: bool) -> str:
        draw = self._draw
        if not woman:
            return f"{draw.choice(MEN)} {draw.choice(MEN_SECOND)}" if born.year > 1960 else draw.choice(MEN)
        if born.year < 1966 and draw.random() < 0.75:
            return draw.choice(OLDER_WOMEN)
        return f"{draw.choice(WOMEN)} {draw.choice(WOMEN_SECOND)}"

    def _lives_at(self, home: str) -> str:
        """Most live in the kiosk's kelurahan or its kecamatan; a few come from farther away."""
        draw = self._draw
        own = next(kiosk.kelurahan_code for kiosk in KIOSKS if kiosk.kiosk_id == home)
        lot = draw.random()
        if lot < 0.45:
            return own
        if lot < 0.92:
            return draw.choice([code for code in self._kelurahan if code.startswith(own[:8])])
        return draw.choice(self._kelurahan)


# --- goods --------------------------------------------------------------------------------------


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


# --- files --------------------------------------------------------------------------------------


def _table(kind: type[Kiosk | FamilyRow], rows: Iterable[Kiosk | FamilyRow]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(kind)])
    writer.writerows(astuple(row) for row in rows)
    return text.getvalue().encode()


def _document(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def files() -> dict[str, bytes]:
    """Every drawn file by name."""
    with (SAMPLE / "semarang-kelurahan.csv").open(encoding="utf-8", newline="") as regions:
        kelurahan = [row["kelurahan_code"] for row in csv.DictReader(regions)]
    return {
        "kiosks.csv": _table(Kiosk, KIOSKS),
        "families.csv": _table(FamilyRow, Register(SEED, kelurahan).families()),
        "catalogue.json": _document(sample_catalogue()),
        "delivery.json": _document(delivery()),
    }


def main() -> None:
    """Write the files into the folder named, or into the sample folder."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE
    for name, content in files().items():
        (target / name).write_bytes(content)
        print(f"{target / name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
