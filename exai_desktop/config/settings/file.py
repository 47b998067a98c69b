"""Settings and accounts: read, judged one by one, and written back without the defaults."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Annotated, Final
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exai_desktop.config.settings.document import Content, SettingsDocument
from exai_desktop.config.settings.policy import Policy, policy_file
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.addresses import proxy_password
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import register
from exai_desktop.core.errors.tree import AccountError, EngineError, ErrorView
from exai_desktop.core.settings import NARROWING, Settings
from exai_desktop.core.settings.table import BY_POLICY

ENV_PREFIX: Final = "EXAI_DESKTOP_"
# Names in the environment that are ours and no settings: the profile's folder, the passphrase of
# headless use, the password of a fleet's Redis, keys of accounts, and what test programmes hand
# to themselves.
RESERVED_ENV: Final = frozenset({"HOME", "PASSPHRASE", "PASSPHRASE_FILE", "REDIS_PASSWORD"})
RESERVED_ENV_PREFIXES: Final = ("KEY_", "LIVE_", "TEST_")

_PLAIN_TEXT: Final = (
    "a password is not kept in this file as plain text; set the address without it, then the"
    " password by `setting set-secret proxy`"
)

_SINCE_START: Final = (
    "settings.json after the program was started; start it again, so that it knows what is there"
)

# So much of a name is shown; ours have half of it at most.
_NAME_SHOWN: Final = 60

# From this likeness on a name is taken for a misspelt one.
_NEAR: Final = 0.8

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
    """The settings in force, and what was wrong with those that are not.

    `refusals`: what could not be read and may have said where files must not go.
    """

    settings: Settings
    problems: tuple[ErrorView, ...] = ()
    refusals: tuple[str, ...] = ()


class SettingsFile:
    """The user's settings: defaults, then the file, then the environment, then the policy."""

    def __init__(
        self,
        document: SettingsDocument,
        environment: Mapping[str, str] | None = None,
        policy: Policy | None = None,
    ) -> None:
        """`environment` is that of the process, `policy` that of the computer, unless given."""
        self._document = document
        self._environment = os.environ if environment is None else environment
        self._policy = policy or Policy(policy_file())
        self._in_force = Settings.model_validate({})

    def load(self) -> LoadedSettings:
        """Never fails for a bad value: the last good one, else the default, stays in force."""
        content, unreadable = self._document.read()
        given, bad = _judged_in_file(content["settings"])
        overrides, bad_overrides = self._overrides()
        policy, bad_policy = self._fixed_by_policy()
        overrides |= policy
        _, bad_accounts = _accounts(content)
        # Without an account that was there, its files would go to another company.
        refusals = [*([unreadable] if unreadable else []), *bad_policy, *bad_accounts]
        refusals += [
            f'{_shown(key)}: it has no effect outside "settings"'
            for key in content
            if _narrows(key)
        ]
        reasons: list[str] = []
        for name, reason in bad.items():
            # What the environment says holds, whatever stands in the file.
            stops = _narrows(name) and name not in overrides
            text = f"{_shown(name) or 'a setting without a name'}: {reason}"
            (refusals if stops else reasons).append(text)
        for name, reason in bad_overrides.items():
            if name.lower() in policy:
                continue
            target = refusals if _narrows(name.lower()) else reasons
            target.append(f"{ENV_PREFIX}{_shown(name)}: {reason}")
        last = {n: getattr(self._in_force, n) for n in bad if n in Settings.model_fields}
        self._in_force = Settings.model_validate({**last, **given, **overrides})
        _hide_password(self._in_force)
        problems = [_problem(ErrorCode.UNUSABLE_SETTING, reason) for reason in refusals]
        problems += [_problem(ErrorCode.INVALID_SETTING, reason) for reason in reasons]
        return LoadedSettings(self._in_force, tuple(problems), tuple(refusals))

    def save(self, settings: Settings, *changed: str) -> None:
        """Write what is different from what is in force, and `changed`, the settings that the user
        has given new values; all else in the file stays as it is by now.

        Defaults, and what only the environment says, are not written. Raises INVALID_SETTING,
        UNUSABLE_SETTING, and also when the file has other rules for folders than were known.
        """
        values, known = settings.model_dump(), self._in_force.model_dump()
        names = [n for n in values if values[n] != known[n] or n in changed]
        overrides, _ = self._overrides()
        overrides |= self._fixed_by_policy()[0]
        in_environment = Settings.model_validate(overrides).model_dump(include=set(overrides))
        own = {n: values[n] for n in names if values[n] != in_environment.get(n)}
        for name, reason in _judged_in_file(own)[1].items():
            raise EngineError(ErrorCode.INVALID_SETTING, f"{name}: {reason}")

        def change(content: Content) -> None:
            target = content["settings"]
            if "folder_rules" in own:
                own["folder_rules"] = _merged_rules(target, self._in_force, settings, overrides)
            for name, value in own.items():
                if value != Settings.model_fields[name].default:
                    target[name] = value
                else:
                    target.pop(name, None)

        self._document.change(change)
        self._in_force = settings

    def fixed(self) -> dict[str, str]:
        """Settings of which a saved value has no effect, and what decides instead."""
        by_environment = {name: f"{ENV_PREFIX}{name.upper()}" for name in self._overrides()[0]}
        return by_environment | dict.fromkeys(self._fixed_by_policy()[0], BY_POLICY)

    def _fixed_by_policy(self) -> tuple[dict[str, object], list[str]]:
        """A policy that cannot be read may have said where files must not go."""
        given, unusable = self._policy.read()
        good, bad = _judged_in_file(given)
        reasons = [f"the policy, {_shown(name)}: {reason}" for name, reason in bad.items()]
        return good, [*([unusable] if unusable else []), *reasons]

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

    def put(self, account: Account, before: Account | None = None) -> None:
        new, known = _entry(account), {} if before is None else _entry(before)

        def change(content: Content) -> None:
            entries = content["accounts"]
            for entry in entries:
                if not _is_named(entry, account.name):
                    continue
                if before is None:
                    raise AccountError(
                        ErrorCode.ACCOUNT_EXISTS, f"{account.name} was written into {_SINCE_START}"
                    )
                for name in {*new, *known}:
                    if name not in new:
                        entry.pop(name, None)
                    elif new[name] != known.get(name):
                        entry[name] = new[name]
                return
            entries.append(new)

        self._document.change(change)

    def remove(self, name: str) -> None:
        """Entries that make no sense here stay in the file."""

        def change(content: Content) -> None:
            content["accounts"] = [e for e in content["accounts"] if not _is_named(e, name)]

        self._document.change(change)


