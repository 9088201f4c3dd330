"""Every widget of the kit on pages as the screens use them, painted to PNG files.

    python -m ewarung_pos.ui.views.kit.gallery OUT.png [--theme dark] [--scale 150] [--size 800x480]

Writes one file a page and size beside OUT.png, and OUT.png itself with all of them small.
Names and figures are invented.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

from ewarung_pos.ui.qt_app import apply_theme, apply_window, load_theme, start_qt
from ewarung_pos.ui.views.kit import (
    Badge,
    BigButton,
    ButtonKind,
    ButtonSize,
    Card,
    Cell,
    Choice,
    Column,
    DataTable,
    Density,
    Disc,
    EmptyState,
    FieldRow,
    Line,
    Note,
    NumberField,
    Option,
    Panel,
    Picture,
    PinPad,
    ProgressBar,
    Rail,
    RailItem,
    Role,
    Rule,
    Run,
    SearchField,
    Sheet,
    SheetColumn,
    Step,
    StepHead,
    StepList,
    Stepper,
    StepState,
    Text,
    TickRow,
    Tone,
    TopBar,
    Trouble,
    TroubleCard,
    column,
    current_style,
    row,
)

__all__ = ["PAGES", "main", "paint_page"]

_PLACES = (
    RailItem("counter", "hand-helping", "Layanan", "Layanan", "F1"),
    RailItem("history", "history", "Riwayat", "Riwayat", "F2"),
    RailItem("stock", "package", "Stok", "Stok", "F3"),
    RailItem("reports", "chart-column", "Laporan", "Laporan", "F4"),
    RailItem("close", "door-closed", "Tutup Hari", "Tutup", "F5"),
    RailItem("sync", "cloud-upload", "Sinkron", "Sinkron", "F6"),
    RailItem("settings", "settings", "Atur", "Atur", "F7"),
)
_TOP_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop


class _Shell(QWidget):
    def __init__(self, page: QWidget, place: str) -> None:
        super().__init__()
        self.setAutoFillBackground(True)
        self.top = TopBar()
        self.top.set_kiosk("e-Warung Mawar", "Kel. Kauman")
        self.top.set_clock("Selasa 24 Nov 2026", "24 Nov", "09.41", "WIB")
        self.top.set_operator("Bu Siti", "Siti")
        self.top.add_lamp("credit-card").render_state(Tone.GO, "EDC siap", "EDC")
        self.top.add_lamp("printer").render_state(Tone.GO, "Struk siap", "Struk")
        self.top.add_lamp("cloud-upload").render_state(Tone.LOOK, "3 belum terkirim", "Kota 3")
        rail = Rail()
        rail.set_items(_PLACES)
        rail.set_current(place)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(0)
        grid.addWidget(self.top, 0, 0, 1, 2)
        grid.addWidget(rail, 1, 0)
        grid.addWidget(page, 1, 1)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(1, 1)


def _page() -> tuple[QWidget, Callable[[float], int]]:
    return QWidget(), current_style().gap


def _edges() -> tuple[int, int, int, int]:
    gap = current_style().gap
    if current_style().room is Density.TIGHT:
        return gap(2), gap(1.5), gap(2), gap(1.5)
    return gap(3.5), gap(3), gap(3.5), gap(3)


def _ready() -> QWidget:
    page, gap = _page()
    empty = EmptyState("reader-ready", height=260)
    empty.render_state(
        "reader-ready",
        "Masukkan atau gesek kartu",
        "Kartu tetap dipegang keluarga. PIN ditekan sendiri di mesin EDC.",
        title_role=Role.DISPLAY,
    )
    tally = Card(pad=0)
    line = row(gap=gap(2 if current_style().narrow else 4), margins=(gap(3.5), gap(2), gap(3.5), gap(2)))
    line.addWidget(Text("Pagi ini", Role.BODY, Tone.SOFT))
    for before, amount, after in (
        ("", "37", "keluarga"),
        ("beras", "370 kg", ""),
        ("gula", "74 kg", ""),
        ("minyak", "68 L", ""),
        ("tepung", "70 kg", ""),
    ):
        line.addWidget(
            Line((Run(before, Role.LEAD), Run(amount, Role.LEAD, bold=True), Run(after, Role.LEAD))),
        )
    line.addStretch(1)
    line.addWidget(Note("clock", "buka 07.02", Tone.SOFT))
    tally.body.addLayout(line)
    body = column(gap=gap(2), margins=_edges())
    body.addWidget(empty, 1)
    body.addWidget(tally)
    page.setLayout(body)
    return page


def _ration(picture: str, name: str, left: int, whole: int, unit: str, pack: str, taken: int) -> QWidget:
    gap = current_style().gap
    part = QWidget()
    close = current_style().narrow
    tight = current_style().room is Density.TIGHT
    above = gap(0.25 if tight else 0.6 if close else 1.5)
    line = row(gap=gap(2 if close else 4), margins=(gap(2.75), above, gap(2.75), above))
    line.addWidget(Picture(picture, height=56))
    words = column(gap=0 if tight else gap(0.4 if close else 0.75))
    words.addStretch(1)
    words.addWidget(Text(name, Role.LEAD))
    words.addWidget(Line((Run(f"sisa {left}", Role.QUANTITY), Run(f"dari {whole} {unit}", Role.BODY, Tone.SOFT))))
    bar = ProgressBar(name)
    bar.set_share(left, whole)
    bar.setVisible(not tight)
    words.addWidget(bar)
    words.addStretch(1)
    line.addLayout(words, 1)
    if left:
        stepper = Stepper(name)
        stepper.set_range(0, left)
        stepper.set_value(taken)
        stepper.set_unit(pack)
        line.addWidget(stepper)
    else:
        line.addWidget(BigButton("Lihat struk", size=ButtonSize.PLAIN, icon="receipt-text"))
    part.setLayout(line)
    return part


def _known() -> QWidget:
    page, gap = _page()
    family = Card()
    who = row(gap=gap(1.75))
    who.addWidget(Disc("user", size=60))
    name = column(gap=2)
    name.addWidget(Text("SUMINAH", Role.HEADING))
    name.addWidget(Text("PKH · 4 jiwa", Role.BODY, Tone.SOFT))
    who.addLayout(name, 1)
    family.body.addLayout(who)
    for icon, words in (
        ("credit-card", "kartu •••• 4821"),
        ("user", "NIK 3374••••••••0012"),
        ("map-pin", "Kauman, Semarang Tengah"),
        ("clock", "terakhir datang 12 Nov"),
    ):
        family.body.addWidget(Note(icon, words))
    family.body.addStretch(1)
    family.body.addWidget(Rule())
    family.body.addWidget(Text("Yang datang", Role.BODY, Tone.SOFT))
    comes = Choice("Yang datang")
    comes.set_options((Option("self", "Sendiri"), Option("member", "Anggota KK"), Option("proxy", "Kuasa")))
    comes.set_chosen("self")
    family.body.addWidget(comes)
    style = current_style()
    family.setFixedWidth(204 * style.percent // 100 if style.room is Density.TIGHT else style.size(330))

    rations = Card(pad=0, spacing=0)
    head = row(gap=gap(2), margins=(gap(2.75), gap(1.25), gap(2.75), gap(1.25)))
    until = Run("sampai 30 November", Role.BODY, Tone.SOFT)
    head.addWidget(Line((Run("Jatah November 2026", Role.HEADING), until)), 1)
    head.addWidget(
        BigButton("Ambil semua", kind=ButtonKind.STRONG, size=ButtonSize.PLAIN, icon="check", key="F10"),
    )
    rations.body.addLayout(head)
    for part in (
        _ration("rice", "Beras medium", 10, 10, "kg", "× 5 kg", 2),
        _ration("sugar", "Gula pasir", 2, 2, "kg", "× 1 kg", 2),
        _ration("oil", "Minyak goreng", 1, 2, "L", "× 1 L", 0),
        _ration("flour", "Tepung terigu", 0, 2, "kg", "× 1 kg", 0),
    ):
        rations.body.addWidget(Rule())
        rations.body.addWidget(part)
    rations.body.addStretch(1)

    body = column(gap=gap(2), margins=_edges())
    top = row(gap=gap(2.5))
    top.addWidget(family)
    top.addWidget(rations, 1)
    body.addLayout(top, 1)
    foot = row(gap=gap(2.5))
    foot.addWidget(BigButton("Batal", icon="x", key="Esc"))
    foot.addStretch(1)
    basket = column(gap=2)
    basket.addStretch(1)
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    basket.addWidget(Text("Diserahkan sekarang", Role.BODY, Tone.SOFT, align=right))
    basket.addWidget(Text("2 beras · 2 gula", Role.LEAD, bold=True, align=right))
    basket.addStretch(1)
    foot.addLayout(basket)
    foot.addWidget(BigButton("SALURKAN", kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, key="Enter"))
    body.addLayout(foot)
    page.setLayout(body)
    return page


def _done() -> QWidget:
    page, gap = _page()
    picks = Card(pad=0, spacing=0)
    head = row(gap=gap(2.25), margins=(gap(3), gap(2.5), gap(3), gap(2.5)))
    head.addWidget(Disc("check", filled=True, size=68))
    words = column(gap=2)
    words.addWidget(Text("Tercatat. Serahkan barang ini", Role.TITLE))
    words.addWidget(Text("Struk nomor 0038 sudah dicetak", Role.BODY, Tone.SOFT))
    head.addLayout(words, 1)
    picks.body.addLayout(head)
    for number, (picture, text, ticked) in enumerate(
        (
            ("rice", "2 karung beras 5 kg", True),
            ("sugar", "2 bungkus gula 1 kg", True),
            ("oil", "1 botol minyak 1 L", False),
            ("egg", "1 kg telur", False),
        ),
        1,
    ):
        picks.body.addWidget(Rule())
        tick = TickRow(key=str(number))
        tick.render_state(picture, text, ticked=ticked)
        picks.body.addWidget(tick)
    picks.body.addStretch(1)
    left = Card()
    left.body.addWidget(Text("Sisa jatah SUMINAH bulan ini", Role.BODY, Tone.SOFT))
    for name in ("Beras", "Gula", "Minyak", "Tepung"):
        line = row()
        line.addWidget(Text(name, Role.LEAD))
        line.addStretch(1)
        line.addWidget(Text("0 kg", Role.LEAD, bold=True))
        left.body.addLayout(line)
    left.body.addStretch(1)
    left.body.addWidget(
        BigButton("Bacakan untuk keluarga", kind=ButtonKind.INFO, size=ButtonSize.PLAIN, icon="volume-2", key="F8")
    )
    left.body.addWidget(BigButton("Cetak ulang", icon="receipt-text", key="F9"))
    body = column(gap=gap(2), margins=_edges())
    top = row(gap=gap(2.5))
    top.addWidget(picks, 7)
    top.addWidget(left, 4)
    body.addLayout(top, 1)
    foot = row(gap=gap(2.5))
    foot.addWidget(
        Text(
            "Kembali sendiri setelah kartu diambil. Kartu berikutnya boleh langsung dimasukkan.",
            Role.BODY,
            Tone.SOFT,
            wrap=True,
        ),
        1,
    )
    foot.addWidget(BigButton("SELESAI", kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, key="Enter"))
    body.addLayout(foot)
    page.setLayout(body)
    return page


def _unsure() -> QWidget:
    page, gap = _page()
    card = TroubleCard()
    card.render_state(
        Trouble(
            tone=Tone.LOOK,
            title="Belum pasti: jawaban EDC tidak sampai",
            detail="Rp95.500 dari saldo KKS •••• 4821",
            happened="Kabel EDC terlepas setelah PIN ditekan.",
            safe="Permintaan ini tersimpan. Saldo tidak akan ditarik dua kali.",
            now="Pasang kabel EDC. Tahan barang di meja dulu.",
            steps=(
                Step("EDC tersambung lagi", StepState.DONE),
                Step("Menanyakan transaksi terakhir ke EDC", StepState.CURRENT, "8 detik"),
                Step("Catat hasilnya, lalu cetak struk", StepState.TO_COME),
            ),
        )
    )
    side = Card()
    side.body.addWidget(Text("Barang di meja", Role.LEAD, bold=True))
    side.body.addWidget(
        Line((Run("Beri tanda nomor", Role.BODY, Tone.SOFT), Run("T-07", Role.BODY, bold=True))),
    )
    side.body.addWidget(Text("1 beras 5 kg", Role.LEAD))
    side.body.addWidget(Text("1 kg telur", Role.LEAD))
    side.body.addStretch(1)
    side.body.addWidget(BigButton("Layani kartu lain", icon="hand-helping", key="F9"))
    side.body.addWidget(BigButton("Saya punya struk EDC", icon="receipt-text"))
    body = row(gap=gap(2.5), margins=_edges())
    body.addWidget(card, 2)
    body.addWidget(side, 1)
    page.setLayout(body)
    return page


def _close() -> QWidget:
    page, gap = _page()
    head = row(gap=gap(5))
    head.addWidget(Text("Tutup Hari", Role.TITLE))
    steps = StepHead()
    steps.set_steps(
        (
            Step("Hitung stok", StepState.DONE),
            Step("Jelaskan selisih", StepState.CURRENT),
            Step("Kirim ke kota", StepState.TO_COME),
            Step("Cetak & segel", StepState.TO_COME),
        )
    )
    head.addWidget(steps, 1)
    sheet = Sheet(
        (
            SheetColumn("Barang", share=1),
            SheetColumn("Menurut catatan", right=True),
            SheetColumn("Hitungan Bu Siti", right=True),
            SheetColumn("Selisih", right=True),
        )
    )
    rows: list[Sequence[QWidget]] = []
    for picture, name, booked, counted, tone, words in (
        ("rice", "Beras medium 5 kg", "326 karung", 326, Tone.GO, "cocok"),
        ("sugar", "Gula pasir 1 kg", "126 bungkus", 125, Tone.LOOK, "−1 kg"),
        ("oil", "Minyak goreng 1 L", "132 botol", 132, Tone.GO, "cocok"),
        ("flour", "Tepung terigu 1 kg", "130 bungkus", 130, Tone.GO, "cocok"),
    ):
        what = QWidget()
        line = row(gap=gap(2))
        line.addWidget(Picture(picture, height=44))
        line.addWidget(Text(name, Role.LEAD))
        what.setLayout(line)
        number = NumberField(name, most=9999)
        number.set_value(counted)
        rows.append((what, Text(booked, Role.LEAD), number, Badge(words, tone)))
    sheet.set_rows(rows)
    why = row(gap=gap(2), margins=(gap(2.75), gap(2), gap(2.75), gap(2)))
    why.addWidget(Text("Gula −1 kg, karena", Role.LEAD, bold=True))
    reason = Choice("Alasan selisih gula", stretch=False)
    reason.set_options(
        tuple(Option(each, each) for each in ("bungkus bocor", "tumpah", "salah hitung terima", "lain …"))
    )
    reason.set_chosen("bungkus bocor")
    why.addWidget(reason, 1)
    sheet.body.insertWidget(1, Rule())
    sheet.body.insertLayout(2, why)
    story = Card(pad=0)
    line = row(gap=gap(4), margins=(gap(3), gap(1.5), gap(3), gap(1.5)))
    line.addWidget(Text("Empat angka, satu cerita", Role.BODY, Tone.SOFT))
    for words in ("jatah berkurang 370 kg beras", "diserahkan 370 kg", "37 struk", "stok −370 kg"):
        line.addWidget(Note("circle-check", words, Tone.GO))
    line.addStretch(1)
    story.body.addLayout(line)
    foot = row()
    foot.addWidget(BigButton("Simpan, lanjut nanti"))
    foot.addStretch(1)
    foot.addWidget(BigButton("KIRIM KE KOTA", kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, key="Enter"))
    body = column(gap=gap(2.5), margins=_edges())
    body.addLayout(head)
    body.addWidget(sheet, 1)
    body.addWidget(story)
    body.addLayout(foot)
    page.setLayout(body)
    return page


@dataclass(frozen=True, slots=True)
class _Receipt:
    number: str
    time: str
    name: str
    what: str
    state: str


_RECEIPTS = (
    _Receipt("0038", "09.38", "SUMINAH •••• 4821", "10 kg beras, 2 kg gula, 1 L minyak", "tercatat"),
    _Receipt("0037", "09.31", "NGATINI •••• 1190", "10 kg beras, 2 kg gula", "tercatat"),
    _Receipt("0036", "09.24", "SRI WAHYUNI •••• 7745", "Rp95.500 dari saldo", "belum pasti"),
    _Receipt("0035", "09.17", "KASMI •••• 3302", "10 kg beras", "dibatalkan"),
    _Receipt("0034", "09.08", "TUMINAH •••• 9011", "10 kg beras, 2 kg gula, 2 L minyak", "tercatat"),
)
_STATES = {
    "tercatat": (Tone.GO, "check"),
    "belum pasti": (Tone.LOOK, "triangle-alert"),
    "dibatalkan": (Tone.STOP, "ban"),
}


def _history() -> QWidget:
    page, gap = _page()
    table: DataTable[_Receipt] = DataTable(
        "Riwayat hari ini",
        (
            Column("Struk", lambda each: Cell(each.number, bold=True)),
            Column("Jam", lambda each: Cell(each.time, Tone.SOFT)),
            Column("Keluarga", lambda each: Cell(each.name), share=2),
            Column("Barang", lambda each: Cell(each.what, Tone.SOFT), share=3),
            Column(
                "Keadaan",
                lambda each: Cell(each.state, _STATES[each.state][0], icon=_STATES[each.state][1], badge=True),
                right=True,
            ),
        ),
    )
    table.set_rows(_RECEIPTS)
    table.selectRow(1)
    card = Card(pad=0, spacing=0)
    search = row(margins=(gap(2), gap(2), gap(2), gap(1)))
    search.addWidget(SearchField("Cari nama, 4 angka kartu, nomor struk, atau pindai struk"))
    card.body.addLayout(search)
    card.body.addWidget(table, 1)
    card.body.addSpacing(8)
    body = column(gap=gap(2), margins=_edges())
    head = row(gap=gap(2))
    head.addWidget(Text("Riwayat", Role.TITLE))
    head.addStretch(1)
    head.addWidget(BigButton("Cetak ulang", size=ButtonSize.PLAIN, icon="printer", key="F9"))
    head.addWidget(BigButton("Batalkan", size=ButtonSize.PLAIN, icon="undo-2", key="Del"))
    body.addLayout(head)
    body.addWidget(card, 1)
    page.setLayout(body)
    return page


def _controls() -> QWidget:
    page, gap = _page()
    pad = PinPad()
    pad.set_words("PIN ketua", "Izinkan")
    pad.set_message("Untuk membatalkan struk 0035")
    pin = Card()
    pin.body.addWidget(pad, 0, Qt.AlignmentFlag.AlignHCenter)
    pin.body.addStretch(1)

    steps = StepList(big=True)
    steps.set_steps(
        (
            Step("Menunggu PIN di EDC", StepState.DONE),
            Step("Dicatat", StepState.CURRENT, "1 detik"),
            Step("Struk dicetak", StepState.TO_COME),
        )
    )
    working = Card()
    working.body.addWidget(Text("Sedang disalurkan", Role.HEADING))
    working.body.addWidget(steps)
    cancel = BigButton("Batal", icon="x", key="Esc")
    cancel.set_reason("EDC sudah menerima jumlahnya")
    working.body.addWidget(cancel)
    bar = ProgressBar("Kirim")
    bar.set_share(212, 340)
    working.body.addWidget(Text("212 dari 340 catatan terkirim", Role.BODY, Tone.SOFT))
    working.body.addWidget(bar)
    panel = Panel(tone=Tone.INFO)
    panel.body.addWidget(Note("info", "Boleh ditinggal, dilanjutkan sendiri", Tone.INFO))
    working.body.addWidget(panel)
    working.body.addStretch(1)

    fields = Card()
    price = NumberField("Harga")
    price.set_value(14500)
    low = FieldRow("Harga beli per kg", price, help_text="Rupiah, tanpa titik")
    over = NumberField("Jumlah")
    over.set_value(999)
    wrong = FieldRow("Jumlah diterima", over)
    wrong.set_error("Lebih banyak dari surat jalan (340)")
    badges = row(gap=8)
    for words, tone in (("cocok", Tone.GO), ("−1 kg", Tone.LOOK), ("ditolak", Tone.STOP)):
        badges.addWidget(Badge(words, tone))
    badges.addStretch(1)
    stepper = Stepper("Telur")
    stepper.set_range(0, 3)
    stepper.set_value(3)
    stepper.set_unit("× 1 kg")
    stepper.set_bound("stok tinggal 3")
    for part in (low, wrong):
        fields.body.addWidget(part)
    fields.body.addLayout(badges)
    fields.body.addWidget(stepper)
    fields.body.addWidget(BigButton("Hapus dari daftar", kind=ButtonKind.DANGER, size=ButtonSize.PLAIN, icon="ban"))
    fields.body.addWidget(BigButton("Nanti saja", kind=ButtonKind.QUIET, size=ButtonSize.PLAIN, icon="arrow-right"))
    fields.body.addStretch(1)
    body = row(gap=gap(2.5), margins=_edges())
    for card in (pin, working, fields):
        body.addWidget(card, 1)
    page.setLayout(body)
    return page


def _pictures() -> QWidget:
    page, gap = _page()
    card = Card()
    line = row(gap=gap(3))
    for name in ("rice", "sugar", "oil", "flour", "egg", "package", "app"):
        line.addWidget(Picture(name, height=108))
    line.addStretch(1)
    card.body.addLayout(line)
    line = row(gap=gap(5))
    for name in ("reader-ready", "reader-reading", "reader-away"):
        line.addWidget(Picture(name, height=240))
    line.addStretch(1)
    card.body.addLayout(line)
    card.body.addStretch(1)
    body = column(margins=_edges())
    body.addWidget(card)
    page.setLayout(body)
    return page


def _family() -> QWidget:
    page, gap = _page()
    page.setAutoFillBackground(True)
    body = column(gap=gap(5), margins=(gap(8), gap(6), gap(8), gap(4)))
    head = row()
    head.addWidget(Text("Bu SUMINAH", Role.HERO))
    head.addStretch(1)
    head.addWidget(Text("Jatah November 2026", Role.HEADING, Tone.SOFT, bold=False))
    body.addLayout(head)
    cards = row(gap=gap(2.75))
    middle = Qt.AlignmentFlag.AlignHCenter
    for picture, name, taken in (
        ("rice", "Beras", "10 kg"),
        ("sugar", "Gula", "2 kg"),
        ("oil", "Minyak", "1 L"),
        ("flour", "Tepung", "–"),
    ):
        card = Card()
        card.body.addWidget(Picture(picture, height=108), 0, middle)
        card.body.addWidget(Text(name, Role.HEADING, bold=False), 0, middle)
        card.body.addWidget(Text("diambil", Role.LEAD, Tone.SOFT), 0, middle)
        card.body.addWidget(Text(taken, Role.HERO, Tone.GO), 0, middle)
        card.body.addStretch(1)
        card.body.addWidget(Rule())
        card.body.addWidget(Line((Run("sisa", Role.LEAD), Run("0 kg", Role.QUANTITY)), align=middle))
        cards.addWidget(card, 1)
    body.addLayout(cards, 1)
    body.addWidget(Note("lock", "Kartu dan PIN Ibu pegang sendiri. Simpan struknya.", role=Role.HEADING))
    page.setLayout(body)
    return page


PAGES: dict[str, tuple[Callable[[], QWidget], str]] = {
    "1-siap": (_ready, "counter"),
    "2-kartu": (_known, "counter"),
    "3-selesai": (_done, "counter"),
    "4-belum-pasti": (_unsure, "counter"),
    "5-tutup": (_close, "close"),
    "6-keluarga": (_family, ""),
    "7-riwayat": (_history, "history"),
    "8-kendali": (_controls, "settings"),
    "9-gambar": (_pictures, "stock"),
}


def paint_page(app: QApplication, name: str, size: QSize) -> QPixmap:
    """The page `name` as it looks in a window of `size`."""
    apply_window(app, size)
    build, place = PAGES[name]
    shell = _Shell(build(), place) if place else build()
    shell.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    shell.resize(size)
    shell.show()
    QApplication.sendPostedEvents()
    picture = shell.grab()
    shell.hide()
    shell.deleteLater()
    return picture


def main(arguments: Sequence[str] | None = None) -> int:
    """Paint all pages; returns the exit code."""
    parser = argparse.ArgumentParser(prog="gallery")
    parser.add_argument("out", type=Path)
    parser.add_argument("--theme", default="light")
    parser.add_argument("--scale", type=int, default=100)
    parser.add_argument("--size", action="append", default=[], help="WIDTHxHEIGHT, may be given again")
    parser.add_argument("--page", action="append", default=[], choices=list(PAGES))
    wanted = parser.parse_args(arguments)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = start_qt()
    apply_theme(app, load_theme(wanted.theme), wanted.scale)
    sizes = [QSize(*map(int, each.split("x"))) for each in wanted.size] or [QSize(1366, 768), QSize(1024, 600)]
    small: list[QPixmap] = []
    for size in sizes:
        for name in wanted.page or PAGES:
            picture = paint_page(app, name, size)
            file = wanted.out.with_name(f"{wanted.out.stem}-{size.width()}x{size.height()}-{name}.png")
            picture.save(str(file))
            small.append(picture.scaledToWidth(683, Qt.TransformationMode.SmoothTransformation))
    columns = 3
    height = max(each.height() for each in small)
    sheet = QPixmap(683 * columns, height * -(-len(small) // columns))
    sheet.fill(current_style().colour("track"))
    painter = QPainter(sheet)
    for place, each in enumerate(small):
        painter.drawPixmap(QRect(place % columns * 683, place // columns * height, each.width(), each.height()), each)
    painter.end()
    sheet.save(str(wanted.out))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
