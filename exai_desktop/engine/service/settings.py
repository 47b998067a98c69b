"""The settings, as the engine shows and changes them."""

from __future__ import annotations

from typing import Final, Protocol

from pydantic import ValidationError

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.settings import Settings
from exai_desktop.engine.context import Context

# What the user changes because of what happens now.
AT_ONCE: Final = frozenset({"upload_bytes_per_s", "folder_rules", "on_metered", "on_battery"})


class SettingsBook(Protocol):
    """The settings file. Writing blocks, and raises INVALID_SETTING."""

    def save(self, settings: Settings) -> None: ...


class SettingsChanges:
    """Meets `core.service.SettingsService`."""

    def __init__(self, ctx: Context, book: SettingsBook) -> None:
        self._ctx = ctx
        self._book = book
        self._saved = ctx.settings

    async def malware_scanner(self) -> str:
        return await self._ctx.malware.describe()

    async def saved(self) -> Settings:
        return self._saved

    async def change(self, name: str, value: str) -> Settings:
        """But for `AT_ONCE` the engine itself goes on with what it was started with."""
        try:
            changed = Settings.model_validate(self._saved.model_dump() | {name: value})
        except ValidationError as error:
            reason = error.errors(include_url=False, include_input=False)[0]["msg"]
            raise EngineError(ErrorCode.INVALID_SETTING, f"{name}: {reason}") from error
        await self._ctx.read(self._book.save, changed)
        self._saved = changed
        if name in AT_ONCE:
            now = {name: getattr(changed, name)}
            self._ctx.settings = self._ctx.settings.model_copy(update=now)
            self._ctx.bandwidth.limit(self._ctx.settings.upload_bytes_per_s)
            self._ctx.on_settings()
        return changed
