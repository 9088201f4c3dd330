"""The log: one JSON object a line, and never a card number, a NIK or a track in it."""

from __future__ import annotations

import errno
import io
import json
import logging
import re
import unicodedata
from collections.abc import Iterator
from datetime import timedelta, timezone
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.diagnostics import redact, start_log

PAN, NIK, KK = "9999842538824821", "3374015708619062", "3374012412099643"
DIGITS = (PAN, NIK, KK)
JAKARTA = timezone(timedelta(hours=7))
FULL_WIDTH = {ord("0") + digit: 0xFF10 + digit for digit in range(10)}
BETWEEN = ("", " ", "  ", "\t", "\u00a0", "\n", "\r\n", "-", " - ", ".", "/", "_", ",")
CANARIES = {
    "plain": f"card {PAN} read",
    "glued": f"card{PAN}ok",
    "after a hex letter": f"ba{PAN}",
    "in fours": "card 9999 8425 3882 4821",
    "with dashes": "card 9999-8425-3882-4821",
    "with dots": "9999.8425.3882.4821",
    "nik": f"nik={NIK}, kk={KK}",
    "track 2": f"got ;{PAN}=25121011234567890000?",
    "track 2 without its marks": f"{PAN}=2512101123456",
    "track 2 as the chip has it": f"{PAN}D25121011234567890",
    "track 1": f"%B{PAN}^SUMINAH/IBU^25121011234?",
    "track 1 with a space in the name": f"B{PAN}^SUMINAH IBU^25121011234?",
    "hex of ascii": PAN.encode().hex(),
    "beside a hash": f"{'9f' * 32} {PAN}",
    "json": json.dumps({"pan": PAN, "nik": NIK}),
    "two": f"{PAN} {NIK}",
    "with slashes": "card 9999/842538/824821",
    "with underscores": "9999_8425_3882_4821",
    "with commas": "9,999,842,538,824,821",
    "with two spaces": "9999  8425  3882  4821",
    "with tabs": "9999\t8425\t3882\t4821",
    "with hard spaces": "9999\u00a08425\u00a03882\u00a04821",
    "with spaced dashes": "9999 - 8425 - 3882 - 4821",
    "with long dashes": "9999\u20138425\u20133882\u20134821",
    "over two lines": "card 99998425\n38824821 read",
    "over two lines of Windows": "card 99998425\r\n38824821 read",
    "in full-width digits": f"card {PAN.translate(FULL_WIDTH)} read",
    "as long as a hash": f"deadbeefdeadbeef{PAN}",
    "as long as an identifier": "deadbeef-dead-beef-9999-842538824821",
    "two as an identifier": "99998425-3882-4821-3374-015708619062",
    "a track as long as a hash": f"{PAN}d2512101123456780"[:32],
    "21 digits": f"{PAN}25121",
}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    handler = start_log(tmp_path / "log", logging.DEBUG)
    yield tmp_path / "log" / "till.log"
    handler.close()


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def leaks(text: str) -> list[str]:
    """Numbers that can be read from the text, also with what stands between their digits taken out."""
    plain = re.sub(r"\\(?:[nrt]|xa0)|[\s.,/_\u2013-]", "", unicodedata.normalize("NFKC", text))
    return [number for number in (*DIGITS, PAN.encode().hex()) if number in text or number in plain]


@pytest.mark.parametrize("text", CANARIES.values(), ids=CANARIES)
def test_no_canary_reaches_the_file(log: Path, text: str) -> None:
    assert leaks(text)
    speaker = logging.getLogger("ewarung_pos.devices.ecr")
    speaker.warning(text)
    speaker.info("%s and %r", text, {"inner": text})
    try:
        raise ValueError(text)
    except ValueError:
        speaker.exception("broken")
    written = log.read_text(encoding="utf-8")
    assert len(lines(log)) == 3
    assert leaks(written) == []
    assert "SUMINAH" not in written
    assert "2512101" not in str([line | {"ms": 0} for line in lines(log)]), "which a time may hold by chance"


def test_the_last_four_digits_stay_to_compare_with_a_receipt() -> None:
    assert redact(f"card {PAN} read") == "card [####4821] read"
    assert redact(f";{PAN}=2512101?") == "[track]"


@pytest.mark.parametrize(
    "text",
    [
        "head 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "head 1234567890123456789012345678901234567890123456789012345678901a34",
        "entry 019d1234-5678-7123-8456-012345678901",
        "seq 120, receipt 0047, Rp125.000, 2026-11-24 09.41",
        "127.0.0.1:8000 answered 200 in 12 ms",
        "",
    ],
)
def test_what_the_log_is_read_for_stays(text: str) -> None:
    assert redact(text) == text


@st.composite
def numbers_as_written(draw: st.DrawFn) -> str:
    """13 to 19 digits in any grouping, with any of the separators between the groups."""
    digits = draw(st.text("0123456789", min_size=13, max_size=19))
    if draw(st.booleans()):
        digits = digits.translate(FULL_WIDTH)
    between = draw(st.lists(st.sampled_from(BETWEEN), min_size=len(digits) - 1, max_size=len(digits) - 1))
    return digits[0] + "".join(gap + digit for gap, digit in zip(between, digits[1:], strict=True))


