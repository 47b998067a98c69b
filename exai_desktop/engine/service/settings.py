"""The settings, as the engine shows and changes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from pydantic import ValidationError

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.settings import CurrentSettings, Settings
from exai_desktop.engine.accounts.timing import Bandwidth
from exai_desktop.engine.files.file_checks import MalwareCheck
from exai_desktop.engine.waiting import Readers

# What the user changes because of what happens now.
AT_ONCE: Final = frozenset({"upload_bytes_per_s", "folder_rules", "on_metered", "on_battery"})


class SettingsBook(Protocol):
    """The settings file. Writing blocks, and raises INVALID_SETTING."""

    def save(self, settings: Settings) -> None: ...


class SettingsChanges:
    """Meets `core.service.SettingsService`."""

    def __init__(
        self,
        book: SettingsBook,
        current: CurrentSettings,
        bandwidth: Bandwidth,
        malware: MalwareCheck,
        readers: Readers,
        changed: Callable[[], None],
    ) -> None:
        """`changed` is called after a setting has changed that is in force at once."""
        self._book = book
        self._current = current
        self._saved = current.value
        self._bandwidth = bandwidth
        self._malware = malware
        self._readers = readers
        self._changed = changed

    async def malware_scanner(self) -> str:
        return await self._malware.describe()

    async def saved(self) -> Settings:
        return self._saved

    async def change(self, name: str, value: str) -> Settings:
        """But for `AT_ONCE` the engine itself goes on with what it was started with."""
        try:
            changed = Settings.model_validate(self._saved.model_dump() | {name: value})
        except ValidationError as error:
            reason = error.errors(include_url=False, include_input=False)[0]["msg"]
            raise EngineError(ErrorCode.INVALID_SETTING, f"{name}: {reason}") from error
        await self._readers.read(self._book.save, changed)
        self._saved = changed
        if name in AT_ONCE:
            now = {name: getattr(changed, name)}
            self._current.value = self._current.value.model_copy(update=now)
            self._bandwidth.limit(self._current.value.upload_bytes_per_s)
            self._changed()
        return changed
