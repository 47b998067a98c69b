"""SIGTERM, SIGHUP and Ctrl+C end the program like its own Quit: Qt alone would not notice them."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier

# Windows has no SIGHUP.
_NAMES = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_SIGNALS = tuple(signal.Signals[name] for name in _NAMES)


class QuitSignals(QObject):
    """Python notes a signal by writing a byte; the byte wakes Qt, Qt calls `on_quit`."""

    def __init__(self, on_quit: Callable[[], object], parent: QObject) -> None:
        super().__init__(parent)
        self._on_quit = on_quit
        self._inner, self._outer = socket.socketpair()
        for end in (self._inner, self._outer):
            end.setblocking(False)
        self._old_fd = signal.set_wakeup_fd(self._outer.fileno(), warn_on_full_buffer=False)
        self._old_handlers = {
            number: signal.signal(number, _ignore)
            for number in _SIGNALS
            # Under nohup the window outlives its terminal.
            if number.name != "SIGHUP" or signal.getsignal(number) is not signal.SIG_IGN
        }
        self._notifier = QSocketNotifier(self._inner.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_byte)

    def _on_byte(self) -> None:
        numbers = self._inner.recv(64)
        if any(number in self._old_handlers for number in numbers):
            self._on_quit()

    def close(self) -> None:
        """Leave signals as they were found."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._old_fd)
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)
        self._inner.close()
        self._outer.close()


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """The byte in the socket does the work; this only keeps Python from raising."""
