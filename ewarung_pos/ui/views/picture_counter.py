"""Hand-made states of the counter: waiting, a family and its basket, the EDC, goods and paper, refusal, doubt."""

from __future__ import annotations

from msgspec.structs import replace

from ewarung_pos.ui.text import trouble
from ewarung_pos.ui.viewmodels.counter_state import (
    CounterState,
    DonePanel,
    DoubtPanel,
    Fact,
    LeftRow,
    Mark,
    Person,
    Phase,
    Pick,
    Section,
    ShelfRow,
    Step,
    TallyItem,
)

__all__ = ["CASH", "CHOSEN", "DONE", "DOUBT", "KNOWN", "MANY", "PROCESSING", "PURSE", "READY", "REFUSALS", "SUMINAH"]


_TALLY = (
    TallyItem("keluarga", "37", word_first=False),
    TallyItem("beras", "370 kg"),
    TallyItem("gula", "74 kg"),
    TallyItem("minyak", "68 L"),
    TallyItem("tepung", "70 kg"),
)
READY = CounterState(tally=_TALLY, opened="buka 07.02")
SUMINAH = Person(
    "SUMINAH",
    "Jatah pangan · 4 jiwa",
    (
        Fact("credit-card", "kartu •••• 4821"),
        Fact("user", "NIK 3374••••••••0012"),
        Fact("map-pin", "Kauman, Semarang Tengah"),
        Fact("clock", "terakhir datang 12 Nov"),
        Fact("hand-coins", "saldo menurut catatan Rp200.000"),
    ),
)


def _ration_rows(*packs: int) -> tuple[ShelfRow, ...]:
    rice, sugar, oil = packs
    return (
        ShelfRow(
            "beras-5", "Beras medium", "rice", "sisa 10", "dari 10 kg", 1000, f"{rice} × 5 kg", rice, 2,
            "sampai batas jatah" if rice == 2 else "",
        ),
        ShelfRow(
            "gula-1", "Gula pasir", "sugar", "sisa 2", "dari 2 kg", 1000, f"{sugar} × 1 kg", sugar, 2,
            "sampai batas jatah" if sugar == 2 else "",
        ),
        ShelfRow(
            "minyak-1", "Minyak goreng", "oil", "sisa 1", "dari 2 L", 500, f"{oil} × 1 L", oil, 1,
            "sampai batas jatah" if oil == 1 else "",
        ),
        ShelfRow(
            "tepung-1", "Tepung terigu", "flour", "sisa 0", "dari 2 kg", 0, "0 × 1 kg", 0, 0,
            gone="sudah habis bulan ini",
        ),
    )  # fmt: skip


def _priced(tender: str, *packs: int) -> tuple[ShelfRow, ...]:
    goods = (
        ("beras-5", "Beras Rojolele 5 kg", "rice", "Rp67.500", "per karung 5 kg", "× 5 kg"),
        ("beras-10", "Beras Rojolele 10 kg", "rice", "Rp134.000", "per karung 10 kg", "× 10 kg"),
        ("gula-1", "Gulaku 1 kg", "sugar", "Rp17.500", "per bungkus 1 kg", "× 1 kg"),
        ("minyak-1", "Minyakita 1 L", "oil", "Rp15.700", "per botol 1 L", "× 1 L"),
        ("tepung-1", "Segitiga Biru 1 kg", "flour", "Rp12.400", "per bungkus 1 kg", "× 1 kg"),
        ("telur-10", "Telur ayam isi 10", "egg", "Rp19.500", "per tray 10 butir", "× 10 butir"),
    )
    chosen = (*packs, *(0 for _ in goods))
    wanted = goods if tender == "cash" else tuple(each for each in goods if each[2] in {"rice", "egg", "oil"})
    return tuple(
        ShelfRow(code, name, picture, price, per, None, f"{many} {unit}", many, 8)
        for (code, name, picture, price, per, unit), many in zip(wanted, chosen, strict=False)
    )


