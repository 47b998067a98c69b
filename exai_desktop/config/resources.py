"""The files that come with the program: icons, style, tables, samples."""

from __future__ import annotations

import sys
import tomllib
from functools import cache
from pathlib import Path

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.routing.capabilities import ProviderTable, table_of


def resource_path(*parts: str) -> Path:
    """A file or folder under `resources`, whether installed, frozen or run from the source."""
    return _root().joinpath(*parts)


@cache
def _root() -> Path:
    frozen = getattr(sys, "_MEIPASS", None)
    if frozen is not None:
        return Path(frozen) / "resources"
    package = Path(__file__).resolve().parent.parent
    packed = package / "resources"
    return packed if packed.is_dir() else package.parent / "resources"


@cache
def load_provider_table() -> ProviderTable:
    """Raises UNEXPECTED_ERROR for a broken installation."""
    path = resource_path("providers.toml")
    try:
        return table_of(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise EngineError(ErrorCode.UNEXPECTED_ERROR, f"{path.name}: {error}") from error
