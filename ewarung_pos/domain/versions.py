"""Versions of the till: which is older, and whether the city supports this one still."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["OLDEST_SETTING", "is_older", "is_version", "to_install"]

OLDEST_SETTING = "city_oldest_version"
"""Setting: the oldest version that the city supports, as it said last; an entry says how it came."""

_DOTTED = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}", re.ASCII)


def is_version(said: str) -> bool:
    """Whether this is a version: one to four whole numbers with points between them, and nothing else."""
    return _DOTTED.fullmatch(said) is not None


def is_older(version: str, than: str) -> bool:
    """Whether one version came before another, number by number: 0.9 before 0.10, and 1.0 is 1.

    Raises:
        ValueError: one of them is no version.
    """
    return _numbers(version) < _numbers(than)


def to_install(settings: Mapping[str, str], version: str) -> str:
    """The version that a till of this `version` should be brought to, by what the city said last; empty if none.

    Of a version that is none (one that was never released) nobody knows whether it is older.
    """
    oldest = settings.get(OLDEST_SETTING, "")
    return oldest if is_version(oldest) and is_version(version) and is_older(version, oldest) else ""


def _numbers(version: str) -> tuple[int, ...]:
    if not is_version(version):
        msg = f"not a version: {version!r}"
        raise ValueError(msg)
    numbers = [int(number) for number in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
