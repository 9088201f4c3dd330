"""The words of Batalkan: what goes back where, and why a receipt cannot be reversed."""

from __future__ import annotations

from ewarung_pos.domain.business_day import Day
from ewarung_pos.ports import HistoryRow

__all__ = ["why_not_reversed"]


def why_not_reversed(row: HistoryRow, day: Day) -> str:
    """Why Riwayat offers no Batalkan for this receipt, and what may help; empty where it does."""
    if row.reversible:
        return ""
    if row.kind == "Reversed":
        return "Ini struk pembatalan. Struk pembatalan tidak bisa dibatalkan."
    if row.reversed:
        return "Struk ini sudah dibatalkan."
    if row.date != day.date:
        return f"Struk ini dari {row.date.short()}. Yang bisa dibatalkan hanya struk dari hari yang sedang buka."
    if day.closing:
        return "Hari sedang ditutup. Tekan Kembali melayani di Tutup Hari dulu, lalu batalkan di sini."
    return "Hari struk ini sudah disegel, jadi tidak bisa dibatalkan lagi."
