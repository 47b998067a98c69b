"""The verbs `rule set|list|remove`: which providers may have the files below a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exai_desktop.cli.jobs.jobs import Json
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import run_verb
from exai_desktop.core.routing.folder_rules import FolderRule, rule_of
from exai_desktop.core.service import UploadService

app = typer.Typer(help="Rules for folders: which providers may get their files.")

Folder = Annotated[Path, typer.Argument(help="The folder.", show_default=False)]


async def _save(service: UploadService, rules: list[FolderRule]) -> None:
    await service.settings.change("folder_rules", "\n".join(map(str, rules)))


def _print(rule: FolderRule, output: Output) -> None:
    if output.as_json:
        output.json(
            {"folder": rule.folder, "places": rule.places, "allow_fallback": rule.allow_fallback}
        )
    else:
        output.line(str(rule))


@app.command("set")
def put(
    ctx: typer.Context,
    folder: Folder,
    places: Annotated[
        list[str], typer.Argument(help="kimi, glm/zai, kimi/cn, or * for any.", show_default=False)
    ],
    allow_fallback: Annotated[
        bool, typer.Option("--allow-fallback", help="The app may choose among them without asking.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Send files in this folder only to these providers and regions."""
    absolute = str(folder.expanduser().absolute())
    behind = " +fallback" if allow_fallback else ""
    try:
        rule = rule_of(f"{absolute} = {', '.join(places)}{behind}")
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error

    async def verb(service: UploadService, output: Output) -> Exit:
        others = [r for r in (await service.settings.saved()).rules if r.folder != rule.folder]
        await _save(service, [*others, rule])
        _print(rule, output)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


@app.command("list")
def show(ctx: typer.Context, as_json: Json = False) -> None:
    """List the rules."""

    async def verb(service: UploadService, output: Output) -> Exit:
        found = (await service.settings.saved()).rules
        for rule in found:
            _print(rule, output)
        if not found and not as_json:
            output.line("No rules: files may go to any of your accounts.")
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


@app.command()
def remove(ctx: typer.Context, folder: Folder, as_json: Json = False) -> None:
    """Remove the rule for this folder."""
    absolute = str(folder.expanduser().absolute())

    async def verb(service: UploadService, output: Output) -> Exit:
        rules = (await service.settings.saved()).rules
        left = [rule for rule in rules if rule.folder != absolute]
        if len(left) == len(rules):
            output.notice(f"There is no rule for {absolute}.")
            return Exit.SOME_FAILED
        await _save(service, left)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)
