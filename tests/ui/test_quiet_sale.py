"""What a sale costs the screen, counted: every widget is there for the next family, a press paints what it changed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from ewarung_pos.ui.viewmodels.counter_state import CounterState, Person, Phase
from ewarung_pos.ui.views.basket import ShelfLine
from ewarung_pos.ui.views.picture_counter import CHOSEN, DONE, KNOWN, PROCESSING, READY
from ewarung_pos.ui.views.picture_stage import Still
from ewarung_pos.ui.views.pictures import settle
from tests.ui.at_window import shown

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

BUDI = Person("BUDI", "kartu •••• 1177", KNOWN.person.facts if KNOWN.person is not None else ())
HANDED = replace(DONE, entry="e39", receipt=39, left=tuple(replace(each, left="3 kg") for each in DONE.left))
MANY = 100
DEPTH = 30
"""A layout that changed tells its parent in the next turn of the event loop, and so up to the window."""


class Events(QObject):
    """Counts what widgets hear, by kind of event and of widget."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[tuple[QEvent.Type, str]] = Counter()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.seen[event.type(), type(watched).__name__] += 1
        return False


@contextmanager
def counted(qapp: QApplication) -> Iterator[Counter[tuple[QEvent.Type, str]]]:
    for _ in range(DEPTH):
        settle()
    events = Events()
    qapp.installEventFilter(events)
    try:
        yield events.seen
        settle()
    finally:
        qapp.removeEventFilter(events)


def serve(counter: Still, person: Person | None, number: int) -> None:
    """From Siap to Siap."""
    done = DONE if number % 2 else HANDED
    for state in (
        replace(KNOWN, person=person),
        replace(CHOSEN, person=person),
        replace(PROCESSING, person=person),
        CounterState(phase=Phase.DONE, done=done),
        READY,
    ):
        counter.show(state)
        settle()


def test_the_next_family_finds_every_widget_and_every_module(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=READY)
    serve(stills["counter"], KNOWN.person, 1)
    serve(stills["counter"], BUDI, 2)
    made, modules = {id(each) for each in window.findChildren(QWidget)}, set(sys.modules)
    assert len(made) > MANY
    for number, person in enumerate((KNOWN.person, BUDI, KNOWN.person), 3):
        serve(stills["counter"], person, number)
    assert {id(each) for each in window.findChildren(QWidget)} == made
    assert set(sys.modules) == modules


def test_a_press_paints_the_line_that_it_changed(qtbot: QtBot, qapp: QApplication) -> None:
    window, stills = shown(qtbot, counter=CHOSEN)
    section = CHOSEN.sections[0]
    first = section.rows[0]
    rows = (replace(first, packs=1, value=first.value.replace("2", "1", 1)), *section.rows[1:])
    fewer = replace(CHOSEN, sections=(replace(section, rows=rows), *CHOSEN.sections[1:]))
    assert len([each for each in window.findChildren(ShelfLine) if each.isVisible()]) > 2
    with counted(qapp) as seen:
        stills["counter"].show(fewer)
    assert seen[QEvent.Type.Paint, "ShelfLine"] == 1
    assert seen[QEvent.Type.Paint, "Stepper"] == 1
    assert seen[QEvent.Type.Paint, "FamilyCard"] == 0
    assert seen[QEvent.Type.Paint, "Tabs"] == 0


@pytest.mark.parametrize("state", [READY, CHOSEN, PROCESSING, CounterState(phase=Phase.DONE, done=DONE)])
def test_what_is_said_again_paints_nothing(qtbot: QtBot, qapp: QApplication, state: CounterState) -> None:
    _, stills = shown(qtbot, counter=state)
    with counted(qapp) as seen:
        stills["counter"].show(replace(state))
        stills["shell"].show(stills["shell"].state)
    assert {name for kind, name in seen if kind in (QEvent.Type.Paint, QEvent.Type.LayoutRequest)} == set()
