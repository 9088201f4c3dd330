"""Where a USB device is now: ports change their names between two plugs, the numbers that a device carries do not.

Looked up at each opening, so that a device that was plugged out and in again is found under its new name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec

__all__ = ["NotPlugged", "SerialPort", "UsbName", "by_id", "port_now", "printer_files", "serial_ports", "usb_name"]

_NAME = re.compile(r"(?:usb:)?([0-9a-fA-F]{4}):([0-9a-fA-F]{4})(?::([^\s:]{1,64}))?")
_PRINTERS = Path("/sys/class/usbmisc")
_FILES = Path("/dev/usb")
_BY_ID = Path("/dev/serial/by-id")


class NotPlugged(LookupError):
    """No such device is plugged in, or none that can be told from another.

    Attributes:
        reason: no_port, or which_port where two fit.
    """

    def __init__(self, detail: str, reason: str) -> None:
        super().__init__(detail)
        self.reason = reason


class UsbName(msgspec.Struct, frozen=True):
    """Vendor and product number, and the device's own number where it has one; empty for any."""

    vendor: int
    product: int
    serial: str = ""

    def fits(self, vendor: int | None, product: int | None, serial: str | None) -> bool:
        """Whether these are its numbers."""
        return (vendor, product) == (self.vendor, self.product) and self.serial in {"", serial or ""}


class SerialPort(Protocol):
    """What is used of pyserial's list."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None
    description: str


def usb_name(text: str) -> UsbName | None:
    """`usb:VENDOR:PRODUCT` or `usb:VENDOR:PRODUCT:SERIAL`, hexadecimal as `lsusb` shows it; None for anything else."""
    found = _NAME.fullmatch(text)
    return UsbName(int(found[1], 16), int(found[2], 16), found[3] or "") if found is not None else None


def serial_ports() -> Iterable[SerialPort]:
    """The serial ports of this machine."""
    from serial.tools import list_ports

    found: Iterable[SerialPort] = list_ports.comports()
    return found


def port_now(port: str) -> str:
    """The path that a serial port has now; anything but `usb:...` stays what it is.

    Raises:
        NotPlugged: none fits, or two do: a wrong one must not be asked for money.
    """
    name = usb_name(port) if port.startswith("usb:") else None
    if name is None:
        return port
    fitting = sorted(each.device for each in serial_ports() if name.fits(each.vid, each.pid, each.serial_number))
    if not fitting:
        raise NotPlugged(f"{port} is not plugged in", "no_port")
    if len(fitting) > 1:
        raise NotPlugged(f"{port} fits {', '.join(fitting)}", "which_port")
    return fitting[0]


def printer_files(system: Path = _PRINTERS, files: Path = _FILES) -> Iterator[tuple[Path, UsbName, str]]:
    """The kernel's printer files (Linux): path, numbers, and what the printer calls itself."""
    for entry in sorted(system.glob("lp*")):
        device = (entry / "device").resolve().parent
        vendor, product = _read(device / "idVendor"), _read(device / "idProduct")
        name = usb_name(f"{vendor}:{product}")
        if name is not None:
            serial = _read(device / "serial")
            label = f"{_read(device / 'manufacturer')} {_read(device / 'product')}".strip()
            yield files / entry.name, UsbName(name.vendor, name.product, serial), label


def by_id(device: str, folder: Path = _BY_ID) -> str:
    """The link that keeps its name over plugging out and in, where the system makes one; else the path itself."""
    for link in sorted(folder.glob("*")) if folder.is_dir() else ():
        if link.resolve() == Path(device).resolve():
            return str(link)
    return device


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
