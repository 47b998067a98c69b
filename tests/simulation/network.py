"""Two providers in memory: they store at once, late or never, and answer or not."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from exai_desktop.core.accounts.accounts import TransportStatus
from exai_desktop.core.copies.models import RemoteFile, RemoteStatus
from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode as E
from exai_desktop.core.errors.tree import Sent, TransferError

from .clock import MachineClock
from .user_files import SimulatedFile

BLOCK = 64
BLOCK_S = 0.05
ANSWER_S = 0.2

# The settle time of the simulated engine, and what a provider needs at most to store and list.
SETTLE_S = 60.0
LATE_S = 40.0
LAG_S = 15.0


class Fate(StrEnum):
    """What becomes of one upload."""

    STORED = "stored"
    STORED_SLOWLY = "stored slowly"
    STILL_READING = "stored, and read for a while"
    LOST_STORED = "stored, the answer is lost"
    LOST_LATE = "stored late, the answer is lost"
    LOST_NEVER = "not stored, the answer is lost"
    LOST_TOO_LATE = "stored after the settle time, the answer is lost"
    BUSY_STORED = "stored, but the answer is 503"
    BUSY = "503, not stored"
    REFUSED = "refused"
    BAD_KEY = "401"
    NO_CREDIT = "no credit"
    THROTTLED = "429"
    OFFLINE = "no connection"
    CUT = "the connection breaks before the end of the body"
    CUT_STORED = "the same, and the provider keeps what has come"


_STORES_AFTER = {
    Fate.STORED: 0.1,
    Fate.STORED_SLOWLY: 20.0,
    Fate.STILL_READING: 0.1,
    Fate.LOST_STORED: 0.1,
    Fate.LOST_LATE: LATE_S,
    Fate.LOST_TOO_LATE: 5 * SETTLE_S,
    Fate.BUSY_STORED: 0.1,
}
_ANSWERS = {
    Fate.LOST_STORED: (E.ANSWER_LOST, None),
    Fate.LOST_LATE: (E.TIMEOUT, None),
    Fate.LOST_NEVER: (E.NETWORK_ERROR, None),
    Fate.LOST_TOO_LATE: (E.ANSWER_LOST, None),
    Fate.BUSY_STORED: (E.PROVIDER_UNAVAILABLE, 503),
    Fate.BUSY: (E.PROVIDER_UNAVAILABLE, 503),
    Fate.REFUSED: (E.PROVIDER_REJECTED, 400),
}
_CUTS = (Fate.CUT, Fate.CUT_STORED)
_AT_ONCE = {
    Fate.BAD_KEY: (E.AUTH_FAILED, 401),
    Fate.NO_CREDIT: (E.BALANCE_EXHAUSTED, 429),
    Fate.THROTTLED: (E.RATE_LIMITED, 429),
    Fate.OFFLINE: (E.OFFLINE, None),
}


@dataclass
class Stored:
    remote: RemoteFile
    sha256: str
    stored_at: float
    ready_at: float
    # Somebody's else, too late, or perhaps deleted: a second one of this content is no fault.
    excused: bool = False
    deleted: bool = False


class Provider:
    """A provider's side of one account."""

    def __init__(
        self, name: str, clock: MachineClock, broken: Callable[[str], None], *, renames: bool
    ) -> None:
        self.name = name
        self._clock = clock
        self.broken = broken
        self._renames = renames
        self.files: dict[str, Stored] = {}
        self.fates: deque[Fate] = deque()
        # What becomes of an upload for which nothing was said.
        self.fate_by_chance: Callable[[], Fate] = lambda: Fate.STORED
        self.list_error: E | None = None
        self.list_lag_s = 0.0
        self.delete_error: E | None = None
        # On its way into the store, after the last byte.
        self.arriving = 0

    def clear_up(self) -> None:
        """All faults end."""
        self.fates.clear()
        self.fate_by_chance = lambda: Fate.STORED
        self.list_error = self.delete_error = None
        self.list_lag_s = 0.0

    def accept(self, upload: Upload, body: bytes, fate: Fate) -> asyncio.Future[Stored] | None:
        """The last byte has come: from here on the client does not matter."""
        after_s = _STORES_AFTER.get(fate)
        if after_s is None:
            return None
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[Stored] = loop.create_future()
        self.arriving += 1
        loop.call_later(after_s, self._arrive, upload.name, upload.purpose, body, fate, stored)
        return stored

    def _arrive(
        self, name: str, purpose: str, body: bytes, fate: Fate, stored: asyncio.Future[Stored]
    ) -> None:
        self.arriving -= 1
        reading_s = 30.0 if fate is Fate.STILL_READING else 0.0
        file = self.store(name, purpose, body, reading_s=reading_s)
        file.excused = fate is Fate.LOST_TOO_LATE
        twins = [
            other.remote.id
            for other in self.files.values()
            if other.sha256 == file.sha256
            and other.remote.purpose == purpose
            and not (other.deleted or other.excused)
        ]
        if len(twins) > 1:
            self.broken(f"P2: the same content is at {self.name} as {' and '.join(twins)}")
        if not stored.done():
            stored.set_result(file)

    def store(
        self, name: str, purpose: str, body: bytes, *, reading_s: float = 0.0, age_s: float = 0.0
    ) -> Stored:
        now = self._clock.true_time() - age_s
        taken = {f.remote.name for f in self.files.values() if not f.deleted}
        if self._renames and name in taken:
            stem, _, ending = name.rpartition(".")
            number = next(n for n in range(1, 99) if f"{stem}({n}).{ending}" not in taken)
            name = f"{stem}({number}).{ending}"
        remote = RemoteFile(
            f"{self.name}-{len(self.files) + 1:03d}", name, len(body), math.floor(now), purpose
        )
        file = Stored(remote, hashlib.sha256(body).hexdigest(), now, now + reading_s)
        self.files[remote.id] = file
        return file

    def seen(self, file: Stored) -> RemoteFile:
        is_ready = self._clock.true_time() >= file.ready_at
        return replace(file.remote, status=RemoteStatus.READY if is_ready else RemoteStatus.PENDING)


