"""The ledger's passphrase, asked in a small window before the till's own."""

from __future__ import annotations

from PySide6.QtCore import QEventLoop, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QLineEdit

from ewarung_pos.ui.views.kit import BigButton, ButtonKind, Note, Role, Text, TextField, Tone
from ewarung_pos.ui.views.parts import Box

__all__ = ["PassphraseWindow"]


class PassphraseWindow(Box):
    """One field and two buttons. Nothing else of the till runs while it is open.

    Signals:
        answered(bool): True with something typed; False when the operator closed it.
    """

    answered = Signal(bool)

    def __init__(self) -> None:
        super().__init__(gap=2, margins=(4, 4, 4, 4))
        self.setWindowTitle("eWarung POS")
        self.field = TextField("Kata sandi")
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.field.returnPressed.connect(self._open)
        self.wrong = Note("triangle-alert", "Kata sandi salah. Coba lagi.", Tone.STOP, bold=True)
        self.go = BigButton("Buka kasir", icon="key-round", kind=ButtonKind.PRIMARY, key="Enter")
        self.go.clicked.connect(self._open)
        self.leave = BigButton("Batal", icon="x", key="Esc")
        self.leave.clicked.connect(self.close)
        buttons = Box(across=True, gap=2)
        buttons.add(self.leave).add(self.go, stretch=1)
        self.add(
            Text("Kata sandi buku catatan", Role.TITLE),
            Text("Buku catatan kios ini terkunci dengan kata sandi.", Role.LEAD, Tone.SOFT, wrap=True),
            self.field,
            self.wrong,
            buttons,
        )
        self.setMinimumWidth(max(self.look.size(460), 320))

    def ask(self, *, wrong: bool) -> str:
        """Show the window until the operator answers; empty when she gave up."""
        self.wrong.setVisible(wrong)
        self.field.clear()
        self.show()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)
        loop = QEventLoop()
        self.answered.connect(loop.quit)
        loop.exec()
        typed = self.field.text()
        self.field.clear()
        return typed

    def _open(self) -> None:
        if self.field.text():
            self.answered.emit(True)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.field.clear()
        self.answered.emit(False)
        super().closeEvent(event)
