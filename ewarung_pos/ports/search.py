"""What is plugged in or reachable, for who sets a kiosk up; and the settings that follow from it."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec

__all__ = ["DeviceKind", "DeviceRole", "DeviceSearch", "FoundDevice", "Setting", "SettingsFile"]


class DeviceKind(StrEnum):
    """How it is reached."""

    SERIAL = "serial"
    USB_PRINTER = "usb_printer"
    CHIP = "chip"
    KEYBOARD = "keyboard"
    QUEUE = "queue"
    POSELINK = "poselink"


class DeviceRole(StrEnum):
    """What it is, as far as its numbers tell. A cable with a chip of its own hides what hangs on it."""

    EDC = "edc"
    PRINTER = "printer"
    READER = "reader"
    UNKNOWN = "unknown"


class FoundDevice(msgspec.Struct, frozen=True):
    """One device: `place` as it stands in config.toml, `label` as it calls itself."""

    kind: DeviceKind
    role: DeviceRole
    place: str
    label: str = ""


class DeviceSearch(Protocol):
    """Looks around. TERMINAL lane; bounded by a few seconds."""

    def look(self) -> tuple[FoundDevice, ...]:
        """What is there now. Sends nothing to any of them. Never raises."""
        ...


class Setting(msgspec.Struct, frozen=True):
    """A line of config.toml. `sure`: it follows from what was found, and is no guess."""

    section: str
    key: str
    value: str | int
    sure: bool = True


class SettingsFile(Protocol):
    """The kiosk's config.toml."""

    def set_up(self) -> frozenset[str]:
        """Sections of devices that are set up already."""
        ...

    def apply(self, settings: tuple[Setting, ...]) -> None:
        """Write them into the file, whole or not at all; they count from the next start.

        Raises:
            ConfigError: together with the rest they make no sense; nothing was written.
            OSError: the file cannot be written.
        """
        ...
