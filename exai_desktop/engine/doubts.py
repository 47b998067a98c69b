"""Whether a file found by name, size and time may still be another one's."""

from __future__ import annotations

from exai_desktop.core.models import JobView, RemoteFile
from exai_desktop.core.names import is_renamed_twin
from exai_desktop.engine import recovery
from exai_desktop.engine.context import Context


async def why_doubtful(ctx: Context, job: JobView, remote: RemoteFile) -> str | None:
    """The reason to ask the user before the file is taken for this job's; None: it is its own."""
    if await recovery.is_doubtful(ctx, job, remote):
        return f"{remote.id} has its name and size, perhaps not its content"
    for lost in await ctx.jobs.given_up(job.account or "", job.size):
        # The provider may have stored it after it was given up: nothing else tells the two apart.
        if lost.sha256 != job.sha256 and is_renamed_twin(lost.sent_name, remote.name):
            return f"{remote.id} could be an earlier file of this name and size, stored late"
    return None
