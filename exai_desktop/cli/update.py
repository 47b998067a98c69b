"""The verb `update`: which version this is, how it came here, and whether there is a newer one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Final

import typer

from exai_desktop.cli.jobs.jobs import Json
from exai_desktop.cli.output import Exit, Output, when
from exai_desktop.cli.session import run_verb
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.machine import UpdateStatus
from exai_desktop.core.service import UploadService

_INSTALLED: Final = {
    "deb": "by a package for Debian",
    "rpm": "by a package (rpm)",
    "archive": "by install.sh, for you alone",
    "appimage": "as an AppImage",
    "python": "by a tool of Python",
}


def update(
    ctx: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Ask where the project publishes its releases.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show this version, and with --check whether there is a newer one. Installs nothing."""

    async def verb(service: UploadService, output: Output) -> Exit:
        status = await (service.updates.check() if check else service.updates.status())
        if as_json:
            output.json(asdict(status) | {"way": status.way})
        else:
            for line in _lines(status, asked=check):
                output.line(plain_text(line, len(line)))
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


def _lines(status: UpdateStatus, *, asked: bool) -> list[str]:
    how = _INSTALLED.get(status.installed_by, "in a way that is not known")
    lines = [f"EXAI Desktop {status.version}, installed {how}."]
    if status.replaced_by:
        lines.append(
            f"Version {status.replaced_by} is installed. The open window is still"
            f" {status.version}: quit it and start it again."
        )
    if status.newest:
        lines += [f"Version {status.newest} is published: {status.page}", status.way]
        lines += status.notes.splitlines()
    elif status.checked_at is not None:
        lines.append(f"No newer version is known, as of {when(status.checked_at)}.")
    elif status.is_by_system:
        lines.append(status.way)
    if not asked and status.why_not:
        lines.append(f"Nobody is asked about newer versions: {status.why_not}.")
    return lines
