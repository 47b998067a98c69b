"""The verb `settle`: the user's answer where the provider's list could not give one."""

from __future__ import annotations

from typing import Annotated

import typer

from exai_desktop.cli.exits import Exit
from exai_desktop.cli.jobs import Json, Sandbox
from exai_desktop.cli.output import Output
from exai_desktop.cli.session import run_verb
from exai_desktop.core.service import UploadService


def settle(
    ctx: typer.Context,
    job_id: Annotated[int, typer.Argument(help="Number from `list`.", show_default=False)],
    use: Annotated[
        str | None,
        typer.Option("--use", help="The id of the file at the provider.", show_default=False),
    ] = None,
    send_again: Annotated[
        bool, typer.Option("--send-again", help="It is not there: send it again.")
    ] = False,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Decide on a file that needs review: use the file at the provider, or send it again."""
    if (use is None) is not send_again:
        raise typer.BadParameter("give either --use FILE_ID or --send-again")

    async def verb(service: UploadService, output: Output) -> Exit:
        await service.settle(job_id, use)
        output.job((await service.job(job_id)).view)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)
