"""One sandbox server for a session, fresh for each test; the program in a profile of its own."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import keyring_has_ended, restart_keyring

from .program import Program
from .server import Server, serving

__all__ = ["interruptible", "program", "sandbox", "sandbox_process"]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A test run in the background ignores Ctrl+C, and its children would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def sandbox_process(
    _private_desktop: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The server process, started once."""
    with serving(tmp_path_factory.mktemp("sandbox-store")) as server:
        yield server


@pytest.fixture
def sandbox(sandbox_process: Server) -> Server:
    """A running sandbox as fresh as at its start."""
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def program(profile_home: Path, secret_service: dict[str, str]) -> Iterator[Program]:
    """The program with an empty profile and a real keyring."""
    if keyring_has_ended(secret_service):
        restart_keyring(secret_service)
    running = Program(profile_home, secret_service)
    running.has_lost_its_keyring = lambda: keyring_has_ended(secret_service)
    # Other tests' programs, on the sandbox's accounts as well, are none of this user's.
    running.environment["XDG_STATE_HOME"] = str(profile_home.with_name(f"{profile_home.name}-user"))
    yield running
    running.close()
