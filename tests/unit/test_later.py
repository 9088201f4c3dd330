"""What stands in for the line to the city until somebody calls it."""

from __future__ import annotations

from ewarung_pos.app import _Later


class Line:
    def __init__(self) -> None:
        self.closed = 0

    def echo(self, word: str, *, times: int) -> str:
        return word * times

    def close(self) -> None:
        self.closed += 1


def test_a_part_is_made_by_its_first_call_and_once() -> None:
    made: list[Line] = []

    def make() -> Line:
        made.append(Line())
        return made[-1]

    part = _Later(make)
    echo = part.echo
    assert made == [], "handing a method on is not calling it"
    assert echo("a", times=2) == "aa"
    assert part.echo("b", times=1) == "b"
    part.close()
    assert [line.closed for line in made] == [1]


def test_a_part_that_nobody_called_has_nothing_to_close() -> None:
    def make() -> Line:
        raise AssertionError("nobody called it")

    _Later(make).close()
