"""A USB printer that the kernel made no file for, through pyusb: a bus of ours below it, and a printer at its end."""

from __future__ import annotations

import errno
import struct
from array import array
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
import usb.backend
import usb.core

from ewarung_pos.devices.escpos import EscposPrinter, Pace
from ewarung_pos.devices.escpos_bytes import encode
from ewarung_pos.devices.plugged import UsbName
from ewarung_pos.devices.printer_links import usb_device
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ports import DeviceState
from tests.unit.papers.sample_papers import receipt_of, redeemed

KIND = UsbName(0x0416, 0x5011)
QUICK = Pace(chunk=512, answer=0.05, write=0.2)
PRINTER, MAKERS_OWN, STORAGE = 7, 0xFF, 8
_OUT, _IN = 0x01, 0x82


@dataclass
class UsbPrinter:
    """What hangs on the bus. `answers` are its status bytes by question; `trouble` is raised at each write."""

    serial: str = "A1"
    interfaces: tuple[int, ...] = (PRINTER,)
    answers: dict[int, int] = field(default_factory=lambda: {1: 0x12, 2: 0x12, 4: 0x12})
    trouble: usb.core.USBError | None = None
    held: bool = False
    driver: bool = False
    got: bytearray = field(default_factory=bytearray)
    waits: list[int] = field(default_factory=list)
    said: deque[int] = field(default_factory=deque)

    def take(self, data: bytes) -> None:
        if data[:2] == b"\x10\x04" and len(data) == 3:
            self.said.extend([self.answers[data[2]]] if data[2] in self.answers else [])
        else:
            self.got += data


