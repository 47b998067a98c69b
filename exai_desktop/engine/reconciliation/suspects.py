"""Jobs whose bytes may be at a provider, held against the provider's list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from exai_desktop.core.copies.models import CopyOrigin, RemoteFile
from exai_desktop.core.copies.store import CopyStore
from exai_desktop.core.jobs.jobs import FORGOTTEN, JobState
from exai_desktop.core.jobs.store import JobStore
from exai_desktop.core.machine import Clock
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.reconciliation.list_matching import MatchResult, Suspect, plan
from exai_desktop.engine.upload.sent_before import ELSEWHERE, RecoveredRecord

S = JobState

# Their own answer may still come.
UNDER_WAY: Final = (S.SENDING, S.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class Suspects:
    jobs: JobStore
    copies: CopyStore
    recovered: RecoveredRecord
    settings: CurrentSettings
    clock: Clock

    async def by_list(self, job_ids: Iterable[int]) -> dict[tuple[str, str], list[Suspect]]:
        """Those of these jobs that are still uncertain, by account and purpose."""
        found: dict[tuple[str, str], list[Suspect]] = {}
        for job_id in sorted(job_ids):
            suspect = await self._suspect(job_id)
            if suspect is not None and suspect.job.state is S.UNCERTAIN:
                key = (suspect.job.account or "", suspect.job.purpose or "")
                found.setdefault(key, []).append(suspect)
        return found

    async def not_due(
        self, names: Sequence[str], purpose: str, due: Sequence[Suspect]
    ) -> list[Suspect]:
        """Of the same list: those that are still given time to turn up."""
        taken = {suspect.job.id for suspect in due}
        found = await self._of_account(names, [S.UNCERTAIN])
        return [s for s in found if s.job.id not in taken and s.job.purpose == purpose]

    async def findings(
        self,
        names: Sequence[str],
        suspects: Sequence[Suspect],
        listed: Sequence[RemoteFile],
        clock_offset_s: float | None,
    ) -> list[MatchResult]:
        """What the list says of each.

        `names`: all those of the account. `clock_offset_s`: the provider's clock minus ours.
        """
        dated = [await self._dated(suspect, clock_offset_s) for suspect in suspects]
        copies = [copy for name in names for copy in await self.copies.of_account(name)]
        # One found or imported is nobody's: it may be the one that is looked for.
        known = {copy.remote_id for copy in copies if copy.origin is CopyOrigin.SENT}
        known |= await self._claimed_ids(names)
        unknown = [remote for remote in listed if remote.id not in known]
        due = {suspect.job.id for suspect in dated}
        others = [s for s in await self._of_account(names, UNDER_WAY) if s.job.id not in due]
        under_way = [await self._dated(suspect, clock_offset_s) for suspect in others]
        return plan(dated, unknown, self.settings.value.clock_skew_s, under_way)

    async def _of_account(
        self, names: Sequence[str], in_states: Sequence[JobState]
    ) -> list[Suspect]:
        rows = await self.jobs.ids(in_states)
        found = [await self._suspect(job_id) for job_id, name in rows if name in names]
        return [suspect for suspect in found if suspect is not None]

    async def _suspect(self, job_id: int) -> Suspect | None:
        detail = await self.jobs.detail(job_id)
        if detail is None:
            return None
        return Suspect(detail.view, await self.recovered.began(detail))

    async def _dated(self, suspect: Suspect, clock_offset_s: float | None) -> Suspect:
        """By the provider's clock. Ours was wrong if it seems to have begun after the list.

        Before the first answer since the start nobody knows: ours may have been set since.
        """
        detail = await self.jobs.detail(suspect.job.id)
        last = detail.attempts[-1] if detail and detail.attempts else None
        then = last.clock_offset_s if last else None
        now_s = clock_offset_s or 0.0
        began_at = suspect.started_at + (now_s if then is None else then)
        listed_at = self.clock.now() + now_s
        was_sent_here = last is not None and last.outcome not in (FORGOTTEN, ELSEWHERE)
        return Suspect(
            suspect.job,
            began_at,
            time_is_doubtful=began_at > listed_at + 1,
            time_is_unproven=was_sent_here and then is None and clock_offset_s is not None,
        )

    async def _claimed_ids(self, names: Sequence[str]) -> set[str]:
        """Ids that jobs hold which have their answer but not their record yet."""
        confirming = await self.jobs.ids([S.CONFIRMING])
        views = [await self.jobs.get(i) for i, name in confirming if name in names]
        return {view.file_id for view in views if view is not None and view.file_id}
