"""The till's window: who works first, then the screens; in practice also the tray."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace
from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMainWindow, QWidget

from ewarung_pos.ports import PracticeTray
from ewarung_pos.ui.qt_app import apply_window
from ewarung_pos.ui.qt_runner import QtRunner
from ewarung_pos.ui.text import trouble
from ewarung_pos.ui.viewmodels.closing import ClosingViewModel
from ewarung_pos.ui.viewmodels.closing_copy import CopyViewModel
from ewarung_pos.ui.viewmodels.counter import CounterViewModel
from ewarung_pos.ui.viewmodels.day_open import DayOpenViewModel
from ewarung_pos.ui.viewmodels.devices import DevicesViewModel
from ewarung_pos.ui.viewmodels.doubt import DoubtViewModel
from ewarung_pos.ui.viewmodels.history import HistoryViewModel
from ewarung_pos.ui.viewmodels.rights import RightsViewModel
from ewarung_pos.ui.viewmodels.shell import ShellState, ShellViewModel
from ewarung_pos.ui.viewmodels.stick import StickViewModel
from ewarung_pos.ui.viewmodels.stock import StockViewModel
from ewarung_pos.ui.viewmodels.sync import SyncViewModel
from ewarung_pos.ui.viewmodels.till import TillViewModels
from ewarung_pos.ui.viewmodels.tray import TrayViewModel
from ewarung_pos.ui.viewmodels.typed_card import TypedCardViewModel
from ewarung_pos.ui.views.in_front import InFront
from ewarung_pos.ui.views.kit import Chime, Pages
from ewarung_pos.ui.views.shell import PracticeFrame, ShellView
from ewarung_pos.ui.views.sign_in import SignInView

if TYPE_CHECKING:
    from ewarung_pos.ui.views.doubt import DoubtView
    from ewarung_pos.ui.views.rights import RightsView
    from ewarung_pos.ui.views.tray import TrayView
    from ewarung_pos.ui.views.tray_edc import TrayShape
    from ewarung_pos.ui.views.typed_card import TypedCardView

__all__ = ["TillWindow", "ViewModels"]


FAULT_WIDTH = 920
"""A page that says one thing is read, not scanned: px."""

TRAY_KEY = "F11"
"""Puts the tray away where it covers the till, and lays it out again."""
TRAY_SECONDS = 3.0
"""A call to the tray gives up after two."""
WIDE, NARROW = 1364, 1020
"""From these widths on the tray stands beside the till, at its full width or as a narrow column; below, over it."""
ROOM_FOR_CARDS = 120
"""Where the tray lies over the till it takes this much more than it needs: px."""
LOW = 540
"""A window lower than this has no room for the tray in one column."""


class ViewModels(msgspec.Struct, frozen=True):
    """One of each, for the window; `TillViewModels` has the same."""

    shell: ShellViewModel
    counter: CounterViewModel
    doubt: DoubtViewModel
    typed: TypedCardViewModel
    rights: RightsViewModel
    history: HistoryViewModel
    stock: StockViewModel
    day: DayOpenViewModel
    closing: ClosingViewModel
    copy: CopyViewModel
    sync: SyncViewModel
    devices: DevicesViewModel
    stick: StickViewModel


class TillWindow(QMainWindow):
    """Wires views to view-models. Screens other than the one in front are loaded and made when first shown.

    Args:
        viewmodels: one of each.
        practice_hint: practice PINs, shown at sign-in; empty on a real till.
        tray: the hands of the simulated EDC; None on a real till.
        chime: sounds; None for silence.
        closing: called once when the window is closed, before it goes.
    """

    def __init__(
        self,
        viewmodels: ViewModels | TillViewModels,
        practice_hint: str = "",
        tray: PracticeTray | None = None,
        *,
        chime: Chime | None = None,
        closing: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self._vm = viewmodels
        self._chime = chime
        self._closing = closing
        self._front = InFront(lambda: viewmodels.shell.state.screen)
        self.setWindowTitle("eWarung POS")
        self.setMinimumSize(QSize(800, 480))
        self._sign_in = SignInView(viewmodels.shell, practice_hint)
        self._shell: ShellView | None = None
        self._pages = Pages()
        self._pages.addWidget(self._sign_in)
        self._frame = PracticeFrame(self._pages)
        middle = QWidget()
        self._line = QHBoxLayout(middle)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(0)
        self._line.addWidget(self._frame, 1)
        self.setCentralWidget(middle)
        self._tray: TrayView | None = None
        self._tray_away = False
        self._faulted = False
        self._sure = False
        self._tray_end: Callable[[], None] | None = None
        self._tray_runner = QtRunner() if tray is not None else None
        self._tray_model = (
            TrayViewModel(tray, self._tray_runner) if tray is not None and self._tray_runner is not None else None
        )
        self._timer = QTimer(self)
        self._timer.setInterval(1000)
        self._timer.timeout.connect(viewmodels.shell.tick)
        self._timer.start()
        if tray is not None:
            away = QShortcut(QKeySequence(TRAY_KEY), self)
            away.activated.connect(self.turn_tray)
        self._shell_end = viewmodels.shell.subscribe(self._render)

    def show_fault(self) -> None:
        """A bug of ours reached the top: nothing more is served until the till is started again."""
        if self._faulted:
            return
        from ewarung_pos.ui.views.kit import TroubleCard
        from ewarung_pos.ui.views.parts import kit_trouble

        self._faulted = True
        card = TroubleCard()
        said = replace(trouble("bug"), button="Tutup kasir", action="close")
        card.render_state(kit_trouble(said, detail=f"Pukul {self._vm.shell.state.time}"))
        card.setMaximumWidth(FAULT_WIDTH)
        card.acted.connect(self.close)
        page = QWidget()
        line = QHBoxLayout(page)
        line.setContentsMargins(24, 24, 24, 24)
        line.addWidget(card, 1, Qt.AlignmentFlag.AlignVCenter)
        self._pages.addWidget(page)
        self._pages.show_page(page)
        card.button.setFocus()

    def _render(self, state: ShellState) -> None:
        if self._faulted:
            return
        self._frame.set_on(state.practice)
        self._place_tray()
        if not state.operator:
            self._sign_in.render_state(state)
            if self._pages.currentWidget() is not self._sign_in:
                self._pages.show_page(self._sign_in)
                self._sign_in.take_keyboard()
            return
        if self._shell is None:
            self._shell = ShellView(self._vm.shell, self._make)
            self._shell.leaving.close_anyway.connect(self._close_anyway)
            self._pages.addWidget(self._shell)
        self._front.come(state.screen)
        self._shell.render_state(state)
        if self._pages.currentWidget() is not self._shell:
            self._pages.show_page(self._shell)
            self._shell.take_keyboard()

    def _make(self, name: str) -> QWidget:
        vm = self._vm
        if name == "counter":
            from ewarung_pos.ui.views.counter import CounterView
            from ewarung_pos.ui.views.counter_screen import CounterScreen

            counter = CounterView(vm.counter, self.act, self._chime)
            screen = CounterScreen(counter, self._make_typed, self._make_rights, self._make_doubt)
            self._front.show(name, vm.counter, counter.render_state)
            self._front.show(name, vm.typed, screen.render_typed)
            self._front.show(name, vm.rights, screen.render_rights)
            self._front.show(name, vm.doubt, screen.render_doubt)
            return screen
        if name == "history":
            from ewarung_pos.ui.views.history import HistoryView

            history = HistoryView(vm.history, self.act)
            self._front.show(name, vm.history, history.render_state)
            return history
        if name == "stock":
            from ewarung_pos.ui.views.stock import StockView

            stock = StockView(vm.stock)
            self._front.show(name, vm.stock, stock.render_state)
            return stock
        if name == "day":
            from ewarung_pos.ui.views.day_open import DayOpenView

            day = DayOpenView(vm.day, self.act)
            self._front.show(name, vm.day, day.render_state)
            return day
        if name == "closing":
            from ewarung_pos.ui.views.closing import ClosingView

            closing = ClosingView(vm.closing, vm.copy, self.act)
            self._front.show(name, vm.closing, closing.render_state)
            self._front.show(name, vm.copy, closing.render_copy)
            return closing
        if name == "devices":
            from ewarung_pos.ui.views.devices import DevicesView

            devices = DevicesView(vm.devices)
            self._front.show(name, vm.devices, devices.render_state)
            return devices
        from ewarung_pos.ui.views.sync import SyncView

        sync = SyncView(vm.sync, vm.stick)
        self._front.show(name, vm.sync, sync.render_state)
        self._front.show(name, vm.stick, sync.render_stick)
        return sync

    def _make_typed(self) -> TypedCardView:
        from ewarung_pos.ui.views.typed_card import TypedCardView

        return TypedCardView(self._vm.typed)

    def _make_rights(self) -> RightsView:
        from ewarung_pos.ui.views.rights import RightsView

        return RightsView(self._vm.rights)

    def _make_doubt(self) -> DoubtView:
        from ewarung_pos.ui.views.doubt import DoubtView

        return DoubtView(self._vm.doubt)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange:
            self._front.again()

    def act(self, action: str) -> None:
        """Do what a button asks of another screen: `go_<screen>`, `resolve`, `send_now`, `type_card`, `ask_city`."""
        if action == "type_card":
            self._vm.typed.begin()
        elif action == "ask_city":
            self._vm.rights.ask_city()
        elif action == "ask_home":
            self._vm.rights.ask_home()
        elif action == "resolve":
            self._vm.shell.go("counter")
            self._vm.doubt.resume()
        elif action == "send_now":
            self._vm.shell.go("sync")
            self._vm.sync.send_now()
        elif action.startswith("go_"):
            self._vm.shell.go(action.removeprefix("go_"))

    # -- the practice tray ----------------------------------------------------------------------------------------

    def _tray_shape(self) -> TrayShape:
        from ewarung_pos.ui.views.tray_edc import TrayShape

        if self.width() >= WIDE and self.height() >= LOW:
            return TrayShape.WIDE
        return TrayShape.NARROW if self.height() >= LOW else TrayShape.SPREAD

    def _tray_beside(self) -> int:
        """How much of the window's width the tray takes from the till; 0 where it lies over it."""
        if self._tray_model is None or self.width() < NARROW or self.height() < LOW:
            return 0
        return self._tray_shape().width

    def show_tray(self) -> None:
        """Lay the tray beside the till, or over it where the till needs the width."""
        model = self._tray_model
        if model is None:
            return
        from ewarung_pos.ui.views.tray import TrayView

        shape, beside = self._tray_shape(), self._tray_beside() > 0
        if self._tray is None or self._tray.shape is not shape:
            self._drop_tray()
            self._tray = TrayView(model, shape, self.centralWidget())
            self._tray.served.connect(self._give_keyboard)
            self._tray_end = model.subscribe(self._tray.render_state)
            model.activate()
        if beside and self._line.indexOf(self._tray) < 0:
            self._line.addWidget(self._tray)
        elif not beside:
            self._line.removeWidget(self._tray)
        self._frame.set_hint("" if beside else f"{TRAY_KEY} kartu dan EDC")
        self._place_tray()

    def _place_tray(self) -> None:
        """Over the till it lies at the lower right, away from header, screens and family; before sign-in not at all."""
        if self._tray is None:
            return
        beside = self._tray_beside() > 0
        self._tray.setVisible(beside or (bool(self._vm.shell.state.operator) and not self._tray_away))
        if not beside and (area := self.centralWidget()) is not None:
            height = min(area.height(), self._tray.minimumSizeHint().height() + ROOM_FOR_CARDS)
            wide = self._tray.shape.width
            self._tray.setGeometry(area.width() - wide, area.height() - height, wide, height)
            self._tray.raise_()

    def turn_tray(self) -> None:
        """Put the tray away where it lies over the till, or lay it out again; beside the till it stays."""
        if self._tray is None or self._tray_beside():
            return
        self._give_keyboard()
        self._tray_away = not self._tray_away
        self._place_tray()

    def _give_keyboard(self) -> None:
        """What is typed next is meant for the till."""
        focus = QApplication.focusWidget()
        if self._tray is None or focus is None or not self._tray.isAncestorOf(focus):
            return
        if self._shell is not None and self._pages.currentWidget() is self._shell:
            self._shell.take_keyboard()
        elif self._pages.currentWidget() is self._sign_in:
            self._sign_in.take_keyboard()

    def _drop_tray(self) -> None:
        if self._tray is not None:
            if self._tray_end is not None:
                self._tray_end()
            self._tray.hide()
            self._line.removeWidget(self._tray)
            self._tray.deleteLater()
            self._tray = None

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.WindowActivate and self._pages.currentWidget() is self._shell:
            had: QWidget | None = self.focusWidget()
            # What had the keyboard went away while the tray was in front: Qt would take the first button there is.
            if self._shell is not None and (had is None or not had.isVisible()):
                self._shell.take_keyboard()
        return super().event(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._tray is None:
            self.show_tray()
        if not self._vm.shell.state.operator:
            self._sign_in.take_keyboard()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply_window(app, QSize(event.size().width() - self._tray_beside(), event.size().height()))
        if self._tray is not None:
            self.show_tray()

    def _close_anyway(self) -> None:
        self._sure = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        # A till that met a bug of ours serves nobody, and asks nothing.
        if not (self._sure or self._faulted) and self._vm.shell.ask_before_close():
            event.ignore()
            return
        self._timer.stop()
        self._shell_end()
        self._front.end()
        if self._tray_model is not None:
            self._tray_model.stop()
        if self._tray_runner is not None:
            self._tray_runner.close(TRAY_SECONDS)
        self._drop_tray()
        if self._closing is not None:
            self._closing()
            self._closing = None
        super().closeEvent(event)
