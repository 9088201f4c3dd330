"""Tills that do it wrong, for the explorer to catch: `python -m tests.torture.careless HOW demo --headless ...`.

Each is the real program with one rule of it broken before it starts; none can be had through a switch of the product.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ewarung_pos.__main__ import main
from ewarung_pos.devices.ecr_reader import EcrCardReader
from ewarung_pos.devices.ecr_terminal import EcrTerminal
from ewarung_pos.devices.escpos import EscposPrinter
from ewarung_pos.ledger import engine
from ewarung_pos.ledger.unit_of_work import SqlUnitOfWork
from ewarung_pos.ports import Attempt, DeviceState, DeviceStatus, PaymentIntent, PrintJob, PrintReport
from ewarung_pos.services import printing

__all__ = ["HABITS"]

HABITS: dict[str, Callable[[], None]] = {}


def _habit(act: Callable[[], None]) -> Callable[[], None]:
    HABITS[act.__name__.replace("_", "-")] = act
    return act


def _synchronous(name: str, number: int) -> None:
    kept = tuple(setting for setting in engine._WRITING if setting[0] != "synchronous")
    engine._WRITING = (*kept, ("synchronous", name, number))


@_habit
def rarely_synced() -> None:
    """`synchronous = NORMAL`: a commit returns before its bytes are on the disk."""
    _synchronous("NORMAL", 1)


@_habit
def never_synced() -> None:
    """`synchronous = OFF`."""
    _synchronous("OFF", 0)


def _remembered(kind: type[Any]) -> list[Any]:
    """The objects of that class, as they are made."""
    made: list[Any] = []
    really = kind.__init__

    def init(self: Any, *given: Any, **named: Any) -> None:
        really(self, *given, **named)
        made.append(self)

    kind.__init__ = init
    return made


@_habit
def early_paper() -> None:
    """The receipt is printed inside of the unit of work, before its COMMIT."""
    printers = _remembered(EscposPrinter)
    really_print, really_queue = EscposPrinter.print, SqlUnitOfWork.queue_print

    def queue(self: SqlUnitOfWork, *given: Any) -> PrintJob:
        job = really_queue(self, *given)
        sealed = self.entry(job.entry)
        assert sealed is not None
        really_print(printers[-1], printing._document(self, sealed, job.copy))
        return job

    SqlUnitOfWork.queue_print = queue  # type: ignore[method-assign,assignment]
    report = PrintReport(confirmed=True, status=DeviceStatus(DeviceState.READY))
    EscposPrinter.print = lambda _self, document: report  # type: ignore[method-assign,assignment]


@_habit
def early_money() -> None:
    """The EDC is asked inside of the unit of work that keeps the intent, before its COMMIT."""
    terminals, readers = _remembered(EcrTerminal), _remembered(EcrCardReader)
    really_pay, really_open = EcrTerminal.pay, SqlUnitOfWork.open_attempt
    answers: dict[str, Any] = {}

    def opened(self: SqlUnitOfWork, attempt: Attempt) -> None:
        really_open(self, attempt)
        readers[-1].release()
        intent = PaymentIntent(attempt.id, attempt.amount, attempt.card.last4)
        answers[attempt.id] = really_pay(terminals[-1], intent, lambda _: None)

    SqlUnitOfWork.open_attempt = opened  # type: ignore[method-assign]
    EcrTerminal.pay = lambda _self, intent, on_step: answers[intent.attempt]  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    HABITS[sys.argv[1]]()
    main(sys.argv[2:])
