"""What every transport tier can do, and the tier that always works: our own HTTP.

A tier sends requests and returns answers. The provider judges the answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Literal, Protocol

from exai_desktop.core.copies.provider import Upload
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
