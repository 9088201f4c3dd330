"""A paper on the screen, drawn from the same blocks as it is printed from."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget

from ewarung_pos.domain.documents import (
    Align,
    Columns,
    Cut,
    Document,
    Qr,
    Rule,
    Space,
    Table,
    Text,
    balanced_by,
    marked,
    wrapped_by,
)
from ewarung_pos.domain.wording import paper_text
from ewarung_pos.ui.views.kit.paint import Painted, smooth
from ewarung_pos.ui.views.kit.style import Role
from ewarung_pos.ui.views.qr import qr_modules

__all__ = ["Paper", "PaperView"]

Draw = Callable[[QPainter], None]

_QR_SIDE = 132
_TEETH = 8


class Paper(Painted):
    """One document as receipt paper, as long as it is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document: Document | None = None
        self._drawn: list[Draw] = []
        self._height = 0
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_document(self, document: Document | None) -> None:
        """Show this paper."""
        if document != self._document:
            self._document = document
            self.setAccessibleName(document.title if document is not None else "")
            self._lay_out()

    def restyle(self) -> None:
        self._lay_out()
        super().restyle()

    def _width(self) -> int:
        return min(self.look.pixels(Role.SMALL) * 23, 460)

    def sizeHint(self) -> QSize:
        return QSize(self._width(), self._height)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _lay_out(self) -> None:
        self._drawn = []
        self._height = _TEETH
        if self._document is not None:
            setting = _Setting(self._fonts(), self._width(), self._pad())
            for block in marked(self._document):
                setting.put(block)
            self._drawn = setting.drawn
            self._height = setting.top + self._pad() + _TEETH
        self.updateGeometry()
        self.resize(self.sizeHint())
        self.update()

    def _pad(self) -> int:
        return max(20, self.look.gap(3))

    def _fonts(self) -> dict[str, QFont]:
        plain, bold = self.look.font(Role.SMALL), self.look.font(Role.SMALL, bold=True)
        big = self.look.font(Role.LEAD, bold=True)
        small = self.look.font(Role.KEY)
        return {"plain": plain, "bold": bold, "big": big, "small": small}

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        # Paper is white in the dark theme as well: it shows what lies in the family's hand.
        ink, white = QColor(Qt.GlobalColor.black), QColor(Qt.GlobalColor.white)
        painter.fillRect(self.rect().adjusted(0, 0, 0, -_TEETH), white)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(white)
        bottom = self.height() - _TEETH
        for left in range(0, self.width(), 2 * _TEETH):
            painter.drawPolygon(
                [QPoint(left, bottom), QPoint(left + _TEETH, bottom + _TEETH), QPoint(left + 2 * _TEETH, bottom)]
            )
        painter.setPen(ink)
        for draw in self._drawn:
            draw(painter)


