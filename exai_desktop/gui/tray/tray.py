"""The icon in the tray, wherever a tray is by now."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSystemTrayIcon

from exai_desktop.gui.tray.host_watch import HostWatch
from exai_desktop.gui.tray.icons import tray_icon
from exai_desktop.gui.tray.menu import TrayMenu, TrayView

SetTip = Callable[[QSystemTrayIcon, str], object]

# Desktops whose panel is dark whatever the colours of windows are.
_DARK_PANELS: Final = frozenset({"gnome", "unity", "ubuntu"})
_MESSAGE_MS: Final = 10_000


def panel_of(setting: str) -> str:
    """Name of the icon's colours; `setting` is `auto`, `light` or `dark`."""
    if setting != "auto":
        return setting
    desktops = os.environ.get("XDG_CURRENT_DESKTOP", "").lower().split(":")
    is_dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
    return "dark" if is_dark or not _DARK_PANELS.isdisjoint(desktops) else "light"


class Tray(QObject):
    """`changed`: there is a tray with our icon now, or there is none any more.

    The icon is made anew for each tray: which kind of tray it speaks to is decided when it is made.
    """

    changed = Signal(bool)
    message_clicked = Signal()

    def __init__(self, menu: TrayMenu, set_tip: SetTip, parent: QObject) -> None:
        super().__init__(parent)
        self.menu = menu
        self._set_tip = set_tip
        self._setting = "auto"
        self._view = TrayView()
        self._shown: tuple[str, str] = ("", "")
        self._icon: QSystemTrayIcon | None = None
        self._host = HostWatch(self)
        self._host.changed.connect(self._fit)
        QGuiApplication.styleHints().colorSchemeChanged.connect(lambda _scheme: self._paint())
        self._fit()

    @property
    def is_there(self) -> bool:
        return self._icon is not None

    def choose(self, setting: str) -> None:
        """`auto`, `light`, `dark` or `off`."""
        self._setting = setting
        self._fit()

    def show_view(self, view: TrayView) -> None:
        """Bring icon and menu up to date; what is the same is not sent to the panel again."""
        if view == self._view:
            return
        self._view = view
        self.menu.show_view(view)
        self._paint()

    def show_message(self, title: str, text: str) -> bool:
        """A message by the tray itself; whether it can show one."""
        if self._icon is None or not QSystemTrayIcon.supportsMessages():
            return False
        icon = QSystemTrayIcon.MessageIcon.NoIcon
        self._icon.showMessage(title, text, icon, _MESSAGE_MS)
        return True

    def _fit(self) -> None:
        is_wanted = self._host.is_there and self._setting != "off"
        if is_wanted == self.is_there:
            self._paint()
            return
        if is_wanted:
            self._icon = self._made()
            self._paint()
            self._icon.show()
        else:
            self._drop()
        self.changed.emit(is_wanted)

    def _made(self) -> QSystemTrayIcon:
        icon = QSystemTrayIcon(self)
        icon.setContextMenu(self.menu)
        icon.activated.connect(self._on_click)
        icon.messageClicked.connect(self.message_clicked)
        self._shown = ("", "")
        return icon

    def _drop(self) -> None:
        assert self._icon is not None
        self._icon.hide()
        self._icon.deleteLater()
        self._icon = None

    def _paint(self) -> None:
        if self._icon is None:
            return
        view = self._view
        wanted = (f"{view.state} {panel_of(self._setting)}", view.tip)
        if wanted[0] != self._shown[0]:
            self._icon.setIcon(tray_icon(view.state, panel_of(self._setting)))
        if wanted[1] != self._shown[1]:
            self._set_tip(self._icon, view.tip)
        self._shown = wanted

    def _on_click(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        """A Mac opens the menu by the same click, and would do both."""
        kinds = QSystemTrayIcon.ActivationReason
        if sys.platform != "darwin" and reason in (kinds.Trigger, kinds.DoubleClick):
            # Not inside the call of the panel, which waits for its end.
            QTimer.singleShot(0, self, self.menu.open.trigger)

    def close(self) -> None:
        """The icon goes before the program does: some panels keep the place otherwise."""
        self._host.stop()
        if self._icon is not None:
            self._drop()
