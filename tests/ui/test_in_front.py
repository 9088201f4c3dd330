"""What is behind another screen is not drawn, and is right when it comes to the front."""

from __future__ import annotations

from functools import partial

import pytest

from ewarung_pos.ui.viewmodels.base import ViewModel
from ewarung_pos.ui.views.in_front import InFront


class Told(ViewModel[str]):
    def tell(self, state: str) -> None:
        self._set(state)


class Place:
    """The window's side: which screen is in front, and what was drawn."""

    def __init__(self) -> None:
        self.front = "counter"
        self.drawn: list[str] = []
        self.screens = InFront(lambda: self.front)
        self.counter, self.stock = Told("basket"), Told("rice")
        for name, model in (("counter", self.counter), ("stock", self.stock)):
            self.screens.show(name, model, partial(self._draw, name))

    def _draw(self, name: str, state: str) -> None:
        self.drawn.append(f"{name} {state}")

    def go(self, name: str) -> list[str]:
        self.front = name
        self.drawn.clear()
        self.screens.come(name)
        return self.drawn


@pytest.fixture
def place() -> Place:
    return Place()


def test_only_the_screen_in_front_is_drawn(place: Place) -> None:
    place.stock.tell("less rice")
    place.counter.tell("done")
    assert place.drawn == ["counter basket", "counter done"]


def test_what_comes_to_the_front_is_drawn_once_as_it_stands(place: Place) -> None:
    place.stock.tell("less rice")
    place.stock.tell("no rice")
    assert place.go("stock") == ["stock no rice"]
    assert place.go("stock") == []
    place.counter.tell("done")
    assert place.go("counter") == ["counter done"]


def test_another_theme_is_drawn_in_front_now_and_behind_later(place: Place) -> None:
    place.go("stock")
    place.go("counter")
    place.screens.again()
    assert place.drawn == ["counter basket"]
    assert place.go("stock") == ["stock rice"]


def test_after_the_end_nothing_is_heard(place: Place) -> None:
    place.screens.end()
    place.drawn.clear()
    place.counter.tell("done")
    assert place.drawn == []
