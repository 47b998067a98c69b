"""A provider in memory that keeps the port's promises and fails when told to.

It reads bodies as `net` does: block by block, the last one only when the hash agrees.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from exai_desktop.core.accounts.accounts import TransportStatus
from exai_desktop.core.copies.models import RemoteFile, RemoteStatus
from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError

BLOCK = 64 * 1024


@dataclass
class ScriptedProvider:
    transport: str = "http"
    files: dict[str, RemoteFile] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    uploads: list[str] = field(default_factory=list)
    # What the next uploads end with, in order; None goes through.
    faults: list[TransferError | None] = field(default_factory=list)
    # Stored although the answer is lost.
    lose_answers: int = 0
    list_fault: TransferError | None = None
    find_fault: TransferError | None = None
    status: RemoteStatus = RemoteStatus.READY
    block_s: float = 0.0
    # From the last byte to the moment it is stored.
    answer_s: float = 0.0
    reported_size: Callable[[int], int] = abs
    # Set when an upload has begun; uploads wait for `go` before their last block.
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    most_at_once: int = 0
    # How often `list` was asked.
    listed: int = 0
    # How often one file was asked for.
    sought: int = 0
    _at_once: int = 0
    # An id is never given out twice, whatever was deleted.
    _stored: int = 0

    def __post_init__(self) -> None:
        self.go.set()

    @property
    def transport_status(self) -> TransportStatus:
        return TransportStatus(self.transport)

    async def ready(self) -> None:
        """Always is."""

    async def upload(self, upload: Upload) -> RemoteFile:
        self.uploads.append(upload.name)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await self._upload(upload)
        finally:
            self._at_once -= 1

    async def _upload(self, upload: Upload) -> RemoteFile:
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            if fault.sent is not Sent.NOTHING:
                upload.on_left(fault.sent)
            raise fault
        body = await self._read(upload)
        if hashlib.sha256(body).hexdigest() != upload.sha256 or upload.file.has_changed():
            raise TransferError(ErrorCode.FILE_CHANGED, sent=Sent.SOME)
        await upload.may_leave(0)
        upload.on_left(Sent.ALL)
        await asyncio.sleep(self.block_s + self.answer_s)
        remote = self._store(upload, body)
        if self.lose_answers:
            self.lose_answers -= 1
            raise TransferError(ErrorCode.ANSWER_LOST, sent=Sent.ALL)
        return replace(remote, bytes=self.reported_size(remote.bytes))

    async def _read(self, upload: Upload) -> bytes:
        body = b""
        upload.on_left(Sent.SOME)
        self.begun.set()
        while len(body) < upload.file.id.size:
            body += upload.file.read_at(len(body), BLOCK)
            upload.on_bytes(len(body))
            await asyncio.sleep(self.block_s)
        await self.go.wait()
        return body

    def _store(self, upload: Upload, body: bytes) -> RemoteFile:
        self._stored += 1
        file_id = f"file-{self._stored:04d}"
        names = {f.name for f in self.files.values()}
        name = upload.name
        if name in names:
            stem, _, ending = name.rpartition(".")
            name = f"{stem} (1).{ending}"
        remote = RemoteFile(file_id, name, len(body), time.time(), upload.purpose, self.status)
        self.files[file_id] = remote
        self.bodies[file_id] = body
        return remote

    async def list(self, purpose: str) -> list[RemoteFile]:
        self.listed += 1
        if self.list_fault is not None:
            raise self.list_fault
        return [f for f in self.files.values() if f.purpose == purpose]

    async def find(self, file_id: str, purpose: str) -> RemoteFile | None:
        self.sought += 1
        if self.find_fault is not None:
            raise self.find_fault
        found = self.files.get(file_id)
        return found if found is not None and found.purpose == purpose else None

    async def delete(self, file_id: str) -> None:
        self.files.pop(file_id, None)

    async def content(self, file_id: str) -> str:
        return self.bodies[file_id].decode(errors="replace")

    async def close(self) -> None:
        pass
