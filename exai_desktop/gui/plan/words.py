"""What a plan says: counts, room, times, reasons."""

from __future__ import annotations

import time
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.files.files import can_be_accepted
from exai_desktop.core.planning.kinds import FileKind
from exai_desktop.core.planning.plan import (
    ChangedPlan,
    LeftGroup,
    PlanLane,
    PlannedGroup,
    UploadPlan,
)
from exai_desktop.gui.style.wording import clock_text, count_text, duration_text, size_text

ICONS: Final = {
    FileKind.DOCUMENTS: "file-text",
    FileKind.TABLES: "file-table",
    FileKind.SLIDES: "file-slides",
    FileKind.PICTURES: "file-image",
    FileKind.VIDEOS: "file-video",
    FileKind.SOUNDS: "file-sound",
    FileKind.CODE: "file-code",
    FileKind.OTHERS: "file",
}
# Of several reasons why files were not moved so many are named.
_NAMED: Final = 3


def files_text(files: int) -> str:
    return count_text(files, "file", "files")


def title_of(plan: UploadPlan) -> str:
    total = f"{files_text(plan.files)}, {size_text(plan.bytes)}"
    if plan.is_whole:
        return f"Plan for {total}"
    return f"Counting: {files_text(plan.files)} so far, {size_text(plan.bytes)}"


def note_of(plan: UploadPlan) -> str:
    if plan.is_whole:
        return (
            "By names and sizes: contents are judged when a file's turn comes, and what is there"
            " already is not sent again."
        )
    where = f"Reading {plan.reading}. " if plan.reading else ""
    return f"{where}The numbers below grow while folders are read. Nothing is sent yet."


def lane_count(lane: PlanLane) -> str:
    if lane.sums.files or lane.is_allowed:
        return f"{files_text(lane.sums.files)}, {size_text(lane.sums.bytes)}"
    return f"could take {files_text(lane.could_take)}"


def limit_of(lane: PlanLane) -> int | None:
    """How many files may lie there; None: nobody knows a limit."""
    left = lane.sums.files_left
    return None if left is None else lane.held + lane.sums.files + left


def room_text(lane: PlanLane, *, is_whole: bool = True) -> str:
    """What is there, and what room is left afterwards."""
    now = f"{lane.held:,} held" if lane.held else "Empty now"
    left, size = lane.sums.files_left, lane.sums.bytes_left
    if left is None and size is None:
        return f"{now}, no limit known"
    rest = [] if left is None else [files_text(left)]
    rest += [] if size is None else [size_text(size)]
    if left == 0 or (size is not None and size <= 0):
        return f"{now}, full afterwards"
    when = "afterwards" if is_whole else "so far"
    return f"{now}, room for {' or '.join(rest)} {when}"


def finish_text(plan: UploadPlan, lane: PlanLane) -> str:
    """When the lane is done; what is unknown is said, not guessed."""
    if not lane.sums.files:
        return ""
    seconds = plan.seconds_of(lane.sums)
    if not seconds:
        return "Time not known before a first file was sent"
    if not plan.is_whole:
        return f"{duration_text(seconds)} so far"
    return f"Done about {clock_text(time.time() + seconds)[:-3]} ({duration_text(seconds)})"


def group_text(group: PlannedGroup) -> str:
    word = group.kind.value if group.files != 1 else group.kind.value.removesuffix("s")
    return f"{group.files:,} {word}"


def endings_text(group: PlannedGroup) -> str:
    return ", ".join(group.endings)


def sum_text(plan: UploadPlan) -> str:
    """How many go, and until when."""
    if not plan.is_whole:
        return f"{plan.fitting:,} go now, as far as counted"
    if not plan.fitting:
        return "No file goes now"
    seconds = plan.seconds
    until = f", done about {clock_text(time.time() + seconds)[:-3]}" if seconds else ""
    return f"{plan.fitting:,} {'goes' if plan.fitting == 1 else 'go'} now{until}"


def rest_text(plan: UploadPlan) -> str:
    rest = plan.files - plan.fitting
    if not rest:
        return ""
    return f"{rest:,} {'stays' if rest == 1 else 'stay'} in the queue, one group for each reason"


def move_text(answer: ChangedPlan, target: str | None) -> str:
    """What came of a move or a permission."""
    where = "stay in the queue" if target is None else f"go to {target} now"
    if answer.moved == 1:
        where = where.replace("stay ", "stays ").replace("go ", "goes ")
    said = f"{files_text(answer.moved)} {where}."
    if answer.kept:
        total = sum(files for _, files in answer.kept)
        why = "; ".join(title for title, _ in answer.kept[:_NAMED])
        said += f" {total:,} could not be moved: {why}."
    return said


def section_of(group: LeftGroup) -> str:
    """The heading under which it stands."""
    if group.code == ErrorCode.LEFT_OUT:
        return "Left out by you"
    if can_be_accepted(group.code):
        return "Waits for your word"
    return "Does not fit" if group.can_move else "Refused"


SECTIONS: Final = ("Does not fit", "Waits for your word", "Refused", "Left out by you")
_SECTION_NOTES: Final = {
    "Waits for your word": "You are asked in the queue, for each group.",
    "Refused": "Another account would not help.",
}


def section_note(section: str) -> str:
    return _SECTION_NOTES.get(section, "")
