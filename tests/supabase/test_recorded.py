"""The servers of these tests answer as was recorded from the real ones; `make live` asks those."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from . import recorded
from .data_api import PASSWORD, PUBLISHABLE, DataApi
from .project import Project, new_id
from .recorded import TABLE, RealProject, Row

LIVE = "tests/live/test_supabase.py"


@pytest.fixture
def real(served: tuple[Project, DataApi]) -> Iterator[RealProject]:
    email = f"recorded-{new_id()}@example.com"
    assert served[1].sign_up(email).status_code == 200
    with httpx.Client(base_url=served[1].http.base_url, timeout=120) as http:
        project = RealProject(http, PUBLISHABLE, email, PASSWORD)
        project.sign_in()
        yield project


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.what)
def test_what_is_answered(real: RealProject, row: Row) -> None:
    recorded.check(real, row)


def test_the_refresh_of_a_session(real: RealProject) -> None:
    recorded.refresh_turns(real)


def test_a_copy_in_pieces(real: RealProject) -> None:
    recorded.a_copy_comes_in_pieces(real)


def test_the_end_of_a_session(real: RealProject) -> None:
    recorded.the_end_of_a_session(real)


def test_a_real_project_is_asked_the_same(real: RealProject) -> None:
    """By `make live`, with the project, key and user of whoever runs it."""
    clean = {n: v for n, v in os.environ.items() if not n.startswith("EXAI_DESKTOP_")}
    given = {"URL": str(real.http.base_url), "KEY": real.key, "EMAIL": real.email}
    given |= {"PASSWORD": real.password}
    live = {f"EXAI_DESKTOP_LIVE_SUPABASE_{name}": value for name, value in given.items()}
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-m",
            "live",
            "tests/live/test_supabase.py",
            "-p",
            "no:cacheprovider",
        ],
        cwd=Path(__file__).parents[2],
        env=clean | live,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    assert f"{len(TABLE) + 3} passed" in ended.stdout
    assert real.password not in ended.stdout + ended.stderr
