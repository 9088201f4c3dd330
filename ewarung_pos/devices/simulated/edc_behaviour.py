"""What the simulated EDC does with the bytes of a till: its own small codec, its states, and its faults.

Written from the published tables and not from the driver, so that a mistake in one shows against the other. Time is
given from outside; `edc.py` brings the bytes, the clock and the line.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from ewarung_pos.devices.simulated import edc_frames as wire
from ewarung_pos.devices.simulated.edc_bank import APPROVED, Bank, Slip
from ewarung_pos.devices.simulated.edc_face import EdcFace, HangUp, Task
from ewarung_pos.devices.simulated.faults import Fault, FaultScript

__all__ = ["Edc", "HangUp"]

_STALE_S = 1.0


@dataclass(kw_only=True)
class _Task(Task):
    request: wire.Request


class Edc(EdcFace[_Task]):
    """One terminal. Give it bytes and the time; take what is due from `due()`."""

    def __init__(
        self,
        bank: Bank,
        faults: FaultScript | None = None,
        *,
        pin_mode: str = "auto",
        delay_s: float = 0.003,
        autopilot: bool = True,
        autopilot_s: float = 0.2,
        lost_s: float | None = None,
        seed: int = 1,
    ) -> None:
        super().__init__(
            bank,
            faults or FaultScript(),
            pin_mode=pin_mode,
            delay_s=delay_s,
            autopilot=autopilot,
            autopilot_s=autopilot_s,
            lost_s=lost_s,
            seed=seed,
        )
        self._input = bytearray()
        self._input_at = 0.0
        self._outbox: list[tuple[float, int, bytes | HangUp]] = []
        self._deaf_until = 0.0
        self._repeat: bytes = b""
        self._refusing: tuple[bytes, int] = (b"", 0)

    # -- the line -------------------------------------------------------------------------------------------------

    def feed(self, data: bytes, now: float) -> None:
        """Bytes from the till. While the EDC is busy they lie in its buffer."""
        if self._input and now - self._input_at > _STALE_S and not self._busy(now):
            self._input.clear()
        self._input += data
        self._input_at = now
        self._pump(now)

    def advance(self, now: float) -> None:
        """Do what is due."""
        if now >= self._deaf_until:
            self._deaf_until = 0.0
        task = self._task
        if task is not None and task.due is not None and now >= task.due:
            task.due = None
            self._step(task, now)
        self._pump(now)

    def next_due(self) -> float | None:
        """When `advance` or `due` has something to do next."""
        times = [self._outbox[0][0]] if self._outbox else []
        if self._task is not None and self._task.due is not None:
            times.append(self._task.due)
        if self._deaf_until:
            times.append(self._deaf_until)
        return min(times, default=None)

    def due(self, now: float) -> list[bytes | HangUp]:
        """What goes out now."""
        out = []
        while self._outbox and self._outbox[0][0] <= now:
            out.append(heapq.heappop(self._outbox)[2])
        return out

    def line_lost(self) -> None:
        """The till hung up: what was under way goes on, its answer goes nowhere."""
        self._outbox.clear()
        self._input.clear()
        self._repeat = b""
        if self._task is not None:
            if self._task.kind == "card":
                self._task = None
            else:
                self._task.mute = True

    # -- requests -------------------------------------------------------------------------------------------------

    def _busy(self, now: float) -> bool:
        task = self._task
        waiting = task is None or (task.kind == "card" and task.phase == "card")
        return not waiting or now < self._deaf_until

    def _pump(self, now: float) -> None:
        while self._input and not self._busy(now):
            first = self._input[0]
            if first == 0x02:
                if len(self._input) < 3:
                    return
                if bytes(self._input[1:3]) != b"\x01\x50":
                    self._input.clear()
                    self._emit(b"\x15", now)
                    return
                if len(self._input) < wire.REQUEST_BYTES:
                    return
                frame = bytes(self._input[: wire.REQUEST_BYTES])
                del self._input[: wire.REQUEST_BYTES]
                self._take(frame, now)
            else:
                del self._input[0]
                if first == 0x15 and self._repeat:
                    self._emit(self._repeat, now)
                elif first == 0x06:
                    self._repeat = b""

    def _take(self, frame: bytes, now: float) -> None:
        request = wire.parse_request(frame)
        if request is None:
            self._emit(b"\x15", now)
            return
        self._task = None  # a waiting card information request is superseded
        kind = wire.KINDS.get(request.type, "other")
        same, left = self._refusing
        if same == frame:
            faults: dict[str, Fault] = {}
            if left:
                self._refusing = (frame, left - 1)
                self._emit(b"\x15", now)
                return
        else:
            faults = self._faults.strike(kind)
            if "nak" in faults:
                self._refusing = (frame, faults["nak"].count - 1)
                self._emit(b"\x15", now)
                return
        self._refusing = (b"", 0)
        self._begin(kind, request, faults, now)

    def _begin(self, kind: str, request: wire.Request, faults: dict[str, Fault], now: float) -> None:
        silence = faults.get("silence")
        if silence is not None and not silence.processed:
            return
        self._repeat = b""
        task = _Task(
            kind=kind,
            amount=request.amount,
            ref=request.ref,
            request=request,
            faults=faults,
            phase="work",
            due=now + self._delay_s,
            mute=silence is not None or "hangup_after_ack" in faults or "drop_response" in faults,
        )
        self._task = task
        if silence is None and "glue_ack" not in faults:
            self._emit((wire.GARBAGE if "garbage_before" in faults else b"") + b"\x06", now)
        if "hangup_after_ack" in faults:
            self._emit(HangUp(), now)
        if kind == "sale":
            task.holder, self._next_holder = self._next_holder, "ok"
            task.mute = task.mute or task.holder == "lose_answer"
        if kind in {"sale", "card"}:
            self._want_card(task, now)

    def _work(self, task: _Task, now: float) -> None:
        match task.kind:
            case "sale":
                if "other_card" in task.faults and task.card is not None:
                    task.card = self._bank.another(task.card, task.amount)
                self._end(task, self._sale_code(task), now)
            case "void":
                slip = self._bank.void(task.request.invoice, task.ref)
                self._answer(task, slip.code, now, slip)
            case "settle":
                slip = self._bank.settle(task.ref)
                self._answer(task, slip.code, now, slip)
            case "inquiry":
                found = self._bank.find(task.ref)
                if found is not None and found.code == "TO":  # the EDC asks the host again
                    code = APPROVED if found.moved else "25"
                else:
                    code = found.code if found is not None else "25"
                self._answer(task, code, now, found)
            case "echo" | "card":
                self._answer(task, APPROVED, now, None)
            case _:
                self._answer(task, "12", now, None)

    # -- answers --------------------------------------------------------------------------------------------------

    def _answer(self, task: _Task, code: str, now: float, slip: Slip | None) -> None:
        self._shows(task, code)
        if task.mute:
            if (breaks_at := self._breaks_at(task, now)) is not None:
                self._emit(HangUp(), breaks_at)
            return
        faults = task.faults
        frame = wire.response_frame(
            task.request,
            code,
            slip=slip,
            card=task.card if task.kind in {"card", "sale"} else None,
            # A card information answer carries a number too, so that two of the same second differ.
            trace=f"{next(self._serial):012d}" if task.kind == "card" else "",
            whole_number=task.kind == "card",
            kind=faults["wrong_type"].type if "wrong_type" in faults else task.request.type,
            extra=1 if "wrong_amount" in faults else 0,
        )
        first, again = wire.misshapen(frame, faults)
        self._repeat = again
        at = now
        if "late_response" in faults:
            at += (faults["late_response"].ms or 1000) / 1000
        if "split" in faults:
            pause = (1 if faults["split"].ms is None else faults["split"].ms) / 1000
            for byte in first:
                self._emit(bytes([byte]), at)
                at += pause
        else:
            self._emit(first, at)
        if "duplicate_response" in faults:
            at += (faults["duplicate_response"].ms or 0) / 1000
            self._emit(frame, at)
        self._deaf_until = at

    def _emit(self, what: bytes | HangUp, at: float) -> None:
        heapq.heappush(self._outbox, (at, next(self._serial), what))
