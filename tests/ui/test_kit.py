"""The design kit: bounds that hold, names that are read aloud, contrast that is enough, keys that work."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontInfo, QImage, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from ewarung_pos.ui.qt_app import (
    Fault,
    FaultHook,
    apply_theme,
    apply_window,
    load_theme,
    motion_wanted,
    start_qt,
    style_sheet,
)
from ewarung_pos.ui.views.kit import (
    Badge,
    BigButton,
    Cell,
    Chime,
    Choice,
    Column,
    DataTable,
    Density,
    FieldRow,
    Lamp,
    Line,
    NumberField,
    Option,
    Pages,
    PinPad,
    ProgressBar,
    Rail,
    RailItem,
    Role,
    Run,
    SearchField,
    Sheet,
    SheetColumn,
    Sound,
    Step,
    StepHead,
    StepList,
    Stepper,
    StepState,
    Style,
    Text,
    TickRow,
    Tone,
    TopBar,
    Trouble,
    TroubleCard,
    current_style,
    gallery,
)
from ewarung_pos.ui.views.kit.icons import icon_pixmap, pictogram_pixmap
from ewarung_pos.ui.views.kit.lamp import HeaderButton
from ewarung_pos.ui.views.kit.paint import PaintedButton, text_width
from ewarung_pos.ui.views.kit.style import FAMILY, THEMES, contrast, density_for, resource_bytes
from ewarung_pos.ui.views.pictures import settle

RESOURCES = Path(sys.modules["ewarung_pos.ui.qt_app"].__file__ or "").parents[1] / "resources"
KIT = Path(gallery.__file__).parent
ICONS = sorted(path.stem for path in (RESOURCES / "icons").glob("*.svg"))
PICTOGRAMS = sorted(path.stem for path in (RESOURCES / "pictograms").glob("*.svg"))

# The offscreen platform says so whenever a window with a least size is shown; it is not about us.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


@pytest.fixture(autouse=True)
def app(qapp: QApplication) -> Iterator[QApplication]:
    assert start_qt() is qapp
    yield qapp
    settle()  # a window on its way out would be styled once more
    apply_theme(qapp, load_theme("light"), window=QSize(1366, 768))


def shown(qtbot: QtBot, widget: QWidget, size: tuple[int, int] | None = None) -> None:
    qtbot.addWidget(widget)
    if size is not None:
        widget.resize(*size)
    with qtbot.waitActive(widget, timeout=15_000):
        widget.show()
        widget.activateWindow()


def opaque_pixels(pixmap: QPixmap) -> int:
    image = pixmap.toImage().convertToFormat(QImage.Format.Format_ARGB32)
    spots = ((x, y) for y in range(image.height()) for x in range(image.width()))
    return sum(image.pixelColor(x, y).alpha() > 40 for x, y in spots)


# --- tokens -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", THEMES)
def test_every_text_stands_out_seven_to_one(name: str) -> None:
    theme = load_theme(name)
    pairs = [(tone.text, tone.tint) for tone in Tone]
    pairs += [(tone.text, surface) for tone in Tone for surface in ("card", "ground")]
    pairs += [
        ("ink", "wash"),
        ("soft-dark", "wash"),
        ("ink", "go-tint"),
        ("ink", "look-tint"),
        ("soft-dark", "go-tint"),
    ]
    pairs += [("on-go", "go"), ("on-stop", "stop"), ("card", "ink")]
    weak = {pair: round(contrast(theme[pair[0]], theme[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 7} == {}


@pytest.mark.parametrize("name", THEMES)
def test_every_edge_of_a_control_stands_out_three_to_one(name: str) -> None:
    theme = load_theme(name)
    pairs = [(edge, surface) for edge in ("edge", "go", "stop", "focus") for surface in ("card", "ground")]
    pairs += [("edge", "wash"), ("go", "track"), ("go", "go-tint")]
    weak = {pair: round(contrast(theme[pair[0]], theme[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 3} == {}


def test_the_focus_ring_shows_on_every_fill() -> None:
    for name in THEMES:
        theme = load_theme(name)
        for fill in ("go", "stop", "card", "ground", "go-tint", "info-tint"):
            # One of the ring's two strokes always stands out from the fill.
            assert max(contrast(theme[ring], theme[fill]) for ring in ("focus", "card")) >= 3, (name, fill)


def test_contrast_is_the_ratio_of_the_web_guidelines() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_themes_have_the_same_tokens() -> None:
    light, dark = (set(load_theme(name).colours) for name in THEMES)
    assert light == dark


def test_an_unknown_theme_is_refused() -> None:
    with pytest.raises(ValueError, match="no such theme"):
        load_theme("../light")


@pytest.mark.parametrize("name", THEMES)
def test_the_style_sheet_has_no_place_left_open(name: str) -> None:
    sheet = style_sheet(Style(load_theme(name)))
    assert not re.search(r"\{[\w:-]+\}", sheet)
    assert load_theme(name)["edge"] in sheet


def test_no_colour_is_written_outside_the_tokens() -> None:
    sources = [*KIT.glob("*.py"), KIT.parents[1] / "qt_app.py", RESOURCES / "theme" / "theme.qss"]
    literal = re.compile(r"#[0-9A-Fa-f]{6}\b|#[0-9A-Fa-f]{3}\b|QColor\((?!self\.theme)|GlobalColor\.(?!transparent)")
    assert [path.name for path in sources if literal.search(path.read_text(encoding="utf-8"))] == []


def test_text_size_outside_its_range_is_refused(app: QApplication) -> None:
    for percent in (99, 201):
        with pytest.raises(ValueError, match="100 to 200"):
            apply_theme(app, load_theme("light"), percent)


def test_quantities_are_never_smaller_than_twenty_points() -> None:
    for window in ((800, 480), (1024, 600), (1366, 768), (1920, 1080)):
        style = Style(load_theme("light"), 100, QSize(*window))
        assert style.pixels(Role.QUANTITY) * 72 / 96 >= 20
        assert Style(load_theme("light"), 200, QSize(*window)).pixels(Role.QUANTITY) == 2 * style.pixels(Role.QUANTITY)


def test_density_follows_the_window() -> None:
    found = [density_for(QSize(*each)) for each in ((800, 480), (1024, 600), (1366, 768), (1920, 1080))]
    assert found == [Density.TIGHT, Density.COMPACT, Density.REGULAR, Density.LARGE]


# --- resources --------------------------------------------------------------------------------


def test_the_shipped_font_is_the_one_that_is_used() -> None:
    info = QFontInfo(current_style().font(Role.BODY))
    assert info.family() == FAMILY
    assert b"SIL OPEN FONT LICENSE" in resource_bytes("fonts", "OFL.txt").upper()
    assert b"ISC License" in resource_bytes("icons", "LICENSE")


def test_figures_are_of_one_width() -> None:
    for role in Role:
        for bold in (False, True):
            font = current_style().font(role, bold=bold)
            widths = {
                Text(f"{digit}" * 8, role, bold=bold).fontMetrics().horizontalAdvance(f"{digit}" * 8)
                for digit in range(10)
            }
            assert len(widths) == 1, (font.pixelSize(), widths)


@pytest.mark.parametrize("name", ICONS)
def test_every_icon_draws_something_in_the_colour_asked_for(name: str) -> None:
    colour = load_theme("light")["stop"]
    pixmap = icon_pixmap(name, colour, 24, 2.0)
    assert pixmap.size() == QSize(48, 48)
    assert opaque_pixels(pixmap) > 60
    image = pixmap.toImage()
    solid = {
        image.pixelColor(x, y).name().upper()
        for x in range(48)
        for y in range(48)
        if image.pixelColor(x, y).alpha() == 255
    }
    assert solid == {colour}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", PICTOGRAMS)
def test_every_pictogram_draws_something(name: str, theme: str, app: QApplication) -> None:
    apply_theme(app, load_theme(theme))
    assert opaque_pixels(pictogram_pixmap(name, QSize(64, 64))) > 500


def test_icons_named_in_the_kit_are_shipped() -> None:
    named = re.compile(r'paint_icon\(\s*painter, "([a-z0-9-]+)"|_StepButton\("([a-z-]+)"|icon: str = "([a-z-]+)"')
    wanted = {
        name for path in KIT.glob("*.py") for found in named.findall(path.read_text("utf-8")) for name in found if name
    }
    assert wanted
    assert wanted <= set(ICONS)


def test_an_icon_is_drawn_once_per_colour_and_size() -> None:
    colour = load_theme("light")["ink"]
    assert icon_pixmap("check", colour, 20) is icon_pixmap("check", colour, 20)


@pytest.mark.parametrize("sound", list(Sound))
def test_sounds_are_short(sound: Sound) -> None:
    import wave

    with wave.open(str(RESOURCES / "sounds" / f"{sound.value}.wav")) as file:
        assert 0.05 < file.getnframes() / file.getframerate() < 0.8
    Chime(muted=True).play(sound)


# --- controls ---------------------------------------------------------------------------------


def stepper(least: int = 0, most: int = 3, value: int = 0) -> Stepper:
    widget = Stepper("Beras medium")
    widget.set_range(least, most)
    widget.set_value(value)
    widget.set_unit("× 5 kg")
    return widget


def ends(widget: Stepper) -> tuple[QAbstractButton, QAbstractButton]:
    minus, plus = widget.findChildren(QAbstractButton)
    return minus, plus


def test_a_stepper_stops_at_its_bounds_whatever_is_pressed(qtbot: QtBot) -> None:
    widget = stepper(most=3)
    shown(qtbot, widget)
    told: list[int] = []
    widget.changed.connect(told.append)
    minus, plus = ends(widget)
    for _ in range(6):
        QTest.mouseClick(plus, Qt.MouseButton.LeftButton)
    assert (widget.value(), plus.isEnabled()) == (3, False)
    for key in ("+", "9"):
        QTest.keyClicks(widget, key)
    QTest.keyClick(widget, Qt.Key.Key_End)
    assert widget.value() == 3
    for _ in range(6):
        QTest.mouseClick(minus, Qt.MouseButton.LeftButton)
    QTest.keyClick(widget, Qt.Key.Key_Left)
    assert (widget.value(), minus.isEnabled()) == (0, False)
    assert told == [1, 2, 3, 2, 1, 0]


def test_a_stepper_is_brought_inside_when_its_bounds_shrink() -> None:
    widget = stepper(most=5, value=5)
    told: list[int] = []
    widget.changed.connect(told.append)
    widget.set_range(0, 2)
    assert (widget.value(), widget.text(), told) == (2, "2 × 5 kg", [])
    widget.set_range(0, -4)
    assert (widget.value(), widget.maximum()) == (0, 0)
    widget.set_value(99)
    assert widget.value() == 0


def test_a_stepper_is_worked_by_the_keyboard(qtbot: QtBot) -> None:
    widget = stepper(most=4)
    shown(qtbot, widget)
    QTest.keyClicks(widget, "3")
    assert widget.value() == 3
    QTest.keyClick(widget, Qt.Key.Key_Left)
    QTest.keyClicks(widget, "-")
    assert widget.value() == 1
    QTest.keyClick(widget, Qt.Key.Key_End)
    assert widget.value() == 4


def test_a_stepper_reads_its_count_and_its_bound_aloud() -> None:
    widget = stepper(most=3, value=3)
    widget.set_bound("stok tinggal 3")
    minus, plus = ends(widget)
    assert widget.accessibleName() == "Beras medium"
    assert widget.accessibleDescription() == "3 × 5 kg. stok tinggal 3"
    assert (minus.accessibleName(), plus.accessibleName()) == ("Kurangi Beras medium", "Tambah Beras medium")


def test_targets_of_the_counter_are_sixty_four_pixels_in_every_window(app: QApplication) -> None:
    for window in ((800, 480), (1024, 600), (1366, 768), (1920, 1080)):
        apply_window(app, QSize(*window))
        for end in ends(stepper()):
            assert min(end.sizeHint().width(), end.sizeHint().height()) >= 64
        for widget in (BigButton("Batal"), TickRow(text="1 kg telur"), stepper()):
            assert widget.sizeHint().height() >= 64
        bar = TopBar()
        assert bar.add_lamp("printer").sizeHint().height() >= 48


def test_a_button_answers_its_key_once_and_only_while_it_is_shown(qtbot: QtBot) -> None:
    window = QWidget()
    box = QVBoxLayout(window)
    button = BigButton("Ambil semua", key="F10")
    box.addWidget(button)
    shown(qtbot, window)
    pressed: list[bool] = []
    button.clicked.connect(lambda: pressed.append(True))
    QTest.keyClick(window, Qt.Key.Key_F10)
    assert len(pressed) == 1
    button.set_reason("EDC sudah menerima jumlahnya")
    QTest.keyClick(window, Qt.Key.Key_F10)
    button.set_reason("")
    button.hide()
    QTest.keyClick(window, Qt.Key.Key_F10)
    assert len(pressed) == 1
    button.show()
    button.set_key("")
    QTest.keyClick(window, Qt.Key.Key_F10)
    assert len(pressed) == 1


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_enter_belongs_to_the_main_action_unless_another_button_has_the_focus(qtbot: QtBot, key: Qt.Key) -> None:
    window = QWidget()
    box = QVBoxLayout(window)
    cancel, go, count = BigButton("Batal", key="Esc"), BigButton("SALURKAN", key="Enter"), stepper()
    for widget in (count, cancel, go):
        box.addWidget(widget)
    shown(qtbot, window)
    said: list[str] = []
    cancel.clicked.connect(lambda: said.append("cancel"))
    go.clicked.connect(lambda: said.append("go"))
    count.setFocus()
    QTest.keyClick(count, key)
    cancel.setFocus()
    QTest.keyClick(cancel, key)
    assert said == ["go", "cancel"]


def test_a_press_with_the_pointer_leaves_the_focus_where_it_is(qtbot: QtBot) -> None:
    window = QWidget()
    box = QVBoxLayout(window)
    count, everything = stepper(), BigButton("Ambil semua")
    box.addWidget(count)
    box.addWidget(everything)
    shown(qtbot, window)
    count.setFocus()
    QTest.mouseClick(everything, Qt.MouseButton.LeftButton)
    assert not everything.hasFocus()
    assert count.hasFocus()


@pytest.mark.parametrize("build", [lambda: BigButton("Batal"), stepper, lambda: TickRow(text="1 kg telur")])
def test_the_focus_is_seen(qtbot: QtBot, build: type[QWidget]) -> None:
    window = QWidget()
    box = QVBoxLayout(window)
    widget, other = build(), BigButton("lain")
    box.addWidget(widget)
    box.addWidget(other)
    shown(qtbot, window)
    other.setFocus()
    before = widget.grab().toImage()
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    assert widget.hasFocus()
    after = widget.grab().toImage()
    ring = current_style().colour("focus").name()
    assert before != after
    assert after.pixelColor(after.width() // 2, 1).name() == ring


@pytest.mark.parametrize("value", [0, 2])
def test_the_frame_of_a_focused_stepper_is_as_thick_around_its_ends_as_around_its_count(
    qtbot: QtBot, value: int
) -> None:
    window = QWidget()
    box = QVBoxLayout(window)
    widget = stepper(value=value)
    box.addWidget(widget)
    shown(qtbot, window)
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    assert widget.hasFocus()
    image = widget.grab().toImage()
    ring, bright = current_style().colour("focus").name(), current_style().colour("card").name()
    wide, high = image.width(), image.height()
    middle, half = wide // 2, high // 2
    for x, y, right, down in (
        (20, 0, 0, 1),
        (middle, 0, 0, 1),
        (wide - 20, 0, 0, 1),
        (20, high - 1, 0, -1),
        (middle, high - 1, 0, -1),
        (wide - 20, high - 1, 0, -1),
        (0, half, 1, 0),
        (wide - 1, half, -1, 0),
    ):
        stroke = [image.pixelColor(x + right * step, y + down * step).name() for step in range(5)]
        assert stroke == [ring] * 3 + [bright] * 2, (x, y)


def test_a_button_says_why_it_is_off() -> None:
    button = BigButton("Batal", key="Esc")
    button.set_reason("EDC sudah menerima jumlahnya")
    assert not button.isEnabled()
    assert button.accessibleDescription() == "EDC sudah menerima jumlahnya"
    button.set_reason("")
    assert (button.isEnabled(), button.accessibleDescription()) == (True, "")


def test_one_option_is_chosen_at_a_time(qtbot: QtBot) -> None:
    choice = Choice("Yang datang")
    choice.set_options((Option("self", "Sendiri"), Option("member", "Anggota KK"), Option("proxy", "Kuasa")))
    shown(qtbot, choice, (400, 80))
    told: list[str] = []
    choice.chosen.connect(told.append)
    assert choice.current() == ""
    choice.set_chosen("self")
    own, member, _ = choice.findChildren(QAbstractButton)
    QTest.mouseClick(member, Qt.MouseButton.LeftButton)
    assert (choice.current(), own.isChecked(), told) == ("member", False, ["member"])
    choice.set_chosen("nobody")
    assert choice.current() == ""
    choice.set_options((Option("other", "Lain"),))
    choice.set_chosen("other")
    assert choice.current() == "other"


def test_reasons_wrap_instead_of_widening_the_window(qtbot: QtBot) -> None:
    choice = Choice("Alasan", stretch=False)
    choice.set_options(tuple(Option(each, each) for each in ("bungkus bocor", "tumpah", "salah hitung terima", "lain")))
    shown(qtbot, choice, (340, 300))
    spots = [button.geometry() for button in choice.findChildren(QAbstractButton)]
    assert max(spot.right() for spot in spots) < 340
    assert len({spot.top() for spot in spots}) > 1
    assert not any(one.intersects(two) for place, one in enumerate(spots) for two in spots[place + 1 :])


def test_a_number_field_takes_digits_only_and_no_more_than_its_most(qtbot: QtBot) -> None:
    field = NumberField("Hitungan", most=500)
    shown(qtbot, field)
    QTest.keyClicks(field, "-1a2.")
    assert field.value() == 12
    QTest.keyClicks(field, "99")
    assert field.value() == 129
    field.set_value(None)
    assert field.value() is None
    QTest.keyClicks(field, "999")
    assert field.value() == 500
    field.set_value(7_000)
    assert field.value() == 500


def test_numbers_are_typed_one_under_the_other_with_enter_or_the_arrows(qtbot: QtBot) -> None:
    page = QWidget()
    stack = QVBoxLayout(page)
    first, second, third = (NumberField(name) for name in ("Beras", "Gula", "Minyak"))
    for field in (first, second, third):
        stack.addWidget(field)
    shown(qtbot, page, (300, 300))
    first.setFocus()
    second.set_value(7)
    QTest.keyClicks(first, "60")
    QTest.keyClick(first, Qt.Key.Key_Return)
    QTest.keyClicks(page.focusWidget(), "42")
    QTest.keyClick(page.focusWidget(), Qt.Key.Key_Down)
    QTest.keyClicks(page.focusWidget(), "5")
    QTest.keyClick(page.focusWidget(), Qt.Key.Key_Up)
    assert [field.value() for field in (first, second, third)] == [60, 42, 5]
    assert page.focusWidget() is second


def test_a_wrong_field_says_so_in_words() -> None:
    field = NumberField("Jumlah")
    line = FieldRow("Jumlah diterima", field, help_text="menurut surat jalan")
    line.set_error("Lebih banyak dari surat jalan")
    assert field.accessibleName() == "Jumlah diterima"
    assert (field.property("wrong"), field.accessibleDescription()) == (True, "Lebih banyak dari surat jalan")
    line.set_error("")
    assert (field.property("wrong"), field.accessibleDescription()) == (False, "menurut surat jalan")


def test_a_search_waits_for_the_typing_to_end_and_a_scan_does_not_wait(qtbot: QtBot) -> None:
    field = SearchField("Cari nama")
    shown(qtbot, field, (300, 50))
    searched: list[str] = []
    submitted: list[str] = []
    field.searched.connect(searched.append)
    field.submitted.connect(submitted.append)
    QTest.keyClicks(field, "SUM")
    assert searched == []
    qtbot.waitUntil(lambda: searched == ["SUM"], timeout=15_000)
    QTest.keyClicks(field, "I")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert submitted == ["SUMI"]
    qtbot.wait(250)
    assert searched == ["SUM"]


def test_a_pin_leaves_the_pad_once_and_is_nowhere_to_be_read(qtbot: QtBot) -> None:
    pad = PinPad(least=4, most=6)
    pad.set_words("PIN ketua", "Izinkan")
    shown(qtbot, pad)
    entered: list[str] = []
    pad.entered.connect(entered.append)
    for digit in "135":
        QTest.keyClicks(pad, digit)
    QTest.keyClick(pad, Qt.Key.Key_Return)
    assert entered == []
    QTest.keyClicks(pad, "79x")
    QTest.keyClick(pad, Qt.Key.Key_Backspace)
    every = [pad, *pad.findChildren(QWidget)]
    assert not any("1357" in text for each in every for text in (each.accessibleName(), each.accessibleDescription()))
    assert pad.count() == 4
    QTest.keyClick(pad, Qt.Key.Key_Return)
    assert (entered, pad.count()) == (["1357"], 0)


def test_a_pin_pad_forgets_when_it_is_hidden_and_takes_nothing_while_locked(qtbot: QtBot) -> None:
    pad = PinPad()
    shown(qtbot, pad)
    QTest.keyClicks(pad, "1234567")
    assert pad.count() == 6
    pad.hide()
    assert pad.count() == 0
    pad.show()
    pad.set_locked(True)
    QTest.keyClicks(pad, "1234")
    assert pad.count() == 0


def test_a_tick_row_is_ticked_by_its_key(qtbot: QtBot) -> None:
    line = TickRow("oil", "1 botol minyak 1 L", key="3")
    shown(qtbot, line, (500, 90))
    told: list[bool] = []
    line.ticked.connect(told.append)
    QTest.keyClick(line, Qt.Key.Key_3)
    QTest.mouseClick(line, Qt.MouseButton.LeftButton)
    assert told == [True, False]
    line.render_state("oil", "1 botol minyak 1 L", ticked=True)
    assert (line.isChecked(), told) == (True, [True, False])


def test_the_rail_moves_when_the_view_says_so(qtbot: QtBot) -> None:
    rail = Rail()
    rail.set_items(
        (
            RailItem("counter", "hand-helping", "Layanan", "Layanan", "F1"),
            RailItem("stock", "package", "Stok", "Stok", "F3"),
        )
    )
    rail.set_current("counter")
    shown(qtbot, rail, (132, 400))
    told: list[str] = []
    rail.chosen.connect(told.append)
    QTest.keyClick(rail, Qt.Key.Key_F3)
    counter, stock = rail.findChildren(QAbstractButton)
    assert (told, counter.isChecked(), stock.isChecked()) == (["stock"], True, False)
    rail.set_current("stock")
    assert (counter.isChecked(), stock.isChecked()) == (False, True)
    rail.set_items(
        (
            RailItem("counter", "hand-helping", "Service", "Service", "F1"),
            RailItem("stock", "package", "Stock", "Stock", "F3"),
        )
    )
    assert [button.accessibleName() for button in rail.findChildren(QAbstractButton)] == ["Service", "Stock"]
    assert stock.isChecked()


@pytest.mark.parametrize("width", [800, 1024, 1366, 1920])
def test_the_header_fits_and_its_lamps_keep_their_words(qtbot: QtBot, app: QApplication, width: int) -> None:
    apply_window(app, QSize(width, width * 9 // 16))
    bar = TopBar()
    bar.set_kiosk("e-Warung Mawar", "Kel. Kauman")
    bar.set_clock("Selasa 24 Nov 2026", "24 Nov", "09.41", "WIB")
    bar.set_operator("Bu Siti", "Siti")
    lamps = [bar.add_lamp(icon) for icon in ("credit-card", "printer", "cloud-upload")]
    for lamp, word, short in zip(
        lamps, ("EDC siap", "Struk siap", "3 belum terkirim"), ("EDC", "Struk", "Kota 3"), strict=True
    ):
        lamp.render_state(Tone.GO, word, short)
    shown(qtbot, bar, (width, 64))
    for lamp in lamps:
        assert lamp.shown_word()
        assert lamp.width() >= lamp.sizeHint().width()
        assert lamp.geometry().right() < width
    assert lamps[2].accessibleName() == "3 belum terkirim"
    assert (lamps[0].shown_word() == "EDC siap") is (width >= 1024)


def header(kiosk: str, operator: str, *lamps: tuple[Tone, str, str]) -> TopBar:
    bar = TopBar()
    bar.set_kiosk(kiosk, "Kel. Plombokan")
    bar.set_clock("Selasa 24 Nov 2026", "24 Nov", "09.41", "WIB")
    bar.set_operator(operator, operator.rsplit(maxsplit=1)[-1])
    for tone, word, short in lamps:
        bar.add_lamp("printer").render_state(tone, word, short)
    return bar


@pytest.mark.parametrize("width", [1024, 1366])
def test_a_lamp_whose_short_word_leaves_out_the_trouble_keeps_its_long_one_before_the_others(
    qtbot: QtBot, app: QApplication, width: int
) -> None:
    apply_window(app, QSize(width, width * 9 // 16))
    bar = header(
        "e-Warung Mawar Kauman",
        "Bu Kartini",
        (Tone.GO, "EDC siap", "EDC"),
        (Tone.STOP, "Printer terputus", "Struk"),
        (Tone.LOOK, "12.345 belum terkirim", "Kota 12.345"),
    )
    shown(qtbot, bar, (width, 64))
    said = [lamp.shown_word() for lamp in bar.findChildren(Lamp)]
    assert said[1] == "Printer terputus"
    assert width > 1024 or said == ["EDC", "Printer terputus", "Kota 12.345"]
    assert all(lamp.geometry().right() < width for lamp in bar.findChildren(Lamp))


@pytest.mark.parametrize("width", [792, 800])
@pytest.mark.parametrize(
    ("reader", "city"),
    [
        ((Tone.GO, "EDC siap", "EDC"), (Tone.GO, "Semua terkirim", "Kota")),
        ((Tone.STOP, "EDC terputus", "EDC"), (Tone.LOOK, "3 belum terkirim", "Kota 3")),
    ],
)
def test_in_the_smallest_window_a_usual_name_of_a_kiosk_is_whole_beside_lamps_in_trouble(
    qtbot: QtBot, app: QApplication, width: int, reader: tuple[Tone, str, str], city: tuple[Tone, str, str]
) -> None:
    apply_window(app, QSize(width, 480))
    bar = header("e-Warung Mawar", "Bu Siti", reader, (Tone.STOP, "Kertas habis", "Struk"), city)
    shown(qtbot, bar, (width, 64))
    kiosk, clock = bar.findChildren(Line)
    for part in (kiosk, clock, *bar.findChildren(HeaderButton)):
        assert part.width() >= part.sizeHint().width(), part.accessibleName()
        assert part.geometry().right() < width, part.accessibleName()
    said = [lamp.shown_word() for lamp in bar.findChildren(Lamp)]
    assert said[:2] == [reader[1] if reader[0] is Tone.STOP else reader[2], "Kertas habis"]


def test_trouble_that_comes_while_the_header_stands_is_named_at_once_and_leaves_as_it_came(
    qtbot: QtBot, app: QApplication
) -> None:
    apply_window(app, QSize(800, 480))
    edc, city = (Tone.GO, "EDC siap", "EDC"), (Tone.GO, "Semua terkirim", "Kota")
    bar = header("e-Warung Mawar", "Bu Siti", edc, (Tone.GO, "Struk siap", "Struk"), city)
    shown(qtbot, bar, (800, 64))
    printer = bar.findChildren(Lamp)[1]
    for tone, word, said in ((Tone.STOP, "Kertas habis", "Kertas habis"), (Tone.GO, "Struk siap", "Struk")):
        printer.render_state(tone, word, "Struk")
        settle()
        assert printer.shown_word() == said
        assert all(lamp.width() == lamp.sizeHint().width() for lamp in bar.findChildren(Lamp))
        assert bar.findChildren(Lamp)[2].geometry().right() < 800


@pytest.mark.parametrize("percent", [100, 150, 200])
@pytest.mark.parametrize("width", [792, 1024, 1366])
def test_a_long_name_of_a_kiosk_takes_no_room_from_the_time_nor_from_the_lamps(
    qtbot: QtBot, app: QApplication, width: int, percent: int
) -> None:
    apply_theme(app, load_theme("light"), percent, window=QSize(width, width * 9 // 16), motion=False)
    bar = header(
        "e-Warung Berkah Sejahtera Mandiri Plombokan Utara",
        "Bu Kartini Wulandari",
        (Tone.STOP, "EDC terputus", "EDC"),
        (Tone.LOOK, "Kertas tinggal sedikit", "Struk"),
        (Tone.LOOK, "1.234 belum terkirim", "Kota 1.234"),
    )
    shown(qtbot, bar, (width, 64))
    kiosk, clock = bar.findChildren(Line)
    assert (kiosk.text(), "09.41" in clock.text()) == ("e-Warung Berkah Sejahtera Mandiri Plombokan Utara", True)
    for part in (clock, *bar.findChildren(HeaderButton)):
        assert part.width() >= part.sizeHint().width(), part.accessibleName()
        assert part.geometry().right() < width, part.accessibleName()


@pytest.mark.parametrize("percent", [100, 150, 200])
@pytest.mark.parametrize("width", [900, 460, 330])
def test_the_steps_of_a_wizard_all_fit_however_narrow_it_is(
    qtbot: QtBot, app: QApplication, width: int, percent: int
) -> None:
    apply_theme(app, load_theme("light"), percent, window=QSize(800, 480), motion=False)
    head = StepHead()
    words = ("Hitung stok", "Jelaskan selisih", "Kirim ke kota", "Cetak & segel")
    qtbot.addWidget(head)
    for current in range(4):
        marks = [StepState.DONE] * current + [StepState.CURRENT] + [StepState.TO_COME] * (3 - current)
        head.set_steps(tuple(Step(word, mark) for word, mark in zip(words, marks, strict=True)))
        head.resize(width, 60)
        places = head._places()
        assert len(places) == 4
        assert all(disc.right() < said.left() for disc, said in places)
        assert all(before[1].right() < after[0].left() for before, after in pairwise(places))
        assert max(places[-1][0].right(), places[-1][1].right()) < width
        if width >= 460 and percent == 100:
            room = places[current][1].width()
            assert text_width(head._font(head._steps[current], room), words[current]) <= room


def test_trouble_is_said_in_three_lines_with_one_button(qtbot: QtBot) -> None:
    card = TroubleCard()
    shown(qtbot, card, (800, 600))
    acted: list[bool] = []
    card.acted.connect(lambda: acted.append(True))
    card.render_state(
        Trouble(
            Tone.LOOK,
            "Belum pasti",
            "Kabel lepas.",
            "Permintaan tersimpan.",
            "Pasang kabel.",
            action="Coba lagi",
            key="Enter",
        )
    )
    said = [text.text() for text in card.findChildren(Text) if text.isVisible()]
    for words in (
        "Yang terjadi",
        "Kabel lepas.",
        "Yang sudah aman",
        "Permintaan tersimpan.",
        "Lakukan sekarang",
        "Pasang kabel.",
    ):
        assert words in said
    QTest.keyClick(card, Qt.Key.Key_Return)
    assert acted == [True]
    card.render_state(Trouble(Tone.STOP, "Ditolak", "Jatah habis.", "", "Ambil kartu."))
    said = [text.text() for text in card.findChildren(Text) if text.isVisible()]
    assert "Yang sudah aman" not in said
    assert not card.button.isVisible()
    QTest.keyClick(card, Qt.Key.Key_Return)
    assert acted == [True]


def test_steps_are_read_aloud_with_their_state() -> None:
    steps = StepList()
    steps.set_steps((Step("Menunggu PIN", StepState.DONE), Step("Dicatat", StepState.CURRENT, "1 detik")))
    assert steps.accessibleName() == "Menunggu PIN: selesai; Dicatat … 1 detik: sedang"


def test_a_bar_shows_the_share_of_any_amount() -> None:
    bar = ProgressBar("Kirim")
    bar.set_share(3_000_000_000, 4_000_000_000)
    assert bar.accessibleDescription() == "75 %"
    for part, whole, shows in ((9, 3, "100 %"), (-1, 3, "0 %"), (1, 0, "0 %")):
        bar.set_share(part, whole)
        assert bar.accessibleDescription() == shows


def test_text_is_never_taken_for_markup() -> None:
    label = Text("<b>SUMINAH</b>")
    assert label.textFormat() is Qt.TextFormat.PlainText
    assert label.sizeHint().width() > Text("SUMINAH").sizeHint().width()


def test_a_line_keeps_its_words_for_assistive_technology() -> None:
    line = Line((Run("sisa 10", Role.QUANTITY), Run(""), Run("dari 10 kg")))
    assert line.accessibleName() == line.text() == "sisa 10 dari 10 kg"


@dataclass(frozen=True, slots=True)
class Receipt:
    number: str
    name: str


RECEIPTS = tuple(Receipt(f"{number:04}", name) for number, name in enumerate(("SUMINAH", "NGATINI", "KASMI"), 36))


def table(qtbot: QtBot) -> DataTable[Receipt]:
    widget: DataTable[Receipt] = DataTable(
        "Riwayat",
        (Column("Struk", lambda each: Cell(each.number)), Column("Keluarga", lambda each: Cell(each.name), share=1)),
    )
    widget.set_rows(RECEIPTS)
    shown(qtbot, widget, (500, 400))
    return widget


def test_a_table_opens_the_chosen_row(qtbot: QtBot) -> None:
    widget = table(qtbot)
    opened: list[str] = []
    widget.opened.connect(lambda place: opened.append(widget.row(place).name))
    widget.selectRow(0)
    QTest.keyClick(widget, Qt.Key.Key_Down)
    QTest.keyClick(widget, Qt.Key.Key_Return)
    assert opened == ["NGATINI"]


def test_a_table_keeps_the_chosen_row_when_new_ones_arrive(qtbot: QtBot) -> None:
    widget = table(qtbot)
    widget.selectRow(1)
    widget.set_rows((Receipt("0039", "TUMINAH"), *RECEIPTS))
    assert widget.current_row() == RECEIPTS[1]
    widget.set_rows((Receipt("0039", "TUMINAH"),))
    assert widget.current_row() is None


def test_a_sheet_puts_new_rows_in_place_of_old_ones(qtbot: QtBot) -> None:
    sheet = Sheet((SheetColumn("Barang", share=1), SheetColumn("Selisih", right=True)))
    shown(qtbot, sheet, (500, 300))
    for words in ("cocok", "−1 kg"):
        sheet.set_rows(((Text("Beras"), Badge(words)), (Text("Gula"), Badge(words))))

    def words_shown() -> list[str]:
        return [badge.accessibleName() for badge in sheet.findChildren(Badge) if badge.isVisible()]

    qtbot.waitUntil(lambda: words_shown() == ["−1 kg", "−1 kg"], timeout=15_000)


def test_pages_answer_at_once_and_fade_only_when_motion_is_wanted(qtbot: QtBot, app: QApplication) -> None:
    pages = Pages()
    one, two = Text("satu"), Text("dua")
    pages.addWidget(one)
    pages.addWidget(two)
    shown(qtbot, pages, (200, 100))
    apply_theme(app, load_theme("light"), motion=False)
    pages.show_page(two)
    assert pages.currentWidget() is two
    still = len(pages.findChildren(QWidget))
    apply_theme(app, load_theme("light"), motion=True)
    pages.show_page(one)
    assert pages.currentWidget() is one
    veil = [each for each in pages.findChildren(QWidget) if each not in (one, two)]
    assert len(pages.findChildren(QWidget)) == still + 1
    qtbot.waitUntil(lambda: not veil[-1].isVisible(), timeout=15_000)


# --- the application --------------------------------------------------------------------------


def test_widgets_follow_a_change_of_theme_and_text_size(qtbot: QtBot, app: QApplication) -> None:
    label, button = Text("sisa 10", Role.QUANTITY), BigButton("Batal")
    qtbot.addWidget(label)
    qtbot.addWidget(button)
    before = label.font().pixelSize()
    apply_theme(app, load_theme("dark"), 150)
    assert label.font().pixelSize() == before * 150 // 100
    assert label.palette().windowText().color().name().upper() == load_theme("dark")["ink"]
    fill = button.grab().toImage().pixelColor(8, button.height() // 2).name().upper()
    assert fill == load_theme("dark")["card"]


def test_less_motion_can_be_asked_for(app: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EWARUNG_REDUCED_MOTION", "1")
    assert motion_wanted(app) is False
    assert apply_theme(app, load_theme("light")).motion is False


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal by itself")
def test_none_outlives_a_till_that_runs_for_weeks() -> None:
    assert sys.getrefcount(None) > 1 << 50


def test_a_bug_in_any_thread_reaches_the_main_thread_without_its_values(qtbot: QtBot) -> None:
    recorded: list[Fault] = []
    arrived: list[tuple[Fault, str]] = []
    hook = FaultHook(recorded.append)
    hook.faulted.connect(lambda fault: arrived.append((fault, threading.current_thread().name)))

    def breaks() -> None:
        raise ValueError("kartu 6013010000004821")

    hook.install()
    try:
        worker = threading.Thread(target=breaks, name="edc")
        worker.start()
        worker.join(5)
        qtbot.waitUntil(lambda: len(arrived) == 1, timeout=15_000)
    finally:
        hook.uninstall()
    fault, where = arrived[0]
    assert recorded == [fault]
    assert (fault.kind, fault.thread, where) == ("ValueError", "edc", "MainThread")
    assert fault.places[-1].endswith(" breaks")
    assert "4821" not in repr(fault)


@pytest.mark.parametrize("window", [(800, 480), (1024, 600), (1366, 768)])
@pytest.mark.parametrize("page", ["1-siap", "2-kartu"])
def test_the_counter_fits_its_window_without_scrolling(app: QApplication, window: tuple[int, int], page: str) -> None:
    picture = gallery.paint_page(app, page, QSize(*window))
    assert (picture.width(), picture.height()) == window


def test_every_control_of_the_gallery_has_a_name(qtbot: QtBot) -> None:
    for name, (build, _) in gallery.PAGES.items():
        page = build()
        qtbot.addWidget(page)
        buttons = page.findChildren(QAbstractButton)
        ours = [each for each in buttons if not each.isHidden() and isinstance(each, PaintedButton)]
        assert [each for each in ours if not each.accessibleName()] == [], name


def test_the_gallery_paints_files(tmp_path: Path, app: QApplication) -> None:
    assert gallery.main([str(tmp_path / "kit.png"), "--size", "800x480", "--page", "1-siap"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"kit.png", "kit-800x480-1-siap.png"}
