"""Self-test: Qt with its plug-ins, and the real window."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from exai_desktop.config.resources import resource_path
from exai_desktop.self_test.run import CheckFailedError, CheckSkippedError

_PLUGINS: Final = (
    *("platforms/qoffscreen", "iconengines/qsvgicon"),
    *("imageformats/qsvg", "imageformats/qjpeg", "imageformats/qgif", "imageformats/qwebp"),
)
_OF_SYSTEM: Final = {
    "linux": (
        *("platforms/qxcb", "platforms/qwayland", "platformthemes/qxdgdesktopportal"),
        *("platforminputcontexts/composeplatforminputcontextplugin",),
        *("platforminputcontexts/ibusplatforminputcontextplugin",),
        *("xcbglintegrations/qxcb-egl-integration", "wayland-shell-integration/xdg-shell"),
    ),
    "darwin": ("platforms/qcocoa",),
    "win32": ("platforms/qwindows", "styles/qmodernwindowsstyle"),
}


def window(_home: Path) -> str:
    """Every plug-in loads, every icon is drawn, and the window shows itself, without a screen."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import qVersion  # late: the platform is named above
    from PySide6.QtGui import QFontDatabase

    said = _shown()
    plugins = (*_PLUGINS, *_OF_SYSTEM.get(sys.platform, ()))
    for name in plugins:
        _load(name)
    _draw_icons()
    fonts = len(QFontDatabase.families())
    if not fonts:
        raise CheckFailedError("no font is installed")
    return f"Qt {qVersion()}, {len(plugins)} plug-ins, {fonts} fonts, {said}"


def display(_home: Path) -> str:
    """The window on the screen that there is."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in screens):
        raise CheckSkippedError("there is no display")
    return _shown()


def _shown() -> str:
    """The window with nothing behind it, as it is before the engine has started."""
    import asyncio

    import qasync  # type: ignore[import-untyped]
    from PySide6.QtWidgets import QApplication

    from exai_desktop.gui.app import outside
    from exai_desktop.gui.window.making import build

    app = QApplication(["exai-desktop"])
    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    made, _parts, _presence = build(app, loop, outside())
    made.show()
    loop.run_until_complete(asyncio.sleep(0))
    app.processEvents()
    image = made.grab().toImage()
    colours = {image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, 200, 3)}
    if image.width() < 200 or len(colours) < 5:
        raise CheckFailedError(f"the window is empty: {image.width()} x {image.height()}")
    return f"{app.platformName()} {image.width()} x {image.height()}"


def _load(name: str) -> None:
    from PySide6.QtCore import QLibraryInfo, QPluginLoader

    folder, _, plugin = name.rpartition("/")
    place = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / folder
    found = [*place.glob(f"lib{plugin}.*"), *place.glob(f"{plugin}.dll")]
    if not found:
        raise CheckFailedError(f"the plug-in {name} of Qt is not there: {place}")
    loader = QPluginLoader(str(found[0]))
    if not loader.load():
        raise CheckFailedError(f"the plug-in {name} of Qt: {loader.errorString()}")


def _draw_icons() -> None:
    from PySide6.QtGui import QIcon

    for file in sorted(resource_path("icons").glob("*.svg")):
        if QIcon(str(file)).pixmap(32, 32).isNull():
            raise CheckFailedError(f"{file} cannot be drawn")
