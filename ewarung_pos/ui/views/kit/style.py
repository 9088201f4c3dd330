"""Theme tokens, type sizes and distances: the one place a widget asks how it should look."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

import msgspec
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QFont, QFontMetrics

__all__ = [
    "FAMILY",
    "THEMES",
    "Density",
    "Face",
    "Role",
    "Style",
    "Theme",
    "Tone",
    "contrast",
    "current_style",
    "density_for",
    "load_theme",
    "resource_bytes",
    "set_current_style",
]

FAMILY = "Atkinson Hyperlegible"
THEMES = ("light", "dark")

_USUAL_WINDOW = QSize(1366, 768)
_WIDTHS = 512
"""So many texts are remembered by a face: what a screen says, and the families of an hour."""
_HEX = re.compile(r"#[0-9A-Fa-f]{6}")


class Tone(StrEnum):
    """What a piece of the screen says; the colour is only one of its three carriers (icon, word, colour)."""

    INK = "ink"
    SOFT = "soft"
    GO = "go"
    LOOK = "look"
    STOP = "stop"
    INFO = "info"

    @property
    def text(self) -> str:
        """Token for text in this tone: 7:1 on card, on ground and on the tone's own tint."""
        return "ink" if self is Tone.INK else f"{self.value}-dark"

    @property
    def tint(self) -> str:
        """Token for a surface in this tone."""
        return "wash" if self in (Tone.INK, Tone.SOFT) else f"{self.value}-tint"

    @property
    def line(self) -> str:
        """Token for an edge that groups in this tone."""
        return "line" if self in (Tone.INK, Tone.SOFT) else f"{self.value}-line"


class Role(StrEnum):
    """Type sizes by what the text is for."""

    HERO = "hero"
    DISPLAY = "display"
    TITLE = "title"
    HEADING = "heading"
    QUANTITY = "quantity"
    LEAD = "lead"
    BODY = "body"
    SMALL = "small"
    KEY = "key"


class Density(StrEnum):
    """How much room the window gives; text never follows it below its role's floor."""

    TIGHT = "tight"
    COMPACT = "compact"
    REGULAR = "regular"
    LARGE = "large"


# Role: (pixels at 100 % in a 1366 x 768 window, floor in any window). 27 px is 20 pt at 96 dpi, the least a
# quantity may be in the counter flow.
_SIZES: Mapping[Role, tuple[int, int]] = {
    Role.HERO: (54, 36),
    Role.DISPLAY: (44, 30),
    Role.TITLE: (33, 26),
    Role.HEADING: (26, 21),
    Role.QUANTITY: (27, 27),
    Role.LEAD: (22, 19),
    Role.BODY: (18, 16),
    Role.SMALL: (17, 15),
    Role.KEY: (13, 12),
}
_BOLD = frozenset({Role.HERO, Role.DISPLAY, Role.TITLE, Role.HEADING, Role.QUANTITY})
_ROOM: Mapping[Density, int] = {Density.TIGHT: 60, Density.COMPACT: 80, Density.REGULAR: 100, Density.LARGE: 125}


class Theme(msgspec.Struct, frozen=True):
    """One complete set of colour tokens, as `#RRGGBB` text."""

    name: str
    dark: bool
    colours: Mapping[str, str]

    def __getitem__(self, token: str) -> str:
        return self.colours[token]


def resource_bytes(folder: str, name: str) -> bytes:
    """A file of `ewarung_pos/resources`; raises `FileNotFoundError` when the installation lacks it."""
    return files("ewarung_pos").joinpath("resources", folder, name).read_bytes()


def load_theme(name: str) -> Theme:
    """Read `resources/theme/<name>.toml`.

    Raises:
        ValueError: for a name that is no theme of ours, or a colour that is not `#RRGGBB`.
    """
    if name not in THEMES:
        raise ValueError(f"no such theme: {name!r}; known: {', '.join(THEMES)}")
    raw = tomllib.loads(resource_bytes("theme", f"{name}.toml").decode())
    colours: dict[str, str] = {}
    for token, value in raw["colours"].items():
        if not (isinstance(value, str) and _HEX.fullmatch(value)):
            raise ValueError(f"theme {name}: {token} must be #RRGGBB, not {value!r}")
        colours[token] = value.upper()
    return Theme(name=raw["name"], dark=bool(raw["dark"]), colours=MappingProxyType(colours))


def density_for(size: QSize) -> Density:
    """The density that lets the counter flow fit a window of this size without scrolling."""
    if size.width() < 960 or size.height() < 560:
        return Density.TIGHT
    if size.width() < 1200 or size.height() < 700:
        return Density.COMPACT
    if size.width() >= 1720 and size.height() >= 960:
        return Density.LARGE
    return Density.REGULAR


