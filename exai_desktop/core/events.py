"""What the engine tells: events for window and command line, counts for whoever watches.

Events are in the past tense, plain values; the state is on disk before the word. `EventBus` runs in
the engine's loop. A subscriber's failure never stops the engine. The labels of what is counted are
bounded: providers, ways, outcomes, phases, and the user's handful of accounts.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, Self

from exai_desktop.core.accounts.accounts import AccountStatus
from exai_desktop.core.accounts.health import Phase
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.jobs.jobs import JobView, QueueSummary

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobsAdded:
    """Up to some hundred new rows at once."""

    batch_id: int
    jobs: tuple[JobView, ...]


@dataclass(frozen=True, slots=True)
class JobChanged:
    job: JobView


@dataclass(frozen=True, slots=True)
class JobsRemoved:
    """Rows were forgotten; `ids` empty means: many, read the list again."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LineChanged:
    """Jobs were moved within the line: lists in its order are to be read again."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """Bytes of one file; `phase` is hashing or sending, `speed` bytes a second."""

    job_id: int
    phase: str
    done: int
    total: int
    speed: float
    eta_s: float | None


@dataclass(frozen=True, slots=True)
class BatchScanned:
    """Every file of the batch is in the list now."""

    batch_id: int
    jobs: int
    refused: int


@dataclass(frozen=True, slots=True)
class BatchFinished:
    """Every job of the batch is final (or needs the user); once per batch."""

    batch_id: int
    done: int
    duplicate: int
    refused: int
    failed: int
    cancelled: int
    review: int


@dataclass(frozen=True, slots=True)
class SummaryChanged:
    """At most ten a second."""

    summary: QueueSummary


@dataclass(frozen=True, slots=True)
class AccountsChanged:
    accounts: tuple[AccountStatus, ...]


@dataclass(frozen=True, slots=True)
class ProblemRaised:
    """Something beyond one file: once per distinct problem. `account` None: the program."""

    error: ErrorView
    account: str | None = None


@dataclass(frozen=True, slots=True)
class ProblemSolved:
    """A problem that was raised is over."""

    error: ErrorView
    account: str | None = None


@dataclass(frozen=True, slots=True)
class WindowWanted:
    """The program was started a second time: ask for the wishes of whoever did it."""


@dataclass(frozen=True, slots=True)
class SettingChanged:
    """One that is in force at once, by whatever way."""

    name: str


@dataclass(frozen=True, slots=True)
class MirrorChanged:
    """State or counts of the Supabase project are others: ask for them. At most one a second."""


Event = (
    JobsAdded
    | JobChanged
    | JobsRemoved
    | LineChanged
    | Progressed
    | BatchScanned
    | BatchFinished
    | SummaryChanged
    | AccountsChanged
    | ProblemRaised
    | ProblemSolved
    | WindowWanted
    | SettingChanged
    | MirrorChanged
)

Subscriber = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class WindowWish:
    """Somebody started the program again: with these files, whole paths. `token` is what a Wayland
    desktop gave them for the right to come to the front."""

    paths: tuple[str, ...] = ()
    token: str = ""


class WindowService(Protocol):
    """The window of this engine, if it has one."""

    async def show(self, paths: Sequence[str] = (), token: str = "") -> None:
        """Ask it to come to the front, and to add these files as if they were dropped on it.

        Returns when it has taken them. Raises WINDOW_NOT_ANSWERING: then it has not, and will not.
        """

    async def wishes(self) -> list[WindowWish]:
        """For the window: what it was asked since the last time. It does all of it now, and gives
        an `answer` to each that has files."""

    async def answer(self, wish: WindowWish, *, is_taken: bool) -> None:
        """For the window: whether the files of a wish are in its hands, or were not added."""


class EventBus:
    """Synchronous fan-out in the engine's loop: subscribers only note the event and return."""

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Returns the function that ends the subscription."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def publish(self, event: Event) -> None:
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(event)
            except Exception:  # a listener's fault is its own
                log.exception("a subscriber failed on %s", type(event).__name__)


class EventStream:
    """`read` waits for the next event and raises StopAsyncIteration at the end."""

    def __init__(self, read: Callable[[], Awaitable[Event]], close: Callable[[], None]) -> None:
        self._read = read
        self._close: Callable[[], None] | None = close

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        return await self._read()

    async def aclose(self) -> None:
        """May be called twice."""
        if self._close is not None:
            self._close()
            self._close = None


class Metrics:
    """Nobody watches: every call does nothing. Another class counts.

    All calls are made in the engine's loop and cost next to nothing. Sizes in bytes.
    """

    # Gauges that cost a look into the record wait for somebody who reads them.
    is_watched: bool = False

    def attempt_began(self, provider: str) -> None:
        """Of an upload."""

    def attempt_ended(
        self, provider: str, transport: str, outcome: str, size: int, took_s: float
    ) -> None:
        """`outcome`: `stored`, or an `Outcome`. Bytes and duration are of stored files only."""

    def sent_unclaimed(self) -> None:
        """A file of which other computers were not asked, because nobody answered."""

    def checked_for_twin(self, *, is_duplicate: bool) -> None:
        """Whether the content lies at the account already."""

    def selected(self, provider: str, *, is_fallback: bool) -> None:
        """For one file; `is_fallback`: another account was wanted or preferred."""

    def deleted(self, provider: str) -> None:
        """A file there."""

    def breaker_is(self, account: str, phase: Phase, *, is_new: bool) -> None:
        """`is_new`: it was another phase before."""

    def answered(self, account: str, *, is_fault: bool) -> None:
        """To an upload or a question; `is_fault`: it speaks against the provider."""

    def health_is(self, account: str, *, is_well: bool) -> None:
        """Well: it is used, needs nobody, and few of its answers are faults."""

    def account_holds(self, account: str, files: int, size: int) -> None:
        """By the record."""

    def jobs_are(self, counts: Mapping[str, int]) -> None:
        """By state."""

    def sends_by(self, account: str, transport: str, step_downs: int) -> None:
        """The way in use now, and how often it became another than the first."""

    def forget(self, account: str) -> None:
        """The account is gone: so are its gauges."""


NO_METRICS: Final = Metrics()
