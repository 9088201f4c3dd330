"""No picture says both that everything was sent and that something waits."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication, QLabel

from ewarung_pos.ui.qt_app import apply_theme, load_theme
from ewarung_pos.ui.views.picture_scenes import SCENES
from ewarung_pos.ui.views.pictures import settle
from tests.ui.at_window import visible

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

WAITS = re.compile(r"([0-9.]+) (?:catatan )?(?:belum terkirim|dikirim nanti)|Mengirim ([0-9.]+) catatan")
TOLD = [scene for scene in SCENES if scene.name.startswith(("sinkron", "tutup", "buka"))]


@pytest.fixture(autouse=True)
def app(qapp: QApplication) -> Iterator[None]:
    apply_theme(qapp, load_theme("light"), window=QSize(1366, 768), motion=False)
    yield
    apply_theme(qapp, load_theme("light"), window=QSize(1366, 768))


@pytest.mark.parametrize("scene", TOLD, ids=lambda scene: scene.name)
def test_a_picture_counts_what_waits_once(scene: object) -> None:
    window = scene.build()  # type: ignore[attr-defined]
    window.resize(1366, 768)
    window.show()
    settle()
    texts = [label.text() for label in visible(window, QLabel)] + [each.accessibleName() for each in visible(window)]
    counts = {found[1] or found[2] for text in texts if (found := WAITS.search(text))}
    if any("Semua terkirim" in text for text in texts):
        counts.add("0")
    window.close()
    window.deleteLater()
    settle()
    assert len(counts) == 1
