"""Document to ESC/POS bytes, by python-escpos from a named printer profile.

Letters, knife, drawer and logo are the printer's fittings, and stand in its settings.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from ewarung_pos.domain.documents import Align, Cut, Document, PaperLine, Qr, typeset
from ewarung_pos.errors import ConfigError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["PROFILES", "Fittings", "encode", "profile_of", "read_logo", "silent_bytes"]

_log = logging.getLogger(__name__)

PROFILES = {32: "POS-5890", 48: "TM-T20II"}
"""python-escpos profile for each width. `default` and `simple` know neither width nor dots and are refused."""

_QR_DOTS = 6
"""Dots of one QR module: about 0.75 mm at 203 dpi, read by any phone from thermal paper."""
_QR_LEVEL_M = 1

_LOGO_WIDE = 0.75
"""Of the paper's dots across, at most; a logo is no poster."""
_LOGO_HIGH = 200
_KICK_MS = 100
"""How long the drawer's coil is driven; it opens within 50 to 200 ms."""
_TO_KNIFE = 6
"""Lines from the head to the knife, or to the edge that paper is torn at."""
_PICTURE = b"\x1dv0"
_PICTURE_HEAD = 8
"""Bytes of GS v 0 before the first of the picture."""
_CUTS = {"partial": b"\x1dV\x01", "full": b"\x1dV\x00"}


class Fittings(msgspec.Struct, frozen=True):
    """What a printer has and shall do with it.

    Attributes:
        code_page: letters beside ASCII, by Python's name; `ascii` for none.
        cut: `auto` as the profile has a knife or not; else this cut, whatever the profile says.
        drawer: the connector pin that opens it, 2 or 5; 0 where no drawer hangs on the printer.
        logo: PNG or JPEG above every paper; None for none.
    """

    code_page: str = "ascii"
    cut: Literal["auto", "partial", "full", "none"] = "auto"
    drawer: Literal[0, 2, 5] = 0
    logo: Path | None = None


def profile_of(columns: int, profile: str = "", code_page: str = "ascii") -> str:
    """The profile that is meant.

    Raises:
        ConfigError: none for so many columns, or one that is unknown, knows no width, is narrower, or lacks the code
            page.
    """
    name = profile or PROFILES.get(columns, "")
    if name in {"", "default", "simple"}:
        raise ConfigError(
            f"receipt_printer.profile: {name!r}, seharusnya sebuah profil untuk {columns} kolom", reason="profile"
        )
    if profile or code_page != "ascii":  # the usual ones are known to fit, and python-escpos takes long to load
        from escpos.capabilities import get_profile

        _page_number(get_profile(_checked_profile(name, columns)), code_page)
    return name


