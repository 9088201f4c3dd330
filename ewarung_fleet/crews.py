"""The crews as their conductor sees them: processes that work at the same time, or one crew in this very process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Protocol, TypeVar

import msgspec

from ewarung_fleet.crew import Crew
from ewarung_fleet.messages import Begin, Done, Looked, Order
from ewarung_pos.errors import ConfigError

__all__ = ["Crews", "Hands", "OwnHands", "Worker"]

T = TypeVar("T", Done, Looked)

_STOP_S = 10.0


class Hands(Protocol):
    """One crew: told what to do, and asked later what came of it."""

    def tell(self, order: Order) -> None:
        """Begin to carry that out."""
        ...

    def hear(self, kind: type[T]) -> T:
        """What came of it.

        Raises:
            ConfigError: the crew is gone.
        """
        ...

    def close(self) -> None:
        """It is not needed any more."""
        ...


class Worker:
    """A crew in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ewarung_fleet.crew"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def tell(self, order: Order) -> None:
        """One line in."""
        if self._process.stdin is not None:
            try:
                self._process.stdin.write(msgspec.json.encode(order) + b"\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                return  # `hear` says so

    def hear(self, kind: type[T]) -> T:
        """One line out."""
        line = self._process.stdout.readline() if self._process.stdout is not None else b""
        if not line:
            raise ConfigError(f"a crew ended with code {self._process.wait()}", reason="crew")
        return msgspec.json.decode(line, type=kind)

    def close(self) -> None:
        """It ends when nobody gives orders any more."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class OwnHands:
    """A crew in this process: the only one that a test can lay hands on."""

    def __init__(self) -> None:
        self.crew: Crew | None = None
        self._said: Done | Looked = Done()

    def tell(self, order: Order) -> None:
        """Carry it out at once."""
        if isinstance(order, Begin):
            self.crew, self._said = Crew(order), Done()
        elif self.crew is not None:
            self._said = self.crew.carry_out(order)

    def hear(self, kind: type[T]) -> T:
        """What came of it."""
        return msgspec.convert(self._said, kind)

    def close(self) -> None:
        """Switch off what is on."""
        if self.crew is not None:
            self.crew.close()


class Crews:
    """All of them: an order goes to each, and its results are waited for."""

    def __init__(self, crews: Sequence[Hands]) -> None:
        self._crews = crews

    def begin(self, begins: Sequence[Begin]) -> None:
        """Each begins with its own kiosks."""
        for crew, begin in zip(self._crews, begins, strict=True):
            crew.tell(begin)
        for crew in self._crews:
            crew.hear(Done)

    def all(self, order: Order, kind: type[T]) -> list[T]:
        """The same order to each."""
        for crew in self._crews:
            crew.tell(order)
        return [crew.hear(kind) for crew in self._crews]

    def each(self, orders: Sequence[Order]) -> list[Done]:
        """To each its own."""
        for crew, order in zip(self._crews, orders, strict=True):
            crew.tell(order)
        return [crew.hear(Done) for crew in self._crews]

    def close(self) -> None:
        """None of them is needed any more."""
        for crew in self._crews:
            crew.close()
