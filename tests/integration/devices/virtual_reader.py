"""A pcscd of the tests' own with two virtual slots, seen by nobody else.

vpcd listens on every interface and pcscd in one folder of the machine, so both run in namespaces of their own: no
network but loopback, and a /run that nobody shares. Each slot comes out as a Unix socket. A pcscd of the machine is not
disturbed, and test processes do not meet.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["VirtualReader", "missing", "virtual_reader", "wait_until_empty"]

DRIVER = "libifdvpcd.so"
FIRST_PORT = 35963
START_S = 20.0
IN_THERE = """
set -e
mount -t tmpfs tmpfs /run && mkdir /run/pcscd && mount --bind "$1" /run/pcscd
ip link set lo up
for slot in 0 1; do
  socat "UNIX-LISTEN:$1/slot$slot,fork" "TCP:127.0.0.1:$((35963 + slot))" &
done
shift
exec "$@"
"""


@dataclass(frozen=True)
class VirtualReader:
    """Two slots; a card program connects to one of these sockets."""

    slots: tuple[Path, Path]
    folder: Path
    command: tuple[str, ...]

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """pcscd runs while the block does."""
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            try:
                self._wait(process)
                yield
            finally:
                process.kill()  # unshare takes everything in its namespaces along
                process.wait(10)
                for left in (*self.slots, self.folder / "pcscd.comm", self.folder / "pcscd.pid"):
                    left.unlink(missing_ok=True)

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """pcscd, which runs, does nothing while the block does."""
        (pid,) = (
            int(folder.name)
            for folder in Path("/proc").iterdir()
            if folder.name.isdigit() and str(self.folder).encode() in _arguments(folder) and _is_pcscd(folder)
        )
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_S
        while not all(path.exists() for path in (*self.slots, self.folder / "pcscd.comm")):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"pcscd did not start: {(self.folder / 'log').read_text(errors='replace')[-2000:]}")
            time.sleep(0.01)


def missing() -> str:
    """What this machine lacks for it, empty when nothing."""
    for program in ("pcscd", "unshare", "ip", "socat"):
        if _which(program) is None:
            return f"{program} is not installed"
    if not list(Path("/usr/lib").glob(f"pcsc/drivers/serial/{DRIVER}")):
        return "vsmartcard-vpcd is not installed"
    return "" if _unshare() else "namespaces are not allowed here"


@contextlib.contextmanager
def virtual_reader() -> Iterator[VirtualReader]:
    """Where pcscd will be; it is not running yet. The socket's place is told to libpcsclite, once for this process."""
    folder = Path(tempfile.mkdtemp(prefix="pcsc-"))
    driver = next(Path("/usr/lib").glob(f"pcsc/drivers/serial/{DRIVER}"))
    config = folder / "reader.conf"
    config.write_text(
        'FRIENDLYNAME "Virtual PCD"\n'
        f"DEVICENAME /dev/null:0x{FIRST_PORT:04X}\nLIBPATH {driver}\nCHANNELID 0x{FIRST_PORT:04X}\n",
        encoding="utf-8",
    )
    pcscd = str(_which("pcscd"))
    version = subprocess.run([pcscd, "--version"], check=True, capture_output=True, text=True, timeout=10).stdout
    # A build with polkit asks a system bus that is not in there.
    without = ("--disable-polkit",) if "polkit" in version else ()
    command = (
        *_unshare(),
        *("sh", "-c", IN_THERE, "sh", str(folder)),
        *(pcscd, "--foreground", "--config", str(config), *without),
    )
    before = os.environ.get("PCSCLITE_CSOCK_NAME")
    os.environ["PCSCLITE_CSOCK_NAME"] = str(folder / "pcscd.comm")
    try:
        yield VirtualReader((folder / "slot0", folder / "slot1"), folder, command)
    finally:
        os.environ.pop("PCSCLITE_CSOCK_NAME")
        if before is not None:
            os.environ["PCSCLITE_CSOCK_NAME"] = before
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_empty(place: int) -> None:
    """Until PC/SC has noticed that no card is in that slot any more."""
    from smartcard import scard

    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    name = f"Virtual PCD 00 0{place}"
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        _, states = scard.SCardGetStatusChange(context, 0, [(name, scard.SCARD_STATE_UNAWARE)])
        if not states[0][1] & scard.SCARD_STATE_PRESENT:
            break
        time.sleep(0.02)
    scard.SCardReleaseContext(context)


def _arguments(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:  # it ended meanwhile
        return b""


def _is_pcscd(process: Path) -> bool:
    return _arguments(process).partition(b"\0")[0].endswith(b"pcscd")


@functools.cache
def _unshare() -> tuple[str, ...]:
    """The way into namespaces that this machine allows: anybody's, or root's own (in a chroot); empty for none."""
    rest = ("--net", "--mount", "--pid", "--fork", "--kill-child")
    for command in (("unshare", "--user", "--map-root-user", *rest), ("unshare", *rest)):
        if subprocess.run([*command, "true"], check=False, capture_output=True, timeout=10).returncode == 0:
            return command
    return ()


def _which(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
