"""Looking around: each kind of device as the system knows it, and none that hides another."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

import pytest

from ewarung_pos.config import ConfigFile
from ewarung_pos.devices import search
from ewarung_pos.devices.plugged import UsbName
from ewarung_pos.devices.search import MachineSearch
from ewarung_pos.ports import DeviceKind, DeviceRole, FoundDevice, Setting
from ewarung_pos.services.proposal import propose


@dataclass
class Port:
    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None
    description: str


class Winscard:
    """winscard as far as the readers' names."""

    SCARD_SCOPE_USER = 0

    def __init__(self, *names: str) -> None:
        self.names = list(names)

    def SCardEstablishContext(self, scope: int) -> tuple[int, int]:
        return (0, 1) if self.names else (0x8010001D, 0)

    def SCardReleaseContext(self, context: int) -> int:
        return 0

    def SCardListReaders(self, context: int, groups: list[str]) -> tuple[int, list[str]]:
        return 0, self.names


def plug_in_chip_readers(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr("ewarung_pos.devices.pcsc.PcscCardReader._scard", lambda _: Winscard(*names))


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is plugged in."""
    monkeypatch.setattr(search, "serial_ports", list)
    monkeypatch.setattr(search, "printer_files", lambda: iter(()))
    monkeypatch.setattr(search, "by_id", lambda device: device)
    monkeypatch.setattr(search, "_KEYBOARDS", tmp_path / "keyboards")
    monkeypatch.setattr(search, "_NEIGHBOURS", tmp_path / "arp")
    plug_in_chip_readers(monkeypatch)
    monkeypatch.setenv("CUPS_SERVER", "127.0.0.1:9")


def test_on_a_bare_machine_nothing_is_found() -> None:
    assert MachineSearch().look() == ()


@pytest.mark.parametrize("server", ["127.0.0.1:9/version=1.1", "127.0.0.1:99999", "a b", "[::1"])
def test_a_print_server_that_cannot_be_reached_hides_nothing_else(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUPS_SERVER", server)
    monkeypatch.setattr(search, "printer_files", lambda: iter([(Path("/x"), UsbName(0x0416, 0x5011), "POS58")]))
    assert [found.place for found in MachineSearch(()).look()] == ["0416:5011"]


def test_serial_ports_by_their_makers(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [
        Port("/dev/ttyS0", None, None, None, "n/a"),
        Port("/dev/ttyACM0", 0x0B00, 0x0083, "E7", "Move2500"),
        Port("/dev/ttyUSB0", 0x1A86, 0x7523, None, "USB Serial"),
        Port("/dev/ttyUSB1", 0x04B8, 0x0202, "a b", "UB-S01"),
    ]
    monkeypatch.setattr(search, "serial_ports", lambda: ports)
    monkeypatch.setattr(search, "by_id", lambda device: "/dev/serial/by-id/edc" if device == "/dev/ttyACM0" else device)
    assert MachineSearch().look() == (
        FoundDevice(DeviceKind.SERIAL, DeviceRole.EDC, "/dev/serial/by-id/edc", "Move2500"),
        FoundDevice(DeviceKind.SERIAL, DeviceRole.UNKNOWN, "usb:1a86:7523", "USB Serial"),
        FoundDevice(DeviceKind.SERIAL, DeviceRole.PRINTER, "usb:04b8:0202", "UB-S01"),
    )


def test_an_adapter_without_a_number_is_not_named_by_a_link_that_another_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = Port("/dev/ttyUSB0", 0x1A86, 0x7523, None, "USB Serial")
    monkeypatch.setattr(search, "serial_ports", lambda: [port])
    monkeypatch.setattr(search, "by_id", lambda _: "/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0")
    assert [each.place for each in MachineSearch().look()] == ["usb:1a86:7523"]


def test_usb_printers_by_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [(Path("/dev/usb/lp0"), UsbName(0x0416, 0x5011), "POS58"), (Path("/dev/usb/lp1"), UsbName(1, 2, "S"), "")]
    monkeypatch.setattr(search, "printer_files", lambda: iter(files))
    assert [each.place for each in MachineSearch().look()] == ["0416:5011", "0001:0002:S"]


@pytest.mark.parametrize("serial", ["POS 58 0001", "00:1", "9" * 65, "1\x1b[2J"])
def test_a_usb_printer_whose_serial_number_no_setting_can_hold_goes_by_its_kind(
    serial: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    printer = (Path("/dev/usb/lp0"), UsbName(0x0416, 0x5011, serial), "POS58")
    monkeypatch.setattr(search, "printer_files", lambda: iter([printer]))
    found = MachineSearch().look()
    assert [each.place for each in found] == ["0416:5011"]
    ConfigFile(tmp_path / "config.toml").apply(propose(found))


def test_chip_readers_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in_chip_readers(monkeypatch, "ACS ACR39U 00 00", "Generic 01 00")
    assert [each.place for each in MachineSearch().look()] == ["ACS ACR39U 00 00", "Generic 01 00"]


def test_a_chip_reader_with_a_comma_in_its_name_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it two, none would be chosen."""
    name = "ACME, Inc. Reader 00 00"
    plug_in_chip_readers(monkeypatch, name)
    found = MachineSearch().look()
    assert found == (FoundDevice(DeviceKind.CHIP, DeviceRole.READER, name, name),)
    assert propose(found) == (Setting("card_reader", "driver", "pcsc"),)


def test_of_the_keyboards_only_those_that_read_cards(tmp_path: Path) -> None:
    folder = tmp_path / "keyboards"
    folder.mkdir()
    for name in ("usb-Logitech_K120-event-kbd", "usb-Mag-Tek_USB_Swipe-event-kbd", "usb-MSR90-event-mouse"):
        (folder / name).touch()
    (found,) = MachineSearch().look()
    assert found == FoundDevice(
        DeviceKind.KEYBOARD,
        DeviceRole.READER,
        str(folder / "usb-Mag-Tek_USB_Swipe-event-kbd"),
        "usb-Mag-Tek_USB_Swipe-event-kbd",
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("usb-Apple_Inc._Magic_Keyboard-event-kbd", False),
        ("usb-Dell_Dell_Smart_Card_Reader_Keyboard-event-kbd", False),
        ("usb-ID_TECH_TM3_Magstripe_USB-HID_Keyboard_Reader-event-kbd", True),
        ("usb-Generic_USB_Card_Reader_0001-event-kbd", True),
    ],
)
def test_the_keyboard_that_somebody_types_on_is_never_taken_for_a_reader(
    name: str, found: bool, tmp_path: Path
) -> None:
    """It would be grabbed, and type for nobody any more."""
    folder = tmp_path / "keyboards"
    folder.mkdir()
    (folder / name).touch()
    assert bool(MachineSearch().look()) is found


