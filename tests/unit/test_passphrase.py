"""The passphrase, asked on the terminal: never shown, never shorter than it may be, and nobody is asked for ever."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from ewarung_pos.errors import ConfigError
from ewarung_pos.kiosk.passphrase import at_terminal, person
from ewarung_pos.ledger.key_passphrase import Question

GOOD = "beras lima kilo"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Types these lines, one for each question; returns what was asked."""

    def types(*lines: str) -> list[str]:
        left, asked = list(lines), list[str]()

        def getpass(prompt: str) -> str:
            asked.append(prompt)
            if not left:
                raise EOFError
            return left.pop(0)

        monkeypatch.setattr("getpass.getpass", getpass)
        return asked

    return types


def test_the_first_question_and_the_one_after_a_wrong_answer(
    typed: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = typed(GOOD, GOOD)
    assert at_terminal(Question.OPEN) == GOOD
    assert capsys.readouterr().err == ""
    assert at_terminal(Question.WRONG) == GOOD
    assert "Kata sandi salah." in capsys.readouterr().err
    assert asked == ["Kata sandi buku catatan: "] * 2


def test_a_new_one_is_long_enough_and_typed_twice_the_same(
    typed: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    typed("pendek", GOOD, "beras lima kila", GOOD, GOOD)
    assert at_terminal(Question.NEW) == GOOD
    said = capsys.readouterr().err
    assert "Terlalu pendek: paling sedikit 10 huruf." in said
    assert "Keduanya tidak sama." in said
    assert GOOD not in said


@pytest.mark.parametrize("lines", [(), ("",)])
def test_nothing_typed_ends_it(lines: tuple[str, ...], typed: Callable[..., list[str]]) -> None:
    typed(*lines)
    with pytest.raises(ConfigError) as caught:
        at_terminal(Question.OPEN)
    assert caught.value.reason == "no_passphrase"


def test_only_somebody_at_a_terminal_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    assert person() is at_terminal
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert person() is None
    monkeypatch.setattr("sys.stdin", None)
    assert person() is None
