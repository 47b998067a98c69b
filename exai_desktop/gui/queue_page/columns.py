"""The columns of the queue: title, sort key and text of each cell."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from exai_desktop.core.events import Progressed
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.jobs import JobState, JobView, SortKey
from exai_desktop.gui.queue_page.state_look import look_of, second_line
from exai_desktop.gui.style.wording import size_text
from exai_desktop.gui.widgets.paged_model import Heading


class Column(IntEnum):
    NAME = 0
    STATE = 1
    SIZE = 2
    ACCOUNT = 3
    RESULT = 4


# In the order of the columns.
HEADINGS: Final = (
    Heading("Name", SortKey.NAME),
    Heading("Status", SortKey.STATE),
    Heading("Size", SortKey.SIZE, is_number=True),
    Heading("Account", SortKey.ACCOUNT),
    Heading("File ID"),
)


def result_text(job: JobView) -> str:
    """The id at the provider; for a duplicate the one that was there already."""
    return plain_text(job.file_id) if job.file_id else ""


def account_text(job: JobView) -> str:
    """The account that was chosen, or the one the user asked for."""
    return plain_text(job.account or job.wanted_account or "")


def cell_text(job: JobView, column: Column, progress: Progressed | None) -> str:
    """What the cell says, in one line: for screen readers, tips and plain styles."""
    match column:
        case Column.NAME:
            return plain_text(job.name)
        case Column.STATE:
            word, more = look_of(job, progress).word, plain_text(second_line(job, progress))
            return f"{word}: {more}" if more else word
        case Column.SIZE:
            return size_text(job.size)
        case Column.ACCOUNT:
            return account_text(job)
    return result_text(job)


def tip_text(job: JobView, column: Column, progress: Progressed | None) -> str:
    """The whole of what a narrow column cuts off."""
    if column is Column.NAME:
        return job.path
    if column is Column.STATE and job.error is not None:
        return f"{job.error.title}. {job.error.hint}"
    if column is Column.RESULT and job.file_state is not None:
        return f"{result_text(job)} (no longer works)"
    if column is Column.RESULT and job.state is JobState.DUPLICATE:
        return f"{result_text(job)} (already uploaded)"
    return cell_text(job, column, progress)
