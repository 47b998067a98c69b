"""Settings and accounts: read, judged one by one, and written back without the defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exai_desktop.config.settings_document import VERSION, Content, SettingsDocument
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, EngineError, ErrorView
from exai_desktop.core.settings import Settings

ENV_PREFIX: Final = "EXAI_DESKTOP_"
# Names in the environment that are ours and no settings: the profile's folder, the passphrase of
# headless use, the password of a fleet's Redis, and what test programmes hand to themselves.
RESERVED_ENV: Final = frozenset({"HOME", "PASSPHRASE", "REDIS_PASSWORD"})
RESERVED_ENV_PREFIXES: Final = ("LIVE_", "TEST_")

_Text = Annotated[str, Field(min_length=1, max_length=2_000)]


class _StoredAccount(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=100)]
    provider: _Text
    region: _Text
    base_url: _Text
    key_fingerprint: str = ""
    enabled: bool = True
    max_in_flight: int = Field(2, ge=1, le=64)
    order: int = 0
    purposes: list[_Text] = []
    uploads_per_minute: int = Field(0, ge=0, le=60_000)
    bytes_per_s: int = Field(0, ge=0)
    key_since: float = Field(0.0, ge=0, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings in force, and what was wrong with those that are not."""

    settings: Settings
    problems: tuple[ErrorView, ...] = ()


class SettingsFile:
    """The user's settings: defaults, then the file, then the environment."""

    def __init__(
        self, document: SettingsDocument, environment: Mapping[str, str] | None = None
    ) -> None:
        """`environment` is that of the process unless given."""
        self._document = document
        self._environment = os.environ if environment is None else environment
        self._in_force = Settings.model_validate({})

    def load(self) -> LoadedSettings:
        """Never fails for a bad value: the last good one, else the default, stays in force."""
        content, unreadable = self._document.read()
        reasons = [unreadable] if unreadable else []
        if content["version"] > VERSION:
            reasons.append("version: the settings were written by a newer version of the program")
        given, bad = _judged(content["settings"])
        overrides, bad_overrides = self._overrides()
        _, bad_accounts = _accounts(content)
        reasons += [
            f"{name or 'a setting without a name'}: {reason}" for name, reason in bad.items()
        ]
        reasons += [f"{ENV_PREFIX}{name}: {reason}" for name, reason in bad_overrides.items()]
        reasons += bad_accounts
        last = {n: getattr(self._in_force, n) for n in bad if n in Settings.model_fields}
        self._in_force = Settings.model_validate({**last, **given, **overrides})
        return LoadedSettings(self._in_force, tuple(map(_problem, reasons)))

    def save(self, settings: Settings) -> None:
        """Write what differs from the defaults; what only the environment says stays out of it.

        Entries of the file that no version known here has made are kept. Raises INVALID_SETTING.
        """
        values = settings.model_dump()
        _, bad = _judged(values)
        if bad:
            name, reason = next(iter(bad.items()))
            raise EngineError(ErrorCode.INVALID_SETTING, f"{name}: {reason}")
        overrides, _ = self._overrides()
        in_environment = Settings.model_validate(overrides).model_dump(include=set(overrides))

        def change(content: Content) -> None:
            old = content["settings"]
            new = {name: value for name, value in old.items() if name not in Settings.model_fields}
            for name, field in Settings.model_fields.items():
                if name in in_environment and values[name] == in_environment[name]:
                    if name in old:
                        new[name] = old[name]
                elif values[name] != field.default:
                    new[name] = values[name]
            content["settings"] = new

        self._document.change(change)
        self._in_force = settings

    def _overrides(self) -> tuple[dict[str, object], dict[str, str]]:
        """Good values of the environment by setting, and the reasons against the others."""
        given: dict[str, object] = {}
        for name, value in self._environment.items():
            rest = name.removeprefix(ENV_PREFIX)
            if rest == name or rest in RESERVED_ENV or rest.startswith(RESERVED_ENV_PREFIXES):
                continue
            given[rest.lower()] = value
        good, bad = _judged(given)
        return good, {name.upper(): reason for name, reason in bad.items()}


class SettingsAccountBook:
    """`core.machine.AccountBook`: the accounts in the settings file, without their keys."""

    def __init__(self, document: SettingsDocument) -> None:
        self._document = document

    def load(self) -> tuple[Account, ...]:
        """The valid entries; `SettingsFile.load` reports the others."""
        content, _ = self._document.read()
        accounts, _ = _accounts(content)
        return tuple(accounts)

    def save(self, accounts: Sequence[Account]) -> None:
        """Raises INVALID_ACCOUNT. Entries that make no sense here stay in the file."""
        try:
            entries = [
                _StoredAccount.model_validate(
                    asdict(account) | {"purposes": list(account.purposes)}
                ).model_dump(exclude_defaults=True)
                for account in accounts
            ]
        except ValidationError as error:
            raise AccountError(ErrorCode.INVALID_ACCOUNT, _first_reason(error)) from error

        def change(content: Content) -> None:
            content["accounts"] = entries + [
                entry for entry in content["accounts"] if _account(entry)[0] is None
            ]

        self._document.change(change)


def _problem(reason: str) -> ErrorView:
    return ErrorView.of(EngineError(ErrorCode.INVALID_SETTING, reason))


def _judged(given: Mapping[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    """The good values, and by name why the others are not. Values are never part of a reason."""
    # Not left to pydantic: a name that is not UTF-8 would fail the whole of them, without a place.
    bad = {name: "there is no such setting" for name in given if name not in Settings.model_fields}
    try:
        Settings.model_validate({name: given[name] for name in given if name not in bad})
    except ValidationError as error:
        for item in error.errors(include_url=False, include_context=False, include_input=False):
            bad.setdefault(str(item["loc"][0]), item["msg"])
    good = {name: value for name, value in given.items() if name not in bad}
    return good, {name: bad[name] for name in given if name in bad}


def _accounts(content: Content) -> tuple[list[Account], list[str]]:
    good: dict[str, Account] = {}
    reasons: list[str] = []
    for number, entry in enumerate(content["accounts"], 1):
        account, reason = _account(entry)
        if account is not None and account.name in good:
            account, reason = None, "name: used twice"
        if account is None:
            reasons.append(f"accounts, entry {number}: {reason}")
        else:
            good[account.name] = account
    return list(good.values()), reasons


def _account(entry: object) -> tuple[Account | None, str]:
    try:
        values = _StoredAccount.model_validate(entry).model_dump()
        return Account(**values | {"purposes": tuple(values["purposes"])}), ""
    except ValidationError as error:
        return None, _first_reason(error)


def _first_reason(error: ValidationError) -> str:
    item = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
