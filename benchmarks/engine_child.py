"""Child process: the engine of a real profile, and the network layer alone, by order.

Started by `benchmarks.child.running`; not for use by hand.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.child import answer
from benchmarks.server import PURPOSE
from exai_desktop.bootstrap import load_provider_table, open_service
from exai_desktop.core.accounts.accounts import Account, AccountDraft
from exai_desktop.core.errors.tree import Sent
from exai_desktop.core.events import BatchFinished, Event
from exai_desktop.core.files.ports import OpenFile
from exai_desktop.core.jobs.models import AddOptions, JobQuery
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.service import UploadService
from exai_desktop.core.settings import Settings
from exai_desktop.engine.files.open_file import open_regular
from exai_desktop.providers.kimi import KimiProvider


class _Upload:
    """`core.machine.Upload` without an engine behind it."""

    purpose = PURPOSE
    block: int | None = None

    def __init__(self, file: OpenFile, sha256: str, name: str) -> None:
        self.file = file
        self.sha256 = sha256
        self.name = name

    def on_bytes(self, total_sent: int) -> None:
        pass

    async def may_leave(self, size: int) -> None:
        """At once."""

    def on_left(self, sent: Sent) -> None:
        pass


class _Work:
    def __init__(self, service: UploadService, events: AsyncIterator[Event]) -> None:
        self._service = service
        self._events = events
        self._provider: KimiProvider | None = None

    async def account(self, order: dict[str, Any]) -> dict[str, Any]:
        url, key, lanes = order["base_url"], order["key"], order["lanes"]
        draft = AccountDraft("bench", "kimi", "intl", url, max_in_flight=lanes)
        await self._service.accounts.add(draft, key)
        info = load_provider_table().provider("kimi")
        assert info is not None
        readers = ThreadPoolExecutor(2, "sender")
        account = Account("bench", "kimi", "intl", url)
        self._provider = KimiProvider(account, key, info, Settings.model_validate({}), readers)
        return {}

    async def engine(self, order: dict[str, Any]) -> dict[str, Any]:
        """The whole path, from the paths to the end of the batch."""
        start, cpu = time.perf_counter(), time.process_time()
        batch_id = await self._service.queue.add(order["paths"], AddOptions())
        ended = await self._end_of(batch_id)
        whole, used = time.perf_counter() - start, time.process_time() - cpu
        if ended.done != order["files"]:
            raise RuntimeError(f"not everything was sent: {ended}")
        return {"whole": whole, "cpu": used, "sending": await self._sending(batch_id, order)}

    async def _end_of(self, batch_id: int) -> BatchFinished:
        async for event in self._events:
            if isinstance(event, BatchFinished) and event.batch_id == batch_id:
                return event
        raise RuntimeError("the engine has ended")

    async def _sending(self, batch_id: int, order: dict[str, Any]) -> float:
        """Seconds between the intent on disk and the provider's answer, of a single file."""
        if order["files"] != 1:
            return 0.0
        page = await self._service.queue.page(JobQuery(batch_id=batch_id))
        history = (await self._service.queue.job(page.rows[0].id)).history
        at = {entry.new: entry.at for entry in history}
        return at[JobState.CONFIRMING] - at[JobState.SENDING]

    async def net(self, order: dict[str, Any]) -> dict[str, Any]:
        """One file through the network layer, its fingerprint known beforehand."""
        assert self._provider is not None
        path = Path(order["path"])
        with path.open("rb") as body:
            sha256 = hashlib.file_digest(body, "sha256").hexdigest()
        start, cpu = time.perf_counter(), time.process_time()
        file = open_regular(str(path))
        try:
            await self._provider.upload(_Upload(file, sha256, path.name))
        finally:
            file.close()
        return {"whole": time.perf_counter() - start, "cpu": time.process_time() - cpu}

    async def close(self) -> None:
        if self._provider is not None:
            await self._provider.close()


async def main() -> None:
    """Carry out orders until the input ends."""
    async with open_service() as service:
        work = _Work(service, await service.events())
        orders = {"account": work.account, "engine": work.engine, "net": work.net}
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            answer(**await orders[order["order"]](order))
        await work.close()


if __name__ == "__main__":
    asyncio.run(main())
