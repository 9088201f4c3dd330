"""A row that goes on below when it is full, for choices whose words vary in length."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

__all__ = ["Flow"]


class Flow(QWidget):
    """Places widgets left to right at their own width and wraps."""

    def __init__(self, gap: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._gap = gap
        self._widgets: list[QWidget] = []
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_gap(self, gap: int) -> None:
        """Set the distance between widgets and between lines."""
        self._gap = gap
        self._place(self.width(), move=True)
        self.updateGeometry()

    def set_widgets(self, widgets: list[QWidget]) -> None:
        """Place these, in order; they become children."""
        self._widgets = list(widgets)
        for widget in widgets:
            widget.setParent(self)
            widget.show()
        self._place(self.width(), move=True)
        self.updateGeometry()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(width, move=False)

    def sizeHint(self) -> QSize:
        hints = [widget.sizeHint() for widget in self._widgets]
        width = sum(hint.width() for hint in hints) + self._gap * max(len(hints) - 1, 0)
        return QSize(width, max((hint.height() for hint in hints), default=0))

    def minimumSizeHint(self) -> QSize:
        hints = [widget.minimumSizeHint() for widget in self._widgets]
        width = max((hint.width() for hint in hints), default=0)
        return QSize(width, max((hint.height() for hint in hints), default=0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place(event.size().width(), move=True)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest:
            self._place(self.width(), move=True)
            self.updateGeometry()
        return super().event(event)

    def _place(self, room: int, *, move: bool) -> int:
        left = top = line = 0
        for widget in self._widgets:
            size = widget.sizeHint()
            if line and left + size.width() > room:
                left, top, line = 0, top + line + self._gap, 0
            if move:
                widget.setGeometry(left, top, min(size.width(), max(room, 1)), size.height())
            left += size.width() + self._gap
            line = max(line, size.height())
        return top + line
