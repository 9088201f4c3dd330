"""The udev rules of the package: what they hand to the person at the screen, and that no keyboard is among them.

Read as udev(7) says: a rule is a line of matches (`==`) and assignments, `|` separates patterns of the shell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from ewarung_pos.devices import search
from ewarung_pos.ports import DeviceRole

TREE = Path(__file__).parents[3]
FILE = TREE / "installer/60-ewarung-pos.rules"
PART = re.compile(r'([A-Z]+(?:\{\w+\})?)(==|!=|\+=|=)"([^"]*)"')
MATCHED = {"ACTION", "SUBSYSTEM", "SUBSYSTEMS", "KERNEL", "ENV{DEVTYPE}", "ENV{ID_USB_INTERFACES}"} | {
    f"{kind}{{{number}}}" for kind in ("ATTR", "ATTRS") for number in ("idVendor", "idProduct")
}
ASSIGNED = {"GROUP", "MODE", "TAG", "GOTO", "LABEL", "ENV{ID_MM_DEVICE_IGNORE}"}
ADAPTERS = {"0403", "067b", "10c4", "1a86"}
"""Chips that sit in any cable: they may be opened, and say nothing of what hangs on them."""
WINBOND = {"0416"}
"""As these, but for one product."""


@dataclass(frozen=True)
class Rule:
    """One line, and the comment above it."""

    matches: dict[str, str]
    assigns: dict[str, str]
    comment: str

    def fits(self, device: dict[str, str]) -> bool:
        return all(
            any(fnmatchcase(device.get(key, ""), pattern) for pattern in patterns.split("|"))
            for key, patterns in self.matches.items()
        )

    @property
    def vendors(self) -> set[str]:
        named = self.matches.get("ATTR{idVendor}", self.matches.get("ATTRS{idVendor}", ""))
        return set(named.split("|")) - {""}

    @property
    def opens(self) -> bool:
        return bool({"TAG", "GROUP", "MODE"} & set(self.assigns))


def rule(line: str, comment: str = "") -> Rule:
    matches, assigns = {}, {}
    for part in line.split(", "):
        found = PART.fullmatch(part)
        assert found, f"no part of a rule: {part}"
        key, how, value = found.groups()
        if how == "==":
            assert key in MATCHED, f"nothing to match: {part}"
            matches[key] = value
        else:
            assert key in ASSIGNED, f"nothing to set: {part}"
            assert how == ("+=" if key == "TAG" else "="), part
            assigns[key] = value
    return Rule(matches, assigns, comment)


def rules() -> list[Rule]:
    found: list[Rule] = []
    comment, above = "", False
    for line in FILE.read_text(encoding="ascii").splitlines():
        if line.startswith("#"):
            comment = comment + line if above else line
        elif line:
            found.append(rule(line, comment))
        above = line.startswith("#")
    return found


RULES = rules()
SERIAL = [each for each in RULES if each.matches.get("SUBSYSTEM") == "tty"]
USB = [each for each in RULES if each.matches.get("SUBSYSTEM") == "usb" and each.vendors]


def makers(role: DeviceRole) -> set[str]:
    return {f"{vendor:04x}" for vendor, plays in search._MAKERS.items() if plays is role}


def test_the_file_is_read_before_logind_hands_out_what_is_tagged() -> None:
    assert int(FILE.name.partition("-")[0]) < 73
    (jump,) = (each.assigns["GOTO"] for each in RULES if "GOTO" in each.assigns)
    assert RULES[-1].assigns == {"LABEL": jump}, "a device that goes is passed over"


def test_whoever_is_found_as_an_edc_a_reader_or_a_printer_may_be_opened() -> None:
    """The makers that *Cari perangkat* knows, and no others but those whose chips are in any cable."""
    assert sorted(map(sorted, (each.vendors for each in SERIAL))) == sorted(
        map(sorted, (makers(DeviceRole.EDC), makers(DeviceRole.READER), makers(DeviceRole.PRINTER), ADAPTERS))
    )
    assert [each.vendors for each in USB] == [makers(DeviceRole.PRINTER), WINBOND]
    assert not {int(vendor, 16) for vendor in ADAPTERS | WINBOND} & set(search._MAKERS)


@pytest.mark.parametrize("number", range(len(RULES)))
def test_the_comment_above_a_rule_names_its_makers(number: int) -> None:
    named = set(re.findall(r"\b(?=\w*\d)[0-9a-f]{4}\b", RULES[number].comment))
    products = {RULES[number].matches.get("ATTR{idProduct}", "")}
    assert not RULES[number].vendors or named - products == RULES[number].vendors


def test_each_gives_what_the_handbook_says_of_a_device_of_ones_own() -> None:
    lines = (TREE / "docs/devices.md").read_text("utf-8").splitlines()
    serial, usb, typed = (rule(line.strip()) for line in lines if line.startswith("    ") and "SUBSYSTEM==" in line)
    assert all(each.assigns == serial.assigns for each in SERIAL)
    assert all(each.assigns == usb.assigns for each in USB)
    assert all(each.assigns["TAG"] == "uaccess" for each in (*RULES, typed) if each.opens)
    assert {"ATTRS{idVendor}", "ATTRS{idProduct}"} <= set(typed.matches), "one keyboard, and not all of them"


TTY = {"SUBSYSTEM": "tty", "SUBSYSTEMS": "usb", "KERNEL": "ttyACM0"}
DEVICE = {"SUBSYSTEM": "usb", "ENV{DEVTYPE}": "usb_device"}


def of(vendor: str, product: str = "0001") -> dict[str, str]:
    numbers = {"idVendor": vendor, "idProduct": product}
    return {f"{kind}{{{key}}}": value for kind in ("ATTR", "ATTRS") for key, value in numbers.items()}


def tags(device: dict[str, str]) -> set[str]:
    return {each.assigns["TAG"] for each in RULES if each.opens and each.fits({"ACTION": "add", **device})}


@pytest.mark.parametrize(
    "device",
    [
        TTY | of("0b00"),
        TTY | of("2730"),
        {"SUBSYSTEM": "usbmisc", "KERNEL": "lp0"},
        DEVICE | of("1234") | {"ENV{ID_USB_INTERFACES}": ":070102:"},
        DEVICE | of("1234") | {"ENV{ID_USB_INTERFACES}": ":080650:070102:"},
        DEVICE | of("04b8") | {"ENV{ID_USB_INTERFACES}": ":ff0000:"},
        DEVICE | of("0416", "5011") | {"ENV{ID_USB_INTERFACES}": ":030000:"},
    ],
)
def test_a_device_of_the_counter_belongs_to_whoever_sits_there(device: dict[str, str]) -> None:
    assert tags(device) == {"uaccess"}


@pytest.mark.parametrize(
    "device",
    [
        {"SUBSYSTEM": "input", "KERNEL": "event3", "SUBSYSTEMS": "usb"} | of("046d"),
        {"SUBSYSTEM": "input", "KERNEL": "event3", "SUBSYSTEMS": "usb"} | of("0801"),
        {"SUBSYSTEM": "hidraw", "KERNEL": "hidraw0", "SUBSYSTEMS": "usb"} | of("0801"),
        DEVICE | of("0801") | {"ENV{ID_USB_INTERFACES}": ":030101:"},
        DEVICE | of("04b8") | {"ENV{ID_USB_INTERFACES}": ":030101:"},
        DEVICE | of("046d") | {"ENV{ID_USB_INTERFACES}": ":030101:030000:"},
        DEVICE | of("0781") | {"ENV{ID_USB_INTERFACES}": ":080650:"},
        DEVICE | of("0416", "5020") | {"ENV{ID_USB_INTERFACES}": ":ff0000:"},
        {"SUBSYSTEM": "usbmisc", "KERNEL": "hiddev0"},
        TTY | of("046d"),
        {"SUBSYSTEM": "tty", "KERNEL": "tty1"},
        {"SUBSYSTEM": "tty", "KERNEL": "ttyS0"},
        {"SUBSYSTEM": "block", "KERNEL": "sda1"} | of("0781"),
    ],
)
def test_no_keyboard_no_disk_and_no_terminal_is_handed_out(device: dict[str, str]) -> None:
    """Whoever may read a keyboard reads every PIN that is typed."""
    assert tags(device) == set()


def test_no_rule_opens_a_whole_kind_of_devices() -> None:
    for each in (each for each in RULES if each.opens):
        assert each.matches["SUBSYSTEM"] in {"tty", "usb", "usbmisc"}
        narrow = each.vendors or each.matches.get("KERNEL") == "lp[0-9]*"
        assert narrow or each.matches["ENV{ID_USB_INTERFACES}"] == "*:0701??:*"
        assert each.assigns.get("MODE", "0660") == "0660"
