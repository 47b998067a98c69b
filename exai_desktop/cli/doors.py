"""What the verbs may open: told by the entry, so that no verb knows how an engine is made."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

    from exai_desktop.core.service import UploadService

    OpenService = Callable[[bool], AbstractAsyncContextManager[UploadService]]


@dataclass(frozen=True, slots=True)
class Doors:
    """`cli.main` fills it from `bootstrap`."""

    # The argument: against the built-in sandbox.
    open_service: OpenService
    serve_sandbox: Callable[..., None]


def doors(ctx: typer.Context) -> Doors:
    """Those of this run of the command line."""
    found = ctx.find_root().obj
    assert isinstance(found, Doors)
    return found
