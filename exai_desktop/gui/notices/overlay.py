"""Where messages stand: over the lower end of the page, which never moves because of them."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from exai_desktop.gui.notices.notice_bar import NoticeBar

_WIDEST: Final = 760
_BESIDE: Final = 24
# The line with the progress of the queue stays in sight.
_BELOW: Final = 88


class NoticeOverlay(QObject):
    """Escape closes the message. One that can be undone stays."""

    def __init__(self, host: QWidget, bar: NoticeBar) -> None:
        super().__init__(host)
        self._host = host
        self._bar = bar
        self._came_from: QWidget | None = None
        bar.setParent(host)
        bar.hide()
        host.installEventFilter(self)
        bar.installEventFilter(self)
        bar.changed.connect(self._place)
        self._escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), host)
        self._escape.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._escape.activated.connect(self._close)
        # Only while there is something to close: else it would take the key from a dialog.
        self._escape.setEnabled(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The message follows the size of the page and of its own text."""
        kind = event.type()
        if watched is self._host:
            if kind is QEvent.Type.Resize:
                self._place()
        elif kind in (QEvent.Type.Show, QEvent.Type.LayoutRequest):
            self._place()
        elif kind is QEvent.Type.Hide:
            self._escape.setEnabled(False)
            self._go_back()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        bar, host = self._bar, self._host
        self._escape.setEnabled(not bar.isHidden() and not bar.is_undoable)
        if bar.isHidden():
            return
        width = min(_WIDEST, host.width() - 2 * _BESIDE)
        height = bar.sizeHint().height()
        if bar.hasHeightForWidth():
            height = max(bar.minimumSizeHint().height(), bar.heightForWidth(width))
        top = max(0, host.height() - _BELOW - height)
        bar.setGeometry((host.width() - width) // 2, top, width, height)
        bar.raise_()

    def switch(self) -> None:
        """Into the message, and back to where one was."""
        now = QApplication.focusWidget()
        if now is not None and self._bar.isAncestorOf(now):
            self._go_back()
        elif not self._bar.isHidden():
            self._came_from = now
            buttons = self._bar.findChildren(QAbstractButton)
            shown = [one for one in buttons if one.isVisible() and one.isEnabled()]
            if shown:
                shown[0].setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _go_back(self) -> None:
        came_from, self._came_from = self._came_from, None
        if came_from is not None and came_from.isVisible():
            came_from.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _close(self) -> None:
        if not self._bar.is_undoable:
            self._bar.close_by_user()
