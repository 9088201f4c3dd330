"""How much goes into one message on a line that breaks, and how it comes back."""

from __future__ import annotations

from ewarung_pos.sync.sizing import MessageSize


def test_one_break_says_nothing_of_the_size_and_two_in_a_row_quarter_it() -> None:
    size = MessageSize(256_000, 8_000)
    size.broke(200_000)
    assert size.now == 256_000
    size.passed()
    size.broke(200_000)
    assert size.now == 256_000
    size.broke(200_000)
    assert size.now == 50_000


def test_it_is_never_less_than_what_is_worth_its_headers_nor_more_than_before() -> None:
    size = MessageSize(64_000, 8_000)
    for _ in range(20):
        size.broke(size.now)
    assert size.now == 8_000
    for _ in range(2):
        size.broke(1_000_000)  # one entry that is larger than all of that
    assert size.now == 8_000


def test_after_eight_that_passed_it_doubles_up_to_what_is_allowed() -> None:
    size = MessageSize(64_000, 8_000)
    for _ in range(2):
        size.broke(64_000)
    assert size.now == 16_000
    for _ in range(7):
        size.passed()
    assert size.now == 16_000
    size.passed()
    assert size.now == 32_000
    for _ in range(40):
        size.passed()
    assert size.now == 64_000
