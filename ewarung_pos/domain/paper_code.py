"""The code on a paper: enough to find its entry again and to see that neither was changed.

Text of the QR, nine fields between colons, in QR's alphanumeric characters only (a smaller code that an old phone
reads from thermal paper):

    EW1:KIND:DEVICE:EPOCH:SEQ:HASH16:NUMBER:DATE:TOTAL

    EW1:S:EW-0123:1:123:9F86D081884C7D65:47:2026-11-24:191000

EW1 is the format, KIND is S (struk), B (pembatalan) or T (tutup hari), DEVICE is percent-encoded where it holds
anything but A-Z 0-9 - . /, HASH16 the first 16 hexadecimal digits of the entry's chain hash, NUMBER the receipt's or
report's, DATE the business date, TOTAL whole rupiah. Nothing in it names a person or a card.
"""

from __future__ import annotations

import re

import msgspec

from ewarung_pos.domain.timeline import BusinessDate

__all__ = ["PaperCode", "parse_qr", "qr_text"]

_KINDS = {"S": "receipt", "B": "reversal", "T": "day_report"}
_LETTERS = {kind: letter for letter, kind in _KINDS.items()}
_CODE = re.compile(
    r"EW1:([SBT]):((?:[A-Z0-9./-]|%[0-9A-F]{2})+):([0-9]{1,6}):([0-9]{1,12}):([0-9A-F]{16})"
    r":([0-9]{1,9}):([0-9]{4}-[0-9]{2}-[0-9]{2}):([0-9]{1,13})",
    re.ASCII,
)
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-./")


class PaperCode(msgspec.Struct, frozen=True):
    """What a paper's QR says. `kind` as in a print job: receipt, reversal, day_report; `digest` is 16 hex digits."""

    kind: str
    device: str
    epoch: int
    seq: int
    digest: str
    number: int
    date: BusinessDate
    total: int

    def matches(self, entry_hash_hex: str) -> bool:
        """Whether the paper was printed from the entry with this chain hash."""
        return entry_hash_hex.lower().startswith(self.digest)


def qr_text(code: PaperCode) -> str:
    """The code as ASCII for a QR.

    Raises:
        ValueError: a field does not fit the format.
    """
    device = "".join(c if c in _PLAIN else "".join(f"%{byte:02X}" for byte in c.encode()) for c in code.device)
    fields = (
        "EW1",
        _LETTERS.get(code.kind, "?"),
        device,
        str(code.epoch),
        str(code.seq),
        code.digest.upper(),
        str(code.number),
        code.date.iso,
        str(code.total),
    )
    text = ":".join(fields)
    if _CODE.fullmatch(text) is None:
        raise ValueError("does not fit a paper code")
    return text


def parse_qr(text: str) -> PaperCode:
    """Read a paper's QR, as scanned.

    Raises:
        ValueError: not a code of this product.
    """
    found = _CODE.fullmatch(text.strip())
    if found is None:
        raise ValueError("not a paper code")
    letter, device, epoch, seq, digest, number, date, total = found.groups()
    raw = re.sub(rb"%([0-9A-F]{2})", lambda hit: bytes([int(hit.group(1), 16)]), device.encode())
    return PaperCode(
        kind=_KINDS[letter],
        device=raw.decode(),
        epoch=int(epoch),
        seq=int(seq),
        digest=digest.lower(),
        number=int(number),
        date=BusinessDate(date),
        total=int(total),
    )
