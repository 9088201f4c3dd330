"""A network printer that speaks IPP by itself, played by a small server: what each of its states is called."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ewarung_pos.devices.cups import CupsPrinter
from ewarung_pos.devices.cups_sheets import pdf_sheet
from ewarung_pos.devices.ipp import JobState, Operation, PrinterState
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ports import DeviceState
from tests.unit.papers.sample_papers import receipt_of, redeemed


class IppPrinter:
    """Answers each operation as its fields say.

    `silent` are operations whose connection it closes unanswered, `endless` those whose answer never comes to its end.
    """

    def __init__(self, port: int = 0) -> None:
        self.reasons: tuple[str, ...] = ("none",)
        self.state = PrinterState.IDLE
        self.job_states = [JobState.PROCESSING, JobState.COMPLETED]
        self.job_reasons: tuple[str, ...] = ("none",)
        self.began = False
        self.silent: set[int] = set()
        self.endless: set[int] = set()
        self.http = 200
        self.asked: list[int] = []
        self.jobs: list[bytes] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                operation = int.from_bytes(body[2:4], "big")
                outer.asked.append(operation)
                if operation in outer.silent:
                    self.close_connection = True
                    return
                if operation == Operation.PRINT_JOB:
                    outer.jobs.append(body)
                if operation in outer.endless:
                    self.wfile.write(HEAD)
                    with contextlib.suppress(OSError):
                        while True:
                            self.wfile.write(b"\x01")
                            time.sleep(0.02)
                    return
                answer = outer.answer(operation)
                self.send_response(outer.http)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *words: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", port), Handler)
        self.uri = f"ipp://127.0.0.1:{self.server.server_port}/ipp/print"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def answer(self, operation: int) -> bytes:
        made = b"\x01\x01\x00\x00\x00\x00\x00\x01\x01\x47\x00\x12attributes-charset\x00\x05utf-8"
        if operation == Operation.GET_PRINTER_ATTRIBUTES:
            made += b"\x04\x23\x00\x0dprinter-state\x00\x04" + self.state.to_bytes(4, "big")
            made += _keywords("printer-state-reasons", self.reasons)
        elif operation == Operation.GET_JOB_ATTRIBUTES:
            state = self.job_states.pop(0) if len(self.job_states) > 1 else self.job_states[0]
            made += b"\x02\x23\x00\x09job-state\x00\x04" + state.to_bytes(4, "big")
            when = b"\x21\x00\x12time-at-processing\x00\x04\x00\x00\x00\x07"
            made += when if self.began else b"\x13\x00\x12time-at-processing\x00\x00"  # no-value
            made += _keywords("job-printer-state-reasons", self.job_reasons)
        elif operation == Operation.PRINT_JOB:
            made += b"\x02\x21\x00\x06job-id\x00\x04\x00\x00\x00\x09"
        elif operation == Operation.CANCEL_JOB:
            self.job_states = [JobState.CANCELED]
        return made + b"\x03"

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\nContent-Length: 900000\r\n\r\n"
ENDLESS = ((HEAD, b"\x01"), (b"", b"H"), (b"", b"HTTP/1.1 100 Continue\r\n\r\n"), (HEAD[:-2], b"X-More: yes\r\n"))


@contextlib.contextmanager
def never_done(begins: bytes, goes_on: bytes) -> Iterator[int]:
    """The port of a server that begins an answer, and goes on with it as long as anybody listens."""
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError), ear.accept()[0] as made:
                made.settimeout(5)
                made.recv(65536)
                made.sendall(begins)
                while not over.wait(0.02):
                    made.sendall(goes_on)

    with socket.create_server(("127.0.0.1", 0)) as ear:
        ear.settimeout(0.05)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield ear.getsockname()[1]
        finally:
            over.set()
            thread.join()


def _keywords(name: str, values: tuple[str, ...]) -> bytes:
    made = b""
    for value in values:
        made += b"\x44" + len(name).to_bytes(2, "big") + name.encode() + len(value).to_bytes(2, "big") + value.encode()
        name = ""
    return made


@pytest.fixture
def peer() -> Iterator[IppPrinter]:
    made = IppPrinter()
    yield made
    made.stop()


@pytest.fixture
def printer(peer: IppPrinter) -> CupsPrinter:
    return CupsPrinter(peer.uri, 32, pdf_sheet(58), patience=0.4)


def refused(printer: CupsPrinter) -> tuple[str, bool]:
    """Why, and whether the paper is perhaps out."""
    with pytest.raises(PrinterNotReady) as caught:
        printer.print(receipt_of(redeemed()))
    return caught.value.reason, caught.value.maybe_out


def refusal(printer: CupsPrinter) -> str:
    return refused(printer)[0]


def test_a_paper_is_sent_on_a_roll_of_its_own_length(peer: IppPrinter, printer: CupsPrinter) -> None:
    assert not printer.print(receipt_of(redeemed())).confirmed
    (job,) = peer.jobs
    data, kind, width, height = pdf_sheet(58)(receipt_of(redeemed()))
    assert job.endswith(b"\x03" + data)
    assert f"custom_struk_{width}x{height}mm".encode() in job
    assert kind.encode() in job


@pytest.mark.parametrize(
    ("reasons", "state", "said"),
    [
        (("none",), DeviceState.UNKNOWN, "queue"),
        (("media-low-warning",), DeviceState.ATTENTION, "paper_low"),
        (("media-empty-error", "marker-supply-low-report"), DeviceState.ATTENTION, "paper_out"),
        (("media-needed",), DeviceState.ATTENTION, "paper_out"),
        (("cover-open-error",), DeviceState.ATTENTION, "cover_open"),
        (("media-jam-error",), DeviceState.ATTENTION, "cutter"),
        (("fuser-over-temp-warning",), DeviceState.ATTENTION, "hot"),
        (("something-new-error",), DeviceState.ATTENTION, "fault"),
        (("something-new-report",), DeviceState.UNKNOWN, "queue"),
        (("offline-report",), DeviceState.UNKNOWN, "queue"),
    ],
)
def test_what_it_says_of_itself(
    reasons: tuple[str, ...], state: DeviceState, said: str, peer: IppPrinter, printer: CupsPrinter
) -> None:
    peer.reasons = reasons
    assert (printer.status().state, printer.status().reason) == (state, said)
    if state is DeviceState.ATTENTION and said != "paper_low":
        assert refusal(printer) == said
        assert peer.jobs == [], "nothing was sent"
    else:
        printer.print(receipt_of(redeemed()))


@pytest.mark.parametrize(
    ("states", "reasons", "said", "maybe_out"),
    [
        ([JobState.PENDING], "none", "stalled", False),
        ([JobState.PENDING_HELD], "none", "stalled", False),
        ([JobState.PENDING], "media-empty-error", "paper_out", False),
        ([JobState.PROCESSING], "none", "stalled", True),
        ([JobState.PROCESSING], "media-empty-error", "paper_out", True),
        ([JobState.PENDING, JobState.PROCESSING_STOPPED], "none", "aborted", True),
        ([JobState.PROCESSING, JobState.PENDING], "none", "stalled", True),
    ],
)
def test_a_job_that_does_not_end_is_taken_back_and_perhaps_out_once_it_began(
    states: list[JobState], reasons: str, said: str, maybe_out: bool, peer: IppPrinter, printer: CupsPrinter
) -> None:
    peer.job_states, peer.job_reasons = states, (reasons,)
    assert refused(printer) == (said, maybe_out)
    assert Operation.CANCEL_JOB in peer.asked


@pytest.mark.parametrize(
    ("state", "began"),
    [(JobState.CANCELED, True), (JobState.PROCESSING, False), (JobState.ABORTED, False)],
)
def test_a_job_that_began_while_it_was_taken_back_is_perhaps_out(
    state: JobState, began: bool, peer: IppPrinter, printer: CupsPrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.job_states = [JobState.PENDING]
    answer = peer.answer

    def begun(operation: int) -> bytes:
        if operation == Operation.CANCEL_JOB:
            peer.job_states = [state]
            peer.began = began
            return b"\x01\x01\x00\x00\x00\x00\x00\x01\x03"
        return answer(operation)

    monkeypatch.setattr(peer, "answer", begun)
    assert refused(printer) == ("stalled", True)


@pytest.mark.parametrize("state", [JobState.PENDING, JobState.PENDING_HELD, None])
def test_a_job_that_cannot_be_taken_back_is_perhaps_out_later(
    state: JobState | None, peer: IppPrinter, printer: CupsPrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody but who may: it waits on; or its history is not kept, and nobody knows how it ended."""
    peer.job_states = [JobState.PENDING]
    answer = peer.answer

    def forbidden(operation: int) -> bytes:
        if operation == Operation.CANCEL_JOB:
            peer.job_states = [state] if state is not None else []
            return b"\x01\x01\x04\x03\x00\x00\x00\x01\x03"
        gone = operation == Operation.GET_JOB_ATTRIBUTES and not peer.job_states
        return b"\x01\x01\x04\x06\x00\x00\x00\x01\x03" if gone else answer(operation)

    monkeypatch.setattr(peer, "answer", forbidden)
    assert refused(printer) == ("stalled", True)


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        (JobState.PROCESSING_STOPPED, "media-empty-error", "paper_out"),
        (JobState.PROCESSING, "cover-open-error", "cover_open"),
        (JobState.PENDING, "media-empty-error", "paper_out"),
    ],
)
def test_a_printer_that_says_at_no_job_why_it_stopped_is_asked(
    state: JobState, reason: str, said: str, peer: IppPrinter, printer: CupsPrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`job-printer-state-reasons` is a word of CUPS; a printer with IPP of its own says it of itself alone."""
    peer.job_states = [state]
    answer = peer.answer

    def stopped(operation: int) -> bytes:
        if operation == Operation.PRINT_JOB:
            peer.reasons, peer.state = (reason,), PrinterState.STOPPED
        return answer(operation)

    monkeypatch.setattr(peer, "answer", stopped)
    assert refused(printer) == (said, state != JobState.PENDING)


def test_a_job_that_ended_while_it_was_taken_back_did_come_out(
    peer: IppPrinter, printer: CupsPrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.job_states = [JobState.PROCESSING]
    answer = peer.answer

    def too_late(operation: int) -> bytes:
        if operation == Operation.CANCEL_JOB:
            peer.job_states = [JobState.COMPLETED]
            return b"\x01\x01\x04\x04\x00\x00\x00\x01\x03"
        return answer(operation)

    monkeypatch.setattr(peer, "answer", too_late)
    assert not printer.print(receipt_of(redeemed())).confirmed


@pytest.mark.parametrize("state", [JobState.ABORTED, JobState.CANCELED])
def test_a_job_that_others_ended_is_perhaps_out(state: JobState, peer: IppPrinter, printer: CupsPrinter) -> None:
    peer.job_states = [state]
    assert refused(printer) == ("aborted", True)


@pytest.mark.parametrize("operation", [Operation.PRINT_JOB, Operation.GET_JOB_ATTRIBUTES])
def test_silence_after_the_job_was_sent_leaves_open_whether_paper_came_out(
    operation: Operation, peer: IppPrinter, printer: CupsPrinter
) -> None:
    peer.silent = {operation}
    assert refusal(printer) == "no_answer_after"


def test_whatever_breaks_behind_the_job_leaves_open_whether_paper_came_out(
    printer: CupsPrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_words: object) -> None:
        raise TypeError("the driver's own fault")

    monkeypatch.setattr(printer, "_job", broken)
    assert refused(printer) == ("no_answer_after", True)


def test_silence_before_is_no_printer(peer: IppPrinter, printer: CupsPrinter) -> None:
    peer.silent = {Operation.GET_PRINTER_ATTRIBUTES}
    assert refusal(printer) == "link", "it is the printer that is away, and no service of this machine"
    peer.silent = set()
    peer.http = 426
    assert (printer.status().state, printer.status().reason) == (DeviceState.AWAY, "link")
    assert peer.jobs == []


@pytest.mark.parametrize("media_alone", [True, False])
def test_a_printer_that_does_not_know_the_size_by_name_gets_the_paper_without_it(
    media_alone: bool, peer: IppPrinter, printer: CupsPrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = peer.answer

    def strict(operation: int) -> bytes:
        unknown = operation == Operation.PRINT_JOB and (b"custom_struk" in peer.jobs[-1] or not media_alone)
        return b"\x01\x01\x04\x0b\x00\x00\x00\x01\x03" if unknown else answer(operation)

    monkeypatch.setattr(peer, "answer", strict)
    if media_alone:
        assert not printer.print(receipt_of(redeemed())).confirmed
    else:
        assert refused(printer) == ("aborted", False)
    first, second = peer.jobs
    data = pdf_sheet(58)(receipt_of(redeemed()))[0]
    assert first.endswith(data)
    assert second.endswith(b"\x03" + data)
    assert b"custom_struk" not in second


def test_a_printer_that_refuses_the_kind_of_paper(
    peer: IppPrinter, printer: CupsPrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = peer.answer
    monkeypatch.setattr(
        peer,
        "answer",
        lambda operation: (
            b"\x01\x01\x04\x0a\x00\x00\x00\x01\x03" if operation == Operation.PRINT_JOB else answer(operation)
        ),
    )
    assert refusal(printer) == "aborted"


@pytest.mark.parametrize(("begins", "goes_on"), ENDLESS)
def test_a_server_that_never_ends_its_answer_is_away(begins: bytes, goes_on: bytes) -> None:
    """Each byte is in time, and all of them together never come to an end."""
    with never_done(begins, goes_on) as port:
        printer = CupsPrinter(f"ipp://127.0.0.1:{port}/ipp/print", 32, pdf_sheet(58), call_s=0.3)
        begun = time.monotonic()
        assert (printer.status().state, printer.status().reason) == (DeviceState.AWAY, "link")
        assert refused(printer) == ("link", False), "nothing was handed over"
    assert time.monotonic() - begun < 5


def test_a_local_print_server_that_never_ends_its_answer_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    with never_done(*ENDLESS[0]) as port:
        monkeypatch.setenv("CUPS_SERVER", f"127.0.0.1:{port}")
        printer = CupsPrinter("STRUK", 32, pdf_sheet(58), call_s=0.3)
        assert (printer.status().state, printer.status().reason) == (DeviceState.AWAY, "no_cups")


@pytest.mark.parametrize("operation", [Operation.PRINT_JOB, Operation.GET_JOB_ATTRIBUTES])
def test_an_answer_about_the_job_that_never_ends_leaves_open_whether_paper_came_out(
    operation: Operation, peer: IppPrinter
) -> None:
    peer.endless = {operation}
    printer = CupsPrinter(peer.uri, 32, pdf_sheet(58), call_s=0.3)
    begun = time.monotonic()
    assert refused(printer) == ("no_answer_after", True)
    assert time.monotonic() - begun < 5
