"""The verb `get`: the file ID that is valid now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from exai_desktop.cli.jobs.following import rows_of
from exai_desktop.cli.jobs.jobs import Json, Sandbox
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.rows import job_object
from exai_desktop.cli.session import run_verb
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.jobs import JobQuery, JobState, JobView
from exai_desktop.core.service import UploadService

_STORED: Final = (JobState.DONE, JobState.DUPLICATE)
# So many characters of a hash tell a file apart.
_LEAST_OF_HASH: Final = 8


def get(
    ctx: typer.Context,
    what: Annotated[
        str, typer.Argument(help="Name, path or SHA-256 of a file.", show_default=False)
    ],
    check: Annotated[
        bool, typer.Option("--check", help="Ask the provider first whether the file is there.")
    ] = False,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Print the file ID of an uploaded file. Exit code 1 if no ID works any more."""

    async def verb(service: UploadService, output: Output) -> Exit:
        job = await valid_job(service, what, output, check=check)
        if as_json:
            output.json(job_object(job))
        else:
            output.line(plain_text(job.file_id or ""))
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox, again=True)


async def valid_job(
    service: UploadService, what: str, output: Output, *, check: bool = False
) -> JobView:
    """The entry whose id works now. Raises REMOTE_NOT_FOUND, FILE_GONE."""
    job = await find_stored(service, what, output)
    if check and job.account is not None:
        await service.accounts.reconcile(job.account)
        job = await find_stored(service, what, output)
    if job.file_state is not None:
        detail = job.error.detail if job.error else job.file_id or ""
        raise AppError(ErrorCode.FILE_GONE, f"job {job.id}, {detail}")
    return job


async def find_stored(service: UploadService, what: str, output: Output) -> JobView:
    """The newest that is meant, or an entry of the same content whose id still works."""
    # Paths are found by their last part: what is before it may be written in many ways.
    wanted = Path(what).name or what
    rows = await rows_of(service, JobQuery(states=_STORED, search=wanted))
    meant = [row for row in rows if row.file_id and _is_meant(row, what)]
    if not meant:
        raise AppError(ErrorCode.REMOTE_NOT_FOUND, f"no uploaded file in the list matches {what}")
    newest = max(meant, key=lambda row: row.id)
    if len({row.sha256 for row in meant}) > 1:
        output.notice(f"Several files match; this is the newest: {newest.path}")
    if newest.file_state is None:
        return newest
    # Sent again since, perhaps under another name.
    equal = await rows_of(service, JobQuery(states=_STORED, search=newest.sha256 or ""))
    same = [row for row in equal if _place_and_content(row) == _place_and_content(newest)]
    return max(same, key=lambda row: (row.file_state is None, row.id == newest.id, row.id))


def _place_and_content(job: JobView) -> tuple[str | None, str | None, str | None]:
    return job.account, job.purpose, job.sha256


def _is_meant(job: JobView, what: str) -> bool:
    if job.path == str(Path(what).absolute()) or job.name == what:
        return True
    is_hash = len(what) >= _LEAST_OF_HASH and job.sha256 is not None
    return is_hash and (job.sha256 or "").startswith(what.lower())
