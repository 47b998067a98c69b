"""The ways to send, called tiers: our own HTTP, which always works, and which tier is in use.

A tier sends requests and returns answers; the provider judges the answers. In use is the first one
of the setting that works, with steps down and up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from exai_desktop.core.accounts.accounts import TransportStatus
from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import Outcome
from exai_desktop.core.errors.tree import TransferError
from exai_desktop.net.account_client import AccountClient, Answer


class TierUnavailableError(Exception):
    """The tier cannot be used here, and nothing was sent. The text is for people."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request without a body. `file_id` must be fit for an address."""

    verb: Literal["list", "find", "delete", "content"]
    file_id: str = ""
    params: Mapping[str, str | int] = field(default_factory=dict)


class Tier(Protocol):
    """All methods raise `TransferError` or `TierUnavailableError`."""

    @property
    def name(self) -> str: ...

    async def ready(self) -> None:
        """Import what is needed and test it without a network. Returns at once the next time."""
        ...

    async def upload(self, upload: Upload, purpose: str) -> Answer: ...

    async def ask(self, question: Question) -> Answer: ...

    def close(self) -> None: ...


class HttpTier:
    """Our own HTTP: exact progress, instant cancel, the least work. It needs no other package."""

    name = "http"

    def __init__(self, client: AccountClient, readers: Executor) -> None:
        self._client = client
        self._readers = readers

    async def ready(self) -> None:
        """Always is."""

    async def upload(self, upload: Upload, purpose: str) -> Answer:
        return await self._client.upload("files", upload, purpose, self._readers)

    async def ask(self, question: Question) -> Answer:
        path = f"files/{question.file_id}" if question.file_id else "files"
        if question.verb == "content":
            path += "/content"
        method = "DELETE" if question.verb == "delete" else "GET"
        return await self._client.ask(method, path, question.params)

    def close(self) -> None:
        """Nothing to do: the provider closes the connections."""


STEP_UP_AFTER_S: Final = 300.0
SDK_FIRST: Final = ("native", "openai", "http")


def tier_names(order: str) -> tuple[str, ...]:
    """The tiers of the setting `transport_order`, each once; http last unless it is named."""
    names = SDK_FIRST if order == "sdk-first" else tuple(order.split(","))
    return tuple(dict.fromkeys((*names, "http")))


class TierOrder:
    """The tiers of one account, best first. The last one always works.

    A step down happens only when a tier made no request. An error of the network or the provider
    is passed on: another tier would get the same error, or send the file a second time.
    """

    def __init__(self, tiers: Sequence[Tier], now: Callable[[], float] = time.monotonic) -> None:
        self._tiers = tiers
        self._now = now
        self._current = 0
        self._last_trouble_at = now()
        self._ready_lock = asyncio.Lock()
        self._note = ""
        self._step_downs = 0

    @property
    def status(self) -> TransportStatus:
        return TransportStatus(self._tiers[self._current].name, self._note, self._step_downs)

    async def ready(self) -> None:
        async with self._ready_lock:
            if self._current and self._now() - self._last_trouble_at >= STEP_UP_AFTER_S:
                await self._step_up()
            while True:
                tier = self._tiers[self._current]
                try:
                    await tier.ready()
                    return
                except TierUnavailableError as error:
                    self._step_down(tier, error)

    async def upload(self, upload: Upload, purpose: str) -> Answer:
        return await self._run(lambda tier: tier.upload(upload, purpose))

    async def ask(self, question: Question) -> Answer:
        return await self._run(lambda tier: tier.ask(question))

    def close(self) -> None:
        for tier in self._tiers:
            tier.close()

    async def _run(self, call: Callable[[Tier], Awaitable[Answer]]) -> Answer:
        while True:
            await self.ready()
            tier = self._tiers[self._current]
            try:
                return await call(tier)
            except TierUnavailableError as error:
                if self._tiers[self._current] is tier:
                    self._step_down(tier, error)
            except TransferError as error:
                if error.outcome in (Outcome.UNAVAILABLE, Outcome.UNCERTAIN):
                    self._last_trouble_at = self._now()
                raise

    def _step_down(self, tier: Tier, error: TierUnavailableError) -> None:
        if self._current + 1 == len(self._tiers):
            raise AssertionError("http needs nothing") from error
        self._current += 1
        self._step_downs += 1
        self._note = f"{tier.name} is not in use: {error}"
        self._last_trouble_at = self._now()

    async def _step_up(self) -> None:
        for index in range(self._current):
            try:
                await self._tiers[index].ready()
            except TierUnavailableError:
                continue
            self._current = index
            self._note = "" if index == 0 else self._note
            return
        self._last_trouble_at = self._now()


def tiers_of(order: str, http: HttpTier, sdks: Mapping[str, Callable[[], Tier]]) -> TierOrder:
    """The tiers in the order of the setting. A name that this provider does not have is skipped."""
    tiers: list[Tier] = []
    for name in tier_names(order):
        if name == "http":
            tiers.append(http)
        elif name in sdks:
            tiers.append(sdks[name]())
    return TierOrder(tiers)