def digits_in(text: str) -> str:
    return "".join(letter for letter in text if letter.isdecimal())


@given(
    before=st.sampled_from(["", "card ", "nik=", "['", "x", "deadbeefdeadbeef", f"{'9f' * 32} ", "("]),
    number=numbers_as_written(),
    after=st.sampled_from(["", " read", "'", "ok", f" {'9f' * 32}", ")"]),
)
def test_a_long_number_disappears_however_it_is_written(before: str, number: str, after: str) -> None:
    for text in (number, repr(number)[1:-1]):
        said = redact(before + text + after)
        assert said == f"{before}[####{digits_in(number)[-4:]}]{after}"


@st.composite
def what_stays(draw: st.DrawFn) -> str:
    """Hashes, identifiers, times, amounts and receipts, as a log names them."""
    digest = sha256(draw(st.binary(max_size=8)))
    return draw(
        st.sampled_from(
            [
                digest.hexdigest(),
                digest.hexdigest()[:40],
                digest.hexdigest()[:32],
                str(UUID(bytes=digest.digest()[:16], version=4)),
                draw(st.datetimes()).isoformat(draw(st.sampled_from(["T", " "]))),
                draw(st.datetimes(timezones=st.just(JAKARTA))).isoformat(),
                f"Rp{draw(st.integers(0, 10**12 - 1)):,}".replace(",", "."),
                f"{draw(st.integers(0, 9_999_999)):04d}",
            ]
        )
    )


@given(st.lists(what_stays(), min_size=1, max_size=8), st.sampled_from([", ", "; ", " and ", " | "]))
def test_hashes_identifiers_times_amounts_and_receipts_stay(said: list[str], between: str) -> None:
    text = between.join(said)
    assert redact(text) == text
    assert redact(f"head {text} of {text}") == f"head {text} of {text}"


@pytest.mark.parametrize(
    "piece", ["1 ", "12  ", "9" * 12 + ":", "a1", "\\", "- ", "\\x", "1 - ", "\n1", "0f" * 16 + "g"]
)
def test_a_long_text_is_read_once(piece: str) -> None:
    """Whatever it consists of; a way that began anew at each letter would not come to an end here."""
    assert len(redact(piece * 100_000)) <= len(piece) * 100_000


def test_a_line_says_when_who_and_what(log: Path) -> None:
    logging.getLogger("ewarung_pos.sync").info("sent %d", 3)
    (line,) = lines(log)
    assert {"level": "INFO", "source": "ewarung_pos.sync", "text": "sent 3"}.items() <= line.items()
    assert set(line) == {"ms", "level", "lane", "source", "text"}


def test_a_trace_comes_with_its_error(log: Path) -> None:
    try:
        raise RuntimeError("line one\nline two")
    except RuntimeError:
        logging.getLogger("ewarung_pos").exception("broken")
    (line,) = lines(log)
    assert "RuntimeError: line one\nline two" in str(line["trace"])


def test_a_closed_log_takes_nothing_more(tmp_path: Path) -> None:
    handler = start_log(tmp_path)
    handler.close()
    assert handler not in logging.getLogger("ewarung_pos").handlers
    logging.getLogger("ewarung_pos").error("too late")
    assert (tmp_path / "till.log").read_text(encoding="utf-8") == ""


def test_a_log_that_was_closed_leaves_the_logger_as_it_was(tmp_path: Path) -> None:
    logger = logging.getLogger("ewarung_pos")
    before = (logger.level, logger.propagate, list(logger.handlers))
    log = start_log(tmp_path, logging.ERROR)
    assert (logger.level, logger.propagate) == (logging.ERROR, False)
    log.close()
    assert (logger.level, logger.propagate, list(logger.handlers)) == before


def test_the_log_does_not_fill_the_disk(tmp_path: Path) -> None:
    handler = start_log(tmp_path)
    speaker = logging.getLogger("ewarung_pos")
    for _ in range(7):
        for _ in range(60):
            speaker.info("x" * 20_000)
    handler.close()
    files = sorted(tmp_path.glob("till.log*"))
    assert len(files) == 5
    assert sum(file.stat().st_size for file in files) < 5_200_000


class _Full(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_that_cannot_be_written_says_nothing_to_whoever_watches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = start_log(tmp_path)
    assert isinstance(handler, logging.FileHandler)
    before = handler.setStream(_Full())  # type: ignore[arg-type]  # a disk that is full
    assert before is not None
    before.close()
    logging.getLogger("ewarung_pos.test").info("full")
    handler.close()
    assert capsys.readouterr().err == ""


def test_nothing_reaches_the_terminal_while_the_log_is_open(tmp_path: Path) -> None:
    """A library that calls `logging.info` gives the root logger a handler on stderr."""
    said: list[str] = []

    class Terminal(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    terminal = Terminal()
    logging.getLogger().addHandler(terminal)
    try:
        log = start_log(tmp_path)
        logging.getLogger("ewarung_pos.ui.qt_runner").warning("the screen stood still for %d ms", 60)
        log.close()
        logging.getLogger("ewarung_pos.ui.qt_runner").warning("after the log")
    finally:
        logging.getLogger().removeHandler(terminal)
    assert said == ["after the log"]
    assert "stood still" in (tmp_path / "till.log").read_text(encoding="utf-8")
