"""Child process: the engine of a real profile, and the network layer alone, by order.

Started by `benchmarks.child.running`; not for use by hand.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.accounts import renew_accounts
from benchmarks.child import answer
from benchmarks.server import PURPOSE
from exai_desktop.bootstrap import load_provider_table, open_service
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.tree import Sent
from exai_desktop.core.events import BatchFinished, Event
from exai_desktop.core.files.files import OpenFile
from exai_desktop.core.jobs.jobs import AddOptions, JobQuery, JobState
from exai_desktop.core.service import UploadService
from exai_desktop.core.settings import Settings
from exai_desktop.engine.files.open_file import open_regular
from exai_desktop.engine.waiting import GrowingThreads
from exai_desktop.storage.database import Database

if TYPE_CHECKING:
    from exai_desktop.providers.kimi import KimiProvider


class _Counts:
    """How often the record is asked and written, and threads are given something to read or do."""

    def __init__(self) -> None:
        self.now = [0, 0, 0]
        for number, (owner, name) in enumerate(
            ((Database, "read"), (Database, "write"), (GrowingThreads, "submit"))
        ):
            setattr(owner, name, self._counted(number, getattr(owner, name)))

    def _counted(self, number: int, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **named: Any) -> Any:
            self.now[number] += 1
            return call(*given, **named)

        return counted


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
        self._counts = _Counts()

    async def accounts(self, order: dict[str, Any]) -> dict[str, Any]:
        return {"names": await renew_accounts(self._service.accounts, order)}

    async def engine(self, order: dict[str, Any]) -> dict[str, Any]:
        """The whole path, from the paths to the end of all batches: one for each account."""
        start, cpu, before = time.perf_counter(), time.process_time(), [*self._counts.now]
        batches = {
            await self._service.queue.add(paths, AddOptions(account=name))
            for name, paths in order["drops"].items()
        }
        ended = await self._ends_of(batches)
        whole, used = time.perf_counter() - start, time.process_time() - cpu
        if sum(batch.done for batch in ended) != order["files"]:
            raise RuntimeError(f"not everything was sent: {ended}")
        sending = await self._sending(ended[0].batch_id) if order["files"] == 1 else 0.0
        counts = [after - first for first, after in zip(before, self._counts.now, strict=True)]
        return {"whole": whole, "cpu": used, "sending": sending, "counts": counts}

    async def _ends_of(self, batches: set[int]) -> list[BatchFinished]:
        ended: list[BatchFinished] = []
        async for event in self._events:
            if isinstance(event, BatchFinished) and event.batch_id in batches:
                ended.append(event)
                if len(ended) == len(batches):
                    return ended
        raise RuntimeError("the engine has ended")

    async def _sending(self, batch_id: int) -> float:
        """Seconds between the intent on disk and the provider's answer, of a single file."""
        page = await self._service.queue.page(JobQuery(batch_id=batch_id))
        history = (await self._service.queue.job(page.rows[0].id)).history
        at = {entry.new: entry.at for entry in history}
        return at[JobState.CONFIRMING] - at[JobState.SENDING]

    async def net(self, order: dict[str, Any]) -> dict[str, Any]:
        """One file through the network layer, its fingerprint known beforehand."""
        provider = self._provider = self._provider or _provider(order["base_url"], order["key"])
        path = Path(order["path"])
        with path.open("rb") as body:
            sha256 = hashlib.file_digest(body, "sha256").hexdigest()
        start, cpu = time.perf_counter(), time.process_time()
        file = open_regular(str(path))
        try:
            await provider.upload(_Upload(file, sha256, path.name))
        finally:
            file.close()
        return {"whole": time.perf_counter() - start, "cpu": time.process_time() - cpu}

    async def rest(self, order: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(order["seconds"])
        return {}

    async def sign_in(self, order: dict[str, Any]) -> dict[str, Any]:
        """At a project; from now on all that is recorded waits to be sent there."""
        status = await self._service.mirror.sign_in(
            order["url"], order["key"], "me@example.com", "not-a-real-password"
        )
        return {"state": status.state.value}

    async def sign_out(self, _: dict[str, Any]) -> dict[str, Any]:
        await self._service.mirror.sign_out()
        return {}

    async def close(self) -> None:
        if self._provider is not None:
            await self._provider.close()


def _provider(base_url: str, key: str) -> KimiProvider:
    # Late: it loads what speaks HTTP, and an engine without an account has none.
    from exai_desktop.providers.kimi import KimiProvider

    info = load_provider_table().provider("kimi")
    assert info is not None
    account = Account("bench", "kimi", "intl", base_url)
    readers = ThreadPoolExecutor(2, "sender")
    return KimiProvider(account, key, info, Settings.model_validate({}), readers)


async def main() -> None:
    """Carry out orders until the input ends."""
    async with open_service() as service:
        work = _Work(service, await service.events())
        orders = {
            "accounts": work.accounts,
            "engine": work.engine,
            "net": work.net,
            "rest": work.rest,
            "sign_in": work.sign_in,
            "sign_out": work.sign_out,
        }
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            answer(**await orders[order["order"]](order))
        await work.close()


if __name__ == "__main__":
    asyncio.run(main())
