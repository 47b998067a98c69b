"""The columns of the page *Files*: title, sort key and text of each cell."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from exai_desktop.core.copies.models import Copy, CopyOrigin, CopyState
from exai_desktop.core.copies.queries import COPY_WORDS, ORIGIN_WORDS, FileSort, days_left
from exai_desktop.core.files.names import plain_text
from exai_desktop.gui.style.tokens import Look, Tone
from exai_desktop.gui.style.wording import clock_text, count_text, exact_size_text, size_text
from exai_desktop.gui.widgets.chip_filter import StateGroup
from exai_desktop.gui.widgets.paged_model import Heading

C = CopyState

# From so many days on the countdown is coloured.
_SOON: Final = 14
_VERY_SOON: Final = 3
_THERE: Final = frozenset({C.PRESENT, C.FOREIGN, C.DELETING})


class FileColumn(IntEnum):
    NAME = 0
    STATE = 1
    SIZE = 2
    ACCOUNT = 3
    STORED = 4
    EXPIRES = 5
    FILE_ID = 6


# In the order of the columns.
HEADINGS: Final = (
    Heading("Name", FileSort.NAME),
    Heading("Status", FileSort.STATE),
    Heading("Size", FileSort.SIZE, is_number=True),
    Heading("Account", FileSort.ACCOUNT),
    Heading("Uploaded", FileSort.STORED),
    Heading("Expires", FileSort.EXPIRES),
    Heading("File ID"),
)

LOOKS: Final[dict[CopyState, Look]] = {
    C.PRESENT: Look(COPY_WORDS[C.PRESENT], "check", Tone.GOOD),
    C.DELETING: Look(COPY_WORDS[C.DELETING], "hourglass", Tone.CARE),
    C.DELETED: Look(COPY_WORDS[C.DELETED], "trash", Tone.NEUTRAL),
    C.MISSING: Look(COPY_WORDS[C.MISSING], "alert", Tone.BAD),
    C.EXPIRED: Look(COPY_WORDS[C.EXPIRED], "clock", Tone.CARE),
    C.FOREIGN: Look(COPY_WORDS[C.FOREIGN], "help", Tone.NEUTRAL),
}


GROUPS: Final[tuple[StateGroup[CopyState], ...]] = (
    StateGroup("All", ()),
    StateGroup(COPY_WORDS[C.PRESENT], (C.PRESENT,)),
    StateGroup(COPY_WORDS[C.FOREIGN], (C.FOREIGN,)),
    StateGroup("Missing or expired", (C.MISSING, C.EXPIRED, C.DELETING)),
)


def state_note(copy: Copy) -> str:
    """What else the row says of its state."""
    if copy.origin is CopyOrigin.IMPORTED:
        return "imported"
    if copy.state is C.PRESENT and copy.verified_at is not None:
        return f"checked {clock_text(copy.verified_at)}"
    return ""


class Countdown(NamedTuple):
    text: str
    date: str
    tone: Tone | None


def countdown(copy: Copy, now: float) -> Countdown:
    """How long the provider keeps it; no tone: nothing to care about."""
    left = days_left(copy.expires_at, now)
    if copy.state not in _THERE:
        return Countdown("", "", None)
    if copy.expires_at is None or left is None:
        return Countdown("never", "", Tone.NEUTRAL)
    if copy.expires_at <= now:
        return Countdown("overdue", clock_text(copy.expires_at), Tone.CARE)
    tone = Tone.BAD if left <= _VERY_SOON else Tone.CARE if left <= _SOON else None
    text = f"in {count_text(left, 'day', 'days')}" if left else "in less than a day"
    return Countdown(text, clock_text(copy.expires_at), tone)


def cell_text(copy: Copy, column: FileColumn, now: float) -> str:
    """What the cell says, in one line: for screen readers, tips and plain styles."""
    match column:
        case FileColumn.NAME:
            return plain_text(copy.remote_name)
        case FileColumn.STATE:
            word, note = LOOKS[copy.state].word, state_note(copy)
            return f"{word}: {note}" if note else word
        case FileColumn.SIZE:
            return size_text(copy.size)
        case FileColumn.ACCOUNT:
            return plain_text(copy.account)
        case FileColumn.STORED:
            return clock_text(copy.recorded_at)
        case FileColumn.EXPIRES:
            return countdown(copy, now).text
    return plain_text(copy.remote_id)


def facts_of(copy: Copy, now: float) -> dict[str, str]:
    """What the details say in pairs of word and value; empty ones are not shown."""
    ends = countdown(copy, now)
    return {
        "Account": plain_text(copy.account),
        "Purpose": plain_text(copy.purpose),
        "Size": exact_size_text(copy.size),
        "Origin": ORIGIN_WORDS[copy.origin],
        "Uploaded": clock_text(copy.recorded_at),
        "Expires": f"{ends.text}, {ends.date}" if ends.date else ends.text,
        "In the queue": f"File no. {copy.job_id}" if copy.job_id else "",
    }
