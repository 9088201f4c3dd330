"""A network printer that others wrote: `ippeveprinter`, the Printer Working Group's model of IPP Everywhere.

It does not start without DNS-SD, so it gets a message bus and an avahi-daemon of its own, which speak on the loopback
alone; all of them are in a namespace of their own, and go with it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["EverywherePrinter", "everywhere_printer", "lacking"]

START_S = 20.0
BUS = """\
<busconfig>
  <type>system</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
"""
AVAHI = """\
[server]
host-name=kios-uji
use-ipv4=yes
use-ipv6=no
allow-interfaces=lo
[wide-area]
enable-wide-area=no
[publish]
publish-workstation=no
"""
SCRIPT = """\
set -e
mount -t tmpfs none /run
mkdir /run/avahi-daemon
export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$0/bus"
dbus-daemon --config-file="$0/bus.conf" --nofork &
while [ ! -S "$0/bus" ]; do sleep 0.02; done
"$1" -f "$0/avahi.conf" --no-chroot --no-drop-root --no-rlimits &
while [ ! -S /run/avahi-daemon/socket ]; do sleep 0.02; done
shift
exec "$@"
"""


@dataclass(frozen=True)
class EverywherePrinter:
    """One that runs: its port, and the folder where it keeps what it was handed."""

    port: int
    spool: Path

    @property
    def uri(self) -> str:
        return f"ipp://localhost:{self.port}/ipp/print"

    def kept(self) -> list[Path]:
        """The papers that it got, as PDF, oldest first."""
        return sorted(self.spool.glob("*.pdf"), key=lambda file: file.stat().st_mtime_ns)


def lacking() -> str:
    """What this machine lacks for it, empty when nothing."""
    for program, package in (
        ("ippeveprinter", "cups-ipp-utils"),
        ("avahi-daemon", "avahi-daemon"),
        ("dbus-daemon", "dbus-daemon"),
    ):
        if _which(program) is None:
            return f"{package} is not installed"
    if os.geteuid() != 0:
        return "a folder over /run needs root"
    probe = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "true"], check=False, capture_output=True, timeout=10
    )
    return "" if probe.returncode == 0 else "namespaces are not allowed here"


@contextlib.contextmanager
def everywhere_printer(*options: str) -> Iterator[EverywherePrinter]:
    """It runs while the block does; `options` are ippeveprinter's own, such as the command that prints (`-c`)."""
    folder = Path(tempfile.mkdtemp(prefix="ippeve-", dir="/var/tmp"))
    (folder / "spool").mkdir()
    (folder / "bus.conf").write_text(BUS.format(folder=folder))
    (folder / "avahi.conf").write_text(AVAHI)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    printer = [str(_which("ippeveprinter")), "-n", "localhost", "-p", str(port), "-d", str(folder / "spool"), "-k"]
    inside = ["sh", "-c", SCRIPT, str(folder), str(_which("avahi-daemon")), *printer, *options, "Struk"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", *inside],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
        try:
            _wait(port, process, folder / "log")
            yield EverywherePrinter(port, folder / "spool")
        finally:
            _end(process)
            shutil.rmtree(folder, ignore_errors=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    """The first of a namespace takes all others along when it goes, and unshare ends after it."""
    for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"ippeveprinter did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def _which(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
