"""Verbs about the built-in test servers: serve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exai_desktop.cli.doors import doors

app = typer.Typer()


@app.callback()
def _sandbox() -> None:
    """Test servers on this computer that behave like Kimi and GLM."""


@app.command()
def serve(
    ctx: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any free port.")] = 0,
    store: Annotated[
        Path | None, typer.Option(help="Folder for the stored files.", show_default=False)
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A limit or delay.", show_default=False),
    ] = None,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="Exit when standard input is closed.")
    ] = False,
) -> None:
    """Run until interrupted. Prints addresses, keys and the control token as JSON."""
    limits: dict[str, str] = {}
    for item in set_ or ():
        name, equals, value = item.partition("=")
        if not equals:
            raise typer.BadParameter(f"{item!r} is not NAME=VALUE")
        limits[name] = value
    doors(ctx).serve_sandbox(port, store, limits, with_parent)
