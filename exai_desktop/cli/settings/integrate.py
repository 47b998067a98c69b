"""The verb `integrate file-managers`: entries in the menus of the file managers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from exai_desktop.cli.doors import doors
from exai_desktop.cli.jobs.jobs import Json
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import errors_told

app = typer.Typer(help="Entries in the menus of the file managers: upload what is selected there.")


@app.callback()
def _root() -> None:
    """Else a single verb would take the place of the group."""


@app.command("file-managers")
def file_managers(
    ctx: typer.Context,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the entries again.")] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Change nothing: show what is there.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Add an entry to each file manager that is installed, for you alone.

    Entries of other programs stay as they are. Thunar's former file is kept beside the new one."""
    if remove and show:
        raise typer.BadParameter("give either --remove or --show")
    change = "remove" if remove else "look" if show else "install"
    output = Output(as_json=as_json)
    with errors_told(output):
        found = doors(ctx).file_managers(change)
    for entry in found:
        if as_json:
            output.json(asdict(entry) | {"change": change})
            continue
        word = {"remove": "removed from", "install": "added to"}.get(change, "in")
        if show:
            word = "in" if entry.is_set else "not in" if entry.is_there else "not installed:"
        output.line(f"{word.capitalize()} {entry.name}: {entry.path}")
    if not found:
        words = "No entry was there." if remove else "No file manager that is known was found."
        output.notice(words)
        raise typer.Exit(int(Exit.OK if remove else Exit.SOME_FAILED))
