"""Every widget of the kit on pages as the screens use them, painted to PNG files.

    python -m ewarung_pos.ui.views.kit.gallery OUT.png [--theme dark] [--scale 150] [--size 800x480]

Writes one file a page and size beside OUT.png, and OUT.png itself with all of them small.
Names and figures are invented.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from ewarung_pos.ui.qt_app import apply_theme, apply_window, load_theme, start_qt
from ewarung_pos.ui.views.kit import current_style
from ewarung_pos.ui.views.kit.gallery_counter import Shell, done, family_window, known, ready, unsure
from ewarung_pos.ui.views.kit.gallery_pages import close, controls, history, pictures

__all__ = ["PAGES", "main", "paint_page"]

PAGES: dict[str, tuple[Callable[[], QWidget], str]] = {
    "1-siap": (ready, "counter"),
    "2-kartu": (known, "counter"),
    "3-selesai": (done, "counter"),
    "4-belum-pasti": (unsure, "counter"),
    "5-tutup": (close, "close"),
    "6-keluarga": (family_window, ""),
    "7-riwayat": (history, "history"),
    "8-kendali": (controls, "settings"),
    "9-gambar": (pictures, "stock"),
}


def paint_page(app: QApplication, name: str, size: QSize) -> QPixmap:
    """The page `name` as it looks in a window of `size`."""
    apply_window(app, size)
    build, place = PAGES[name]
    shell = Shell(build(), place) if place else build()
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
