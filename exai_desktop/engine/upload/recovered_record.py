"""After a recovery the record may lack files that were sent: nothing is sent in ignorance of it.

Two means. The lists of all accounts are taken into the record as foreign copies. And a job
whose list is not yet there, or holds a file that could be this one, becomes uncertain instead
of being sent: `engine.reconciliation` then settles it by the list, like any lost answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.files.names import is_renamed_twin
from exai_desktop.core.jobs.jobs import FORGOTTEN, Attempt, JobDetail, JobView, RoutedJob
from exai_desktop.core.jobs.recovery import RecoveryLog
from exai_desktop.core.jobs.store import JobStore
from exai_desktop.core.settings import CurrentSettings

# The clock that wrote the record may have been wrong by a day, and a time zone.
CLOCK_DOUBT_S: Final = 26 * 3_600.0

_NS: Final = 1e9


@dataclass(frozen=True, slots=True)
class Doubt:
    """The job may have been sent before; `copies` are the foreign ones it could be."""

    copies: tuple[int, ...] = ()


def forgotten(attempt: Attempt, at: float) -> Attempt:
    """The attempt as it goes on record: begun, and ended before a byte left."""
    return Attempt(
        attempt.number,
        attempt.transport,
        attempt.sent_name,
        attempt.size,
        attempt.sha256,
        attempt.started_at,
        ended_at=at,
        outcome=FORGOTTEN,
    )


@dataclass(frozen=True, slots=True)
class RecoveredRecord:
    """`recovery` None: there is none, as in a test or beside a database that is only read."""

    recovery: RecoveryLog | None
    jobs: JobStore
    settings: CurrentSettings

    async def doubt(self, job: RoutedJob) -> Doubt | None:
        """Whether the provider's list must be asked before this job is sent."""
        recovery = self.recovery
        if recovery is None:
            return None
        since = await recovery.since()
        if since is None:
            return None
        detail = await self.jobs.detail(job.id)
        if detail is not None and any(a.outcome == FORGOTTEN for a in detail.attempts):
            return None  # it was looked for
        if await recovery.not_compared(job.account, job.purpose) is not None:
            return Doubt()
        found = tuple(
            # A file that was written since can hardly be the one: that is asked once, not daily.
            copy.id
            for copy in await recovery.foreign(job.account, job.purpose, job.size)
            if copy.recorded_at >= since - CLOCK_DOUBT_S
            and is_renamed_twin(job.sent_name, copy.remote_name)
            and (copy.verified_at is None or not self._is_newer(job, copy.recorded_at))
        )
        return Doubt(found) if found else None

    async def asked(self, doubted: Doubt, at: float) -> None:
        """The job was held up because of these."""
        if self.recovery is not None and doubted.copies:
            await self.recovery.asked(doubted.copies, at)

    async def began(self, detail: JobDetail) -> float:
        """When the sending began that the list is asked for."""
        if not detail.attempts:
            return detail.view.updated_at
        last = detail.attempts[-1]
        if last.outcome == FORGOTTEN and self.recovery is not None:
            since = await self.recovery.since()
            if since is not None:
                return since - CLOCK_DOUBT_S
        return last.started_at

    async def why_doubtful(self, job: RoutedJob, remote: RemoteFile) -> str | None:
        """The reason to ask the user before the file is taken for this job's; None: it is its own.

        Found by name, size and time alone, it may still be another one's.
        """
        if await self._is_doubtful(job, remote):
            return f"{remote.id} has the same name and size, but perhaps other content"
        for lost in await self.jobs.given_up(job.account, job.size):
            # The provider may have stored it after it was given up: nothing else tells the two
            # apart.
            if lost.sha256 != job.sha256 and is_renamed_twin(lost.sent_name, remote.name):
                return f"{remote.id} may be an earlier file with the same name and size"
        return None

    async def _is_doubtful(self, job: RoutedJob, remote: RemoteFile) -> bool:
        """Only after a recovery: otherwise the job is known to have been under way when it
        appeared."""
        detail = await self.jobs.detail(job.id)
        if self.recovery is None or detail is None or not detail.attempts:
            return False
        if detail.attempts[-1].outcome != FORGOTTEN:
            return False
        if self._is_newer(job, remote.created_at):
            return True
        return await self.recovery.has_look_alike(job.id, job.name, job.size, job.sha256)

    def _is_newer(self, job: JobView, stored_at: float) -> bool:
        """Whether the file has changed since something was stored."""
        return (job.mtime_ns or 0) / _NS > stored_at + self.settings.value.clock_skew_s
