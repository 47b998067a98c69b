"""What the details say of a job in pairs of word and value."""

from __future__ import annotations

from typing import Final

from exai_desktop.core.capabilities import ProviderTable
from exai_desktop.core.models import Copy, JobView
from exai_desktop.core.states import CopyState
from exai_desktop.gui.wording import clock_text, exact_size_text

_WORDS: Final[dict[CopyState, str]] = {
    CopyState.PRESENT: "stored",
    CopyState.DELETING: "being deleted",
    CopyState.DELETED: "deleted",
    CopyState.MISSING: "no longer there",
    CopyState.EXPIRED: "expired",
    CopyState.FOREIGN: "not from this program",
}


def facts_of(job: JobView, table: ProviderTable) -> dict[str, str]:
    """Empty values are not shown."""
    provider = table.provider(job.provider) if job.provider else None
    names = {p.name: p.title for p in provider.purposes} if provider else {}
    purpose = f"{names[job.purpose]} ({job.purpose})" if job.purpose in names else job.purpose
    return {
        "Account": job.account or job.wanted_account or "",
        "Provider": provider.title if provider else job.provider or "",
        "Purpose": purpose or "",
        "Route": job.route_reason or "",
        "Size": exact_size_text(job.size),
        # Known a moment later, with the history.
        "At provider": "",
        "Last seen": "",
        "Malware": "",
        "Sent as": job.sent_name if job.sent_name and job.sent_name != job.name else "",
        "Same as": f"file no. {job.twin_of}" if job.twin_of else "",
    }


def copy_text_of(copy: Copy) -> str:
    """What became of the file at the provider."""
    word = _WORDS[copy.state]
    if copy.state is CopyState.PRESENT and not copy.usable:
        return f"{word}, but the provider could not read it"
    if copy.state is CopyState.PRESENT and copy.expires_at is not None:
        return f"{word} until {clock_text(copy.expires_at)}"
    return word