class _Setting:
    """Sets blocks below one another and keeps how to draw each."""

    def __init__(self, fonts: dict[str, QFont], width: int, pad: int) -> None:
        self.drawn: list[Draw] = []
        self.top = pad
        self._fonts = fonts
        self._left = pad
        self._room = width - 2 * pad

    def put(self, block: Text | Columns | Table | Rule | Space | Qr | Cut) -> None:
        match block:
            case Text():
                self._text(block)
            case Columns():
                font = self._fonts["big" if block.tall else "bold" if block.bold else "plain"]
                self._pair(paper_text(block.left), paper_text(block.right), font)
            case Table():
                self._table(block)
            case Rule():
                self._rule(double=block.double)
            case Space():
                self.top += QFontMetrics(self._fonts["plain"]).height()
            case Qr():
                self._qr(block.data)
            case Cut():
                pass

    def _line(self, text: str, font: QFont, align: Qt.AlignmentFlag, *, advance: bool = True) -> None:
        height = QFontMetrics(font).height()
        rect = QRect(self._left, self.top, self._room, height)

        def draw(painter: QPainter) -> None:
            painter.setFont(font)
            painter.drawText(rect, align | Qt.AlignmentFlag.AlignVCenter, text)

        self.drawn.append(draw)
        if advance:
            self.top += height + 1

    def _fits(self, font: QFont, room: int) -> Callable[[str], bool]:
        metrics = QFontMetrics(font)
        return lambda words: metrics.horizontalAdvance(words) <= room

    def _text(self, block: Text) -> None:
        font = self._fonts["big" if block.big else "bold" if block.bold else "small" if block.small else "plain"]
        words = paper_text(block.text)
        indent = len(words) - len(words.lstrip(" "))
        fits = self._fits(font, self._room)
        lines = balanced_by(words, fits) if block.align is Align.CENTRE else wrapped_by(words, fits)
        side = {
            Align.LEFT: Qt.AlignmentFlag.AlignLeft,
            Align.CENTRE: Qt.AlignmentFlag.AlignHCenter,
            Align.RIGHT: Qt.AlignmentFlag.AlignRight,
        }[block.align]
        for line in lines:
            self._line(" " * indent + line, font, side)

    def _pair(self, left: str, right: str, font: QFont) -> None:
        metrics = QFontMetrics(font)
        indent = left[: len(left) - len(left.lstrip(" "))]
        behind = metrics.horizontalAdvance(right) + metrics.horizontalAdvance("  ")
        start = metrics.horizontalAdvance(indent)
        lines = wrapped_by(left.strip(), self._fits(font, self._room - start))
        if metrics.horizontalAdvance(lines[-1]) + start + behind > self._room:
            beside = max(self._room - start - behind, self._room // 3)
            if all(metrics.horizontalAdvance(word) <= beside for word in left.split()):
                lines = wrapped_by(left.strip(), self._fits(font, beside))
            else:  # a word is never broken: what belongs beside it stands under it
                lines = [*lines, ""]
        for line in lines[:-1]:
            self._line(indent + line, font, Qt.AlignmentFlag.AlignLeft)
        self._line(indent + lines[-1], font, Qt.AlignmentFlag.AlignLeft, advance=False)
        self._line(right, font, Qt.AlignmentFlag.AlignRight)

    def _table(self, table: Table) -> None:
        plain, bold = self._fonts["plain"], self._fonts["bold"]
        header = tuple(map(paper_text, table.header))
        rows = [tuple(map(paper_text, each)) for each in table.rows]
        everything = ([header] if header else []) + rows
        if not everything:
            return
        metrics = QFontMetrics(bold)
        gap = metrics.horizontalAdvance("  ")
        widths = [max(metrics.horizontalAdvance(cell) for cell in cells) for cells in zip(*everything, strict=True)]
        figures = sum(widths[1:]) + gap * (len(widths) - 1)
        for each in everything:
            font = bold if each is header and header else plain
            lines = wrapped_by(each[0], self._fits(font, self._room - figures)) if figures < self._room * 2 // 3 else []
            if not lines and each[0]:
                for line in wrapped_by(each[0], self._fits(font, self._room)):
                    self._line(line, font, Qt.AlignmentFlag.AlignLeft)
            for line in lines[:-1]:
                self._line(line, font, Qt.AlignmentFlag.AlignLeft)
            if lines:
                self._line(lines[-1], font, Qt.AlignmentFlag.AlignLeft, advance=False)
            self._cells(each[1:], widths[1:], gap, font)

    def _cells(self, cells: tuple[str, ...], widths: list[int], gap: int, font: QFont) -> None:
        height = QFontMetrics(font).height()
        right = self._left + self._room
        for cell, width in zip(reversed(cells), reversed(widths), strict=True):
            rect = QRect(right - width, self.top, width, height)
            self.drawn.append(_drawing(rect, cell, font))
            right -= width + gap
        self.top += height + 1

    def _rule(self, *, double: bool) -> None:
        top, left, right = self.top + 5, self._left, self._left + self._room

        def draw(painter: QPainter) -> None:
            pen = painter.pen()
            dashed = painter.pen()
            dashed.setStyle(Qt.PenStyle.SolidLine if double else Qt.PenStyle.DashLine)
            painter.setPen(dashed)
            painter.drawLine(left, top, right, top)
            if double:
                painter.drawLine(left, top + 3, right, top + 3)
            painter.setPen(pen)

        self.drawn.append(draw)
        self.top += 14 if double else 11

    def _qr(self, data: str) -> None:
        modules = qr_modules(data)
        side = max(1, _QR_SIDE // len(modules))
        whole = side * len(modules)
        left, top = self._left + (self._room - whole) // 2, self.top + 8

        def draw(painter: QPainter) -> None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            for down, line in enumerate(modules):
                for across, dark in enumerate(line):
                    if dark:
                        at = QRect(left + across * side, top + down * side, side, side)
                        painter.fillRect(at, QColor(Qt.GlobalColor.black))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)

        self.drawn.append(draw)
        self.top += whole + 16


def _drawing(rect: QRect, text: str, font: QFont) -> Draw:
    def draw(painter: QPainter) -> None:
        painter.setFont(font)
        painter.drawText(rect, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)

    return draw


class PaperView(QScrollArea):
    """A paper to look at, moved with the arrow and page keys, the wheel or a finger."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._paper = Paper()
        self.setWidget(self._paper)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self._fit()

    def set_document(self, document: Document | None) -> None:
        """Show this paper from its top."""
        self._paper.set_document(document)
        self.setAccessibleName(document.title if document is not None else "Struk")
        self.verticalScrollBar().setValue(0)
        self._fit()

    def _fit(self) -> None:
        self.setFixedWidth(self._paper.sizeHint().width() + 24)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        bar = self.verticalScrollBar()
        if event.key() == Qt.Key.Key_Home:
            bar.setValue(bar.minimum())
        elif event.key() == Qt.Key.Key_End:
            bar.setValue(bar.maximum())
        else:
            super().keyPressEvent(event)
