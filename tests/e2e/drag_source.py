"""A small window to drag files from, as a file manager would: run by test_window_drop.

Usage: drag_source.py X Y PATH...   The drag begins when the mouse is pressed and moved in it.
"""

from __future__ import annotations

import sys

from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDrag, QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget


class DragSource(QWidget):
    def __init__(self, paths: list[str]) -> None:
        super().__init__()
        self._urls = [QUrl.fromLocalFile(path) for path in paths]
        self._pressed: QPoint | None = None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = event.position().toPoint()

    def mouseMoveEvent(self, _event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        self._pressed = None
        data = QMimeData()
        data.setUrls(self._urls)
        drag = QDrag(self)
        drag.setMimeData(data)
        drag.exec(Qt.DropAction.CopyAction)


def main() -> None:
    x, y, *paths = sys.argv[1:]
    app = QApplication(["drag-source"])
    window = DragSource(paths)
    window.setWindowTitle("Drag source")
    window.setGeometry(int(x), int(y), 120, 120)
    window.show()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.exit(app.exec())


if __name__ == "__main__":
    main()
