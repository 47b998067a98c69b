"""The process with the sandbox's servers: one that does not start is said in words."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from exai_desktop.bootstrap import sandbox_process as module
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script of the shell")


@pytest.mark.parametrize(
    ("body", "reason"),
    [("exec sleep 600", "did not start within 0.2 seconds"), ("exit 3", "did not start")],
)
async def test_servers_that_do_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, reason: str
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    if "exec" in body:
        monkeypatch.setattr(module, "START_S", 0.2)
    with pytest.raises(EngineError, match=reason) as caught:
        async with module.sandbox_process(tmp_path / "servers") as servers:
            await servers.accounts(2)
    assert caught.value.code is ErrorCode.UNEXPECTED_ERROR
