"""The verbs `setting export|import`: settings of another computer, or of a file of variables."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from exai_desktop.cli.jobs.jobs import Json
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import can_ask, run_verb
from exai_desktop.core.errors.redact import redact
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.service import UploadService

if TYPE_CHECKING:
    from exai_desktop.core.settings import SettingsImport

# No file with settings is larger.
_LARGEST = 1024 * 1024


def write_out(ctx: typer.Context) -> None:
    """Print the changed settings, for `setting import` on another computer.

    Passwords, accounts and folders are not in it.
    """

    async def verb(service: UploadService, output: Output) -> Exit:
        output.write(await service.settings.write_out())
        return Exit.OK

    run_verb(ctx, verb, as_json=False, sandbox=False)


def read_in(
    ctx: typer.Context,
    file: Annotated[
        str,
        typer.Argument(help="A file from `setting export`, or with lines NAME=value; - reads it."),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Change the settings without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Take settings from a file. Shows what would change, and asks first."""
    text = _read(file)

    async def verb(service: UploadService, output: Output) -> Exit:
        report = await service.settings.read_in(text, apply=False)
        if as_json:
            output.json(_as_object(report))
        else:
            _show(report, output)
        if not report.changes:
            return Exit.OK
        # What has just given the file can give no answer.
        may_ask = file != "-" and can_ask()
        if not yes and not (may_ask and typer.confirm("Change these settings?", err=True)):
            output.notice("Nothing was changed. Without a question: --yes")
            return Exit.SOME_FAILED
        await service.settings.read_in(text, apply=True)
        output.notice(f"{len(report.changes)} settings changed.")
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


def _read(file: str) -> str:
    try:
        if file == "-":
            raw = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with open(file, "rb") as stream:  # noqa: PTH123 - the name as it was given
                raw = stream.read(_LARGEST + 1)
        if len(raw) > _LARGEST:
            raise typer.BadParameter("it is too large for a file with settings", param_hint="FILE")
        return raw.decode("utf-8-sig")
    except OSError as error:
        why = f"{plain_text(file)}: {error.strerror}"
        raise typer.BadParameter(why, param_hint="FILE") from error
    except UnicodeDecodeError as error:
        raise typer.BadParameter("it is not a text in UTF-8", param_hint="FILE") from error


def _show(report: SettingsImport, output: Output) -> None:
    for change in report.changes:
        before, after = (plain_text(redact(each)) for each in (change.before, change.after))
        output.line(f"{change.name}: {before or '(empty)'} -> {after or '(empty)'}")
        if change.meaning:
            output.line(f"  {change.meaning}")
    if not report.changes:
        output.line("Nothing would change.")
    if report.left_out:
        output.line(f"Left out ({len(report.left_out)}):")
        for each in report.left_out:
            output.line(f"  {each.name}: {each.reason}")


def _as_object(report: SettingsImport) -> dict[str, object]:
    return {
        "changes": [
            {"name": c.name, "before": redact(c.before), "after": redact(c.after)}
            for c in report.changes
        ],
        "left_out": [{"name": each.name, "reason": each.reason} for each in report.left_out],
    }
