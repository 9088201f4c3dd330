"""Icons recoloured by token and own pictograms, drawn when first asked for and then kept."""

from __future__ import annotations

import re
from functools import lru_cache

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from ewarung_pos.ui.views.kit.style import Theme, current_style, resource_bytes

__all__ = ["icon_pixmap", "paint_icon", "paint_pictogram", "pictogram_icon", "pictogram_pixmap", "pictogram_ratio"]

_TOKEN = re.compile(r"var\(--([a-z-]+),\s*([^)]+)\)")


@lru_cache(maxsize=128)
def _source(folder: str, name: str) -> str:
    return resource_bytes(folder, f"{name}.svg").decode()


def _draw(svg: str, width: int, height: int, ratio: float) -> QPixmap:
    pixmap = QPixmap(round(width * ratio), round(height * ratio))
    pixmap.fill(Qt.GlobalColor.transparent)
    renderer = QSvgRenderer(QByteArray(svg.encode()))
    if not renderer.isValid():
        raise ValueError("drawing is not valid SVG")
    renderer.setAspectRatioMode(Qt.AspectRatioMode.KeepAspectRatio)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter, QRectF(0, 0, pixmap.width(), pixmap.height()))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


@lru_cache(maxsize=512)
def icon_pixmap(name: str, colour: str, size: int, ratio: float = 1.0, weight: int = 2) -> QPixmap:
    """The icon `name` in `colour` (`#RRGGBB`), `size` logical pixels square; `weight` 3 is for ticks on a fill."""
    svg = _source("icons", name).replace("currentColor", colour)
    if weight != 2:
        svg = svg.replace('stroke-width="2"', f'stroke-width="{weight}"')
    return _draw(svg, size, size, ratio)


def _dressed(name: str, theme: Theme) -> str:
    """The pictogram with its few theme-dependent strokes in the theme's colours."""

    def token(found: re.Match[str]) -> str:
        # A dark body needs an edge only where the ground is dark as well.
        if found[1] == "reader-edge":
            return theme["edge"] if theme.dark else "none"
        return theme.colours.get(found[1], found[2])

    return _TOKEN.sub(token, _source("pictograms", name))


@lru_cache(maxsize=128)
def _pictogram(name: str, theme_name: str, width: int, height: int, ratio: float) -> QPixmap:
    return _draw(_dressed(name, current_style().theme), width, height, ratio)


@lru_cache(maxsize=32)
def pictogram_ratio(name: str) -> float:
    """Width over height of a pictogram."""
    size = QSvgRenderer(QByteArray(_source("pictograms", name).encode())).viewBoxF().size()
    return size.width() / size.height()


def pictogram_pixmap(name: str, size: QSize, ratio: float = 1.0) -> QPixmap:
    """The pictogram `name` kept in proportion inside `size` logical pixels."""
    return _pictogram(name, current_style().theme.name, size.width(), size.height(), ratio)


def pictogram_icon(name: str) -> QIcon:
    """The pictogram as a window icon."""
    icon = QIcon()
    for side in (16, 32, 48, 128):
        icon.addPixmap(pictogram_pixmap(name, QSize(side, side)))
    return icon


def _ratio(painter: QPainter) -> float:
    return painter.device().devicePixelRatioF()


def paint_icon(painter: QPainter, name: str, rect: QRect, colour: QColor, *, weight: int = 2) -> None:
    """Paint an icon centred in `rect`, as large as its shorter side."""
    size = min(rect.width(), rect.height())
    pixmap = icon_pixmap(name, colour.name(), size, _ratio(painter), weight)
    painter.drawPixmap(rect.x() + (rect.width() - size) // 2, rect.y() + (rect.height() - size) // 2, pixmap)


def paint_pictogram(painter: QPainter, name: str, rect: QRect) -> None:
    """Paint a pictogram in proportion, centred in `rect`."""
    painter.drawPixmap(rect.topLeft(), pictogram_pixmap(name, rect.size(), _ratio(painter)))
