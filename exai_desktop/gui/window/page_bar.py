"""The line that leads from one page to another."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtWidgets import QFrame, QStackedWidget, QTabBar, QWidget

from exai_desktop.gui.style.plain_text import PlainLabel, label_text
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import Button, IconView, row
from exai_desktop.gui.window.parts import Parts


def activity_page(parts: Parts, stack: QStackedWidget) -> QWidget:
    """Makes the page; what it shows it reads itself, when it is looked at."""
    from exai_desktop.gui.activity.page import ActivityPage  # late: few look at it

    page = ActivityPage(parts.theme, parts.client, parts.tasks)
    stack.addWidget(page)
    return page


class PageBar(QFrame):
    """Shown while one of its pages is; the first choice and problems have no other way to go."""

    def __init__(
        self, theme: Theme, stack: QStackedWidget, pages: Mapping[str, Callable[[], QWidget]]
    ) -> None:
        """`pages`: each gives its page, and makes it if nobody has looked at it yet. The first
        one is there already."""
        super().__init__()
        self.setProperty("pages", True)
        self._stack = stack
        self._pages = pages
        first = next(iter(pages))
        self._titles: dict[QWidget, str] = {pages[first](): first}
        self.tabs = QTabBar()
        self.tabs.setAccessibleName("Pages")
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        for title in pages:
            self.tabs.addTab(label_text(title))
        self.tabs.currentChanged.connect(lambda place: self.go(list(pages)[place]))
        self._line = row(self.tabs, 0, gap=4)
        self._line.setContentsMargins(24, 12, 24, 0)
        self.setLayout(self._line)
        stack.currentChanged.connect(lambda _index: self._follow())
        self._follow()

    @property
    def title(self) -> str:
        """Of the page that is shown."""
        return list(self._pages)[self.tabs.currentIndex()]

    def add_note(self, note: QWidget) -> None:
        """At the other end of the line."""
        self._line.addWidget(note)

    def go(self, title: str) -> None:
        """To this page, when there is a choice."""
        if not self.isHidden():
            page = self._pages[title]()
            self._titles[page] = title
            if self._stack.indexOf(page) < 0:
                self._stack.addWidget(page)
            self._stack.setCurrentWidget(page)

    def _follow(self) -> None:
        shown = self._stack.currentWidget()
        title = None if shown is None else self._titles.get(shown)
        self.setVisible(title is not None)
        if title is not None:
            self.tabs.setCurrentIndex(list(self._pages).index(title))


class SandboxBanner(QFrame):
    """Hidden while the real providers are behind the window."""

    def __init__(self, theme: Theme, on_real: Callable[[], object]) -> None:
        super().__init__()
        self.setProperty("banner", True)
        text = PlainLabel("Sandbox: files stay on this computer", role="heading")
        self.add_real = Button(theme, "Add a real account…", on_real, icon="key")
        layout = row(IconView(theme, "flask", "accent"), text, 0, self.add_real, gap=12)
        layout.setContentsMargins(24, 8, 24, 8)
        self.setLayout(layout)
        self.hide()
