"""What the user may set. Bad values are refused with a named reason, one field at a time.

Each field can be given as `EXAI_DESKTOP_<NAME>` in the environment; docs/settings.md is
generated from here.
"""

from __future__ import annotations

import os
from typing import Literal

from pydantic import Field, field_validator

from exai_desktop.core.folder_rules import FolderRule, rule_of
from exai_desktop.core.path_policy import PathPolicy
from exai_desktop.core.sending_settings import MIB, SendingSettings

OnContent = Literal["ask", "allow", "refuse"]


class Settings(SendingSettings):
    """All settings with their defaults. Durations end in `_s` (seconds), sizes in `_bytes`."""

    max_file_bytes: int = Field(
        default=512 * MIB,
        ge=1,
        description="Largest file the program takes; a provider's own limit may be lower.",
    )
    readers: int = Field(
        default=2,
        ge=1,
        le=8,
        description="Threads that read and hash files.",
    )
    on_metered: Literal["go", "wait"] = Field(
        default="go",
        description="Whether the queue waits on a metered connection, where the system tells"
        " (Linux with NetworkManager). In force at once.",
    )
    on_battery: Literal["go", "wait"] = Field(
        default="go",
        description="Whether the queue waits while the computer runs on battery. In force at once.",
    )
    plan_above_files: int = Field(
        default=100,
        ge=0,
        description="Of more files dropped on the window at once, the plan is shown before"
        " anything is sent; 0: never.",
    )
    malware_scan: Literal["off", "if_available", "required"] = Field(
        default="if_available",
        description="Whether files are scanned for malware; required: what is not scanned is held.",
    )
    clamd_address: str = Field(
        default="",
        pattern=r"^((127\.0\.0\.1|\[::1\]):[0-9]{1,5}|/[^\x00-\x1f]*)?$",
        description="ClamAV daemon: a socket's path or a port here (127.0.0.1:3310); empty: found.",
    )
    content_mismatch: OnContent = Field(
        default="ask",
        description="A file that is not what its name says: ask, take it, or always refuse it.",
    )
    content_macros: OnContent = Field(
        default="ask",
        description="A document with macros or scripts: ask, take it, or always refuse it.",
    )
    content_encrypted: OnContent = Field(
        default="ask",
        description="A document behind a password: ask, take it, or always refuse it.",
    )
    content_deceptive: OnContent = Field(
        default="ask",
        description="A file name made to deceive: ask, take it, or always refuse it.",
    )
    allowed_folders: tuple[str, ...] = Field(
        default=(),
        description="Folders from which `upload --unattended` may take files; none: it takes none."
        " Whole paths; in the environment between colons (Windows: semicolons).",
    )
    folder_rules: tuple[str, ...] = Field(
        default=(),
        description="Which providers may have the files below a folder: lines such as"
        " `/home/me/work = kimi/cn, glm +fallback`. The innermost folder's rule holds. In force at"
        " once when changed by `rule set` or in the window.",
    )
    keep_texts: bool = Field(
        default=True,
        description="Keep the texts you have looked at on this computer, so that `search` finds"
        " them; off: none is kept, and what was kept is deleted at the next start.",
    )
    theme: Literal["system", "light", "dark"] = Field(
        default="system",
        description="Colours of the window.",
    )
    log_level: Literal["debug", "info", "warning"] = Field(
        default="info",
        description="How much is written to the log.",
    )

    @property
    def rules(self) -> list[FolderRule]:
        """`folder_rules`, understood."""
        return list(map(rule_of, self.folder_rules))

    @field_validator("folder_rules", mode="before")
    @classmethod
    def _lines(cls, value: object) -> object:
        """From the environment and the verbs they come as one text."""
        if not isinstance(value, str):
            return value
        return [line for line in value.splitlines() if line.strip()]

    @field_validator("folder_rules")
    @classmethod
    def _rules(cls, lines: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(rule_of(line)) for line in lines)

    @field_validator("allowed_folders", mode="before")
    @classmethod
    def _apart(cls, value: object) -> object:
        """From the environment they come as one text."""
        return value.split(os.pathsep) if isinstance(value, str) and value else value or ()

    @field_validator("allowed_folders")
    @classmethod
    def _usable(cls, folders: tuple[str, ...]) -> tuple[str, ...]:
        if not all(PathPolicy((folder,)).is_usable(folder) for folder in folders):
            raise ValueError("each must be the whole path of a folder, and none the whole disk")
        return folders
