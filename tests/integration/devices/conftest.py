"""A till's drivers and the simulated EDC on a real pty, a real TCP connection, and through socat where it is."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.devices.ecr import EcrLine
from ewarung_pos.devices.ecr_reader import EcrCardReader
from ewarung_pos.devices.ecr_site import EcrSite, EcrTimers
from ewarung_pos.devices.ecr_terminal import EcrTerminal
from ewarung_pos.devices.poselink_line import PoseLinkTimers
from ewarung_pos.devices.simulated.edc import Simulator
from ewarung_pos.devices.simulated.edc_bank import Bank, Slip, read_cards
from ewarung_pos.devices.simulated.edc_behaviour import Edc
from ewarung_pos.devices.simulated.edc_frames import CARD_INFO, INQUIRY
from ewarung_pos.devices.simulated.faults import POSELINK, FaultScript, Vocabulary
from ewarung_pos.devices.simulated.poselink import PoseLinkSimulator
from ewarung_pos.devices.simulated.poselink_behaviour import PoseLinkEdc
from ewarung_pos.devices.transport import SerialTransport
from ewarung_pos.ports import PaymentIntent, PaymentOutcome
from tests.integration.devices.pose_counter import TIMERS as POSE_TIMERS
from tests.integration.devices.pose_counter import PoseCounter
from tests.integration.devices.virtual_reader import VirtualReader, missing, virtual_reader

CARD_KEY = b"a key of thirty-two bytes, truly"
CANARY = "6013014455667788"
FAMILIES = f"""\
card_number,nik,kk,name,members,address,rt,rw,kelurahan_code,programmes,home_kiosk,card_status,purse_balance
{CANARY},3374010101010001,3374010101010001,Siti Aminah,4,Jl. Mawar 1,01,02,33.74.01,SEMBAKO,K1,active,2000000
6013010000004563,3374010101010002,3374010101010002,Budi Santoso,3,Jl. Mawar 2,01,02,33.74.01,SEMBAKO,K1,active,200000
6013010000009990,3374010101010003,3374010101010003,Tini Lestari,2,Jl. Mawar 3,01,02,33.74.01,SEMBAKO,K1,blocked,0
"""

# Short, but no shorter than a busy machine can hold.
TIMERS = EcrTimers(
    ack=0.35, gap=0.2, response=0.55, query=0.5, echo=0.5, repeat=0.35, settle=0.05, slice=0.05, reopen=0.1
)
LINES = [
    "pty",
    "tcp",
    pytest.param("socat", marks=pytest.mark.skipif(not shutil.which("socat"), reason="socat is not installed")),
]
RUN = """
import sys
from ewarung_pos.devices.simulated.edc import run
words = sys.argv[1:]
options = {name[2:]: value for name, value in zip(words[::2], words[1::2])}
run(**{**options, "seed": int(options["seed"])})
"""
SIMULATE = (sys.executable, "-c", RUN)


class Counter:
    """One counter: simulator, line, terminal and reader."""

    def __init__(self, simulator: Simulator, bank: Bank, url: str) -> None:
        self.simulator = simulator
        self.bank = bank
        self.url = url
        self.line = EcrLine(SerialTransport(url), TIMERS, EcrSite(card_info_type=CARD_INFO, query_type=INQUIRY))
        self.terminal = EcrTerminal(self.line)
        self.reader = EcrCardReader(self.line, lambda: CARD_KEY)

    def pay(self, attempt: str, amount: int, last4: str = "") -> PaymentOutcome:
        return self.terminal.pay(PaymentIntent(attempt, amount, last4), lambda _: None)

    def inquire(self, attempt: str, amount: int, last4: str = "") -> PaymentOutcome:
        return self.terminal.inquire(PaymentIntent(attempt, amount, last4))

    def put_in(self, row: str = "1") -> str:
        """This card lies in the EDC, and no other comes by itself; its last four digits."""
        self.simulator.edc.autopilot = False
        self.simulator.edc._slot = self.bank.cards[row]
        return self.bank.cards[row].number[-4:]

    def goes_wrong(self, *rules: dict[str, Any]) -> None:
        """The EDC's fault script from now on, its requests counted from 1 again."""
        self.simulator.edc._faults = FaultScript.of(list(rules))

    def slips(self, kind: str = "sale") -> list[Slip]:
        """What the bank did, whatever the line made of it."""
        return [slip for slip in self.bank._slips if slip.kind == kind]


