"""The columns of the history: title, sort key and text of each cell."""

from __future__ import annotations

import time
from enum import IntEnum
from typing import Final

from exai_desktop.core.copies.lights import LightKind, light
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.history import HISTORY_WORDS, HistoryKind, HistorySort, PastFile
from exai_desktop.gui.style.tokens import Look, Tone
from exai_desktop.gui.style.wording import count_text, day_text, exact_size_text, size_text
from exai_desktop.gui.widgets.chip_filter import StateGroup
from exai_desktop.gui.widgets.paged_model import Heading

K = HistoryKind


class HistoryColumn(IntEnum):
    NAME = 0
    STATE = 1
    ACCOUNT = 2
    SIZE = 3
    ENDED = 4
    ADDED = 5
    BATCH = 6
    FILE_ID = 7


# In the order of the columns.
HISTORY_HEADINGS: Final = (
    Heading("Name", HistorySort.NAME),
    Heading("ID or reason", HistorySort.STATE),
    Heading("Account", HistorySort.ACCOUNT),
    Heading("Size", HistorySort.SIZE, is_number=True),
    Heading("Ended", HistorySort.ENDED),
    Heading("Added", HistorySort.NUMBER),
    Heading("Batch", HistorySort.BATCH),
    Heading("File ID"),
)

HISTORY_GROUPS: Final[tuple[StateGroup[HistoryKind], ...]] = (
    StateGroup("All", ()),
    StateGroup(HISTORY_WORDS[K.SENT], (K.SENT,)),
    StateGroup(HISTORY_WORDS[K.FAILED], (K.FAILED,)),
    StateGroup(HISTORY_WORDS[K.REFUSED], (K.REFUSED,), hide_when_empty=True),
    StateGroup(HISTORY_WORDS[K.CANCELLED], (K.CANCELLED,), hide_when_empty=True),
    # Shorter than elsewhere: five of them stand in a line of a small window.
    StateGroup("Gone", (K.GONE,), hide_when_empty=True),
)

# The shape tells it; colour only repeats it.
_LIGHTS: Final[dict[LightKind, tuple[str, Tone]]] = {
    LightKind.SEEN: ("light-seen", Tone.GOOD),
    LightKind.NOT_CHECKED: ("light-unchecked", Tone.NEUTRAL),
    LightKind.EXPIRES: ("light-pie", Tone.CARE),
    LightKind.SHARED: ("light-shared", Tone.ACTIVE),
    LightKind.GONE: ("ban", Tone.CARE),
    LightKind.FOREIGN: ("help", Tone.NEUTRAL),
}
_NOT_SENT: Final[dict[HistoryKind, tuple[str, Tone]]] = {
    K.FAILED: ("alert", Tone.BAD),
    K.REFUSED: ("minus", Tone.BAD),
    K.CANCELLED: ("close", Tone.NEUTRAL),
}


def look_of(file: PastFile, now: float) -> Look:
    """Of an id its light; what never got one says so in its first word."""
    facts = file.id_facts
    if facts is None:
        return Look(HISTORY_WORDS[file.kind], *_NOT_SENT[file.kind])
    found = light(facts, now)
    return Look(found.parts[0], *_LIGHTS[found.kind])


def note_of(file: PastFile, now: float) -> str:
    """The rest of what its light says, or why it was not sent."""
    facts = file.id_facts
    if facts is None:
        return plain_text(file.error.title) if file.error else "not sent"
    return ", ".join(light(facts, now).parts[1:])


def batch_text(file: PastFile) -> str:
    return f"{file.batch_id}, {day_text(file.batch_at)}"


def history_text(file: PastFile, column: HistoryColumn) -> str:
    """What the cell says, in one line: for screen readers, tips and plain styles."""
    now = time.time()
    match column:
        case HistoryColumn.NAME:
            return plain_text(file.name)
        case HistoryColumn.STATE:
            if file.id_facts is not None:
                return light(file.id_facts, now).words
            return f"{look_of(file, now).word}: {note_of(file, now)}"
        case HistoryColumn.ACCOUNT:
            return plain_text(file.account or "")
        case HistoryColumn.SIZE:
            return size_text(file.size)
        case HistoryColumn.ENDED:
            return day_text(file.ended_at)
        case HistoryColumn.ADDED:
            return day_text(file.added_at)
    return batch_text(file) if column is HistoryColumn.BATCH else plain_text(file.file_id or "")


def history_facts(file: PastFile) -> dict[str, str]:
    """What the details say in pairs of word and value; empty ones are not shown."""
    cleared = "" if file.cleared_at is None else day_text(file.cleared_at)
    return {
        "Folder": file.folder,
        "Account": plain_text(file.account or ""),
        "Purpose": plain_text(file.purpose or ""),
        "Size": exact_size_text(file.size),
        "Batch": batch_text(file),
        "Added": day_text(file.added_at),
        "Ended": day_text(file.ended_at),
        "Tries": count_text(file.attempts, "try", "tries") if file.attempts else "",
        "Expires": "" if file.expires_at is None else day_text(file.expires_at),
        "In the queue": "" if cleared else f"File no. {file.id}",
        "Cleared": cleared,
    }
