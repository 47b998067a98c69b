"""Processes under measurement: orders go in as lines of JSON, answers come out the same way.

What is measured is alone in its process; the server, curl and this program are outside.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]

from benchmarks.file_keyring import BACKEND, PLACE

MIB: Final = 1024 * 1024
# What parent and child say to each other: a child of another checkout must know the same.
PROTOCOL: Final = 2
_SAMPLE_S: Final = 0.005
_ANSWER_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Program:
    """A checkout whose `exai_desktop` and `benchmarks` run in the children, in our environment."""

    folder: Path

    def command(self, module: str, *words: str) -> list[str]:
        """To be run in `folder`: what lies there goes before what is installed."""
        return [sys.executable, "-m", module, *words]

    def run(self, module: str, *words: str, home: Path) -> None:
        """From its start to its end; what it prints goes nowhere."""
        command, env = self.command(module, *words), environment(home)
        subprocess.run(command, check=True, cwd=self.folder, env=env, stdout=subprocess.DEVNULL)


OURS: Final = Program(Path(__file__).resolve().parent.parent)


class Child:
    """The parent's end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._seen = psutil.Process(process.pid)

    def ask(self, order: str, **values: Any) -> dict[str, Any]:
        """Give an order and wait until it is carried out."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"order": order, **values}) + "\n")
        self._process.stdin.flush()
        return self.next_answer()

    def next_answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        # A child that hangs is ended, and then there is no line.
        limit = threading.Timer(_ANSWER_S, self._process.kill)
        limit.start()
        try:
            line = self._process.stdout.readline()
        finally:
            limit.cancel()
        if not line:
            raise RuntimeError(f"no answer from {self._process.args!r} within {_ANSWER_S:.0f} s")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def cpu_s(self) -> float:
        """Processor time of this process so far, all threads."""
        times = self._seen.cpu_times()
        return float(times.user + times.system)

    def rss_mib(self) -> float:
        return float(self._seen.memory_info().rss) / MIB

    @contextmanager
    def peak(self) -> Iterator[Callable[[], float]]:
        """Watch the memory while the block runs; the function tells the most seen, in MiB."""
        seen = [self.rss_mib()]
        over = threading.Event()

        def watch() -> None:
            while not over.wait(_SAMPLE_S):
                seen.append(self.rss_mib())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield lambda: max(seen)
        finally:
            over.set()
            watcher.join()


def environment(home: Path, **settings: object) -> dict[str, str]:
    """A private profile with these settings, a keyring in a file beside it, no display."""
    kept = {
        k: v
        for k, v in os.environ.items()
        # PYTHONSAFEPATH would hide the checkout's own folder.
        if not k.startswith("EXAI_DESKTOP_") and k not in {"PYTHONPATH", "PYTHONSAFEPATH"}
    }
    own = {f"EXAI_DESKTOP_{name.upper()}": str(value) for name, value in settings.items()}
    return kept | own | {
        "EXAI_DESKTOP_HOME": str(home),
        # What all profiles of a user share: this one shares with nobody.
        "XDG_STATE_HOME": str(home / "state"),
        # Nobody is there to answer it.
        "EXAI_DESKTOP_PLAN_ABOVE_FILES": "0",
        "PYTHON_KEYRING_BACKEND": BACKEND,
        PLACE: str(home.with_name(f"{home.name}-keys.json")),
        "QT_QPA_PLATFORM": "offscreen",
        "QT_LOGGING_RULES": "*.debug=false;qt.qpa.*.info=false",
    }  # fmt: skip


@contextmanager
def running(
    module: str, home: Path, *, program: Program = OURS, **settings: object
) -> Iterator[Child]:
    """A child of the program's own `benchmarks`; it ends when its input does."""
    with subprocess.Popen(
        program.command(f"benchmarks.{module}"),
        cwd=program.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(home, **settings),
    ) as process:
        try:
            yield Child(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def answer(**values: Any) -> None:
    """The child's end: one line to whoever asked."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()
