"""The settings, as the engine shows and changes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Final, Protocol

from pydantic import ValidationError

from exai_desktop.core.accounts.secret_store import SecretStore, delete_password, save_password
from exai_desktop.core.addresses import (
    WITH_PASSWORD,
    checked_password,
    password_place,
    proxy_password,
)
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import register
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.core.routing.folder_rules import FolderRule, shown_folder
from exai_desktop.core.settings import (
    CurrentSettings,
    RuleReport,
    Settings,
    SettingsImport,
    imports,
)
from exai_desktop.core.settings.table import AT_ONCE, BY_POLICY, read_value
from exai_desktop.engine.accounts.timing import Bandwidth
from exai_desktop.engine.files.file_checks import MalwareCheck
from exai_desktop.engine.files.folder_places import prepared_rule, same_rules, warnings_of
from exai_desktop.engine.waiting import Readers

_NOT_SAVED: Final = (
    "the password would be saved as plain text; save the address without it, then the password by"
    " `setting set-secret proxy`"
)


class SettingsBook(Protocol):
    """The settings file. Writing blocks, and raises INVALID_SETTING."""

    def save(self, settings: Settings, *changed: str) -> None:
        """`changed`: the settings that the user has given new values."""
        ...

    def fixed(self) -> dict[str, str]:
        """Settings of which a saved value has no effect, and what decides instead."""
        ...


class SettingsChanges:
    """Meets `core.service.SettingsService`."""

    def __init__(
        self,
        book: SettingsBook,
        current: CurrentSettings,
        bandwidth: Bandwidth,
        malware: MalwareCheck,
        readers: Readers,
        table: ProviderTable,
        secrets: SecretStore,
        changed: Callable[[str], None],
    ) -> None:
        """`changed` is called with the name of a setting that has changed and is in force."""
        self._book = book
        self._current = current
        self._saved = current.value
        self._bandwidth = bandwidth
        self._malware = malware
        self._readers = readers
        self._table = table
        self._secrets = secrets
        self._changed = changed
        # One after the other: each begins with what the one before has saved.
        self._changing = asyncio.Lock()

    async def malware_scanner(self) -> str:
        return await self._malware.describe()

    async def saved(self) -> Settings:
        return self._saved

    async def fixed(self) -> dict[str, str]:
        return await self._readers.read(self._book.fixed)

    async def write_out(self) -> str:
        return imports.write_out(self._saved, frozenset(await self.fixed()))

    async def read_in(self, text: str, *, apply: bool) -> SettingsImport:
        async with self._changing:
            try:
                report = imports.read_in(text, self._saved, await self.fixed())
            except ValueError as error:
                raise EngineError(ErrorCode.SETTINGS_NOT_READ, str(error)) from error
            if apply and report.changes:
                # In one write: all of it is saved, or nothing.
                await self._apply({c.name: read_value(c.name, c.after) for c in report.changes})
        return report

    async def change(self, name: str, value: str) -> Settings:
        """But for `AT_ONCE` the engine itself goes on with what it was started with."""
        async with self._changing:
            return await self._change(name, read_value(name, value))

    async def _change(self, name: str, value: object) -> Settings:
        if (await self.fixed()).get(name) == BY_POLICY:
            raise EngineError(ErrorCode.SETTING_FIXED, name)
        return await self._apply({name: value})

    async def _apply(self, values: Mapping[str, object]) -> Settings:
        try:
            changed = Settings.model_validate(self._saved.model_dump() | dict(values))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = str(first["loc"][0]) if first["loc"] else next(iter(values))
            reason = first["msg"].removeprefix("Value error, ")
            raise EngineError(ErrorCode.INVALID_SETTING, f"{name}: {reason}") from error
        if "proxy" in values and changed.proxy and proxy_password(changed.proxy):
            raise EngineError(ErrorCode.INVALID_SETTING, f"proxy: {_NOT_SAVED}")
        await self._readers.read(self._book.save, changed, *values)
        self._saved = changed
        now = {name: getattr(changed, name) for name in values if name in AT_ONCE}
        if now:
            self._current.value = self._current.value.model_copy(update=now)
            self._bandwidth.limit(self._current.value.upload_bytes_per_s)
            for name in now:
                self._changed(name)
        return changed

    # -- passwords of servers

    async def set_password(self, name: str, password: str) -> str:
        address = self._address_for(name)
        try:
            place, checked = password_place(name, address), checked_password(password)
        except ValueError as error:
            raise EngineError(ErrorCode.INVALID_SETTING, f"{name}: {error}") from error
        register(checked)
        await self._readers.read(save_password, self._secrets, name, place, checked)
        return place

    async def delete_password(self, name: str) -> bool:
        if name not in WITH_PASSWORD:
            raise _no_password(name)
        return await self._readers.read(delete_password, self._secrets, name)

    def _address_for(self, name: str) -> str:
        if name not in WITH_PASSWORD:
            raise _no_password(name)
        address = str(getattr(self._saved, name))
        if not address:
            reason = f"{name}: set the address first, without the password"
            raise EngineError(ErrorCode.INVALID_SETTING, reason)
        return address

    # -- rules for folders

    async def rules(self) -> list[RuleReport]:
        return [await self._report(rule) for rule in self._saved.folder_rules]

    async def _report(self, rule: FolderRule) -> RuleReport:
        return RuleReport(rule, await self._readers.read(warnings_of, rule, self._table))

    async def set_rule(
        self,
        folder: str,
        places: Sequence[str],
        *,
        allow_fallback: bool = False,
        replace: bool = True,
    ) -> RuleReport:
        if not PurePath(folder).is_absolute():
            raise EngineError(ErrorCode.INVALID_SETTING, f"{folder!r} is not the path of a folder")
        wanted = FolderRule(folder, tuple(places), allow_fallback)
        async with self._changing:
            rule = await self._readers.read(prepared_rule, wanted)
            rules = self._saved.folder_rules
            replaced = await self._readers.read(same_rules, rule.folder, rules)
            if replaced and not replace:
                known = replaced[0]
                return RuleReport(known, (f"There is a rule for this folder: {known}.",))
            others = [other for other in rules if other not in replaced]
            saved = await self._change("folder_rules", [*others, rule])
        report = await self._report(saved.folder_rules[-1])
        names = [old.folder for old in replaced if old.folder != rule.folder]
        lines = [
            f"It replaces the rule for {shown_folder(name)}, the same folder." for name in names
        ]
        return RuleReport(report.rule, (*report.warnings, *lines))

    async def remove_rule(self, folder: str) -> bool:
        async with self._changing:
            rules = self._saved.folder_rules
            found = [rule for rule in rules if rule.folder == folder]
            if not found:
                found = await self._readers.read(same_rules, folder, rules)
            if found:
                await self._change("folder_rules", [r for r in rules if r not in found])
        return bool(found)


def _no_password(name: str) -> EngineError:
    known = " and ".join(WITH_PASSWORD)
    shown = name if name in Settings.model_fields else "that setting"
    return EngineError(ErrorCode.INVALID_SETTING, f"{shown} has no password; {known} have one")
