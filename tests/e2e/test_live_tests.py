"""The live tests, against servers on this computer: they pass, clean up, and can fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from .server import KIMI, Server

ROOT = Path(__file__).parents[2]
LEFT_BEHIND = "exai-desktop live test of last week.txt"


def run_live(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    clean = {n: v for n, v in os.environ.items() if not n.startswith("EXAI_DESKTOP_")}
    command = [sys.executable, "-m", "pytest", "-m", "live", "tests/live", "-p", "no:cacheprovider"]
    return subprocess.run(
        command, cwd=ROOT, env=clean | environment, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip


@pytest.fixture
def keys(sandbox: Server) -> dict[str, str]:
    found = {}
    for provider, flavour in (("KIMI", KIMI), ("GLM", "zai")):
        found[f"EXAI_DESKTOP_LIVE_{provider}_KEY"] = sandbox.key(flavour)
        found[f"EXAI_DESKTOP_LIVE_{provider}_URL"] = sandbox.url(flavour)
    return found


def test_they_pass_clean_up_and_show_no_key(sandbox: Server, keys: dict[str, str]) -> None:
    httpx.post(
        f"{sandbox.url(KIMI)}/files",
        headers={"Authorization": f"Bearer {sandbox.key(KIMI)}"},
        files={"file": (LEFT_BEHIND, b"broken off")},
        data={"purpose": "file-extract"},
    ).raise_for_status()
    ended = run_live(keys)
    assert ended.returncode == 0, ended.stdout
    assert "6 passed" in ended.stdout
    stored = sandbox.stored()
    assert len(stored) == 6
    assert all(file["deleted"] for file in stored)
    said = ended.stdout + ended.stderr
    assert not [key for key in sandbox.keys if key in said]


def test_they_fail_where_the_provider_does(sandbox: Server, keys: dict[str, str]) -> None:
    sandbox.faults({"kind": "wrong_size", "method": "POST"})
    ended = run_live({n: v for n, v in keys.items() if "KIMI" in n})
    assert ended.returncode == 1
    assert "2 failed" in ended.stdout
    assert all(file["deleted"] for file in sandbox.stored())
    assert not [key for key in sandbox.keys if key in ended.stdout + ended.stderr]


def test_without_a_key_they_say_which_to_give() -> None:
    ended = run_live({})
    assert ended.returncode == 1
    assert "EXAI_DESKTOP_LIVE_KIMI_KEY" in ended.stdout
