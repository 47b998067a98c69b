"""What would become of files that are not in the queue yet."""

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
    """`line_s`: for all bytes at the speed of the last files; None: nothing was sent yet."""

    files: tuple[PlannedFile, ...]
    accounts: tuple[PlannedAccount, ...]
    line_s: float | None

    @property
    def fitting(self) -> int:
        return sum(file.error is None for file in self.files)

    @property
    def seconds(self) -> float | None:
        """The longer of what the line and the accounts' limits take."""
        pace_s = max((account.pace_s for account in self.accounts), default=0.0)
        if self.line_s is None:
            return pace_s or None
        return max(self.line_s, pace_s)
