"""Wires to a receipt printer: TCP, serial port, USB device file, USB by vendor and product.

Each gives the same three things, all bounded in time: write, read what the printer said, close. They are ours and
not python-escpos's because its back ends write without a deadline and take silence for good news.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import time
from collections.abc import Callable
from typing import Any, Protocol

from ewarung_pos.devices.plugged import NotPlugged, UsbName, port_now, printer_files
from ewarung_pos.devices.serial_ports import opened, shut
from ewarung_pos.devices.transport import LINK_ERRORS
from ewarung_pos.errors import PrinterNotReady

__all__ = ["Connect", "PrinterLink", "network", "serial_port", "usb_device", "usb_file"]

_BUSY = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EBUSY}
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_BITS_PER_BYTE = 10
"""On a serial line: a start bit, eight of data, a stop bit."""
_LISTEN_S = 0.2
"""So long what a printer still says is taken before its connection is ended."""


class PrinterLink(Protocol):
    """An open wire to a printer.

    Attributes:
        byte_s: seconds that one byte is on its way; 0 where the wire is faster than any printer.
    """

    byte_s: float

    def write(self, data: bytes, timeout: float) -> None:
        """Hand all of `data` over within `timeout` seconds.

        Raises:
            PrinterNotReady: reason `link` (gone) or `stalled` (it takes no more); `maybe_out` says whether any byte of
                `data` may have left.
        """
        ...

    def unsent(self) -> int:
        """Bytes of what was written that still wait in this machine; 0 where it does not tell.

        Raises:
            PrinterNotReady: reason `link`.
        """
        ...

    def read(self, timeout: float) -> bytes:
        """What the printer has said, waiting at most `timeout` seconds for the first byte; empty when nothing.

        Raises:
            PrinterNotReady: reason `link`.
        """
        ...

    def close(self) -> None:
        """Give the wire back. Never raises."""
        ...


Connect = Callable[[], PrinterLink]
"""Opens the wire; raises `PrinterNotReady`: link (nobody at the other end), in_use, no_permission, no_driver."""


def network(host: str, port: int = 9100, timeout: float = 3.0) -> Connect:
    """A printer on the network (raw TCP)."""

    def connect() -> PrinterLink:
        try:
            return _Socket(socket.create_connection((host, port), timeout))
        except OSError as exc:
            raise _gone(exc) from exc

    return connect


def serial_port(port: str, baudrate: int = 9600, flow: str = "none") -> Connect:
    """A printer on a serial port or a USB-CDC or Bluetooth port that looks like one; nobody else prints meanwhile.

    `flow` is who stops whom: `none`, `rtscts`, `dsrdtr` or `xonxoff`.
    """
    alone: dict[str, Any] = {} if "://" in port else {"exclusive": True}

    def connect() -> PrinterLink:
        try:
            return _Serial(
                opened(
                    port_now(port),
                    baudrate=baudrate,
                    timeout=0,
                    write_timeout=3.0,
                    rtscts=flow == "rtscts",
                    dsrdtr=flow == "dsrdtr",
                    xonxoff=flow == "xonxoff",
                    **alone,
                ),
                _BITS_PER_BYTE / baudrate,
            )
        except NotPlugged as exc:
            raise PrinterNotReady(str(exc), reason="which_port" if exc.reason == "which_port" else "link") from exc
        except LINK_ERRORS as exc:
            raise _gone(exc) from exc
        except ValueError as exc:
            raise _gone(exc) from exc

    return connect


def usb_file(path: str = "/dev/usb/lp0") -> Connect:
    """A USB printer through the kernel's printer class driver (Linux).

    Raises (when connecting):
        PrinterNotReady: this system has no such files (`no_driver`).
    """

    def connect() -> PrinterLink:
        if os.name != "posix":
            raise PrinterNotReady("no printer device files on this system", reason="no_driver")
        try:
            return _DeviceFile(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY))
        except OSError as exc:
            raise _gone(exc) from exc

    return connect


def usb_device(name: UsbName) -> Connect:
    """A USB printer by its numbers: through the file that the kernel made for it, else pyusb (extra `usb-printer`).

    Raises (when connecting):
        PrinterNotReady: two printers fit (`which_port`); pyusb or libusb beneath it is not installed (`no_driver`).
    """

    def connect() -> PrinterLink:
        files = [file for file, theirs, _ in printer_files() if name.fits(theirs.vendor, theirs.product, theirs.serial)]
        if len(files) > 1:
            raise PrinterNotReady(f"{len(files)} printers of this kind", reason="which_port")
        if files:
            return usb_file(str(files[0]))()
        try:
            import usb.core
        except ImportError as exc:
            raise PrinterNotReady("pyusb is not installed", reason="no_driver") from exc
        try:
            return _Usb(name)
        except usb.core.NoBackendError as exc:
            raise PrinterNotReady("libusb-1.0 is not installed", reason="no_driver") from exc
        except usb.core.USBError as exc:
            raise _gone(exc) from exc

    return connect


def _gone(exc: Exception, *, left: bool = False) -> PrinterNotReady:
    code = exc.errno if isinstance(exc, OSError) else None
    reason = "in_use" if code in _BUSY else "no_permission" if code in _FORBIDDEN else "link"
    return PrinterNotReady(f"{type(exc).__name__}: {exc}", reason=reason, maybe_out=left)


def _stalled(*, left: bool) -> PrinterNotReady:
    return PrinterNotReady("the printer takes no more bytes", reason="stalled", maybe_out=left)


class _Socket:
    byte_s = 0.0

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def write(self, data: bytes, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        rest = memoryview(data)
        try:
            while rest:
                self._link.settimeout(max(0.001, deadline - time.monotonic()))
                rest = rest[self._link.send(rest) :]
        except TimeoutError as exc:
            raise _stalled(left=len(rest) < len(data)) from exc
        except OSError as exc:
            raise _gone(exc, left=len(rest) < len(data)) from exc

    def unsent(self) -> int:
        return 0

    def read(self, timeout: float) -> bytes:
        try:
            self._link.settimeout(max(timeout, 0.001))
            got = self._link.recv(64)
        except TimeoutError:
            return b""
        except OSError as exc:
            raise _gone(exc) from exc
        if not got:
            raise PrinterNotReady("the printer closed the connection", reason="link")
        return got

    def close(self) -> None:
        with contextlib.suppress(OSError):
            # Unread bytes would turn the close into a reset, and a reset may take the last lines with it.
            self._link.settimeout(0.001)
            until = time.monotonic() + _LISTEN_S
            while self._link.recv(4096) and time.monotonic() < until:
                pass
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_WR)
        self._link.close()


class _Port(Protocol):
    """What is used of pyserial."""

    timeout: float | None
    write_timeout: float | None

    @property
    def in_waiting(self) -> int: ...

    @property
    def out_waiting(self) -> int: ...

    def write(self, data: bytes, /) -> int | None: ...

    def read(self, size: int = 1, /) -> bytes: ...

    def close(self) -> None: ...


class _Serial:
    def __init__(self, port: _Port, byte_s: float) -> None:
        self._port = port
        self.byte_s = byte_s

    def write(self, data: bytes, timeout: float) -> None:
        import serial

        try:
            self._port.write_timeout = timeout
            self._port.write(data)
        except serial.SerialTimeoutException as exc:
            # It may have handed all of them over, and then waited in vain for room for more.
            raise _stalled(left=True) from exc
        except LINK_ERRORS as exc:
            raise _gone(exc, left=True) from exc

    def unsent(self) -> int:
        try:
            return self._port.out_waiting
        except (AttributeError, NotImplementedError):
            return 0  # a line over the network: pyserial does not know
        except LINK_ERRORS as exc:
            raise _gone(exc) from exc

    def read(self, timeout: float) -> bytes:
        try:
            self._port.timeout = timeout
            first = self._port.read(1)
            return first + (self._port.read(self._port.in_waiting) if first and self._port.in_waiting else b"")
        except LINK_ERRORS as exc:
            raise _gone(exc) from exc

    def close(self) -> None:
        with contextlib.suppress(*LINK_ERRORS):
            shut(self._port)


class _DeviceFile:
    byte_s = 0.0

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        rest = memoryview(data)
        while rest:
            _, writable, _ = select.select([], [self._descriptor], [], max(0.0, deadline - time.monotonic()))
            if not writable:
                raise _stalled(left=len(rest) < len(data))
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                continue
            except OSError as exc:
                raise _gone(exc, left=len(rest) < len(data)) from exc

    def unsent(self) -> int:
        return 0

    def read(self, timeout: float) -> bytes:
        readable, _, _ = select.select([self._descriptor], [], [], timeout)
        if not readable:
            return b""
        try:
            return os.read(self._descriptor, 64)
        except BlockingIOError:
            return b""
        except OSError as exc:
            raise _gone(exc) from exc

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


class _Usb:
    """pyusb: the interface that says it is a printer, else one of the maker's own class; bulk-in where there is one."""

    byte_s = 0.0
    _CLASSES = (0x07, 0xFF)

    def __init__(self, name: UsbName) -> None:
        import usb.core
        import usb.util

        unnamed = 0

        def fits(each: Any) -> bool:  # noqa: ANN401 - pyusb ships no types
            nonlocal unnamed
            try:
                return not name.serial or each.serial_number == name.serial
            except (ValueError, usb.core.USBError):  # without leave for the device it is a ValueError
                unnamed += 1
                return False

        fitting = [*usb.core.find(find_all=True, idVendor=name.vendor, idProduct=name.product, custom_match=fits)]
        if not fitting and unnamed:
            raise PrinterNotReady("a USB device that does not tell its serial number", reason="no_permission")
        if not fitting:
            raise PrinterNotReady(f"no USB device {name.vendor:04x}:{name.product:04x}", reason="link")
        if len(fitting) > 1:
            raise PrinterNotReady(f"{len(fitting)} printers of this kind", reason="which_port")
        self._device = fitting[0]
        configuration = self._device.get_active_configuration()
        found = (usb.util.find_descriptor(configuration, bInterfaceClass=each) for each in self._CLASSES)
        interface = next((each for each in found if each is not None), None)
        if interface is None:
            raise PrinterNotReady("the USB device has no printer interface", reason="link")
        with contextlib.suppress(NotImplementedError, usb.core.USBError):
            if self._device.is_kernel_driver_active(interface.bInterfaceNumber):
                self._device.detach_kernel_driver(interface.bInterfaceNumber)
        usb.util.claim_interface(self._device, interface.bInterfaceNumber)
        self._out = self._endpoint(interface, usb.util.ENDPOINT_OUT)
        self._in = self._endpoint(interface, usb.util.ENDPOINT_IN)
        if self._out is None:
            raise PrinterNotReady("the USB device takes no data", reason="link")

    @staticmethod
    def _endpoint(interface: object, direction: int) -> Any:  # noqa: ANN401 - pyusb ships no types
        import usb.util

        return usb.util.find_descriptor(
            interface,
            custom_match=lambda end: usb.util.endpoint_direction(end.bEndpointAddress) == direction,
        )

    def write(self, data: bytes, timeout: float) -> None:
        import usb.core

        try:
            sent = self._out.write(data, max(1, int(timeout * 1000)))
        except usb.core.USBTimeoutError as exc:
            raise _stalled(left=True) from exc
        except usb.core.USBError as exc:
            raise _gone(exc, left=True) from exc
        if sent != len(data):
            raise _stalled(left=True)

    def unsent(self) -> int:
        return 0

    def read(self, timeout: float) -> bytes:
        import usb.core

        if self._in is None:
            return b""
        try:
            return bytes(self._in.read(64, max(1, int(timeout * 1000))))
        except usb.core.USBTimeoutError:
            return b""
        except usb.core.USBError as exc:
            raise _gone(exc) from exc

    def close(self) -> None:
        import usb.core
        import usb.util

        with contextlib.suppress(usb.core.USBError):
            usb.util.dispose_resources(self._device)
