"""From what is plugged in to config.toml: one way for each kiosk, and never a guess between two."""

from __future__ import annotations

import pytest

from ewarung_pos.ports import DeviceKind, DeviceRole, FoundDevice, Setting
from ewarung_pos.services.proposal import propose

EDC = FoundDevice(DeviceKind.SERIAL, DeviceRole.EDC, "/dev/serial/by-id/usb-Ingenico-if00", "Move2500")
EDC2 = FoundDevice(DeviceKind.SERIAL, DeviceRole.EDC, "usb:11ca:0220", "Vx520")
CABLE = FoundDevice(DeviceKind.SERIAL, DeviceRole.UNKNOWN, "usb:1a86:7523", "USB Serial")
CHIP = FoundDevice(DeviceKind.CHIP, DeviceRole.READER, "ACS ACR39U 00 00")
CHIP2 = FoundDevice(DeviceKind.CHIP, DeviceRole.READER, "Generic 01 00")
STRIPE = FoundDevice(DeviceKind.SERIAL, DeviceRole.READER, "usb:0801:0011", "MagTek")
KEYBOARD = FoundDevice(DeviceKind.KEYBOARD, DeviceRole.READER, "/dev/input/by-id/usb-Mag-Tek-event-kbd")
NETWORK = FoundDevice(DeviceKind.POSELINK, DeviceRole.EDC, "wss://192.0.2.9:6746")
SMALL = FoundDevice(DeviceKind.USB_PRINTER, DeviceRole.PRINTER, "0416:5011", "POS58 Printer")
WIDE = FoundDevice(DeviceKind.USB_PRINTER, DeviceRole.PRINTER, "04b8:0e15:X1", "EPSON TM-T20II")
SERIAL = FoundDevice(DeviceKind.SERIAL, DeviceRole.PRINTER, "usb:04b8:0202", "EPSON UB-S01")
QUEUE = FoundDevice(DeviceKind.QUEUE, DeviceRole.PRINTER, "STRUK80", "STRUK80")


def lines(*found: FoundDevice, set_up: tuple[str, ...] = ()) -> dict[str, str]:
    """`section.key` to value; a guess has a question mark."""
    return {
        f"{each.section}.{each.key}": f"{each.value}{'' if each.sure else '?'}"
        for each in propose(found, frozenset(set_up))
    }


def test_nothing_follows_from_nothing() -> None:
    assert propose(()) == ()


def test_an_edc_pays_and_may_read() -> None:
    assert lines(EDC) == {
        "card_reader.driver": "ecr?",
        "card_reader.port": f"{EDC.place}?",
        "payment_terminal.driver": "ecr",
        "payment_terminal.port": EDC.place,
    }


@pytest.mark.parametrize(
    ("reader", "driver", "port"),
    [(CHIP, "pcsc", None), (KEYBOARD, "stripe-keyboard", KEYBOARD.place), (STRIPE, "stripe-serial", STRIPE.place)],
)
def test_a_reader_of_its_own_goes_before_the_edc(reader: FoundDevice, driver: str, port: str | None) -> None:
    found = lines(reader, EDC)
    assert (found["card_reader.driver"], found.get("card_reader.port")) == (driver, port)
    assert found["payment_terminal.driver"] == "ecr"


def test_a_chip_reader_goes_before_a_stripe() -> None:
    assert lines(KEYBOARD, STRIPE, CHIP)["card_reader.driver"] == "pcsc"


@pytest.mark.parametrize(
    ("several", "section"),
    [((EDC, EDC2), "payment_terminal"), ((CHIP, CHIP2), "card_reader"), ((SMALL, WIDE), "receipt")],
)
def test_of_two_none_is_chosen(several: tuple[FoundDevice, ...], section: str) -> None:
    assert not [key for key in lines(*several) if key.startswith(section)]


def test_a_cable_that_says_nothing_of_itself_is_a_guess_and_only_without_an_edc() -> None:
    assert lines(CABLE) == {"payment_terminal.driver": "ecr?", "payment_terminal.port": "usb:1a86:7523?"}
    assert lines(CABLE, EDC)["payment_terminal.port"] == EDC.place


def test_an_edc_on_the_network_waits_for_the_banks_secret() -> None:
    assert lines(NETWORK, CABLE) == {
        "payment_terminal.driver": "poselink?",
        "payment_terminal.url": f"{NETWORK.place}?",
    }


@pytest.mark.parametrize(
    ("printer", "driver", "columns"),
    [(SMALL, "escpos-usb", "32"), (WIDE, "escpos-usb", "48"), (SERIAL, "escpos-serial", "32"), (QUEUE, "cups", "48")],
)
def test_a_printer_by_its_way_and_its_width(printer: FoundDevice, driver: str, columns: str) -> None:
    assert lines(printer) == {
        "receipt_printer.driver": driver,
        "receipt_printer.port": printer.place,
        "receipt_printer.columns": columns,
    }


def test_an_edc_that_speaks_in_the_clear_is_not_proposed() -> None:
    """The till says nothing to it, and would not start with its address."""
    assert propose((FoundDevice(DeviceKind.POSELINK, DeviceRole.EDC, "ws://192.0.2.9:6745"),)) == ()
    assert lines(NETWORK)["payment_terminal.url"] == f"{NETWORK.place}?"


def test_the_printers_own_wire_goes_before_a_queue() -> None:
    assert lines(QUEUE, SMALL)["receipt_printer.driver"] == "escpos-usb"


@pytest.mark.parametrize("name", ["HP_LaserJet_M15w", "PDF"])
def test_a_queue_that_may_be_the_offices_is_a_guess(name: str) -> None:
    assert lines(FoundDevice(DeviceKind.QUEUE, DeviceRole.PRINTER, name, name)) == {
        "receipt_printer.driver": "cups?",
        "receipt_printer.port": f"{name}?",
        "receipt_printer.columns": "32?",
    }


def test_what_is_set_up_is_left_alone() -> None:
    assert set(lines(EDC, SMALL, CHIP, set_up=("payment_terminal", "receipt_printer"))) == {"card_reader.driver"}
    assert propose((EDC, SMALL), frozenset({"card_reader", "payment_terminal", "receipt_printer"})) == ()
    assert Setting("card_reader", "driver", "pcsc") in propose((CHIP,))
