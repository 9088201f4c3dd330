"""The design kit: what every screen is made of.

Widgets here know how to look, how to be pressed and how to be read aloud. They know nothing of rations or money:
a screen tells them what to say with `set_…` and `render_state`, which may be called as often as wanted.

Each name is loaded when it is first asked for: the first paint waits for the widgets on it and for no others.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ewarung_pos.ui.views.kit.buttons import BigButton, ButtonKind, ButtonSize
    from ewarung_pos.ui.views.kit.card import Card, Panel, Rule, column, row
    from ewarung_pos.ui.views.kit.choice import Choice, Option
    from ewarung_pos.ui.views.kit.fields import FieldRow, NumberField, SearchField, TextField
    from ewarung_pos.ui.views.kit.flow import Flow
    from ewarung_pos.ui.views.kit.lamp import Lamp
    from ewarung_pos.ui.views.kit.motion import Pages
    from ewarung_pos.ui.views.kit.pinpad import PinPad
    from ewarung_pos.ui.views.kit.rail import Rail, RailItem
    from ewarung_pos.ui.views.kit.sheet import Sheet, SheetColumn
    from ewarung_pos.ui.views.kit.sound import Chime, Sound
    from ewarung_pos.ui.views.kit.status import Badge, Disc, EmptyState, IconView, Note, Picture, ProgressBar
    from ewarung_pos.ui.views.kit.stepper import Stepper
    from ewarung_pos.ui.views.kit.steps import Step, StepHead, StepList, StepState
    from ewarung_pos.ui.views.kit.style import Density, Role, Style, Theme, Tone, current_style
    from ewarung_pos.ui.views.kit.table import Cell, Column, DataTable
    from ewarung_pos.ui.views.kit.text import Line, Run, Text
    from ewarung_pos.ui.views.kit.ticks import TickRow
    from ewarung_pos.ui.views.kit.topbar import TopBar
    from ewarung_pos.ui.views.kit.trouble import Trouble, TroubleCard

__all__ = [
    "Badge",
    "BigButton",
    "ButtonKind",
    "ButtonSize",
    "Card",
    "Cell",
    "Chime",
    "Choice",
    "Column",
    "DataTable",
    "Density",
    "Disc",
    "EmptyState",
    "FieldRow",
    "Flow",
    "IconView",
    "Lamp",
    "Line",
    "Note",
    "NumberField",
    "Option",
    "Pages",
    "Panel",
    "Picture",
    "PinPad",
    "ProgressBar",
    "Rail",
    "RailItem",
    "Role",
    "Rule",
    "Run",
    "SearchField",
    "Sheet",
    "SheetColumn",
    "Sound",
    "Step",
    "StepHead",
    "StepList",
    "StepState",
    "Stepper",
    "Style",
    "Text",
    "TextField",
    "Theme",
    "TickRow",
    "Tone",
    "TopBar",
    "Trouble",
    "TroubleCard",
    "column",
    "current_style",
    "row",
]

_HOME = {
    "buttons": ("BigButton", "ButtonKind", "ButtonSize"),
    "card": ("Card", "Panel", "Rule", "column", "row"),
    "choice": ("Choice", "Option"),
    "fields": ("FieldRow", "NumberField", "SearchField", "TextField"),
    "flow": ("Flow",),
    "lamp": ("Lamp",),
    "motion": ("Pages",),
    "pinpad": ("PinPad",),
    "rail": ("Rail", "RailItem"),
    "sheet": ("Sheet", "SheetColumn"),
    "sound": ("Chime", "Sound"),
    "status": ("Badge", "Disc", "EmptyState", "IconView", "Note", "Picture", "ProgressBar"),
    "stepper": ("Stepper",),
    "steps": ("Step", "StepHead", "StepList", "StepState"),
    "style": ("Density", "Role", "Style", "Theme", "Tone", "current_style"),
    "table": ("Cell", "Column", "DataTable"),
    "text": ("Line", "Run", "Text"),
    "ticks": ("TickRow",),
    "topbar": ("TopBar",),
    "trouble": ("Trouble", "TroubleCard"),
}


def __getattr__(name: str) -> object:
    """PEP 562: load the module that `name` is from, and keep the name."""
    for module, names in _HOME.items():
        if name in names:
            found: object = getattr(import_module(f"{__name__}.{module}"), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
