"""Light and dark: readable, complete, and changed while the window is open."""

import math
import re
from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from exai_desktop.gui.style.icons import IconSet, file_icon
from exai_desktop.gui.style.theme import palette_of
from exai_desktop.gui.style.tokens import DARK, LIGHT, Tokens
from tests.gui.conftest import Stage

RESOURCES = Path(__file__).resolve().parents[3] / "resources"

TEXT_ON = [
    *[("text", ground) for ground in ("window", "surface", "raised", "hover", "selection")],
    *[("muted", ground) for ground in ("window", "surface", "raised", "hover", "selection")],
    *[(tone, ground) for tone in ("accent", "success", "warning", "danger")
      for ground in ("window", "surface", f"{tone}_soft")],
    *[("text", f"{tone}_soft") for tone in ("accent", "success", "warning", "danger")],
    *[("muted", f"{tone}_soft") for tone in ("warning", "danger")],
    ("on_accent", "accent"),
    ("on_accent", "accent_hover"),
]  # fmt: skip


def luminance(color: str) -> float:
    seen = QColor(color)
    parts = (seen.redF(), seen.greenF(), seen.blueF())
    linear = [c / 12.92 if c <= 0.04045 else math.pow((c + 0.055) / 1.055, 2.4) for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT_ON)
def test_text_is_readable(tokens: Tokens, text: str, ground: str) -> None:
    assert contrast(tokens[text], tokens[ground]) >= 4.5


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["window", "surface"])
def test_edges_of_controls_are_visible(tokens: Tokens, ground: str) -> None:
    for edge in ("outline", "accent"):
        assert contrast(tokens[edge], tokens[ground]) >= 3


def test_the_style_sheet_names_only_tokens_that_exist() -> None:
    sheet = (RESOURCES / "style" / "window.qss").read_text(encoding="utf-8")
    used = set(re.findall(r"@(\w+)", sheet.partition("*/")[2])) - {"style"}
    assert used <= set(LIGHT)
    assert set(LIGHT) == set(DARK)


def test_the_theme_changes_while_the_window_is_open(stage: Stage) -> None:
    theme = stage.parts.theme
    changes: list[str] = []
    theme.changed.connect(lambda: changes.append(theme.tokens["name"]))
    theme.choose("dark")
    palette = QApplication.palette()
    assert palette.color(QPalette.ColorRole.Window) == QColor(DARK["window"])
    dark = stage.window.grab().toImage().pixelColor(5, 400)
    theme.choose("light")
    light = stage.window.grab().toImage().pixelColor(5, 400)
    assert (dark.name(), light.name()) == (DARK["window"], LIGHT["window"])
    assert changes == ["dark", "light"]


def test_the_system_decides_unless_told_otherwise(stage: Stage) -> None:
    theme = stage.parts.theme
    theme.choose("dark")
    theme._on_system_change(Qt.ColorScheme.Light)
    assert theme.tokens is DARK
    theme.choose("system")
    is_dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
    assert theme.tokens is (DARK if is_dark else LIGHT)
    theme._on_system_change(Qt.ColorScheme.Unknown)
    assert theme.tokens is (DARK if is_dark else LIGHT)


def test_the_palette_covers_what_style_sheets_do_not() -> None:
    palette = palette_of(DARK)
    assert palette.color(QPalette.ColorRole.Base) == QColor(DARK["surface"])
    disabled = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
    assert disabled == QColor(DARK["outline"])


@pytest.mark.parametrize("path", sorted((RESOURCES / "icons").glob("*.svg")), ids=lambda p: p.stem)
def test_every_icon_draws_something(qapp: QApplication, path: Path) -> None:
    icon = IconSet(path.parent).icon(path.stem, "#ff0000")
    image = icon.pixmap(QSize(32, 32)).toImage()
    colors = {image.pixelColor(x, y).alpha() > 0 for x in range(32) for y in range(32)}
    assert colors == {True, False}


@pytest.mark.parametrize(
    ("ending", "icon"), [("pdf", "file-text"), ("png", "file-image"), ("zip", "file"), ("", "file")]
)
def test_a_file_looks_like_its_kind(ending: str, icon: str) -> None:
    assert file_icon(ending) == icon
