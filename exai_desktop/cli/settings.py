"""The verbs `setting list|set`: see docs/settings.md."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from exai_desktop.cli.jobs.jobs import Json
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import run_verb
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.service import UploadService

app = typer.Typer(help="Settings of the program.", no_args_is_help=True)


def _print(name: str, value: Any, output: Output) -> None:
    if output.as_json:
        output.json({"name": name, "value": value})
        return
    lines = value if isinstance(value, list) else [value]
    output.line(f"{name} = {plain_text('; '.join(map(str, lines)), 2_000)}")


@app.command("list")
def show(ctx: typer.Context, as_json: Json = False) -> None:
    """List all settings with their saved values."""

    async def verb(service: UploadService, output: Output) -> Exit:
        for name, value in (await service.settings.saved()).model_dump(mode="json").items():
            _print(name, value, output)
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

    async def verb(service: UploadService, output: Output) -> Exit:
        changed = await service.settings.change(name, value)
        _print(name, changed.model_dump(mode="json")[name], output)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)
