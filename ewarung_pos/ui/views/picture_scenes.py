"""The scenes of `pictures`: one hand-made state for each thing a screen can say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, cast

from PySide6.QtWidgets import QWidget

from ewarung_pos.domain.documents import Align, Columns, Cut, Document, Qr, Rule, Space, Table, Text
from ewarung_pos.ui.text import trouble
from ewarung_pos.ui.text_copies import SAME_DISK
from ewarung_pos.ui.viewmodels.closing import COPYING, ClosingState, CountRow, StoryLine
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
from ewarung_pos.ui.viewmodels.day_open import DayOpenState
from ewarung_pos.ui.viewmodels.doubt import DoubtState
from ewarung_pos.ui.viewmodels.history import HistoryLine, HistoryState
from ewarung_pos.ui.viewmodels.shell import LampState, ShellState
from ewarung_pos.ui.viewmodels.stock import StockRow, StockState
from ewarung_pos.ui.viewmodels.sync import SyncLine, SyncState
from ewarung_pos.ui.viewmodels.tray import TrayState, TrayViewModel
from ewarung_pos.ui.viewmodels.typed_card import ODD, TypedCardState
from ewarung_pos.ui.views.tray import TrayView
from ewarung_pos.ui.views.window import TillWindow, ViewModels

__all__ = ["SCENES", "Scene", "Still", "till_window"]


class Still:
    """A view-model that only shows: it has a state, tells it to whoever listens, and takes every command calmly.

    Attributes:
        state: what it shows.
        calls: the commands it took, with their arguments.
    """

    def __init__(self, state: object) -> None:
        self.state = state
        self.calls: list[tuple[object, ...]] = []
        self._listeners: list[Callable[[Any], None]] = []

    def subscribe(self, listener: Callable[[Any], None]) -> Callable[[], None]:
        """As a view-model does."""
        self._listeners.append(listener)
        listener(self.state)
        return lambda: self._listeners.remove(listener)

    def show(self, state: object) -> None:
        """Change the state and tell."""
        self.state = state
        for listener in tuple(self._listeners):
            listener(state)

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_"):
            raise AttributeError(name)

        def take(*arguments: object) -> None:
            self.calls.append((name, *arguments))

        return take


@dataclass(frozen=True, slots=True)
class Scene:
    """A name, how to build the window that shows it, what is pressed afterwards, and a size if it has its own."""

    name: str
    build: Callable[[], QWidget]
    after: Callable[[QWidget], None] | None = None
    size: tuple[int, int] | None = None


# --- the shell -----------------------------------------------------------------------------------------------------

_LAMPS = (
    LampState("credit-card", "EDC siap", "ok", "counter"),
    LampState("printer", "Struk siap", "ok", "history"),
    LampState("cloud-upload", "3 belum terkirim", "look", "sync"),
)
_SHELL = ShellState(
    kiosk="e-Warung Mawar",
    place="Kel. Kauman",
    date="Sel 24 Nov 2026",
    time="09.41",
    operator="S1",
    operator_name="Bu Siti",
    operators=(("S1", "Bu Siti"), ("R1", "Bu Ratna"), ("K1", "Bu Kartini")),
    lamps=_LAMPS,
)
_OUT = replace(_SHELL, operator="", operator_name="")
_AWAY = replace(
    _SHELL,
    lamps=(
        LampState("credit-card", "EDC terputus", "stop", "counter"),
        LampState("printer", "2 struk belum", "look", "history"),
        LampState("cloud-upload", "Semua terkirim", "ok", "sync"),
    ),
)

_CHIP = replace(_SHELL, lamps=(LampState("credit-card", "Chip perlu dilihat", "look", "counter", "Chip"), *_LAMPS[1:]))
_TYPED = TypedCardState(mode="number", reason="kartu_rusak", ready=True)


def till_window(
    *,
    shell: ShellState = _SHELL,
    counter: CounterState | None = None,
    doubt: DoubtState | None = None,
    typed: TypedCardState | None = None,
    history: HistoryState | None = None,
    stock: StockState | None = None,
    day: DayOpenState | None = None,
    closing: ClosingState | None = None,
    sync: SyncState | None = None,
    practice_hint: str = "",
) -> tuple[TillWindow, dict[str, Still]]:
    """A window over still view-models, and these by name."""
    states: dict[str, object] = {
        "shell": shell,
        "counter": counter or CounterState(),
        "doubt": doubt or DoubtState(),
        "typed": typed or TypedCardState(),
        "history": history or HistoryState(),
        "stock": stock or StockState(),
        "day": day or DayOpenState(),
        "closing": closing or ClosingState(),
        "sync": sync or SyncState(),
    }
    stills = {name: Still(state) for name, state in states.items()}
    models = ViewModels(**{each.name: cast("Any", stills[each.name]) for each in fields(ViewModels)})
    return TillWindow(models, practice_hint), stills


def _window(**states: Any) -> Callable[[], QWidget]:
    return lambda: till_window(**states)[0]


def _counter(name: str, state: CounterState, shell: ShellState = _SHELL) -> Scene:
    return Scene(name, _window(counter=state, shell=shell))


def _on(screen: str) -> ShellState:
    return replace(_SHELL, screen=screen)


# --- the counter ---------------------------------------------------------------------------------------------------

_TALLY = (
    TallyItem("keluarga", "37", word_first=False),
    TallyItem("beras", "370 kg"),
    TallyItem("gula", "74 kg"),
    TallyItem("minyak", "68 L"),
    TallyItem("tepung", "70 kg"),
)
_READY = CounterState(tally=_TALLY, opened="buka 07.02")
_SUMINAH = Person(
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
        ShelfRow("gula-1", "Gula pasir", "sugar", "sisa 2", "dari 2 kg", 1000, f"{sugar} × 1 kg", sugar, 2),
        ShelfRow(
            "minyak-1", "Minyak goreng", "oil", "sisa 1", "dari 2 L", 500, f"{oil} × 1 L", oil, 1,
            "stok hanya 1" if oil == 1 else "",
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


_KNOWN = CounterState(
    phase=Phase.RECOGNISED,
    person=_SUMINAH,
    sections=_sections((0, 0, 0)),
    tally=_TALLY,
)
_CHOSEN = replace(_KNOWN, sections=_sections((2, 2, 1)), summary="2 beras · 2 gula · 1 minyak", can_serve=True)
_PURSE = replace(
    _KNOWN,
    section="purse",
    sections=_sections((2, 0, 0), (1, 0, 1)),
    summary="2 beras · 1 beras · 1 minyak",
    to_pay="KKS Rp83.200",
    can_serve=True,
)
_STEPS = (
    Step("Menunggu PIN di EDC", Mark.NOW),
    Step("Dicatat", Mark.TODO),
    Step("Struk dicetak", Mark.TODO),
)
_PROCESSING = replace(
    _PURSE,
    phase=Phase.PROCESSING,
    can_serve=False,
    steps=_STEPS,
    waiting="Menunggu EDC: Rp83.200. Keluarga menekan PIN sendiri.",
)
_DONE = DonePanel(
    title="Tercatat. Serahkan 3 barang ini",
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
_MANY = replace(
    _DONE,
    title="Tercatat. Serahkan 7 barang ini",
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
_REFUSALS = (
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
_DOUBT = DoubtPanel(
    attempt="a1",
    trouble=trouble("doubt.link_lost"),
    amount="Rp95.500 dari saldo KKS •••• 4821",
    steps=(
        Step("Permintaan tersimpan di buku kas", Mark.DONE),
        Step("Menanyakan transaksi ini ke EDC (coba ke-2)", Mark.NOW),
        Step("Catat hasilnya, lalu cetak struk", Mark.TODO),
    ),
    tag="T-07",
    goods=("1 beras 5 kg", "1 telur 10 butir"),
    asking=True,
)

# --- papers and lists ----------------------------------------------------------------------------------------------

_CODE = "EW1:S:EW-0123:1:123:9F86D081884C7D65:38:2026-11-24:191000"
_PAPER = Document(
    "struk-2026-11-24-0038",
    "Struk 2026-11-24/0038",
    (
        Text("e-Warung Mawar", Align.CENTRE, bold=True, big=True),
        Text("Kel. Kauman  33.74.01.1011", Align.CENTRE),
        Text("ID kios EW-0123", Align.CENTRE),
        Rule(),
        Text("STRUK PENGAMBILAN", Align.CENTRE, bold=True),
        Text("No. 2026-11-24/0038", Align.CENTRE, bold=True),
        Columns("24 November 2026", "09.38 WIB"),
        Columns("Kasir", "Bu Siti"),
        Columns("Penerima", "SUMINAH"),
        Columns("Kartu", "**** 4821"),
        Columns("Hadir", "Sendiri"),
        Rule(),
        Text("Beras medium Rojolele 5 kg", bold=True),
        Columns("  2 karung x Rp67.500", "Rp135.000"),
        Columns("  isi 10 kg", "jatah"),
        Text("Gula pasir Gulaku 1 kg", bold=True),
        Columns("  2 bungkus x Rp17.500", "Rp35.000"),
        Columns("  isi 2 kg", "jatah"),
        Rule(double=True),
        Columns("TOTAL", "Rp170.000", bold=True, tall=True),
        Text("(seratus tujuh puluh ribu rupiah)"),
        Rule(double=True),
        Text("Sisa jatah November 2026", bold=True),
        Table(("", "sebelum", "sesudah"), (("Beras", "10 kg", "0 kg"), ("Gula pasir", "2 kg", "0 kg"))),
        Rule(),
        Text("Kartu & PIN dipegang sendiri.", Align.CENTRE),
        Text("Aduan: Lapor Semar", Align.CENTRE),
        Text("0812-15000-512", Align.CENTRE),
        Space(),
        Qr(_CODE),
        Text("Catatan 123 · 9f86 d081 884c", Align.CENTRE, small=True),
        Cut(),
    ),
)
_REPORT = Document(
    "tutup-hari-2026-11-24-0012",
    "Laporan tutup hari 2026-11-24/0012",
    (
        Text("e-Warung Mawar", Align.CENTRE, bold=True, big=True),
        Text("Kel. Kauman  33.74.01.1011", Align.CENTRE),
        Rule(),
        Text("LAPORAN TUTUP HARI", Align.CENTRE, bold=True),
        Text("No. 2026-11-24/0012", Align.CENTRE, bold=True),
        Columns("Hari", "Sel 24 Nov 2026"),
        Columns("Ditutup", "15.12 WIB"),
        Columns("Oleh", "Bu Siti"),
        Rule(),
        Columns("Keluarga dilayani", "41"),
        Columns("Penyaluran", "45"),
        Columns("Pembatalan", "1"),
        Rule(),
        Columns("Jatah", "Rp6.075.000"),
        Columns("KKS", "Rp1.911.000"),
        Columns("Tunai", "Rp122.500"),
        Rule(double=True),
        Columns("TOTAL", "Rp8.108.500", bold=True, tall=True),
        Rule(double=True),
        Text("SEGEL", bold=True),
        Columns("Catatan no.", "1 s.d. 131"),
        Columns("Kepala rantai", "9f86 d081 884c"),
        Qr(_CODE.replace(":S:", ":T:")),
        Cut(),
    ),
)


def _line(number: int, time: str, name: str, last4: str, goods: str, total: str, status: str = "asli") -> HistoryLine:
    return HistoryLine(
        f"e{number}", number, f"{number:04d}", time, name, f"•••• {last4}", goods, total, status, status == "asli"
    )


_ROWS = (
    _line(38, "09.38", "SUMINAH", "4821", "2 beras, 2 gula, 1 minyak", "Rp170.000"),
    _line(37, "09.31", "NGATINI", "1190", "2 beras, 2 gula", "Rp170.000", "asli · 1 salinan"),
    _line(36, "09.24", "SRI WAHYUNI", "7745", "1 beras, 1 telur", "Rp95.500", "asli · belum dicetak"),
    _line(35, "09.17", "KASMI", "3302", "2 beras", "−Rp135.000", "pembatalan"),
    _line(34, "09.08", "KASMI", "3302", "2 beras", "Rp135.000", "dibatalkan"),
    _line(33, "08.59", "TUMINAH", "9011", "2 beras, 2 gula, 2 minyak, 2 tepung", "Rp226.200"),
)
_HISTORY = HistoryState(rows=_ROWS)
_RECEIPT = replace(_HISTORY, mode="receipt", selected=_ROWS[0], document=_PAPER)


def _stock_row(
    code: str, name: str, picture: str, pack: str, many: int, content: str, price: str, ceiling: str = ""
) -> StockRow:
    return StockRow(code, name, picture, pack, many, content, price, ceiling, over_ceiling="15.700" in ceiling)


_STOCK = StockState(
    rows=(
        _stock_row("b5", "Beras Rojolele 5 kg", "rice", "karung 5 kg", 120, "600 kg", "Rp67.500", "HET Rp67.500"),
        _stock_row("b10", "Beras Rojolele 10 kg", "rice", "karung 10 kg", 24, "240 kg", "Rp134.000", "HET Rp135.000"),
        _stock_row("g1", "Gulaku 1 kg", "sugar", "bungkus 1 kg", 126, "126 kg", "Rp17.500", "acuan Rp17.500"),
        _stock_row("m1", "Minyakita 1 L", "oil", "botol 1 L", 132, "132 L", "Rp16.200", "HET Rp15.700"),
        _stock_row("t1", "Segitiga Biru 1 kg", "flour", "bungkus 1 kg", 130, "130 kg", "Rp12.400"),
        _stock_row("e10", "Telur ayam isi 10", "egg", "tray 10 butir", 18, "180 butir", "Rp19.500"),
    )
)
_RECEIVING = replace(
    _STOCK,
    mode="receive",
    supplier="Bulog Semarang",
    note="SJ-2026-1124",
    rows=tuple(replace(row, receiving=many) for row, many in zip(_STOCK.rows, (60, 0, 24, 0, 0, 0), strict=True)),
    can_receive=True,
)
_MORNING = DayOpenState(
    date="Sel 24 Nov 2026",
    facts=(
        Fact("users", "412 keluarga dalam daftar (1 hari)"),
        Fact("package", "550 kemasan di rak menurut catatan"),
        Fact("cloud-upload", "3 belum terkirim"),
        Fact("clock", "Jam komputer cocok"),
        Fact("printer", "1 struk belum tercetak"),
    ),
    tones=("ok", "ok", "look", "ok", "look"),
    can_open=True,
)

_CLOCK = replace(
    _MORNING,
    tones=("ok", "ok", "look", "stop", "look"),
    facts=(*_MORNING.facts[:3], Fact("clock", "Jam komputer meragukan"), _MORNING.facts[4]),
    can_open=False,
    suspect=("Jam komputer: Sel 24 Nov 2026, 07.02", "Catatan terakhir: Rab 25 Nov 2026, 15.40"),
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
_COUNTING = ClosingState(step=1, date="24 November 2026", rows=_count(120, 24, 125, None, None, None), can_go_on=False)
_EXPLAIN = replace(
    _COUNTING, step=2, rows=_count(120, 24, 125, 132, 130, 17), story=_STORY, can_go_on=False, needs_leader=False
)
_SENDING = replace(
    _EXPLAIN, step=3, sending=True, sent=112, sent_bytes=81_204, unsent=34, can_go_on=True, figures=_FIGURES
)
_SEAL = replace(
    _SENDING,
    step=4,
    sending=False,
    unsent=0,
    edc_asked=True,
    edc_total="Rp1.911.000",
    till_purse="Rp1.911.000",
)
_SEALED = replace(
    _SEAL,
    step=5,
    report=_REPORT,
    report_entry="z12",
    said="Hari disegel. Laporan tutup hari sudah dicetak.",
    copied="Salinan terakhir: hari ini 16.02, di /media/usb",
)
_SYNC = SyncState(
    headline="Semua terkirim 09.40",
    tone="ok",
    log=(
        SyncLine("09.40", "4 catatan diterima kota", "ok"),
        SyncLine("09.31", "2 catatan diterima kota", "ok"),
        SyncLine("09.31", "catatan 119: diterima, jam kios berbeda", "look"),
        SyncLine("07.02", "412 pembaruan dari kota", "ok"),
        SyncLine("07.01", "hari 2026-11-23: kota membenarkan", "ok"),
    ),
    kiosk="EW-0123 · e-Warung Mawar",
    last_received="kiriman kota ke-88",
    head="no. 131 · 9f86d081884c",
    key="chip TPM",
)
_TRAY = TrayState(
    cards=(
        ("1", "SUMINAH · **** 4821"),
        ("2", "NGATINI · **** 1190"),
        ("3", "SRI WAHYUNI · **** 7745"),
        ("4", "KASMI · **** 3302"),
        ("5", "TUMINAH · **** 9011"),
        ("6", "Kartu asing"),
    ),
    inserted="1",
    display=("EDC SIMULASI", "Rp83.200", "MASUKKAN PIN ***"),
    asks_pin=True,
)


def _tray(state: TrayState) -> Callable[[], QWidget]:
    def build() -> QWidget:
        view = TrayView(cast("TrayViewModel", Still(state)))
        view.render_state(state)
        return view

    return build


def _faulted() -> QWidget:
    window, _ = till_window()
    window.show_fault()
    return window


def _leader_pin(widget: QWidget) -> None:
    """Press on to the leader's PIN."""
    from ewarung_pos.ui.views.closing import ClosingView
    from ewarung_pos.ui.views.doubt import SlipForm

    for form in widget.findChildren(SlipForm):
        if form.isVisible():
            form.go_on.click()
    for closing in widget.findChildren(ClosingView):
        closing.sheet.go_on.click()


