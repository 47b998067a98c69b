"""The network layer alone, by one transport tier, in a process of its own."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]

from benchmarks.child import MIB, answer
from exai_desktop.bootstrap.opening import provider_classes
from exai_desktop.config.resources import load_provider_table
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.copies.provider import FileProvider
from exai_desktop.core.errors.tree import Sent
from exai_desktop.core.settings import Settings
from exai_desktop.engine.files.open_file import open_regular

_SAMPLE_S: Final = 0.005


class _Upload:
    block: int | None = None

    def __init__(self, path: Path, purpose: str) -> None:
        with path.open("rb") as body:
            self.sha256 = hashlib.file_digest(body, "sha256").hexdigest()
        self.file = open_regular(str(path))
        self.name = path.name
        self.purpose = purpose
        self.reports: list[tuple[float, int]] = []

    def on_bytes(self, total_sent: int) -> None:
        self.reports.append((time.perf_counter(), total_sent))

    async def may_leave(self, size: int) -> None:
        """At once."""

    def on_left(self, sent: Sent) -> None:
        del sent


class _Peak:
    """The most memory while the block runs, in MiB above its beginning."""

    def __enter__(self) -> _Peak:
        self._process = psutil.Process()
        self._before = self.most = self._process.memory_info().rss
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._over.wait(_SAMPLE_S):
            self.most = max(self.most, self._process.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def growth(self) -> float:
        return float(self.most - self._before) / MIB


async def _send(provider: FileProvider, path: str, purpose: str) -> tuple[_Upload, RemoteFile]:
    upload = _Upload(Path(path), purpose)
    try:
        return upload, await provider.upload(upload)
    finally:
        upload.file.close()


def _sdks() -> list[str]:
    return [name for name in ("openai", "zai", "httpx2") if name in sys.modules]


async def _carry_out(order: dict[str, Any]) -> dict[str, Any]:
    """A small file first: what is imported for good does not count as growth."""
    account = Account("bench", order["provider"], order["region"], order["base_url"])
    info = load_provider_table().provider(account.provider)
    assert info is not None
    settings = Settings(transport_order=order["tier"])
    with ThreadPoolExecutor(2, "sender") as senders:
        provider = provider_classes()[account.provider](
            account, order["key"], info, settings, senders
        )
        sdks_at_start = _sdks()
        cpu = time.process_time()
        await _send(provider, order["small"], order["purpose"])
        first_cpu = time.process_time() - cpu
        cpu, start = time.process_time(), time.perf_counter()
        with _Peak() as peak:
            upload, remote = await _send(provider, order["large"], order["purpose"])
        took = time.perf_counter() - start
        used = time.process_time() - cpu
        tier = provider.transport_status
        await provider.close()
    return {
        "tier": tier.name,
        "note": tier.note,
        "bytes": remote.bytes,
        "first_cpu": first_cpu,
        "cpu": used,
        "took": took,
        "growth": peak.growth,
        "reports": len(upload.reports),
        "largest_step": max(
            b - a for (_, a), (_, b) in zip(upload.reports, upload.reports[1:], strict=False)
        ),
        "sdks_at_start": sdks_at_start,
        "sdks": _sdks(),
    }


if __name__ == "__main__":
    for line in sys.stdin:
        answer(**asyncio.run(_carry_out(json.loads(line))))
