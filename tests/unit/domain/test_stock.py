"""Differences at the count, and the words for their reasons."""

from __future__ import annotations

from ewarung_pos.domain.stock import VARIANCE_SECOND_PERSON_PACKS, CountLine, VarianceReason, variances


def test_a_difference_is_what_was_counted_less_what_was_booked() -> None:
    assert CountLine("beras-5", booked=10, counted=8).difference == -2
    assert CountLine("beras-5", booked=8, counted=10).difference == 2


def test_only_lines_that_differ_need_a_reason() -> None:
    short = CountLine("gula-1", 5, 4, VarianceReason.LEAKED)
    over = CountLine("minyak-1", 5, 6)
    assert variances((CountLine("beras-5", 3, 3), short, over)) == (short, over)
    assert variances(()) == ()


def test_every_reason_has_its_own_words() -> None:
    assert len({reason.label for reason in VarianceReason}) == len(VarianceReason)
    assert VarianceReason.MISCOUNTED.label == "salah hitung terima"
    assert VARIANCE_SECOND_PERSON_PACKS == 5
