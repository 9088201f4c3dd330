"""Serial ports, and the TCP bridges that look like one: opened and shut without leaving a connection behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import serial

__all__ = ["opened", "shut"]


class _Closes(Protocol):
    def close(self) -> None: ...


def opened(url: str, **settings: Any) -> serial.Serial:
    """An open port.

    Args:
        url: a port or URL of pyserial's.
        settings: as pyserial takes them.

    Raises:
        Exception: pyserial's own; then nothing is left open.
    """
    import serial

    port = serial.serial_for_url(url, do_not_open=True, **settings)
    try:
        port.open()
    except BaseException:
        shut(port)
        raise
    return port


def shut(port: _Closes) -> None:
    """Close it whole: where a TCP peer is gone already, pyserial forgets its socket without closing it.

    Raises:
        Exception: pyserial's own.
    """
    left = getattr(port, "_socket", None)
    try:
        port.close()
    finally:
        if left is not None:
            left.close()
