"""What a printer has (letters, knife, drawer, logo, speed), from the settings to the paper of the simulated printer."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from msgspec.structs import replace
from PIL import Image, ImageChops, ImageDraw

from ewarung_pos.app import receipt_printer
from ewarung_pos.config import KioskConfig, PrinterConfig
from ewarung_pos.devices.escpos_bytes import PROFILES, Fittings, encode, read_logo
from ewarung_pos.devices.simulated.printer import SimulatedPrinter
from ewarung_pos.domain.documents import Columns, Document, Text
from ewarung_pos.domain.papers import parse_qr
from ewarung_pos.errors import ConfigError
from ewarung_pos.ports import DeviceState
from tests.escpos_interpreter import Printed, interpret
from tests.paper_pictures import WIDTHS
from tests.unit.papers.sample_papers import ration_only, receipt_of, redeemed


@pytest.fixture
def device() -> Iterator[SimulatedPrinter]:
    with SimulatedPrinter() as printer:
        yield printer


def printed(device: SimulatedPrinter, folder: Path, document: Document, **settings: Any) -> Printed:
    """What comes out of a printer that was set up by its keys in config.toml."""
    host, port = device.address
    config = PrinterConfig("escpos-network", f"{host}:{port}", **{"columns": 48, **settings})
    assert receipt_printer(KioskConfig(receipt_printer=config), folder).print(document).confirmed
    return interpret(device.papers()[-1], WIDTHS[config.columns])


@pytest.fixture
def logo(tmp_path: Path) -> Path:
    picture = Image.new("RGBA", (900, 300), (0, 0, 0, 0))
    ImageDraw.Draw(picture).ellipse((50, 20, 850, 280), fill=(10, 90, 60, 255))
    picture.save(tmp_path / "logo.png")
    return tmp_path / "logo.png"


# --- drawer ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("drawer", "kicks"), [(0, []), (2, [0]), (5, [1])])
def test_the_drawer_opens_before_the_paper_when_cash_moves(
    drawer: int, kicks: list[int], device: SimulatedPrinter, tmp_path: Path
) -> None:
    assert printed(device, tmp_path, receipt_of(redeemed()), drawer=drawer).kicks == kicks
    assert printed(device, tmp_path, receipt_of(ration_only()), drawer=drawer).kicks == []
    assert printed(device, tmp_path, receipt_of(redeemed(), copy=1), drawer=drawer).kicks == []


# --- knife -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "cut", "cuts"),
    [
        (32, "auto", []),
        (48, "auto", ["part"]),
        (32, "partial", ["part"]),
        (48, "full", ["full"]),
        (48, "none", []),
    ],
)
def test_paper_is_cut_as_the_printer_can(
    columns: int, cut: str, cuts: list[str], device: SimulatedPrinter, tmp_path: Path
) -> None:
    got = printed(device, tmp_path, receipt_of(redeemed()), columns=columns, cut=cut)
    assert got.cuts == cuts
    assert got.strips[-1][0].getextrema() == (255, 255), "the last line is past the knife, or the edge to tear at"


# --- letters -----------------------------------------------------------------------------------------------------

NAMED = Document("d", "D", (Text("Bu Ngésti Jôwó", bold=True), Columns("Telur Ñ", "Rp1.000")))


@pytest.mark.parametrize("profile", ["POS-5890", "TM-T20II", "TM-T88V"])
@pytest.mark.parametrize("page", ["cp437", "cp850", "cp858", "cp1252"])
def test_accents_come_out_in_the_code_page_of_the_settings(
    page: str, profile: str, device: SimulatedPrinter, tmp_path: Path
) -> None:
    got = printed(device, tmp_path, NAMED, columns=32, profile=profile, code_page=page)
    assert [row.split() for row in got.grid[:2]] == [["Bu", "Ngésti", "Jôwó"], ["Telur", "Ñ", "Rp1.000"]]


def test_without_one_the_letters_are_those_that_every_printer_has(device: SimulatedPrinter, tmp_path: Path) -> None:
    assert printed(device, tmp_path, NAMED).grid[0] == "Bu Ngesti Jowo"
    assert all(byte < 0x80 for byte in encode(NAMED, 48))


def test_a_page_that_the_printer_lacks_is_refused() -> None:
    with pytest.raises(ConfigError, match="cp858"):
        encode(NAMED, 32, "ZJ-5870", Fittings(code_page="cp858"))


def test_two_byte_characters_are_switched_off_before_accents() -> None:
    assert encode(NAMED, 32, fittings=Fittings(code_page="cp850")).startswith(b"\x1b@\x1c.\x1bt\x02")


# --- logo --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_logo_stands_above_the_paper_and_in_the_middle(
    columns: int, logo: Path, device: SimulatedPrinter, tmp_path: Path
) -> None:
    plain = printed(device, tmp_path, receipt_of(redeemed()), columns=columns)
    got = printed(device, tmp_path, receipt_of(redeemed()), columns=columns, logo=str(logo))
    assert got.overflows == 0
    assert next(line for line in got.grid if line).startswith("["), "before the first word"
    assert [line.text for line in got.lines if line.text] == [line.text for line in plain.lines if line.text]
    ink = ImageChops.invert(got.rasters[0]).getbbox()
    assert ink is not None
    assert abs(ink[0] + ink[2] - WIDTHS[columns]) <= 2, "as much paper left as right of it"
    assert ink[2] - ink[0] <= 0.75 * WIDTHS[columns]
    assert parse_qr(zxingcpp.read_barcodes(got.picture())[0].text).number == 47


def test_a_small_logo_keeps_its_dots(tmp_path: Path) -> None:
    Image.new("L", (40, 30), 0).save(tmp_path / "dot.png")
    shown = read_logo(tmp_path / "dot.png", 32)
    assert shown is not None
    assert shown.size == (40, 30)
    assert shown.getextrema() == (0, 0)


@pytest.mark.parametrize("broken", ["absent", "text", "cut", "chunk"])
def test_a_logo_that_cannot_be_read_holds_no_paper_back(
    broken: str, logo: Path, device: SimulatedPrinter, tmp_path: Path
) -> None:
    file = tmp_path / "other.png"
    if broken == "text":
        file.write_text("not a picture")
    elif broken == "cut":
        file.write_bytes(logo.read_bytes()[:200])
    elif broken == "chunk":  # the first of the picture ends too soon, and PIL calls what follows a SyntaxError
        file.write_bytes(logo.read_bytes()[:33] + (10).to_bytes(4, "big") + logo.read_bytes()[37:])
    got = printed(device, tmp_path, receipt_of(redeemed()), logo=str(file))
    assert got.grid == printed(device, tmp_path, receipt_of(redeemed())).grid


# --- speed -------------------------------------------------------------------------------------------------------


def test_the_settings_feed_a_cheap_printer_slowly(device: SimulatedPrinter, tmp_path: Path) -> None:
    began = time.monotonic()
    printed(device, tmp_path, receipt_of(ration_only()), columns=32, chunk=512, pause_ms=5)
    writes = (len(device.jobs()[-1]) - 1) // 512
    assert writes > 10
    assert time.monotonic() - began >= writes * 0.005
    assert interpret(device.papers()[-1], 384).overflows == 0


def test_a_printer_may_have_an_address_of_the_sixth_version(tmp_path: Path) -> None:
    try:
        ear = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    with SimulatedPrinter(ear=ear) as printer:
        settings = PrinterConfig("escpos-network", f"[::1]:{printer.address[1]}")
        assert receipt_printer(KioskConfig(receipt_printer=settings), tmp_path).status().state is DeviceState.READY


@pytest.mark.parametrize("flow", ["none", "rtscts", "dsrdtr", "xonxoff"])
def test_a_serial_printer_stops_the_till_as_its_slip_says(
    flow: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def opened(port: str, **settings: Any) -> None:
        asked.update(settings, port=port)
        raise OSError(2, "no such port")

    monkeypatch.setattr("ewarung_pos.devices.printer_links.opened", opened)
    settings = PrinterConfig("escpos-serial", "/dev/ttyUSB7", baudrate=38_400, flow=flow)
    receipt_printer(KioskConfig(receipt_printer=settings), tmp_path).status()
    assert (asked["port"], asked["baudrate"]) == ("/dev/ttyUSB7", 38_400)
    assert [name for name in ("rtscts", "dsrdtr", "xonxoff") if asked[name]] == ([] if flow == "none" else [flow])


@pytest.mark.parametrize("columns", WIDTHS)
def test_the_defaults_change_no_byte(columns: int) -> None:
    plain = encode(receipt_of(redeemed()), columns)
    assert plain == encode(receipt_of(redeemed()), columns, PROFILES[columns], Fittings())
    assert plain != encode(receipt_of(redeemed()), columns, fittings=replace(Fittings(), drawer=2))
