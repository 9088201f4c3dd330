"""Reader, EDC and printer of a kiosk tried for real, the simulated ones on their lines."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ewarung_pos.app import Application, build
from ewarung_pos.config import ConfigFile, KioskConfig, load_config
from ewarung_pos.devices.simulated.printer import Mood, SimulatedPrinter
from ewarung_pos.devices.simulated.tray import connect
from ewarung_pos.kiosk import device_trial
from ewarung_pos.kiosk.device_trial import bench_of, looked_at, proposed_lines, tried
from ewarung_pos.kiosk.doctor import examine
from ewarung_pos.ledger.keys import LedgerKey, Tier
from ewarung_pos.ports import DeviceKind, DeviceRole, DeviceState, DeviceStatus, FoundDevice, Setting
from ewarung_pos.services.proposal import propose
from ewarung_pos.ui.runners import InlineRunner
from ewarung_pos.ui.text_devices import NO_CARD, PAPERS_FILED, READER_NONE, TERMINAL_NONE, Seen
from tests.escpos_interpreter import interpret
from tests.integration.devices.conftest import CANARY, TIMERS, Counter
from tests.till_kit import LEDGER_KEY, PEPPER, FakeClock, till_kit


@contextlib.contextmanager
def till_with(folder: Path, **sections: dict[str, Any]) -> Iterator[Application]:
    kit = till_kit(folder, families=1)
    kit.ledger.close()
    config = msgspec.convert(sections, KioskConfig)
    key = LedgerKey(LEDGER_KEY, Tier.KEY_FILE, PEPPER)
    app = build(config, folder, FakeClock(), InlineRunner(), close_runner=lambda: None, timers=[TIMERS], key=key)
    try:
        yield app
    finally:
        app.stop()


@pytest.fixture
def device() -> Iterator[SimulatedPrinter]:
    with SimulatedPrinter() as printer:
        yield printer


def seen(name: str, app: Application) -> tuple[Seen, Seen, list[str]]:
    """Looked at, tried, and what the person was told meanwhile."""
    told: list[str] = []
    return looked_at(name, bench_of(app)), tried(name, bench_of(app), told.append), told


@pytest.mark.parametrize("scheme", ["", "socket://"])
def test_a_page_comes_out_of_the_configured_printer(scheme: str, device: SimulatedPrinter, tmp_path: Path) -> None:
    """`simulate-printer` names itself with the scheme, and a network printer's own page without."""
    host, port = device.address
    printer = {"driver": "escpos-network", "port": f"{scheme}{host}:{port}", "columns": 48, "drawer": 2}
    with till_with(tmp_path, receipt_printer=printer) as app:
        before, after, told = seen("print", app)
        assert (before.state, after.state, told) == ("ok", "ok", [])
        (job,) = device.jobs()
        page = interpret(job, 576)
        assert page.overflows == 0, "the ruler is as wide as the paper"
        assert page.kicks == []
        assert "123456789012345678901234567890123456789012345678" in page.grid
        device.set_mood(Mood.COVER_OPEN)
        assert (looked_at("print", bench_of(app)).state, tried("print", bench_of(app), told.append).state) == (
            "look",
            "stop",
        )
        device.set_mood(Mood.MUTE)
        mute = tried("print", bench_of(app), told.append)
        assert (mute.state, "tidak melapor" in mute.seen) == ("look", True)


def test_the_edc_answers_and_reads_a_card(counter: Callable[..., Counter], tmp_path: Path) -> None:
    made = counter("pty")
    edc = {"driver": "ecr", "port": made.url}
    with till_with(tmp_path, card_reader=edc, payment_terminal=edc) as app:
        before, after, _ = seen("edc", app)
        assert (before, after) == (Seen("ok", "EDC menjawab."), Seen("ok", "EDC menjawab."))
        assert looked_at("card", bench_of(app)).state == "ok"
        hands = connect(made.url)
        assert hands is not None
        hand = threading.Timer(0.3, hands.insert, [hands.cards()[0][0]])
        hand.start()
        found = tried("card", bench_of(app), lambda _: None)
        hand.join()
        hands.close()
        assert (found.state, "lewat EDC" in found.seen) == ("ok", True)
        assert CANARY not in found.seen


