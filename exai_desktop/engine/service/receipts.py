"""Receipts for users: from the record's sums, as text in pieces, or as a file."""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from exai_desktop.core.accounts.secret_store import variable_of
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.jobs.reasons import ReasonGroup, largest_first
from exai_desktop.core.jobs.receipt_forms import AccountAddress, written
from exai_desktop.core.jobs.receipts import (
    BatchInfo,
    Receipt,
    ReceiptForm,
    ReceiptPlace,
    ReceiptScope,
    ReceiptStore,
    ReceiptSum,
    ReceiptText,
)
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.waiting import Readers

S = JobState

# Of so many files a piece of text is made at once.
AT_ONCE: Final = 2_000
# These wait for the user; all others that are not final go on by themselves.
_STAYS: Final = frozenset({S.HELD, S.NEEDS_REVIEW})
_GOOD: Final = frozenset({S.DONE, S.DUPLICATE})


class Receipts:
    """Meets `core.jobs.receipts.ReceiptService`."""

    def __init__(self, store: ReceiptStore, accounts: Accounts, readers: Readers) -> None:
        self._store = store
        self._accounts = accounts
        self._readers = readers

    async def batches(self, most: int) -> list[BatchInfo]:
        return await self._store.batches(most)

    async def reasons(self) -> list[ReasonGroup]:
        return await self._store.reasons()

    async def receipt(self, scope: ReceiptScope) -> Receipt:
        scope = await self._settled(scope)
        sums = await self._store.sums(scope)
        going = sum(one.files for one in sums if _goes_on(one))
        return Receipt(
            batch=scope.batch,
            began_at=min((one.first_at for one in sums), default=0.0),
            ended_at=None if going else max((one.last_at for one in sums), default=0.0),
            files=sum(one.files for one in sums),
            sharing=await self._store.sharing(scope),
            open=going,
            places=self._places(sums),
            missing=_missing(sums),
        )

    async def _settled(self, scope: ReceiptScope) -> ReceiptScope:
        """The newest batch by its number: a newer one may begin while somebody reads on."""
        if scope != ReceiptScope():
            return scope
        newest = await self._store.batches(1)
        if not newest:
            raise EngineError(ErrorCode.UNKNOWN_BATCH, "nothing was added yet")
        return ReceiptScope(batch=newest[0].id)

    def _places(self, sums: Iterable[ReceiptSum]) -> tuple[ReceiptPlace, ...]:
        found: dict[str, ReceiptPlace] = {}
        for one in sums:
            if not _has_id(one):
                continue
            name, provider = one.account or "", one.provider or ""
            place = found.get(name) or ReceiptPlace(
                name, provider, self._company(name, provider), 0, 0, 0
            )
            is_new = one.state is S.DONE
            found[name] = replace(
                place,
                sent=place.sent + one.files * is_new,
                reused=place.reused + one.files * (not is_new),
                bytes=place.bytes + one.bytes * is_new,
            )
        return tuple(sorted(found.values(), key=lambda place: (-place.files, place.account)))

    def _company(self, account: str, provider: str) -> str:
        """For people; of an account that is gone, the company without its region."""
        info = self._accounts.table.provider(provider)
        if info is None:
            return provider
        known = next((a for a in self._accounts.all() if a.name == account), None)
        region = None if known is None else info.region(known.region)
        return f"{info.title}, {region.title}" if region else info.title

    async def text(
        self, scope: ReceiptScope, form: ReceiptForm, after: int = 0, most: int | None = None
    ) -> ReceiptText:
        limit = AT_ONCE if most is None else max(1, min(most, AT_ONCE))
        # One more tells whether there is a next piece.
        rows = await self._store.rows(scope, after, limit + 1, with_id=not form.is_complete)
        is_last = len(rows) <= limit
        rows = rows[:limit]
        head = await self.receipt(scope) if not after else None
        text = written(form, rows, self.addresses(), head=head, is_last=is_last)
        return ReceiptText(text, len(rows), None if is_last else rows[-1].id)

    def addresses(self) -> dict[str, AccountAddress]:
        """Of all accounts, for texts with their files."""
        found = {}
        accounts = self._accounts.all()
        uses = Counter(variable_of(account.name) for account in accounts)
        for account in accounts:
            try:
                info = self._accounts.table.of(account)
            except AppError:
                info = None  # its purposes make no sense; the IDs are good all the same
            texts = {p.name for p in info.purposes if p.gives_text} if info else set()
            usual = variable_of(account.name)
            is_shared = uses[usual] > 1
            found[account.name] = AccountAddress(
                account.base_url,
                _own_variable(account.name) if is_shared else usual,
                frozenset(texts),
                usual if is_shared else "",
            )
        return found

    async def save(self, scope: ReceiptScope, form: ReceiptForm, file: str) -> int:
        target = whole_path(file)
        scope = await self._settled(scope)
        return await self.write(target, self._pieces(scope, form))

    async def write(self, target: Path, pieces: AsyncIterator[ReceiptText]) -> int:
        """All pieces into this file, or nothing. Raises RECEIPT_NOT_WRITTEN."""
        draft = _Draft(target)
        files = 0
        try:
            await self._readers.read(draft.open)
            async for piece in pieces:
                await self._readers.read(draft.write, piece.text)
                files += piece.files
            await self._readers.read(draft.put_in_place)
        except OSError as error:
            raise _not_written(str(target), error.strerror or str(error)) from error
        finally:
            await self._readers.read(draft.drop)
        return files

    async def _pieces(self, scope: ReceiptScope, form: ReceiptForm) -> AsyncIterator[ReceiptText]:
        after: int | None = 0
        while after is not None:
            piece = await self.text(scope, form, after)
            yield piece
            after = piece.last


