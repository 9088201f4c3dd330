"""Ctrl+C is heeded between two pieces of work, whatever a library does with an exception in the middle of one."""

from __future__ import annotations

import contextlib
import os
import signal

import pytest

from ewarung_pos.practice.interrupt import InterruptibleRunner


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("until", [None, lambda: False], ids=["what is due", "until something shows"])
def test_what_is_under_way_is_finished_and_nothing_else_begun(until: object) -> None:
    done: list[str] = []
    runner = InterruptibleRunner()

    def swallows() -> None:
        with contextlib.suppress(BaseException):
            ctrl_c()
            done.append("printed")

    runner.post(swallows)
    if callable(until):
        runner.post(lambda: done.append("next"))
    with runner, pytest.raises(KeyboardInterrupt):
        runner.pump(until)  # type: ignore[arg-type]
    assert done == ["printed"]


def test_who_presses_twice_is_heeded_at_once() -> None:
    runner = InterruptibleRunner()
    with runner:
        ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            ctrl_c()


def test_afterwards_ctrl_c_is_python_s_own_again() -> None:
    before = signal.getsignal(signal.SIGINT)
    with InterruptibleRunner() as runner:
        assert signal.getsignal(signal.SIGINT) != before
        assert runner.pump()
        assert runner.pump(lambda: True)
    assert signal.getsignal(signal.SIGINT) == before
