"""A receipt on the screen in the place of paper: the family reads it, or takes a picture of it."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ewarung_pos.domain.documents import Document, Qr
from ewarung_pos.ui.viewmodels.counter_state import DonePanel
from ewarung_pos.ui.viewmodels.handover import Handover
from ewarung_pos.ui.views.document import PaperView
from ewarung_pos.ui.views.kit import BigButton, ButtonKind, ButtonSize, Card, Density, Disc, Role, Text, Tone
from ewarung_pos.ui.views.kit.paint import Painted
from ewarung_pos.ui.views.parts import Box, Page
from ewarung_pos.ui.views.qr import Grid, qr_modules

__all__ = ["PaperOnScreenPage"]

_SAYS = (
    "Putar layar ke arah keluarga. Ia boleh memotret struk ini; kodenya sama dengan di kertas.",
    "Struk tersimpan sebagai PDF dan tercatat. Bila nanti dicetak, kertasnya bertanda SALINAN.",
)


_QUIET = 4
"""Modules of white around a code (ISO/IEC 18004)."""


class _Code(Painted):
    """The paper's QR as large as there is room, for a telephone across the counter."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._modules: Grid = []
        self.setAccessibleName("Kode QR struk")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def set_document(self, document: Document | None) -> None:
        codes = [block.data for block in document.blocks if isinstance(block, Qr)] if document is not None else []
        self._modules = qr_modules(codes[0]) if codes else []
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._modules:
            return
        painter = QPainter(self)
        count = len(self._modules) + 2 * _QUIET
        side = max(1, min(self.width(), self.height()) // count)
        whole = side * count
        left, top = (self.width() - whole) // 2, (self.height() - whole) // 2
        painter.fillRect(QRect(left, top, whole, whole), QColor(Qt.GlobalColor.white))  # in the dark theme as well
        for down, line in enumerate(self._modules, _QUIET):
            for across, dark in enumerate(line, _QUIET):
                if dark:
                    at = QRect(left + across * side, top + down * side, side, side)
                    painter.fillRect(at, QColor(Qt.GlobalColor.black))


class PaperOnScreenPage(Page):
    """The paper at the left; at the right its code and what to do with it."""

    def __init__(self, handover: Handover, parent: QWidget | None = None) -> None:
        super().__init__(across=True, parent=parent)
        self._paper = PaperView()
        self.add(self._paper)
        card = Card(pad=3, spacing=2)
        head = Box(across=True, gap=2.25)
        self._title = Text(role=Role.TITLE, wrap=True)
        head.add(Disc("receipt-text", size=66), align=Qt.AlignmentFlag.AlignVCenter).add(self._title, stretch=1)
        card.body.addWidget(head)
        for place, words in enumerate(_SAYS):
            card.body.addWidget(Text(words, Role.LEAD, Tone.SOFT if place else Tone.INK, wrap=True))
        self._code = _Code()
        card.body.addWidget(self._code, 1)
        self.back = BigButton("SUDAH DILIHAT", kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, key="Enter")
        self.back.clicked.connect(handover.close_screen)
        card.body.addWidget(self.back)
        self.add(card, stretch=1)

    def render_state(self, done: DonePanel) -> None:
        """Show its receipt."""
        self._paper.set_document(done.on_screen)
        self._code.set_document(done.on_screen if self.look.room is not Density.TIGHT else None)
        self._title.set_text(f"Struk nomor {done.receipt:04d} di layar")
