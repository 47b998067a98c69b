"""What the user may set. Bad values are refused with a named reason, one field at a time.

Each field can be given as `EXAI_DESKTOP_<NAME>` in the environment; docs/settings.md is
generated from here.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from exai_desktop.core.addresses import check_redis, proxy_password
from exai_desktop.core.files.path_policy import PathPolicy
from exai_desktop.core.routing.folder_rules import FolderRule, checked_rule, rule_of
from exai_desktop.core.settings.window import WindowSettings

MIB: Final = 1024 * 1024
# Slower, a block takes longer than servers wait for one.
LEAST_BYTES_PER_S: Final = 16 * 1024

# Said after a change of the key while a Redis is shared.
KEY_ON_ALL: Final = (
    "The other computers that share the Redis server need the new key, too. Until then a file may"
    " be stored twice"
)

# A value of these that cannot be read may have kept files from somewhere: nothing is sent then.
NARROWING: Final = frozenset(
    {
        *("proxy", "redis_url", "folder_rules", "allowed_folders", "allow_fallback"),
        "malware_scan",
        *("content_mismatch", "content_macros", "content_encrypted", "content_deceptive"),
        "content_secret",
    }
)


class SendingSettings(BaseModel):
    """Durations end in `_s` (seconds), sizes in `_bytes`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_in_flight: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Number of uploads at the same time for each account. An account can have its"
        " own number.",
    )
    upload_bytes_per_s: int = Field(
        default=0,
        ge=0,
        description="Speed limit in bytes per second for all accounts together; 0: no limit. The"
        " smallest limit is 16384. Takes effect immediately.",
    )
    settle_s: float = Field(
        default=60.0,
        ge=0,
        le=600,
        description="Wait after a lost answer before the provider's file list is checked.",
    )
    verify_after_s: float = Field(
        default=600.0,
        ge=0,
        le=30 * 86_400,
        description="How long a check that a file is at the provider stays valid. After that, the"
        " file is checked again before its ID is used for the same content.",
    )
    account_max_files: int = Field(
        default=0,
        ge=0,
        description="Largest number of files at one account; 0: only the limit of the provider.",
    )
    account_max_bytes: int = Field(
        default=10_240 * MIB,
        ge=0,
        description="Largest total size at one account; 0: only the limit of the provider.",
    )
    clock_skew_s: float = Field(
        default=120.0,
        ge=0,
        le=86_400,
        description="Allowed difference of the provider's clock when its file list is compared,"
        " and of the clocks of computers that share a Redis server.",
    )
    breaker_failures: int = Field(
        default=5,
        ge=1,
        le=100,
        description="An account is paused after this number of failures in a row.",
    )
    breaker_wait_s: float = Field(
        default=300.0,
        ge=60,
        le=2_400,
        description="Length of the first pause of an account after failures. Each further pause is"
        " twice as long, at most 40 minutes.",
    )
    health_check_s: float = Field(
        default=900.0,
        ge=0,
        le=86_400,
        description="After this time without use, an account is checked. So a rejected key or a"
        " provider that does not work is noticed before the next file. 0: never; the"
        " smallest value is 60.",
    )
    metrics_port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        description="Port on this computer (127.0.0.1) for Prometheus metrics; 0: none. Needs the"
        " package extra `metrics`.",
    )
    metrics_account_names: bool = Field(
        default=False,
        description="Show the names of accounts in metrics. Otherwise each account is a number.",
    )
    redis_url: str = Field(
        default="",
        description="Address of a Redis server that several computers share. They pause an account"
        " together, share its limits, and send each content only once."
        " `redis://127.0.0.1:6379/0` on this computer, `rediss://` on another one. Needs"
        " the package extra `fleet`. Options that weaken the check of the server are refused;"
        " `ssl_ca_certs=FILE` names the authority of a company. A password is kept by"
        " `setting set-secret redis_url`, or given in `EXAI_DESKTOP_REDIS_PASSWORD`.",
    )
    strict_quota: bool = Field(
        default=False,
        description="While you are signed in to a Supabase project: ask it before each file"
        " whether all your devices together have space for it. Files wait while it does not"
        " answer. Off: the sum of the last contact counts, and nothing waits. Takes effect"
        " immediately.",
    )
    connect_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=120,
        description="Time limit for a connection.",
    )
    write_timeout_s: float = Field(
        default=60.0,
        gt=0,
        le=600,
        description="Time limit for sending one block of data.",
    )
    read_timeout_s: float = Field(
        default=300.0,
        gt=0,
        le=3_600,
        description="Time limit for the answer after the last byte. The provider may read the file"
        " before it answers.",
    )
    confirm_timeout_s: float = Field(
        default=120.0,
        ge=0,
        le=3_600,
        description="How long the program waits for the provider to process a stored file.",
    )
    max_attempts: int = Field(
        default=8,
        ge=1,
        le=100,
        description="Attempts before an upload has failed.",
    )
    transport_order: str = Field(
        default="http",
        pattern=r"^(sdk-first|(native|openai|http)(,(native|openai|http))*)$",
        description="Transports in the order of use, with commas: http, openai, native (GLM only);"
        " sdk-first means native,openai,http. http is always used last, if no other"
        " works.",
    )
    proxy: str = Field(
        default="",
        description="Proxy address (http, https or socks5); empty: the proxy of the system. A"
        " password is kept by `setting set-secret proxy`, or given with the address in the"
        " environment variable; it is never saved with the settings.",
    )
    extra_ca: str = Field(
        default="",
        max_length=4_000,
        description="File (PEM) with certificates of authorities that are trusted in addition to"
        " those of the system, for example of a company's network. If it cannot be read, nothing"
        " is sent. Takes effect at the next start.",
    )
    allow_fallback: bool = Field(
        default=False,
        description="Always allow another provider if the chosen account does not accept a file.",
    )

    @field_validator("upload_bytes_per_s")
    @classmethod
    def _not_a_trickle(cls, limit: int) -> int:
        if 0 < limit < LEAST_BYTES_PER_S:
            raise ValueError(
                f"it must be 0, or at least {LEAST_BYTES_PER_S}: servers end slower uploads"
            )
        return limit

    @field_validator("proxy")
    @classmethod
    def _usable_proxy(cls, address: str) -> str:
        if address:
            proxy_password(address)
        return address

    @field_validator("redis_url")
    @classmethod
    def _no_secret_no_open_line(cls, url: str) -> str:
        if url:
            check_redis(url)
        return url


