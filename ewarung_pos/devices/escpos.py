"""Receipt printers that speak ESC/POS, and the honest question after each job: did it come out?

What is sent (`escpos_bytes`) is kept on disk first, byte for byte.
Status is asked with DLE EOT before and after (real-time request, Epson ESC/POS reference); a printer that does not
answer is *unknown*: neither "paper plenty" nor a failure.
"""

from __future__ import annotations

import logging
import time
from enum import StrEnum
from pathlib import Path

import msgspec

from ewarung_pos.devices.durable import next_numbered
from ewarung_pos.devices.escpos_bytes import Fittings, encode, profile_of, silent_bytes
from ewarung_pos.devices.printer_links import Connect, PrinterLink
from ewarung_pos.domain.documents import Document
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ports import DeviceState, DeviceStatus, PrintReport

__all__ = ["EscposPrinter", "Pace", "PaperSense"]

_log = logging.getLogger(__name__)

_STALE_READS = 16
_LOOK_S = 0.02


class Pace(msgspec.Struct, frozen=True):
    """How to feed the printer and how long to wait for it; seconds.

    On a serial line the time that the bytes are on the wire comes on top of each limit.

    Attributes:
        chunk: bytes in one write. Cheap units with small buffers and no flow control want 64..256 and a pause.
        pause: between two writes.
        write: longest wait for the printer to take one chunk, and behind the last one for it to have taken all.
        answer: longest wait for a status byte.
        job: longest time for the whole job.
        settle: how long to go on asking after the last byte, while paper still moves.
    """

    chunk: int = 1024
    pause: float = 0.0
    write: float = 3.0
    answer: float = 0.5
    job: float = 45.0
    settle: float = 0.0


class PaperSense(StrEnum):
    """What a printer says of itself, worst first."""

    COVER_OPEN = "cover_open"
    PAPER_OUT = "paper_out"
    CUTTER = "cutter"
    FAULT = "fault"
    HOT = "hot"
    OFFLINE = "offline"
    PAPER_LOW = "paper_low"
    OK = "ok"
    SILENT = "no_answer"

    @property
    def prints(self) -> bool:
        """Whether it makes sense to send a job."""
        return self in (PaperSense.OK, PaperSense.PAPER_LOW, PaperSense.SILENT)


