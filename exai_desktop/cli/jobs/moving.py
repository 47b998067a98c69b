"""The verb `move`: the order in which files are sent."""

from __future__ import annotations

from typing import Annotated

import typer

from exai_desktop.cli.jobs.jobs import Ids, Json, Sandbox, report
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import run_verb
from exai_desktop.core.jobs.line import LinePlace, Spot
from exai_desktop.core.service import UploadService


def move(  # noqa: PLR0913, PLR0917 - one for each option of the verb
    ctx: typer.Context,
    job_ids: Ids,
    first: Annotated[bool, typer.Option("--first", help="They are sent next.")] = False,
    last: Annotated[bool, typer.Option("--last", help="All others are sent before them.")] = False,
    up: Annotated[bool, typer.Option("--up", help="One place towards the front.")] = False,
    down: Annotated[bool, typer.Option("--down", help="One place towards the end.")] = False,
    before: Annotated[
        int | None, typer.Option("--before", metavar="ID", help="In front of this file.")
    ] = None,
    after: Annotated[
        int | None, typer.Option("--after", metavar="ID", help="Behind this file.")
    ] = None,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Change the order of sending: files that wait go first, last, or beside another one.

    Several files keep their order. `list --line` shows it. What is being sent goes on."""
    flags = {Spot.FIRST: first, Spot.LAST: last, Spot.UP: up, Spot.DOWN: down}
    wanted = [LinePlace(spot) for spot, is_wanted in flags.items() if is_wanted]
    for spot, beside in ((Spot.BEFORE, before), (Spot.AFTER, after)):
        if beside is not None:
            wanted.append(LinePlace(spot, beside))
    if len(wanted) != 1:
        raise typer.BadParameter(
            "give one of --first, --last, --up, --down, --before ID and --after ID"
        )

    async def verb(service: UploadService, output: Output) -> Exit:
        moved = await service.queue.reorder(job_ids, wanted[0])
        return report(output, "moved", sorted(moved), job_ids)

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)
