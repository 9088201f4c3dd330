"""What stands in where the configuration names no device: it says so, and never pretends."""

from __future__ import annotations

import time

from ewarung_pos.ports import CardPresented, DeviceState, DeviceStatus

__all__ = ["NoCardReader"]


class NoCardReader:
    """A kiosk without a card reader: no card ever comes."""

    source = ""

    def poll(self, wait_ms: int) -> CardPresented | None:
        """Wait the time that a reader would, so that whoever asks in a loop does not spin."""
        time.sleep(wait_ms / 1000)
        return None

    def diagnose(self) -> DeviceStatus:
        """There is none to look for."""
        return self.status()

    def release(self) -> None:
        """Nothing to release."""

    def status(self) -> DeviceStatus:
        """There is none."""
        return DeviceStatus(DeviceState.NONE, "not_configured")

    def close(self) -> None:
        """Nothing to close."""
