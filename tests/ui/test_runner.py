"""Lanes: results come home on the UI thread, one thing at a time a lane, and no thread stays behind."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from ewarung_pos.ports import Lane, TaskRunner
from ewarung_pos.ui.qt_runner import QtRunner, Watchdog
from ewarung_pos.ui.runners import InlineRunner, SteppedRunner


@pytest.fixture
def runner(qtbot: QtBot) -> Iterator[QtRunner]:
    made = QtRunner()
    yield made
    assert made.close(3)


def unexpected(error: Exception) -> None:
    raise AssertionError("no error was expected") from error


def lanes() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("lane-")]


def wait_for_no_lanes() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("lane-"):
            thread.join(5)
    assert lanes() == []


def test_work_runs_on_its_lane_and_its_result_comes_home(qtbot: QtBot, runner: QtRunner) -> None:
    heard: list[tuple[str, str]] = []

    def home(lane: str) -> None:
        heard.append((lane, threading.current_thread().name))

    assert lanes() == []
    runner.submit(Lane.LEDGER, lambda: threading.current_thread().name, home, unexpected)
    runner.submit(Lane.PRINTER, lambda: threading.current_thread().name, home, unexpected)
    qtbot.waitUntil(lambda: len(heard) == 2, timeout=15_000)
    ui = threading.main_thread().name
    assert {thread for _, thread in heard} == {ui}
    assert sorted(lane.split("_")[0] for lane, _ in heard) == ["lane-ledger", "lane-printer"]


def test_an_error_comes_home_as_itself(qtbot: QtBot, runner: QtRunner) -> None:
    heard: list[tuple[Exception, bool]] = []
    wrong = ValueError("wrong")

    def work() -> None:
        raise wrong

    def home(error: Exception) -> None:
        heard.append((error, threading.current_thread() is threading.main_thread()))

    runner.submit(Lane.SYNC, work, lambda nothing: pytest.fail("it failed"), home)
    qtbot.waitUntil(lambda: bool(heard), timeout=15_000)
    assert heard == [(wrong, True)]


def test_a_lane_does_one_thing_at_a_time_in_order(qtbot: QtBot, runner: QtRunner) -> None:
    inside: list[int] = []
    order: list[int] = []
    most = 0

    def work(number: int) -> Callable[[], int]:
        def do() -> int:
            nonlocal most
            inside.append(number)
            most = max(most, len(inside))
            time.sleep(0.002)
            inside.remove(number)
            return number

        return do

    for number in range(20):
        runner.submit(Lane.LEDGER, work(number), order.append, unexpected)
    qtbot.waitUntil(lambda: len(order) == 20, timeout=15_000)
    assert order == list(range(20))
    assert most == 1


def test_a_waiting_lane_does_not_hold_up_another(qtbot: QtBot, runner: QtRunner) -> None:
    free = threading.Event()
    heard: list[str] = []
    runner.submit(Lane.TERMINAL, lambda: free.wait(5), lambda _: heard.append("terminal"), unexpected)
    runner.submit(Lane.LEDGER, lambda: None, lambda _: heard.append("ledger"), unexpected)
    qtbot.waitUntil(lambda: heard == ["ledger"], timeout=15_000)
    free.set()
    qtbot.waitUntil(lambda: heard == ["ledger", "terminal"], timeout=15_000)


def test_progress_posted_from_a_lane_arrives_before_its_result(qtbot: QtBot, runner: QtRunner) -> None:
    heard: list[tuple[str, bool]] = []

    def note(word: str) -> None:
        heard.append((word, threading.current_thread() is threading.main_thread()))

    def work() -> str:
        runner.post(lambda: note("half"))
        return "done"

    runner.submit(Lane.TERMINAL, work, note, unexpected)
    qtbot.waitUntil(lambda: len(heard) == 2, timeout=15_000)
    assert heard == [("half", True), ("done", True)]


def test_later_waits_and_can_be_cancelled(qtbot: QtBot, runner: QtRunner) -> None:
    heard: list[str] = []
    start = time.monotonic()
    cancel = runner.later(20, lambda: heard.append("cancelled"))
    runner.later(40, lambda: heard.append("came"))
    cancel()
    cancel()
    qtbot.waitUntil(lambda: bool(heard), timeout=15_000)
    assert heard == ["came"]
    assert time.monotonic() - start >= 0.035


def test_cancelling_after_it_ran_is_harmless(qtbot: QtBot, runner: QtRunner) -> None:
    heard: list[int] = []
    cancel = runner.later(0, lambda: heard.append(1))
    qtbot.waitUntil(lambda: heard == [1], timeout=15_000)
    qtbot.wait(5)
    cancel()


def test_close_lets_queued_work_finish_and_leaves_no_thread(qtbot: QtBot) -> None:
    runner = QtRunner()
    done: list[int] = []
    delivered: list[int] = []
    for number in range(5):
        runner.submit(Lane.LEDGER, partial(done.append, number), lambda _: delivered.append(1), unexpected)
    runner.later(0, lambda: delivered.append(2))
    assert runner.close(3)
    assert done == [0, 1, 2, 3, 4]
    assert lanes() == []
    runner.submit(Lane.LEDGER, lambda: done.append(9), lambda _: None, unexpected)
    runner.later(0, lambda: delivered.append(3))
    qtbot.wait(20)
    assert (done, delivered) == ([0, 1, 2, 3, 4], [])
    assert runner.close(0)


def test_close_says_which_lane_is_late_and_ends_the_others(qtbot: QtBot, caplog: pytest.LogCaptureFixture) -> None:
    runner = QtRunner()
    free = threading.Event()
    started = threading.Event()
    runner.submit(Lane.LEDGER, lambda: None, lambda _: None, unexpected)

    def work() -> None:
        started.set()
        free.wait(5)

    runner.submit(Lane.TERMINAL, work, lambda _: None, unexpected)
    assert started.wait(3)
    assert not runner.close(1)
    assert [record.getMessage() for record in caplog.records] == ["lane terminal did not end in time"]
    assert not any(thread.name.startswith("lane-ledger") for thread in threading.enumerate())
    free.set()
    wait_for_no_lanes()


def test_a_lane_that_ends_after_its_runner_is_gone_reaches_nothing_that_is_gone(qtbot: QtBot) -> None:
    heard: list[bool] = []
    for _ in range(40):
        runner = QtRunner()
        free = threading.Event()
        runner.submit(Lane.TERMINAL, partial(free.wait, 5), heard.append, unexpected)
        assert not runner.close(0.001)
        free.set()
        del runner
    wait_for_no_lanes()
    qtbot.wait(5)
    assert heard == []


def watching(qtbot: QtBot, caplog: pytest.LogCaptureFixture) -> Watchdog:
    """One that had nothing to say for a while: a busy machine stands still by itself now and then."""
    for _ in range(50):
        caplog.clear()
        dog = Watchdog()
        dog.start()
        qtbot.wait(120)
        if dog.blocks == 0:
            return dog
        dog.stop()
    pytest.fail("this machine is too busy")


def test_the_watchdog_logs_a_block_and_only_that(qtbot: QtBot, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="ewarung_pos.ui.qt_runner"):
        dog = watching(qtbot, caplog)
        assert caplog.records == []
        QTimer.singleShot(0, lambda: time.sleep(0.12))
        qtbot.waitUntil(lambda: dog.blocks == 1, timeout=15_000)
    dog.stop()
    assert 50 < dog.worst_ms < 1000
    assert [record.levelname for record in caplog.records] == ["WARNING"]


# --- without Qt ------------------------------------------------------------------------------------------------


def test_all_three_are_task_runners(runner: QtRunner) -> None:
    taken: list[TaskRunner] = [runner, SteppedRunner(), InlineRunner()]
    assert len(taken) == 3


def test_the_stepped_runner_works_at_once_and_calls_back_when_pumped() -> None:
    runner = SteppedRunner()
    heard: list[str] = []

    def work() -> str:
        heard.append("work")
        return "result"

    runner.submit(Lane.LEDGER, work, heard.append, unexpected)
    assert heard == ["work"]
    assert runner.pump()
    assert heard == ["work", "result"]


def test_the_stepped_runner_hands_errors_over() -> None:
    runner = SteppedRunner()
    heard: list[Exception] = []
    runner.submit(Lane.LEDGER, lambda: 1 // 0, lambda _: None, heard.append)
    runner.pump()
    assert [type(error) for error in heard] == [ZeroDivisionError]


def test_pump_stops_as_soon_as_the_condition_holds() -> None:
    runner = SteppedRunner()
    heard: list[int] = []
    for number in range(3):
        runner.post(partial(heard.append, number))
    assert runner.pump(lambda: len(heard) == 2)
    assert heard == [0, 1]


def test_pump_gives_up_at_its_deadline() -> None:
    runner = SteppedRunner()
    start = time.monotonic()
    assert not runner.pump(lambda: False, timeout=0.05)
    assert 0.04 <= time.monotonic() - start < 1


def test_pump_outlives_a_poll_without_end() -> None:
    runner = SteppedRunner()
    polls: list[int] = []

    def poll() -> None:
        polls.append(1)
        runner.later(0, poll)

    runner.later(0, poll)
    assert runner.pump(lambda: len(polls) == 50)
    runner.advance(10)
    assert len(polls) <= 52


def test_pump_hears_another_thread() -> None:
    runner = SteppedRunner()
    heard: list[int] = []
    thread = threading.Timer(0.02, lambda: runner.post(lambda: heard.append(1)))
    thread.start()
    assert runner.pump(lambda: heard == [1], timeout=3)
    thread.join()


@pytest.mark.parametrize("make", [SteppedRunner, InlineRunner])
def test_advance_fires_timers_in_order_without_waiting(make: Callable[[], SteppedRunner | InlineRunner]) -> None:
    runner = make()
    heard: list[str] = []

    def two() -> None:
        heard.append("two")
        runner.later(3_000, lambda: heard.append("five"))

    runner.later(10_000, lambda: heard.append("ten"))
    runner.later(2_000, two)
    cancel = runner.later(4_000, lambda: heard.append("never"))
    cancel()
    start = time.monotonic()
    runner.advance(6_000)
    assert heard == ["two", "five"]
    runner.advance(4_500)
    assert heard == ["two", "five", "ten"]
    assert time.monotonic() - start < 1


def test_the_inline_runner_does_all_at_once() -> None:
    runner = InlineRunner()
    heard: list[object] = []
    runner.submit(Lane.LEDGER, lambda: 1, heard.append, unexpected)
    runner.submit(Lane.LEDGER, lambda: 1 // 0, heard.append, lambda error: heard.append(type(error)))
    runner.post(lambda: heard.append("posted"))
    assert heard == [1, ZeroDivisionError, "posted"]
