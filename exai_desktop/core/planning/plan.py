"""What would become of files that are not in the queue yet: sums, and each file once for whoever
wants it."""

from __future__ import annotations

from dataclasses import dataclass, field

from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.planning.kinds import FileKind


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
class PlannedGroup:
    """Files of one kind that would go to one account, or stay for one reason. `endings`: the most
    frequent first."""

    kind: FileKind
    files: int
    bytes: int
    endings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanLane:
    """An account that is there for this plan, also one that gets nothing yet.

    `is_allowed`: files may go there without another word; else `could_take` of those that stay
    would, if the user allowed it. `held`: files that are there or on their way.
    """

    sums: PlannedAccount
    provider: str
    region: str
    is_allowed: bool
    could_take: int
    held: int
    groups: tuple[PlannedGroup, ...] = ()

    @property
    def name(self) -> str:
        return self.sums.account


@dataclass(frozen=True, slots=True)
class LeftGroup:
    """Files that stay for one reason, by the code of its error. `can_move`: another account may
    take them; else nothing but another file would help."""

    code: str
    title: str
    files: int
    bytes: int
    can_move: bool
    groups: tuple[PlannedGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """`files` were looked at, `fitting` of them would be sent. `refusals`: the titles of the
    errors of the others, the most frequent first; `for_others`: so many of these would go to
    another company, if that was allowed. `line_s`: for all bytes at the speed of the last
    files; None: nothing was sent yet. `is_whole`: no more files follow. `lanes` and `left` are
    those of a plan that can be changed; `bytes` are of all its files, `reading` is the folder
    that it has come to."""

    files: int
    fitting: int
    accounts: tuple[PlannedAccount, ...]
    refusals: tuple[tuple[str, int], ...]
    line_s: float | None
    is_whole: bool = True
    for_others: int = 0
    bytes: int = 0
    reading: str = ""
    lanes: tuple[PlanLane, ...] = ()
    left: tuple[LeftGroup, ...] = ()

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


@dataclass(frozen=True, slots=True)
class PlanMove:
    """Files that shall go elsewhere: those at `account`, or those that stay for `reason` (a
    code), of these kinds; none given: of all. `target` None: they are left out."""

    target: str | None
    account: str | None = None
    reason: str | None = None
    kinds: tuple[FileKind, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanChange:
    """What the user wants otherwise: some files elsewhere, an account allowed for this plan alone,
    no more files looked for."""

    move: PlanMove | None = None
    allow: str | None = None
    stop: bool = False


@dataclass(frozen=True, slots=True)
class ChangedPlan:
    """`moved`: so many files go elsewhere now. `kept`: why others do not (titles, counts)."""

    plan: UploadPlan
    moved: int = 0
    kept: tuple[tuple[str, int], ...] = field(default=())
