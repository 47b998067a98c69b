"""The verbs `rule set|list|remove`: which providers may have the files below a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from exai_desktop.cli.jobs.jobs import Json
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import run_verb
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.service import UploadService

if TYPE_CHECKING:  # pydantic takes a third of what `--help` does
    from exai_desktop.core.settings import RuleReport

app = typer.Typer(help="Rules for folders: which providers may get their files.")

_WIDEST: Final = 4_000

Folder = Annotated[str, typer.Argument(help="The folder.", show_default=False)]


def _absolute(folder: str) -> str:
    """As the shell has given it; an empty one must not mean the folder one is in."""
    if not folder:
        raise typer.BadParameter("the name of the folder is empty", param_hint="FOLDER")
    return str(Path(folder).absolute())


def print_rule(report: RuleReport, output: Output) -> None:
    """The rule, and on standard error what one should know of it."""
    rule = report.rule
    if output.as_json:
        output.json(
            {"folder": rule.folder, "places": rule.places, "allow_fallback": rule.allow_fallback}
        )
    else:
        output.line(plain_text(str(rule), _WIDEST))
    for warning in report.warnings:
        output.notice(warning)


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
    absolute = _absolute(folder)

    async def verb(service: UploadService, output: Output) -> Exit:
        print_rule(
            await service.settings.set_rule(absolute, places, allow_fallback=allow_fallback), output
        )
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


@app.command("list")
def show(ctx: typer.Context, as_json: Json = False) -> None:
    """List the rules."""

    async def verb(service: UploadService, output: Output) -> Exit:
        found = await service.settings.rules()
        for report in found:
            print_rule(report, output)
        if not found and not as_json:
            output.line("No rules: files may go to any of your accounts.")
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


@app.command()
def remove(ctx: typer.Context, folder: Folder, as_json: Json = False) -> None:
    """Remove the rule for this folder."""
    absolute = _absolute(folder)

    async def verb(service: UploadService, output: Output) -> Exit:
        if await service.settings.remove_rule(absolute):
            return Exit.OK
        output.notice(f"There is no rule for {absolute}.")
        return Exit.SOME_FAILED

    run_verb(ctx, verb, as_json=as_json, sandbox=False)
