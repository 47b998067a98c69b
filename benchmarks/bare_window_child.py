"""Child process: a window of PySide6 and nothing else, drawn off screen.

What the program's own window is measured by. Started by `start_time`; not for use by hand.
"""

from __future__ import annotations

import sys
import time

from PySide6.QtWidgets import QApplication, QLabel, QMainWindow

from benchmarks.child import answer


def main() -> None:
    """Ends when its input does, as all children."""
    app = QApplication(["bare"])
    window = QMainWindow()
    window.setCentralWidget(QLabel("A window"))
    window.resize(1280, 800)
    window.show()
    window.repaint()
    answer(cpu=time.process_time())
    sys.stdin.read()
    app.quit()


if __name__ == "__main__":
    main()