def _merged_rules(
    stored: Mapping[str, object],
    known: Settings,
    wanted: Settings,
    overrides: Mapping[str, object],
) -> object:
    """The rules in the file with what the user has changed. None is lost that was not known."""
    name = "folder_rules"
    if name in overrides:
        raise EngineError(
            ErrorCode.INVALID_SETTING,
            f"{name}: {ENV_PREFIX}FOLDER_RULES has them; change them there, or remove it first",
        )
    good, bad = _judged({name: stored[name]} if name in stored else {})
    if bad and (known.folder_rules or wanted.folder_rules):
        raise EngineError(ErrorCode.UNUSABLE_SETTING, f"{name}: {bad[name]}")
    rules = Settings.model_validate(good).folder_rules
    before, after = set(known.folder_rules), set(wanted.folder_rules)
    touched = {rule.folder for rule in before ^ after}
    for folder in touched:
        if {r for r in rules if r.folder == folder} != {r for r in before if r.folder == folder}:
            raise EngineError(
                ErrorCode.INVALID_SETTING,
                f"{name}: the rule for {folder!r} was changed in {_SINCE_START}",
            )
    kept = [rule for rule in rules if rule.folder not in touched]
    kept += [rule for rule in wanted.folder_rules if rule.folder in touched]
    dumped = wanted.model_copy(update={name: tuple(kept)}).model_dump(include={name})
    return dumped[name]


def _entry(account: Account) -> dict[str, object]:
    """Raises INVALID_ACCOUNT."""
    values = asdict(account) | {"purposes": list(account.purposes)}
    try:
        return _StoredAccount.model_validate(values).model_dump(exclude_defaults=True)
    except ValidationError as error:
        raise AccountError(ErrorCode.INVALID_ACCOUNT, _first_reason(error)) from error


def _is_named(entry: object, name: str) -> bool:
    account, _ = _account(entry)
    return account is not None and account.name == name


def _problem(code: ErrorCode, reason: str) -> ErrorView:
    return ErrorView.of(EngineError(code, reason))


def _shown(name: str) -> str:
    """A name that anybody may have written, as a part of one line."""
    clean = re.sub(r"\W", "?", name, flags=re.ASCII)
    return clean if len(clean) <= _NAME_SHOWN else f"{clean[:_NAME_SHOWN]}..."


def _no_such(name: str) -> str:
    near = get_close_matches(name.lower(), list(Settings.model_fields), 1, _NEAR)
    return f"there is no such setting; {near[0]} is one" if near else "there is no such setting"


def _narrows(name: str) -> bool:
    """Whether it may say where files must not go: also a name that is only misspelt."""
    if name in Settings.model_fields:
        return name in NARROWING
    return bool(get_close_matches(name.lower(), NARROWING, 1, _NEAR))


def _hide_password(settings: Settings) -> None:
    password = proxy_password(settings.proxy) if settings.proxy else ""
    for form in {password, unquote(password)}:
        register(form)


def _judged_in_file(given: Mapping[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    """The same as `_judged`, for what lies on the disk: no password is taken from there."""
    good, bad = _judged(given)
    proxy = good.get("proxy")
    if isinstance(proxy, str) and proxy and proxy_password(proxy):
        del good["proxy"]
        bad["proxy"] = _PLAIN_TEXT
    return good, bad


def _judged(given: Mapping[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    """The good values, and by name why the others are not. Values are never part of a reason."""
    # Not left to pydantic: a name that is not UTF-8 would fail the whole of them, without a place.
    bad = {name: _no_such(name) for name in given if name not in Settings.model_fields}
    try:
        Settings.model_validate({name: given[name] for name in given if name not in bad})
    except ValidationError as error:
        for item in error.errors(include_url=False, include_context=False, include_input=False):
            reason = item["msg"].removeprefix("Value error, ")
            bad.setdefault(str(item["loc"][0]), reason)
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
