"""Placing files at accounts one after the other, as long as there is room. Pure.

Only sums are kept. Files of one ending that fall between the same limits of size have one way
through the accounts, so that it is found once; an account that was full for a file is full for
every larger one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.jobs.jobs import NewJob
from exai_desktop.core.planning.plan import PlannedAccount, PlannedFile, UploadPlan
from exai_desktop.core.routing.capabilities import ProviderTable, name_and_ending
from exai_desktop.core.routing.folder_rules import FolderRule, allowed_by, consented_by
from exai_desktop.core.routing.routing import Limits, Room, Route, Usage, Wish, check_room, choose


class _Kind(NamedTuple):
    """What the way of a file depends on: `size_class` is how many limits of size are below it."""

    ending: str
    size_class: int
    rules: tuple[FolderRule, ...]
    full: frozenset[str]


class Placing(NamedTuple):
    """Where a file goes, and what else is known of it. `reason`: why it does not go, as people are
    told first: that the account is full, not that another one would take it."""

    file: PlannedFile
    ending: str
    reason: AppError | ErrorView | None


class Planner:
    """`used`: what lies at each account for each purpose, or is on its way there. `by_file`: the
    errors are read file by file, so that each tells of its own size."""

    def __init__(
        self,
        accounts: Sequence[Account],
        table: ProviderTable,
        wish: Wish,
        used: Mapping[Room, Usage],
        limits: Callable[[str, str], Limits],
        paused: Mapping[str, str],
        *,
        by_file: bool = True,
    ) -> None:
        self._accounts = accounts
        self._table = table
        self._wish = wish
        self._used = dict(used)
        self._of_account: dict[str, list[Room]] = {}
        for room in used:
            self._of_account.setdefault(room[0], []).append(room)
        self._find_limits = limits
        self._limits: dict[Room, Limits] = {}
        self._paused = paused
        self._by_file = by_file
        self._ways: dict[_Kind, Route | AppError] = {}
        # From which size on a room is full.
        self._full_from: dict[Room, int] = {}
        self._sizes = _limits_of_size(accounts, table)
        self._sums: dict[str, tuple[int, int]] = {}
        self._refusals: Counter[str] = Counter()
        self._for_others = 0
        self._fitting = 0

    def add(self, job: NewJob, rules: Sequence[FolderRule] = ()) -> PlannedFile:
        """`rules`: those that hold for its folder."""
        return self.place(job, rules).file

    def place(self, job: NewJob, rules: Sequence[FolderRule] = ()) -> Placing:
        """The same, with what a plan that can be changed has to know of the file."""
        name, ending = name_and_ending(job.path)
        error = job.error
        reason: AppError | ErrorView | None = error
        if error is None:
            way = self._placed(job, name, ending, tuple(rules))
            if isinstance(way, Route):
                self._fitting += 1
                account, purpose = way.account.name, way.purpose.name
                file = PlannedFile(job.path, job.size, account, purpose, way.reason)
                return Placing(file, ending, None)
            error, reason = ErrorView.of(way), _real_reason(way)
            self._for_others += way.code is ErrorCode.CONSENT_NEEDED
        assert reason is not None
        self._refusals[reason.title] += 1
        return Placing(PlannedFile(job.path, job.size, error=error), ending, reason)

    def _placed(
        self, job: NewJob, name: str, ending: str, rules: tuple[FolderRule, ...]
    ) -> Route | AppError:
        """At the first account that takes it and has room for it."""
        size_class = self.size_class(job.size)
        full: dict[str, Room] = {}
        while True:
            kind = _Kind(ending, size_class, rules, frozenset(full))
            way = self._ways.get(kind) or self._find_way(kind, name, job.size, full)
            if isinstance(way, AppError):
                return way
            room = (way.account.name, way.purpose.name)
            if job.size >= self._full_from.get(room, job.size + 1):
                full[room[0]] = room
                continue
            if self.why_full(room, job.size) is not None:
                self._note_full(room, job.size)
                continue
            self.take(room, job.size)
            return way

    def size_class(self, size: int) -> int:
        """Two sizes of one class are taken, or refused, by the same accounts."""
        return bisect_left(self._sizes, size)

    def _find_way(
        self, kind: _Kind, name: str, size: int, full: Mapping[str, Room]
    ) -> Route | AppError:
        try:
            accounts = allowed_by(kind.rules, self._accounts, self._wish.account)
            consent = self._wish.allow_fallback or consented_by(kind.rules)
            wish = replace(self._wish, allow_fallback=consent)
            fallback = AppError(ErrorCode.PROVIDER_FILE_LIMIT)
            refused = {
                account: self.why_full(room, size) or fallback for account, room in full.items()
            }
            way = choose(name, size, wish, accounts, self._table, refused, self._paused)
        except AppError as error:
            tells_a_size = kind.size_class > 0 or any(self._full_from[r] for r in full.values())
            if not (self._by_file and tells_a_size):
                self._ways[kind] = error
            return error
        self._ways[kind] = way
        return way

    def _note_full(self, room: Room, size: int) -> None:
        """Room only becomes less: what is full for a file without a byte is full for all."""
        if self.why_full(room, 0) is not None:
            size = 0
        self._full_from[room] = min(size, self._full_from.get(room, size))

    def why_full(self, room: Room, size: int) -> AppError | None:
        """None: there is room for one more file of this size."""
        try:
            check_room(self._used.get(room, Usage()), size, self._limits_of(room))
        except AppError as error:
            return error
        return None

    def _limits_of(self, room: Room) -> Limits:
        limits = self._limits.get(room)
        if limits is None:
            limits = self._limits[room] = self._find_limits(*room)
        return limits

    def take(self, room: Room, size: int, files: int = 1) -> None:
        """One file more of this size, or one less (-1): behind the last `place` only."""
        account = room[0]
        rooms = self._of_account.setdefault(account, [])
        if room not in self._used:
            rooms.append(room)
        for each in rooms:
            used = self._used.get(each, Usage())
            of_purpose = used.purpose_files + (files if each == room else 0)
            self._used[each] = Usage(used.files + files, used.bytes + size * files, of_purpose)
        count, total = self._sums.get(account, (0, 0))
        self._sums[account] = (count + files, total + size * files)

    def held(self, account: str) -> int:
        """How many files are there, or on their way, with those of this plan."""
        used = (self._used[room].files for room in self._of_account.get(account, ()))
        return max(used, default=0)

    def sums_of(self, account: str, pace_s: Callable[[str, int], float]) -> PlannedAccount:
        """Also of an account that gets nothing."""
        files, total = self._sums.get(account, (0, 0))
        return self._account(account, files, total, pace_s(account, files) if files else 0.0)

    def plan(
        self, pace_s: Callable[[str, int], float], speed: float | None, *, is_whole: bool = True
    ) -> UploadPlan:
        """`pace_s`: seconds until so many more may begin there; `speed` in bytes a second."""
        accounts = tuple(
            self._account(name, files, total, pace_s(name, files))
            for name, (files, total) in self._sums.items()
            if files
        )
        total = sum(account.bytes for account in accounts)
        return UploadPlan(
            self._fitting + self._refusals.total(),
            self._fitting,
            accounts,
            tuple(self._refusals.most_common()),
            total / speed if speed else None,
            is_whole,
            self._for_others,
        )

    def _account(self, name: str, files: int, total: int, pace_s: float) -> PlannedAccount:
        known = self._of_account.get(name, ())
        rooms = [_left(self._used[room], self._limits_of(room)) for room in known]
        files_left = [room for room, _ in rooms if room is not None]
        bytes_left = [room for _, room in rooms if room is not None]
        return PlannedAccount(
            name,
            files,
            total,
            min(files_left, default=None),
            min(bytes_left, default=None),
            pace_s,
        )


def _real_reason(error: AppError) -> AppError:
    """That another company would take a file is not why its own account does not."""
    cause = error.__cause__
    is_about_others = error.code is ErrorCode.CONSENT_NEEDED
    return cause if is_about_others and isinstance(cause, AppError) else error


def _limits_of_size(accounts: Sequence[Account], table: ProviderTable) -> list[int]:
    """All sizes at which the answer of a provider may change."""
    sizes: set[int] = set()
    for account in accounts:
        try:
            provider = table.of(account)
        except AppError:
            continue  # it is refused with each file
        for purpose in provider.purposes if provider else ():
            sizes |= {purpose.max_bytes, *(limit.max_bytes for limit in purpose.limits)}
    return sorted(sizes)


def _left(used: Usage, limits: Limits) -> tuple[int | None, int | None]:
    files = [limit - used.files for limit in (limits.files, limits.own_files) if limit is not None]
    if limits.purpose_files is not None:
        files.append(limits.purpose_files - used.purpose_files)
    sizes = [limit - used.bytes for limit in (limits.bytes, limits.own_bytes) if limit is not None]
    return min(files, default=None), min(sizes, default=None)
