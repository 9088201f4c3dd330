"""A print queue of CUPS, or a network printer that speaks IPP by itself: papers as PDF, or as ESC/POS unchanged.

A queue knows that a job has left it, not that paper came out. So nothing here is ever confirmed; what is certain is
that a job which did not leave is taken back before another is tried, so that it does not come out on its own later; and
of one that was taken back, or given up, after it had begun, that nobody knows how much of it came out.
"""

from __future__ import annotations

import contextlib
import getpass
import http.client
import itertools
import logging
import os
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlsplit

from ewarung_pos.devices.ipp import Answer, JobState, Operation, PrinterState, Told, custom_media, parse_answer, request
from ewarung_pos.domain.documents import Document
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ports import DeviceState, DeviceStatus, PrintReport

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

__all__ = ["CupsPrinter", "Sheet", "queues"]

_log = logging.getLogger(__name__)

_SOCKETS = ("/run/cups/cups.sock", "/var/run/cups/cups.sock", "/private/var/run/cupsd")
_PORT = 631
_DIGITS = re.compile(r"[0-9]+(?!.*\])")
_CALL_S = 5.0
"""Of a question, from the first byte that is sent to the last that is heard; handing a paper over has twice that."""
_LONGEST = 1_000_000
_NOT_FOUND = 0x0406
_NOT_SUPPORTED = 0x040B
"""An attribute or its value: nothing was made of the request (RFC 8011 appendix B)."""
_JOB = ("job-state", "time-at-processing", "job-printer-state-reasons", "job-printer-state-message")
_WAITING = {JobState.PENDING, JobState.PENDING_HELD}
_QUEUE = ("printer-state", "printer-state-reasons", "printer-is-accepting-jobs")
_NAMES: Told = {"requested-attributes": ("printer-name",)}
_STOPS = {
    "media-empty": "paper_out",
    "media-needed": "paper_out",
    "cover-open": "cover_open",
    "door-open": "cover_open",
    "interlock-open": "cover_open",
    "cutter-failure": "cutter",
    "media-jam": "cutter",
    "fuser-over-temp": "hot",
    "offline": "offline",
    "timed-out": "offline",
    "shutdown": "offline",
    "paused": "queue_stopped",
    "stopped-partly": "queue_stopped",
}
"""What a printer says of itself (RFC 8011 section 5.4.12, PWG 5100.9), in our words."""


class Sheet(Protocol):
    """How a document is handed to the queue."""

    def __call__(self, document: Document) -> tuple[bytes, str, int, int]:
        """Its bytes, their MIME type, and the paper's width and height in mm; 0 where the queue is not told.

        Raises:
            PrinterNotReady: `disk`, the bytes could not be kept.
        """
        ...


