"""The simulated printer goes wrong by a script: what the driver says of it, and what the till still owes the family."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.app import receipt_printer
from ewarung_pos.config import KioskConfig, PrinterConfig
from ewarung_pos.devices.escpos import EscposPrinter, Pace
from ewarung_pos.devices.escpos_bytes import encode
from ewarung_pos.devices.printer_links import network
from ewarung_pos.devices.simulated.faults import PRINTER, FaultScript
from ewarung_pos.devices.simulated.printer import SimulatedPrinter
from ewarung_pos.devices.simulated.printer_text import paper_text
from ewarung_pos.devices.simulated.spawned import Spawned, own_command, start
from ewarung_pos.domain.documents import Qr
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ports import PrintJob
from tests.escpos_interpreter import interpret
from tests.system.kit import run
from tests.till_kit import TillKit, till_kit
from tests.unit.papers.sample_papers import all_documents, receipt_of, redeemed
from tests.unit.services.counter import RICE, ration, serve

QUICK = Pace(answer=0.1, write=1.0, job=5.0)
WHOLE = "whole"


class Counter:
    """A till whose printer is the one in its settings, and misbehaves: one receipt is owed."""

    def __init__(self, kit: TillKit, device: SimulatedPrinter, folder: Path) -> None:
        self.kit = kit
        self.device = device
        host, port = device.address
        settings = PrinterConfig(driver="escpos-network", port=f"{host}:{port}")
        self.printer = receipt_printer(KioskConfig(receipt_printer=settings), folder)
        self.done = serve(kit, kit.card("SRI WAHYUNI"), ration(RICE, 2))

    @property
    def owed(self) -> tuple[PrintJob, ...]:
        return self.kit.papers.owed()

    def press(self) -> str:
        """*Cetak lagi*: what became of it."""
        try:
            printed = self.kit.papers.print_again(self.done.entry.id, self.printer)
        except PrinterNotReady as error:
            return error.reason
        return WHOLE if printed.report.confirmed else "unconfirmed"

    def read(self, paper: int) -> str:
        return paper_text(self.device.papers()[paper], 32)


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Callable[..., Counter]]:
    with ExitStack() as stack:

        def make(*faults: dict[str, Any]) -> Counter:
            device = stack.enter_context(SimulatedPrinter(faults=FaultScript.of(list(faults), PRINTER)))
            kit = till_kit(tmp_path, encrypted=False, families=12)
            stack.callback(kit.ledger.close)
            kit.open_shop()
            return Counter(kit, device, tmp_path)

        yield make


# The mood begins in the middle of the first job and stays for one connection more: what three tries come to.
IN_THE_MIDDLE = {
    "paper_low": (WHOLE,),
    "paper_out": ("paper_out", "paper_out", WHOLE),
    "cover_open": ("cover_open", "cover_open", WHOLE),
    "cutter": ("cutter", "cutter", WHOLE),
    "fault": ("fault", "fault", WHOLE),
    "hot": ("hot", "hot", WHOLE),
    "offline": ("offline", "offline", WHOLE),
    "mute": ("no_answer_after", "unconfirmed"),
    "dead": ("link", "link", WHOLE),
}


@pytest.mark.parametrize("deed", IN_THE_MIDDLE)
def test_a_paper_that_was_stopped_is_owed_until_it_is_whole(counter: Callable[..., Counter], deed: str) -> None:
    at = counter({"on": "job", "nth": 1, "do": deed, "after": 500, "stays": 1})
    *failed, last = IN_THE_MIDDLE[deed]
    for reason in failed:
        assert at.press() == reason
        assert [job.copy for job in at.owed] == [0], "the original, and no copy beside it"
    assert at.press() == last
    assert at.owed == ()
    assert at.printer.seen().reason == {"paper_low": "paper_low", "mute": "no_answer"}.get(deed, "")
    papers = at.device.papers()
    first, final = papers[0], papers[-1]
    if deed in {"paper_low", "mute"}:
        assert first == at.device.jobs()[0], "it printed all of it"
    else:
        assert first == at.device.jobs()[0][:500]
        assert len(papers) == 2, "nothing was sent while it could not print"
    # Nobody knows where it stopped: the next one says so.
    assert ("mungkin sudah tercetak" in paper_text(final, 32)) is (deed != "paper_low")


def test_every_mood_has_its_row() -> None:
    assert set(IN_THE_MIDDLE) == set(PRINTER.deeds)


def test_a_copy_that_is_torn_stays_the_copy_that_it_is(counter: Callable[..., Counter]) -> None:
    at = counter({"on": "job", "nth": 2, "do": "paper_out", "after": 300, "stays": 0})
    assert at.press() == WHOLE
    assert at.press() == "paper_out"
    assert [job.copy for job in at.owed] == [1]
    assert at.press() == WHOLE
    assert at.owed == ()
    assert "SALINAN" not in at.read(0)
    assert at.read(2).count("SALINAN ke-1") == 2
    assert at.kit.ledger.read().copies(at.done.entry.id) == 2


def test_a_printer_that_is_stopped_before_the_job_gets_none(counter: Callable[..., Counter]) -> None:
    at = counter({"on": "status", "nth": 1, "do": "cover_open", "stays": 0})
    assert at.press() == "cover_open"
    assert (at.device.jobs(), len(at.owed)) == ((), 1)
    assert at.press() == WHOLE
    assert "SALINAN" not in at.read(0)


def test_where_the_paper_ends_after_the_last_line_there_are_no_two_originals(counter: Callable[..., Counter]) -> None:
    at = counter({"on": "status", "nth": 4, "do": "paper_out", "stays": 0})
    assert at.press() == "paper_out"
    assert len(at.owed) == 1
    assert at.press() == WHOLE
    assert "SALINAN" not in at.read(0)
    assert at.read(1).count("SALINAN") == 2


def test_a_printer_stays_broken_until_somebody_comes(counter: Callable[..., Counter]) -> None:
    at = counter({"on": "job", "nth": 1, "do": "hot"})
    assert [at.press() for _ in range(4)] == ["hot"] * 4
    assert at.device.papers() == (b"",)


def test_a_job_that_is_shorter_is_not_struck_and_neither_is_the_next(counter: Callable[..., Counter]) -> None:
    at = counter({"on": "job", "nth": 1, "do": "paper_out", "after": 1_000_000})
    assert [at.press(), at.press()] == [WHOLE, WHOLE]


# -- the paper as text ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("columns", "dots"), [(32, 384), (48, 576)])
@pytest.mark.parametrize("name", all_documents())
def test_the_text_of_a_paper_is_what_the_strict_interpreter_reads(name: str, columns: int, dots: int) -> None:
    document = all_documents(practice=True)[name]
    job = encode(document, columns)
    wanted = [f"{' ' * (line.left // 12)}{line.text}".rstrip() for line in interpret(job, dots).lines if line.text]
    told = paper_text(job, columns).splitlines()
    assert [row for row in told if row and not row.lstrip().startswith("[") and not row.startswith("- -")] == wanted
    codes = [block.data for block in document.blocks if isinstance(block, Qr)]
    drawn = [row for row in told if row.lstrip().startswith(("[QR ", "[gambar "))]
    assert len(drawn) == len(codes)
    if columns == 48:  # this profile lets the printer draw it
        assert drawn == [f"[QR {data}]" for data in codes]


def test_letters_of_a_code_page_sizes_and_a_drawer_are_read() -> None:
    data = b"\x1b@\x1bp\x00\x19\x19\x1bt\x13Rp 5 \xd5\n"
    data += b"\x1ba\x01\x1d!\x11BESAR\n\x1d!\x00tengah\n\x1ba\x02kanan\n\x1dV\x42\x03"
    assert paper_text(data, 16).splitlines() == [
        "[laci dibuka]",
        "Rp 5 €",
        "   BESAR",
        "     tengah",
        "           kanan",
        "- " * 8,
    ]


@given(st.integers(0, 4000))
def test_a_torn_paper_reads_as_far_as_it_came(at: int) -> None:
    job = encode(receipt_of(redeemed()), 48)
    told, whole = paper_text(job[:at], 48).splitlines(), paper_text(job, 48).splitlines()
    assert told[:-1] == whole[: len(told) - 1]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_paper(data: bytes) -> None:
    assert paper_text(data, 32).endswith("\n")


# -- as a program --------------------------------------------------------------------------------------------------


def program(**options: str | Path | int) -> Spawned:
    named = {f"--{name}": value for name, value in options.items()}
    return start("simulate-printer", own_command("simulate-printer"), named, told=True)


def printer_at(url: str, columns: int, folder: Path) -> EscposPrinter:
    host, _, port = url.removeprefix("socket://").rpartition(":")
    return EscposPrinter(network(host, int(port)), columns, folder / "print", pace=QUICK)


def test_the_command_prints_into_a_folder_and_is_told_moods(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text(json.dumps([{"on": "job", "nth": 2, "do": "paper_out", "after": 500}]))
    papers = tmp_path / "papers"
    with program(listen="tcp://127.0.0.1:0", faults=tmp_path / "faults.json", papers=papers, cpl=48) as printer:
        driver = printer_at(printer.url, 48, tmp_path)
        assert driver.print(receipt_of(redeemed())).confirmed
        with pytest.raises(PrinterNotReady, match="during the job"):
            driver.print(receipt_of(redeemed()))
        assert printer.tell("ok") == "ok"
        assert driver.print(receipt_of(redeemed())).confirmed
        assert printer.tell("cover_open") == "cover_open"
        with pytest.raises(PrinterNotReady) as caught:
            driver.print(receipt_of(redeemed()))
        assert caught.value.reason == "cover_open"
        assert "tidak dimengerti: 'banana'" in printer.tell("banana")
    kept = sorted((tmp_path / "print").glob("*.bin"))
    came = sorted(papers.glob("*.bin"))
    assert [file.name for file in came] == ["000001.bin", "000002.bin", "000003.bin"]
    sent = [file.read_bytes() for file in kept]
    assert [file.read_bytes() for file in came] == [sent[0], sent[1][:500], sent[2]]
    assert (papers / "000001.txt").read_text() == paper_text(sent[0], 48)
    assert "TOTAL" in (papers / "000001.txt").read_text()
    assert not printer.running
    host, _, port = printer.url.removeprefix("socket://").rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=1).close()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(end: signal.Signals) -> None:
    with program(listen="tcp://127.0.0.1:0") as printer:
        printer._process.send_signal(end)
        assert printer._process.wait(20) == 0


def test_it_ends_with_whoever_started_it() -> None:
    done = run("simulate-printer", "--listen", "tcp://127.0.0.1:0", "--parent", "1", timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("simulate-printer ready socket://127.0.0.1:")


def test_papers_that_cannot_be_kept_end_it_and_are_named(tmp_path: Path) -> None:
    (tmp_path / "000001.txt").mkdir()
    with program(listen="tcp://127.0.0.1:0", papers=tmp_path) as printer:
        printer_at(printer.url, 32, tmp_path).print(receipt_of(redeemed()))
        assert printer._process.wait(20) == 2
