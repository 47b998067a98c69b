"""Self-test: one file to the built-in servers, by each way to send."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from exai_desktop.config.resources import resource_path
from exai_desktop.self_test.run import CheckFailedError, CheckSkippedError, own_command


def upload(home: Path) -> str:
    """By our own HTTP."""
    return _sent(home, "http", "sandbox-kimi-intl")


def openai(home: Path) -> str:
    """By the SDK `openai`."""
    _require("openai")
    return _sent(home, "openai", "sandbox-kimi-intl")


def zai(home: Path) -> str:
    """By the SDK `zai`."""
    _require("zai")
    return _sent(home, "native", "sandbox-zai")


def _require(package: str) -> None:
    if find_spec(package) is not None:
        return
    if getattr(sys, "frozen", False):
        raise CheckFailedError(f"the package {package} is not part of this program")
    raise CheckSkippedError("the package extra sdk is not installed")


def _sent(home: Path, transport: str, account: str) -> str:
    sample = resource_path("samples", "report.pdf")
    row = _row(["--json", "--sandbox", "--account", account, str(sample)], transport)
    if (row.get("state"), row.get("transport")) != ("done", transport) or not row.get("file_id"):
        why = (row.get("error") or {}).get("title", "")
        raise CheckFailedError(f"{row.get('state')} by {row.get('transport')}: {why}")
    listed = home / "profile" / "sandbox" / "exai-desktop.db"
    if not listed.is_file():
        raise CheckFailedError("the upload is not on record")
    return f"{sample.name} to {account} by {transport}: {row['file_id']}"


def _row(words: Sequence[str], transport: str) -> dict[str, Any]:
    """What the command `upload` says of the one file."""
    ended = subprocess.run(  # noqa: S603 - this program itself
        [*own_command(), "upload", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=dict(os.environ) | {"EXAI_DESKTOP_TRANSPORT_ORDER": transport},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        check=False,
    )
    try:
        found = json.loads(ended.stdout)
    except ValueError:
        said = ended.stderr.decode("utf-8", "replace").strip().splitlines()
        words = said[-1:] or ["without a word"]
        raise CheckFailedError(f"exit code {ended.returncode}: {words[0]}") from None
    assert isinstance(found, dict)
    return found
