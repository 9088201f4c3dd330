"""A device's numbers lead to its port of this moment, or to none; never to another's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from ewarung_pos.devices.plugged import NotPlugged, UsbName, by_id, port_now, printer_files, usb_name


@dataclass
class Port:
    device: str
    vid: int | None = None
    pid: int | None = None
    serial_number: str | None = None
    description: str = "n/a"


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> list[Port]:
    found = [Port("/dev/ttyS0"), Port("/dev/ttyACM1", 0x0B00, 0x0083, "E7"), Port("/dev/ttyUSB0", 0x1A86, 0x7523)]
    monkeypatch.setattr("ewarung_pos.devices.plugged.serial_ports", lambda: found)
    return found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("usb:0b00:0083", UsbName(0x0B00, 0x0083)),
        ("0B00:0083:E7-1", UsbName(0x0B00, 0x0083, "E7-1")),
        ("usb:0b00", None),
        ("/dev/ttyACM0", None),
        ("b00:83", None),
        ("usb:0b00:0083:a b", None),
    ],
)
def test_names_as_lsusb_shows_them(text: str, name: UsbName | None) -> None:
    assert usb_name(text) == name


@pytest.mark.parametrize("port", ["/dev/ttyACM0", "COM3", "socket://127.0.0.1:7002", "0b00:0083"])
def test_any_other_port_stays_what_it_is(port: str, ports: list[Port]) -> None:
    assert port_now(port) == port


@pytest.mark.parametrize("port", ["usb:0b00:0083", "usb:0B00:0083:E7"])
def test_the_port_of_this_moment(port: str, ports: list[Port]) -> None:
    assert port_now(port) == "/dev/ttyACM1"
    ports[1].device = "/dev/ttyACM4"
    assert port_now(port) == "/dev/ttyACM4"


@pytest.mark.parametrize("port", ["usb:0b00:0084", "usb:0b00:0083:E8", "usb:1a86:7523:E7"])
def test_another_device_is_not_taken_for_it(port: str, ports: list[Port]) -> None:
    with pytest.raises(NotPlugged) as caught:
        port_now(port)
    assert caught.value.reason == "no_port"


def test_of_two_that_fit_none_is_guessed(ports: list[Port]) -> None:
    ports.append(Port("/dev/ttyACM2", 0x0B00, 0x0083, "E9"))
    with pytest.raises(NotPlugged) as caught:
        port_now("usb:0b00:0083")
    assert caught.value.reason == "which_port"
    assert port_now("usb:0b00:0083:E9") == "/dev/ttyACM2"


def test_the_kernels_printer_files_with_their_numbers(tmp_path: Path) -> None:
    """As /sys shows them: the link `device` leads to the printer's interface, whose parent carries the numbers."""
    for number, facts in enumerate(
        ({"idVendor": "0416", "idProduct": "5011", "serial": "A1", "product": "POS58"}, {"idVendor": "04b8"})
    ):
        device = tmp_path / f"usb1-{number}"
        (device / "1-1:1.0").mkdir(parents=True)
        for name, value in facts.items():
            (device / name).write_text(f"{value}\n")
        entry = tmp_path / "class" / f"lp{number}"
        entry.mkdir(parents=True)
        (entry / "device").symlink_to(device / "1-1:1.0")
    found = list(printer_files(tmp_path / "class", Path("/dev/usb")))
    assert found == [(Path("/dev/usb/lp0"), UsbName(0x0416, 0x5011, "A1"), "POS58")]
    assert list(printer_files(tmp_path / "none")) == []


def test_the_name_that_outlives_a_plug_is_preferred(tmp_path: Path) -> None:
    (tmp_path / "ttyACM0").touch()
    links = tmp_path / "by-id"
    assert by_id(str(tmp_path / "ttyACM0"), links) == str(tmp_path / "ttyACM0")
    links.mkdir()
    (links / "usb-Bank_EDC_E7-if00").symlink_to(tmp_path / "ttyACM0")
    (links / "usb-Other").symlink_to(tmp_path / "ttyACM9")
    assert by_id(str(tmp_path / "ttyACM0"), links) == str(links / "usb-Bank_EDC_E7-if00")
