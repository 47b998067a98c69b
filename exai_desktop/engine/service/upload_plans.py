"""What would become of files that are not in the queue: found out while somebody asks."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import (
    AccountError,
    AppError,
    EngineError,
    ErrorView,
    FileError,
)
from exai_desktop.core.jobs.jobs import AddOptions, NewJob, Origin
from exai_desktop.core.jobs.store import JobStore
from exai_desktop.core.planning.draft import Moved, PlanDraft
from exai_desktop.core.planning.plan import (
    ChangedPlan,
    PlanChange,
    PlannedFile,
    PlanPart,
    UploadPlan,
)
from exai_desktop.core.planning.planner import Planner
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.core.routing.folder_rules import FolderRule
from exai_desktop.core.routing.routing import (
    Room,
    Usage,
    Wish,
    candidates,
    check_room,
    place_of,
)
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.accounts.health import Breakers
from exai_desktop.engine.accounts.identity import one_name_each
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.files.folder_places import rules_holding
from exai_desktop.engine.files.open_file import translate
from exai_desktop.engine.files.scanner import CHUNK, Scanner
from exai_desktop.engine.upload.admission import Pace

# How long a plan goes on before it tells how far it is.
MOMENT_S: Final = 0.2
# So many plans may be open; whoever has lost interest does not come back to say so.
MOST_OPEN: Final = 8

OpenBatch = Callable[[AddOptions], Awaitable[int]]


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
    """One walk; it stands still while nobody asks. `is_whole`: it has come to its end, or files
    are not looked for any more."""

    def __init__(
        self,
        planner: Planner | PlanDraft,
        jobs: Iterator[NewJob],
        options: AddOptions,
        rules: tuple[FolderRule, ...],
        accounts: Sequence[Account],
        *,
        by_file: bool,
    ) -> None:
        self.planner = planner
        self.options = options
        self.is_whole = False
        self.is_dropped = False
        self.turn = asyncio.Lock()
        # What the plan was made for.
        self.rules = rules
        self.accounts = {account.name: account for account in accounts}
        self._jobs = jobs
        self._by_file = by_file

    def go_on(self) -> list[PlannedFile]:
        """For a moment, in a thread of its own."""
        files: list[PlannedFile] = []
        ends = time.monotonic() + MOMENT_S
        for job in self._jobs:
            if self.is_whole or self.is_dropped:
                return files
            file = self.planner.add(job, rules_holding(job.path, self.rules))
            if self._by_file:
                files.append(file)
            if time.monotonic() > ends:
                return files
        self.is_whole = True
        return files


class UploadPlans:
    """Plans that were begun and not yet asked for to their end; those that can be changed also
    behind it, until they are sent or dropped."""

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

    async def begin(
        self, paths: Sequence[str], options: AddOptions, *, by_file: bool, editable: bool
    ) -> int:
        """Raises NO_ACCOUNT, UNKNOWN_ACCOUNT, INVALID_PURPOSE as an upload would, and WRONG_STATE
        for one to be changed by nobody."""
        check_options(self.accounts, options)
        if editable and options.origin is Origin.UNATTENDED:
            raise EngineError(ErrorCode.WRONG_STATE, "a plan is changed and sent by a person only")
        settings = self._settings.value
        scanner = Scanner(settings.max_file_bytes, lambda: False)
        jobs = itertools.chain.from_iterable(scanner.walk(list(paths)))
        # As when it is sent: of two names of one account, one.
        accounts, wanted = one_name_each(self.accounts.all(), options.account)
        wish = Wish(wanted, options.purpose, options.allow_fallback or settings.allow_fallback)
        planner: Planner | PlanDraft
        planner = await self._planner(accounts, wish, by_file=by_file)
        if editable:
            planner = PlanDraft(planner, accounts, self.accounts.table, wish)
        rules = tuple(settings.folder_rules)
        number = next(self._numbers)
        self._open[number] = _OpenPlan(planner, jobs, options, rules, accounts, by_file=by_file)
        while len(self._open) > MOST_OPEN:
            self.drop(min(self._open))
        return number

    async def go_on(self, number: int) -> PlanPart:
        """Raises UNKNOWN_PLAN when there is no such plan any more."""
        plan = self._plan(number)
        async with plan.turn:
            files = await asyncio.to_thread(plan.go_on)
            if plan.is_whole and not isinstance(plan.planner, PlanDraft):
                self._open.pop(number, None)
            sums = await self._sums(plan)
        return PlanPart(sums, tuple(files))

    def _plan(self, number: int) -> _OpenPlan:
        plan = self._open.get(number)
        if plan is None:
            raise EngineError(ErrorCode.UNKNOWN_PLAN, str(number))
        return plan

    async def _sums(self, plan: _OpenPlan) -> UploadPlan:
        speed = await self._jobs.line_speed()
        return plan.planner.plan(self._pace.left_s, speed, is_whole=plan.is_whole)

    async def change(self, number: int, change: PlanChange) -> ChangedPlan:
        plan = self._plan(number)
        if change.stop:
            plan.is_whole = True
        async with plan.turn:
            draft = _draft_of(plan)
            moved = Moved(0, ())
            if change.allow is not None:
                moved = await asyncio.to_thread(draft.allow, change.allow)
            if change.move is not None:
                moved = await asyncio.to_thread(draft.move, change.move)
            return ChangedPlan(await self._sums(plan), *moved)

    async def take(self, number: int, open_batch: OpenBatch) -> tuple[int, PlanDraft]:
        """Give the plan away to be sent, once: it is there no more. Raises PLAN_OUTDATED."""
        async with self._plan(number).turn:
            plan = self._plan(number)
            draft = _draft_of(plan)
            await self._check(plan, draft)
            # Consent was given for this plan, and is used up in it.
            options = replace(plan.options, allow_fallback=False, origin=Origin.PLAN)
            batch_id = await open_batch(options)
            self.drop(number)
        return batch_id, draft

    def drop(self, number: int) -> None:
        plan = self._open.pop(number, None)
        if plan is not None:
            plan.is_dropped = True

    async def _check(self, plan: _OpenPlan, draft: PlanDraft) -> None:
        """Whether all that it was made for is still so. What changes later is met by each file."""
        if tuple(self._settings.value.folder_rules) != plan.rules:
            raise EngineError(ErrorCode.PLAN_OUTDATED, "the rules for folders were changed")
        now = {account.name: account for account in self.accounts.all() if account.enabled}
        wanted = list(draft.wanted_rooms())
        used = await self._jobs.room_used([(name.name, purpose) for name, purpose, *_ in wanted])
        for account, purpose, files, _ in wanted:
            name = account.name
            if name not in now or _sends_to(now[name]) != _sends_to(account):
                raise EngineError(ErrorCode.PLAN_OUTDATED, f"the account {name} was changed")
            room = used.get((name, purpose), Usage())
            of_account = [(count, size) for each, _, count, size in wanted if each is account]
            count, size = (sum(column) for column in zip(*of_account, strict=True))
            # As the last of them would find it.
            full = Usage(room.files + count - 1, room.bytes, room.purpose_files + files - 1)
            try:
                check_room(full, size, self.accounts.limits(name, purpose))
            except AppError as error:
                raise EngineError(ErrorCode.PLAN_OUTDATED, f"{name}: {error.detail}") from error

    async def _planner(self, accounts: Sequence[Account], wish: Wish, *, by_file: bool) -> Planner:
        rooms: list[Room] = []
        for account in accounts:
            info = self.accounts.table.of(account)
            for purpose in info.purposes_in(account.region) if info else ():
                rooms.append((account.name, purpose.name))
        return Planner(
            accounts,
            self.accounts.table,
            wish,
            await self._jobs.room_used(rooms),
            self.accounts.limits,
            self._breakers.paused([account.name for account in accounts]),
            by_file=by_file,
        )


def _draft_of(plan: _OpenPlan) -> PlanDraft:
    if not isinstance(plan.planner, PlanDraft):
        raise EngineError(ErrorCode.WRONG_STATE, "this plan was not made to be changed")
    if not plan.is_whole:
        raise EngineError(ErrorCode.WRONG_STATE, "files are still being looked at")
    return plan.planner


def _sends_to(account: Account) -> tuple[object, ...]:
    """What must be as it was when the user saw where files would go."""
    return *place_of(account), account.key_fingerprint, account.purposes


def jobs_now(draft: PlanDraft, stopped: Callable[[], bool]) -> Iterator[list[NewJob]]:
    """The plan's files in pieces, for the queue. One that is not what it was does not go."""
    jobs = draft.jobs()
    while not stopped():
        chunk = [_looked_at(job) for job in itertools.islice(jobs, CHUNK)]
        if not chunk:
            return
        yield chunk


def _looked_at(job: NewJob) -> NewJob:
    """Only names and sizes were judged: more is asked when the file's turn comes."""
    if job.error is not None:
        return job
    error: AppError | None = None
    try:
        size = Path(job.path).stat().st_size
    except OSError as failure:
        error = translate(failure, job.path)
    else:
        if size != job.size:
            then = f"{job.size:,} bytes then, {size:,} bytes now"
            error = FileError(ErrorCode.CHANGED_SINCE_PLAN, then)
            job = replace(job, size=size)
    return job if error is None else replace(job, error=ErrorView.of(error))
