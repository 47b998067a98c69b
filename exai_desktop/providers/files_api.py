"""A provider's files API: upload, list, find, delete and content, as all providers offer them.

What a new provider has to bring is in docs/add-a-provider.md.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from exai_desktop.core.accounts.accounts import Account, TransportStatus
from exai_desktop.core.copies.models import RemoteFile, RemoteStatus
from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.routing.capabilities import Provider
from exai_desktop.core.settings import Settings
from exai_desktop.net.account_client import AccountClient, Answer
from exai_desktop.providers.answer_parsing import (
    Refusal,
    failure,
    file_of,
    files_of,
    has_more,
    id_in_path,
    invalid_answer,
    purpose_in,
    text_of,
)
from exai_desktop.providers.tiers.openai_sdk import OpenAiTier
from exai_desktop.providers.tiers.order import tiers_of
from exai_desktop.providers.tiers.tier import HttpTier, Question, Tier


class FilesApiProvider(ABC):
    """One account at a provider: `core.machine.FileProvider` and `ExtractsText`.

    A subclass says what its provider's refusals look like and how its list is asked for. It
    overrides a call only where its provider differs. `readers` are the threads that read and hash
    a file while it is sent. Raises `AccountError` for an address or a key that cannot be used.
    """

    # What the provider's status words mean; an unknown word means PENDING.
    statuses: ClassVar[Mapping[str, RemoteStatus]] = {}
    # Headers of every request, beside those of every provider.
    headers: ClassVar[Mapping[str, str]] = {}

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
        self._client = AccountClient(account, key, settings, headers=self.headers)
        sdks: dict[str, Callable[[], Tier]] = {
            "openai": lambda: OpenAiTier(self._client, key, readers)
        }
        self._tiers = tiers_of(
            settings.transport_order,
            HttpTier(self._client, readers),
            sdks | dict(self._own_tiers(key, readers)),
        )

    @classmethod
    @abstractmethod
    def refusal(cls, answer: Answer) -> Refusal | None:
        """The refusal in an answer; None when there is none in the provider's own form.

        The answer may be of any status. A refusal in an answer with HTTP 200 fails the call too.
        """

    @abstractmethod
    async def _list(self, purpose: str) -> Sequence[RemoteFile]:
        """All files of this purpose, in any order. `purpose` is the provider's own name."""

    @classmethod
    def is_not_found(cls, answer: Answer) -> bool:
        """Whether the provider says that it has no such file.

        A 404 in another form does not count: a gateway says 404 for a wrong address, too.
        """
        return answer.status == 404 and cls.refusal(answer) is not None

    def _own_tiers(self, key: str, readers: ThreadPoolExecutor) -> Mapping[str, Callable[[], Tier]]:
        """Transport tiers that only this provider has, by their names."""
        del key, readers
        return {}

    async def upload(self, upload: Upload) -> RemoteFile:
        """POST /files. The size in the answer is passed on unchanged: the engine compares it."""
        purpose = self._purpose(upload.purpose)
        answer = self.checked(await self._tiers.upload(upload, purpose))
        return file_of(answer, purpose, self.statuses)

    async def list(self, purpose: str) -> Sequence[RemoteFile]:
        """All files of this purpose, oldest first."""
        files = await self._list(self._purpose(purpose))
        return sorted(files, key=lambda file: file.created_at)

    async def find(self, file_id: str, purpose: str) -> RemoteFile | None:
        """GET /files/{id}."""
        answer = await self._tiers.ask(Question("find", id_in_path(file_id)))
        if self.is_not_found(answer):
            return None
        return file_of(self.checked(answer), purpose, self.statuses)

    async def delete(self, file_id: str) -> None:
        """DELETE /files/{id}."""
        answer = await self._tiers.ask(Question("delete", id_in_path(file_id)))
        if not self.is_not_found(answer):
            self.checked(answer)

    async def content(self, file_id: str) -> str:
        """GET /files/{id}/content. By its status alone: the text may look like a refusal."""
        answer = await self._tiers.ask(Question("content", id_in_path(file_id)))
        if not answer.is_success:
            raise failure(answer, self.refusal(answer))
        return text_of(answer)

    async def _list_pages(
        self, purpose: str, params: Mapping[str, str | int], max_pages: int
    ) -> Sequence[RemoteFile]:
        """The files of all pages; each page is asked for by the last id of the page before.

        Half a list must never count as a whole one, so a list without an end is an error.
        """
        found: dict[str, RemoteFile] = {}
        params = {"purpose": purpose, **params}
        for _ in range(max_pages):
            answer = self.checked(await self._tiers.ask(Question("list", params=params)))
            page = files_of(answer, purpose, self.statuses)
            known = len(found)
            found |= {file.id: file for file in page}
            if not has_more(answer):
                return [*found.values()]
            if len(found) == known:
                raise invalid_answer(answer, "the file list repeats itself")
            params["after"] = page[-1].id
        raise invalid_answer(answer, "the list does not end")

    @classmethod
    def checked(cls, answer: Answer) -> Answer:
        """The same answer, if it is a success. Raises the error of the refusal otherwise."""
        refusal = cls.refusal(answer)
        if not answer.is_success or refusal is not None:
            raise failure(answer, refusal)
        return answer

    def _purpose(self, wanted: str) -> str:
        """The provider's own name of a purpose."""
        return purpose_in(self._table, self._account.region, wanted)

    @property
    def transport(self) -> str:
        """The name of the tier in use."""
        return self._tiers.status.name

    @property
    def transport_status(self) -> TransportStatus:
        """The tier in use, with the reason of the last step down."""
        return self._tiers.status

    async def ready(self) -> None:
        """Make sure that the tier in use works."""
        await self._tiers.ready()

    @property
    def clock_offset_s(self) -> float | None:
        """The provider's clock minus ours, in seconds; None before its first answer."""
        return self._client.server_clock.offset_s

    @property
    def rate_limit_wait_s(self) -> float:
        """Seconds until the provider's rate limit allows the next request."""
        return max(0.0, self._client.rate_limited_until - time.monotonic())

    async def close(self) -> None:
        """Close the connections."""
        self._tiers.close()
        await self._client.close()
