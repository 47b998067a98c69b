"""What people are told of each setting: its title, its section, what it may be, its default."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import ValidationError

from exai_desktop.core.settings.amounts import read_amount, shown_amount
from exai_desktop.core.settings.values import Settings
from exai_desktop.core.settings.window import WINDOW_SETTINGS


class Section(StrEnum):
    """In the order in which they are shown."""

    SENDING = "Sending"
    ACCOUNTS = "Accounts"
    SAFETY = "Safety"
    RECORDS = "Records"
    NETWORK = "Network"
    COMPUTER = "This computer"
    NOTICES = "Notifications"
    ADVANCED = "Advanced"


S = Section
_TITLES: Final[dict[str, tuple[Section, str]]] = {
    "max_in_flight": (S.SENDING, "Uploads at the same time"),
    "upload_bytes_per_s": (S.SENDING, "Speed limit"),
    "on_metered": (S.SENDING, "On a metered connection"),
    "on_battery": (S.SENDING, "On battery power"),
    "plan_above_files": (S.SENDING, "Preview above this number of files"),
    "max_file_bytes": (S.SENDING, "Largest file"),
    "max_attempts": (S.SENDING, "Attempts for each file"),
    "allow_fallback": (S.ACCOUNTS, "Always allow another provider"),
    "account_max_files": (S.ACCOUNTS, "Most files at one account"),
    "account_max_bytes": (S.ACCOUNTS, "Most space at one account"),
    "breaker_failures": (S.ACCOUNTS, "Failures before an account is paused"),
    "breaker_wait_s": (S.ACCOUNTS, "First pause of an account"),
    "health_check_s": (S.ACCOUNTS, "Check of an unused account"),
    "verify_after_s": (S.ACCOUNTS, "How long a check of a file is valid"),
    "folder_rules": (S.SAFETY, "Rules for folders"),
    "allowed_folders": (S.SAFETY, "Folders for unattended uploads"),
    "content_mismatch": (S.SAFETY, "Content that does not match the name"),
    "content_macros": (S.SAFETY, "Documents with macros"),
    "content_encrypted": (S.SAFETY, "Documents with a password"),
    "content_deceptive": (S.SAFETY, "Misleading file names"),
    "content_secret": (S.SAFETY, "Texts with a key or a password"),
    "malware_scan": (S.SAFETY, "Malware scan"),
    "clamd_address": (S.SAFETY, "Address of the malware scanner"),
    "keep_texts": (S.RECORDS, "Save texts that were opened"),
    "strict_quota": (S.RECORDS, "Ask the project before each file"),
    "copy_to_storage": (S.RECORDS, "Copy files to your project"),
    "copy_max_bytes": (S.RECORDS, "Largest copy in your project"),
    "proxy": (S.NETWORK, "Proxy"),
    "extra_ca": (S.NETWORK, "Additional certificates"),
    "redis_url": (S.NETWORK, "Redis server shared by several computers"),
    "connect_timeout_s": (S.NETWORK, "Time limit for a connection"),
    "write_timeout_s": (S.NETWORK, "Time limit for one block"),
    "read_timeout_s": (S.NETWORK, "Time limit for the answer"),
    "confirm_timeout_s": (S.NETWORK, "Wait for the provider to process a file"),
    "settle_s": (S.NETWORK, "Wait after a lost answer"),
    "clock_skew_s": (S.NETWORK, "Allowed difference of clocks"),
    "theme": (S.COMPUTER, "Colours"),
    "list_order": (S.COMPUTER, "Order of the list"),
    "on_close": (S.COMPUTER, "When the window is closed"),
    "start_at_login": (S.COMPUTER, "Start at login"),
    "tray_icon": (S.COMPUTER, "Icon in the tray"),
    "update_check": (S.COMPUTER, "Look for newer versions"),
    "update_address": (S.ADVANCED, "Address of the list of versions"),
    "min_free_bytes": (S.COMPUTER, "Disk space that stays free"),
    "shared_folder": (S.COMPUTER, "Folder shared by several profiles"),
    "notifications": (S.NOTICES, "Notifications of the desktop"),
    "quiet_hours": (S.NOTICES, "Hours without notifications"),
    "notify_file_names": (S.NOTICES, "Show file names"),
    "readers": (S.ADVANCED, "Threads that read files"),
    "transport_order": (S.ADVANCED, "Transports in order of use"),
    "metrics_port": (S.ADVANCED, "Port for metrics"),
    "metrics_account_names": (S.ADVANCED, "Account names in metrics"),
    "log_level": (S.ADVANCED, "Detail in the log"),
}

# In force as soon as they are saved; the others from the next start on.
AT_ONCE: Final = frozenset(
    {
        *("upload_bytes_per_s", "folder_rules", "on_metered", "on_battery"),
        *("strict_quota", "copy_to_storage", "copy_max_bytes"),
        *WINDOW_SETTINGS,
    }
)

# What decides about a setting that an administrator has fixed.
BY_POLICY: Final = "your organisation"


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """`choices`: the only values there are, as text; none for a free one."""

    name: str
    section: Section
    title: str
    about: str
    default: str
    choices: tuple[str, ...] = ()
    is_switch: bool = False

    def fits(self, words: str) -> bool:
        """Whether every one of these words occurs in what is told of it."""
        told = f"{self.name} {self.title} {self.about} {self.section}".lower()
        return all(word in told for word in words.lower().split())


def settings_table() -> tuple[SettingInfo, ...]:
    """By section, each in the order of this file."""
    order = {section: number for number, section in enumerate(Section)}
    return tuple(sorted(map(setting_info, _TITLES), key=lambda info: order[info.section]))


def setting_info(name: str) -> SettingInfo:
    """Raises KeyError for a name that there is not."""
    section, title = _TITLES[name]
    field = Settings.model_fields[name]
    kind: Any = field.annotation
    return SettingInfo(
        name,
        section,
        title,
        field.description or "",
        value_text(name, field.default),
        tuple(map(str, get_args(kind))) if get_origin(kind) is Literal else (),
        kind is bool,
    )


def value_text(name: str, value: object) -> str:
    """A value as people read and write it; `read_value` takes it back."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return shown_amount(name, value)
    if not isinstance(value, tuple):
        return str(value)
    items = [str(item) for item in value]
    if any(os.pathsep in item for item in items):
        return json.dumps(items, ensure_ascii=False)
    return os.pathsep.join(items)


def read_value(name: str, text: str) -> str:
    """What somebody has written, as the setting takes it. Spaces of a path belong to its name."""
    return read_amount(name, text)


def wrong_with(name: str, text: str) -> str:
    """Why this cannot be the value, "" if it can."""
    try:
        Settings.model_validate({name: read_value(name, text)})
    except ValidationError as error:
        reason = error.errors(include_url=False, include_input=False)[0]["msg"]
        return reason.removeprefix("Value error, ")
    return ""