def encode(document: Document, columns: int, profile: str = "", fittings: Fittings | None = None) -> bytes:
    """The document's bytes for a printer of that many columns.

    The QR is drawn by the printer where the profile says it can, else sent as an image. No cut is sent to a printer
    without a cutter. A logo that cannot be read is left out: a paper is worth more than its ornament.

    Raises:
        ConfigError: no such profile, one that does not fit the columns, or without this code page.
    """
    from escpos.printer import Dummy

    fitted = fittings or Fittings()
    paper: _Encoder = Dummy(profile=_checked_profile(profile_of(columns, profile), columns))
    paper.hw("INIT")
    if fitted.code_page != "ascii":
        # Two-byte characters off: cheap units come with them on, and would take two accents for one character.
        paper._raw(b"\x1c.\x1bt" + bytes((_page_number(paper.profile, fitted.code_page),)))  # noqa: SLF001 - its way out for bytes
    if fitted.drawer and document.cash:
        paper._raw(b"\x1bp" + bytes((fitted.drawer == 5, _KICK_MS // 2, _KICK_MS // 2)))  # noqa: SLF001
    logo = read_logo(fitted.logo, columns)
    if logo is not None:
        _image(paper, logo)
    for item in typeset(document, columns, fitted.code_page):
        match item:
            case PaperLine():
                _line(paper, item, fitted.code_page)
            case Qr():
                _qr(paper, item.data)
            case Cut():
                _cut(paper, fitted.cut)
    return bytes(paper.output)


def silent_bytes(job: bytes) -> int:
    """How many bytes of an encoded job a printer can take without a line coming out.

    A line is printed by the line feed that ends it, a picture as it comes. Nothing else before the first of them is
    long enough to fill a line.
    """
    picture = job.find(_PICTURE)
    return min(at for at in (job.find(b"\n"), picture + _PICTURE_HEAD if picture >= 0 else -1, len(job)) if at >= 0)


def read_logo(path: Path | None, columns: int) -> Image.Image | None:
    """The logo in black and white, no larger than the paper has room for; None for none, or one that is unreadable."""
    if path is None:
        return None
    from PIL import Image

    try:
        with Image.open(path) as opened:
            flat = Image.new("RGBA", opened.size, "white")
            flat.alpha_composite(opened.convert("RGBA"))
        most = int(columns * 12 * _LOGO_WIDE)
        grey = flat.convert("L")
        scale = min(1.0, most / grey.width, _LOGO_HIGH / grey.height)
        size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
        return grey.resize(size, Image.Resampling.LANCZOS).convert("1")
    except Exception as exc:  # noqa: BLE001 - a damaged picture raises whatever its format's reader does, SyntaxError too
        _log.warning("the logo %s is left out: %s: %s", path, type(exc).__name__, exc)
        return None


class _Encoder(Protocol):
    """What is used of python-escpos, which ships no types."""

    profile: Any
    output: bytes

    def _raw(self, msg: bytes) -> None: ...

    def clear(self) -> None: ...

    def hw(self, hw: str) -> None: ...

    def set(self, **style: object) -> None: ...

    def ln(self, count: int = 1) -> None: ...

    def print_and_feed(self, n: int = 1) -> None: ...

    def cut(self, mode: str = "FULL") -> None: ...

    def image(self, img_source: object, **how: object) -> None: ...

    def qr(self, content: str, **how: object) -> None: ...


def _checked_profile(name: str, columns: int) -> str:
    from escpos.capabilities import CAPABILITIES, get_profile

    if name not in CAPABILITIES["profiles"]:
        raise ConfigError(f"receipt_printer.profile: {name!r}, seharusnya profil python-escpos", reason="profile")
    wide = int(get_profile(name).get_columns("a"))
    if wide < columns:
        raise ConfigError(
            f"receipt_printer.columns: {columns}, seharusnya paling banyak {wide} ({name})", reason="columns"
        )
    return name


def _page_number(profile: Any, code_page: str) -> int:  # noqa: ANN401 - python-escpos ships no types
    """The printer's own number of a code page; that of ASCII is any."""
    if code_page == "ascii":
        return 0
    for number, name in profile.profile_data["codePages"].items():
        if name.casefold() == code_page:
            return int(number)
    raise ConfigError(f"receipt_printer.code_page: {code_page!r}, tidak ada di profil printer ini", reason="code_page")


def _line(paper: _Encoder, line: PaperLine, code_page: str) -> None:
    # Size before weight: ESC ! sets both.
    paper.set(
        align={Align.LEFT: "left", Align.CENTRE: "center", Align.RIGHT: "right"}[line.align],
        bold=line.bold,
        normal_textsize=not (line.tall or line.wide),
        double_height=line.tall,
        double_width=line.wide,
    )
    paper._raw(line.text.encode(code_page) + b"\n")  # noqa: SLF001 - its own text() chooses code pages by itself


def _image(paper: _Encoder, picture: Image.Image) -> None:
    paper.set(align="left", normal_textsize=True)
    paper.image(picture, impl="bitImageRaster", center=True)
    paper.ln()


def _qr(paper: _Encoder, data: str) -> None:
    native = bool(paper.profile.supports("qrCode"))
    paper.set(align="center" if native else "left", bold=False, normal_textsize=True)
    if native:
        paper.ln()  # the quiet zone that an image brings along
    paper.qr(data, ec=_QR_LEVEL_M, size=_QR_DOTS, native=native, center=not native)
    if native:
        paper.set(align="left")
        paper.ln()
    else:
        # It feeds two lines behind a picture: one is enough, and the code stands by its caption.
        sent = paper.output
        paper.clear()
        paper._raw(sent.removesuffix(b"\n"))  # noqa: SLF001


def _cut(paper: _Encoder, cut: str) -> None:
    if cut == "auto":
        paper.cut(mode="PART")
        return
    paper.print_and_feed(_TO_KNIFE)
    if cut in _CUTS:
        paper._raw(_CUTS[cut])  # noqa: SLF001
