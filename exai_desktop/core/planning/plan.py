"""What would become of files that are not in the queue yet: sums, and each file once for whoever
wants it."""

from __future__ import annotations

from dataclasses import dataclass

from exai_desktop.core.errors.tree import ErrorView


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """With an error it would be refused or have to wait for the user."""

    path: str
    size: int
    account: str | None = None
    purpose: str | None = None
    reason: str = ""
    error: ErrorView | None = None


@dataclass(frozen=True, slots=True)
class PlannedAccount:
    """What would go to one account. `*_left`: room afterwards, None without a limit."""

    account: str
    files: int
    bytes: int
    files_left: int | None
    bytes_left: int | None
    # By the limit of uploads a minute alone.
    pace_s: float


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """`files` were looked at, `fitting` of them would be sent. `refusals`: the titles of the
    errors of the others, the most frequent first; `for_others`: so many of these would go to
    another company, if that was allowed. `line_s`: for all bytes at the speed of the last
    files; None: nothing was sent yet. `is_whole`: no more files follow."""

    files: int
    fitting: int
    accounts: tuple[PlannedAccount, ...]
    refusals: tuple[tuple[str, int], ...]
    line_s: float | None
    is_whole: bool = True
    for_others: int = 0

    @property
    def seconds(self) -> float | None:
        """The longer of what the line and the accounts' limits take."""
        pace_s = max((account.pace_s for account in self.accounts), default=0.0)
        if self.line_s is None:
            return pace_s or None
        return max(self.line_s, pace_s)

    def seconds_of(self, account: PlannedAccount) -> float | None:
        """For the files of one account: all of them share the line by their bytes."""
        total = sum(each.bytes for each in self.accounts)
        if self.line_s is None or not total:
            return account.pace_s or None
        return max(account.pace_s, self.line_s * account.bytes / total)


@dataclass(frozen=True, slots=True)
class PlanPart:
    """A plan as far as it has come, and the files that were looked at since the last part."""

    plan: UploadPlan
    files: tuple[PlannedFile, ...] = ()
