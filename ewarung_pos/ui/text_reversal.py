"""The words of Batalkan: what goes back where, and why a receipt cannot be reversed."""

from __future__ import annotations

from ewarung_pos.domain.business_day import Day
from ewarung_pos.domain.redemption import RedemptionLine, Tender, total_of
from ewarung_pos.ports import HistoryRow

__all__ = ["goes_back", "went_back", "why_not_reversed"]


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


def goes_back(lines: tuple[RedemptionLine, ...]) -> str:
    """What a reversal will bring back, said before the leader allows it."""
    purse, cash = total_of(lines, Tender.PURSE), total_of(lines, Tender.CASH)
    said = ["Barangnya harus sudah kembali di meja."]
    if purse.amount:
        said.append(f"KKS {purse} dikembalikan ke kartu lewat EDC.")
    if cash.amount:
        said.append(f"Tunai {cash} diserahkan kembali ke keluarga.")
    if any(line.tender is Tender.RATION for line in lines):
        said.append("Jatahnya kembali.")
    return " ".join(said)


def went_back(lines: tuple[RedemptionLine, ...], receipt: int) -> str:
    """The same once it is recorded; the cash is still in the drawer then."""
    purse, cash = total_of(lines, Tender.PURSE), total_of(lines, Tender.CASH)
    said = ["Dibatalkan. Barang tercatat kembali di rak."]
    if purse.amount:
        said.append(f"KKS {purse} sudah kembali lewat EDC.")
    if cash.amount:
        said.append(f"Kembalikan tunai {cash}.")
    if any(line.tender is Tender.RATION for line in lines):
        said.append("Jatahnya sudah kembali.")
    return " ".join((*said, f"Struk pembatalan nomor {receipt:04d}."))
