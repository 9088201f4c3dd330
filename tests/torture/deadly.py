"""The real till, which dies (kill -9) at one chosen point: `python -m tests.torture.deadly POINT NTH demo ...`.

The points are those at which something became durable somewhere: in the ledger, at the bank, on paper, at the city.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from ewarung_pos.__main__ import main
from ewarung_pos.devices.ecr import EcrLine
from ewarung_pos.devices.ecr_codec import TransType
from ewarung_pos.devices.ecr_terminal import EcrTerminal
from ewarung_pos.devices.escpos import EscposPrinter
from ewarung_pos.services.day import DayService
from ewarung_pos.services.printing import PaperService
from ewarung_pos.services.redeem import RedeemService, Redemption
from ewarung_pos.services.reverse import Reversal, ReverseService
from ewarung_pos.sync.client import HttpCityServer
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.ui.viewmodels import sync

__all__ = ["POINTS"]

Counts = Callable[[tuple[Any, ...], Any], bool]


def _always(given: tuple[Any, ...], result: Any) -> bool:
    return True


def _asks(kind: TransType) -> Counts:
    return lambda given, _: given[1].type == kind


def _gives(kind: type) -> Counts:
    return lambda _, result: isinstance(result, kind)


POINTS: dict[str, tuple[tuple[type[Any], str, Counts], ...]] = {
    "intent-committed": ((RedeemService, "begin", _always),),
    "terminal-asked": ((EcrLine, "send", _asks(TransType.SALE)),),
    "terminal-answered": ((EcrTerminal, "pay", _always),),
    "redemption-committed": (
        (RedeemService, "redeem", _always),
        (RedeemService, "conclude", _gives(Redemption)),
    ),
    "paper-out": ((EscposPrinter, "print", _always),),
    "print-done-committed": ((PaperService, "print_out", _always),),
    "push-sent": ((HttpCityServer, "push", _always),),
    "ack-stored": ((SyncEngine, "_acknowledged", _always),),
    "void-intent-committed": ((ReverseService, "begin_void", _always),),
    "void-asked": ((EcrLine, "send", _asks(TransType.VOID)),),
    "void-answered": ((EcrTerminal, "void", _always),),
    "reversal-committed": (
        (ReverseService, "reverse", _always),
        (ReverseService, "conclude", _gives(Reversal)),
    ),
    "day-sealed": ((DayService, "seal", _always),),
}
"""Where to die: right after one of these calls has come back, before anybody hears of it."""


def arm(point: str, nth: int) -> None:
    """Die at the nth time that the point is reached."""
    left = [nth]

    def deadly(really: Callable[..., Any], counts: Counts) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            result = really(*given, **named)
            if counts(given, result):
                left[0] -= 1
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    for owner, name, counts in POINTS[point]:
        setattr(owner, name, deadly(getattr(owner, name), counts))


if __name__ == "__main__":
    arm(sys.argv[1], int(sys.argv[2]))
    # A morning served without a pause would send nothing before its end: the till waits for a quiet second.
    sync.AFTER_COMMIT_MS = 0
    main(sys.argv[3:])
