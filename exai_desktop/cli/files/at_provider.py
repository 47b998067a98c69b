"""The verbs `delete` and `content`: actions on a file at its provider."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from exai_desktop.cli.jobs.jobs import Json, Sandbox, report
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import run_verb
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.service import UploadService

Jobs = Annotated[
    list[int] | None, typer.Argument(help="Job numbers from `list`.", show_default=False)
]


def delete(
    ctx: typer.Context,
    job_ids: Jobs = None,
    files: Annotated[
        list[int] | None,
        typer.Option("--file", help="File number from `files`.", show_default=False),
    ] = None,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Delete files at the provider. Their entries here stay."""
    if bool(job_ids) == bool(files):
        raise typer.BadParameter("give either job numbers from `list` or --file")

    async def verb(service: UploadService, output: Output) -> Exit:
        wanted = job_ids or files or []
        one: Callable[[int], Awaitable[object]]
        one = service.files.delete_of_job if job_ids else service.files.delete
        deleted, failure = [], None
        for number in wanted:
            try:
                await one(number)
                deleted.append(number)
            except AppError as error:
                failure = error
                output.error(error)
        if failure is None or not as_json:
            return report(output, "deleted", deleted, wanted)
        output.json({"deleted": deleted})
        return Exit.SOME_FAILED

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


def content(
    ctx: typer.Context,
    job_id: Annotated[
        int | None, typer.Argument(help="Job number from `list`.", show_default=False)
    ] = None,
    file: Annotated[
        int | None, typer.Option("--file", help="File number from `files`.", show_default=False)
    ] = None,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Print the text the provider read from a file."""

    if (job_id is None) is (file is None):
        raise typer.BadParameter("give either a job number from `list` or --file")

    async def verb(service: UploadService, output: Output) -> Exit:
        if file is not None:
            text = await service.files.text(file)
        else:
            assert job_id is not None
            text = await service.files.text_of_job(job_id)
        if as_json:
            output.json({"id": job_id if file is None else file, "content": text})
        else:
            output.text(text)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox, again=True)
