"""A plan that can be changed: each file once, as a few numbers, and where it would go.

Nothing of it is an object for each file. Rules of folders, kinds, sizes and room are asked for
every file that is moved: no wish of the user sends one where it must not go. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import NamedTuple

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError, EngineError, ErrorView
from exai_desktop.core.jobs.jobs import NewJob
from exai_desktop.core.planning.kinds import FileKind, kind_of
from exai_desktop.core.planning.plan import (
    LeftGroup,
    PlanLane,
    PlanMove,
    PlannedFile,
    PlannedGroup,
    UploadPlan,
)
from exai_desktop.core.planning.planned_files import FileRow, FileSum, PlannedFiles
from exai_desktop.core.planning.planner import Planner
from exai_desktop.core.routing.capabilities import ProviderTable, fit
from exai_desktop.core.routing.folder_rules import FolderRule, allowed_by, consented_by
from exai_desktop.core.routing.routing import Wish, candidates, place_of

E = ErrorCode

# Their texts tell of one file's size, or of how full an account was for one file.
_TELLS_A_SIZE = frozenset({E.FILE_TOO_LARGE, E.PROVIDER_FILE_LIMIT, E.QUOTA_EXCEEDED})
# So many endings of a group are named.
_NAMED = 4


class _Class(NamedTuple):
    """What accounts judge a file by; files of one class differ in nothing but size."""

    ending: str
    size_class: int
    rules: tuple[FolderRule, ...]


class _Reason(NamedTuple):
    """Why files stay. `code`: of the reason that people are told; `error` is the job's."""

    code: str
    title: str
    error: ErrorView
    can_move: bool


class Moved(NamedTuple):
    """So many files go elsewhere, and why others do not: titles of errors, with counts."""

    files: int
    kept: tuple[tuple[str, int], ...]


