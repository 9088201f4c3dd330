"""The reference: a QApplication and one empty widget."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QApplication, QWidget

from benchmarks.painted import Painted


def main() -> int:
    app = QApplication(sys.argv[:1])
    window = QWidget()
    window.resize(1366, 768)
    window.show()
    window.watch = Painted(window)  # type: ignore[attr-defined]
    return int(app.exec())


if __name__ == "__main__":
    sys.exit(main())
