"""The SDK tiers: threads, the late import, the self-test, and the two SDKs."""

from __future__ import annotations

import asyncio
import io
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, Final

from exai_desktop.core.copies.provider import Upload
from exai_desktop.net.account_client import AccountClient, Answer
from exai_desktop.net.file_body import mime_of
from exai_desktop.net.sdk_call import SdkCall, SdkUnusableError, SelfTestTransport, sync_client
from exai_desktop.providers.tiers.tier import Question, TierUnavailableError

# Each call of an SDK holds a thread until its answer: 64 lanes at most, and some for questions.
_THREADS: Final = 68
_TEST_CONTENT: Final = b"content of the self-test"
_TEST_PURPOSE: Final = "self-test-purpose"


class SdkTier(ABC):
    """`name` is the tier's name in the settings, `package` what to install for it."""

    name: str
    package: str

    def __init__(self, client: AccountClient, key: str, readers: Executor) -> None:
        self._client = client
        self._key = key
        self._readers = readers
        self._pool: ThreadPoolExecutor | None = None
        self._is_ready = False

    @abstractmethod
    def _files(self, http_client: Any) -> Any:
        """The SDK's `files` object, which uses our `http_client`. Imports the SDK."""

    @abstractmethod
    def _ask(self, files: Any, question: Question) -> object:
        """Call the SDK's method for this question."""

    def _options(self, http_client: Any) -> dict[str, Any]:
        """What the client class of each SDK takes."""
        return {
            "api_key": self._key,
            "base_url": str(self._client.base_url),
            "http_client": http_client,
            "max_retries": 0,
        }

    @property
    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS, f"sdk-{self.name}")
        return self._pool

    async def ready(self) -> None:
        if self._is_ready:
            return
        # The import takes seconds and holds the interpreter's lock: never in the event loop.
        loop = asyncio.get_running_loop()
        trouble = await loop.run_in_executor(self._threads, self._self_test)
        if trouble:
            raise TierUnavailableError(trouble)
        self._is_ready = True

    def _self_test(self) -> str:
        """Why an upload cannot be made with this SDK; empty when it can."""
        transport = SelfTestTransport()
        try:
            with sync_client(self._client, transport) as http_client:
                files = self._files(http_client)
                _create(files, "a.txt", io.BytesIO(_TEST_CONTENT), _TEST_PURPOSE)
        except ImportError:
            return f"{self.package} is not installed"
        except Exception as error:  # noqa: BLE001 - an SDK may raise anything
            return f"{self.package} cannot be used: {type(error).__name__}"
        want = ("POST", f"{str(self._client.base_url).rstrip('/')}/files")
        for method, url, body in transport.requests:
            if (method, url) == want and _TEST_CONTENT in body and _TEST_PURPOSE.encode() in body:
                return ""
        return f"{self.package} makes another request than it should"

    async def upload(self, upload: Upload, purpose: str) -> Answer:
        call = SdkCall(self._client, self._readers, upload)
        return await self._run(call, lambda files: _create(files, upload.name, call.file, purpose))

    async def ask(self, question: Question) -> Answer:
        call = SdkCall(self._client, self._readers)
        return await self._run(call, lambda files: self._ask(files, question))

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
    # A tuple with an opened file: given a path, the SDK would read the whole file into memory.
    return files.create(file=(name, file, mime_of(name)), purpose=purpose)


class OpenAiTier(SdkTier):
    """For every provider with OpenAI's files API."""

    name = "openai"
    package = "openai"

    def _files(self, http_client: Any) -> Any:
        import openai  # late: more than a second

        # The SDK reads settings (organization, headers) from the environment; `net` drops them.
        return openai.OpenAI(**self._options(http_client)).files

    def _ask(self, files: Any, question: Question) -> object:
        if question.verb == "list":
            return files.list(extra_query=dict(question.params))
        if question.verb == "find":
            return files.retrieve(question.file_id)
        if question.verb == "delete":
            return files.delete(question.file_id)
        return files.content(question.file_id)


class ZaiTier(SdkTier):
    """The SDK of GLM's company, for both of GLM's hosts."""

    name = "native"
    package = "zai-sdk"

    def _files(self, http_client: Any) -> Any:
        import zai  # late: half a second

        return zai.ZaiClient(**self._options(http_client)).files

    def _ask(self, files: Any, question: Question) -> object:
        if question.verb == "list":
            return files.list(**question.params)
        if question.verb == "delete":
            return files.delete(question.file_id)
        if question.verb == "content":
            return files.content(question.file_id)
        raise TierUnavailableError("zai-sdk has no question for one file")
