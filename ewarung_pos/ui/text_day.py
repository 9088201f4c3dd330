"""What is said of a business day that was left open over midnight."""

from __future__ import annotations

from ewarung_pos.domain.business_day import Day, DayState
from ewarung_pos.domain.timeline import BusinessDate

__all__ = ["left_open", "still_to_close"]


def left_open(day: Day, today: BusinessDate) -> str:
    """`Hari Selasa 1 Des 2026 belum ditutup`, where the day that is open is one before today; else empty."""
    if day.state is DayState.CLOSED or day.date is None or day.date >= today:
        return ""
    return f"Hari {day.date.short()} belum ditutup"


def still_to_close(day: Day, today: BusinessDate) -> str:
    """The same with what to do; families are served on meanwhile, as long as their month goes on."""
    said = left_open(day, today)
    if not said or day.date is None:
        return ""
    served = day.serving and day.date.period() == today.period()
    return f"{said}. Tutup di Tutup Hari (F5)" + ("; kartu tetap dilayani." if served else ".")
