"""Judging an open file by its content: the one place where a parser may fail."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.files.files import OpenFile
from exai_desktop.core.sniff import (
    Content,
    Damage,
    Finding,
    Note,
    Source,
    Verdict,
    sniff,
    verdict_of,
)
from exai_desktop.engine.files.guarded_process import without_idle_password
from exai_desktop.engine.files.open_file import RegularFile
from exai_desktop.engine.waiting import Readers, uninterrupted

log = logging.getLogger(__name__)

BUDGET_S: Final = 2.0


def inspect(file: OpenFile, path: str, budget_s: float = BUDGET_S) -> Verdict:
    """Judge in a reader thread, through the descriptor that is hashed and sent.

    Raises only the `FileError` of a disk that cannot be read. Whatever a parser does, the answer
    is the verdict `unreadable`, and unreadable files are refused.
    """
    deadline = time.monotonic() + budget_s

    def read_at(offset: int, size: int) -> bytes:
        if time.monotonic() > deadline:
            raise Damage("checking its content took too long")
        return file.read_at(offset, size)

    try:
        return sniff(Source(read_at, file.id.size), path, legacy_encoding)
    except FileError:
        raise
    except Damage as error:
        return _unreadable(str(error), path)
    except Exception as error:  # noqa: BLE001 - hostile files find what nobody thought of
        # The class only: a message or a trace could quote the file.
        log.warning("judging a file failed: %s", type(error).__name__)
        return _unreadable("its content could not be checked", path)


def _unreadable(why: str, path: str) -> Verdict:
    return verdict_of(Content("unreadable", (Finding(Note.UNREADABLE, why),)), path)


def legacy_encoding(sample: bytes) -> str | None:
    """The encoding of text that is neither UTF-8 nor UTF-16, None when it is no text."""
    from charset_normalizer import from_bytes  # only such files need it

    # A sample may end within a character of up to four bytes; that alone makes it no binary.
    for missing in range(4):
        try:
            best = from_bytes(
                sample[: len(sample) - missing], steps=5, chunk_size=512, threshold=0.2
            ).best()
        except Exception as error:  # noqa: BLE001 - a guess: without one it is no text
            log.warning("guessing an encoding failed: %s", type(error).__name__)
            return None
        if best is not None:
            return best.encoding
    return None


class ContentCheck:
    """The verdict on an open file. `at_once`: each guarded child may take 1 GiB."""

    def __init__(self, readers: Readers, at_once: int = 2) -> None:
        self._readers = readers
        self._turn = asyncio.Semaphore(at_once)

    async def judge(self, file: RegularFile, path: str) -> Verdict:
        """Raises only the `FileError` of a disk that cannot be read."""
        # To its end even when cancelled: the descriptor must not be closed under the reader.
        verdict = await uninterrupted(self._readers.read(inspect, file, path))
        return await without_idle_password(verdict, file, self._turn)
