"""Plans as window and command line ask for them: looked at, changed, and sent as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from exai_desktop.core.jobs.jobs import AddOptions
from exai_desktop.core.planning.plan import ChangedPlan, PlanChange, PlanPart


class PlanService(Protocol):
    """A part of `QueueService`."""

    async def plan(
        self,
        paths: Sequence[str],
        options: AddOptions,
        *,
        by_file: bool = False,
        editable: bool = False,
    ) -> int:
        """Begin to find out what would become of these files and folders; returns the number to
        ask `planned` with. Nothing is queued, read or sent. `by_file`: with each file. `editable`:
        when it is whole it can be changed and sent, until it is dropped."""

    async def planned(self, number: int) -> PlanPart:
        """Go on for a moment, and tell how far the plan has come. Raises UNKNOWN_PLAN behind the
        last part, which is whole, and when many other plans were begun since."""

    async def change_plan(self, number: int, change: PlanChange) -> ChangedPlan:
        """Raises PLAN_MOVE_REFUSED when no file of a move may go there, UNKNOWN_ACCOUNT, and
        WRONG_STATE for a change of a plan that is not whole yet."""

    async def send_plan(self, number: int) -> int:
        """Take the files into the queue as the plan says; returns the batch id at once.

        Each goes to its account or to none; what stays is there with its reason. Raises
        PLAN_OUTDATED when accounts, room or rules are not what they were: then nothing is added,
        and the plan is still there.
        """

    async def drop_plan(self, number: int) -> None:
        """Forget it, also while files are looked at."""