class CupsPrinter:
    """A receipt printer behind a queue. One job at a time, on the printer lane.

    Args:
        queue: name of a queue of the CUPS of this machine (or of `CUPS_SERVER`), or ipp://HOST[:PORT]/PATH of a
            printer.
        columns: 32 (58 mm) or 48 (80 mm).
        sheet: makes what is sent.
        patience: seconds in which a job must have left the queue.
        call_s: seconds that a question and its whole answer may take; handing a paper over may take twice that.
    """

    def __init__(self, queue: str, columns: int, sheet: Sheet, patience: float = 20.0, call_s: float = _CALL_S) -> None:
        self.columns = columns
        self._sheet = sheet
        self._patience = patience
        self._call_s = call_s
        self._numbers = itertools.count(1)
        self._uri, self._path, self._dial = _place(queue)
        self._silent = "link" if queue.startswith("ipp://") else "no_cups"

    def print(self, document: Document) -> PrintReport:
        """Look at the queue, hand the job over, wait until it has left.

        Raises:
            PrinterNotReady: reason no_cups, cups_server, link (a printer with IPP of its own is silent), no_queue,
                queue_stopped, paper_out, cover_open, cutter, hot, fault, offline (before: nothing was sent; after: the
                job was taken back), aborted (the queue gave it up), stalled (it did not leave in time and was taken
                back), no_answer_after (the queue fell silent holding it), disk.
                The paper may be out wherever the job was not certainly still waiting: a queue that hands bytes over
                does not say how many.
        """
        self._stop_unless_ready()
        data, kind, wide, high = self._sheet(document)
        media: Told = {"media": custom_media(wide, high)} if high else {}
        told: Told = {"requesting-user-name": _user(), "job-name": document.title, "document-format": kind}
        try:
            made = self._ask(Operation.PRINT_JOB, told, media, data)
            if media and made.status == _NOT_SUPPORTED:
                # Not every printer knows papers of any size by name; the PDF says by itself how large it is.
                made = self._ask(Operation.PRINT_JOB, told, None, data)
            if made.successful:
                self._wait(made.number("job-id"))
        except _SilentError as exc:
            raise PrinterNotReady(str(exc), reason="no_answer_after", maybe_out=True) from exc
        except PrinterNotReady:
            raise
        except Exception as exc:
            _log.exception("a job broke off")
            raise PrinterNotReady(type(exc).__name__, reason="no_answer_after", maybe_out=True) from exc
        if not made.successful:
            raise PrinterNotReady(f"Print-Job: {made.status:#06x}", reason="aborted")
        return PrintReport(confirmed=False, status=self.status())

    def status(self) -> DeviceStatus:
        """What the queue says; a queue that is ready leaves open whether paper is in. Never raises."""
        try:
            answer = self._look()
        except PrinterNotReady as exc:
            return DeviceStatus(DeviceState.AWAY, exc.reason, exc.detail)
        reasons = answer.words("printer-state-reasons")
        stop = _stop(answer)
        if stop:
            return DeviceStatus(DeviceState.ATTENTION, stop, ", ".join(reasons))
        if any(_bare(reason) == "media-low" for reason in reasons):
            return DeviceStatus(DeviceState.ATTENTION, "paper_low")
        return DeviceStatus(DeviceState.UNKNOWN, "queue")

    def close(self) -> None:
        """Nothing is held between jobs."""

    def _stop_unless_ready(self) -> None:
        if stop := _stop(self._look()):
            raise PrinterNotReady("before the job", reason=stop)

    def _look(self) -> Answer:
        try:
            answer = self._ask(Operation.GET_PRINTER_ATTRIBUTES, {"requested-attributes": _QUEUE})
        except _SilentError as exc:
            raise PrinterNotReady(str(exc), reason=self._silent) from exc
        if not answer.successful:
            reason = "no_queue" if answer.status == _NOT_FOUND else self._silent
            raise PrinterNotReady(f"Get-Printer-Attributes: {answer.status:#06x}", reason=reason)
        return answer

    def _wait(self, job: int) -> None:
        deadline = time.monotonic() + self._patience
        pause = 0.05
        begun = False
        while True:
            answer = self._job(job)
            if answer.status == _NOT_FOUND:
                return  # it has left, and of what has left no history is kept
            state = answer.number("job-state", JobState.ABORTED)
            begun = begun or _begun(answer)
            if state >= JobState.CANCELED:
                break
            stop = _worst(answer.words("job-printer-state-reasons"))
            given_up = state == JobState.PROCESSING_STOPPED
            if stop or given_up or time.monotonic() >= deadline:
                ended = self._take_back(job)
                if ended.number("job-state", JobState.CANCELED) == JobState.COMPLETED:
                    return
                said = " ".join(answer.words("job-printer-state-message"))
                raise PrinterNotReady(
                    f"the job was taken back: {said}",
                    reason=stop or self._stopped() or ("aborted" if given_up else "stalled"),
                    maybe_out=begun or not _waited_till_taken_back(ended),
                )
            time.sleep(pause)
            pause = min(0.5, pause * 1.5)
        if state != JobState.COMPLETED:
            raise PrinterNotReady(f"job state {state}", reason="aborted", maybe_out=begun)

    def _stopped(self) -> str:
        """Why it prints nothing, of a printer that says so of itself and not at its jobs; empty where it does not."""
        with contextlib.suppress(PrinterNotReady):
            return _stop(self._look())
        return ""

    def _take_back(self, job: int) -> Answer:
        """Cancel it, so that it does not come out later; what is said of it then."""
        self._ask(Operation.CANCEL_JOB, {"job-id": job, "requesting-user-name": _user()})
        return self._job(job)

    def _job(self, job: int) -> Answer:
        told: Told = {"job-id": job, "requesting-user-name": _user(), "requested-attributes": _JOB}
        return self._ask(Operation.GET_JOB_ATTRIBUTES, told)

    def _ask(self, operation: Operation, told: Told, job: Told | None = None, document: bytes = b"") -> Answer:
        body = request(operation, next(self._numbers), self._uri, told, job, document)
        seconds = self._call_s * (2 if document else 1)
        return _post(self._dial, self._path, body, seconds)


def _begun(job: Answer) -> bool:
    """Whether any of it may be at the printer: all that is certain of a job is that it still waits."""
    return job.number("job-state", JobState.ABORTED) not in _WAITING


def _waited_till_taken_back(job: Answer) -> bool:
    """Whether a job that waited when it was last seen had not begun when it was canceled.

    Its time of processing has no value then (RFC 8011 section 5.3.14.2). One that still waits was not canceled, and
    comes out when it likes.
    """
    canceled = job.successful and job.number("job-state") == JobState.CANCELED
    return canceled and not job.attributes.get("time-at-processing")


def queues() -> tuple[str, ...]:
    """Names of the queues that the CUPS of this machine has; none where it does not answer, or has no address."""
    try:
        answer = _post(_scheduler, "/", request(Operation.CUPS_GET_PRINTERS, 1, "", _NAMES), _CALL_S)
    except (_SilentError, PrinterNotReady):
        return ()
    return answer.words("printer-name") if answer.successful else ()


_Dial = Callable[[float], http.client.HTTPConnection]
"""Prepares a line that is done with after so many seconds, whatever is still said on it."""


