"""Pages that fade into one another, when motion is wanted."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, Qt, QVariantAnimation
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QStackedWidget, QWidget

from ewarung_pos.ui.views.kit.style import current_style

__all__ = ["FADE_MS", "Pages"]

FADE_MS = 150


class _Veil(QWidget):
    """The page that goes, as a picture over the page that comes; lets every press through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._picture = QPixmap()
        self._strength = 0.0
        self._run = QVariantAnimation(self)
        self._run.setDuration(FADE_MS)
        self._run.setStartValue(1.0)
        self._run.setEndValue(0.0)
        self._run.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._run.valueChanged.connect(self._fade)
        self._run.finished.connect(self._end)
        self.hide()

    def start(self, picture: QPixmap, over: QWidget) -> None:
        self._run.stop()
        self._picture = picture
        self._strength = 1.0
        self.setGeometry(over.rect())
        self.show()
        self.raise_()
        self._run.start()

    def stop(self) -> None:
        self._run.stop()
        self._end()

    def _fade(self, strength: float) -> None:
        self._strength = strength
        self.update()

    def _end(self) -> None:
        self.hide()
        self._picture = QPixmap()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setOpacity(self._strength)
        painter.drawPixmap(0, 0, self._picture)


class Pages(QStackedWidget):
    """Screens of which one is shown. The new one answers at once; the old one only fades over it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._veil: _Veil | None = None

    def show_page(self, page: QWidget, *, at_once: bool = False) -> None:
        """Show `page`, which must have been added; `at_once`: nothing of the old one may lie over it."""
        if page is self.currentWidget():
            return
        before = self.currentWidget()
        fade = not at_once and current_style().motion and self.isVisible() and before is not None
        picture = self.grab() if fade else QPixmap()
        self.setCurrentWidget(page)
        if fade:
            if self._veil is None:
                self._veil = _Veil(self)
            self._veil.start(picture, self)
        elif self._veil is not None:
            self._veil.stop()
