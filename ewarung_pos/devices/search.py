"""Looks around: serial ports, USB printers, chip and stripe readers, print queues, and EDCs on the network.

Only what the system knows by itself is read; nothing is sent to a device, since what one takes for a question another
prints. The one thing tried is whether a neighbour's POSe Link port can be opened.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from ewarung_pos.devices.plugged import SerialPort, by_id, printer_files, serial_ports, usb_name
from ewarung_pos.errors import DeviceUnavailable
from ewarung_pos.ports import DeviceKind, DeviceRole, FoundDevice

__all__ = ["MachineSearch"]

_MAKERS = {
    0x0B00: DeviceRole.EDC,  # Ingenico
    0x0F14: DeviceRole.EDC,  # Ingenico
    0x11CA: DeviceRole.EDC,  # VeriFone
    0x0CA6: DeviceRole.EDC,  # Castles
    0x1EAB: DeviceRole.EDC,  # Newland
    0x04B8: DeviceRole.PRINTER,  # Seiko Epson
    0x0519: DeviceRole.PRINTER,  # Star Micronics
    0x0DD4: DeviceRole.PRINTER,  # Custom Engineering
    0x1504: DeviceRole.PRINTER,  # Bixolon
    0x154F: DeviceRole.PRINTER,  # SNBC
    0x1D90: DeviceRole.PRINTER,  # Citizen
    0x2730: DeviceRole.PRINTER,  # Citizen
    0x0801: DeviceRole.READER,  # MagTek
    0x0ACD: DeviceRole.READER,  # ID TECH
}
"""Makers of one kind of thing, by vendor number (usb.ids), as in installer/60-ewarung-pos.rules. Chips that sit in any
cable are not among them."""

_KEYBOARDS = Path("/dev/input/by-id")
_STRIPES = ("magtek", "mag-tek", "mag_tek", "magstripe", "magnetic", "msr", "swipe", "idtech", "id_tech")
_MAYBE_STRIPES, _TYPED_ON = "card", "keyboard"
"""A reader of cards calls itself that; but a keyboard with a slot for chip cards does too, and is the operator's."""
_NEIGHBOURS = Path("/proc/net/arp")
_POSELINK = ((6746, "wss"), (6745, "ws"))
"""POSe Link 4.13: encrypted first."""
_KNOCK_S = 0.5
_MOST_NEIGHBOURS = 32


class MachineSearch:
    """`DeviceSearch` on this machine.

    Args:
        neighbours: addresses where an EDC may be; None for those that this machine has spoken with lately.
    """

    def __init__(self, neighbours: Iterable[str] | None = None) -> None:
        self._neighbours = neighbours

    def look(self) -> tuple[FoundDevice, ...]:
        """What is there now. Never raises."""
        parts = (self._serial(), self._printers(), self._chips(), self._keyboards(), self._queues(), self._poselink())
        return tuple(found for part in parts for found in _safely(part))

    def _serial(self) -> Iterator[FoundDevice]:
        for port in serial_ports():
            if port.vid is None or port.pid is None:
                continue  # a connector of the main board: whether anything hangs on it, nobody can tell
            yield FoundDevice(DeviceKind.SERIAL, _role(port.vid), _lasting(port), port.description)

    def _printers(self) -> Iterator[FoundDevice]:
        for _, name, label in printer_files():
            kind = f"{name.vendor:04x}:{name.product:04x}"
            place = f"{kind}:{name.serial}"
            # Some makers write words for a number: what no setting can hold does not tell one from another.
            held = usb_name(place) is not None and place.isprintable()
            yield FoundDevice(DeviceKind.USB_PRINTER, DeviceRole.PRINTER, place if held else kind, label)

    def _chips(self) -> Iterator[FoundDevice]:
        from ewarung_pos.devices.pcsc import PcscCardReader

        reader = PcscCardReader("", lambda: b"")
        try:
            names = reader.names()
        except DeviceUnavailable:
            return
        finally:
            reader.close()
        for name in names:
            yield FoundDevice(DeviceKind.CHIP, DeviceRole.READER, name, name)

    def _keyboards(self) -> Iterator[FoundDevice]:
        for link in sorted(_KEYBOARDS.glob("*-event-kbd")):
            name = link.name.casefold()
            reads = _MAYBE_STRIPES in name and _TYPED_ON not in name
            if reads or any(word in name for word in _STRIPES):
                yield FoundDevice(DeviceKind.KEYBOARD, DeviceRole.READER, str(link), link.name)

    def _queues(self) -> Iterator[FoundDevice]:
        from ewarung_pos.devices.cups import queues

        for name in queues():
            yield FoundDevice(DeviceKind.QUEUE, DeviceRole.PRINTER, name, name)

    def _poselink(self) -> Iterator[FoundDevice]:
        hosts = tuple(self._neighbours if self._neighbours is not None else _neighbours())[:_MOST_NEIGHBOURS]
        opened = _knock([(host, port) for host in hosts for port, _ in _POSELINK])
        for host in hosts:
            for port, scheme in _POSELINK:
                if (host, port) in opened:
                    yield FoundDevice(DeviceKind.POSELINK, DeviceRole.EDC, f"{scheme}://{host}:{port}", host)
                    break


def _safely(part: Iterator[FoundDevice]) -> Iterator[FoundDevice]:
    """One kind that cannot be looked for does not hide the others."""
    with contextlib.suppress(OSError, ImportError):
        yield from part


def _role(vendor: int) -> DeviceRole:
    return _MAKERS.get(vendor, DeviceRole.UNKNOWN)


def _lasting(port: SerialPort) -> str:
    """A name that it keeps when it is plugged out and in, and shares with none: the system's link, else its numbers.

    Where the device has no number of its own the link is that of all of its kind, and leads to the last one plugged.
    """
    serial = port.serial_number or ""
    link = by_id(port.device) if serial else port.device
    if link != port.device:
        return link
    return ":".join(("usb", f"{port.vid:04x}", f"{port.pid:04x}", *([serial] if serial.isalnum() else [])))


def _neighbours() -> list[str]:
    """Addresses of the local network that this machine has spoken with lately (Linux)."""
    try:
        lines = _NEIGHBOURS.read_text(encoding="ascii", errors="replace").splitlines()[1:]
    except OSError:
        return []
    return [fields[0] for line in lines if len(fields := line.split()) >= 4 and fields[3] != "00:00:00:00:00:00"]


def _knock(places: list[tuple[str, int]]) -> set[tuple[str, int]]:
    """Those that can be opened, all tried at once within half a second."""
    waiting: dict[socket.socket, tuple[str, int]] = {}
    opened: set[tuple[str, int]] = set()
    pending: set[socket.socket] = set()
    try:
        for place in places:
            line = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            line.setblocking(False)
            waiting[line] = place
            try:
                line.connect(place)
            except BlockingIOError:
                pass
            except OSError:
                continue  # no way leads there any more; to the others there may be one
            pending.add(line)
        until = time.monotonic() + _KNOCK_S
        while pending and (left := until - time.monotonic()) > 0:
            _, ready, _ = select.select([], list(pending), [], left)
            for line in ready:
                pending.discard(line)
                if line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    opened.add(waiting[line])
    finally:
        for line in waiting:
            line.close()
    return opened
