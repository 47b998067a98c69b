"""What every provider does alike: its client, its ways to send, what they tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from exai_desktop.core.accounts.accounts import Account, TransportStatus
from exai_desktop.core.routing.capabilities import Provider
from exai_desktop.core.settings import Settings
from exai_desktop.net.account_client import AccountClient
from exai_desktop.providers.tiers.http import HttpTier
from exai_desktop.providers.tiers.openai_sdk import OpenAiTier
from exai_desktop.providers.tiers.order import tiers_of
from exai_desktop.providers.tiers.tier import Tier


class TieredProvider:
    """`readers` are the threads that read and hash while sending.

    Raises `AccountError` for an address or key that cannot be used.
    """

    def __init__(
        self,
        account: Account,
        key: str,
        table: Provider,
        settings: Settings,
        readers: ThreadPoolExecutor,
    ) -> None:
        self._account = account
        self._table = table
        self._client = AccountClient(account, key, settings, headers=self._headers())
        more: dict[str, Callable[[], Tier]] = {
            "openai": lambda: OpenAiTier(self._client, key, readers)
        }
        self._tiers = tiers_of(
            settings.transport_order,
            HttpTier(self._client, readers),
            more | dict(self._own_tiers(key, readers)),
        )

    def _headers(self) -> Mapping[str, str] | None:
        """What else each request says."""
        return None

    def _own_tiers(self, key: str, readers: ThreadPoolExecutor) -> Mapping[str, Callable[[], Tier]]:
        """Ways that this provider alone has."""
        del key, readers
        return {}

    @property
    def transport(self) -> str:
        return self._tiers.status.name

    @property
    def transport_status(self) -> TransportStatus:
        return self._tiers.status

    async def ready(self) -> None:
        await self._tiers.ready()

    @property
    def clock_offset_s(self) -> float | None:
        return self._client.server_clock.offset_s

    @property
    def unwelcome_s(self) -> float:
        """Seconds for which the provider's last headers ask for no more requests."""
        return max(0.0, self._client.rate_limited_until - time.monotonic())

    async def close(self) -> None:
        self._tiers.close()
        await self._client.close()
