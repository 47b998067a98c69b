"""The verb `upload`: add, wait, one line per file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from exai_desktop.cli.jobs.following import Following
from exai_desktop.cli.jobs.plan import print_plan
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import run_verb
from exai_desktop.core.files.checks import ASKING, accepted_codes
from exai_desktop.core.jobs.models import AddOptions, Origin
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.service import UploadService

_GOOD: Final = frozenset({JobState.DONE, JobState.DUPLICATE})


def upload(  # noqa: PLR0913, PLR0917 - one for each option of the verb
    ctx: typer.Context,
    paths: Annotated[
        list[str], typer.Argument(help="Files and folders to upload.", show_default=False)
    ],
    account: Annotated[str | None, typer.Option(help="Account to use.")] = None,
    purpose: Annotated[str | None, typer.Option(help="Purpose at the provider.")] = None,
    allow_fallback: Annotated[
        bool,
        typer.Option(
            "--allow-fallback", help="Another provider may get files this account refuses."
        ),
    ] = False,
    accept: Accept = None,
    unattended: Annotated[
        bool,
        typer.Option(
            "--unattended", help="For scripts: only files in the allowed_folders setting."
        ),
    ] = False,
    only_plan: Annotated[
        bool,
        typer.Option("--plan", help="Send nothing; show which files would go where, and the time."),
    ] = False,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Use the built-in servers.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Upload files and folders, wait for them, print their file IDs."""
    origin = Origin.UNATTENDED if unattended else Origin.CLI
    options = AddOptions(account, purpose, allow_fallback, origin, accepted(accept))
    # Only the folder one is in is added, as the engine may run elsewhere. The shell has replaced
    # `~`, variables and patterns: what is left of them is part of a name.
    # An empty one (an unset variable) stays empty: it must not mean the folder one is in.
    absolute = [str(Path(path).absolute()) if path else "" for path in paths]

    following: Following | None = None

    async def plan(service: UploadService, output: Output) -> Exit:
        found = await service.queue.plan(absolute, options)
        print_plan(found, output)
        return Exit.OK if found.fitting == len(found.files) else Exit.SOME_FAILED

    if only_plan:
        run_verb(ctx, plan, as_json=as_json, sandbox=sandbox)
        return

    async def verb(service: UploadService, output: Output) -> Exit:
        nonlocal following
        following = following or Following(absolute, options, output)
        await following.run(service)
        good = [state in _GOOD for state in following.outcomes.values()]
        if not output.as_json:
            output.line(f"{sum(good)} of {len(good)} files are uploaded.")
        return Exit.OK if all(good) else Exit.SOME_FAILED

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox, again=True)


Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        metavar="|".join(ASKING),
        help="Send the file although it contains this; can be repeated.",
        show_default=False,
    ),
]


def accepted(words: list[str] | None) -> tuple[str, ...]:
    """As codes; another word is wrong usage."""
    try:
        return accepted_codes(words or ())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--accept") from error
