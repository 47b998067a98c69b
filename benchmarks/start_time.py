"""From the start of the process to a window that can be used, and the quick verbs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import child
from benchmarks.figures import Figure, Scale, spread
from benchmarks.materials import make_small
from benchmarks.server import Server

BAR_S = 1.5


def measure(scale: Scale, server: Server, folder: Path) -> Iterator[Figure]:
    """On a profile with an account and its files; the first start fills the caches."""
    home = folder / "home"
    paths = make_small(folder / "files", scale.small_files)
    with child.running("engine_child", home) as engine:
        engine.ask("account", base_url=server.base_url, key=server.key, lanes=8)
        engine.ask("engine", paths=[str(folder / "files")], files=len(paths))
    server.reset()
    shown, usable = [], []
    for number in range(scale.starts + 1):
        scale.patience.wait()
        start = time.monotonic()
        with child.running("window_child", home) as window:
            answer = window.next_answer()
        if number > 0:
            shown.append(float(answer["shown"]) - start)
            usable.append(float(answer["usable"]) - start)
    note = f"{spread(usable, 2)}; on screen after {statistics.median(shown):.2f} s"
    note += f"; {len(paths):,} files in the list"
    yield Figure("Start to usable window", statistics.median(usable), "s", BAR_S, note=note)
    empty = folder / "empty"
    yield _verb("exai-desktop --version", ["--version"], empty, scale)
    yield _verb("exai-desktop list, empty profile", ["list"], empty, scale)
    yield _verb(f"exai-desktop list, {len(paths):,} files", ["list"], home, scale)


def _verb(title: str, words: list[str], home: Path, scale: Scale) -> Figure:
    command = [sys.executable, "-m", "exai_desktop", *words]
    times = []
    for number in range(scale.starts + 1):
        scale.patience.wait()
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=child.environment(home))
        if number > 0:
            times.append(time.perf_counter() - start)
    return Figure(title, statistics.median(times), "s", note=spread(times, 2))
