"""What the SDK tiers share: threads, the late import, the self-test."""

from __future__ import annotations

import asyncio
import io
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, Final

from exai_desktop.core.copies.provider import Upload
from exai_desktop.net.account_client import AccountClient, Answer
from exai_desktop.net.form_data import mime_of
from exai_desktop.net.sdk_call import SdkCall, SdkUnusableError, SelfTestTransport, sync_client
from exai_desktop.providers.tiers.tier import Question, TierUnavailableError

# An SDK waits in a thread for its answer: as many as there can be lanes, and some for questions.
_THREADS: Final = 68
_SAMPLE: Final = b"rehearsal of an upload"
_PURPOSE: Final = "rehearsed-purpose"


class SdkTier(ABC):
    """`package` is what to install; the names below are the SDK's own."""

    name: str
    package: str

    def __init__(self, line: AccountClient, key: str, readers: Executor) -> None:
        self._line = line
        self._key = key
        self._readers = readers
        self._pool: ThreadPoolExecutor | None = None
        self._is_ready = False

    @abstractmethod
    def _files(self, client: Any) -> Any:
        """The SDK's `files`, made around our client; imports the SDK."""

    @abstractmethod
    def _call(self, files: Any, question: Question) -> object:
        """Ask by the SDK's method."""

    @property
    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS, f"sdk-{self.name}")
        return self._pool

    async def ready(self) -> None:
        if self._is_ready:
            return
        # Seconds, and the interpreter's lock in between: never in the loop.
        loop = asyncio.get_running_loop()
        trouble = await loop.run_in_executor(self._threads, self._rehearse)
        if trouble:
            raise TierUnavailableError(trouble)
        self._is_ready = True

    def _rehearse(self) -> str:
        """Why an upload cannot be made this way; empty when it can."""
        other_end = SelfTestTransport()
        try:
            with sync_client(self._line, other_end) as client:
                _create(self._files(client), "a.txt", io.BytesIO(_SAMPLE), _PURPOSE)
        except ImportError:
            return f"{self.package} is not installed"
        except Exception as error:  # noqa: BLE001 - an SDK may raise anything
            return f"{self.package} cannot be used: {type(error).__name__}"
        want = ("POST", f"{str(self._line.base_url).rstrip('/')}/files")
        for method, url, body in other_end.requests:
            if (method, url) == want and _SAMPLE in body and _PURPOSE.encode() in body:
                return ""
        return f"{self.package} makes another request than it should"

    async def upload(self, upload: Upload, purpose: str) -> Answer:
        call = SdkCall(self._line, self._readers, upload)
        return await self._run(call, lambda files: _create(files, upload.name, call.file, purpose))

    async def ask(self, question: Question) -> Answer:
        call = SdkCall(self._line, self._readers)
        return await self._run(call, lambda files: self._call(files, question))

    async def _run(self, call: SdkCall, use: Callable[[Any], object]) -> Answer:
        try:
            return await call.run(lambda client: use(self._files(client)), self._threads)
        except SdkUnusableError as error:
            self._is_ready = False
            trouble = f"{self.package} cannot be used: {error}"
        raise TierUnavailableError(trouble)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False)


def _create(files: Any, name: str, file: object, purpose: str) -> object:
    # A tuple with an opened file: a path would be read whole into memory.
    return files.create(file=(name, file, mime_of(name)), purpose=purpose)
