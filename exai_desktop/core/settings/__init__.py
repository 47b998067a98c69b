"""What the user may set: the values, what people are told of each, and what other files say."""

from exai_desktop.core.settings.imports import SettingsImport
from exai_desktop.core.settings.values import (
    KEY_ON_ALL,
    MIB,
    NARROWING,
    CurrentSettings,
    OnContent,
    RuleReport,
    SendingSettings,
    Settings,
)

__all__ = [
    "KEY_ON_ALL",
    "MIB",
    "NARROWING",
    "CurrentSettings",
    "OnContent",
    "RuleReport",
    "SendingSettings",
    "Settings",
    "SettingsImport",
]