def whole_path(file: str) -> Path:
    """Raises RECEIPT_NOT_WRITTEN: the process that carries it out has another working folder than
    the one that asks."""
    target = Path(file)
    if not target.is_absolute():
        raise _not_written(file, "not a whole path")
    return target


def _own_variable(account: str) -> str:
    """Where the usual one would give the key of one account to the company of another. The number
    is made of the whole name: it stays when other accounts come and go between two pieces."""
    number = int.from_bytes(hashlib.sha256(account.encode(errors="backslashreplace")).digest()[:6])
    return f"{variable_of(account)}_{number}"


def _not_written(file: str, why: str) -> EngineError:
    return EngineError(ErrorCode.RECEIPT_NOT_WRITTEN, f"{file}: {why}")


def _has_id(one: ReceiptSum) -> bool:
    return one.state in _GOOD and one.error_code is None


def _goes_on(one: ReceiptSum) -> bool:
    return not one.state.is_final and one.state not in _STAYS


def _missing(sums: Iterable[ReceiptSum]) -> tuple[ReasonGroup, ...]:
    """What is settled, or waits for the user, without an ID that works."""
    found: dict[tuple[JobState, str], ReasonGroup] = {}
    for one in sums:
        if _has_id(one) or _goes_on(one):
            continue
        key = (one.state, one.error_code or "")
        group = found.get(key) or ReasonGroup(*key, 0, 0, one.example)
        found[key] = replace(group, files=group.files + one.files, bytes=group.bytes + one.bytes)
    return largest_first(found.values())


class _Draft:
    """A file beside the one that is meant, until it is whole. Every method blocks. Whoever is
    cancelled drops it while another thread may still be in one of the others."""

    def __init__(self, target: Path) -> None:
        self._lock = threading.Lock()
        self._is_dropped = False
        self._asked = target
        self._target = target
        self._draft = target
        self._stream: int | None = None

    def open(self) -> None:
        """Raises OSError; what is no regular file is never replaced."""
        with self._lock:
            if self._is_dropped:
                return
            self._target = self._asked.resolve()
            if self._target.exists() and not self._target.is_file():
                raise OSError(0, "this is not a regular file")
            self._draft = self._target.with_name(f".{secrets.token_hex(8)}.part")
            # The text has the ends of lines that it shall have.
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            self._stream = os.open(self._draft, flags, 0o600)

    def write(self, text: str) -> None:
        with self._lock:
            if self._stream is None:
                return
            left = memoryview(text.encode("utf-8", errors="backslashreplace"))
            while left:
                left = left[os.write(self._stream, left) :]

    def put_in_place(self) -> None:
        with self._lock:
            if self._stream is None:
                return
            os.fsync(self._stream)
            os.close(self._stream)
            self._stream = None
            self._draft.replace(self._target)

    def drop(self) -> None:
        """What is left of one that was not finished; nothing, if it was."""
        with self._lock:
            self._is_dropped = True
            if self._draft == self._target:
                return
            if self._stream is not None:
                os.close(self._stream)
                self._stream = None
            with suppress(OSError):
                self._draft.unlink()
