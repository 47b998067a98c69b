"""A file that is fetched: nothing of it can be seen before all of it is there and right."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.engine.waiting import Readers


class NewFile:
    """At a full path where nothing is yet."""

    def __init__(self, path: str, readers: Readers) -> None:
        self._path = Path(path)
        self._readers = readers

    async def write(self, content: AsyncIterator[bytes], sha256: str) -> int:
        """Returns the size. Raises COPY_DAMAGED, COPY_NOT_WRITTEN; then there is no file."""
        draft = file = None
        try:
            draft, file = await self._readers.read(self._begin)
            digest, size = hashlib.sha256(), 0
            async for piece in content:
                await self._readers.read(file.write, piece)
                await self._readers.read(digest.update, piece)
                size += len(piece)
            if digest.hexdigest() != sha256:
                raise EngineError(ErrorCode.COPY_DAMAGED, "its fingerprint is another one")
            await self._readers.read(self._finish, draft, file)
        except OSError as error:
            raise EngineError(ErrorCode.COPY_NOT_WRITTEN, error.strerror or "") from error
        finally:
            if file is not None and draft is not None:
                file.close()
                with suppress(OSError):
                    draft.unlink()
        return size

    def _begin(self) -> tuple[Path, BinaryIO]:
        """Beside its place: a rename cannot leave the disk. Readable for its owner only."""
        self._check_free()
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        return Path(name), os.fdopen(descriptor, "wb")

    def _check_free(self) -> None:
        if not self._path.is_absolute():
            raise EngineError(ErrorCode.COPY_NOT_WRITTEN, "it is not a full path")
        if os.path.lexists(self._path):
            raise EngineError(ErrorCode.COPY_NOT_WRITTEN, "there is a file of this name already")

    def _finish(self, draft: Path, file: BinaryIO) -> None:
        file.flush()
        os.fsync(file.fileno())
        file.close()
        self._check_free()
        draft.replace(self._path)
