"""What every transport tier can do. Answers are judged by the provider, not by the tier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from exai_desktop.core.copies.provider import Upload
from exai_desktop.net.account_client import Answer


class TierUnavailableError(Exception):
    """The tier cannot be used here, and nothing was sent. The text is for people."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request without a body; `file_id` is fit for an address."""

    verb: Literal["list", "find", "delete", "content"]
    file_id: str = ""
    params: Mapping[str, str | int] = field(default_factory=dict)


class Tier(Protocol):
    """All methods raise `TransferError` or `TierUnavailableError`."""

    @property
    def name(self) -> str: ...

    async def ready(self) -> None:
        """Import what is needed and try it without a network; quick when done before."""
        ...

    async def upload(self, upload: Upload, purpose: str) -> Answer: ...

    async def ask(self, question: Question) -> Answer: ...

    def close(self) -> None: ...
