"""Gallery: the counter and the family's window, as the screens are meant."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from ewarung_pos.ui.views.kit import (
    BigButton,
    ButtonKind,
    ButtonSize,
    Card,
    Choice,
    Density,
    Disc,
    EmptyState,
    Line,
    Note,
    Option,
    Picture,
    ProgressBar,
    Rail,
    RailItem,
    Role,
    Rule,
    Run,
    Step,
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

__all__ = ["Shell", "blank", "done", "edges", "family_window", "known", "ready", "unsure"]

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


class Shell(QWidget):
    """Header, rail and a page, as the till puts them together."""

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


def blank() -> tuple[QWidget, Callable[[float], int]]:
    """An empty page and the distances of the style in force."""
    return QWidget(), current_style().gap


def edges() -> tuple[int, int, int, int]:
    """Margins of a page."""
    gap = current_style().gap
    if current_style().room is Density.TIGHT:
        return gap(2), gap(1.5), gap(2), gap(1.5)
    return gap(3.5), gap(3), gap(3.5), gap(3)


def ready() -> QWidget:
    """Siap: waiting for a card."""
    page, gap = blank()
    empty = EmptyState("reader-ready", height=260)
    empty.render_state(
        "reader-ready",
        "Masukkan atau gesek kartu",
        "Kartu tetap dipegang keluarga. PIN ditekan sendiri di mesin EDC.",
        title_role=Role.DISPLAY,
    )
    tally = Card(pad=0)
    line = row(gap=gap(2 if current_style().narrow else 4), margins=(gap(3.5), gap(2), gap(3.5), gap(2)))
    line.addWidget(Text("Hari ini", Role.BODY, Tone.SOFT))
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
    body = column(gap=gap(2), margins=edges())
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


def known() -> QWidget:
    """Kartu dikenali: what the family may take."""
    page, gap = blank()
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

    body = column(gap=gap(2), margins=edges())
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


def done() -> QWidget:
    """Selesai: the pick list."""
    page, gap = blank()
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
    body = column(gap=gap(2), margins=edges())
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


def unsure() -> QWidget:
    """Belum pasti: trouble that is being settled."""
    page, gap = blank()
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
    body = row(gap=gap(2.5), margins=edges())
    body.addWidget(card, 2)
    body.addWidget(side, 1)
    page.setLayout(body)
    return page


def family_window() -> QWidget:
    """The window that faces the family."""
    page, gap = blank()
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
