"""The verbs `delete` and `content`: actions on a file at its provider."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import typer

from exai_desktop.cli.copy_rows import copy_objects, told_if_left
from exai_desktop.cli.jobs.following import rows_of
from exai_desktop.cli.jobs.jobs import Json, Sandbox, report
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import meanwhile, run_verb
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.jobs import JobQuery
from exai_desktop.core.service import UploadService

Jobs = Annotated[
    list[int] | None, typer.Argument(help="Job numbers from `list`.", show_default=False)
]


# So many of the files that share an id are named before one asks.
_NAMED: Final = 3


def delete(
    ctx: typer.Context,
    job_ids: Jobs = None,
    files: Annotated[
        list[int] | None,
        typer.Option("--file", help="File number from `files`.", show_default=False),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask, also if several files share an ID.")
    ] = False,
    with_copy: Annotated[
        bool, typer.Option("--with-copy", help="Also delete the copies in your Supabase project.")
    ] = False,
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
                if not yes:
                    await ask_if_shared(service, number, set(wanted), is_job=bool(job_ids))
                await one(number)
                deleted.append(number)
            except AppError as error:
                failure = error
                output.error(error)
        hashes = [await _content(service, each, is_job=bool(job_ids)) for each in deleted]
        copies = await copy_objects(service, hashes)
        if with_copy:
            for sha256 in copies:
                await service.storage.delete(sha256)
        else:
            told_if_left(copies, output)
        if failure is None or not as_json:
            return report(output, "deleted", deleted, wanted)
        output.json({"deleted": deleted})
        return Exit.SOME_FAILED

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


async def _content(service: UploadService, number: int, *, is_job: bool) -> str | None:
    if is_job:
        return (await service.queue.job(number)).view.sha256
    return (await service.files.file(number)).copy.sha256


async def ask_if_shared(
    service: UploadService, number: int, wanted: set[int], *, is_job: bool
) -> None:
    """Equal files have one ID: who deletes one should know of the others.

    Raises FILE_SHARED without a terminal to ask, or when the answer is no.
    """
    if is_job:
        job = (await service.queue.job(number)).view
        account, file_id = job.account, job.file_id
    else:
        copy = (await service.files.file(number)).copy
        account, file_id = copy.account, copy.remote_id
    if not account or not file_id:
        return
    sharing = await rows_of(service, JobQuery(file=(account, file_id)))
    is_known = {job.id for job in sharing} <= wanted if is_job else len(sharing) <= 1
    if is_known or len(sharing) <= 1:
        return
    names = [plain_text(job.name) for job in sharing[:_NAMED]]
    names += [f"{len(sharing) - _NAMED:,} more"] if len(sharing) > _NAMED else []
    what = f"{len(sharing):,} files in the list share {plain_text(file_id)}: {', '.join(names)}"
    if not sys.stdin.isatty() or not await _answer(f"{what}. Delete it for all of them?"):
        raise EngineError(ErrorCode.FILE_SHARED, what)


async def _answer(question: str) -> bool:
    def ask() -> bool:
        try:
            return typer.confirm(question, err=True)
        except typer.Abort:
            return False

    return await meanwhile(ask)


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
