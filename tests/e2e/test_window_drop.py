"""A stranger opens the window and drops the samples on it with the mouse."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .processes import eventually
from .screen import Screen, virtual_screen

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "resources" / "samples"
FINAL = {"done", "duplicate", "refused", "failed", "cancelled"}


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    with virtual_screen() as shown:
        yield shown


def _environment(screen: Screen, home: Path) -> dict[str, str]:
    return os.environ | screen.environment | {"EXAI_DESKTOP_HOME": str(home)}


def _rows(environment: dict[str, str]) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "exai_desktop", "list", "--json", "--sandbox"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _until_all_final(environment: dict[str, str], count: int) -> list[dict[str, Any]]:
    end = time.monotonic() + 200
    rows: list[dict[str, Any]] = []
    while time.monotonic() < end:
        rows = _rows(environment)
        if len(rows) == count and all(row["state"] in FINAL for row in rows):
            return rows
        time.sleep(0.3)
    raise AssertionError(f"not settled: {[(r['path'], r['state']) for r in rows]}")


def _drop_until_taken(screen: Screen, environment: dict[str, str]) -> None:
    """As a hand does: on a busy machine a drop may come before the window has said it takes it."""
    for _ in range(3):
        screen.drag((1350, 450), (600, 450))
        if eventually(lambda: bool(_rows(environment)), 40, 0.3):
            return
    raise AssertionError("nothing was taken")


def test_samples_dropped_with_the_mouse_end_in_truthful_states(
    screen: Screen, tmp_path: Path, profile_home: Path
) -> None:
    folder = tmp_path / "Documents"
    shutil.copytree(SAMPLES, folder)
    environment = _environment(screen, profile_home)
    window = subprocess.Popen(
        [sys.executable, "-m", "exai_desktop", "--sandbox"], env=environment, stderr=subprocess.PIPE
    )
    paths = sorted(map(str, folder.iterdir()))
    source = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("drag_source.py")), "1300", "400", *paths],
        env=environment,
        stdout=subprocess.PIPE,
    )
    try:
        number = screen.find("EXAI Desktop")
        screen.xdotool("windowsize", number, 1200, 800)
        screen.xdotool("windowmove", number, 20, 40)
        screen.find("Drag source")
        # The engine of the window answers: only then is the sandbox there.
        _until_all_final(environment, 0)
        _drop_until_taken(screen, environment)
        rows = _until_all_final(environment, len(paths))
        screen.picture(tmp_path / "window.png")
        window.send_signal(signal.SIGTERM)
        assert window.wait(60) == 0
    finally:
        for process in (source, window):
            process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
    states = {Path(row["path"]).name: row["state"] for row in rows}
    refused = {name for name, state in states.items() if state == "refused"}
    assert refused >= {"empty.txt", "archive.zip"}
    assert all(row["file_id"] for row in rows if row["state"] == "done")
    assert all(row["error"]["hint"] for row in rows if row["state"] == "refused")
    assert sum(state == "done" for state in states.values()) >= len(paths) - 3
