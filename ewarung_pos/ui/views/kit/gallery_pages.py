"""Gallery: lists, forms, controls and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

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
    FieldRow,
    Note,
    NumberField,
    Option,
    Panel,
    Picture,
    PinPad,
    ProgressBar,
    Role,
    Rule,
    SearchField,
    Sheet,
    SheetColumn,
    Step,
    StepHead,
    StepList,
    Stepper,
    StepState,
    Text,
    Tone,
    column,
    row,
)
from ewarung_pos.ui.views.kit.gallery_counter import blank, edges

__all__ = ["close", "controls", "history", "pictures"]


def close() -> QWidget:
    """Tutup Hari, at the variances."""
    page, gap = blank()
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
    body = column(gap=gap(2.5), margins=edges())
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


def history() -> QWidget:
    """Riwayat: a table with a search."""
    page, gap = blank()
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
    body = column(gap=gap(2), margins=edges())
    head = row(gap=gap(2))
    head.addWidget(Text("Riwayat", Role.TITLE))
    head.addStretch(1)
    head.addWidget(BigButton("Cetak ulang", size=ButtonSize.PLAIN, icon="printer", key="F9"))
    head.addWidget(BigButton("Batalkan", size=ButtonSize.PLAIN, icon="undo-2", key="Del"))
    body.addLayout(head)
    body.addWidget(card, 1)
    page.setLayout(body)
    return page


def controls() -> QWidget:
    """PIN pad, steps, fields, badges and buttons."""
    page, gap = blank()
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
    body = row(gap=gap(2.5), margins=edges())
    for card in (pin, working, fields):
        body.addWidget(card, 1)
    page.setLayout(body)
    return page


def pictures() -> QWidget:
    """All pictograms, the three states of the reader, and the shop that is shut."""
    page, gap = blank()
    card = Card()
    line = row(gap=gap(3))
    for name in ("rice", "sugar", "oil", "flour", "egg", "package", "cash", "app"):
        line.addWidget(Picture(name, height=108))
    line.addStretch(1)
    card.body.addLayout(line)
    line = row(gap=gap(5))
    for name in ("reader-ready", "reader-reading", "reader-away", "card-typed", "shop-shut"):
        line.addWidget(Picture(name, height=240))
    line.addStretch(1)
    card.body.addLayout(line)
    card.body.addStretch(1)
    body = column(margins=edges())
    body.addWidget(card)
    page.setLayout(body)
    return page
