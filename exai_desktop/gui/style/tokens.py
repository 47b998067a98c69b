"""How each state is shown: word, icon and tone. Never by colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class Tone(StrEnum):
    """The meaning behind a colour; the theme has one colour for each."""

    NEUTRAL = "muted"
    ACTIVE = "accent"
    GOOD = "success"
    CARE = "warning"
    BAD = "danger"


class Look(NamedTuple):
    word: str
    icon: str
    tone: Tone


GRID: Final = 8
ROW_HEIGHT: Final = 56
PANE_WIDTH: Final = 368


# Colours by role. `..._soft` are grounds for text in the strong colour.
Tokens = Mapping[str, str]

LIGHT: Final[Tokens] = {
    "name": "light",
    "window": "#f3f5f8",
    "surface": "#ffffff",
    "raised": "#f7f8fa",
    "hover": "#ebeef3",
    "border": "#dfe3e9",
    "outline": "#848c9a",
    "text": "#161a21",
    "muted": "#545d6c",
    "accent": "#2f54cf",
    "accent_hover": "#2746b0",
    "on_accent": "#ffffff",
    "accent_soft": "#e8edfc",
    "success": "#146c3c",
    "success_soft": "#e1f3e8",
    "warning": "#8a4f00",
    "warning_soft": "#fcf1dd",
    "danger": "#b3261e",
    "danger_soft": "#fceae8",
    "selection": "#e4ebfd",
    "track": "#e1e5ec",
}

DARK: Final[Tokens] = {
    "name": "dark",
    "window": "#13161b",
    "surface": "#1a1e25",
    "raised": "#20252d",
    "hover": "#272d37",
    "border": "#2e3540",
    "outline": "#737d8d",
    "text": "#e7eaf0",
    "muted": "#a5afbd",
    "accent": "#91a9ff",
    "accent_hover": "#abbeff",
    "on_accent": "#0c1330",
    "accent_soft": "#232d4d",
    "success": "#63d093",
    "success_soft": "#17322a",
    "warning": "#efb55f",
    "warning_soft": "#382b16",
    "danger": "#ff928b",
    "danger_soft": "#402224",
    "selection": "#263358",
    "track": "#323a46",
}
