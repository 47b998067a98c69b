"""What a provider may be able to do beside `core.ports.FileProvider`; asked for by `isinstance`."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from exai_desktop.core.accounts import Balance


@runtime_checkable
class ExtractsText(Protocol):
    """Ability: the provider gives back the text it read from a file."""

    async def content(self, file_id: str) -> str: ...


@runtime_checkable
class ReportsBalance(Protocol):
    """Ability: the provider tells what is left to spend."""

    async def balance(self) -> Balance: ...


@runtime_checkable
class TellsTime(Protocol):
    """Ability: the provider's answers say what time it is there."""

    @property
    def clock_offset_s(self) -> float | None:
        """Its clock minus ours in seconds, by its last answer; None before the first."""
        ...


@runtime_checkable
class TellsRate(Protocol):
    """Ability: the provider's headers tell when its limit is used up."""

    @property
    def unwelcome_s(self) -> float:
        """Seconds for which it wants no more requests; 0.0: none."""
        ...
