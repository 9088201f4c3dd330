"""Draw an SVG as a square PNG: render_icon.py IN.svg OUT.png [SIZE]."""

from __future__ import annotations

import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer


def main(source: str, target: str, size: str = "256") -> int:
    """Draw `source` into `target`; 1 when either file does not do."""
    application = QGuiApplication([])
    renderer = QSvgRenderer(source)
    if not renderer.isValid():
        print(f"{source}: not an SVG that Qt can draw", file=sys.stderr)
        return 1
    renderer.setAspectRatioMode(Qt.AspectRatioMode.KeepAspectRatio)
    image = QImage(int(size), int(size), QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    del application
    return 0 if image.save(target) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
