"""The verb `upload`: what is sent, how, and following it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exai_desktop.cli.doors import doors
from exai_desktop.cli.jobs.following import Following
from exai_desktop.cli.jobs.plan import PlanWishes, send_planned, show_plan, wishes_of
from exai_desktop.cli.jobs.sources import STDIN, absolute, all_of, check_name, forget_kept, kept
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import errors_told, run_verb
from exai_desktop.core.files.files import ASKING, accepted_codes, without_person
from exai_desktop.core.jobs.jobs import AddOptions, JobQuery, Origin
from exai_desktop.core.service import UploadService

Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        metavar="|".join(ASKING),
        help="Send the file although it contains this; can be repeated.",
        show_default=False,
    ),
]


def accepted(words: list[str] | None, *, unattended: bool = False) -> tuple[str, ...]:
    """As codes; another word is wrong usage, and so is one that only a person may say."""
    try:
        codes = accepted_codes(words or ())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--accept") from error
    if unattended and without_person(codes) != codes:
        raise typer.BadParameter(
            "secret cannot be accepted in advance with --unattended", param_hint="--accept"
        )
    return codes


def _with_stdin(
    ctx: typer.Context, paths: list[str], name: str | None, *, sandbox: bool, as_json: bool
) -> tuple[list[str], Path]:
    """The paths with a copy of standard input in its place, and the folder of such copies."""
    if STDIN not in paths:
        raise typer.BadParameter("only standard input (-) gets a name", param_hint="--name")
    file_name = check_name(name)
    with errors_told(Output(as_json=as_json)):
        folder, most_bytes = doors(ctx).place_for_stdin(sandbox)
        copy = str(kept(folder, file_name, most_bytes))
    return [copy if path == STDIN else path for path in paths], folder


Paths = Annotated[
    list[str] | None,
    typer.Argument(help="Files and folders to upload; - is standard input.", show_default=False),
]
Name = Annotated[str | None, typer.Option("--name", help="The file name of standard input.")]
FilesFrom = Annotated[
    str | None,
    typer.Option(
        "--files-from",
        metavar="FILE",
        help="Also upload what this file lists, one path per line; - is standard input.",
    ),
]
ByNul = Annotated[
    bool, typer.Option("-0", "--null", help="Each path in the list ends with a NUL character.")
]
Fallback = Annotated[
    bool,
    typer.Option("--allow-fallback", help="Another provider may get files this account refuses."),
]
Unattended = Annotated[
    bool,
    typer.Option("--unattended", help="For scripts: only files in the allowed_folders setting."),
]
Plan = Annotated[
    bool,
    typer.Option("--plan", help="Send nothing; show which files would go where, and the time."),
]


Assign = Annotated[
    list[str] | None,
    typer.Option(
        "--assign",
        metavar="GROUP=ACCOUNT",
        help="Send this group of the plan to this account, or nowhere; * is all. Repeatable.",
    ),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="ACCOUNT",
        help="This account, also of another company, may get files of this upload. Repeatable.",
    ),
]
LeaveOut = Annotated[
    list[str] | None,
    typer.Option("--leave-out", metavar="GROUP", help="Do not send this group. Repeatable."),
]


def _wishes(
    assign: list[str] | None, allow: list[str] | None, leave: list[str] | None, *, unattended: bool
) -> PlanWishes:
    """Raises BadParameter for what is no wish, and for wishes that nobody watches over."""
    try:
        wishes = wishes_of(assign or (), allow or (), leave or ())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if wishes and unattended:
        raise typer.BadParameter("a plan is not changed with --unattended")
    return wishes


def upload(  # noqa: PLR0913, PLR0917 - one for each option of the verb
    ctx: typer.Context,
    paths: Paths = None,
    name: Name = None,
    files_from: FilesFrom = None,
    by_nul: ByNul = False,
    account: Annotated[str | None, typer.Option(help="Account to use.")] = None,
    purpose: Annotated[str | None, typer.Option(help="Purpose at the provider.")] = None,
    allow_fallback: Fallback = False,
    accept: Accept = None,
    unattended: Unattended = False,
    only_plan: Plan = False,
    assign: Assign = None,
    allow: Allow = None,
    leave_out: LeaveOut = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Use the built-in servers.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Upload files and folders, wait for them, print their file IDs."""
    origin = Origin.UNATTENDED if unattended else Origin.CLI
    codes = accepted(accept, unattended=unattended)
    wishes = _wishes(assign, allow, leave_out, unattended=unattended)
    options = AddOptions(account, purpose, allow_fallback, origin, codes)
    wanted = all_of(paths or [], files_from, by_nul=by_nul)
    folder = None
    if STDIN in (paths or []) or name is not None:
        wanted, folder = _with_stdin(ctx, wanted, name, sandbox=sandbox, as_json=as_json)
    absolute_paths = [absolute(path) for path in wanted]

    following: Following | None = None

    async def plan(service: UploadService, output: Output) -> Exit:
        return await show_plan(service, absolute_paths, options, wishes, output)

    if only_plan:
        run_verb(ctx, plan, as_json=as_json, sandbox=sandbox)
        return

    async def begin(service: UploadService) -> int:
        return await send_planned(service, absolute_paths, options, wishes)

    async def verb(service: UploadService, output: Output) -> Exit:
        nonlocal following
        following = following or Following(
            absolute_paths, options, output, begin if wishes else None
        )
        await following.run(service)
        if folder is not None:
            copies = await service.queue.page(JobQuery(search=folder.name, limit=500))
            forget_kept(folder, copies.rows)
        if not output.as_json:
            output.line(following.summary())
        return following.exit

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox, again=True)
