"""The city's end of a connection: one on which no request arrives is closed.

Whoever opens connections and says nothing, or half a heading, would hold them for ever otherwise: the HTTP server
itself has patience without end before a request, and only rests between two of them are timed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from h11 import LocalProtocolError
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["HTTP", "allow_many"]

_LOOK_S = 10.0
_MANY = 16_384
"""Open files: each kiosk keeps its connection for a minute or so between two messages."""


def allow_many() -> None:
    """Let this process hold more connections than a shell's usual thousand, as far as the system lets it."""
    with suppress(ImportError, OSError, ValueError):  # there is no such limit on Windows
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _MANY if hard == resource.RLIM_INFINITY else min(_MANY, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class HTTP(H11Protocol):
    """HTTP/1.1; closes what has sent no whole heading for one to two looks."""

    _look: asyncio.TimerHandle
    _quiet = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is there."""
        super().connection_made(transport)
        self._look = self.loop.call_later(_LOOK_S, self._looked)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._look.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """The other end broke the protocol: tell it so, and whatever answers its request that nobody listens any more.

        Else that would answer on a connection that has an answer already, which looks like a fault of the city.
        """
        if self._answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        try:
            super().send_400_response(msg)
        except LocalProtocolError:  # an answer is on its way already, or may have no body (HEAD)
            self.transport.close()

    @property
    def _answering(self) -> bool:
        return bool(self.cycle) and not self.cycle.response_complete

    def _looked(self) -> None:
        quiet = not self._answering and self.timeout_keep_alive_task is None  # nor is it the rest between two requests
        if quiet and self._quiet:
            self.transport.close()
            return
        self._quiet = quiet
        self._look = self.loop.call_later(_LOOK_S, self._looked)
