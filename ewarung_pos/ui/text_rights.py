"""The sentences about rights that move: from the city, from another kiosk, and out of the hardship pool."""

from __future__ import annotations

from ewarung_pos.ui.trouble import NOTHING, Trouble, said

__all__ = ["RIGHTS_THAT_MOVE"]

RIGHTS_THAT_MOVE: dict[str, Trouble] = {
    "not_entitled.has_rights": said(
        "Keluarga ini punya jatah di sini",
        "Jatah darurat hanya untuk keluarga yang jatahnya tidak terjangkau.",
        "Layani dari jatahnya sendiri.",
        safe=NOTHING,
    ),
    "period_not_current.period_closed": said(
        "Bulan itu sudah ditutup",
        "Jatah bulan itu sudah ditutup di kios ini dan dikembalikan ke kota.",
        "Layani dari jatah bulan ini.",
        safe=NOTHING,
    ),
    "day_not_open.day_not_sealed": said(
        "Hari belum ditutup",
        "Hari kerja bulan lalu belum disegel.",
        "Tutup hari itu lebih dulu.",
        safe=NOTHING,
        button="Tutup Hari",
        action="go_closing",
    ),
}