class PlanDraft:
    """A place is the number of an account, or below 0 that of a reason.

    Accounts of the company and region that files go to first need no other word of the user.
    """

    def __init__(
        self,
        planner: Planner,
        accounts: Sequence[Account],
        table: ProviderTable,
        wish: Wish,
    ) -> None:
        self._planner = planner
        self._accounts = [account for account in accounts if account.enabled]
        self._numbers = {account.name: n for n, account in enumerate(self._accounts)}
        self._table = table
        self._wish = wish
        self._allowed = self._near(())
        self._files = PlannedFiles()
        self._classes: dict[_Class, int] = {}
        self._reasons: dict[tuple[str, str, str], int] = {}
        self._reason_list: list[_Reason] = []
        # By the object's number; the object is kept, so that no other gets it.
        self._known_errors: dict[int, tuple[AppError | ErrorView, int]] = {}
        self._answers: dict[tuple[int, int], str | AppError] = {}
        self._consents = {name: AppError(E.CONSENT_NEEDED, name) for name in self._numbers}
        self._class_list: list[_Class] = []
        self._class_sizes: list[int] = []
        self._class_allowed: list[set[str]] = []
        self._kinds: list[FileKind] = []

    def add(self, job: NewJob, rules: Sequence[FolderRule] = ()) -> PlannedFile:
        """`rules`: those that hold for its folder."""
        file, ending, reason = self._planner.place(job, rules)
        of_class = _Class(ending, self._planner.size_class(job.size), tuple(rules))
        number = self._classes.get(of_class)
        if number is None:
            number = self._classes[of_class] = len(self._class_list)
            self._class_list.append(of_class)
            self._class_sizes.append(job.size)
            self._class_allowed.append(self._near(of_class.rules))
            self._kinds.append(kind_of(ending))
        if file.account is not None:
            place = self._numbers[file.account]
        else:
            assert file.error is not None
            assert reason is not None
            place = self._place_of(file.error, reason, can_move=job.error is None)
        self._files.add(job.path, job.size, place, number)
        return file

    def _near(self, rules: tuple[FolderRule, ...]) -> set[str]:
        """Accounts that may have files under these rules without another word."""
        try:
            accounts = allowed_by(rules, self._accounts, self._wish.account)
            first = candidates(self._wish, accounts)[0]
        except AppError:
            return set()
        if self._wish.allow_fallback or consented_by(rules):
            return {account.name for account in accounts}
        return {account.name for account in accounts if place_of(account) == place_of(first)}

    def _place_of(self, error: ErrorView, why: AppError | ErrorView, *, can_move: bool) -> int:
        """The planner gives one error for all files that it holds for."""
        known = self._known_errors.get(id(why))
        if known is None:
            known = why, self._reason(error, why, can_move=can_move)
            if can_move:
                self._known_errors[id(why)] = known
        return known[1]

    def _reason(self, error: ErrorView, why: AppError | ErrorView, *, can_move: bool) -> int:
        code = str(why.code)
        if can_move and (code in _TELLS_A_SIZE or error.code != code):
            # What it tells of the file it was made for does not hold for the others.
            detail = why.title if error.code != code else ""
            error = ErrorView.of_code(error.code, detail)
        key = (code, error.code, error.detail)
        number = self._reasons.get(key)
        if number is None:
            number = self._reasons[key] = len(self._reason_list)
            self._reason_list.append(_Reason(code, why.title, error, can_move))
        return -1 - number

    # -- changes

    def allow(self, name: str) -> Moved:
        """Files may go to this account, by this plan alone: what stays goes there if it can."""
        number = self._number(name)
        self._allowed.add(name)
        sources = {
            -1 - n
            for n, reason in enumerate(self._reason_list)
            if reason.can_move and reason.code != E.LEFT_OUT
        }
        return self._move(sources, frozenset(), number)

    def move(self, move: PlanMove) -> Moved:
        """Raises PLAN_MOVE_REFUSED when none of the files may go there, UNKNOWN_ACCOUNT."""
        sources = self._sources(move)
        if move.target is None:
            error = ErrorView.of(AppError(E.LEFT_OUT))
            target = self._reason(error, error, can_move=True)
        else:
            target = self._number(move.target)
        moved = self._move(sources - {target}, frozenset(move.kinds), target)
        if not moved.files:
            where = move.target or "left out"
            why = moved.kept[0][0] if moved.kept else "there are no such files in the plan"
            raise EngineError(E.PLAN_MOVE_REFUSED, f"{where}: {why}")
        return moved

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            raise AccountError(E.UNKNOWN_ACCOUNT, name)
        return self._numbers[name]

    def _sources(self, move: PlanMove) -> set[int]:
        if move.account is not None:
            return {self._number(move.account)}
        left = enumerate(self._reason_list)
        if move.reason is not None:
            return {-1 - n for n, reason in left if reason.code == move.reason}
        # Whatever it is: of all kinds named.
        return {*self._numbers.values(), *(-1 - n for n, _ in left)}

    def _move(self, sources: set[int], kinds: frozenset[FileKind], target: int) -> Moved:
        wanted = {n for n, kind in enumerate(self._kinds) if not kinds or kind in kinds}
        fixed = {-1 - n for n, reason in enumerate(self._reason_list) if not reason.can_move}
        kept: Counter[str] = Counter()
        moved = 0
        full: dict[str, tuple[int, AppError]] = {}
        for row in self._files.rows():
            if row.place not in sources or row.of_class not in wanted:
                continue
            if row.place in fixed:
                kept[self._reason_list[-1 - row.place].title] += 1
                continue
            why_not = self._enter(target, row, full) if target >= 0 else None
            if why_not is not None:
                kept[_told(why_not)] += 1
                continue
            self._leave(row)
            self._files.put(row, target)
            moved += 1
        return Moved(moved, tuple(kept.most_common()))

    def _enter(
        self, target: int, row: FileRow, full: dict[str, tuple[int, AppError]]
    ) -> AppError | None:
        """Take up room at the account; or why it must not have the file. `full`: by purpose, from
        which size on there is no room, as found before in this move."""
        answer = self._answer(target, row.of_class, needs_word=True)
        if isinstance(answer, AppError):
            return answer
        if answer in full and row.size >= full[answer][0]:
            return full[answer][1]
        room = (self._accounts[target].name, answer)
        why_not = self._planner.why_full(room, row.size)
        if why_not is None:
            self._planner.take(room, row.size)
        else:
            full[answer] = (0 if self._planner.why_full(room, 0) else row.size), why_not
        return why_not

    def _leave(self, row: FileRow) -> None:
        if row.place >= 0:
            purpose = str(self._answer(row.place, row.of_class, needs_word=False))
            self._planner.take((self._accounts[row.place].name, purpose), row.size, -1)

    def _answer(self, number: int, of_class: int, *, needs_word: bool) -> str | AppError:
        """The purpose for which the account would have files of the class, or why it must not."""
        name = self._accounts[number].name
        is_allowed = name in self._allowed or name in self._class_allowed[of_class]
        if needs_word and not is_allowed:
            return self._consents[name]
        found = self._answers.get((number, of_class))
        if found is None:
            found = self._answers[number, of_class] = self._judged(number, of_class)
        return found

    def _judged(self, number: int, of_class: int) -> str | AppError:
        account, (ending, _, rules) = self._accounts[number], self._class_list[of_class]
        name, size = f"file.{ending}" if ending else "file", self._class_sizes[of_class]
        try:
            allowed_by(rules, self._accounts, account.name)
            provider = self._table.of(account)
            if provider is None:
                raise AccountError(E.INVALID_ACCOUNT, account.name)
            return fit(name, size, provider, account.region, self._wish.purpose).name
        except AppError as error:
            return error

    # -- what it says

    def plan(
        self, pace_s: Callable[[str, int], float], speed: float | None, *, is_whole: bool
    ) -> UploadPlan:
        """As `Planner.plan`, with the lanes and what stays."""
        lanes, left = self._lanes(pace_s), self._left()
        refusals = tuple((group.title, group.files) for group in left)
        others = max((lane.could_take for lane in lanes if not lane.is_allowed), default=0)
        return replace(
            self._planner.plan(pace_s, speed, is_whole=is_whole),
            files=len(self._files),
            fitting=sum(lane.sums.files for lane in lanes),
            refusals=refusals,
            for_others=others,
            bytes=sum(found.bytes for *_, found in self._files.filled()),
            reading=str(PurePath(self._files.last).parent),
            lanes=tuple(lanes),
            left=tuple(left),
        )

    def _lanes(self, pace_s: Callable[[str, int], float]) -> list[PlanLane]:
        lanes = []
        for number, account in enumerate(self._accounts):
            sums = self._planner.sums_of(account.name, pace_s)
            is_allowed = account.name in self._allowed
            lane = PlanLane(
                sums,
                account.provider,
                account.region,
                is_allowed,
                0 if is_allowed else self._could_take(number, sums.files_left),
                max(0, self._planner.held(account.name) - sums.files),
                self._groups({number}),
            )
            lanes.append(lane)
        return lanes

    def _could_take(self, number: int, files_left: int | None) -> int:
        """Of the files that stay; by their kinds and sizes, and as many as there is room for."""
        found = sum(
            sums.files
            for place, of_class, sums in self._files.filled()
            if place < 0
            and self._reason_list[-1 - place].can_move
            and isinstance(self._answer(number, of_class, needs_word=False), str)
        )
        return found if files_left is None else min(found, max(0, files_left))

    def _left(self) -> list[LeftGroup]:
        by_code: dict[tuple[str, bool], set[int]] = {}
        for number, reason in enumerate(self._reason_list):
            helps = reason.can_move and self._could_go(-1 - number)
            by_code.setdefault((reason.code, helps), set()).add(number)
        found = []
        for (code, helps), numbers in by_code.items():
            groups = self._groups({-1 - number for number in numbers})
            files, size = sum(g.files for g in groups), sum(g.bytes for g in groups)
            if files:
                title = self._reason_list[min(numbers)].title
                found.append(LeftGroup(code, title, files, size, helps, groups))
        return sorted(found, key=lambda group: -group.files)

    def _could_go(self, place: int) -> bool:
        """Whether there is an account, with room or without, that takes some of these files."""
        return any(
            isinstance(self._answer(number, of_class, needs_word=False), str)
            for each, of_class, _ in self._files.filled()
            if each == place
            for number in range(len(self._accounts))
        )

    def _groups(self, places: set[int]) -> tuple[PlannedGroup, ...]:
        sums: dict[FileKind, FileSum] = {}
        endings: dict[FileKind, Counter[str]] = {}
        for place, of_class, found in self._files.filled():
            if place in places:
                kind = self._kinds[of_class]
                sums.setdefault(kind, FileSum()).add(found.files, found.bytes)
                names = endings.setdefault(kind, Counter())
                names[self._class_list[of_class].ending] += found.files
        return tuple(
            PlannedGroup(kind, total.files, total.bytes, _first(endings[kind]))
            for kind, total in sorted(sums.items(), key=lambda item: -item[1].files)
        )

    # -- what is sent

    def jobs(self) -> Iterator[NewJob]:
        """Every file of the plan: with its account, or with the error for which it stays."""
        for path, size, place in self._files.paths():
            if place >= 0:
                yield NewJob(path, size, account=self._accounts[place].name)
            else:
                yield NewJob(path, size, self._reason_list[-1 - place].error)

    def wanted_rooms(self) -> Iterator[tuple[Account, str, int, int]]:
        """Accounts that get files: for which purpose, how many, of how many bytes."""
        found: dict[tuple[int, str], FileSum] = {}
        for place, of_class, sums in self._files.filled():
            if place >= 0:
                purpose = str(self._answer(place, of_class, needs_word=False))
                found.setdefault((place, purpose), FileSum()).add(sums.files, sums.bytes)
        for (place, purpose), total in found.items():
            yield self._accounts[place], purpose, total.files, total.bytes


def _first(endings: Counter[str]) -> tuple[str, ...]:
    return tuple(ending for ending, _ in endings.most_common(_NAMED) if ending)


def _told(error: AppError) -> str:
    return f"{error.title} ({error.detail})" if error.code in _WITH_DETAIL else error.title


# The rule, the company or the ending has to be named.
_WITH_DETAIL = frozenset({E.PLACE_NOT_ALLOWED, E.CONSENT_NEEDED, E.INVALID_FILE_TYPE})
