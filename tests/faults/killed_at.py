"""The real program, which ends itself with kill -9 at a named step of its way.

    python -m tests.faults.killed_at STEP[:N] upload --json FILE...

The program knows nothing of it: around the function that takes the step lies another one, and
the N-th time (the first unless given) the process is gone, without a word to anybody.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Final

from exai_desktop.__main__ import main
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.jobs.store import Move
from exai_desktop.engine.files import first_look
from exai_desktop.engine.files.open_file import hash_file
from exai_desktop.engine.upload import prepare
from exai_desktop.net.file_body import FileBody
from exai_desktop.providers.glm import GlmProvider
from exai_desktop.providers.kimi import KimiProvider
from exai_desktop.storage import database
from exai_desktop.storage.record import job_transactions, jobs

# In the order of the way. "before" is within the transaction with all of it written, "after" is
# behind its commit with nobody told yet.
STEPS: Final = (
    "hash",
    "intent-before",
    "intent-after",
    "first-byte",
    "mid-body",
    "last-byte",
    "answer",
    "id-before",
    "id-after",
    "record-before",
    "record-after",
)
# The id of a small file is written together with its record.
OF_SMALL_FILES: Final = tuple(step for step in STEPS if not step.startswith("id-"))
_MOVES: Final = {
    "intent": JobState.SENDING,
    "id": JobState.CONFIRMING,
    "record": JobState.DONE,
}


class Counter:
    """Strikes at the N-th call, from whichever thread."""

    def __init__(self, nth: int) -> None:
        self._left = nth
        self._lock = threading.Lock()

    def strike(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _put(owner: object, name: str, value: object) -> None:
    setattr(owner, name, value)


def at_hash(counter: Counter) -> None:
    """While a file is read."""

    def wrapped(file: Any, on_bytes: Callable[[int], None], *others: Any) -> str:
        def noted(done: int) -> None:
            on_bytes(done)
            counter.strike()

        return hash_file(file, noted, *others)

    for module in (first_look, prepare):
        _put(module, "hash_file", wrapped)


def at_commit(counter: Counter, state: JobState, *, is_after: bool) -> None:
    written = threading.Event()

    def applied(connection: sqlite3.Connection, move: Move, trail: Any) -> Any:
        view = job_transactions.apply(connection, move, trail)
        if move.new is state:
            if not is_after:
                counter.strike()
            written.set()
        return view

    write_group = database._write_group

    def committed(connection: sqlite3.Connection, group: Sequence[Any], on_full: Any) -> None:
        write_group(connection, group, on_full)
        if written.is_set():
            written.clear()
            counter.strike()

    _put(jobs, "apply", applied)
    if is_after:
        _put(database, "_write_group", committed)


def in_body(counter: Counter, part: float) -> None:
    """When the kernel has this part of the body; 0 is its first byte."""

    async def given(body: Any) -> AsyncGenerator[bytes, None]:
        wanted, gone = max(1, int(body.length * part)), 0
        async for block in body._blocks:
            if gone < wanted <= gone + len(block):
                cut = wanted - gone
                yield block[:cut]
                # The library asks for more only when the socket has taken all so far.
                counter.strike()
                rest = block[cut:]
            else:
                rest = block
            gone += len(block)
            if rest:
                yield rest

    _put(FileBody, "__aiter__", given)


def at_answer(counter: Counter) -> None:
    for provider in (KimiProvider, GlmProvider):
        upload = provider.upload

        async def answered(self: Any, body: Any, upload: Any = upload) -> Any:
            remote = await upload(self, body)
            counter.strike()
            return remote

        _put(provider, "upload", answered)


def arm(step: str, nth: int) -> None:
    """Lay the trap. Raises for a step that does not exist: a test must never kill nobody."""
    counter = Counter(nth)
    name, _, when = step.partition("-")
    if step == "hash":
        at_hash(counter)
    elif name in _MOVES and step in STEPS:
        at_commit(counter, _MOVES[name], is_after=when == "after")
    elif step == "answer":
        at_answer(counter)
    else:
        in_body(counter, {"first-byte": 0.0, "mid-body": 0.5, "last-byte": 1.0}[step])


if __name__ == "__main__":
    wanted, _, number = sys.argv.pop(1).partition(":")
    arm(wanted, int(number or 1))
    main()
