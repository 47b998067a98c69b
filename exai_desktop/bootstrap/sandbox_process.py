"""The sandbox beside the program: servers in a process of their own, so that the window's
figures are the window's, and accounts that point to them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, EngineError

# A busy computer takes long to import a web server.
START_S: Final = 60.0


_NOT_WRITTEN: Final = AccountError(ErrorCode.INVALID_ACCOUNT, "the sandbox has accounts of its own")


class SandboxBook:
    """The sandbox's accounts: they exist as long as it runs and are never written down."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._accounts = tuple(accounts)

    def load(self) -> tuple[Account, ...]:
        return self._accounts

    def put(self, account: Account, before: Account | None = None) -> None:
        raise _NOT_WRITTEN

    def remove(self, name: str) -> None:
        raise _NOT_WRITTEN


@dataclass(frozen=True, slots=True)
class SandboxAccounts:
    book: SandboxBook
    keys: tuple[tuple[Account, str], ...]


def serve_sandbox(
    port: int, store: Path | None, settings: Mapping[str, str], *, exit_with_stdin: bool
) -> None:
    """Serve in this process until a signal; see `exai-desktop sandbox serve`."""
    from pydantic import ValidationError

    from exai_desktop.sandbox import serve  # late: brings a web server

    try:
        serve.run(port, store, settings, exit_with_stdin)
    except (ValidationError, ValueError) as error:
        raise SystemExit(f"exai-desktop sandbox serve: {error}") from error


def _command(store: Path) -> list[str]:
    is_frozen = getattr(sys, "frozen", False)
    program = [sys.executable] if is_frozen else [sys.executable, "-m", "exai_desktop"]
    return [*program, "sandbox", "serve", "--with-parent", "--store", str(store)]


def _accounts(described: Mapping[str, Any], in_flight: int) -> SandboxAccounts:
    accounts, keys = [], []
    for order, row in enumerate(described["accounts"]):
        keys.append(row["key"])
        accounts.append(
            Account(
                row["name"],
                row["provider"],
                row["region"],
                row["base_url"],
                "sandbox",
                max_in_flight=in_flight,
                order=order,
            )
        )
    return SandboxAccounts(SandboxBook(accounts), tuple(zip(accounts, keys, strict=True)))


class SandboxServers:
    """A process that starts: what else there is to load and to open is done meanwhile."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def accounts(self, in_flight: int) -> SandboxAccounts:
        """Waits until it serves. Raises UNEXPECTED_ERROR."""
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), START_S)
        except TimeoutError:
            self._process.kill()
            raise EngineError(
                ErrorCode.UNEXPECTED_ERROR, f"the sandbox did not start within {START_S:g} seconds"
            ) from None
        if not line:
            raise EngineError(ErrorCode.UNEXPECTED_ERROR, "the sandbox did not start")
        return _accounts(json.loads(line), in_flight)


@asynccontextmanager
async def sandbox_process(store: Path) -> AsyncIterator[SandboxServers]:
    """Servers that live as long as this is open; they end by themselves when this process dies."""
    process = await asyncio.create_subprocess_exec(
        *_command(store), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield SandboxServers(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
