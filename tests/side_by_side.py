"""Tests side by side (pytest-xdist): those marked `alone` one after another, then the `early` ones.

An `alone` test measures: nothing else of the suite runs meanwhile.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest
from filelock import FileLock

_FOLDER: Final = "exai_turns"
_TURNS: Final = pytest.StashKey["Turns | None"]()
_MADE: Final = pytest.StashKey[str]()
# A lock is asked for anew so often.
_LOOK_EVERY_S: Final = 0.01


class Turns:
    """A test holds the lock of its worker; one that is alone holds those of all workers."""

    def __init__(self, folder: Path, number: int, count: int) -> None:
        self._workers = [self._lock(folder / f"worker {other}") for other in range(count)]
        # A worker that replaces one that crashed has a higher number.
        self._own = self._workers[number % count]
        # Whoever waits for all holds the gate meanwhile, or new tests would keep it waiting.
        self._gate = self._lock(folder / "gate")

    @staticmethod
    def _lock(path: Path) -> FileLock:
        return FileLock(path, poll_interval=_LOOK_EVERY_S)

    def begin(self, *, is_alone: bool) -> None:
        """Wait until this test may run. One alone after another keeps what it has."""
        if not is_alone:
            with self._gate:
                self._own.acquire()
        elif not self._gate.is_locked:
            self._gate.acquire()
            for worker in self._workers:
                worker.acquire()

    def end(self, *, next_is_alone: bool) -> None:
        """The others may go on, unless the next test is alone as well."""
        if self._gate.is_locked and next_is_alone:
            return
        for lock in (*self._workers, self._gate):
            lock.release()


def is_alone(item: pytest.Item | None) -> bool:
    return item is not None and item.get_closest_marker("alone") is not None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`-n auto`: more than there are processors, since many tests wait for a process or a timer."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """In the process that hands out the tests, once for each worker."""
    made = node.config.stash.setdefault(_MADE, "") or tempfile.mkdtemp(prefix="exai-turns-")
    node.config.stash[_MADE] = made
    node.workerinput[_FOLDER] = made


def pytest_unconfigure(config: pytest.Config) -> None:
    if made := config.stash.get(_MADE, ""):
        shutil.rmtree(made, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With workers, those that are alone come first and in a row: the others wait for them once.

    Then what takes long: begun last, it would keep one worker at it after the others have ended.
    """
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: (not is_alone(item), item.get_closest_marker("early") is None))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    # Around everything else: waiting for a turn is not a test's time.
    turns = _turns(item.config)
    if turns is None:
        return (yield)
    turns.begin(is_alone=is_alone(item))
    try:
        return (yield)
    finally:
        turns.end(next_is_alone=is_alone(nextitem))


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """A name that is not UTF-8, in what a test has logged, cannot be sent to another process."""
    return _sendable((yield))


def _sendable(found: Any) -> Any:
    if isinstance(found, str):
        return found.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(found, dict):
        return {_sendable(key): _sendable(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return type(found)(map(_sendable, found))
    return found


def _turns(config: pytest.Config) -> Turns | None:
    if _TURNS not in config.stash:
        given = getattr(config, "workerinput", None)
        config.stash[_TURNS] = None if given is None else _of_worker(given)
    return config.stash[_TURNS]


def _of_worker(given: dict[str, Any]) -> Turns:
    number = int(str(given["workerid"]).removeprefix("gw"))
    return Turns(Path(given[_FOLDER]), number, int(given["workercount"]))
