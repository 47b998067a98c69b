"""Light and dark: palette, style sheet and icons from the tokens; follows the system live."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Final, Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QColor, QGuiApplication, QPalette, QScreen
from PySide6.QtWidgets import QAbstractButton, QApplication
from shiboken6 import isValid

from exai_desktop.gui.style.icons import IconSet
from exai_desktop.gui.style.tokens import DARK, LIGHT, Tokens

Setting = Literal["system", "light", "dark"]
HasIcon = QAbstractButton | QAction

_SCHEMES: Final[dict[str, Qt.ColorScheme]] = {
    "system": Qt.ColorScheme.Unknown,
    "light": Qt.ColorScheme.Light,
    "dark": Qt.ColorScheme.Dark,
}
# Qt's fallback without desktop settings is 9 points: too small for rows of two lines.
_SMALLEST_FONT_PT: Final = 10.0


class Theme(QObject):
    """One for the whole program; `changed` after everything is in the new colours."""

    changed = Signal()

    def __init__(self, app: QApplication, resources: Path, setting: Setting = "system") -> None:
        super().__init__(app)
        self._app = app
        self._resources = resources
        self._setting: Setting = setting
        self._sheet = (resources / "style" / "window.qss").read_text(encoding="utf-8")
        self.tokens: Tokens = LIGHT
        self.icons = IconSet(resources / "icons", _ratios())
        self._with_icons: list[tuple[weakref.ref[HasIcon], str, str]] = []
        app.setStyle("Fusion")
        font = app.font()
        if 0 < font.pointSizeF() < _SMALLEST_FONT_PT:
            font.setPointSizeF(_SMALLEST_FONT_PT)
            app.setFont(font)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_system_change)
        app.screenAdded.connect(self._watch)
        for screen in QGuiApplication.screens():
            self._watch(screen)
        self._take(setting)

    @property
    def setting(self) -> Setting:
        return self._setting

    def choose(self, setting: Setting) -> None:
        """Follow the system, or stay light or dark."""
        # To style all that there is anew takes a tenth of a start.
        if setting != self._setting:
            self._take(setting)

    def _take(self, setting: Setting) -> None:
        self._setting = setting
        # Tells the system too, so that title bars and native dialogs agree.
        QGuiApplication.styleHints().setColorScheme(_SCHEMES[setting])
        self._apply()

    def color(self, role: str) -> QColor:
        """The colour of a token by its name."""
        return QColor(self.tokens[role])

    def set_icon(self, target: HasIcon, icon: str, role: str = "text") -> None:
        """Give a button or an action an icon that changes colour with the theme."""
        self._with_icons = [entry for entry in self._with_icons if entry[0]() not in (None, target)]
        self._with_icons.append((weakref.ref(target), icon, role))
        target.setIcon(self.icons.icon(icon, self.color(role).name()))

    def _on_system_change(self, _scheme: Qt.ColorScheme) -> None:
        if self._setting == "system":
            self._apply()

    def _apply(self) -> None:
        if self._setting == "system":
            is_dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
        else:
            is_dark = self._setting == "dark"
        self.tokens = DARK if is_dark else LIGHT
        self._app.setPalette(palette_of(self.tokens))
        self._app.setStyleSheet(self._filled_sheet())
        self._draw_icons()
        self.changed.emit()

    def _draw_icons(self) -> None:
        for reference, icon, role in self._with_icons:
            target = reference()
            if target is not None and isValid(target):
                target.setIcon(self.icons.icon(icon, self.color(role).name()))

    def _watch(self, screen: QScreen) -> None:
        """A screen may have another ratio, or be given one."""
        screen.geometryChanged.connect(self._on_screens)
        self._on_screens()

    def _on_screens(self) -> None:
        if self.icons.fit(_ratios()):
            self._draw_icons()

    def _filled_sheet(self) -> str:
        values = {**self.tokens, "style": (self._resources / "style").as_posix()}
        sheet = self._sheet
        # Longest names first: @accent must not eat the beginning of @accent_soft.
        for name in sorted(values, key=len, reverse=True):
            sheet = sheet.replace(f"@{name}", values[name])
        return sheet


def _ratios() -> list[float]:
    return [screen.devicePixelRatio() for screen in QGuiApplication.screens()] or [1.0]


def palette_of(tokens: Tokens) -> QPalette:
    """The same colours for what style sheets do not reach."""
    palette = QPalette()
    role = QPalette.ColorRole
    for where, color in (
        (role.Window, tokens["window"]),
        (role.WindowText, tokens["text"]),
        (role.Base, tokens["surface"]),
        (role.AlternateBase, tokens["raised"]),
        (role.Text, tokens["text"]),
        (role.PlaceholderText, tokens["muted"]),
        (role.Button, tokens["surface"]),
        (role.ButtonText, tokens["text"]),
        (role.BrightText, tokens["danger"]),
        (role.ToolTipBase, tokens["raised"]),
        (role.ToolTipText, tokens["text"]),
        (role.Highlight, tokens["accent"]),
        (role.HighlightedText, tokens["on_accent"]),
        (role.Accent, tokens["accent"]),
        (role.Link, tokens["accent"]),
        (role.Light, tokens["hover"]),
        (role.Midlight, tokens["border"]),
        (role.Mid, tokens["border"]),
        (role.Dark, tokens["outline"]),
        (role.Shadow, tokens["window"]),
    ):
        palette.setColor(where, QColor(color))
    for where in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, where, QColor(tokens["outline"]))
    return palette
