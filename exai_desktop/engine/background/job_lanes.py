"""The lanes and the stages that serve them, from the first start to the end of each account."""

from __future__ import annotations

from dataclasses import dataclass

from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.background.runner import Runner
from exai_desktop.engine.reconciliation.restart import Restart
from exai_desktop.engine.scheduling.scheduler import Scheduler
from exai_desktop.engine.upload.admission import Admission
from exai_desktop.engine.upload.delivery import Delivery
from exai_desktop.engine.upload.prepare import Preparation
from exai_desktop.engine.upload.stored_copies import Confirmation


@dataclass(slots=True)
class JobLanes:
    runner: Runner
    scheduler: Scheduler
    accounts: Accounts
    admission: Admission
    preparation: Preparation
    delivery: Delivery
    confirmation: Confirmation
    restart: Restart
    is_restored: bool = False

    def start(self) -> None:
        self.runner.serve_lane(self.scheduler.prepare, self.preparation.prepare)
        for account in self.accounts.all():
            self.serve(account.name)
            self.admission.steer_lane(account.name)

    def serve(self, account: str) -> None:
        """From now on its files are sent."""
        lane = self.accounts.lane(account)
        assert lane is not None
        self.runner.serve_lane(lane, self.delivery.send)

    async def restore(self) -> None:
        """Take up what an earlier run, or a failure of the database, left between two states."""
        is_start = not self.is_restored
        await self.restart.take_up(self.runner.busy, self._confirm, is_start=is_start)
        self.is_restored = True

    def _confirm(self, job_id: int) -> None:
        self.runner.run_job(job_id, self.confirmation.confirm_again, all_left=True)
