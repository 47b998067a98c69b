"""All commands of the window as actions: one place for words, keys and menus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from exai_desktop.gui.queue_page.commands import QueueCommands
from exai_desktop.gui.queue_page.job_actions import MOVES, Action, fitting
from exai_desktop.gui.queue_page.page import QueuePage
from exai_desktop.gui.style.theme import Setting, Theme
from exai_desktop.gui.style.wording import speed_text

if TYPE_CHECKING:  # to load the settings takes longer than to make the window
    from exai_desktop.core.settings import Settings

_THEMES: Final[dict[str, Setting]] = {"&System": "system", "&Light": "light", "&Dark": "dark"}


Order = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Orders:
    """The window's own commands."""

    files: Order
    folder: Order
    paste: Order
    undo: Order
    find: Order
    message: Order
    queue: Order
    stored: Order
    providers: Order
    records: Order
    activity: Order
    accounts: Order
    settings: Order
    rules: Order
    watch: Order
    back_up: Order
    restore: Order
    receipt: Order
    sandbox: Order
    leave_sandbox: Order
    shortcuts: Order
    diagnostics: Order
    about: Order
    updates: Order
    quit: Order
    theme: Callable[[Setting], object]


class WindowActions(QObject):
    """Commands of the window are `orders`, those of files go to `commands`."""

    def __init__(
        self,
        window: QWidget,
        theme: Theme,
        page: QueuePage,
        commands: QueueCommands,
        orders: Orders,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._page = page
        self._commands = commands
        self._orders = orders
        self.file_actions: dict[Action, QAction] = {}
        self._make_file_actions()
        self._make_window_actions()
        page.selection_moved.connect(self.enable)
        page.view.menu_wanted.connect(lambda at: self.file_menu().popup(at))
        self.enable()

    def _make(
        self, text: str, on_trigger: Callable[[], object], *, icon: str = "", keys: str = ""
    ) -> QAction:
        action = QAction(text, self)
        action.triggered.connect(lambda _checked=False: on_trigger())
        if keys:
            action.setShortcut(QKeySequence(keys))
        if icon:
            self._theme.set_icon(action, icon, "muted")
        return action

    def _in_queue(self, action: QAction) -> QAction:
        """Its key works only in the table: Space and Delete mean other things elsewhere."""
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._page.view.addAction(action)
        return action

    def _make_file_actions(self) -> None:
        for action, text, icon, keys in (
            (Action.COPY_ID, "&Copy file ID", "copy", "Ctrl+C"),
            (Action.SHOW_TEXT, "Show &text", "text", ""),
            (Action.RECEIPT, "R&eceipt…", "check", ""),
            (Action.PAUSE, "&Pause", "pause", ""),
            (Action.RESUME, "Res&ume", "play", ""),
            (Action.CANCEL, "C&ancel upload", "close", ""),
            (Action.RETRY, "&Retry", "retry", "Ctrl+R"),
            (Action.ALLOW_FALLBACK, "Allow another pro&vider", "send", ""),
            (Action.SEND_ANYWAY, "Send an&yway…", "send", ""),
            (Action.FIRST, "Move to the &front", "arrow-up", "Alt+Home"),
            (Action.UP, "Move &up", "", "Alt+Up"),
            (Action.DOWN, "Move do&wn", "", "Alt+Down"),
            (Action.LAST, "Move to the e&nd", "", "Alt+End"),
            (Action.REMOVE, "Remove from &list", "clear", "Delete"),
            (Action.DELETE_REMOTE, "&Delete at provider", "trash", "Shift+Delete"),
        ):
            made = self._make(text, partial(self._commands.perform, action), icon=icon)
            if keys:
                made.setShortcut(QKeySequence(keys))
            self.file_actions[action] = self._in_queue(made)
        self._space = self._in_queue(
            self._make("Pause or resume", self._commands.pause_or_resume, keys="Space")
        )

    def _make_window_actions(self) -> None:
        make, order, page, commands = self._make, self._orders, self._page, self._commands
        self.add_files = make("Add &files…", order.files, icon="plus", keys="Ctrl+O")
        self.add_folder = make("Add f&older…", order.folder, icon="folder", keys="Ctrl+Shift+O")
        self.paste = make("&Paste and upload", order.paste, icon="files", keys="Ctrl+V")
        self.accounts = make("&Accounts…", order.accounts, icon="key", keys="Ctrl+K")
        self.settings = make("Se&ttings…", order.settings, icon="panel", keys="Ctrl+,")
        self.settings.setMenuRole(QAction.MenuRole.PreferencesRole)
        self.rules, self.watch = (
            make("&Rules for folders…", order.rules, icon="folder"),
            make("&Watched folders…", order.watch, icon="eye"),
        )
        self.back_up = make("&Back up…", order.back_up, icon="copies")
        self.restore = make("R&estore…", order.restore, icon="undo")
        self.sandbox = make("Try the &sandbox", order.sandbox, icon="flask")
        self.leave_sandbox = make("Leave the &sandbox", order.leave_sandbox, icon="flask")
        self.leave_sandbox.setVisible(False)
        self.quit = make("&Quit", order.quit, keys="Ctrl+Q")
        self.quit.setMenuRole(QAction.MenuRole.QuitRole)
        self.select_all = self._in_queue(make("Select &all", page.view.selectAll, keys="Ctrl+A"))
        self.undo = make("&Undo deletion or removal", order.undo, icon="undo", keys="Ctrl+Z")
        self.find = make("&Find…", order.find, icon="search", keys="Ctrl+F")
        self.pause_all = make("Pause &queue", page.strip.pause.click, keys="Ctrl+Shift+P")
        self.pause_hour = make("Pause for an &hour", commands.pause_for_an_hour, icon="clock")
        self.speeds = SpeedLimit(self, commands.limit_speed)
        self.waiting = WaitingRules(self, commands.wait_when)
        self.list_order = ListOrder(self, commands, self.show_order)
        self.retry_all = make("Retry all &failed", commands.retry_failed, icon="retry")
        self.retry_gone = make("Send &missing files again", commands.retry_gone, icon="retry")
        self.receipt = make("Receipt of the last &batch…", order.receipt, icon="check")
        self.clear = make("Remove all f&inished from list", commands.clear_finished, icon="clear")
        self.queue = make("&Queue", order.queue, icon="upload", keys="Ctrl+1")
        self.stored = make("&Files at the providers", order.stored, icon="cloud", keys="Ctrl+2")
        self.providers = make("&Providers", order.providers, icon="server", keys="Ctrl+3")
        self.records, self.activity = (
            make("&Records", order.records, icon="copies", keys="Ctrl+4"),
            make("Acti&vity", order.activity, icon="clock", keys="Ctrl+5"),
        )
        self.details = make("&Details pane", page.toggle_details, icon="panel", keys="Ctrl+I")
        self._make_help_actions()
        self.message = make("Go to the &message", order.message, icon="bell", keys="F6")
        self._make_themes(order)

    def _make_themes(self, order: Orders) -> None:
        self.themes = QActionGroup(self)
        for text, setting in _THEMES.items():
            action = self._make(text, partial(order.theme, setting))
            action.setCheckable(True)
            action.setData(setting)
            self.themes.addAction(action)
        self.choose_theme(self._theme.setting)

    def _make_help_actions(self) -> None:
        make, order = self._make, self._orders
        self.shortcuts = make("&Keyboard shortcuts", order.shortcuts, icon="help", keys="F1")
        self.diagnostics = make("&Diagnostics…", order.diagnostics, icon="text")
        self.updates = make("Check for &updates", order.updates, icon="retry")
        self.about = make("&About EXAI Desktop", order.about, icon="info")
        self.about.setMenuRole(QAction.MenuRole.AboutRole)

    def choose_theme(self, setting: Setting) -> None:
        """Take on the saved choice."""
        self._theme.choose(setting)
        for action in self.themes.actions():
            action.setChecked(action.data() == setting)

    def show_settings(self, settings: Settings) -> None:
        """Take on what is saved."""
        self.choose_theme(settings.theme)
        self.speeds.show_limit(settings.upload_bytes_per_s)
        self.waiting.show_settings(settings)
        self.show_order(settings.list_order)

    def show_order(self, order: str) -> None:
        """In the menu and in the list."""
        self.list_order.show(order)
        self._page.show_order(order)

    def fill(self, bar: QMenuBar) -> None:
        """The menu bar: every command of the program is in it."""
        bar.setAccessibleName("Menu bar")
        files = self.file_actions
        adding = (self.add_files, self.add_folder, self.paste)
        folders = (self.rules, self.watch)
        modes = (self.settings, self.accounts, *folders, self.sandbox, self.leave_sandbox)
        backups = (self.back_up, self.restore)
        self.files_menu = self._menu(
            bar, "&File", *adding, None, *modes, None, *backups, None, self.quit
        )
        rid = (files[Action.REMOVE], files[Action.DELETE_REMOTE])
        edit = (files[Action.COPY_ID], self.select_all, self.find)
        self._menu(bar, "&Edit", self.undo, None, *edit, None, *rid)
        moves = [files[action] for action in MOVES]
        own = (
            Action.PAUSE, Action.RESUME, Action.CANCEL, Action.RETRY, Action.ALLOW_FALLBACK,
            Action.SEND_ANYWAY, Action.SHOW_TEXT, Action.RECEIPT,
        )  # fmt: skip
        single = (files[action] for action in own)
        pauses = (self.pause_all, self.pause_hour)
        whole = (self.retry_all, self.retry_gone, self.receipt, self.clear)
        queue = self._menu(bar, "&Queue", *pauses, None, *single, None, *moves, None, *whole)
        queue.addSeparator()
        self._menu(queue, SpeedLimit.TITLE, *self.speeds.actions())
        queue.addActions(list(self.waiting.actions.values()))
        pages = (self.queue, self.stored, self.providers, self.records, self.activity)
        self.view_menu = self._menu(bar, "&View", *pages, None, self.details, self.message, None)
        self.view_menu.addActions(self.list_order.actions())
        self.view_menu.addSeparator()
        themes = self._menu(self.view_menu, "&Colours", *self.themes.actions())
        themes.setAccessibleName("Colours of the window")
        self._menu(bar, "&Help", self.shortcuts, self.diagnostics, None, self.updates, self.about)

    def _menu(self, parent: QMenuBar | QMenu, title: str, *actions: QAction | None) -> QMenu:
        menu = parent.addMenu(title)
        menu.setAccessibleName(title.replace("&", ""))
        for action in actions:
            if action is None:
                menu.addSeparator()
            else:
                menu.addAction(action)
        return menu

    def file_menu(self) -> QMenu:
        """The context menu: what fits the selection, nothing else."""
        menu = QMenu(self._window)
        menu.setAccessibleName("Selected files")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        possible = self._possible()
        for action, made in self.file_actions.items():
            begins = (Action.REMOVE, Action.PAUSE, Action.FIRST)
            if action in begins and menu.actions():
                menu.addSeparator()
            if action in possible:
                menu.addAction(made)
        if menu.isEmpty():
            menu.addAction(self.add_files)
        return menu

    def show_mode(self, *, is_sandbox: bool) -> None:
        """Only the way out of where we are is offered."""
        self.sandbox.setVisible(not is_sandbox)
        self.leave_sandbox.setVisible(is_sandbox)
        # Nothing of the sandbox is worth one, and it must not be taken for the real profile.
        for action in (self.back_up, self.restore):
            action.setEnabled(not is_sandbox)

    def enable(self) -> None:
        """Grey out what fits none of the selected files."""
        possible = self._possible()
        for action, made in self.file_actions.items():
            made.setEnabled(action in possible)
        # Also for files that cannot be removed yet: the key then says why.
        self.file_actions[Action.REMOVE].setEnabled(bool(possible))
        self._space.setEnabled(bool({Action.PAUSE, Action.RESUME} & possible))

    def _possible(self) -> frozenset[Action]:
        return fitting(self._page.view.loaded_selection(), self._page.details.table)


_CHOICES: Final = (0, 100_000, 500_000, 1_000_000, 5_000_000)


class SpeedLimit(QActionGroup):
    """One of some usual limits, or the one the settings have."""

    TITLE = "&Speed limit"

    def __init__(self, parent: QObject, on_choice: Callable[[int], object]) -> None:
        super().__init__(parent)
        self._on_choice = on_choice
        for limit in _CHOICES:
            self._add(limit)
        self._own = self._add(-1)
        self.show_limit(0)

    def _add(self, limit: int) -> QAction:
        action = self.addAction(f"At most {speed_text(limit)}" if limit > 0 else "&None")
        action.setCheckable(True)
        action.setData(limit)
        action.triggered.connect(lambda _checked=False: self._on_choice(int(action.data())))
        return action

    def show_limit(self, limit: int) -> None:
        """What holds now; one that is none of the usual ones is shown, too."""
        is_usual = limit in _CHOICES
        self._own.setVisible(not is_usual)
        if not is_usual:
            self._own.setData(limit)
            self._own.setText(f"At most {speed_text(limit)}")
        for action in self.actions():
            action.setChecked(action.data() == limit)


_WORDS: Final = {
    "on_battery": "Pause on &battery power",
    "on_metered": "Pause on a &metered connection",
}


class WaitingRules(QObject):
    def __init__(self, parent: QObject, on_change: Callable[[str, bool], object]) -> None:
        super().__init__(parent)
        self.actions = {name: self._make(name, on_change) for name in _WORDS}

    def _make(self, name: str, on_change: Callable[[str, bool], object]) -> QAction:
        action = QAction(_WORDS[name], self)
        action.setCheckable(True)
        action.triggered.connect(lambda wanted: on_change(name, wanted))
        return action

    def show_settings(self, settings: Settings) -> None:
        """What holds now."""
        for name, action in self.actions.items():
            action.setChecked(getattr(settings, name) == "wait")


class ListOrder(QActionGroup):
    """What is on top of the queue."""

    _WORDS: Final = {"newest": "&Newest on top", "sending": "&What is being sent on top"}

    def __init__(
        self, parent: QObject, commands: QueueCommands, show: Callable[[str], object]
    ) -> None:
        super().__init__(parent)
        commands.on_order = show
        commands.show_line = lambda: commands.choose_order("sending")
        for order, word in self._WORDS.items():
            action = self.addAction(word)
            action.setCheckable(True)
            action.setData(order)
            action.triggered.connect(partial(self._choose, commands, order))
        self.show("newest")

    def _choose(self, commands: QueueCommands, order: str, _checked: bool = False) -> None:
        commands.choose_order(order)

    def show(self, order: str) -> None:
        """What holds now."""
        for action in self.actions():
            action.setChecked(action.data() == order)