class Bus(usb.backend.IBackend):  # type: ignore[misc]  # pyusb ships no types
    """The calls that pyusb makes of libusb. A device and its handle are the printer itself."""

    def __init__(self, *printers: UsbPrinter) -> None:
        self.printers = list(printers)

    def enumerate_devices(self) -> list[UsbPrinter]:
        return self.printers

    def get_device_descriptor(self, dev: UsbPrinter) -> SimpleNamespace:
        place = self.printers.index(dev) + 1
        zero = ("bDeviceClass", "bDeviceSubClass", "bDeviceProtocol", "bcdDevice", "iManufacturer", "iProduct")
        return SimpleNamespace(
            **dict.fromkeys(zero, 0),
            bLength=18,
            bDescriptorType=1,
            bcdUSB=0x200,
            bMaxPacketSize0=64,
            idVendor=KIND.vendor,
            idProduct=KIND.product,
            iSerialNumber=3 if dev.serial else 0,
            bNumConfigurations=1,
            address=place,
            bus=1,
            port_number=place,
            port_numbers=(place,),
            speed=2,
        )

    def get_configuration_descriptor(self, dev: UsbPrinter, config: int) -> SimpleNamespace:
        if config:
            raise IndexError
        return SimpleNamespace(
            bLength=9,
            bDescriptorType=2,
            wTotalLength=32,
            bNumInterfaces=len(dev.interfaces),
            bConfigurationValue=1,
            iConfiguration=0,
            bmAttributes=0xC0,
            bMaxPower=1,
            extra_descriptors=[],
        )

    def get_interface_descriptor(self, dev: UsbPrinter, intf: int, alt: int, _config: int) -> SimpleNamespace:
        if alt:
            raise IndexError
        return SimpleNamespace(
            bLength=9,
            bDescriptorType=4,
            bInterfaceNumber=intf,
            bAlternateSetting=0,
            bNumEndpoints=2,
            bInterfaceClass=dev.interfaces[intf],
            bInterfaceSubClass=1,
            bInterfaceProtocol=2,
            iInterface=0,
            extra_descriptors=[],
        )

    def get_endpoint_descriptor(self, _dev: UsbPrinter, ep: int, intf: int, _alt: int, _config: int) -> SimpleNamespace:
        return SimpleNamespace(
            bLength=7,
            bDescriptorType=5,
            bEndpointAddress=(_OUT, _IN)[ep] + 4 * intf,
            bmAttributes=2,
            wMaxPacketSize=64,
            bInterval=0,
            bRefresh=0,
            bSynchAddress=0,
            extra_descriptors=[],
        )

    def open_device(self, dev: UsbPrinter) -> UsbPrinter:
        return dev

    def close_device(self, _: UsbPrinter) -> None:
        pass

    def get_configuration(self, _: UsbPrinter) -> int:
        return 1

    def claim_interface(self, dev: UsbPrinter, _: int) -> None:
        if dev.held or dev.driver:
            raise usb.core.USBError("Resource busy", -6, errno.EBUSY)

    def release_interface(self, _dev: UsbPrinter, _intf: int) -> None:
        pass

    def is_kernel_driver_active(self, dev: UsbPrinter, _: int) -> bool:
        return dev.driver

    def detach_kernel_driver(self, dev: UsbPrinter, _: int) -> None:
        dev.driver = False

    def ctrl_transfer(self, dev: UsbPrinter, *asked: object) -> int:
        """String descriptors alone: the languages, and the serial number."""
        _, _, value, _, buffer, _ = asked
        assert isinstance(value, int)
        assert isinstance(buffer, array)
        body = dev.serial.encode("utf-16-le") if value & 0xFF else struct.pack("<H", 0x0409)
        told = array("B", bytes((len(body) + 2, 3)) + body)
        buffer[: len(told)] = told
        return len(told)

    def bulk_write(self, dev: UsbPrinter, ep: int, _intf: int, data: array[int], timeout: int) -> int:
        dev.waits.append(timeout)
        assert dev.interfaces[ep // 4] in {PRINTER, MAKERS_OWN}, "what is no printer is written to"
        if dev.trouble is not None:
            raise dev.trouble
        dev.take(data.tobytes())
        return len(data)

    def bulk_read(self, dev: UsbPrinter, _ep: int, _intf: int, buff: array[int], _timeout: int) -> int:
        if not dev.said:
            raise usb.core.USBTimeoutError("Operation timed out", -7, errno.ETIMEDOUT)
        count = 0
        while dev.said:
            buff[count] = dev.said.popleft()
            count += 1
        return count


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Bus:
    made = Bus()
    monkeypatch.setattr("usb.backend.libusb1.get_backend", lambda *_words, **_more: made)
    monkeypatch.setattr("ewarung_pos.devices.printer_links.printer_files", lambda: iter(()))
    return made


def driver(folder: Path, name: UsbName = KIND) -> EscposPrinter:
    return EscposPrinter(usb_device(name), 32, folder / "print", pace=QUICK)


@pytest.mark.parametrize("interfaces", [(PRINTER,), (STORAGE, PRINTER), (MAKERS_OWN,), (MAKERS_OWN, PRINTER)])
def test_a_receipt_is_written_and_confirmed(interfaces: tuple[int, ...], bus: Bus, tmp_path: Path) -> None:
    """Some makers' printers say that they are of a class of their own, and speak the same."""
    bus.printers.append(printer := UsbPrinter(interfaces=interfaces))
    assert driver(tmp_path).status().state is DeviceState.READY
    assert driver(tmp_path).print(receipt_of(redeemed())).confirmed
    assert bytes(printer.got) == encode(receipt_of(redeemed()), 32)


def test_of_two_of_a_kind_none_is_guessed(bus: Bus, tmp_path: Path) -> None:
    bus.printers += [UsbPrinter("A1"), second := UsbPrinter("A2")]
    status = driver(tmp_path).status()
    assert (status.state, status.reason) == (DeviceState.AWAY, "which_port")
    driver(tmp_path, UsbName(KIND.vendor, KIND.product, "A2")).print(receipt_of(redeemed()))
    assert second.got


def test_a_printer_that_the_kernel_holds_is_taken_over_and_one_that_a_program_holds_is_in_use(
    bus: Bus, tmp_path: Path
) -> None:
    bus.printers.append(printer := UsbPrinter(driver=True))
    assert driver(tmp_path).status().state is DeviceState.READY
    printer.held = True
    status = driver(tmp_path).status()
    assert (status.state, status.reason) == (DeviceState.AWAY, "in_use")


def test_a_device_that_is_no_printer_is_away(bus: Bus, tmp_path: Path) -> None:
    bus.printers.append(UsbPrinter(interfaces=(STORAGE,)))
    assert (driver(tmp_path).status().state, driver(tmp_path).status().reason) == (DeviceState.AWAY, "link")


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (usb.core.USBTimeoutError("Operation timed out", -7, errno.ETIMEDOUT), "stalled"),
        (usb.core.USBError("No such device (it may have been disconnected)", -4, errno.ENODEV), "link"),
    ],
)
def test_a_printer_that_is_lost_in_the_middle_says_so(
    trouble: usb.core.USBError, reason: str, bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = UsbPrinter()
    bus.printers.append(printer)
    take = UsbPrinter.take

    def lost(self: UsbPrinter, data: bytes) -> None:
        take(self, data)
        if self.got:
            self.trouble = trouble

    monkeypatch.setattr(UsbPrinter, "take", lost)
    with pytest.raises(PrinterNotReady) as caught:
        driver(tmp_path).print(receipt_of(redeemed()))
    assert (caught.value.reason, caught.value.maybe_out) == (reason, True)


def test_however_little_time_is_left_a_write_ends(bus: Bus) -> None:
    """A limit of 0 is none to libusb."""
    bus.printers.append(printer := UsbPrinter())
    link = usb_device(KIND)()
    link.write(b"x", 0.0004)
    link.close()
    assert printer.waits == [1]


def test_a_printer_without_paper_gets_nothing(bus: Bus, tmp_path: Path) -> None:
    bus.printers.append(printer := UsbPrinter(answers={1: 0x1A, 2: 0x32, 4: 0x7E}))
    with pytest.raises(PrinterNotReady) as caught:
        driver(tmp_path).print(receipt_of(redeemed()))
    assert (caught.value.reason, bytes(printer.got)) == ("paper_out", b"")
