"""A figure is a ratio of two things timed in the same run, in turn, with its spread and its goal."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec

__all__ = ["Figure", "counted", "percentile", "ratio", "table"]


class Figure(msgspec.Struct, frozen=True):
    """One line of the report.

    Attributes:
        name: what was measured over what.
        value: median over the repetitions.
        lowest, highest: of the repetitions.
        goal: not more than this, or not less (`at_least`); None where the figure is only reported.
        reached: whether `value` keeps the goal; None without one.
        measured, reference: medians of the two, in `unit`: context, never to be compared between machines.
    """

    name: str
    value: float
    lowest: float
    highest: float
    repetitions: int
    goal: float | None
    reached: bool | None
    measured: float
    reference: float
    unit: str
    note: str = ""
    at_least: bool = False


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0..1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def ratio(
    name: str,
    pairs: Sequence[tuple[float, float]],
    *,
    goal: float | None = None,
    unit: str = "us",
    note: str = "",
    at_least: bool = False,
) -> Figure:
    """The figure of (measured, reference) pairs, one for each repetition."""
    each = [measured / reference for measured, reference in pairs]
    value = median(each)
    return Figure(
        name=name,
        value=round(value, 3),
        lowest=round(min(each), 3),
        highest=round(max(each), 3),
        repetitions=len(each),
        goal=goal,
        reached=None if goal is None else (value >= goal if at_least else value <= goal),
        measured=round(median(pair[0] for pair in pairs), 1),
        reference=round(median(pair[1] for pair in pairs), 1),
        unit=unit,
        note=note,
        at_least=at_least,
    )


def counted(name: str, pairs: Sequence[tuple[float, float]], *, goal: float | None = None) -> Figure:
    """The figure of counts that may be nought, and of the same beside it without what is measured: no ratio of them."""
    each = [measured for measured, _ in pairs]
    value = median(each)
    return Figure(
        name=name,
        value=round(value, 3),
        lowest=round(min(each), 3),
        highest=round(max(each), 3),
        repetitions=len(each),
        goal=goal,
        reached=None if goal is None else value <= goal,
        measured=round(value, 1),
        reference=round(median(other for _, other in pairs), 1),
        unit="times",
    )


def table(figures: Sequence[Figure]) -> str:
    """As printed: one line each."""
    width = max(len(figure.name) for figure in figures)
    lines = [f"{'':<{width}}  ratio  (lowest - highest)   goal            measured / reference"]
    for figure in figures:
        verdict = {None: "", True: "reached", False: "MISSED"}[figure.reached]
        goal = "report" if figure.goal is None else f"{'>=' if figure.at_least else '<='} {figure.goal:.2f} {verdict}"
        lines.append(
            f"{figure.name:<{width}}  {figure.value:5.2f}  ({figure.lowest:5.2f} - {figure.highest:5.2f})"
            f"        {goal:<16}{figure.measured:,.1f} / {figure.reference:,.1f} {figure.unit}"
            + (f"  {figure.note}" if figure.note else "")
        )
    return "\n".join(lines)
