"""What `upload --plan` prints: where files would go, which cannot, and how long it would take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.rows import error_object
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.jobs import AddOptions, Origin
from exai_desktop.core.planning.kinds import FileKind, kind_named
from exai_desktop.core.planning.plan import (
    ChangedPlan,
    PlanChange,
    PlanMove,
    PlannedAccount,
    PlannedFile,
    UploadPlan,
)
from exai_desktop.core.service import UploadService

# In place of a group: all files.
ALL: Final = "*"


@dataclass(frozen=True, slots=True)
class PlanWishes:
    """What is wanted otherwise than the plan would have it."""

    allowed: tuple[str, ...] = ()
    moves: tuple[PlanMove, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.allowed or self.moves)

    def changes(self) -> list[PlanChange]:
        """Permissions first: moves may need them."""
        allowed = [PlanChange(allow=name) for name in self.allowed]
        return allowed + [PlanChange(move=move) for move in self.moves]


def wishes_of(
    assigned: Sequence[str], allowed: Sequence[str], left_out: Sequence[str]
) -> PlanWishes:
    """From the words of the command line. Raises ValueError with what is wrong."""
    moves = []
    for text in assigned:
        group, equals, account = text.partition("=")
        if not equals or not account.strip():
            raise ValueError(f"{text!r} is not GROUP=ACCOUNT")
        moves.append(PlanMove(account.strip(), kinds=_kinds(group)))
    moves += [PlanMove(None, kinds=_kinds(group)) for group in left_out]
    return PlanWishes(tuple(allowed), tuple(moves))


def _kinds(word: str) -> tuple[FileKind, ...]:
    return () if word.strip() == ALL else (kind_named(word),)


async def show_plan(
    service: UploadService,
    paths: Sequence[str],
    options: AddOptions,
    wishes: PlanWishes,
    output: Output,
) -> Exit:
    """Each file as soon as it was looked at, then the sums; with wishes the sums alone."""
    editable = options.origin is not Origin.UNATTENDED
    number, plan = await _looked_at(service, paths, options, wishes, output, editable=editable)
    changes = await _changed(service, number, wishes)
    if editable:
        await service.queue.drop_plan(number)
    plan = changes[-1].plan if changes else plan
    _print_plan(plan, changes, wishes, output)
    return Exit.OK if plan.fitting == plan.files else Exit.SOME_FAILED


async def _looked_at(
    service: UploadService,
    paths: Sequence[str],
    options: AddOptions,
    wishes: PlanWishes,
    output: Output | None,
    *,
    editable: bool,
) -> tuple[int, UploadPlan]:
    by_file = output is not None and not wishes
    number = await service.queue.plan(paths, options, by_file=by_file, editable=editable)
    while True:
        part = await service.queue.planned(number)
        if output is not None:
            _print_files(part.files, output)
        if part.plan.is_whole:
            return number, part.plan


async def _changed(service: UploadService, number: int, wishes: PlanWishes) -> list[ChangedPlan]:
    return [await service.queue.change_plan(number, change) for change in wishes.changes()]


async def send_planned(
    service: UploadService, paths: Sequence[str], options: AddOptions, wishes: PlanWishes
) -> int:
    """Take the files into the queue as the changed plan says; returns the batch."""
    number, _ = await _looked_at(service, paths, options, wishes, None, editable=True)
    await _changed(service, number, wishes)
    return await service.queue.send_plan(number)


def _print_files(files: Iterable[PlannedFile], output: Output) -> None:
    """With `--json` one object for each file, else a line for each that cannot be sent."""
    for file in files:
        if output.as_json:
            output.json(_file_object(file))
        elif file.error is not None:
            line = f"✗ {plain_text(file.path, 200)}  {file.error.title} ({file.error.code})"
            output.line(f"{line}: {file.error.detail}" if file.error.detail else line)


def _print_plan(
    plan: UploadPlan, changes: Sequence[ChangedPlan], wishes: PlanWishes, output: Output
) -> None:
    """The whole, when all files were printed."""
    if output.as_json:
        made = [_change_object(*each) for each in zip(wishes.changes(), changes, strict=True)]
        output.json({"plan": _whole_object(plan) | {"changes": made}})
        return
    for change, changed in zip(wishes.changes(), changes, strict=True):
        for title, files in changed.kept:
            output.line(f"{files:>8,}  not moved to {_target(change)}: {title}")
    for account in plan.accounts:
        took = plan.seconds_of(account)
        output.line(_account_line(account) + (f"; about {_span(took)}" if took else ""))
        _print_groups(plan, account.account, output)
    for lane in plan.lanes:
        if not lane.is_allowed and lane.could_take:
            take = f"{lane.could_take:,} more files with --allow {plain_text(lane.name)}"
            output.line(f"{plain_text(lane.name)}: could take {take}")
    for title, files in plan.refusals:
        output.line(f"{files:>8,}  {title}")
    if plan.for_others:
        output.line(f"{plan.for_others:,} of these go to another company with --allow-fallback.")
    output.line(f"{plan.fitting} of {plan.files} files can be sent. {_time_line(plan)}")


def _print_groups(plan: UploadPlan, account: str, output: Output) -> None:
    for lane in plan.lanes:
        for group in lane.groups if lane.name == account else ():
            output.line(f"{group.files:>8,}  {group.kind.value}: {', '.join(group.endings)}")


def _target(change: PlanChange) -> str:
    account = change.allow if change.move is None else change.move.target
    return "the files that are left out" if account is None else plain_text(account)


def _change_object(change: PlanChange, changed: ChangedPlan) -> dict[str, Any]:
    move = change.move
    return {
        "allowed": change.allow,
        "account": None if move is None else move.target,
        "groups": [] if move is None else [kind.value for kind in move.kinds],
        "moved": changed.moved,
        "kept": [{"title": title, "files": files} for title, files in changed.kept],
    }


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
        "lanes": [asdict(lane) for lane in plan.lanes],
        "left": [asdict(group) for group in plan.left],
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
