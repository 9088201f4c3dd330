"""Documents: printer-neutral papers, made by pure functions and turned into bytes by the devices."""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = ["Align", "Block", "Columns", "Cut", "Document", "Qr", "Rule", "Space", "Text"]


class Align(StrEnum):
    """Where a line of text stands."""

    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"


class Text(msgspec.Struct, frozen=True, tag=True):
    """A paragraph, wrapped at word ends by the device."""

    text: str
    align: Align = Align.LEFT
    bold: bool = False
    big: bool = False


class Columns(msgspec.Struct, frozen=True, tag=True):
    """Left and right on one line; the left part wraps when both do not fit."""

    left: str
    right: str
    bold: bool = False


class Rule(msgspec.Struct, frozen=True, tag=True):
    """A line across the paper."""

    double: bool = False


class Space(msgspec.Struct, frozen=True, tag=True):
    """An empty line."""


class Qr(msgspec.Struct, frozen=True, tag=True):
    """A QR code holding ASCII text."""

    data: str


class Cut(msgspec.Struct, frozen=True, tag=True):
    """End of the paper."""


Block = Text | Columns | Rule | Space | Qr | Cut


class Document(msgspec.Struct, frozen=True):
    """A paper. `name` is the stem of files made from it; `watermark` is repeated across practice papers."""

    name: str
    title: str
    blocks: tuple[Block, ...]
    watermark: str = ""