class Client:
    """A `FileProvider` like the real ones: the last block only for right bytes."""

    transport = "http"
    guards = True

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._is_told = False

    @property
    def clock_offset_s(self) -> float | None:
        """As the real ones: by a clock that nobody sets."""
        return -self._provider._clock.off_s if self._is_told else None

    def _answered(self) -> None:
        self._is_told = True

    @property
    def transport_status(self) -> TransportStatus:
        return TransportStatus(self.transport)

    async def ready(self) -> None:
        """Always is."""

    async def upload(self, upload: Upload) -> RemoteFile:
        fates = self._provider.fates
        fate = fates.popleft() if fates else self._provider.fate_by_chance()
        if fate in _AT_ONCE:
            await asyncio.sleep(ANSWER_S)
            code, status = _AT_ONCE[fate]
            retry_after = 30.0 if fate is Fate.THROTTLED else None
            raise TransferError(code, fate, status=status, retry_after=retry_after)
        body = await self._read(upload, fate)
        stored = self._provider.accept(upload, body, fate)
        if fate in _ANSWERS:
            await asyncio.sleep(ANSWER_S)
            code, status = _ANSWERS[fate]
            raise TransferError(code, fate, sent=Sent.ALL, status=status)
        assert stored is not None
        there = await stored
        self._answered()
        return self._provider.seen(there)

    async def _read(self, upload: Upload, fate: Fate) -> bytes:
        upload.on_left(Sent.SOME)
        body = b""
        size = upload.file.id.size
        while True:
            body += upload.file.read_at(len(body), min(BLOCK, size - len(body)))
            await asyncio.sleep(BLOCK_S)
            upload.on_bytes(len(body))
            if fate in _CUTS and len(body) >= size // 2:
                if fate is Fate.CUT_STORED:
                    kept = self._provider.store(upload.name, upload.purpose, body[: size // 2])
                    kept.excused = True
                raise TransferError(E.UPLOAD_CUT, fate, sent=Sent.SOME)
            if len(body) >= size or upload.file.has_changed():
                break
        is_wrong = hashlib.sha256(body).hexdigest() != upload.sha256
        if self.guards and (is_wrong or upload.file.has_changed()):
            raise TransferError(E.FILE_CHANGED, "the last block stays here", sent=Sent.SOME)
        assert isinstance(upload.file, SimulatedFile)
        if upload.file.hash_now() != upload.sha256:
            self._provider.broken(f"P4: {upload.name} was sent although it had changed")
        upload.on_left(Sent.ALL)
        return body

    async def list(self, purpose: str) -> list[RemoteFile]:
        await asyncio.sleep(ANSWER_S)
        provider = self._provider
        if provider.list_error is not None:
            status = 404 if provider.list_error is E.NOT_SUPPORTED else None
            raise TransferError(provider.list_error, "the list", status=status)
        self._answered()
        until = provider._clock.true_time() - provider.list_lag_s
        return [
            provider.seen(f)
            for f in provider.files.values()
            if f.remote.purpose == purpose and not f.deleted and f.stored_at <= until
        ]

    async def find(self, file_id: str, purpose: str) -> RemoteFile | None:
        await asyncio.sleep(ANSWER_S)
        if self._provider.list_error is E.NETWORK_ERROR:
            raise TransferError(E.NETWORK_ERROR, "one file")
        self._answered()
        file = self._provider.files.get(file_id)
        if file is None or file.deleted or file.remote.purpose != purpose:
            return None
        return self._provider.seen(file)

    async def delete(self, file_id: str) -> None:
        file = self._provider.files.get(file_id)
        if file is not None:
            file.excused = True  # cut off by a crash, nobody knows whether it is gone
        await asyncio.sleep(ANSWER_S)
        error = self._provider.delete_error
        if file is not None and error is not None:
            raise TransferError(error, "deleting", sent=Sent.ALL)
        if file is not None:
            file.deleted = True

    async def content(self, file_id: str) -> str:
        return self._provider.files[file_id].sha256

    async def close(self) -> None:
        pass