OnContent = Literal["ask", "allow", "refuse"]


class Settings(WindowSettings, SendingSettings):
    """All settings with their defaults. Durations end in `_s` (seconds), sizes in `_bytes`."""

    max_file_bytes: int = Field(
        default=512 * MIB,
        ge=1,
        description="Largest size of a file. The limit of a provider may be lower.",
    )
    readers: int = Field(
        default=2,
        ge=1,
        le=8,
        description="Number of threads that read files and compute their SHA-256.",
    )
    shared_folder: str = Field(
        default="",
        max_length=4_000,
        description="Folder in which several profiles of one user note what they send, so that each"
        " content is sent only once; empty: `exai-desktop` in the user's folder for states"
        " (Linux: `~/.local/state`). If it cannot be written, the notes are kept in the profile."
        " Takes effect at the next start.",
    )
    min_free_bytes: int = Field(
        default=256 * MIB,
        ge=0,
        description="No new upload starts while less disk space than this is free at the profile;"
        " on a small disk, 5 % of the disk is enough.",
    )
    on_metered: Literal["go", "wait"] = Field(
        default="go",
        description="What the queue does on a metered connection (Linux with NetworkManager):"
        " go on, or pause (`wait`). Takes effect immediately.",
    )
    on_battery: Literal["go", "wait"] = Field(
        default="go",
        description="What the queue does on battery power: go on, or pause (`wait`). Takes effect"
        " immediately.",
    )
    plan_above_files: int = Field(
        default=100,
        ge=0,
        description="If you add more files than this in the window, a preview is shown before"
        " anything is sent; 0: never.",
    )
    malware_scan: Literal["off", "if_available", "required"] = Field(
        default="if_available",
        description="Malware scan before sending. `required`: files that cannot be scanned are put"
        " on hold.",
    )
    clamd_address: str = Field(
        default="",
        pattern=r"^((127\.0\.0\.1|\[::1\]):[0-9]{1,5}|/[^\x00-\x1f]*)?$",
        description="Address of the ClamAV daemon: path of a socket, or a port on this computer"
        " (127.0.0.1:3310); empty: found automatically.",
    )
    content_mismatch: OnContent = Field(
        default="ask",
        description="Content that does not match the file extension: ask, allow, or always refuse.",
    )
    content_macros: OnContent = Field(
        default="ask",
        description="Documents with macros or scripts: ask, allow, or always refuse.",
    )
    content_encrypted: OnContent = Field(
        default="ask",
        description="Documents with a password: ask, allow, or always refuse.",
    )
    content_deceptive: OnContent = Field(
        default="ask",
        description="Misleading file names: ask, allow, or always refuse.",
    )
    content_secret: OnContent = Field(
        default="ask",
        description="Text files with a private key, a token or a password: ask, allow, or always"
        " refuse.",
    )
    allowed_folders: tuple[str, ...] = Field(
        default=(),
        description="Folders from which `upload --unattended` may upload files; empty: no folder."
        " Full paths, separated by colons (Windows: semicolons) or as a JSON list.",
    )
    folder_rules: tuple[FolderRule, ...] = Field(
        default=(),
        description="Which providers may get the files in a folder; set by `rule set` or in the"
        " window. As text: lines such as `/home/me/work = kimi/cn, glm +fallback`, or a JSON list."
        " The rule of the innermost folder applies. Changes take effect immediately.",
    )
    copy_to_storage: bool = Field(
        default=False,
        description="Copy each file that was sent to the Storage of your Supabase project as well;"
        " the content of your files then also lies there. Needs `login`. Takes effect"
        " immediately.",
    )
    copy_max_bytes: int = Field(
        default=0,
        ge=0,
        description="Largest size of a file that is copied to Storage; 0: only the limit of the"
        " project. Takes effect immediately.",
    )
    keep_texts: bool = Field(
        default=True,
        description="Save the texts you have opened on this computer, so that `search` finds them;"
        " off: no text is saved, and saved texts are deleted at the next start.",
    )
    theme: Literal["system", "light", "dark"] = Field(
        default="system",
        description="Colours of the window.",
    )
    log_level: Literal["debug", "info", "warning"] = Field(
        default="info",
        description="Amount of detail in the log.",
    )

    @field_validator("folder_rules", mode="before")
    @classmethod
    def _read_rules(cls, value: object) -> object:
        """From the environment and the verbs they come as one text; a rule may be a line."""
        if isinstance(value, str):
            given, lines = _json_list(value), value.splitlines()
            value = [line for line in lines if line.strip()] if given is None else given
        if not isinstance(value, list | tuple):
            return value
        return [rule_of(rule) if isinstance(rule, str) else rule for rule in value]

    @field_validator("folder_rules")
    @classmethod
    def _checked_rules(cls, rules: tuple[FolderRule, ...]) -> tuple[FolderRule, ...]:
        return tuple(map(checked_rule, rules))

    @field_validator("allowed_folders", mode="before")
    @classmethod
    def _apart(cls, value: object) -> object:
        """From the environment they come as one text."""
        if not isinstance(value, str):
            return value or ()
        given, apart = _json_list(value), value.split(os.pathsep) if value else ()
        return apart if given is None else given

    @field_validator("allowed_folders")
    @classmethod
    def _usable(cls, folders: tuple[str, ...]) -> tuple[str, ...]:
        if not all(PathPolicy((folder,)).is_usable(folder) for folder in folders):
            raise ValueError("each must be the full path of a folder, and none the whole disk")
        return folders


def _json_list(text: str) -> list[Any] | None:
    """What a JSON list holds; None for a text that does not begin as one."""
    if not text.lstrip().startswith("["):
        return None
    try:
        found: list[Any] = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return found


@dataclass(frozen=True, slots=True)
class RuleReport:
    """A rule for a folder, and what its user should know of it."""

    rule: FolderRule
    warnings: tuple[str, ...] = ()


class CurrentSettings:
    """The settings the engine works with; a few are exchanged while it runs. In its loop only.

    `refusal`: why nothing may be sent, as a setting that narrows where files go cannot be read.
    """

    def __init__(self, value: Settings, refusal: str = "") -> None:
        self.value = value
        self.refusal = refusal