def test_nothing_that_is_not_set_up_is_tried(tmp_path: Path) -> None:
    with till_with(tmp_path) as app:
        assert seen("card", app) == (READER_NONE, READER_NONE, [])
        assert seen("edc", app)[:2] == (TERMINAL_NONE, TERMINAL_NONE)
        assert looked_at("print", bench_of(app)) == PAPERS_FILED
        filed = tried("print", bench_of(app), lambda _: None)
        assert (filed.state, "PDF" in filed.seen) == ("ok", True)
        assert [file.name for file in (tmp_path / "papers").iterdir()] == ["uji-cetak.pdf"]


def test_a_swipe_is_waited_for_and_said_without_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_trial, "CARD_S", 0.5)
    with till_with(tmp_path, card_reader={"driver": "stripe-keyboard"}) as app:
        assert looked_at("card", bench_of(app)).state == "ok"
        assert tried("card", bench_of(app), lambda _: None) == NO_CARD
        assert app.swiped is not None

        def swipe(_: str) -> None:
            assert app.swiped is not None
            app.services.reader.poll(0)  # a till that looks
            app.swiped(";6013014455667785=2812201?")

        found = tried("card", bench_of(app), swipe)
        assert (found.state, "•••• 7785" in found.seen, "12/28" in found.seen) == ("ok", True, True)
        assert "601301" not in found.seen + found.do

        def broken(_: str) -> None:
            assert app.swiped is not None
            app.services.reader.poll(0)
            app.swiped(";60130144556677?")

        assert tried("card", bench_of(app), broken).state == "stop"


def test_an_installer_tries_the_devices_before_the_kiosk_is_enrolled(
    counter: Callable[..., Counter], device: SimulatedPrinter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_trial, "CARD_S", 10.0)
    made = counter("pty")
    host, port = device.address
    folder = tmp_path / "kiosk"
    folder.mkdir()
    (folder / "config.toml").write_text(
        f'[card_reader]\ndriver = "ecr"\nport = "{made.url}"\n[payment_terminal]\ndriver = "ecr"\n'
        f'[receipt_printer]\ndriver = "escpos-network"\nport = "{host}:{port}"\n'
    )
    hands = connect(made.url)
    assert hands is not None
    card = hands.cards()[0][0]
    said = examine(str(folder), ("card", "edc", "print"), lambda _: hands.insert(card))
    hands.close()
    found = {each["what"]: each for each in said}
    assert found["ledger"]["state"] == "look"
    assert found["uji pembaca kartu"]["state"] == found["uji EDC"]["state"] == found["uji printer"]["state"] == "ok"
    assert CANARY not in str(said)
    assert len(device.jobs()) == 1
    assert not (folder / "ledger.db").exists()


@pytest.mark.parametrize(
    ("wire", "unused"),
    [
        ('driver = "cups"\nport = "X"', "code_page, drawer"),
        ('driver = "pdf"', "code_page, drawer"),
        ('driver = "cups"\nport = "X"\nraw = true', ""),
        ('driver = "escpos-network"\nport = "127.0.0.1:9"', ""),
    ],
)
def test_settings_that_a_printer_of_pdf_knows_nothing_of_are_named(wire: str, unused: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'[receipt_printer]\n{wire}\ndrawer = 2\ncode_page = "cp437"\n')
    found = {each["what"]: each for each in examine(str(tmp_path))}
    told = found.get("pengaturan printer", {"state": "look", "meaning": ""})
    assert (told["state"], told["meaning"].partition(":")[0]) == ("look", unused)


def test_nobody_is_asked_to_swipe_into_the_terminal(tmp_path: Path) -> None:
    """There a reader that types would leave the number in the shell's history, and its Enter would run it."""
    (tmp_path / "config.toml").write_text('[card_reader]\ndriver = "stripe-keyboard"\n')
    asked: list[str] = []
    began = time.monotonic()
    found = {each["what"]: each for each in examine(str(tmp_path), ("card",), asked.append)}
    assert (asked, "uji pembaca kartu" in found) == ([], False)
    assert "di Layanan" in found["pembaca kartu"]["do"]
    assert time.monotonic() - began < 10


def test_a_voice_whose_program_is_missing_is_named_before_the_enrolment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text('[kiosk]\nvoice = "espeak-ng"\n')
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {each["what"]: each for each in examine(str(tmp_path))}
    assert (found["suara"]["state"], found["suara"]["do"]) == ("look", "Pasang paket espeak-ng.")


