"""Hand-made states of the screens beside the counter: history, shelf, the day's beginning and end, the line."""

from __future__ import annotations

from msgspec.structs import replace

from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.ports import StickPlace
from ewarung_pos.ui.text import trouble
from ewarung_pos.ui.text_stick import CARRY_IT, PULL_IT, fetched_words, saved_words
from ewarung_pos.ui.viewmodels.closing_sheet import CountRow, StoryLine
from ewarung_pos.ui.viewmodels.closing_state import ClosingState
from ewarung_pos.ui.viewmodels.counter_state import Fact
from ewarung_pos.ui.viewmodels.day_open import DayOpenState
from ewarung_pos.ui.viewmodels.history import HistoryLine, HistoryState
from ewarung_pos.ui.viewmodels.stick import StickState
from ewarung_pos.ui.viewmodels.stock import StockRow, StockState
from ewarung_pos.ui.viewmodels.sync import SyncLine, SyncState
from ewarung_pos.ui.views.picture_papers import PAPER, REPORT

__all__ = [
    "CLOCK",
    "COPIED",
    "COUNTING",
    "DIFFERS",
    "EXPLAIN",
    "HISTORY",
    "LARGE",
    "MORNING",
    "RECEIPT",
    "RECEIVING",
    "SEAL",
    "SEALED",
    "SEALED_WITHOUT_PAPER",
    "SENDING",
    "STICK_BUSY",
    "STICK_FETCHED",
    "STICK_SAVED",
    "STICK_WHICH",
    "STOCK",
    "SYNC",
    "WITHOUT_LINE",
]


def _line(number: int, time: str, name: str, last4: str, goods: str, total: str, status: str = "asli") -> HistoryLine:
    return HistoryLine(
        f"e{number}", number, f"{number:04d}", time, name, f"•••• {last4}", goods, total, status, status == "asli"
    )


_ROWS = (
    _line(38, "09.38", "SUMINAH", "4821", "2 beras, 2 gula, 1 minyak", "Rp185.700"),
    _line(37, "09.31", "NGATINI", "1190", "2 beras, 2 gula", "Rp170.000", "asli · 1 salinan"),
    _line(36, "09.24", "SRI WAHYUNI", "7745", "1 beras, 1 telur", "Rp87.000", "asli · belum dicetak"),
    _line(35, "09.17", "KASMI", "3302", "2 beras", "−Rp135.000", "pembatalan"),
    _line(34, "09.08", "KASMI", "3302", "2 beras", "Rp135.000", "dibatalkan"),
    _line(33, "08.59", "TUMINAH", "9011", "2 beras, 2 gula, 2 minyak, 2 tepung", "Rp226.200"),
)
HISTORY = HistoryState(rows=_ROWS)
RECEIPT = replace(
    HISTORY,
    mode="receipt",
    selected=_ROWS[0],
    document=PAPER,
    goes_back="Barangnya harus sudah kembali di meja. Jatahnya kembali.",
)


def _stock_row(
    code: str, name: str, picture: str, pack: str, many: int, content: str, price: str, ceiling: str = ""
) -> StockRow:
    return StockRow(code, name, picture, pack, many, content, price, ceiling, over_ceiling="15.700" in ceiling)


STOCK = StockState(
    rows=(
        _stock_row("b5", "Beras Rojolele 5 kg", "rice", "karung 5 kg", 120, "600 kg", "Rp67.500", "HET Rp67.500"),
        _stock_row("b10", "Beras Rojolele 10 kg", "rice", "karung 10 kg", 24, "240 kg", "Rp134.000", "HET Rp135.000"),
        _stock_row("g1", "Gulaku 1 kg", "sugar", "bungkus 1 kg", 126, "126 kg", "Rp17.500", "acuan Rp17.500"),
        _stock_row("m1", "Minyakita 1 L", "oil", "botol 1 L", 132, "132 L", "Rp16.200", "HET Rp15.700"),
        _stock_row("t1", "Segitiga Biru 1 kg", "flour", "bungkus 1 kg", 130, "130 kg", "Rp12.400"),
        _stock_row("e10", "Telur ayam isi 10", "egg", "tray 10 butir", 18, "180 butir", "Rp19.500"),
    )
)
RECEIVING = replace(
    STOCK,
    mode="receive",
    supplier="Bulog Semarang",
    note="SJ-2026-1124",
    rows=tuple(replace(row, receiving=many) for row, many in zip(STOCK.rows, (60, 0, 24, 0, 0, 0), strict=True)),
    can_receive=True,
)
MORNING = DayOpenState(
    date=BusinessDate("2026-11-24").short(),
    facts=(
        Fact("users", "Daftar 412 keluarga, umur 1 hari"),
        Fact("package", "550 kemasan di rak menurut catatan"),
        Fact("cloud-upload", "3 catatan belum terkirim"),
        Fact("clock", "Jam komputer cocok"),
        Fact("printer", "1 struk belum tercetak"),
    ),
    tones=("ok", "ok", "look", "ok", "look"),
    can_open=True,
)

CLOCK = replace(
    MORNING,
    tones=("ok", "ok", "look", "stop", "look"),
    facts=(*MORNING.facts[:3], Fact("clock", "Jam komputer meragukan"), MORNING.facts[4]),
    can_open=False,
    suspect=("Jam komputer: Selasa 24 Nov 2026, 07.02", "Catatan terakhir: Rabu 25 Nov 2026, 15.40"),
)


