"""The verbs `setting list|set|reset|set-secret|delete-secret`: see docs/settings.md."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from exai_desktop.cli.jobs.jobs import Json
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import hidden, run_verb
from exai_desktop.cli.settings.files import read_in, write_out
from exai_desktop.core.errors.redact import redact
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.mirror.storage_copies import MEANING
from exai_desktop.core.service import UploadService

if TYPE_CHECKING:  # pydantic takes a third of what `--help` does
    from exai_desktop.core.settings import Settings

app = typer.Typer(help="Settings of the program.", no_args_is_help=True)
app.command("export")(write_out)
app.command("import")(read_in)


def _print(name: str, settings: Settings, fixed: Mapping[str, str], output: Output) -> None:
    """What may contain a password, as a proxy's address from the environment, is masked."""
    if output.as_json:
        from exai_desktop.core.settings.table import setting_info

        value = settings.model_dump(mode="json")[name]
        told = {"name": name, "value": redact(value) if isinstance(value, str) else value}
        info = setting_info(name)
        told |= {"default": info.default, "title": info.title, "section": info.section.value}
        output.json(told | {"fixed_by": fixed.get(name)})
        return
    shown = getattr(settings, name)
    items = shown if isinstance(shown, tuple) else (shown,)
    by = f"  (fixed by {fixed[name]})" if name in fixed else ""
    output.line(f"{name} = {plain_text(redact('; '.join(map(str, items))), 2_000)}{by}")


def _missing(folders: Sequence[str]) -> list[str]:
    # A folder that may not be looked at is none, too: Path.is_dir would raise.
    return [folder for folder in folders if not os.path.isdir(folder)]  # noqa: PTH112 - see above


@app.command("list")
def show(
    ctx: typer.Context,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only those that are not at their default.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List all settings with their saved values."""

    async def verb(service: UploadService, output: Output) -> Exit:
        saved = await service.settings.saved()
        fixed = await service.settings.fixed()
        for name in saved.model_dump(exclude_defaults=changed):
            _print(name, saved, fixed, output)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


@app.command("set")
def put(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A name from `setting list`.", show_default=False)],
    value: Annotated[str, typer.Argument(help="The new value.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Change a setting. Most changes take effect at the next start."""

    _change(ctx, name, value, as_json=as_json)


@app.command()
def reset(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A name from `setting list`.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Give a setting its default value again."""
    _change(ctx, name, None, as_json=as_json)


def _change(ctx: typer.Context, name: str, value: str | None, *, as_json: bool) -> None:
    """None: the default."""

    async def verb(service: UploadService, output: Output) -> Exit:
        changed = await service.settings.change(name, _default(name) if value is None else value)
        fixed = await service.settings.fixed()
        _print(name, changed, fixed, output)
        if name in fixed:
            output.notice(f"{fixed[name]} decides: the saved value has no effect.")
        if name == "allowed_folders":
            for folder in _missing(changed.allowed_folders):
                output.notice(f"There is no folder {folder}.")
        if name == "copy_to_storage" and changed.copy_to_storage:
            output.notice(MEANING)
        if name == "folder_rules":
            for report in await service.settings.rules():
                for warning in report.warnings:
                    output.notice(warning)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


def _default(name: str) -> str:
    """ "" for a name that there is not: the engine says so."""
    from exai_desktop.core.settings import Settings
    from exai_desktop.core.settings.table import value_text

    known = name in Settings.model_fields
    return value_text(name, Settings.model_fields[name].default) if known else ""


Secret = Annotated[str, typer.Argument(help="proxy or redis_url.", show_default=False)]


@app.command("set-secret")
def put_secret(
    ctx: typer.Context,
    name: Secret,
    from_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Save the password of the proxy or the Redis server where the API keys are kept."""
    password = _password(from_stdin=from_stdin)

    async def verb(service: UploadService, output: Output) -> Exit:
        place = await service.settings.set_password(name, password)
        if as_json:
            output.json({"name": name, "saved_for": redact(place)})
        else:
            output.line(f"The password for {plain_text(redact(place))} was saved.")
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


@app.command("delete-secret")
def delete_secret(ctx: typer.Context, name: Secret, as_json: Json = False) -> None:
    """Delete the saved password of the proxy or the Redis server."""

    async def verb(service: UploadService, output: Output) -> Exit:
        was_there = await service.settings.delete_password(name)
        if as_json:
            output.json({"name": name, "deleted": was_there})
        else:
            output.line("The password was deleted." if was_there else "There was no password.")
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


def _password(*, from_stdin: bool) -> str:
    """Never from the command line: other users of the computer can read that."""
    if from_stdin:
        return sys.stdin.readline()
    if sys.stdin.isatty():
        return hidden("Password: ")
    raise typer.BadParameter("there is no terminal to ask for it; use --password-stdin")