def _post(dial: _Dial, path: str, body: bytes, seconds: float) -> Answer:
    try:
        with contextlib.closing(dial(seconds)) as line:
            line.request("POST", path, body, {"Content-Type": "application/ipp"})
            with contextlib.closing(line.getresponse()) as answer:
                if answer.status != http.HTTPStatus.OK:
                    raise _SilentError(f"HTTP {answer.status}")
                return parse_answer(answer.read(_LONGEST))
    except (OSError, http.client.HTTPException, ValueError) as exc:
        raise _SilentError(f"{type(exc).__name__}: {exc}") from exc


class _SilentError(Exception):
    """Nobody answered, or with something that is no answer, or did not come to an end with it."""


class _Wire(socket.socket):
    """A socket whose every call ends at one moment.

    A socket's own timeout begins anew with each byte that comes: a server that says one now and then, or
    "100 Continue" again and again, would hold whoever waits for as long as it likes.
    """

    until: float

    def connect(self, address: object, /) -> None:
        self.settimeout(self._left())
        super().connect(address)  # type: ignore[arg-type]  # as it came from getaddrinfo, or a path

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        self.settimeout(self._left())
        super().sendall(data, flags)

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0, /) -> int:
        self.settimeout(self._left())
        return super().recv_into(buffer, nbytes, flags)

    def _left(self) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("not done in time")
        return left


class _Connection(http.client.HTTPConnection):
    """HTTP over TCP, or over the socket file of this machine's CUPS, that ends after so many seconds."""

    def __init__(self, host: str, port: int, seconds: float, file: str = "") -> None:
        super().__init__(host, port)
        self._seconds = seconds
        self._file = file

    def connect(self) -> None:
        until = time.monotonic() + self._seconds
        if self._file:
            self.sock = _reached(socket.AF_UNIX, self._file, until)
            return
        refused: OSError = ConnectionError("no address")
        for family, _, _, _, address in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
            try:
                self.sock = _reached(family, address, until)
            except OSError as exc:
                refused = exc
            else:
                return
        raise refused


def _reached(family: int, address: object, until: float) -> _Wire:
    wire = _Wire(family, socket.SOCK_STREAM)
    wire.until = until
    try:
        wire.connect(address)
    except OSError:
        wire.close()
        raise
    return wire


def _place(queue: str) -> tuple[str, str, _Dial]:
    """Its URI, the path that is posted to, and the line there."""
    if queue.startswith("ipp://"):
        parts = urlsplit(queue)
        host, port = parts.hostname or "", parts.port or _PORT
        return queue, parts.path or "/", lambda seconds: _Connection(host, port, seconds)
    path = f"/printers/{quote(queue)}"
    return f"ipp://localhost{path}", path, _scheduler


def _scheduler(seconds: float) -> http.client.HTTPConnection:
    """The line to CUPS, for so many seconds: `CUPS_SERVER` as its own programs read it, else this machine's.

    Raises:
        PrinterNotReady: `cups_server`, what stands there is no address.
    """
    named = os.environ.get("CUPS_SERVER", "")
    files = (named,) if named.startswith("/") else () if named else _SOCKETS
    for file in files:
        if Path(file).exists():
            return _Connection("localhost", _PORT, seconds, file)
    host, port = _server("" if named.startswith("/") else named)
    if not 0 < port < 65_536:
        raise PrinterNotReady(f"CUPS_SERVER: {named!r}, seharusnya HOST[:PORT]", reason="cups_server")
    return _Connection(host or "localhost", port, seconds)


def _server(named: str) -> tuple[str, int]:
    """Host and port of HOST, HOST:PORT or [ADDRESS]:PORT, perhaps with /version=N.N behind it.

    As CUPS's own `cupsSetServer` reads it; the version is passed over, for ours is spoken by all of them.
    """
    place, slash, _ = named.rpartition("/")
    place = place if slash else named
    host, colon, port = place.rpartition(":")
    digits = _DIGITS.match(port) if colon else None
    if digits is None:
        host, number = place, _PORT
    else:
        number = int(digits[0])
    return host.removeprefix("[").removesuffix("]"), number


def _stop(answer: Answer) -> str:
    """Why this queue prints nothing now; empty when it does."""
    reason = _worst(answer.words("printer-state-reasons"))
    stopped = answer.number("printer-state") == PrinterState.STOPPED
    if stopped or not answer.number("printer-is-accepting-jobs", 1):
        return reason or "queue_stopped"
    return "" if reason == "offline" else reason  # an idle queue tries again when it has something to print


def _worst(reasons: tuple[str, ...]) -> str:
    known = [_STOPS[_bare(reason)] for reason in reasons if _bare(reason) in _STOPS]
    if known:
        return known[0]
    return "fault" if any(reason.endswith("-error") for reason in reasons) else ""


def _bare(reason: str) -> str:
    for ending in ("-error", "-warning", "-report"):
        reason = reason.removesuffix(ending)
    return reason


def _user() -> str:
    with contextlib.suppress(KeyError, OSError):
        return getpass.getuser()
    return "kasir"
