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

from ewarung_pos.devices.voice import EspeakVoice, SilentVoice
from ewarung_pos.domain.spoken import spoken_debit

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
