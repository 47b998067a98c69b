"""Settings that are kept for the length of a test: for the windows that show and change them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.routing.folder_rules import FolderRule
from exai_desktop.core.settings import RuleReport, Settings, SettingsImport, imports
from exai_desktop.core.settings.table import read_value

if TYPE_CHECKING:
    from .scripted_service import ScriptedService


class ScriptedSettings:
    """Meets `SettingsService`: keeps what is saved."""

    def __init__(self, script: ScriptedService) -> None:
        self._script = script
        self.kept = Settings()
        self.fixed_by: dict[str, str] = {}

    async def saved(self) -> Settings:
        return self.kept

    async def change(self, name: str, value: str) -> Settings:
        self._script.note("settings.change", name, value)
        known = self.kept.model_dump()
        try:
            self.kept = Settings.model_validate(known | {name: read_value(name, value)})
        except ValidationError as error:
            raise EngineError(ErrorCode.INVALID_SETTING, name) from error
        return self.kept

    async def fixed(self) -> dict[str, str]:
        return self.fixed_by

    async def write_out(self) -> str:
        return imports.write_out(self.kept)

    async def read_in(self, text: str, *, apply: bool) -> SettingsImport:
        self._script.note("settings.read_in", apply)
        try:
            report = imports.read_in(text, self.kept, self.fixed_by)
        except ValueError as error:
            raise EngineError(ErrorCode.SETTINGS_NOT_READ, str(error)) from error
        if apply:
            for change in report.changes:
                await self.change(change.name, change.after)
        return report

    async def rules(self) -> list[RuleReport]:
        return [RuleReport(rule) for rule in self.kept.folder_rules]

    async def set_rule(
        self,
        folder: str,
        places: Sequence[str],
        *,
        allow_fallback: bool = False,
        replace: bool = True,
    ) -> RuleReport:
        rule = FolderRule(folder, tuple(places), allow_fallback)
        self._script.note("settings.set_rule", rule, replace)
        others = [known for known in self.kept.folder_rules if known.folder != folder]
        self.kept = Settings(folder_rules=(*others, rule))
        return RuleReport(rule, tuple(self._script.warnings))

    async def remove_rule(self, folder: str) -> bool:
        self._script.note("settings.remove_rule", folder)
        left = [rule for rule in self.kept.folder_rules if rule.folder != folder]
        self.kept = Settings(folder_rules=tuple(left))
        return True

    async def set_password(self, name: str, password: str) -> str:
        raise NotImplementedError

    async def delete_password(self, name: str) -> bool:
        raise NotImplementedError

    async def malware_scanner(self) -> str:
        return "none"
