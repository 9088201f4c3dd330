"""What the simulated POSe Link EDC does with the messages of tills: its states and its faults.

Written from the tables and not from the driver. Tills are known by the number of their connection; time is given from
outside. `poselink.py` brings the messages, the clock and the lines.
"""

from __future__ import annotations

import datetime as dt
import heapq
from dataclasses import dataclass

from ewarung_pos.devices.simulated import poselink_messages as wire
from ewarung_pos.devices.simulated.edc_bank import APPROVED, Bank, Slip
from ewarung_pos.devices.simulated.edc_face import EdcFace, HangUp, Task
from ewarung_pos.devices.simulated.faults import POSELINK, Fault, FaultScript

__all__ = ["Fragments", "PoseLinkEdc"]

_GARBAGE = "\x00EDC {not json"


@dataclass(frozen=True)
class Fragments:
    """In the outbox: one message, sent as a chain of WebSocket fragments."""

    text: str


@dataclass(kw_only=True)
class _Task(Task):
    request: wire.Request
    line: int


Out = str | Fragments | HangUp


class PoseLinkEdc(EdcFace[_Task]):
    """One terminal for any number of tills, one at a time. Give it messages and the time; take what is due."""

    def __init__(
        self,
        bank: Bank,
        faults: FaultScript | None = None,
        *,
        secret: str = wire.SECRET,
        pin_mode: str = "auto",
        delay_s: float = 0.003,
        autopilot: bool = True,
        autopilot_s: float = 0.2,
        lost_s: float | None = None,
        seed: int = 1,
    ) -> None:
        super().__init__(
            bank,
            faults or FaultScript((), POSELINK),
            pin_mode=pin_mode,
            delay_s=delay_s,
            autopilot=autopilot,
            autopilot_s=autopilot_s,
            lost_s=lost_s,
            seed=seed,
        )
        self._secret = secret
        self._outbox: list[tuple[float, int, int, Out]] = []
        self._deaf_until = 0.0
        self._last_stamp: dt.datetime | None = None

    # -- lines ----------------------------------------------------------------------------------------------------

    def hear(self, line: int, text: str, now: float) -> None:
        """A message from a till."""
        request = wire.read_request(text, self._secret)
        if request is None or request.stamp is None:
            self._emit(line, "Invalid data", now)
            self._emit(line, HangUp(), now)
            return
        if self._task is not None or now < self._deaf_until:
            self._refuse(line, "EDC is busy", now)
            return
        kind = wire.KINDS.get(request.action, "other")
        faults = self._faults.strike(kind)
        if "busy" in faults:
            self._refuse(line, "EDC is busy", now)
        elif "old_timestamp" in faults or (self._last_stamp is not None and request.stamp < self._last_stamp):
            self._refuse(line, "Invalid timestamp", now)
        else:
            self._last_stamp = request.stamp
            self._begin(line, kind, request, faults, now)

    def line_lost(self, line: int) -> None:
        """A till hung up: what was under way for it goes on, its answer goes nowhere."""
        self._outbox = [what for what in self._outbox if what[2] != line]
        heapq.heapify(self._outbox)
        if self._task is not None and self._task.line == line:
            self._task.mute = True

    def advance(self, now: float) -> None:
        """Do what is due."""
        task = self._task
        if task is not None and task.due is not None and now >= task.due:
            task.due = None
            self._step(task, now)

    def next_due(self) -> float | None:
        """When `advance` or `due` has something to do next."""
        times = [self._outbox[0][0]] if self._outbox else []
        if self._task is not None and self._task.due is not None:
            times.append(self._task.due)
        return min(times, default=None)

    def due(self, now: float) -> list[tuple[int, Out]]:
        """What goes out now, and on which line."""
        out = []
        while self._outbox and self._outbox[0][0] <= now:
            _, _, line, what = heapq.heappop(self._outbox)
            out.append((line, what))
        return out

    # -- requests -------------------------------------------------------------------------------------------------

    def _begin(self, line: int, kind: str, request: wire.Request, faults: dict[str, Fault], now: float) -> None:
        lost = faults.get("silence") or faults.get("hangup_before_ack")
        if "hangup_before_ack" in faults:
            self._emit(line, HangUp(), now)
        if lost is not None and not lost.processed:
            return
        task = _Task(
            kind=kind,
            amount=request.amount,
            ref=request.trx_id,
            request=request,
            line=line,
            faults=faults,
            phase="work",
            due=now + self._delay_s,
            mute=lost is not None or "hangup_after_ack" in faults or "drop_response" in faults,
        )
        self._task = task
        if lost is None and "no_ack" not in faults:
            if "garbage_before" in faults:
                self._emit(line, _GARBAGE, now)
            self._emit(line, wire.acknowledgement(request), now)
        if "hangup_after_ack" in faults:
            self._emit(line, HangUp(), now)
        if kind == "sale":
            task.holder, self._next_holder = self._next_holder, "ok"
            task.mute = task.mute or task.holder == "lose_answer"
            if not self._done_before(task):
                self._want_card(task, now)

    def _done_before(self, task: _Task) -> bool:
        found = self._bank.find(task.ref)
        return found is not None and found.kind == "sale" and found.moved

    def _work(self, task: _Task, now: float) -> None:
        match task.kind:
            case "sale" if self._done_before(task):
                self._answer(task, APPROVED, now, self._bank.find(task.ref))
            case "sale":
                if "other_card" in task.faults and task.card is not None:
                    task.card = self._bank.another(task.card, task.amount)
                self._end(task, self._sale_code(task), now)
            case "void":
                slip = self._bank.void(task.request.trace, task.ref)
                self._answer(task, slip.code, now, slip)
            case "settle":
                slip = self._bank.settle(task.ref)
                self._answer(task, slip.code, now, slip)
            case "inquiry":
                self._answer(task, *self._found(task, now))
            case _:
                self._answer(task, "12", now, None)

    def _found(self, task: _Task, now: float) -> tuple[str, float, Slip | None]:
        found = self._bank.find(task.ref)
        if found is None or found.code == "P3" or "not_found" in task.faults:
            return "", now, None
        if found.code == "TO":  # the EDC asks the host again
            return (APPROVED, now, found) if found.moved else ("", now, None)
        return found.code, now, found

    # -- answers --------------------------------------------------------------------------------------------------

    def _answer(self, task: _Task, code: str, now: float, slip: Slip | None) -> None:
        self._shows(task, code)
        if task.mute:
            if (breaks_at := self._breaks_at(task, now)) is not None:
                self._emit(task.line, HangUp(), breaks_at)
            return
        faults, request = task.faults, task.request
        said = wire.result(
            request,
            code,
            slip,
            extra=1 if "wrong_amount" in faults else 0,
            action=faults["wrong_type"].type if "wrong_type" in faults else request.action,
            trx_id="another-transaction" if "wrong_trx_id" in faults else request.trx_id,
        )
        text = wire.misshapen(said, faults)
        at = now
        if "late_response" in faults:
            at += (faults["late_response"].ms or 1000) / 1000
        if "garbage_before" in faults:
            self._emit(task.line, _GARBAGE, at)
        self._emit(task.line, Fragments(text) if "split" in faults else text, at)
        if "duplicate_response" in faults:
            at += (faults["duplicate_response"].ms or 0) / 1000
            self._emit(task.line, text, at)
        self._deaf_until = at

    def _refuse(self, line: int, words: str, now: float) -> None:
        self._emit(line, words, now)
        self._emit(line, HangUp(), now)

    def _emit(self, line: int, what: Out, at: float) -> None:
        heapq.heappush(self._outbox, (at, next(self._serial), line, what))
