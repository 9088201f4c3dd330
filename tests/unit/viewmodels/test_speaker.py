"""What is said at the counter, when, and that the newest sentence wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ewarung_pos.ports import Lane
from ewarung_pos.ui.viewmodels.speaker import Speaker
from tests.unit.viewmodels.till import Mouth, ScriptedTill

T = TypeVar("T")


def test_a_ration_is_said_once_it_is_recorded(till: ScriptedTill) -> None:
    till.ration("SRI WAHYUNI", beras_medium_5=2)
    left = "Sisa jatah: Beras habis, Gula dua kilogram, Minyak dua liter, Tepung dua kilogram."
    assert till.voice.said == [f"dua karung Beras medium, isi sepuluh kilogram. {left}"]


def test_a_purse_is_said_before_the_pin_and_after_the_record(till: ScriptedTill) -> None:
    till.buy("TUKINAH", telur_1=1)
    before, after = till.voice.said
    assert before.startswith("Saldo KKS akan ditarik dua puluh sembilan ribu rupiah")
    assert "Saldo KKS ditarik dua puluh sembilan ribu rupiah" in after
    assert "TUKINAH" not in before + after


class Kept:
    """A runner that keeps what it is given until it is told to go on."""

    def __init__(self) -> None:
        self.work: list[Callable[[], object]] = []

    def submit(
        self,
        lane: Lane,
        work: Callable[[], T],
        on_ok: Callable[[T], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self.work.append(work)

    def post(self, callback: Callable[[], None]) -> None:
        callback()

    def later(self, delay_ms: int, callback: Callable[[], None]) -> Callable[[], None]:
        return callback


def test_a_sentence_that_comes_too_late_is_not_said() -> None:
    runner, voice = Kept(), Mouth()
    speaker = Speaker(voice, runner)
    speaker.say("satu")
    speaker.say("dua")
    for work in runner.work:
        work()
    assert (voice.said, voice.breaks) == (["dua"], 2)
    speaker.say("tiga")
    speaker.stop()
    runner.work[-1]()
    assert (voice.said, voice.breaks) == (["dua"], 4)
