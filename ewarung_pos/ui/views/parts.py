"""What the screens share: boxes that follow the density, stacks of pages, and troubles as the kit shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QBoxLayout, QWidget

from ewarung_pos.ui.text import Trouble
from ewarung_pos.ui.viewmodels.counter_state import Mark
from ewarung_pos.ui.viewmodels.counter_state import Step as VmStep
from ewarung_pos.ui.views.kit import Density, Pages, Step, StepState, Tone, column, row
from ewarung_pos.ui.views.kit import Trouble as KitTrouble
from ewarung_pos.ui.views.kit.paint import Painted

__all__ = [
    "READING",
    "Action",
    "Box",
    "Page",
    "Screens",
    "Stack",
    "is_narrow",
    "kit_steps",
    "kit_trouble",
    "tone_of",
    "unbroken",
    "unbroken_sum",
]

Action = Callable[[str], None]
"""Takes the `action` of a trouble that this screen cannot do by itself (`go_sync`, `resolve`, ...)."""

READING = ("Sebentar", "Buku catatan sedang dibaca.")
"""Title and detail while it is not known yet whether there is anything to show."""

_TONES = {"ok": Tone.GO, "look": Tone.LOOK, "stop": Tone.STOP, "info": Tone.INFO, "off": Tone.SOFT}
_MARKS = {
    Mark.DONE: StepState.DONE,
    Mark.NOW: StepState.CURRENT,
    Mark.TODO: StepState.TO_COME,
    Mark.FAILED: StepState.FAILED,
}
_ICONS = {Tone.LOOK: "triangle-alert", Tone.STOP: "ban", Tone.INFO: "info"}


def tone_of(name: str) -> Tone:
    """The kit's tone for a view-model's word."""
    return _TONES.get(name, Tone.INFO)


def unbroken(words: str) -> str:
    """`2 beras · 1 gula` as it may go over two lines: neither between a number and its goods, nor before a dot."""
    return "\N{NO-BREAK SPACE}· ".join(each.replace(" ", "\N{NO-BREAK SPACE}") for each in words.split(" · "))


def unbroken_sum(words: str) -> str:
    """`KKS Rp2 + tunai Rp1 = Rp3` as it may go over two lines: before a sign, never between a word and its amount."""
    whole = words.replace(" ", "\N{NO-BREAK SPACE}")
    for sign in "+=":
        whole = whole.replace(f"\N{NO-BREAK SPACE}{sign}", f" {sign}")
    return whole


def kit_steps(steps: Sequence[VmStep]) -> tuple[Step, ...]:
    """Steps as the kit lists them."""
    return tuple(Step(step.text, _MARKS[step.mark]) for step in steps)


def kit_trouble(
    trouble: Trouble, *, detail: str = "", key: str = "Enter", button: str | None = None, steps: Sequence[VmStep] = ()
) -> KitTrouble:
    """A trouble as the kit's card shows it; `button` replaces its word (empty: no button)."""
    tone = tone_of(trouble.tone)
    word = trouble.button if button is None else button
    return KitTrouble(
        tone=tone,
        title=trouble.title,
        happened=trouble.happened,
        safe=trouble.safe,
        now=trouble.now,
        detail=detail,
        action=word,
        key=key if word else "",
        steps=kit_steps(steps),
        icon=_ICONS.get(tone, "triangle-alert"),
    )


class Box(Painted):
    """A row or a column whose distances are steps of the 8 px grid and follow the density."""

    def __init__(
        self,
        *,
        across: bool = False,
        gap: float = 0,
        margins: tuple[float, float, float, float] = (0, 0, 0, 0),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._gap, self._margins = gap, margins
        self.lay: QBoxLayout = row() if across else column()
        self.setLayout(self.lay)
        self._respace()

    def _respace(self) -> None:
        self.lay.setSpacing(self.look.gap(self._gap))
        self.lay.setContentsMargins(*(self.look.gap(steps) for steps in self._margins))

    def restyle(self) -> None:
        self._respace()
        super().restyle()

    def add(self, *widgets: QWidget, stretch: int = 0, align: Qt.AlignmentFlag | None = None) -> Box:
        """Append widgets."""
        for widget in widgets:
            if align is None:
                self.lay.addWidget(widget, stretch)
            else:
                self.lay.addWidget(widget, stretch, align)
        return self

    def space(self) -> Box:
        """Append what takes the spare room."""
        self.lay.addStretch(1)
        return self


class Page(Box):
    """A screen's ground: margins and distances of every page."""

    def __init__(self, *, across: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(across=across, gap=2.5, margins=(3.5, 3, 3.5, 3), parent=parent)


def is_narrow(widget: Painted) -> bool:
    """Whether the density in force is one of the two small ones."""
    return widget.look.room in (Density.TIGHT, Density.COMPACT)


class Stack(Pages):
    """Pages of a screen. The page that comes takes the keyboard itself, not its first button.

    Qt would hand it to the first control: a second Enter on *Salurkan* would then press *Batal*.
    """

    def show_page(self, page: QWidget, *, at_once: bool = False) -> None:
        changed = page is not self.currentWidget()
        super().show_page(page, at_once=at_once)
        if changed and self.isVisible():
            page.setFocus(Qt.FocusReason.OtherFocusReason)


class Screens(Stack):
    """Screens and pages that fill whatever room there is: only the one in front is measured.

    Qt asks for the least size of every page whenever a line on one of them comes or goes; of all of them that took
    tens of milliseconds, for an answer that nothing hangs on.
    """

    def sizeHint(self) -> QSize:
        page = self.currentWidget()
        return page.sizeHint() if page is not None else super().sizeHint()

    def minimumSizeHint(self) -> QSize:
        page = self.currentWidget()
        return page.minimumSizeHint() if page is not None else super().minimumSizeHint()

    def hasHeightForWidth(self) -> bool:
        return False
