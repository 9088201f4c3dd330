"""The invented kiosks and families of the sample (see make_sample)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ewarung_pos.domain.family import CardStatus, luhn_valid
from scripts.sample_goods import CREDIT

__all__ = ["KIOSKS", "FamilyRow", "Kiosk", "Register"]

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

# Shares of every hundred families; several months' credit at once is frequent (domain 1.3).
PROGRAMMES = (("JATAH", 40), ("SEMBAKO", 25), ("JATAH;SEMBAKO", 35))
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
