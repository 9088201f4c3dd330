"""What a sentence for a trouble is made of."""

from __future__ import annotations

import msgspec

__all__ = ["HELD", "NOTHING", "PRINTED_LATER", "SAFE", "SENT_LATER", "UNSPENT", "UNTOUCHED", "Trouble", "said"]

SAFE = "Semua catatan sebelumnya tetap tersimpan."
NOTHING = "Tidak ada yang dicatat dan tidak ada saldo yang ditarik."
UNSPENT = "Jatah tidak terpotong dan tidak ada saldo yang ditarik."
"""Of a family that was not served: that is recorded, and counted on the day's report."""
HELD = "Permintaan ini tersimpan. Saldo tidak akan ditarik dua kali."
PRINTED_LATER = "Sudah tercatat. Struk tersimpan untuk dicetak."
SENT_LATER = "Semua catatan tersimpan di sini dan dikirim nanti."
UNTOUCHED = "Berkasnya tidak diubah."


class Trouble(msgspec.Struct, frozen=True):
    """Three lines and one button.

    Attributes:
        code: `code` or `code.reason` it was made from.
        title: the short form, for a headline.
        happened: what happened. safe: what is already safe. now: what to do now.
        button: the word on the one button. action: what it does, a command name of the view-model.
        tone: look, stop or info.
    """

    code: str
    title: str
    happened: str
    safe: str
    now: str
    button: str = "Mengerti"
    action: str = "dismiss"
    tone: str = "look"


def said(
    title: str,
    happened: str,
    now: str,
    *,
    safe: str = SAFE,
    button: str = "Mengerti",
    action: str = "dismiss",
    tone: str = "look",
) -> Trouble:
    """A sentence that does not know its code yet."""
    return Trouble("", title, happened, safe, now, button, action, tone)
