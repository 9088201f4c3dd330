"""The practice tray: cards, the EDC's face, and how the next sale goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ewarung_pos.errors import DeviceUnavailable
from ewarung_pos.ui.runners import SteppedRunner
from ewarung_pos.ui.viewmodels.tray import BEHAVIOURS, TraySlip, TrayViewModel


class Hands:
    """A tray that keeps what was done to it; `away` makes the next calls fail."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.shows: Mapping[str, Any] = {"lines": ["MASUKKAN KARTU"], "asks_pin": False}
        self.away: list[Exception] = []
        self.looks = 0

    def cards(self) -> tuple[tuple[str, str], ...]:
        self._fail()
        return (("1", "SUMINAH"), ("2", "SRI WAHYUNI"))

    def insert(self, row: str) -> None:
        self._do(f"insert {row}")

    def next_sale(self, what: str) -> None:
        self._do(f"next {what}")

    def press(self, key: str) -> None:
        self._do(f"press {key}")

    def face(self) -> Mapping[str, Any]:
        self._fail()
        self.looks += 1
        return self.shows

    def slip(self, attempt_amount: int) -> Mapping[str, Any] | None:
        return None

    def void(self, invoice: str) -> str:
        self._do(f"void {invoice}")
        return "00"

    def totals(self) -> Mapping[str, int]:
        return {}

    def _do(self, what: str) -> None:
        self._fail()
        self.done.append(what)

    def _fail(self) -> None:
        if self.away:
            raise self.away.pop(0)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def runner() -> SteppedRunner:
    return SteppedRunner()


@pytest.fixture
def tray(hands: Hands, runner: SteppedRunner) -> TrayViewModel:
    return TrayViewModel(hands, runner)


def test_cards_and_face_are_there_and_looked_at_again(tray: TrayViewModel, hands: Hands, runner: SteppedRunner) -> None:
    tray.activate()
    tray.activate()
    runner.advance(0)
    assert tray.state.cards == (("1", "SUMINAH"), ("2", "SRI WAHYUNI"))
    assert tray.state.display == ("MASUKKAN KARTU",)
    hands.shows = {"lines": ["PIN?"], "asks_pin": True}
    runner.advance(300)
    assert (tray.state.display, tray.state.asks_pin) == (("PIN?",), True)
    tray.stop()
    looks = hands.looks
    runner.advance(10_000)
    assert hands.looks == looks


def test_what_hands_do_reaches_the_edc_and_shows_at_once(
    tray: TrayViewModel, hands: Hands, runner: SteppedRunner
) -> None:
    tray.activate()
    runner.advance(0)
    looks = hands.looks
    tray.insert("2")
    tray.next_sale("wrong_pin")
    for key in ("1", "ok"):
        tray.press(key)
    runner.advance(0)
    assert hands.done == ["insert 2", "next wrong_pin", "press 1", "press ok"]
    assert (tray.state.inserted, tray.state.behaviour) == ("2", "wrong_pin")
    assert hands.looks == looks + 4


def test_the_newest_slip_can_be_copied_and_a_sale_voided(
    tray: TrayViewModel, hands: Hands, runner: SteppedRunner
) -> None:
    slip = {"kind": "sale", "amount": 58_000, "last4": "4821", "approval": "004512", "invoice": "000123"}
    hands.shows = {"lines": ["SIAP"], "asks_pin": False, "slip": slip}
    tray.void()
    tray.activate()
    runner.advance(0)
    assert tray.state.slip == TraySlip("SALE Rp58.000 •••• 4821", "APPR 004512 · INV 000123", "000123", voidable=True)
    hands.shows = {"lines": ["BERHASIL"], "asks_pin": False, "slip": {**slip, "kind": "void"}}
    tray.void()
    runner.advance(0)
    assert hands.done == ["void 000123"]
    assert tray.state.slip == TraySlip("VOID Rp58.000 •••• 4821", "APPR 004512 · INV 000123", "000123", voidable=False)
    tray.void()
    runner.advance(0)
    assert hands.done == ["void 000123"]


def test_an_edc_that_is_away_is_said_and_looked_for(tray: TrayViewModel, hands: Hands, runner: SteppedRunner) -> None:
    gone = DeviceUnavailable(reason="tray")
    hands.away = [gone]
    tray.activate()
    runner.advance(0)
    assert tray.state.away is not None
    assert tray.state.away.code == "device_unavailable.tray"
    assert len(tray.state.cards) == 0
    runner.advance(2_100)
    back = tray.state
    assert back.away is None
    assert len(back.cards) == 2
    hands.away = [gone]
    runner.advance(300)
    assert tray.state.away is not None
    assert len(tray.state.display) == 0
    runner.advance(2_100)
    assert list(tray.state.display) == ["MASUKKAN KARTU"]


def test_an_away_tray_that_was_stopped_is_left_alone(tray: TrayViewModel, hands: Hands, runner: SteppedRunner) -> None:
    hands.away = [DeviceUnavailable(reason="tray")]
    tray.activate()
    tray.stop()
    runner.advance(10_000)
    assert hands.looks == 0


def test_a_bug_is_not_taken_for_a_cable(tray: TrayViewModel, hands: Hands, runner: SteppedRunner) -> None:
    hands.away = [ZeroDivisionError()]
    tray.activate()
    with pytest.raises(ZeroDivisionError):
        runner.advance(0)


def test_a_way_that_was_used_up_is_no_longer_shown_as_the_next(
    tray: TrayViewModel, hands: Hands, runner: SteppedRunner
) -> None:
    tray.activate()
    tray.next_sale("lose_answer")
    runner.advance(0)
    hands.shows = {**hands.shows, "next_sale": "lose_answer"}
    runner.advance(300)
    assert tray.state.behaviour == "lose_answer"
    hands.shows = {**hands.shows, "next_sale": "ok"}  # the sale has begun
    runner.advance(300)
    assert tray.state.behaviour == "ok"
    hands.shows = {**hands.shows, "next_sale": "something newer"}
    runner.advance(300)
    assert tray.state.behaviour == "ok", "what it does not know it does not show"


@pytest.mark.parametrize("arrives", [True, False])
def test_what_the_edc_said_before_a_choice_came_to_it_does_not_undo_the_choice(
    arrives: bool, tray: TrayViewModel, hands: Hands, runner: SteppedRunner
) -> None:
    tray.activate()
    runner.advance(0)
    hands.shows = {**hands.shows, "next_sale": "ok"}
    tray.press("1")
    looks = hands.looks
    runner.pump(lambda: hands.looks > looks)  # the display was looked at, and what it shows is on its way back
    hands.away = [] if arrives else [DeviceUnavailable("gone", reason="tray")]
    tray.next_sale("cancel")
    turns = iter((False, True))
    runner.pump(lambda: next(turns))
    assert tray.state.behaviour == "cancel"
    hands.shows = {**hands.shows, "next_sale": "cancel" if arrives else "ok"}
    runner.advance(3_000)
    assert tray.state.behaviour == hands.shows["next_sale"], "from then on the EDC is believed"


def test_every_behaviour_of_the_tray_can_be_chosen() -> None:
    assert [value for value, _ in BEHAVIOURS] == ["ok", "wrong_pin", "cancel", "insufficient", "lose_answer"]
