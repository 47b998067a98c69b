"""Commands of the window to the engine, as awaitables of the window's own loop."""

from __future__ import annotations

from collections.abc import Iterable

from exai_desktop.core.jobs.models import JobQuery
from exai_desktop.core.service import UploadService, method_of, proxy
from exai_desktop.gui.engine.thread import EngineStoppedError, EngineThread


class EngineClient:
    """`UploadService` without its events, for the window's thread.

    The engine behind it can be exchanged (sandbox and back); without one each call raises
    `EngineStoppedError`.
    """

    def __init__(self) -> None:
        self._thread: EngineThread | None = None
        calls = proxy(self._call)
        self.queue = calls.queue
        self.files = calls.files
        self.accounts = calls.accounts
        self.audit = calls.audit
        self.settings = calls.settings
        self.facts = calls.facts

    async def entries_of(self, files: Iterable[tuple[str, str]]) -> int:
        """How many files of the list have one of these ids; each is an account and an id there."""
        pages = [await self.queue.page(JobQuery(file=file, limit=1)) for file in set(files)]
        return sum(page.total for page in pages)

    def use(self, thread: EngineThread | None) -> None:
        """Talk to this engine from now on; None: to none."""
        self._thread = thread

    async def _call(self, method: str, *args: object, **kwargs: object) -> object:
        if self._thread is None:
            raise EngineStoppedError

        async def carry_out(service: UploadService) -> object:
            return await method_of(service, method)(*args, **kwargs)

        return await self._thread.submit(carry_out)