def _slip_paid(widget: QWidget) -> None:
    from ewarung_pos.ui.views.doubt import SlipForm

    for form in widget.findChildren(SlipForm):
        form.choose("paid")
        form.approval.setText("004512")
        form.invoice.setText("000123")


def _slip_pin(widget: QWidget) -> None:
    _slip_paid(widget)
    _leader_pin(widget)


def _type_number(widget: QWidget) -> None:
    from ewarung_pos.ui.views.typed_card import TypedCardView

    for view in widget.findChildren(TypedCardView):
        view.number.field.setText("9999 8425 3882 4821")


def _choose_siti(widget: QWidget) -> None:
    from ewarung_pos.ui.views.sign_in import SignInView

    for view in widget.findChildren(SignInView):
        view.choose("S1")


def _ask_the_leader(widget: QWidget) -> None:
    from ewarung_pos.ui.views.sign_in import SignInView

    _choose_siti(widget)
    for view in widget.findChildren(SignInView):
        view.unlock.click()


def _passphrase() -> QWidget:
    from ewarung_pos.ui.views.passphrase import PassphraseWindow

    window = PassphraseWindow()
    window.wrong.show()
    return window


_HINT = "PIN Bu Siti 123456, Bu Ratna 234567, ketua Bu Kartini 345678."