def test_an_edc_on_the_network_is_one_whose_port_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as edc, socket.create_server(("127.0.0.1", 0)) as gone:
        here, closed = edc.getsockname()[1], gone.getsockname()[1]
        gone.close()
        monkeypatch.setattr(search, "_POSELINK", ((closed, "wss"), (here, "ws")))
        assert MachineSearch(["127.0.0.1"]).look() == (
            FoundDevice(DeviceKind.POSELINK, DeviceRole.EDC, f"ws://127.0.0.1:{here}", "127.0.0.1"),
        )
        monkeypatch.setattr(search, "_POSELINK", ((here, "wss"), (closed, "ws")))
        assert MachineSearch(["127.0.0.1"]).look()[0].place == f"wss://127.0.0.1:{here}"
        monkeypatch.setattr(search, "_POSELINK", ((closed, "wss"),))
        assert MachineSearch(["127.0.0.1"]).look() == ()


def test_a_neighbour_that_no_way_leads_to_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as edc:
        port = edc.getsockname()[1]
        monkeypatch.setattr(search, "_POSELINK", ((port, "wss"),))
        found = MachineSearch(["255.255.255.255", "127.0.0.1"]).look()
    assert [each.place for each in found] == [f"wss://127.0.0.1:{port}"]


def test_neighbours_are_those_of_the_systems_table(tmp_path: Path) -> None:
    (tmp_path / "arp").write_text(
        "IP address       HW type     Flags       HW address            Mask     Device\n"
        "192.0.2.9        0x1         0x2         aa:bb:cc:dd:ee:ff     *        wlan0\n"
        "192.0.2.7        0x1         0x0         00:00:00:00:00:00     *        wlan0\n"
        "short\n"
    )
    assert search._neighbours() == ["192.0.2.9"]


def test_one_kind_that_cannot_be_looked_for_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[Port]:
        raise PermissionError(13, "sys")

    monkeypatch.setattr(search, "serial_ports", broken)
    monkeypatch.setattr(search, "printer_files", lambda: iter([(Path("/x"), UsbName(1, 2), "")]))
    assert [each.kind for each in MachineSearch().look()] == [DeviceKind.USB_PRINTER]
