"""A CUPS of the tests' own: a real cupsd on a socket file, its folders in a temporary one, seen by nobody else.

cups-pdf reads its settings from /etc/cups alone, so cupsd runs in a mount namespace where that folder is ours. It needs
root, to become the users that queues run as.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PrintService", "missing", "print_service"]

START_S = 20.0
PPD = "lsb/usr/cups-pdf/CUPS-PDF_opt.ppd"
FOLDERS = ("etc", "state", "cache", "spool/tmp", "log", "pdf")
SCHEDULER = """\
LogLevel warn
Listen {folder}/cups.sock
WebInterface No
Browsing Off
DefaultAuthType None
JobRetryInterval 1
<Location />
  Order allow,deny
  Allow all
</Location>
<Policy default>
  JobPrivateAccess all
  JobPrivateValues none
  <Limit All>
    Order deny,allow
    Allow all
  </Limit>
</Policy>
"""
FILES = """\
ServerRoot {folder}/etc
StateDir {folder}/state
CacheDir {folder}/cache
RequestRoot {folder}/spool
TempDir {folder}/spool/tmp
AccessLog {folder}/log/access
ErrorLog {folder}/log/error
PageLog {folder}/log/page
SystemGroup root
"""
CUPS_PDF = """\
Out {folder}/pdf
AnonDirName {folder}/pdf
Log {folder}/log
Label 1
"""


@dataclass(frozen=True)
class PrintService:
    """A scheduler that runs; `socket` is what `CUPS_SERVER` names."""

    folder: Path

    @property
    def socket(self) -> str:
        return str(self.folder / "cups.sock")

    def add_queue(self, name: str, uri: str, model: str = "raw", *, policy: str = "retry-job") -> None:
        self.run("lpadmin", "-p", name, "-E", "-v", uri, "-m", model, "-o", f"printer-error-policy={policy}")

    def add_pdf_queue(self, name: str, **more: str) -> None:
        self.add_queue(name, "cups-pdf:/", PPD, **more)

    def run(self, *command: str) -> str:
        """One of CUPS's own programs."""
        surroundings = {**os.environ, "CUPS_SERVER": self.socket, "LC_ALL": "C"}
        program = _which(command[0])
        assert program is not None
        done = subprocess.run(
            [program, *command[1:]], check=True, capture_output=True, text=True, timeout=30, env=surroundings
        )
        return done.stdout

    def waiting(self, queue: str) -> str:
        """Jobs that have not left the queue, as `lpstat` names them."""
        return self.run("lpstat", "-W", "not-completed", "-o", queue)

    def papers(self) -> list[Path]:
        """What cups-pdf made, in the order it was asked."""
        return sorted((self.folder / "pdf").glob("*.pdf"), key=lambda file: file.stat().st_mtime_ns)


def missing() -> str:
    """What this machine lacks for it, empty when nothing."""
    for program in ("cupsd", "lpadmin", "lpstat", "unshare", "mount"):
        if _which(program) is None:
            return f"{program} is not installed"
    if not Path("/usr/lib/cups/backend/cups-pdf").exists():
        return "printer-driver-cups-pdf is not installed"
    if os.geteuid() != 0:
        return "cupsd needs root to become the users that its queues run as"
    probe = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True, timeout=10)
    return "" if probe.returncode == 0 else "namespaces are not allowed here"


@contextlib.contextmanager
def print_service(more: str = "") -> Iterator[PrintService]:
    """cupsd runs while the block does; `more` are further lines of its configuration."""
    folder = Path(tempfile.mkdtemp(prefix="cups-", dir="/tmp"))
    for part in FOLDERS:
        (folder / part).mkdir(parents=True)
    for name, text in (("cupsd.conf", f"{SCHEDULER}{more}\n"), ("cups-files.conf", FILES), ("cups-pdf.conf", CUPS_PDF)):
        (folder / "etc" / name).write_text(text.format(folder=folder))
    folder.chmod(0o755)
    (folder / "pdf").chmod(0o777)
    (folder / "spool" / "tmp").chmod(0o1777)
    script = 'mount --bind "$0/etc" /etc/cups && exec "$1" -f -c "$0/etc/cupsd.conf" -s "$0/etc/cups-files.conf"'
    command = ["unshare", "--mount", "sh", "-c", script, str(folder)]
    service = PrintService(folder)
    with (folder / "log" / "out").open("wb") as log:
        process = subprocess.Popen([*command, str(_which("cupsd"))], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            _wait(service, process)
            yield service
        finally:
            process.terminate()  # by now it is cupsd itself, and takes its filters along
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
            shutil.rmtree(folder, ignore_errors=True)


def _wait(service: PrintService, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        with contextlib.suppress(subprocess.CalledProcessError):
            if "is running" in service.run("lpstat", "-r"):
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"cupsd did not start: {(service.folder / 'log' / 'out').read_text()[-2000:]}")
        time.sleep(0.02)


def _which(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