def deeds_at(words: Vocabulary, kind: str) -> set[str]:
    """What may go wrong at such a request."""
    return {name for name, deed in words.deeds.items() if not deed.kinds or kind in deed.kinds}


@pytest.fixture(scope="session")
def pcscd() -> Iterator[VirtualReader]:
    """A pcscd with two virtual slots; one for each test process."""
    if lacks := missing():
        pytest.skip(lacks)
    with virtual_reader() as made, made.running():
        yield made


@pytest.fixture
def families(tmp_path: Path) -> Path:
    path = tmp_path / "families.csv"
    path.write_text(FAMILIES, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tcp_ports() -> Callable[[], int]:
    """Two free neighbouring ports, the line's and the tray's.

    They are still free when a simulator comes back to them: the system gives ports from 32768 on to whoever asks for
    any, a connection's near end among them.
    """
    dice = random.SystemRandom()  # test processes draw the same from the seeded one

    def find() -> int:
        for _ in range(50):
            port = dice.randrange(20_000, 32_000, 2)
            with contextlib.suppress(OSError), contextlib.ExitStack() as held:
                for each in (port, port + 1):
                    held.enter_context(contextlib.closing(socket.create_server(("127.0.0.1", each))))
                return port
        raise OSError("no two neighbouring ports are free")

    return find


@pytest.fixture
def counter(tmp_path: Path, families: Path, tcp_ports: Callable[[], int]) -> Iterator[Callable[..., Counter]]:
    """Makes counters: `counter("pty", [faults], **edc_options)`."""
    with contextlib.ExitStack() as stack:

        def make(kind: str = "pty", faults: list[dict[str, Any]] | None = None, **options: Any) -> Counter:
            bank = Bank(read_cards(families))
            edc = Edc(bank, FaultScript.of(faults or []), **{"autopilot_s": 0.02, **options})
            if kind == "pty":
                simulator = Simulator(edc, pty=tmp_path / "edc")
            else:
                simulator = Simulator(edc, listen=f"tcp://127.0.0.1:{tcp_ports()}")
            thread = threading.Thread(target=simulator.serve, name="simulator")
            thread.start()
            stack.callback(thread.join)
            stack.callback(simulator.stop)
            url = simulator.url
            if kind == "socat":
                url = str(tmp_path / "till")
                stack.enter_context(_null_modem(url, simulator.url.removeprefix("socket://")))
            made = Counter(simulator, bank, url)
            stack.callback(made.line.close)
            return made

        yield make


@pytest.fixture
def pose(families: Path, tcp_ports: Callable[[], int]) -> Iterator[Callable[..., PoseCounter]]:
    """Makes counters: `pose([faults], timers=…, **edc_options)`."""
    with contextlib.ExitStack() as stack:

        def make(
            faults: list[dict[str, Any]] | None = None, *, timers: PoseLinkTimers = POSE_TIMERS, **options: Any
        ) -> PoseCounter:
            bank = Bank(read_cards(families))
            script = FaultScript.of(faults or [], POSELINK)
            edc = PoseLinkEdc(bank, script, **options)
            simulator = PoseLinkSimulator(edc, f"wss://127.0.0.1:{tcp_ports()}")
            thread = threading.Thread(target=simulator.serve, name="simulator")
            thread.start()
            stack.callback(thread.join)
            stack.callback(simulator.stop)
            made = PoseCounter(simulator, bank, timers)
            stack.callback(made.close)
            return made

        yield make


@contextlib.contextmanager
def _null_modem(link: str, address: str) -> Iterator[None]:
    process = subprocess.Popen(["socat", f"pty,raw,echo=0,link={link}", f"tcp:{address}"])
    try:
        deadline = time.monotonic() + 30
        while not Path(link).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        yield
    finally:
        process.terminate()
        process.wait(5)


@pytest.fixture
def simulate() -> tuple[str, ...]:
    """The simulator's command without the till's command line around it."""
    return SIMULATE


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", LINES)
