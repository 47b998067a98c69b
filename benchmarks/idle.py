"""Memory and processor time of a window that nobody touches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import child
from benchmarks.figures import Figure, Scale
from benchmarks.server import Server


def measure(scale: Scale, server: Server, folder: Path) -> Iterator[Figure]:
    """The first start makes the database, later ones find it; an account loads the network."""
    home = folder / "home"
    with child.running("window_child", home) as window:
        window.next_answer()
        first, _ = _rest(window, scale.idle_s / 5)
    with child.running("window_child", home) as window:
        window.next_answer()
        memory, share = _rest(window, scale.idle_s)
        note = f"{first:.0f} MiB on the very first start"
        yield Figure("Idle memory of the window's process", memory, "MiB", 90, note=note)
        yield Figure("Idle processor time", share, "% of a core", 1, note="all threads")
        window.ask("account", base_url=server.base_url, key=server.key, lanes=2)
        memory, _ = _rest(window, scale.idle_s / 5)
        yield Figure("Idle memory with an account added", memory, "MiB")


def _rest(window: child.Child, seconds: float) -> tuple[float, float]:
    before = window.cpu_s()
    time.sleep(seconds)
    return window.rss_mib(), (window.cpu_s() - before) / seconds * 100