def _count(*counted: int | None) -> tuple[CountRow, ...]:
    goods = (
        ("b5", "Beras Rojolele 5 kg", "rice", "karung", 120),
        ("b10", "Beras Rojolele 10 kg", "rice", "karung", 24),
        ("g1", "Gulaku 1 kg", "sugar", "bungkus", 126),
        ("m1", "Minyakita 1 L", "oil", "botol", 132),
        ("t1", "Segitiga Biru 1 kg", "flour", "bungkus", 130),
        ("e10", "Telur ayam isi 10", "egg", "tray", 18),
    )
    return tuple(
        CountRow(
            code, name, picture, word, booked, many,
            "" if many is None else "cocok" if many == booked else f"−{booked - many} {word}",
            many is not None and many != booked,
        )
        for (code, name, picture, word, booked), many in zip(goods, counted, strict=True)
    )  # fmt: skip


_STORY = tuple(
    StoryLine(text, agrees=True)
    for name, amount in (("beras", "370 kg"), ("gula", "74 kg"), ("minyak", "68 L"))
    for text in (f"{name}: jatah {amount}", f"diserahkan {amount}", f"di struk {amount}", f"stok −{amount}")
)
_FIGURES = (
    ("Keluarga dilayani", "41"),
    ("Penyaluran", "45"),
    ("Pembatalan", "1"),
    ("Tidak dilayani", "3"),
    ("Struk", "46 (salinan 2)"),
    ("Nilai jatah", "Rp6.075.000"),
    ("KKS lewat EDC", "Rp1.911.000"),
    ("Tunai", "Rp122.500"),
)
COUNTING = ClosingState(step=1, date="24 November 2026", rows=_count(120, 24, 125, None, None, None), can_go_on=False)
EXPLAIN = replace(
    COUNTING, step=2, rows=_count(120, 24, 125, 132, 130, 17), story=_STORY, can_go_on=False, needs_leader=False
)
_WHY = {"b5": "salah_hitung_terima", "g1": "bocor", "e10": "rusak"}
LARGE = replace(
    EXPLAIN,
    rows=tuple(replace(row, reason=_WHY.get(row.product, "")) for row in _count(100, 24, 125, 132, 130, 17)),
    can_go_on=True,
    needs_leader=True,
)
SENDING = replace(
    EXPLAIN, step=3, sending=True, sent=112, sent_bytes=81_204, unsent=34, can_go_on=True, figures=_FIGURES
)
SEAL = replace(
    SENDING,
    step=4,
    sending=False,
    unsent=0,
    till_purse="Rp1.911.000",
)
DIFFERS = replace(SEAL, edc_asked=True, edc_total="Rp1.815.500", edc_differs=True, can_go_on=False)
SEALED = replace(
    SEAL,
    step=5,
    edc_asked=True,
    edc_total="Rp1.911.000",
    report=REPORT,
    report_entry="z12",
    said="Hari disegel. Laporan tutup hari sudah dicetak.",
)
SEALED_WITHOUT_PAPER = replace(SEALED, paper_trouble=trouble("printer_not_ready", "paper_out"))
COPIED = "Salinan terakhir: hari ini 16.02, di"
SYNC = SyncState(
    headline="Semua terkirim 09.40",
    tone="ok",
    log=(
        SyncLine("09.40", "4 catatan diterima kota", "ok"),
        SyncLine("09.31", "2 catatan diterima kota", "ok"),
        SyncLine("09.31", "catatan 119: diterima, jam kios berbeda", "look"),
        SyncLine("07.02", "412 pembaruan dari kota", "ok"),
        SyncLine("07.01", "hari Senin 23 Nov 2026: kota membenarkan", "ok"),
    ),
    kiosk="EW-0123 · e-Warung Mawar",
    last_received="kiriman kota ke-88",
    head="no. 131 · 9f86d081884c",
    key="chip TPM",
)
WITHOUT_LINE = SyncState(
    headline="57 catatan belum terkirim",
    tone="look",
    unsent=57,
    wishes=(
        SyncLine("24 Nov", "SUMINAH: permintaan USB belum dijawab", "look"),
        SyncLine("20 Nov", "kartu •••• 9105: permintaan USB diberikan", "ok"),
    ),
    log=(
        SyncLine("09.31", "hari Jumat 20 Nov 2026: kota membenarkan", "ok"),
        SyncLine("09.31", "12 pembaruan dari kota", "ok"),
        SyncLine("09.31", "61 catatan diterima kota", "ok"),
    ),
    kiosk="EW-0123 · e-Warung Mawar",
    last_received="kiriman kota ke-88",
    head="no. 188 · 9f86d081884c",
    key="chip TPM",
)
STICK_BUSY = StickState(busy="Menyimpan ke USB. Jangan dicabut dulu …")
STICK_SAVED = StickState(
    words=f"{saved_words(132, 188, 0)}. {PULL_IT} {CARRY_IT}",
)
STICK_FETCHED = StickState(words=f"{', '.join(fetched_words(57, 12, ('2026-11-23',)))}. {PULL_IT}")
STICK_WHICH = StickState(
    places=(
        StickPlace("/media/siti/USB BULOG", "USB BULOG"),
        StickPlace("/media/siti/FOTO", "FOTO"),
        StickPlace("/media/siti/3A1F-09C2", "3A1F-09C2"),
    )
)