class EscposPrinter:
    """A receipt printer at the other end of a wire. One job at a time, on the printer lane.

    The wire is opened for each job and given back after it, so that a printer switched off and on again is found.

    Args:
        connect: opens the wire (`printer_links`).
        columns: 32 (58 mm) or 48 (80 mm).
        keep_dir: where the exact bytes of every job are kept, `NNNNNN.bin`.
        profile: python-escpos profile; by default the one for the columns.
        pace: chunks and deadlines.
        fittings: knife, drawer, logo and letters.

    Raises:
        ConfigError: no profile for so many columns.
    """

    def __init__(
        self,
        connect: Connect,
        columns: int,
        keep_dir: Path,
        profile: str = "",
        pace: Pace | None = None,
        fittings: Fittings | None = None,
    ) -> None:
        self.columns = columns
        self._connect = connect
        self._keep_dir = keep_dir
        self._profile = profile_of(columns, profile)
        self._pace = pace or Pace()
        self._fittings = fittings or Fittings()

    def print(self, document: Document) -> PrintReport:
        """Ask, keep the bytes, send them, ask again.

        Raises:
            PrinterNotReady: reason paper_out, cover_open, cutter, fault, hot, offline (before: nothing was sent; after:
                it stopped), no_answer_after (it answered before and is silent now), link, in_use, no_permission,
                stalled, or disk (the bytes could not be kept, so nothing was sent). The paper may be out, in part or
                whole, from the first byte on that can have printed a line.
            ConfigError: the profile does not fit the columns, or lacks the code page.
        """
        data = encode(document, self.columns, self._profile, self._fittings)
        link = self._connect()
        try:
            before = self._sense(link)
            if not before.prints:
                raise PrinterNotReady("before the job", reason=before.value)
            try:
                next_numbered(self._keep_dir, ".bin", data)
            except OSError as exc:
                raise PrinterNotReady(f"{type(exc).__name__}: {exc}", reason="disk") from exc
            return self._printed(link, data, before)
        finally:
            link.close()

    def status(self) -> DeviceStatus:
        """What the printer says of itself now. "No answer" is UNKNOWN; nobody there is AWAY. Never raises."""
        try:
            link = self._connect()
            try:
                return _status(self._sense(link))
            finally:
                link.close()
        except PrinterNotReady as exc:
            return DeviceStatus(DeviceState.AWAY, exc.reason, exc.detail)

    def close(self) -> None:
        """Nothing is held between jobs."""

    def _printed(self, link: PrinterLink, data: bytes, before: PaperSense) -> PrintReport:
        """Send it and ask again; whatever breaks here is told as `PrinterNotReady`, for bytes may have left."""
        try:
            through = self._send(link, data)
            try:
                after = self._sense_until_settled(link, through, silent=before is PaperSense.SILENT)
            except PrinterNotReady as exc:
                raise _broke(exc.detail, exc.reason, data, len(data)) from exc
        except PrinterNotReady:
            raise
        except Exception as exc:
            _log.exception("a job broke off")
            raise PrinterNotReady(type(exc).__name__, reason="no_answer_after", maybe_out=True) from exc
        if not after.prints:
            # The paper's end may have come while the last lines were fed out: then the family holds all of it.
            raise PrinterNotReady("during the job", reason=after.value, maybe_out=True)
        if after is PaperSense.SILENT and before is not PaperSense.SILENT:
            raise PrinterNotReady("it answered before and is silent now", reason="no_answer_after", maybe_out=True)
        return PrintReport(confirmed=after is not PaperSense.SILENT, status=_status(after))

    def _send(self, link: PrinterLink, data: bytes) -> float:
        """Hand all of it over; the instant at which its last byte has left the wire, were nothing in its way."""
        through = time.monotonic()
        deadline = through + self._pace.job + len(data) * link.byte_s
        for start in range(0, len(data), self._pace.chunk):
            chunk = data[start : start + self._pace.chunk]
            now = time.monotonic()
            if now >= deadline:
                raise _broke("the job took too long", "stalled", data, start)
            # The system takes thousands of bytes at once, and more only when the wire has taken most of those.
            through = max(through, now) + len(chunk) * link.byte_s
            try:
                link.write(chunk, min(through - now + self._pace.write, deadline - now))
            except PrinterNotReady as exc:
                left = start + (len(chunk) if exc.maybe_out else 0)
                raise _broke(exc.detail, exc.reason, data, left) from exc
            if self._pace.pause and start + self._pace.chunk < len(data):
                time.sleep(self._pace.pause)
        return through

    def _sense_until_settled(self, link: PrinterLink, through: float, *, silent: bool) -> PaperSense:
        self._let_out(link, through)
        # Nobody sees what the adapter, the network and the printer's own buffer still hold before the question.
        patience = 0.0 if silent else max(0.0, through - time.monotonic()) + self._pace.write
        sense = self._sense(link, patience)
        deadline = time.monotonic() + (0 if silent else self._pace.settle)
        while sense.prints and time.monotonic() < deadline:
            time.sleep(0.1)
            sense = self._sense(link)
        return sense

    def _let_out(self, link: PrinterLink, through: float) -> None:
        """Wait while the job still waits in this machine: a question would wait behind it.

        Raises:
            PrinterNotReady: `stalled`, what is left of it does not leave.
        """
        begun = max(through, time.monotonic())
        deadline = begun + self._pace.write
        waiting = link.unsent()
        while waiting:
            if time.monotonic() >= deadline:
                raise PrinterNotReady(f"{waiting} bytes do not leave", reason="stalled")
            time.sleep(_LOOK_S)
            before, waiting = waiting, link.unsent()
            if waiting < before:  # one that prints more slowly than the wire brings holds it up, which is no fault
                deadline = max(deadline, min(time.monotonic() + self._pace.write, begun + self._pace.job))

    def _sense(self, link: PrinterLink, patience: float = 0.0) -> PaperSense:
        """DLE EOT 1, 2 and 4, and 3 where 2 speaks of an error; silence at the first ends the questions.

        `patience`: seconds that the first question may be on its way, behind a job.
        """
        printer = self._ask(link, 1, patience)
        if printer is None:
            return PaperSense.SILENT
        cause = self._ask(link, 2)
        paper = self._ask(link, 4)
        if cause is not None and cause & 0x04:
            return PaperSense.COVER_OPEN
        if (paper is not None and paper & 0x60) or (cause is not None and cause & 0x20):
            return PaperSense.PAPER_OUT
        if cause is not None and cause & 0x40:
            return self._error(link)
        if printer & 0x08:
            return PaperSense.OFFLINE
        if paper is None:
            return PaperSense.SILENT
        return PaperSense.PAPER_LOW if paper & 0x0C else PaperSense.OK

    def _error(self, link: PrinterLink) -> PaperSense:
        """What stopped it, of which it speaks only when it is asked for it."""
        error = self._ask(link, 3)
        if error is not None and error & 0x08:
            return PaperSense.CUTTER
        if error is not None and error & 0x40 and not error & 0x20:
            return PaperSense.HOT  # the head: it goes on by itself once it has cooled
        return PaperSense.FAULT

    def _ask(self, link: PrinterLink, what: int, patience: float = 0.0) -> int | None:
        """One status byte, or None. Bytes that cannot be an answer (bits 1 and 4 set, 0 and 7 clear) do not count."""
        for _ in range(_STALE_READS):
            if not link.read(0.0):
                break  # a late answer to an earlier question would be taken for this one
        try:
            link.write(bytes((0x10, 0x04, what)), self._pace.write)
        except PrinterNotReady as exc:
            raise PrinterNotReady(exc.detail, reason=exc.reason) from exc  # a question that left prints nothing
        deadline = time.monotonic() + self._pace.answer + patience
        while (left := deadline - time.monotonic()) > 0:
            for byte in link.read(left):
                if byte & 0x93 == 0x12:
                    return byte
        return None


def _broke(detail: str, reason: str, data: bytes, left: int) -> PrinterNotReady:
    """It broke off when so many bytes of the job may have left: what is said of that."""
    return PrinterNotReady(detail, reason=reason, maybe_out=left > silent_bytes(data))


def _status(sense: PaperSense) -> DeviceStatus:
    match sense:
        case PaperSense.OK:
            return DeviceStatus(DeviceState.READY)
        case PaperSense.SILENT:
            return DeviceStatus(DeviceState.UNKNOWN, sense.value)
        case _:
            return DeviceStatus(DeviceState.ATTENTION, sense.value)
