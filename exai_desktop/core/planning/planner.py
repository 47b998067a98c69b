"""Placing files at accounts one after the other, as long as there is room. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.files.names import sent_name
from exai_desktop.core.jobs.jobs import NewJob
from exai_desktop.core.planning.plan import PlannedAccount, PlannedFile, UploadPlan
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.core.routing.folder_rules import FolderRule, allowed_by, rule_for
from exai_desktop.core.routing.routing import Limits, Usage, Wish, check_room, choose


class Planner:
    """`used`: what lies at each account for each purpose, or is on its way there."""

    def __init__(
        self,
        accounts: Sequence[Account],
        table: ProviderTable,
        wish: Wish,
        used: Mapping[tuple[str, str], Usage],
        limits: Callable[[str, str], Limits],
        paused: Mapping[str, str],
        rules: Sequence[FolderRule] = (),
    ) -> None:
        self._accounts = accounts
        self._table = table
        self._wish = wish
        self._used = dict(used)
        self._limits = limits
        self._paused = paused
        self._rules = rules
        self._files: list[PlannedFile] = []
        self._sums: dict[str, tuple[int, int]] = {}

    def add(self, job: NewJob) -> None:
        if job.error is not None:
            self._files.append(PlannedFile(job.path, job.size, error=job.error))
            return
        try:
            self._files.append(self._placed(job))
        except AppError as error:
            self._files.append(PlannedFile(job.path, job.size, error=ErrorView.of(error)))

    def _placed(self, job: NewJob) -> PlannedFile:
        """At the first account that takes it and has room for it."""
        full: dict[str, AppError] = {}
        rule = rule_for(job.path, self._rules)
        rules = (rule,) if rule else ()
        accounts = allowed_by(rules, self._accounts, self._wish.account)
        consent = self._wish.allow_fallback or any(rule.allow_fallback for rule in rules)
        wish = replace(self._wish, allow_fallback=consent)
        while True:
            route = choose(
                sent_name(job.path),
                job.size,
                wish,
                accounts,
                self._table,
                full,
                self._paused,
            )
            name, purpose = route.account.name, route.purpose.name
            used = self._used.get((name, purpose), Usage())
            try:
                check_room(used, job.size, self._limits(name, purpose))
            except AppError as error:
                full[name] = error
                continue
            self._take(name, purpose, job.size)
            return PlannedFile(job.path, job.size, name, purpose, route.reason)

    def _take(self, account: str, purpose: str, size: int) -> None:
        for key in [k for k in {*self._used, (account, purpose)} if k[0] == account]:
            used = self._used.get(key, Usage())
            of_purpose = used.purpose_files + (key[1] == purpose)
            self._used[key] = Usage(used.files + 1, used.bytes + size, of_purpose)
        files, total = self._sums.get(account, (0, 0))
        self._sums[account] = (files + 1, total + size)

    def plan(self, pace_s: Callable[[str, int], float], speed: float | None) -> UploadPlan:
        """`pace_s`: seconds until so many more may begin there; `speed` in bytes a second."""
        accounts = tuple(
            self._account(name, files, total, pace_s(name, files))
            for name, (files, total) in self._sums.items()
        )
        total = sum(account.bytes for account in accounts)
        return UploadPlan(tuple(self._files), accounts, total / speed if speed else None)

    def _account(self, name: str, files: int, total: int, pace_s: float) -> PlannedAccount:
        of_account = {key[1]: used for key, used in self._used.items() if key[0] == name}
        rooms = [_room(used, self._limits(name, key)) for key, used in of_account.items()]
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


def _room(used: Usage, limits: Limits) -> tuple[int | None, int | None]:
    files = [limit - used.files for limit in (limits.files, limits.own_files) if limit is not None]
    if limits.purpose_files is not None:
        files.append(limits.purpose_files - used.purpose_files)
    sizes = [limit - used.bytes for limit in (limits.bytes, limits.own_bytes) if limit is not None]
    return min(files, default=None), min(sizes, default=None)
