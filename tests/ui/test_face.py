"""A face measures as Qt does, remembers it, and not without end."""

from __future__ import annotations

from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication

from ewarung_pos.ui.views.kit.paint import fitted
from ewarung_pos.ui.views.kit.style import Face, Role, current_style


def test_what_is_remembered_is_what_qt_measures_and_is_bounded(qapp: QApplication) -> None:
    face = Face(22, bold=True)
    texts = [f"KELUARGA {number:05d}" for number in range(1200)]
    metrics = QFontMetrics(face)
    for _ in range(2):
        assert [face.width(text) for text in texts] == [metrics.horizontalAdvance(text) + 1 for text in texts]
    assert len(face._widths) < len(texts) // 2


def test_a_smaller_face_leaves_the_one_that_all_share_as_it_was(qapp: QApplication) -> None:
    face = current_style().font(Role.LEAD)
    size = face.pixelSize()
    smaller = fitted(face, "Beras Rojolele Super Pulen", 120)
    assert smaller.pixelSize() == smaller.pixels < size
    assert smaller.width("Beras Rojolele Super Pulen") <= 120 or smaller.pixels == 14
    assert fitted(face, "Beras Rojolele Super Pulen", 120) is smaller
    assert current_style().font(Role.LEAD).pixelSize() == size
