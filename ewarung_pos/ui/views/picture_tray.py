"""The practice tray in the pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.viewmodels.tray import TraySlip, TrayState, TrayViewModel
from ewarung_pos.ui.views.picture_stage import Still
from ewarung_pos.ui.views.tray import TrayView
from ewarung_pos.ui.views.tray_edc import TrayShape

__all__ = ["TRAY", "on_tray"]

TRAY = TrayState(
    cards=(
        ("1", "SUMINAH · **** 4821 · KKS"),
        ("2", "NGATINI · **** 1190"),
        ("3", "SRI WAHYUNI · **** 7745"),
        ("4", "KASMI · **** 3302"),
        ("5", "TUMINAH · **** 9011"),
        ("6", "Kartu asing"),
    ),
    inserted="1",
    display=("EDC SIMULASI", "Rp83.200", "MASUKKAN PIN ***"),
    asks_pin=True,
    slip=TraySlip("SALE Rp58.000 •••• 4821", "APPR 004512 · INV 000123", "000123", voidable=True),
)


def on_tray(state: TrayState, shape: TrayShape = TrayShape.WIDE) -> Callable[[], QWidget]:
    """Builds the tray alone, in this state and shape."""

    def build() -> QWidget:
        view = TrayView(cast("TrayViewModel", Still(state)), shape)
        view.render_state(state)
        return view

    return build
