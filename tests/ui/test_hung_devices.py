"""Every device hangs, and the window goes on: nothing that could wait for a device runs on the screen's thread.

The till is the real one with its real drivers, lanes and window. Its EDC, reader and printer are lines on which nobody
speaks, or ports that take the connection and never say a word; so is the city. Which functions of
the drivers the screen's thread enters meanwhile is seen by Python itself.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import Self

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from ewarung_pos.app import Application, build
from ewarung_pos.config import KioskConfig
from ewarung_pos.devices import pcsc, transport
from ewarung_pos.devices.ecr_site import EcrTimers
from ewarung_pos.devices.poselink_line import PoseLinkTimers
from ewarung_pos.ledger.keys import LedgerKey, Tier
from ewarung_pos.ports import CardPresented
from ewarung_pos.ui.qt_runner import QtRunner
from ewarung_pos.ui.viewmodels.counter_state import Phase
from ewarung_pos.ui.viewmodels.till import TillViewModels
from ewarung_pos.ui.views.window import TillWindow
from tests.till_kit import LEDGER_KEY, PEPPER, TillKit, till_kit

# A platform without a screen takes no size hints, and says so once for each window.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

TIMERS = EcrTimers(ack=0.3, response=0.6, query=0.3, echo=0.2, repeat=0.2)
POSE_TIMERS = PoseLinkTimers(connect=0.3, ping=0.2, accept=0.3, response=0.6, query=0.3)
DRIVERS = str(Path(transport.__file__).parent)
WAIT_MS = 30_000

ONLY_SAYS = {"status", "seen", "abort", "source", "hush"}
"""What the ports promise to do without waiting: as last seen, a flag that is set, a word to the program that speaks."""


class Entered:
    """Names of the drivers' functions that this thread calls, while the context is open."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __enter__(self) -> Self:
        assert threading.current_thread() is threading.main_thread()
        sys.setprofile(self._seen)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _seen(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(DRIVERS):
            self.names.add(f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_qualname}")


def silent_devices(kind: str, folder: Path, ptys: list[str], port: int) -> dict[str, dict[str, object]]:
    """Sections of devices that are all there and all silent: on `ptys`, or at `port` of this machine."""
    edc: dict[str, object] = {"driver": "ecr", "port": ptys[0]}
    here = f"127.0.0.1:{port}"
    if kind == "ecr":
        printer: dict[str, object] = {"driver": "escpos-network", "port": here}
        return {"card_reader": edc, "payment_terminal": edc, "receipt_printer": printer}
    if kind == "stripe":
        return {
            "card_reader": {"driver": "stripe-serial", "port": ptys[1]},
            "payment_terminal": edc,
            "receipt_printer": {"driver": "escpos-serial", "port": ptys[2]},
        }
    if kind == "chip":
        return {
            "card_reader": {"driver": "pcsc", "port": ""},
            "payment_terminal": edc,
            "receipt_printer": {"driver": "escpos-serial", "port": ptys[2]},
        }
    (folder / "poselink.key").touch(0o600)
    (folder / "poselink.key").write_text("k")
    return {
        "card_reader": {"driver": "stripe-serial", "port": ptys[1]},
        "payment_terminal": {"driver": "poselink", "url": f"wss://{here}", "certificate": "ab" * 32},
        "receipt_printer": {"driver": "cups", "port": f"ipp://{here}/ipp/print"},
    }


@contextlib.contextmanager
def hung(folder: Path, kind: str = "ecr") -> Iterator[tuple[TillKit, Application]]:
    """A till whose devices are all there and all silent; its lanes are the window's."""
    kit = till_kit(folder, families=12)
    kit.open_shop()
    kit.ledger.close()
    with contextlib.ExitStack() as stack:
        pairs = [os.openpty() for _ in range(3)]
        for end in (end for pair in pairs for end in pair):
            stack.callback(os.close, end)
        ports = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=8)).getsockname()[1] for _ in range(2)
        ]
        devices = silent_devices(kind, folder, [os.ttyname(pair[1]) for pair in pairs], ports[1])
        sections = {"city": {"url": f"http://127.0.0.1:{ports[0]}"}, **devices}
        runner = QtRunner()
        key = LedgerKey(LEDGER_KEY, Tier.KEY_FILE, PEPPER)
        app = build(
            msgspec.convert(sections, KioskConfig),
            folder,
            kit.clock,
            runner,
            close_runner=lambda: None if runner.close(20.0) else pytest.fail("a lane never ended"),
            timers=[TIMERS, POSE_TIMERS],
            key=key,
        )
        stack.callback(app.stop)
        yield kit, app