def test_devices_that_cannot_be_put_together_before_the_enrolment_are_said(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        f'[payment_terminal]\ndriver = "poselink"\nurl = "wss://127.0.0.1:9"\ncertificate = "{"ab" * 32}"\n'
    )
    last = examine(str(tmp_path), ("edc",))[-1]
    assert (last["state"], "key_file" in last["meaning"]) == ("stop", True)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ('profile = "POS-9999"', "receipt_printer.profile: 'POS-9999'"),
        ('profile = "POS-5890"\ncolumns = 48', "receipt_printer.columns: 48"),
        ('profile = "ZJ-5870"\ncode_page = "cp858"', "receipt_printer.code_page: 'cp858'"),
    ],
)
@pytest.mark.parametrize(
    "wire", ['driver = "escpos-network"\nport = "127.0.0.1:9"', 'driver = "cups"\nport = "X"\nraw = true']
)
def test_a_printers_setting_that_no_paper_can_be_made_with_is_named_before_a_family_waits(
    wrong: str, named: str, wire: str, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(f"[receipt_printer]\n{wire}\n{wrong}\n")
    last = examine(str(tmp_path))[-1]
    assert (last["state"], named in last["meaning"]) == ("stop", True)


def test_lines_for_the_configuration_are_read_back_and_guesses_are_comments(tmp_path: Path) -> None:
    found = (FoundDevice(DeviceKind.USB_PRINTER, DeviceRole.PRINTER, "0416:5011", 'POS "58"'),)
    settings = (
        Setting("receipt_printer", "driver", "escpos-usb"),
        Setting("receipt_printer", "port", "0416:5011"),
        Setting("receipt_printer", "columns", 32),
        Setting("card_reader", "driver", "ecr", sure=False),
        Setting("card_reader", "port", "/dev/ttyACM0", sure=False),
    )
    lines, said = proposed_lines(found, settings, tmp_path / "config.toml")
    (tmp_path / "config.toml").write_text(lines)
    config = load_config(tmp_path / "config.toml", {})
    assert (config.receipt_printer.driver, config.receipt_printer.port) == ("escpos-usb", "0416:5011")
    assert config.card_reader == KioskConfig().card_reader, "a guess is nobody's setting"
    assert '# port = "/dev/ttyACM0"' in lines
    assert 'POS "58"' in said[0]
    (tmp_path / "config.toml").write_text(lines.replace("# Dugaan", "## Dugaan").replace("# ", ""))
    assert load_config(tmp_path / "config.toml", {}).card_reader.port == "/dev/ttyACM0"
    assert proposed_lines((), (), tmp_path / "config.toml")[0] == ""


def test_a_device_cannot_write_to_the_installers_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it calls itself is its own to choose."""
    found = (FoundDevice(DeviceKind.CHIP, DeviceRole.READER, "ACS\x1b[2J\r\n", "ACS\x1b]0;x\x07\n Siap"),)
    _, said = proposed_lines(found, (), tmp_path / "config.toml")
    (tmp_path / "config.toml").write_text('[card_reader]\ndriver = "pcsc"\n')
    status = DeviceStatus(DeviceState.READY, detail="ACS\x1b]0;x\x07")
    monkeypatch.setattr("ewarung_pos.devices.pcsc.PcscCardReader.diagnose", lambda _: status)
    said += [each["meaning"] for each in examine(str(tmp_path))]
    assert all(line.isprintable() for line in said)
    assert sum("ACS" in line for line in said) == 2


@pytest.mark.parametrize("before", ['[receipt_printer]\ndriver = "pdf"', "", "[kiosk]\nid = 'EW-1'"])
def test_the_lines_may_be_put_behind_whatever_stands_in_the_file(before: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(before)
    found = (FoundDevice(DeviceKind.USB_PRINTER, DeviceRole.PRINTER, "0416:5011", "POS58"),)
    lines, _ = proposed_lines(found, propose(found, ConfigFile(file).set_up()), file)
    with file.open("a") as more:
        more.write(lines)
    config = load_config(file, {})
    assert 'port = "0416:5011"' in lines
    assert config.receipt_printer.port == ("" if "receipt_printer" in before else "0416:5011")


def test_what_follows_from_a_device_that_came_later_may_be_put_behind_what_the_screen_wrote(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "config.toml")
    file.apply((Setting("card_reader", "driver", "pcsc"),))
    found = (FoundDevice(DeviceKind.USB_PRINTER, DeviceRole.PRINTER, "0416:5011", "POS58"),)
    lines, _ = proposed_lines(found, propose(found, file.set_up()), tmp_path / "config.toml")
    with (tmp_path / "config.toml").open("a") as more:
        more.write(lines)
    assert load_config(tmp_path / "config.toml", {}).card_reader.driver == "pcsc"
