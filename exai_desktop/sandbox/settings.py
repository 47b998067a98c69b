"""What can be set: limits and delays per flavour, at start and while running."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from exai_desktop.sandbox.flavours import FLAVOURS, FlavourName

MEBIBYTE = 1024 * 1024
DAY_S = 86_400


class Limits(BaseModel):
    """Limits and delays of one flavour; None means the provider's documented value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parse_s: float = Field(default=0.0, ge=0)
    answer_delay_s: float = Field(default=0.0, ge=0)
    max_file_bytes: int = Field(default=100 * MEBIBYTE, ge=1)
    max_files: int | None = Field(default=None, ge=0)
    max_total_bytes: int = Field(default=10 * 1024 * MEBIBYTE, ge=0)
    rpm: int = Field(default=0, ge=0)
    concurrency: int = Field(default=0, ge=0)
    no_balance: bool = False
    no_permission: bool = False
    retention_s: float | None = Field(default=None, ge=0)
    ready_word: Literal["ok", "ready"] = "ok"


class SandboxSettings(Limits):
    """Settings of a whole sandbox: limits, exceptions by flavour, and its place."""

    store: Path | None = None
    control_token: str | None = None
    seed: int | None = None
    flavours: dict[FlavourName, dict[str, Any]] = Field(default_factory=dict)


class LiveSettings:
    """The limits in force, changed through the control endpoints."""

    def __init__(self, initial: SandboxSettings) -> None:
        self._initial = initial
        self._limits: dict[str, Limits] = {}
        self.restore()

    def restore(self) -> None:
        """Back to what the sandbox was started with."""
        shared = self._initial.model_dump(include=set(Limits.model_fields))
        for flavour in FLAVOURS:
            own = self._initial.flavours.get(flavour.name, {})
            self._limits[flavour.name] = Limits.model_validate({**shared, **own})

    def of(self, flavour: str) -> Limits:
        """The limits of one flavour now."""
        return self._limits[flavour]

    def change(self, values: Mapping[str, Any], flavour: str | None) -> None:
        """Change one flavour or all; nothing changes when a value is refused."""
        names = [flavour] if flavour else list(self._limits)
        changed = {
            name: Limits.model_validate({**self._limits[name].model_dump(), **values})
            for name in names
        }
        self._limits.update(changed)

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """All limits in force, by flavour."""
        return {name: limits.model_dump() for name, limits in self._limits.items()}
