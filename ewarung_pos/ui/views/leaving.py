"""Asked before something is thrown away: somebody else comes to the till, or its window is closed."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.text import Trouble
from ewarung_pos.ui.viewmodels.shell import ShellViewModel
from ewarung_pos.ui.views.kit import BigButton, ButtonKind, ButtonSize, TroubleCard
from ewarung_pos.ui.views.parts import Box, Page, kit_trouble

__all__ = ["LeavingPage"]

_ANYWAY = {
    "leave.sign_out": "Buang, ganti petugas",
    "leave.close": "Buang, tutup kasir",
    "leave.sign_out_paying": "Ganti petugas",
    "leave.close_paying": "Tutup kasir",
    "leave.close_void": "Tutup kasir",
    "leave.close_sealing": "Tutup kasir",
    "leave.close_delivery": "Buang, tutup kasir",
    "leave.close_count": "Buang, tutup kasir",
}


class LeavingPage(Page):
    """What would be lost, the way back to it, and the way on.

    Signals:
        close_anyway: the window is to be closed all the same.
    """

    close_anyway = Signal()

    def __init__(self, shell: ShellViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._shell = shell
        self._closes = False
        self._card = TroubleCard()
        self._card.acted.connect(shell.stay)
        back = QShortcut(QKeySequence("Esc"), self)
        back.activated.connect(shell.stay)
        self.anyway = BigButton(kind=ButtonKind.DANGER, size=ButtonSize.COUNTER, icon="log-out", key="Alt+Y")
        self.anyway.clicked.connect(self._leave)
        foot = Box(across=True, gap=2)
        foot.add(self.anyway).space().add(self._card.button)
        self.add(self._card, stretch=1)
        self.add(foot)

    def render_state(self, asks: Trouble) -> None:
        """Ask this."""
        self._closes = asks.code.startswith("leave.close")
        self._card.render_state(kit_trouble(asks))
        self.anyway.set_text(_ANYWAY[asks.code])

    def take_keyboard(self) -> None:
        """Enter is the way back."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _leave(self) -> None:
        if self._closes:
            self.close_anyway.emit()
        else:
            self._shell.sign_out()
