"""Rungs to test with: a software TPM behind the real tpm2-tools, and a store in memory that speaks `keyring`."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from keyring import errors
from keyring.backend import KeyringBackend
from keyring.backends import fail, null

from ewarung_pos.ledger import key_store

__all__ = ["KEEP_NOTHING", "MemoryStore", "software_tpm", "use_store"]


KEEP_NOTHING: tuple[KeyringBackend, ...] = (fail.Keyring(), null.Keyring())  # type: ignore[no-untyped-call]
"""What the library offers where there is no store."""


class MemoryStore(KeyringBackend):
    """An encrypting store as far as the ladder can tell: it can be locked, lose an entry, or refuse."""

    priority = 1.0

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False
        super().__init__()  # type: ignore[no-untyped-call]

    def get_password(self, service: str, username: str) -> str | None:
        self._open()
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._open()
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._open()
        if self.entries.pop((service, username), None) is None:
            raise errors.PasswordDeleteError(username)

    def _open(self) -> None:
        if self.locked:
            raise errors.KeyringLocked


def use_store(monkeypatch: pytest.MonkeyPatch, *stores: KeyringBackend) -> None:
    """These are all the stores of the machine; a `MemoryStore` stands where the Secret Service would."""
    monkeypatch.setattr("keyring.backend.get_all_keyring", lambda: list(stores))
    kind = f"{MemoryStore.__module__}.{MemoryStore.__qualname__}"
    monkeypatch.setitem(key_store.ACCEPTED, "secret-service", kind)


@contextmanager
def software_tpm(folder: Path) -> Iterator[str]:
    """A TPM 2.0 in software, on a socket in this folder (short, for a socket's name); yields its TCTI."""
    folder.mkdir(parents=True, exist_ok=True)
    socket = folder / "tpm"
    ends = ["--server", f"type=unixio,path={socket}", "--ctrl", f"type=unixio,path={socket}.ctrl"]
    process = subprocess.Popen(
        ["swtpm", "socket", "--tpm2", *ends, "--tpmstate", f"dir={folder}", "--flags", "not-need-init,startup-clear"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        end = time.monotonic() + 10
        while not socket.exists():
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < end, "swtpm does not listen"
            time.sleep(0.01)
        yield f"swtpm:path={socket}"
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=10)
