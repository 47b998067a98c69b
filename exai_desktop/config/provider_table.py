"""The table of providers that comes with the program."""

from __future__ import annotations

import tomllib
from functools import cache

from pydantic import ValidationError

from exai_desktop.config.resources import resource_path
from exai_desktop.core.capabilities import ProviderTable
from exai_desktop.core.error_codes import ErrorCode
from exai_desktop.core.errors import EngineError


@cache
def load_provider_table() -> ProviderTable:
    """Raises UNEXPECTED_ERROR for a broken installation."""
    path = resource_path("providers.toml")
    try:
        return ProviderTable.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise EngineError(ErrorCode.UNEXPECTED_ERROR, f"{path.name}: {error}") from error
