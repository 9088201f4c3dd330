"""A POSe Link conversation written down beforehand, for wire tests."""

from __future__ import annotations

import base64
import json
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ewarung_pos.devices.transport import LinkLost

SECRET = "unit-test-secret"
KEY = bytes.fromhex("a8e6ea9e77cd178ecc184aa2d3df5513")


class Later:
    """What follows arrives when somebody pings."""


Said = str | dict[str, Any] | LinkLost | Later | None
"""A message (a value is JSON), the end of the line, or silence for as long as one read lasts."""

Step = tuple[str | None, Said | list[Said] | Callable[[dict[str, Any]], Said | list[Said]]]
"""The action that must be sent, and what then arrives. A step with None instead of an action arrives by itself."""


def opened(text: str) -> dict[str, Any]:
    """A request as the EDC reads it."""
    cipher = Cipher(algorithms.AES(KEY), modes.ECB()).decryptor()  # noqa: S305 - the vendor's
    padded = cipher.update(base64.b64decode(text, validate=True)) + cipher.finalize()
    told: dict[str, Any] = json.loads(padded[: -padded[-1]])
    return told


class ScriptedLink:
    """`MessageLink` of a script; `done` fails when something of it was left out."""

    name = "scripted"

    def __init__(self, script: Iterable[Step], *, opens: Iterable[LinkLost | None] = (), pongs: Iterable[Any] = ()):
        self._script = deque(script)
        self._inbox: deque[Said] = deque()
        self._opens = deque(opens)
        self._pongs = deque(pongs)
        self._gone: LinkLost | None = None
        self.is_open = False
        self.connections = 0
        self.requests: list[dict[str, Any]] = []
        self.broken_send: LinkLost | None = None

    def open(self, deadline: float) -> None:
        if self.is_open:
            return
        refused = self._opens.popleft() if self._opens else None
        if refused is not None:
            raise refused
        self.is_open = True
        self.connections += 1
        self._gone = None
        self._unprompted()

    def send(self, text: str, deadline: float) -> None:
        if self.broken_send is not None:
            broken, self.broken_send = self.broken_send, None
            raise broken
        if self._gone is not None or not self.is_open:
            raise LinkLost("unplugged")
        request = opened(text)
        self.requests.append(request)
        if not self._script:
            raise AssertionError(f"unexpected {request['action']}")
        action, answer = self._script.popleft()
        if action != request["action"]:
            raise AssertionError(f"{request['action']} is not the {action} of the script")
        self._deliver(answer(request) if callable(answer) else answer)
        self._unprompted()

    def receive(self, deadline: float) -> str | None:
        if self._gone is not None:
            raise self._gone
        said = self._inbox.popleft() if self._inbox else None
        match said:
            case Later():
                self._inbox.appendleft(said)
                time.sleep(max(0.0, deadline - time.monotonic()))
                return None
            case None:
                time.sleep(max(0.0, deadline - time.monotonic()))
                return None
            case LinkLost():
                self._gone = said
                raise said
            case str():
                return said
            case dict():
                return json.dumps(said)

    def ping(self, deadline: float) -> bool:
        if self._gone is not None:
            raise self._gone
        if self._inbox and isinstance(self._inbox[0], Later):
            self._inbox.popleft()
        answer = self._pongs.popleft() if self._pongs else True
        if isinstance(answer, LinkLost):
            raise answer
        return bool(answer)

    def close(self) -> None:
        self.is_open = False
        self._inbox.clear()

    def done(self) -> None:
        left = [said for said in self._inbox if said is not None]
        assert not self._script, f"{len(self._script)} requests missing"
        assert not left, f"{len(left)} messages unread"

    def _deliver(self, answer: Said | list[Said]) -> None:
        self._inbox.extend(answer if isinstance(answer, list) else [answer])

    def _unprompted(self) -> None:
        if self._script and self._script[0][0] is None:
            answer = self._script.popleft()[1]
            assert not callable(answer)
            self._deliver(answer)