def _sections(
    rations: tuple[int, int, int], purse: tuple[int, ...] = (), cash: tuple[int, ...] = ()
) -> tuple[Section, ...]:
    return (
        Section(
            "ration", "Jatah November 2026", "sampai 30 November", "Jatah", _ration_rows(*rations), take_all=True,
            chosen=sum(rations),
        ),
        Section(
            "purse", "Belanja KKS", "saldo menurut catatan Rp200.000", "Belanja KKS", _priced("purse", *purse),
            chosen=sum(purse),
        ),
        Section("cash", "Tunai", "harga sama untuk semua", "Tunai", _priced("cash", *cash), chosen=sum(cash)),
    )  # fmt: skip


KNOWN = CounterState(
    phase=Phase.RECOGNISED,
    person=SUMINAH,
    sections=_sections((0, 0, 0)),
    tally=_TALLY,
)
CHOSEN = replace(KNOWN, sections=_sections((2, 2, 1)), summary="2 beras medium · 2 gula · 1 minyak", can_serve=True)
PURSE = replace(
    KNOWN,
    section="purse",
    sections=_sections((2, 0, 0), (1, 0, 1)),
    summary="2 beras medium · 1 beras Rojolele · 1 minyak",
    to_pay="KKS Rp83.200",
    can_serve=True,
)
_STEPS = (
    Step("Menunggu PIN di EDC", Mark.NOW),
    Step("Dicatat", Mark.TODO),
    Step("Struk dicetak", Mark.TODO),
)
PROCESSING = replace(
    PURSE,
    phase=Phase.PROCESSING,
    can_serve=False,
    steps=_STEPS,
    waiting="Menunggu EDC: Rp83.200. Keluarga menekan PIN sendiri. 12 dari 120 detik.",
)
DONE = DonePanel(
    title="Tercatat. Serahkan 3 macam barang ini",
    paper="Struk nomor 0038 sudah dicetak",
    picks=(
        Pick("rice", "2 karung Beras medium 5 kg", ticked=True),
        Pick("sugar", "2 bungkus Gula pasir 1 kg", ticked=True),
        Pick("oil", "1 botol Minyak goreng 1 L", ticked=False),
    ),
    left_title="Sisa SUMINAH bulan ini",
    left=(
        LeftRow("Beras", "0 kg"),
        LeftRow("Gula", "0 kg"),
        LeftRow("Minyak", "0 L"),
        LeftRow("Tepung", "0 kg"),
        LeftRow("Saldo menurut catatan", "Rp116.800"),
    ),
    receipt=38,
    entry="e38",
)
MANY = replace(
    DONE,
    title="Tercatat. Serahkan 7 macam barang ini",
    picks=tuple(
        Pick(picture, text, ticked=False)
        for picture, text in (
            ("rice", "2 karung Beras medium 5 kg"),
            ("sugar", "2 bungkus Gula pasir 1 kg"),
            ("oil", "1 botol Minyak goreng 1 L"),
            ("flour", "2 bungkus Tepung terigu 1 kg"),
            ("egg", "1 tray Telur ayam ras 10 butir"),
            ("rice", "1 karung Beras SPHP 10 kg"),
            ("oil", "2 botol Minyak goreng 1 L"),
        )
    ),
    entry="e39",
)
CASH = replace(
    DONE,
    title="Tercatat. Tunai dulu, lalu 3 macam barang",
    picks=(Pick("cash", "Terima tunai Rp1.015.700", ticked=False), *DONE.picks),
    entry="e40",
)
REFUSALS = (
    "unknown_card",
    "card_blocked",
    "holder_deceased",
    "family_moved",
    "home_elsewhere",
    "exhausted",
    "period_over",
    "out_of_stock",
    "day_not_open",
    "clock_suspect",
    "in_doubt",
    "purse_offline",
)
DOUBT = DoubtPanel(
    attempt="a1",
    trouble=trouble("doubt.link_lost"),
    amount="Rp87.000 dari saldo KKS •••• 4821",
    steps=(
        Step("Permintaan tersimpan di buku catatan", Mark.DONE),
        Step("Menanyakan transaksi ini ke EDC (coba ke-2)", Mark.NOW),
        Step("Catat hasilnya, lalu cetak struk", Mark.TODO),
    ),
    tag="T-07",
    goods=("1 beras 5 kg", "1 telur 10 butir"),
    asking=True,
)
