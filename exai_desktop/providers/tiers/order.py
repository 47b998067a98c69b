"""Which tier is in use: the first of the order that works, and back up when it works again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from exai_desktop.core.accounts.accounts import TransportStatus
from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import Outcome
from exai_desktop.core.errors.tree import TransferError
from exai_desktop.net.account_client import Answer
from exai_desktop.providers.tiers.http import HttpTier
from exai_desktop.providers.tiers.tier import Question, Tier, TierUnavailableError

HEALTHY_S: Final = 300.0
SDK_FIRST: Final = ("native", "openai", "http")


def wanted(order: str) -> tuple[str, ...]:
    """The setting's tiers, each once; http last unless it is named earlier."""
    names = SDK_FIRST if order == "sdk-first" else tuple(order.split(","))
    return tuple(dict.fromkeys((*names, "http")))


class TierOrder:
    """The tiers of one account, best first; the last one always works.

    A step down needs a tier that did not get as far as a request. Whatever the network or the
    provider said is passed on: another tier would hear the same, or send the file twice.
    """

    def __init__(self, tiers: Sequence[Tier], now: Callable[[], float] = time.monotonic) -> None:
        self._tiers = tiers
        self._now = now
        self._at = 0
        self._troubled_at = now()
        self._looking = asyncio.Lock()
        self._note = ""
        self._step_downs = 0

    @property
    def status(self) -> TransportStatus:
        return TransportStatus(self._tiers[self._at].name, self._note, self._step_downs)

    async def ready(self) -> None:
        async with self._looking:
            if self._at and self._now() - self._troubled_at >= HEALTHY_S:
                await self._try_higher()
            while True:
                tier = self._tiers[self._at]
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
            tier = self._tiers[self._at]
            try:
                return await call(tier)
            except TierUnavailableError as error:
                if self._tiers[self._at] is tier:
                    self._step_down(tier, error)
            except TransferError as error:
                if error.outcome in (Outcome.UNAVAILABLE, Outcome.UNCERTAIN):
                    self._troubled_at = self._now()
                raise

    def _step_down(self, tier: Tier, error: TierUnavailableError) -> None:
        if self._at + 1 == len(self._tiers):
            raise AssertionError("http needs nothing") from error
        self._at += 1
        self._step_downs += 1
        self._note = f"{tier.name} is not in use: {error}"
        self._troubled_at = self._now()

    async def _try_higher(self) -> None:
        for place in range(self._at):
            try:
                await self._tiers[place].ready()
            except TierUnavailableError:
                continue
            self._at = place
            self._note = "" if place == 0 else self._note
            return
        self._troubled_at = self._now()


def tiers_of(order: str, http: HttpTier, others: Mapping[str, Callable[[], Tier]]) -> TierOrder:
    """`others`: the SDK tiers this provider has; a name it lacks is passed over."""
    tiers: list[Tier] = []
    for name in wanted(order):
        if name == "http":
            tiers.append(http)
        elif name in others:
            tiers.append(others[name]())
    return TierOrder(tiers)
