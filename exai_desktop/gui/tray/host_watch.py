"""Whether there is a tray: a panel may come after the program, vanish, and come again."""

from __future__ import annotations

import sys
from typing import Final

from PySide6.QtCore import SLOT, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSystemTrayIcon

WATCHER: Final = "org.kde.StatusNotifierWatcher"
_WATCHER_PATH: Final = "/StatusNotifierWatcher"

# The older kind of tray, of X11, tells nobody that it has come or gone.
_LOOK_MS: Final = 30_000
# A panel that was just started is asked once it has had time to set itself up.
_SOON_MS: Final = 200


class HostWatch(QObject):
    """Waits for word of the session bus; looks by itself, rarely, where only X11 has a tray."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.is_there = QSystemTrayIcon.isSystemTrayAvailable()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self.look)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.VeryCoarseTimer)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self.look)
        is_told = sys.platform == "linux" and self._listen()
        self._look_by_itself(not is_told)

    def _look_by_itself(self, wanted: bool) -> None:
        """Each look wakes the bus and its thread several times: only where nobody would tell."""
        if wanted and QGuiApplication.platformName() == "xcb":
            self._timer.start()
        else:
            self._timer.stop()

    def _listen(self) -> bool:
        """Whether there is a watcher of trays now, which tells of each that comes and goes."""
        # Late: not on every system.
        from PySide6.QtDBus import QDBusConnection, QDBusServiceWatcher

        bus = QDBusConnection.sessionBus()
        if not bus.isConnected():
            return False
        how = QDBusServiceWatcher.WatchModeFlag.WatchForOwnerChange
        watcher = QDBusServiceWatcher(WATCHER, bus, how, self)
        watcher.serviceOwnerChanged.connect(self._on_owner)
        for signal in ("StatusNotifierHostRegistered", "StatusNotifierHostUnregistered"):
            # The stub wants bytes, the function a text.
            bus.connect(WATCHER, _WATCHER_PATH, WATCHER, signal, self, SLOT("_look_soon()"))  # type: ignore[call-overload]

        return bool(bus.interface().isServiceRegistered(WATCHER).value())

    def _on_owner(self, _name: str, _old: str, new: str) -> None:
        self._look_by_itself(not new)
        self._look_soon()

    @Slot()
    def _look_soon(self) -> None:
        self._soon.start()

    @Slot()
    def look(self) -> None:
        """Ask now."""
        is_there = QSystemTrayIcon.isSystemTrayAvailable()
        if is_there != self.is_there:
            self.is_there = is_there
            self.changed.emit()

    def stop(self) -> None:
        """No more looks."""
        self._soon.stop()
        self._timer.stop()
