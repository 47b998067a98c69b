"""Settings of another computer, or of a file of environment variables: what would change here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from exai_desktop.core.addresses import proxy_password
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.settings.table import read_value, value_text, wrong_with
from exai_desktop.core.settings.values import NARROWING, Settings

FORMAT: Final = "exai-desktop settings"
VERSION: Final = 1
OWN_PREFIX: Final = "EXAI_DESKTOP_"
# More than any such file has.
MOST_LINES: Final = 5_000
# They name folders, which are others on another computer; and a rule that came along unseen could
# take the place of one that keeps files from somewhere.
OF_THIS_COMPUTER: Final = frozenset({"folder_rules", "allowed_folders", "shared_folder"})

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY: Final = "an API key is not taken from a file; add it with the account"
_SIGN_IN: Final = "sign in to the project with `login`"
_TOO_STRONG: Final = "it opens the whole project; this program neither needs nor takes it"
_FOLDERS: Final = "it names folders of one computer; set it here"
_WITH_LOGIN: Final = "its password is not taken from a file; set the address without it"
_KEPT: Final = "files are kept until you delete them"
_ANY_FOLDER: Final = "every file that you choose can be sent; rules for folders limit where to"


@dataclass(frozen=True, slots=True)
class SettingChange:
    """Values as people read them. `meaning`: what else one should know before one agrees."""

    name: str
    before: str
    after: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What the file has and is not taken on. Its value is never told: it may be a secret."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class SettingsImport:
    changes: tuple[SettingChange, ...]
    left_out: tuple[LeftOut, ...]


def _yes(text: str) -> bool:
    return text.strip().lower() in ("true", "1", "yes", "on")


def _switch(text: str) -> str:
    return "on" if _yes(text) else "off"


def _level(text: str) -> str:
    low = text.strip().lower()
    return low if low in ("debug", "info") else "warning"


# The names that the server version of this program reads, and what becomes of their values.
_ALIASES: Final[dict[str, tuple[str, Callable[[str], str]]]] = {
    "MAX_CONCURRENT_UPLOADS": ("max_in_flight", str),
    "MAX_FILE_SIZE": ("max_file_bytes", str),
    "MAX_FILE_SIZE_MB": ("max_file_bytes", "{} MiB".format),
    "DEFAULT_USER_QUOTA_GB": ("account_max_bytes", "{} GiB".format),
    "UPLOAD_TIMEOUT": ("read_timeout_s", str),
    "MAX_RETRIES": ("max_attempts", str),
    "CIRCUIT_BREAKER_FAILURE_THRESHOLD": ("breaker_failures", str),
    "CIRCUIT_BREAKER_TIMEOUT": ("breaker_wait_s", str),
    "PLATFORM_FALLBACK_ENABLED": ("allow_fallback", _switch),
    "KIMI_UPLOAD_TO_SUPABASE": ("copy_to_storage", _switch),
    "GLM_UPLOAD_TO_SUPABASE": ("copy_to_storage", _switch),
    "METRICS_PORT": ("metrics_port", str),
    "REDIS_URL": ("redis_url", str),
    "EXAI_LOG_LEVEL": ("log_level", _level),
    "LOG_LEVEL": ("log_level", _level),
}
_REASONS: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            *("KIMI_API_KEY", "GLM_API_KEY", "MOONSHOT_API_KEY", "ZHIPUAI_API_KEY"),
            *("MOONSHOT_FILE_API_KEY", "Z_AI_FILE_API_KEY", "OPENAI_API_KEY"),
        ),
        _KEY,
    ),
    **dict.fromkeys(("SUPABASE_URL", "SUPABASE_KEY", "SUPABASE_ANON_KEY"), _SIGN_IN),
    **dict.fromkeys(
        (
            *("SUPABASE_SERVICE_KEY", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_ACCESS_TOKEN"),
            *("JWT_SECRET", "SUPABASE_JWT_SECRET"),
        ),
        _TOO_STRONG,
    ),
    **dict.fromkeys(("ALLOWED_PATHS", "EX_ALLOWED_EXTERNAL_PREFIXES"), _FOLDERS),
    **dict.fromkeys(("ALLOW_EXTERNAL_PATHS", "EX_ALLOW_EXTERNAL_PATHS"), _ANY_FOLDER),
    **dict.fromkeys(("DEFAULT_RETENTION_DAYS", "FILE_RETENTION_DAYS"), _KEPT),
}


def write_out(settings: Settings, without: frozenset[str] = frozenset()) -> str:
    """What is not at its default, but for folders and the names in `without`."""
    spare = OF_THIS_COMPUTER | without
    values = settings.model_dump(mode="json", exclude_defaults=True)
    kept = {name: value for name, value in values.items() if name not in spare}
    content = {"format": FORMAT, "version": VERSION, "settings": kept}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_in(text: str, saved: Settings, fixed: dict[str, str]) -> SettingsImport:
    """What this text would change. Raises ValueError, with the reason, for none of the formats."""
    found = _Found(saved, fixed)
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        for name, value in _own_format(text).items():
            if value is not None:
                found.take(name, name, _as_text(value))
    else:
        metrics_off = False
        for name, value in _variables(text):
            metrics_off |= name == "PROMETHEUS_ENABLED" and not _yes(value)
            found.take_variable(name, value)
        if metrics_off:
            found.wanted["metrics_port"] = "0"
    return found.report()


class _Found:
    def __init__(self, saved: Settings, fixed: dict[str, str]) -> None:
        self._saved = saved
        self._fixed = fixed
        self.wanted: dict[str, str] = {}
        self._left_out: dict[str, str] = {}

    def take_variable(self, variable: str, value: str) -> None:
        known = _ALIASES.get(variable)
        if known is not None:
            name, convert = known
            # One of two switches for the same thing is enough to want it.
            if self.wanted.get(name) != "on":
                self.take(variable, name, convert(value))
        elif variable.startswith(OWN_PREFIX):
            self.take(variable, variable.removeprefix(OWN_PREFIX).lower(), value)
        elif variable != "PROMETHEUS_ENABLED":
            self._left_out[variable] = _REASONS.get(variable, "not known")

    def take(self, told: str, name: str, value: str) -> None:
        """`told`: as the file names it."""
        if name not in Settings.model_fields:
            self._left_out[told] = "not known"
        elif name in OF_THIS_COMPUTER:
            self._left_out[told] = _FOLDERS
        elif name == "proxy" and _has_password(value):
            self._left_out[told] = _WITH_LOGIN
        elif name in self._fixed:
            self._left_out[told] = f"{self._fixed[name]} decides"
        elif reason := wrong_with(name, value):
            self._left_out[told] = reason
        else:
            self.wanted[name] = value

    def report(self) -> SettingsImport:
        changes = []
        for name, value in self.wanted.items():
            before = value_text(name, getattr(self._saved, name))
            after = value_text(name, _validated(name, value))
            if after != before:
                changes.append(SettingChange(name, before, after, _meaning(name, after)))
        left_out = tuple(LeftOut(plain_text(n)[:80], why) for n, why in self._left_out.items())
        return SettingsImport(tuple(changes), left_out)


def _meaning(name: str, after: str) -> str:
    if name == "copy_to_storage" and after == "on":
        return "the content of your files then also lies in your Supabase project"
    return "it decides where files may go" if name in NARROWING | {"extra_ca"} else ""


def _validated(name: str, value: str) -> Any:
    return getattr(Settings.model_validate({name: read_value(name, value)}), name)


def _has_password(address: str) -> bool:
    try:
        return bool(proxy_password(address))
    except ValueError:
        return False  # the setting itself says what is wrong


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _own_format(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise ValueError("it is neither JSON nor lines such as NAME=value") from error
    if content.get("format") != FORMAT:
        raise ValueError("it was not written by `setting export`")
    if content.get("version") != VERSION:
        raise ValueError("it was written by another version of the program")
    settings = content.get("settings")
    if not isinstance(settings, dict):
        raise ValueError('"settings" is not an object')  # noqa: TRY004 - one kind for all of them
    return settings


def _variables(text: str) -> Iterator[tuple[str, str]]:
    """Lines as shells and containers read them. Nothing in a value is expanded."""
    lines = text.lstrip("\ufeff").splitlines()
    if len(lines) > MOST_LINES:
        raise ValueError(f"it has more than {MOST_LINES:,} lines")
    is_one = False
    for line in lines:
        name, sign, value = line.strip().removeprefix("export ").partition("=")
        if sign and _NAME.fullmatch(name.strip()):
            is_one = True
            yield name.strip(), _unquoted(value.strip())
    if not is_one:
        raise ValueError("it has no line such as NAME=value")


def _unquoted(value: str) -> str:
    for quote in "\"'":
        if value.startswith(quote):
            return value[1:].partition(quote)[0]
    return re.split(r"\s#", value, maxsplit=1)[0].rstrip()
