"""The menu of the tray: all that one needs while the window is closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from exai_desktop.gui.tray.icons import TrayState

Order = Callable[[], object]
SetIcon = Callable[[QAction, str], object]

MOST_RECENT: Final = 5
_LINES: Final = 2


@dataclass(frozen=True, slots=True)
class TrayOrders:
    """What the entries do. `copy` gets a file id."""

    open: Order
    files: Order
    paste: Order
    pause: Order
    pause_hour: Order
    resume: Order
    problems: Order
    settings: Order
    quit: Order
    copy: Callable[[str], object]


@dataclass(frozen=True, slots=True)
class TrayView:
    """What icon and menu show; all texts are clean and fit a menu. `recent`: label and file id."""

    state: TrayState = TrayState.IDLE
    lines: tuple[str, ...] = ("Starting…",)
    is_paused: bool = False
    # When it would go on by itself after *Pause for an hour*, and will after such a pause.
    hour_ends: str = ""
    paused_until: str = ""
    problems: int = 0
    recent: tuple[tuple[str, str], ...] = ()

    @property
    def tip(self) -> str:
        """Windows shows some sixty signs."""
        return f"EXAI Desktop: {self.lines[0]}"


class TrayMenu(QMenu):
    """The entries are always the same ones and only change: a panel that has the menu open, or
    keeps a copy, follows."""

    def __init__(self, orders: TrayOrders, set_icon: SetIcon) -> None:
        super().__init__()
        self.setAccessibleName("EXAI Desktop")
        self._orders = orders
        self._set_icon = set_icon
        self.lines = [self._label() for _ in range(_LINES)]
        self.addSeparator()
        self.open = self._entry("&Open EXAI Desktop", orders.open)
        self.files = self._entry("&Add files…", orders.files, "plus")
        self.paste = self._entry("Paste and &upload", orders.paste, "files")
        self.addSeparator()
        self.pause = self._entry("&Pause", orders.pause, "pause")
        self.pause_hour = self._entry("Pause for an &hour", orders.pause_hour, "hourglass")
        self.resume = self._entry("&Resume", orders.resume, "play")
        self.addSeparator()
        self.recent_title = self._label()
        self.recent_title.setText("Copy a recent file ID")
        self.recent = [self._recent_entry() for _ in range(MOST_RECENT)]
        self.addSeparator()
        self.problems = self._entry("Pro&blems", orders.problems, "alert")
        self.settings = self._entry("&Settings…", orders.settings, "panel")
        self.quit = self._entry("&Quit", orders.quit)
        self.show_view(TrayView())

    def _label(self) -> QAction:
        """A line that only tells."""
        action = QAction(self)
        action.setEnabled(False)
        self.addAction(action)
        return action

    def _entry(self, text: str, order: Order, icon: str = "") -> QAction:
        action = QAction(text, self)
        action.triggered.connect(lambda _checked=False: order())
        if icon:
            self._set_icon(action, icon)
        self.addAction(action)
        return action

    def _recent_entry(self) -> QAction:
        action = QAction(self)
        action.triggered.connect(partial(self._copy, action))
        self._set_icon(action, "copy")
        self.addAction(action)
        return action

    def _copy(self, action: QAction, _checked: bool = False) -> None:
        self._orders.copy(str(action.data()))

    def show_view(self, view: TrayView) -> None:
        """Bring every entry up to date."""
        for place, line in enumerate(self.lines):
            line.setText(view.lines[place] if place < len(view.lines) else "")
            line.setVisible(place < len(view.lines))
        self.pause.setVisible(not view.is_paused)
        ends = f" (until {view.hour_ends})" if view.hour_ends else ""
        self.pause_hour.setText(f"Pause for an &hour{ends}")
        self.pause_hour.setVisible(not view.is_paused)
        until = f" (paused until {view.paused_until})" if view.paused_until else ""
        self.resume.setText(f"&Resume{until}")
        self.resume.setVisible(view.is_paused)
        self.recent_title.setVisible(bool(view.recent))
        for place, action in enumerate(self.recent):
            is_there = place < len(view.recent)
            label, file_id = view.recent[place] if is_there else ("", "")
            action.setText(label)
            action.setData(file_id)
            action.setVisible(is_there)
        self.problems.setText(f"Pro&blems ({view.problems:,})" if view.problems else "Pro&blems")
        self.problems.setEnabled(view.problems > 0)
