"""Every state of every screen, from hand-made values, painted to PNG files to be looked at.

    python -m ewarung_pos.ui.views.pictures FOLDER [--size 1366x768] [--only siap] [--theme dark] [--scale 150]

Names, numbers and papers are invented. `SCENES` also serves the tests: each scene is a state that must come out whole.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt
from PySide6.QtWidgets import QApplication, QWidget

from ewarung_pos.ui.qt_app import apply_theme, load_theme, start_qt
from ewarung_pos.ui.views.picture_scenes import SCENES
from ewarung_pos.ui.views.picture_stage import Scene

__all__ = ["main", "paint", "render_states"]

USUAL_SIZES = ((1366, 768), (1024, 600))


def settle() -> None:
    """Deliver what was posted (layouts, deletions) without running the event loop."""
    for _ in range(4):
        QCoreApplication.sendPostedEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def show_scene(scene: Scene, size: QSize) -> QWidget:
    """The scene in a window of this size, laid out; the caller closes it."""
    widget = scene.build()
    widget.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    widget.resize(size if scene.size is None else QSize(*scene.size))
    widget.show()
    settle()
    if scene.after is not None:
        scene.after(widget)
        settle()
    return widget


def paint(scene: Scene, size: QSize, file: Path) -> None:
    """Paint one scene into `file`."""
    widget = show_scene(scene, size)
    picture = widget.grab()
    widget.close()
    widget.deleteLater()
    settle()
    if not picture.save(str(file)):
        raise OSError(f"picture cannot be written: {file}")


def render_states(
    out_dir: Path,
    sizes: Sequence[tuple[int, int]] = USUAL_SIZES,
    *,
    only: str = "",
    told: Callable[[Path], None] | None = None,
) -> tuple[Path, ...]:
    """Paint every state in each size to `out_dir`/NN-name-WxH.png; needs a QApplication.

    Args:
        out_dir: made if missing.
        sizes: window sizes in pixels.
        only: paint just the scenes whose name contains this.
        told: hears of each file.

    Raises:
        OSError: a picture cannot be written.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for width, height in sizes:
        for number, scene in enumerate(SCENES, 1):
            if only not in scene.name:
                continue
            file = out_dir / f"{number:02d}-{scene.name}-{width}x{height}.png"
            paint(scene, QSize(width, height), file)
            files.append(file)
            if told is not None:
                told(file)
    return tuple(files)


def main(arguments: Sequence[str] | None = None) -> int:
    """Paint the pictures; returns the exit code."""
    parser = argparse.ArgumentParser(prog="pictures")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", action="append", default=[], help="WIDTHxHEIGHT, may be given again")
    parser.add_argument("--only", default="")
    parser.add_argument("--theme", default="light")
    parser.add_argument("--scale", type=int, default=100)
    wanted = parser.parse_args(arguments)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app: QApplication = start_qt()
    apply_theme(app, load_theme(wanted.theme), wanted.scale, motion=False)
    sizes = [(int(w), int(h)) for w, _, h in (each.partition("x") for each in wanted.size)] or USUAL_SIZES
    render_states(wanted.folder, sizes, only=wanted.only)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
