"""What the user may set. Bad values are refused with a named reason, one field at a time.

Each field can be given as `EXAI_DESKTOP_<NAME>` in the environment; docs/settings.md is
generated from here.
"""

from __future__ import annotations

import os
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from exai_desktop.core.files.path_policy import PathPolicy
from exai_desktop.core.routing.folder_rules import FolderRule, rule_of

MIB: Final = 1024 * 1024
# Slower, a block takes longer than servers wait for one.
LEAST_BYTES_PER_S: Final = 16 * 1024


class SendingSettings(BaseModel):
    """Durations end in `_s` (seconds), sizes in `_bytes`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_in_flight: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Uploads at once per account, unless the account says otherwise.",
    )
    upload_bytes_per_s: int = Field(
        default=0,
        ge=0,
        description="Most bytes a second that leave, over all accounts; 0: as fast as the line."
        " In force at once. From 16384 on.",
    )
    settle_s: float = Field(
        default=60.0,
        ge=0,
        le=600,
        description="How long a lost answer is left alone before the provider's list is asked.",
    )
    verify_after_s: float = Field(
        default=600.0,
        ge=0,
        le=30 * 86_400,
        description="How long the provider's word that a file is there counts, before its id is"
        " used for the same content again.",
    )
    account_max_files: int = Field(
        default=0,
        ge=0,
        description="Most files to keep at one account; 0: the provider's own limit alone.",
    )
    account_max_bytes: int = Field(
        default=10_240 * MIB,
        ge=0,
        description="Most bytes to keep at one account; 0: the provider's own limit alone.",
    )
    clock_skew_s: float = Field(
        default=120.0,
        ge=0,
        le=86_400,
        description="How far the provider's clock may be off when its list is compared.",
    )
    breaker_failures: int = Field(
        default=5,
        ge=1,
        le=100,
        description="Faults of a provider in a row after which its account is left alone.",
    )
    breaker_wait_s: float = Field(
        default=300.0,
        ge=60,
        le=2_400,
        description="How long it is left alone the first time; each further time twice as long,"
        " at most 40 minutes.",
    )
    health_check_s: float = Field(
        default=900.0,
        ge=0,
        le=86_400,
        description="An account that was not used for so long is asked for its list, so that a"
        " rejected key or a provider that is down shows before the next file; 0: never. From"
        " 60 on.",
    )
    metrics_port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        description="Port on this computer (127.0.0.1) where Prometheus finds counters and"
        " histograms; 0: none. Needs the extra `metrics`.",
    )
    redis_url: str = Field(
        default="",
        description="A Redis that several machines share, so that they leave an account alone"
        " together, keep its limits together, and send each content once:"
        " `redis://127.0.0.1:6379/0`, or `rediss://` on another machine. Needs the extra `fleet`."
        " Its password is taken from the environment variable `EXAI_DESKTOP_REDIS_PASSWORD` only.",
    )
    connect_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=120,
        description="Longest wait for a connection.",
    )
    write_timeout_s: float = Field(
        default=60.0,
        gt=0,
        le=600,
        description="Longest wait for the network to take one block.",
    )
    read_timeout_s: float = Field(
        default=300.0,
        gt=0,
        le=3_600,
        description="Longest wait for the answer after the last byte; the file is read there.",
    )
    confirm_timeout_s: float = Field(
        default=120.0,
        ge=0,
        le=3_600,
        description="How long a provider's own processing of a stored file is watched.",
    )
    max_attempts: int = Field(
        default=8,
        ge=1,
        le=100,
        description="Attempts before a job is given up as failed.",
    )
    transport_order: str = Field(
        default="http",
        pattern=r"^(sdk-first|(native|openai|http)(,(native|openai|http))*)$",
        description=(
            "Ways to send, first to last: http, openai, native (GLM only), with commas; "
            "sdk-first is native,openai,http. http is always the last resort."
        ),
    )
    proxy: str = Field(
        default="",
        pattern=r"^((https?|socks5h?)://[^\s/@]+(:[^\s/@]*@[^\s/@]+)?(:[0-9]{1,5})?/?)?$",
        description="Proxy address (http, https or socks5); empty: the system's.",
    )
    allow_fallback: bool = Field(
        default=False,
        description="Always allow another company when the chosen account cannot take a file.",
    )

    @field_validator("upload_bytes_per_s")
    @classmethod
    def _not_a_trickle(cls, limit: int) -> int:
        if 0 < limit < LEAST_BYTES_PER_S:
            raise ValueError(f"0, or {LEAST_BYTES_PER_S} and more: servers give up on a trickle")
        return limit

    @field_validator("redis_url")
    @classmethod
    def _no_secret_no_open_line(cls, url: str) -> str:
        if not url:
            return url
        parts = urlsplit(url)
        if parts.scheme not in ("redis", "rediss", "unix"):
            raise ValueError("it begins with redis://, rediss:// or unix://")
        if parts.username or parts.password:
            raise ValueError("the password belongs into EXAI_DESKTOP_REDIS_PASSWORD, not here")
        if parts.scheme == "redis" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError("another machine is reached by rediss:// only")
        return url


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
            raise ValueError("each must be the full path of a folder, and none the whole disk")
        return folders


class CurrentSettings:
    """The settings the engine works with; a few are exchanged while it runs. In its loop only."""

    def __init__(self, value: Settings) -> None:
        self.value = value
