"""The verbs `sync copy`, `sync fetch` and `sync delete-copy`: copies of files in Storage."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from exai_desktop.cli.copy_rows import copy_object, copy_rows, copy_words
from exai_desktop.cli.files.get import find_stored
from exai_desktop.cli.jobs.jobs import Json
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import run_verb
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.mirror.storage_copies import StorageState
from exai_desktop.core.service import UploadService

What = Annotated[
    str,
    typer.Argument(
        help="Number from `list`, name, path or SHA-256 of a file; of files of other devices the"
        " name, file ID or SHA-256.",
        show_default=False,
    ),
]


def copy(
    ctx: typer.Context,
    what: Annotated[
        list[str],
        typer.Argument(
            help="Numbers from `list`, names, paths or SHA-256 of files.", show_default=False
        ),
    ],
    as_json: Json = False,
) -> None:
    """Copy files that were sent to Storage of your project, and wait for it."""

    async def verb(service: UploadService, output: Output) -> Exit:
        jobs = [await _job(service, each, output) for each in what]
        await service.storage.copy(tuple(number for number, _ in jobs))
        await service.storage.copy_now()
        rows = await copy_rows(service, [sha256 for _, sha256 in jobs])
        for row in rows.values():
            if as_json:
                output.json(copy_object(row))
            else:
                output.line(f"{plain_text(row.name or row.sha256)}  {copy_words(row)}")
        is_well = all(row.state is StorageState.COPIED for row in rows.values())
        return Exit.OK if is_well else Exit.SOME_FAILED

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


def fetch(
    ctx: typer.Context,
    what: What,
    out: Annotated[Path, typer.Option("-o", "--out", help="The new file; it must not exist yet.")],
    as_json: Json = False,
) -> None:
    """Get the copy of a file back from your project. It is checked before it is written."""

    async def verb(service: UploadService, output: Output) -> Exit:
        sha256 = await _content(service, what, output)
        size = await service.storage.fetch(sha256, str(out.absolute()))
        if as_json:
            output.json({"file": str(out.absolute()), "bytes": size, "sha256": sha256})
        else:
            output.line(f"{plain_text(str(out))}  {size:,} bytes")
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


def delete_copy(ctx: typer.Context, what: What, as_json: Json = False) -> None:
    """Delete the copy of a file in your project. The file at the provider stays."""

    async def verb(service: UploadService, output: Output) -> Exit:
        sha256 = await _content(service, what, output)
        await service.storage.delete(sha256)
        if as_json:
            output.json({"deleted": sha256})
        else:
            output.line("The copy in your Supabase project was deleted.")
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


async def _job(service: UploadService, what: str, output: Output) -> tuple[int, str]:
    """Number and content of a job that is stored."""
    if re.fullmatch(r"[0-9]{1,12}", what):
        view = (await service.queue.job(int(what))).view
    else:
        view = await find_stored(service, what, output)
    if not view.sha256:
        raise EngineError(ErrorCode.NO_COPY, f"job {view.id} was not sent")
    return view.id, view.sha256


async def _content(service: UploadService, what: str, output: Output) -> str:
    """Also what only another device has sent: by its hash, name or file ID."""
    if re.fullmatch(r"[0-9a-fA-F]{64}", what):
        return what.lower()
    try:
        return (await _job(service, what, output))[1]
    except AppError as error:
        if error.code is not ErrorCode.REMOTE_NOT_FOUND:
            raise
    found = (await service.mirror.other_files(what)).files
    contents = {file.sha256 for file in found if what in (file.name, file.remote_id)}
    if len(contents) > 1:
        raise EngineError(ErrorCode.NO_COPY, f"several files are called {what}: give a file ID")
    if not contents:
        raise EngineError(ErrorCode.NO_COPY, f"no file of your devices is called {what}")
    return contents.pop()