_BEFORE_THE_END = (
    "Struk 0047 SUMINAH (Beras 10 kg, Telur 1 kg); Struk 0048 SRI WAHYUNI (Beras 5 kg); "
    "Struk 0049 TUKINAH (Gula 1 kg); dan 2 struk lain, lihat Riwayat: "
    "tercatat sebelum kasir mati; serahkan barang bila belum."
)

SCENES: tuple[Scene, ...] = (
    Scene("masuk", _window(shell=_OUT)),
    Scene("masuk-nama", _window(shell=_OUT), _choose_siti),
    Scene("masuk-pin-salah", _window(shell=replace(_OUT, notice=trouble("not_authorised", "wrong_pin"))), _choose_siti),
    Scene("masuk-latihan", _window(shell=replace(_OUT, practice=True), practice_hint=_HINT)),
    _counter("siap", _READY),
    _counter("siap-latihan", _READY, replace(_SHELL, practice=True)),
    _counter("siap-edc-jauh", replace(_READY, reader=trouble("device_unavailable", "unplugged")), _AWAY),
    _counter("siap-hari-tutup", CounterState(day_open=False)),
    _counter("siap-belum-pasti", replace(_READY, doubts_waiting=1)),
    _counter("siap-pita", _READY, replace(_SHELL, banner="Daftar keluarga berumur 8 hari.")),
    _counter("dicari", replace(_READY, phase=Phase.LOOKING)),
    _counter("kartu", _KNOWN),
    _counter("kartu-jatah", _CHOSEN),
    _counter("kartu-kks", _PURSE),
    _counter("kartu-tunai", replace(_PURSE, section="cash", to_pay="KKS Rp83.200 · tunai Rp15.700")),
    _counter("kartu-latihan", _CHOSEN, replace(_SHELL, practice=True)),
    _counter("kartu-kuasa", replace(_CHOSEN, presence="kuasa", can_serve=False)),
    _counter("kartu-kuasa-sakit", replace(_CHOSEN, presence="kuasa", proxy_reason="sakit")),
    _counter("kartu-saldo-kurang", replace(_PURSE, notice=trouble("edc.insufficient"))),
    *(
        _counter(
            f"ditolak-{name.replace('_', '-')}",
            CounterState(
                phase=Phase.REFUSED,
                refusal=trouble(f"refusal.{name}"),
                person=None if name == "unknown_card" else replace(_SUMINAH, facts=_SUMINAH.facts[:4]),
            ),
        )
        for name in _REFUSALS
    ),
    _counter("proses", _PROCESSING),
    _counter(
        "proses-terkunci",
        replace(
            _PROCESSING,
            can_cancel=False,
            why_no_cancel="EDC sudah memegang jumlahnya: batalkan lewat tombol merah di EDC.",
        ),
    ),
    _counter("selesai", CounterState(phase=Phase.DONE, done=_DONE)),
    _counter("selesai-banyak", CounterState(phase=Phase.DONE, done=_MANY)),
    _counter(
        "selesai-kertas-habis",
        CounterState(
            phase=Phase.DONE,
            done=replace(
                _DONE, paper="Struk nomor 0038 belum tercetak", paper_trouble=trouble("printer_not_ready", "paper_out")
            ),
        ),
    ),
    Scene("belum-pasti", _window(doubt=DoubtState(_DOUBT, 1))),
    Scene("belum-pasti-tanya", _window(doubt=DoubtState(replace(_DOUBT, asking=False, others=1), 2))),
    Scene(
        "belum-pasti-struk",
        _window(doubt=DoubtState(replace(_DOUBT, asking=False, trouble=trouble("doubt.no_query"), slip_form=True), 1)),
        _slip_paid,
    ),
    Scene(
        "belum-pasti-pin",
        _window(doubt=DoubtState(replace(_DOUBT, asking=False, slip_form=True), 1)),
        _slip_pin,
    ),
    Scene("riwayat", _window(shell=_on("history"), history=_HISTORY)),
    Scene("riwayat-kosong", _window(shell=_on("history"), history=replace(_HISTORY, rows=()))),
    Scene("riwayat-struk", _window(shell=_on("history"), history=_RECEIPT)),
    Scene(
        "riwayat-salinan",
        _window(shell=_on("history"), history=replace(_RECEIPT, said="SALINAN ke-1 sudah dicetak.")),
    ),
    Scene("riwayat-alasan", _window(shell=_on("history"), history=replace(_RECEIPT, mode="reason"))),
    Scene(
        "riwayat-pin",
        _window(
            shell=_on("history"),
            history=replace(_RECEIPT, mode="pin", reason="jumlah_salah", notice=trouble("not_authorised", "wrong_pin")),
        ),
    ),
    Scene("stok", _window(shell=_on("stock"), stock=_STOCK)),
    Scene("stok-terima", _window(shell=_on("stock"), stock=_RECEIVING)),
    Scene(
        "stok-dicatat",
        _window(shell=_on("stock"), stock=replace(_STOCK, said="84 kemasan dari Bulog Semarang sudah dicatat.")),
    ),
    Scene("buka-hari", _window(shell=_on("day"), day=_MORNING)),
    Scene("buka-hari-sudah", _window(shell=_on("day"), day=replace(_MORNING, already=True, can_open=False))),
    Scene(
        "buka-hari-besok",
        _window(
            shell=_on("day"),
            day=replace(_MORNING, can_open=False, notice=trouble("day_not_open", "already_closed")),
        ),
    ),
    Scene("tutup-mulai", _window(shell=_on("closing"), closing=ClosingState(date="24 November 2026", can_go_on=True))),
    Scene("tutup-hitung", _window(shell=_on("closing"), closing=_COUNTING)),
    Scene("tutup-jelaskan", _window(shell=_on("closing"), closing=_EXPLAIN)),
    Scene(
        "tutup-jelaskan-ketua",
        _window(shell=_on("closing"), closing=replace(_EXPLAIN, needs_leader=True, can_go_on=True)),
        _leader_pin,
    ),
    Scene("tutup-kirim", _window(shell=_on("closing"), closing=_SENDING)),
    Scene(
        "tutup-kirim-nanti",
        _window(shell=_on("closing"), closing=replace(_SENDING, sending=False, notice=trouble("server_unreachable"))),
    ),
    Scene("tutup-segel", _window(shell=_on("closing"), closing=_SEAL)),
    Scene(
        "tutup-segel-beda",
        _window(
            shell=_on("closing"),
            closing=replace(_SEAL, edc_total="Rp1.815.500", edc_differs=True, can_go_on=False),
        ),
    ),
    Scene("tutup-disegel", _window(shell=_on("closing"), closing=_SEALED)),
    Scene("sinkron", _window(shell=_on("sync"), sync=_SYNC)),
    Scene(
        "sinkron-belum",
        _window(shell=_on("sync"), sync=replace(_SYNC, headline="3 belum terkirim", tone="look", unsent=3, busy=True)),
    ),
    Scene(
        "sinkron-putus",
        _window(
            shell=_on("sync"),
            sync=replace(
                _SYNC,
                headline="3 belum terkirim",
                tone="look",
                unsent=3,
                detail="mencoba lagi 20 detik lagi",
                notice=trouble("server_unreachable"),
            ),
        ),
    ),
    Scene("latihan-edc", _tray(_TRAY), size=(340, 720)),
    Scene(
        "latihan-edc-jauh",
        _tray(replace(_TRAY, display=(), asks_pin=False, inserted="", away=trouble("device_unavailable"))),
        size=(340, 720),
    ),
    Scene("kesalahan-program", _faulted),
    Scene("masuk-terkunci", _window(shell=replace(_OUT, locked=frozenset({"S1"}))), _choose_siti),
    Scene("masuk-buka-kunci", _window(shell=replace(_OUT, locked=frozenset({"S1"}))), _ask_the_leader),
    Scene("kata-sandi", _passphrase, size=(480, 360)),
    _counter("siap-sesudah-mati", _READY, replace(_SHELL, recovered=_BEFORE_THE_END)),
    Scene("buka-hari-jam", _window(shell=_on("day"), day=_CLOCK)),
    Scene("buka-hari-jam-ketua", _window(shell=_on("day"), day=replace(_CLOCK, asks_leader=True))),
    Scene(
        "buka-hari-tanggal",
        _window(shell=_on("day"), day=replace(_MORNING, notice=trouble("clock_suspect", "date_unsure"))),
    ),
    Scene(
        "tutup-salinan-sedisk",
        _window(
            shell=_on("closing"),
            closing=replace(
                _SEALED, copied=f"Salinan terakhir: hari ini 16.02, di /var/lib/ewarung-pos/backup. {SAME_DISK}"
            ),
        ),
    ),
    Scene("tutup-menyalin", _window(shell=_on("closing"), closing=replace(_SEALED, copied=COPYING))),
    Scene(
        "tutup-tanpa-salinan",
        _window(
            shell=_on("closing"), closing=replace(_SEALED, copied="", copy_trouble=trouble("config", "backup_dir"))
        ),
    ),
    _counter("siap-chip", replace(_READY, reader=trouble("card_not_read", "removed")), _CHIP),
    Scene("ketik-nomor", _window(typed=_TYPED), _type_number),
    Scene("ketik-nomor-ragu", _window(typed=replace(_TYPED, warning=ODD)), _type_number),
    Scene("ketik-nomor-ketua", _window(typed=replace(_TYPED, mode="pin", last4="4821"))),
)
"""Every state, in the order of a day; then what is seldom seen."""