class Face(QFont):
    """A font of a style, shared by all who write in it, and what was measured in it. Nobody changes it.

    Layouts ask for the same widths some hundred times while one page is shown, and each first one shapes the text.

    Attributes:
        metrics: of this font.
    """

    def __init__(self, pixels: int, *, bold: bool) -> None:
        super().__init__(FAMILY)
        self.setPixelSize(pixels)
        self.setBold(bold)
        self.setFeature(QFont.Tag("tnum"), 1)
        self.pixels = pixels
        self.metrics = QFontMetrics(self)
        self._heavy = bold
        self._widths: dict[str, int] = {}
        self._smaller: dict[int, Face] = {}

    def width(self, text: str) -> int:
        """Width of `text`, rounded up so that it is never cut by a fraction of a pixel."""
        found = self._widths.get(text)
        if found is None:
            if len(self._widths) >= _WIDTHS:
                self._widths.clear()
            found = self._widths[text] = self.metrics.horizontalAdvance(text) + 1
        return found

    def smaller(self, pixels: int) -> Face:
        """The same in another size."""
        found = self._smaller.get(pixels)
        if found is None:
            found = self._smaller[pixels] = Face(pixels, bold=self._heavy)
        return found


class Style:
    """A theme at a text size in a window: what widgets read when they lay out and paint.

    Attributes:
        theme: the colour tokens.
        percent: text size, 100 to 200.
        window: size of the till's window.
        density: room the window gives; type sizes follow it.
        room: room that is left at this text size; distances, pictures and arrangements follow it, touch targets do not.
        motion: whether short fades are wanted.
    """

    def __init__(self, theme: Theme, percent: int = 100, window: QSize = _USUAL_WINDOW, *, motion: bool = True) -> None:
        if not 100 <= percent <= 200:
            raise ValueError(f"text size must be 100 to 200 %, not {percent}")
        self.theme = theme
        self.percent = percent
        self.window = window
        self.density = density_for(window)
        self.room = density_for(QSize(window.width() * 100 // percent, window.height() * 100 // percent))
        self.motion = motion
        self._fonts: dict[tuple[Role, bool], Face] = {}
        self._colours: dict[str, QColor] = {}

    def colour(self, token: str) -> QColor:
        """The token's colour; an unknown token is our bug and raises `KeyError`."""
        found = self._colours.get(token)
        if found is None:
            found = self._colours[token] = QColor(self.theme[token])
        return found

    def pixels(self, role: Role) -> int:
        """Type size of a role in pixels."""
        base, floor = _SIZES[role]
        return max(base * _ROOM[self.density] // 100, floor) * self.percent // 100

    def font(self, role: Role, *, bold: bool | None = None) -> Face:
        """The role's font with tabular figures; headings and quantities are bold unless told."""
        heavy = role in _BOLD if bold is None else bold
        found = self._fonts.get((role, heavy))
        if found is None:
            found = self._fonts[role, heavy] = Face(self.pixels(role), bold=heavy)
        return found

    def gap(self, steps: float) -> int:
        """A distance of so many steps on the 8 px grid."""
        return max(1, round(steps * 8 * _ROOM[self.room] / 100)) if steps else 0

    def size(self, pixels: int) -> int:
        """A picture's size: follows the room, not the text size."""
        return max(1, pixels * _ROOM[self.room] // 100)

    def icon(self, role: Role) -> int:
        """Size of an icon that stands beside text of this role."""
        return self.pixels(role) * 5 // 4

    @property
    def narrow(self) -> bool:
        """Whether arrangements should save room: short words, no second lines."""
        return self.room in (Density.TIGHT, Density.COMPACT)

    @property
    def target(self) -> int:
        """Least side of anything that can be touched."""
        return 48

    @property
    def counter_target(self) -> int:
        """Least side of anything that can be touched in the counter flow."""
        return 80 if self.room is Density.LARGE else 64

    @property
    def radius(self) -> int:
        """Corner radius of cards and controls."""
        return 10


def _light(value: str) -> float:
    def linear(part: str) -> float:
        share = int(part, 16) / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(value[1:3]) + 0.7152 * linear(value[3:5]) + 0.0722 * linear(value[5:7])


@lru_cache(maxsize=256)
def contrast(one: str, other: str) -> float:
    """Contrast ratio of two `#RRGGBB` colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    high, low = sorted((_light(one), _light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


class _InForce:
    style: Style | None = None


def current_style() -> Style:
    """The style in force; the light theme at 100 % until one was applied."""
    if _InForce.style is None:
        _InForce.style = Style(load_theme("light"))
    return _InForce.style


def set_current_style(style: Style) -> None:
    """Put a style in force. Widgets follow when Qt tells them their style changed (`qt_app.apply_theme`)."""
    _InForce.style = style
