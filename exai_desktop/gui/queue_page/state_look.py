"""How each state is shown: word, icon and tone. Never by colour alone."""

from __future__ import annotations

from typing import Final

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.events import Progressed
from exai_desktop.core.jobs.jobs import JobState, JobView
from exai_desktop.core.jobs.words import STATE_WORDS, is_skipped, state_word
from exai_desktop.gui.style.tokens import Look, Tone
from exai_desktop.gui.style.wording import clock_text, eta_text, percent, size_text, speed_text
from exai_desktop.gui.widgets.chip_filter import StateGroup

S = JobState


LOOKS: Final[dict[JobState, Look]] = {
    S.QUEUED: Look(STATE_WORDS[S.QUEUED], "clock", Tone.NEUTRAL),
    S.CHECKING: Look(STATE_WORDS[S.CHECKING], "search", Tone.ACTIVE),
    S.HASHING: Look(STATE_WORDS[S.HASHING], "hash", Tone.ACTIVE),
    S.WAITING: Look(STATE_WORDS[S.WAITING], "hourglass", Tone.NEUTRAL),
    S.SENDING: Look(STATE_WORDS[S.SENDING], "arrow-up", Tone.ACTIVE),
    S.CONFIRMING: Look(STATE_WORDS[S.CONFIRMING], "cloud", Tone.ACTIVE),
    S.DONE: Look(STATE_WORDS[S.DONE], "check", Tone.GOOD),
    S.DUPLICATE: Look(STATE_WORDS[S.DUPLICATE], "copies", Tone.GOOD),
    S.REFUSED: Look(STATE_WORDS[S.REFUSED], "ban", Tone.BAD),
    S.HELD: Look(STATE_WORDS[S.HELD], "pause", Tone.CARE),
    S.UNCERTAIN: Look(STATE_WORDS[S.UNCERTAIN], "cloud-search", Tone.CARE),
    S.NEEDS_REVIEW: Look(STATE_WORDS[S.NEEDS_REVIEW], "help", Tone.CARE),
    S.FAILED: Look(STATE_WORDS[S.FAILED], "alert", Tone.BAD),
    S.CANCELLED: Look(STATE_WORDS[S.CANCELLED], "minus", Tone.NEUTRAL),
}


# A stored job whose file is not there any more: never green.
_GONE_LOOKS: Final[dict[CopyState, tuple[str, Tone]]] = {
    CopyState.DELETING: ("hourglass", Tone.CARE),
    CopyState.DELETED: ("trash", Tone.CARE),
    CopyState.MISSING: ("alert", Tone.BAD),
    CopyState.EXPIRED: ("clock", Tone.CARE),
}

DONE: Final = StateGroup("Done", (S.DONE, S.DUPLICATE))
ATTENTION: Final = StateGroup("Needs attention", (S.NEEDS_REVIEW, S.HELD, S.FAILED, S.REFUSED))

GROUPS: Final[tuple[StateGroup[JobState], ...]] = (
    StateGroup("All", ()),
    StateGroup(
        "Active",
        (S.QUEUED, S.CHECKING, S.HASHING, S.WAITING, S.SENDING, S.CONFIRMING, S.UNCERTAIN),
    ),
    DONE,
    ATTENTION,
    StateGroup("Cancelled", (S.CANCELLED,), hide_when_empty=True),
)


def is_all_sent(progress: Progressed | None) -> bool:
    """The last byte left, but the provider has not answered yet."""
    return progress is not None and progress.phase == "sending" and progress.done >= progress.total


def look_of(job: JobView, progress: Progressed | None = None) -> Look:
    """Word, icon and tone of a job now."""
    if job.state is S.SENDING and is_all_sent(progress):
        return LOOKS[S.CONFIRMING]
    word = state_word(job)
    if job.file_state is not None:
        icon, tone = _GONE_LOOKS.get(job.file_state, ("alert", Tone.BAD))
        return Look(word, icon, tone)
    if is_skipped(job) or (job.cancel_requested and not job.state.is_final):
        return Look(word, LOOKS[S.CANCELLED].icon, Tone.NEUTRAL)
    if job.state is S.WAITING and job.error:
        return Look(word, LOOKS[S.WAITING].icon, Tone.CARE)
    return LOOKS[job.state]._replace(word=word)


def moving(job: JobView, progress: Progressed | None) -> Progressed | None:
    """The progress to draw as a bar: only while bytes of this phase are being counted."""
    if progress is None or is_all_sent(progress) or job.state not in (S.SENDING, S.HASHING):
        return None
    return progress if progress.phase == job.state.value else None


def speed_and_eta(progress: Progressed) -> str:
    """`3.1 MB/s · 12 s left`."""
    if progress.phase != "sending":
        return ""
    parts = (speed_text(progress.speed), eta_text(progress.eta_s))
    return " · ".join(part for part in parts if part)


def progress_text(progress: Progressed) -> str:
    """`42 % · 3.1 MB/s · 12 s left`."""
    figures = speed_and_eta(progress)
    share = f"{percent(progress.done, progress.total)} %"
    return f"{share} · {figures}" if figures else share


def second_line(job: JobView, progress: Progressed | None = None) -> str:
    """What else the row says of its state: figures, the reason for waiting, or the error."""
    bar = moving(job, progress)
    if bar is not None:
        return progress_text(bar)
    if job.error is not None:
        if job.state is S.WAITING and job.not_before:
            return f"Retry at {clock_text(job.not_before)}: {job.error.title}"
        return job.error.title
    if job.state is S.WAITING and job.wait_reason:
        return job.wait_reason
    if job.state is S.WAITING and job.not_before:
        return f"Until {clock_text(job.not_before)}"
    if job.state is S.SENDING:
        return f"{size_text(job.size)} sent" if is_all_sent(progress) else "Connecting"
    return ""
