"""What would become of files that are not in the queue: found out while somebody asks."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from typing import Final

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError, EngineError
from exai_desktop.core.jobs.jobs import AddOptions, NewJob
from exai_desktop.core.jobs.store import JobStore
from exai_desktop.core.planning.plan import PlannedFile, PlanPart
from exai_desktop.core.planning.planner import Planner
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.core.routing.folder_rules import FolderRule
from exai_desktop.core.routing.routing import Room, Wish, candidates
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.accounts.health import Breakers
from exai_desktop.engine.accounts.identity import one_name_each
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.files.folder_places import rules_holding
from exai_desktop.engine.files.scanner import Scanner
from exai_desktop.engine.upload.admission import Pace

# How long a plan goes on before it tells how far it is.
MOMENT_S: Final = 0.2
# So many plans may be open; whoever has lost interest does not come back to say so.
MOST_OPEN: Final = 8


def check_options(accounts: Accounts, options: AddOptions) -> None:
    """Refuse a drop that cannot work for any file. Raises NO_ACCOUNT, UNKNOWN_ACCOUNT,
    INVALID_PURPOSE."""
    wish = Wish(options.account, options.purpose, options.allow_fallback)
    first, *others = candidates(wish, accounts.all())
    if options.purpose is None:
        return
    refusals: list[AppError] = []
    for account in [first] if options.account else [first, *others]:
        try:
            _check_purpose(accounts.table, account, options.purpose)
        except AppError as error:
            refusals.append(error)
        else:
            return
    raise refusals[0]


def _check_purpose(table: ProviderTable, account: Account, purpose: str) -> None:
    info = table.of(account)
    if info is None:
        raise AccountError(ErrorCode.INVALID_ACCOUNT, f"unknown provider {account.provider}")
    info.purpose(account.region, purpose)


class _OpenPlan:
    """One walk; it stands still while nobody asks. `is_whole`: it has come to its end."""

    def __init__(
        self,
        planner: Planner,
        jobs: Iterator[NewJob],
        rules: Sequence[FolderRule],
        *,
        by_file: bool,
    ) -> None:
        self.planner = planner
        self.is_whole = False
        self.turn = asyncio.Lock()
        self._jobs = jobs
        self._rules = rules
        self._by_file = by_file

    def go_on(self) -> list[PlannedFile]:
        """For a moment, in a thread of its own."""
        files: list[PlannedFile] = []
        ends = time.monotonic() + MOMENT_S
        for job in self._jobs:
            file = self.planner.add(job, rules_holding(job.path, self._rules))
            if self._by_file:
                files.append(file)
            if time.monotonic() > ends:
                return files
        self.is_whole = True
        return files


class UploadPlans:
    """Plans that were begun and not yet asked for to their end."""

    def __init__(
        self,
        accounts: Accounts,
        breakers: Breakers,
        jobs: JobStore,
        pace: Pace,
        settings: CurrentSettings,
    ) -> None:
        self.accounts = accounts
        self._breakers = breakers
        self._jobs = jobs
        self._pace = pace
        self._settings = settings
        self._numbers = itertools.count(1)
        self._open: dict[int, _OpenPlan] = {}

    async def begin(self, paths: Sequence[str], options: AddOptions, *, by_file: bool) -> int:
        """Raises NO_ACCOUNT, UNKNOWN_ACCOUNT, INVALID_PURPOSE as an upload would."""
        check_options(self.accounts, options)
        settings = self._settings.value
        scanner = Scanner(settings.max_file_bytes, lambda: False)
        jobs = itertools.chain.from_iterable(scanner.walk(list(paths)))
        planner = await self._planner(options, by_file=by_file)
        number = next(self._numbers)
        self._open[number] = _OpenPlan(planner, jobs, settings.folder_rules, by_file=by_file)
        while len(self._open) > MOST_OPEN:
            del self._open[min(self._open)]
        return number

    async def go_on(self, number: int) -> PlanPart:
        """Raises WRONG_STATE when there is no such plan any more."""
        plan = self._open.get(number)
        if plan is None:
            raise EngineError(ErrorCode.WRONG_STATE, f"there is no plan {number} any more")
        async with plan.turn:
            files = await asyncio.to_thread(plan.go_on)
            if plan.is_whole:
                self._open.pop(number, None)
            speed = await self._jobs.line_speed()
            sums = plan.planner.plan(self._pace.left_s, speed, is_whole=plan.is_whole)
        return PlanPart(sums, tuple(files))

    async def _planner(self, options: AddOptions, *, by_file: bool) -> Planner:
        # As when it is sent: of two names of one account, one.
        accounts, wanted = one_name_each(self.accounts.all(), options.account)
        rooms: list[Room] = []
        for account in accounts:
            info = self.accounts.table.of(account)
            for purpose in info.purposes_in(account.region) if info else ():
                rooms.append((account.name, purpose.name))
        used = await self._jobs.room_used(rooms)
        consent = options.allow_fallback or self._settings.value.allow_fallback
        return Planner(
            accounts,
            self.accounts.table,
            Wish(wanted, options.purpose, consent),
            used,
            self.accounts.limits,
            self._breakers.paused([account.name for account in accounts]),
            by_file=by_file,
        )
