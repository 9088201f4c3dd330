"""From what is plugged in to the lines of config.toml: what follows from it, what is a guess, and what is left open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ewarung_pos.ports import DeviceKind, DeviceRole, FoundDevice, Setting

__all__ = ["propose"]

_WIDE = ("80", "tm-t", "tsp")
"""In the name of a printer for paper of 80 mm."""
_ROLLS = ("struk", "receipt", "thermal", "pos-", "pos_", "pos5", "pos8", "tm-", "tm_", "tsp")
"""In the name of a queue of a receipt printer; any other may be the office's, with sheets in it."""


def propose(found: Iterable[FoundDevice], set_up: frozenset[str] = frozenset()) -> tuple[Setting, ...]:
    """Settings for the sections that are not in `set_up`.

    Of two devices that fit, none is chosen: whoever sets the kiosk up knows which one is meant. A reader of its own
    goes before the EDC, which would be held while it waits for a card.
    """
    devices = tuple(found)
    edc = _only(each for each in devices if each.kind is DeviceKind.SERIAL and each.role is DeviceRole.EDC)
    cable = _only(each for each in devices if each.kind is DeviceKind.SERIAL and each.role is DeviceRole.UNKNOWN)
    network = _only(each for each in devices if each.kind is DeviceKind.POSELINK and each.place.startswith("wss:"))
    reader = _reader(devices)
    settings: list[Setting] = []
    if "card_reader" not in set_up:
        settings += _card_reader(reader, edc)
    if "payment_terminal" not in set_up:
        settings += _terminal(edc, cable, network)
    if "receipt_printer" not in set_up:
        settings += _printer(devices)
    return tuple(settings)


def _only(fitting: Iterable[FoundDevice]) -> FoundDevice | None:
    several = tuple(fitting)
    return several[0] if len(several) == 1 else None


def _reader(devices: tuple[FoundDevice, ...]) -> FoundDevice | None:
    for kind in (DeviceKind.CHIP, DeviceKind.KEYBOARD, DeviceKind.SERIAL):
        found = _only(each for each in devices if each.kind is kind and each.role is DeviceRole.READER)
        if found is not None:
            return found
    return None


def _card_reader(reader: FoundDevice | None, edc: FoundDevice | None) -> Iterator[Setting]:
    drivers = {
        DeviceKind.CHIP: "pcsc",
        DeviceKind.KEYBOARD: "stripe-keyboard",
        DeviceKind.SERIAL: "stripe-serial",
    }
    if reader is not None:
        yield Setting("card_reader", "driver", drivers[reader.kind])
        # A chip reader is named only where there are several; the only one may be exchanged for another.
        if reader.kind is not DeviceKind.CHIP:
            yield Setting("card_reader", "port", reader.place)
    elif edc is not None:
        # Whether the bank's EDC reads cards for the till is the bank's to tell.
        yield Setting("card_reader", "driver", "ecr", sure=False)
        yield Setting("card_reader", "port", edc.place, sure=False)


def _terminal(edc: FoundDevice | None, cable: FoundDevice | None, network: FoundDevice | None) -> Iterator[Setting]:
    if edc is not None:
        yield Setting("payment_terminal", "driver", "ecr")
        yield Setting("payment_terminal", "port", edc.place)
    elif network is not None:
        yield Setting("payment_terminal", "driver", "poselink", sure=False)  # the bank's secret is still to come
        yield Setting("payment_terminal", "url", network.place, sure=False)
    elif cable is not None:
        yield Setting("payment_terminal", "driver", "ecr", sure=False)
        yield Setting("payment_terminal", "port", cable.place, sure=False)


def _printer(devices: tuple[FoundDevice, ...]) -> Iterator[Setting]:
    drivers = {
        DeviceKind.USB_PRINTER: "escpos-usb",
        DeviceKind.SERIAL: "escpos-serial",
        DeviceKind.QUEUE: "cups",
    }
    for kind, driver in drivers.items():
        fitting = tuple(each for each in devices if each.kind is kind and each.role is DeviceRole.PRINTER)
        if not fitting:
            continue
        if len(fitting) == 1:
            label = fitting[0].label.casefold()
            columns = 48 if any(word in label for word in _WIDE) else 32
            sure = kind is not DeviceKind.QUEUE or any(word in label for word in _ROLLS)
            yield Setting("receipt_printer", "driver", driver, sure=sure)
            yield Setting("receipt_printer", "port", fitting[0].place, sure=sure)
            yield Setting("receipt_printer", "columns", columns, sure=sure)
        return
