"""All ways in which files come to the window: dropped, pasted, chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from exai_desktop.gui.notices.notice_bar import NoticeBar
from exai_desktop.gui.queue_page.drop_zone import NOT_LOCAL, DropZone, gather
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import Tone


class FileIntake:
    """Collects paths and hands them on; never looks at the files."""

    def __init__(
        self,
        window: QWidget,
        theme: Theme,
        notices: NoticeBar,
        add: Callable[[Sequence[str]], object],
    ) -> None:
        self._window = window
        self._notices = notices
        self._add = add
        self.drop_zone = DropZone(window, theme)
        self.drop_zone.dropped.connect(add)
        self.drop_zone.refused.connect(self._refuse)

    def choose_files(self) -> None:
        """The system's dialog, many files at once."""
        dialog = self._dialog("Add files")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.open()

    def choose_folder(self) -> None:
        """The system's dialog for one folder."""
        dialog = self._dialog("Add a folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.open()

    def paste(self) -> None:
        """Copied files, or lines of text that are whole paths."""
        found = gather(QGuiApplication.clipboard().mimeData())
        if found.paths:
            self._add(found.paths)
            return
        text = "Copy files in the file manager, or full paths as lines of text."
        self._notices.show_notice("The clipboard contains no file to upload", text, Tone.CARE)

    def _dialog(self, title: str) -> QFileDialog:
        dialog = QFileDialog(self._window, title)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAccessibleName(title)
        dialog.filesSelected.connect(self._add)
        return dialog

    def _refuse(self) -> None:
        self._notices.show_notice("This cannot be uploaded", NOT_LOCAL, Tone.CARE)