def visit_everything(qtbot: QtBot, kit: TillKit, till: TillViewModels) -> None:
    """A day in small: served by ration, by an EDC that never answers, tried, printed again, closed."""

    def until(holds: Callable[[], bool]) -> None:
        qtbot.waitUntil(holds, timeout=WAIT_MS)

    counter = till.counter
    till.shell.sign_in("siti", "111111")
    until(lambda: till.shell.operator() == "siti")
    counter.present(CardPresented(kit.card("SRI WAHYUNI")))
    until(lambda: counter.state.phase is Phase.RECOGNISED)
    counter.take_all()
    counter.serve()
    until(lambda: counter.state.phase is Phase.DONE)
    counter.handover.reprint()
    counter.finish()
    counter.present(CardPresented(kit.card("SUMINAH")))
    until(lambda: counter.state.phase is Phase.RECOGNISED)
    counter.choose_section("purse")
    counter.step(next(s for s in counter.state.sections if s.id == "purse").rows[0].product, 1)
    counter.serve()
    until(lambda: counter.state.phase is Phase.PROCESSING)
    counter.cancel()
    until(lambda: till.doubt.state.panel is not None or counter.state.phase is Phase.RECOGNISED)
    for screen in ("history", "stock", "day", "sync", "devices"):
        till.shell.go(screen)
        till.shell.tick()
    till.devices.try_card()
    till.devices.try_paper()
    till.devices.try_edc()
    until(lambda: not any(row.busy for row in till.devices.state.rows if row.id != "card"))
    till.history.activate()
    until(lambda: bool(till.history.state.rows))
    till.history.open(till.history.state.rows[0].entry)
    until(lambda: till.history.state.mode == "receipt")
    till.history.reprint()
    until(lambda: not till.history.state.busy)


@pytest.fixture
def hanging_pcsc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A service of chip cards that takes every call and ends none, until the test is over."""
    over = threading.Event()
    winscard = ModuleType("smartcard.scard")
    vars(winscard).update(SCARD_SCOPE_USER=0, SCardEstablishContext=lambda scope: (0, over.wait(WAIT_MS)))
    monkeypatch.setitem(sys.modules, "smartcard.scard", winscard)
    monkeypatch.setattr(pcsc, "_READ_S", 0.1)
    monkeypatch.setattr(pcsc, "_ANSWER_S", 0.2)
    yield
    over.set()


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("hanging_pcsc")
@pytest.mark.parametrize("kind", ["ecr", "stripe", "poselink", "chip"])
def test_no_driver_is_entered_on_the_screens_thread(qtbot: QtBot, tmp_path: Path, kind: str) -> None:
    with hung(tmp_path, kind) as (kit, app):
        window = TillWindow(app.till)
        qtbot.addWidget(window)
        window.show()
        with Entered() as entered:
            app.start()
            visit_everything(qtbot, kit, app.till)
        window.close()
    assert entered.names, "the lamps ask the drivers how they are"
    assert {name for name in entered.names if name.rpartition(".")[2] not in ONLY_SAYS} == set()


def test_a_driver_that_is_entered_is_noticed(tmp_path: Path) -> None:
    with hung(tmp_path) as (_, app), Entered() as entered:
        app.services.printer.status()
    assert "escpos.EscposPrinter._ask" in entered.names
