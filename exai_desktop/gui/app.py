"""The window's entry: builds the parts, runs the loop, ends cleanly.

The only module of the window that knows `bootstrap`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

import qasync  # type: ignore[import-untyped]
from PySide6.QtCore import QMessageLogContext, QObject, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication

from exai_desktop import __version__
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.events import WindowWish
from exai_desktop.core.machine import BackupContent, FileManagerEntry, Restored
from exai_desktop.core.service import UploadService
from exai_desktop.gui.window.making import build, settle
from exai_desktop.gui.window.parts import MakeFactory, Outside
from exai_desktop.gui.window.quit_signals import QuitSignals

log = logging.getLogger(__name__)

Opening = Callable[[], AbstractAsyncContextManager[UploadService]]

INSTEAD = "On the command line: exai-desktop upload FILE (all commands: exai-desktop --help)"
NO_WISH = WindowWish()
APP_ID = "io.github.exai_desktop.ExaiDesktop"


def main(options: Collection[str] = (), paths: Sequence[str] = ()) -> int:
    """Show the window until the user is done; `--sandbox` and `--minimized` are known."""
    qInstallMessageHandler(_say_why)
    app = QApplication.instance() or QApplication(["exai-desktop"])
    qInstallMessageHandler(None)
    assert isinstance(app, QApplication)
    _introduce(app)
    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    with loop:
        loop.run_until_complete(_run(app, loop, options, paths))
    return 0


def _say_why(kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
    """Without a display Qt ends the process with a core dump and words for programmers."""
    if kind is QtMsgType.QtFatalMsg:
        has_one = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        first = text.strip().partition("\n")[0]
        why = f"The window cannot be opened: {first}" if has_one else "There is no display."
        sys.stderr.write(f"{why} {INSTEAD}\n")
        sys.stderr.flush()
        os._exit(1)


def _introduce(app: QApplication) -> None:
    from exai_desktop.bootstrap import resource_path

    app.setApplicationName("EXAI Desktop")
    app.setApplicationDisplayName("EXAI Desktop")
    app.setApplicationVersion(__version__)
    # Ties the window to its entry in the menu; Wayland takes the icon from there.
    QGuiApplication.setDesktopFileName(APP_ID)
    app.setWindowIcon(QIcon(str(resource_path("icons", "app.svg"))))
    app.setQuitOnLastWindowClosed(False)


async def _run(
    app: QApplication,
    loop: asyncio.AbstractEventLoop,
    options: Collection[str],
    paths: Sequence[str],
) -> None:
    is_sandbox = "--sandbox" in options

    def make_factory(sandbox: bool) -> Opening:
        """Whether it is for this profile, and still waits, is known when an engine is started."""
        return _factory(sandbox, window.handed.wish(is_sandbox=sandbox))

    window, parts, presence = build(app, loop, outside(make_factory))
    done = asyncio.Event()
    window.close_wanted.connect(done.set)
    signals = QuitSignals(done.set, window)
    hook = sys.excepthook
    sys.excepthook = _reporter(window, parts.notices.show_error)
    try:
        window.handed.begin(paths, is_sandbox=is_sandbox)
        presence.begin(options)
        window.enter(sandbox=is_sandbox)
        await done.wait()
        await settle(window, parts, presence)
    finally:
        sys.excepthook = hook
        signals.close()
        window.deleteLater()


def outside(make_factory: MakeFactory | None = None) -> Outside:
    """What `bootstrap` has for the window; tests bring their own engine."""
    from exai_desktop.bootstrap import load_provider_table, resource_path

    return Outside(
        resource_path(),
        load_provider_table(),
        make_factory or _factory,
        _settle_copy,
        _verify_backup,
        _restore,
        _make_report,
        _save_report,
        APP_ID,
        _file_managers,
    )


def _factory(sandbox: bool, wish: WindowWish = NO_WISH) -> Opening:
    """`wish`: what another window does that is open already."""

    def make() -> AbstractAsyncContextManager[UploadService]:
        # Late: after the window is on screen.
        from exai_desktop.bootstrap import open_service, passphrase_for

        # Nobody is asked here: the window does that, when it is there.
        passphrase = None if sandbox else passphrase_for(None, None)
        return open_service(sandbox=sandbox, face="window", passphrase=passphrase, wish=wish)

    return make


def _file_managers(change: str) -> list[FileManagerEntry]:
    from exai_desktop.bootstrap import file_managers  # late, as above

    return file_managers(change)


def _settle_copy(choice: str) -> None:
    from exai_desktop.bootstrap import passphrase_for, settle_copy  # late, as above

    settle_copy(choice, passphrase_for(None, None))


def _verify_backup(file: str) -> BackupContent:
    from exai_desktop.bootstrap import verify_backup  # late, as above

    return verify_backup(Path(file))


def _restore(file: str, passphrase: str) -> Restored:
    from exai_desktop.bootstrap import passphrase_for, restore_backup  # late, as above

    return restore_backup(Path(file), passphrase, passphrase_for(None, None))


async def _make_report(
    service: UploadService | None, names: bool, sandbox: bool, failure: ErrorView | None
) -> str:
    from exai_desktop.bootstrap import make_report  # late, as above

    return await make_report(service, names=names, sandbox=sandbox, failure=failure)


def _save_report(text: str, file: str) -> None:
    from exai_desktop.bootstrap import save_report  # late, as above

    save_report(text, Path(file))


def _reporter(window: QObject, show: Callable[[ErrorView], None]) -> Callable[..., Any]:
    """What nobody caught is logged and shown once; the window stays."""

    def report(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        log.critical("an error nobody caught", exc_info=(kind, error, trace))
        view = ErrorView.of(AppError(ErrorCode.UNEXPECTED_ERROR, kind.__name__))
        # Not from inside whatever failed.
        QTimer.singleShot(0, window, lambda: show(view))

    return report
