"""What is asked before files are sent in spite of what was found in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from exai_desktop.core.models import JobView
from exai_desktop.gui.wording import count_text


def consent_question(jobs: Sequence[JobView]) -> tuple[str, str, str]:
    """Title, text and the word on the button."""
    only = jobs[0] if len(jobs) == 1 else None
    title = f"Send {'this file' if only else count_text(len(jobs), 'file', 'files')} anyway?"
    errors = [job.error for job in jobs if job.error is not None]
    if only:
        detail = f" ({errors[0].detail})" if errors[0].detail else ""
        found = f"{only.name}: {errors[0].title}{detail}."
    else:
        counts = Counter(error.title for error in errors)
        found = "; ".join(f"{title}: {count:,}" for title, count in counts.items()) + "."
    after = "Your consent is noted; it ends when the content changes."
    return title, f"{found} {after}", "Send anyway"


def by_objection(jobs: Sequence[JobView]) -> dict[str, list[int]]:
    """code → the jobs it was found in."""
    found: dict[str, list[int]] = {}
    for job in jobs:
        if job.error is not None:
            found.setdefault(job.error.code, []).append(job.id)
    return found
