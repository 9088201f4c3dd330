"""The voice: espeak-ng's own sound where it is installed, and what happens where it is not."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
import wave
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.app import build
from ewarung_pos.config import KioskConfig, load_config
from ewarung_pos.devices.voice import EspeakVoice, SilentVoice
from ewarung_pos.domain.spoken import spoken_debit
from ewarung_pos.ledger.keys import LedgerKey, Tier
from ewarung_pos.ui.runners import InlineRunner
from tests.till_kit import LEDGER_KEY, PEPPER, FakeClock, till_kit

ESPEAK = shutil.which("espeak-ng")


@pytest.mark.skipif(ESPEAK is None, reason="espeak-ng is not installed")
def test_a_longer_sentence_is_a_longer_sound(tmp_path: Path) -> None:
    """Into a file: there is no loudspeaker here, and none is needed to hear whether it spoke."""

    def seconds(words: str) -> float:
        file = tmp_path / "said.wav"
        EspeakVoice(("espeak-ng", "-v", "id", "--stdin", "-w", str(file))).say(words)
        with wave.open(str(file)) as sound:
            return float(sound.getnframes() / sound.getframerate())

    short, long = seconds("satu rupiah"), seconds(spoken_debit(83_200))
    assert 0.3 < short < long / 3


def test_the_words_arrive_whole_and_on_the_standard_input(tmp_path: Path) -> None:
    """So that no process list shows them."""
    file = tmp_path / "heard"
    keep = f"import sys; open({str(file)!r}, 'wb').write(sys.stdin.buffer.read())"
    EspeakVoice((sys.executable, "-c", keep)).say("dua ratus ribu rupiah é")
    assert file.read_text(encoding="utf-8") == "dua ratus ribu rupiah é"


def test_a_sentence_can_be_broken_off() -> None:
    voice = EspeakVoice((sys.executable, "-c", "import time; time.sleep(30)"))
    began = time.monotonic()
    speaking = threading.Thread(target=voice.say, args=("panjang",))
    speaking.start()
    while speaking.is_alive():
        voice.hush()
        speaking.join(0.02)
    assert time.monotonic() - began < 5


def test_a_sentence_that_is_broken_off_while_its_program_starts_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = EspeakVoice((sys.executable, "-c", "import time; time.sleep(30)"))
    start = subprocess.Popen

    def slowly(*words: Any, **more: Any) -> Any:
        started = start(*words, **more)
        voice.hush()
        return started

    monkeypatch.setattr(subprocess, "Popen", slowly)
    began = time.monotonic()
    voice.say("panjang")
    assert time.monotonic() - began < 5


def test_what_speaks_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ewarung_pos.devices.voice._LONGEST_S", 0.2)
    began = time.monotonic()
    EspeakVoice((sys.executable, "-c", "import time; time.sleep(30)")).say("panjang")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("command", [("no-such-program-anywhere",), (sys.executable, "-c", "raise SystemExit(1)")])
def test_no_program_and_no_loudspeaker_are_no_trouble_of_the_counter(command: tuple[str, ...]) -> None:
    voice = EspeakVoice(command)
    voice.say("dua ratus ribu rupiah " * 9000)
    voice.hush()


def test_a_till_that_says_nothing() -> None:
    SilentVoice().say("dua ratus ribu rupiah")
    SilentVoice().hush()


@pytest.mark.parametrize(
    ("settings", "started"),
    [
        ("", None),
        ('[kiosk]\nid = "EW-0001"\n', None),
        ('[kiosk]\nvoice = "off"\n', None),
        ('[kiosk]\nvoice = "espeak-ng"\n', "espeak-ng"),
    ],
)
def test_a_till_speaks_where_its_settings_say_so_and_nowhere_else(
    settings: str, started: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole queue would hear it."""
    (tmp_path / "config.toml").write_text(settings)
    till_kit(tmp_path, families=1).ledger.close()
    app = build(
        load_config(tmp_path / "config.toml", {}),
        tmp_path,
        FakeClock(),
        InlineRunner(),
        close_runner=lambda: None,
        key=LedgerKey(LEDGER_KEY, Tier.KEY_FILE, PEPPER),
    )
    programs: list[str] = []

    def start(words: tuple[str, ...], **_: Any) -> Any:
        programs.append(words[0])
        raise FileNotFoundError(words[0])

    monkeypatch.setattr(subprocess, "Popen", start)
    app.services.voice.say("dua ratus ribu rupiah")
    app.stop()
    assert programs == ([started] if started else [])
    assert type(app.services.voice) is (EspeakVoice if started else SilentVoice)


def test_nobody_asked_for_it_is_off() -> None:
    assert KioskConfig().kiosk.voice == "off"
