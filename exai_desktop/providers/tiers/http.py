"""Our own HTTP: true progress, instant cancel, the least work. It always works."""

from __future__ import annotations

from concurrent.futures import Executor

from exai_desktop.core.copies.provider import Upload
from exai_desktop.net.account_client import AccountClient, Answer
from exai_desktop.providers.tiers.tier import Question


class HttpTier:
    name = "http"

    def __init__(self, line: AccountClient, readers: Executor) -> None:
        self._line = line
        self._readers = readers

    async def ready(self) -> None:
        """Always is."""

    async def upload(self, upload: Upload, purpose: str) -> Answer:
        return await self._line.upload("files", upload, purpose, self._readers)

    async def ask(self, question: Question) -> Answer:
        path = f"files/{question.file_id}" if question.file_id else "files"
        if question.verb == "content":
            path += "/content"
        method = "DELETE" if question.verb == "delete" else "GET"
        return await self._line.ask(method, path, question.params)

    def close(self) -> None:
        """The connections belong to the provider."""
