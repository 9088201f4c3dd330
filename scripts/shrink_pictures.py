"""Make the pictures of the documentation small: 256 colours each, which these screens do not exceed to the eye."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image


def shrink(folder: Path) -> int:
    """Rewrite every PNG of the folder with a palette; returns the bytes of all."""
    for file in sorted(folder.glob("*.png")):
        with Image.open(file) as picture:
            small = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        small.save(file, optimize=True)
    return sum(file.stat().st_size for file in folder.glob("*.png"))


if __name__ == "__main__":
    sys.stdout.write(f"{shrink(Path(sys.argv[1]))} bytes\n")
