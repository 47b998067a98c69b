"""What `upload --plan` prints: where files would go, which cannot, and how long it would take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.rows import error_object
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.jobs import AddOptions
from exai_desktop.core.planning.plan import PlannedAccount, PlannedFile, UploadPlan
from exai_desktop.core.service import UploadService


async def show_plan(
    service: UploadService, paths: Sequence[str], options: AddOptions, output: Output
) -> Exit:
    """Each file as soon as it was looked at, then the sums."""
    number = await service.queue.plan(paths, options, by_file=True)
    while True:
        part = await service.queue.planned(number)
        _print_files(part.files, output)
        if part.plan.is_whole:
            break
    _print_plan(part.plan, output)
    return Exit.OK if part.plan.fitting == part.plan.files else Exit.SOME_FAILED


def _print_files(files: Iterable[PlannedFile], output: Output) -> None:
    """With `--json` one object for each file, else a line for each that cannot be sent."""
    for file in files:
        if output.as_json:
            output.json(_file_object(file))
        elif file.error is not None:
            line = f"✗ {plain_text(file.path, 200)}  {file.error.title} ({file.error.code})"
            output.line(f"{line}: {file.error.detail}" if file.error.detail else line)


def _print_plan(plan: UploadPlan, output: Output) -> None:
    """The whole, when all files were printed."""
    if output.as_json:
        output.json({"plan": _whole_object(plan)})
        return
    for account in plan.accounts:
        took = plan.seconds_of(account)
        output.line(_account_line(account) + (f"; about {_span(took)}" if took else ""))
    for title, files in plan.refusals:
        output.line(f"{files:>8,}  {title}")
    if plan.for_others:
        output.line(f"{plan.for_others:,} of these go to another company with --allow-fallback.")
    output.line(f"{plan.fitting} of {plan.files} files can be sent. {_time_line(plan)}")


def _file_object(file: PlannedFile) -> dict[str, Any]:
    return asdict(file) | {"error": error_object(file.error)}


def _whole_object(plan: UploadPlan) -> dict[str, Any]:
    return {
        "files": plan.files,
        "fitting": plan.fitting,
        "bytes": sum(account.bytes for account in plan.accounts),
        "seconds": plan.seconds,
        "line_s": plan.line_s,
        "accounts": [
            asdict(account) | {"seconds": plan.seconds_of(account)} for account in plan.accounts
        ],
        "refusals": [{"title": title, "files": files} for title, files in plan.refusals],
        "for_others": plan.for_others,
    }


def _account_line(account: PlannedAccount) -> str:
    line = f"{account.account}: {account.files:,} files, {account.bytes:,} bytes"
    room = [
        f"{left:,} {unit}"
        for left, unit in ((account.files_left, "files"), (account.bytes_left, "bytes"))
        if left is not None
    ]
    return f"{line}; left afterwards: {', '.join(room)}" if room else line


def _time_line(plan: UploadPlan) -> str:
    """Unknown is said, not guessed."""
    if plan.seconds is None:
        return "The time is not known until a first file was sent."
    why = "the limits of the accounts" if plan.seconds != plan.line_s else "your connection"
    return f"About {_span(plan.seconds)}, because of {why}."


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5_400 else f"{seconds / 3600:.1f} h"
