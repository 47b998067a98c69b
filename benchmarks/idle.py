"""Memory and processor time of a window that nobody touches."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks import child
from benchmarks.bench import Bench
from benchmarks.figures import Figure


def measure(bench: Bench) -> Iterator[Figure]:
    """The first start makes the database, later ones find it; an account loads the network."""
    home, idle_s = bench.folder / "home", bench.scale.idle_s
    with bench.running("window_child", home) as window:
        window.next_answer()
        first, _ = _rest(window, idle_s / 5)
    with bench.running("window_child", home) as window:
        window.next_answer()
        memory, share = _rest(window, idle_s)
        note = f"{first:.0f} MiB on the very first start"
        yield Figure("Idle memory of the window's process", memory, "MiB", 90, note=note)
        title, unit = "Idle processor time", "% of a core"
        yield Figure(title, share, unit, 1, note="all threads", grain=0.5)
        bench.add_accounts(window, 1, 2)
        memory, _ = _rest(window, idle_s / 5)
        yield Figure("Idle memory with an account added", memory, "MiB")


def _rest(window: child.Child, seconds: float) -> tuple[float, float]:
    before = window.cpu_s()
    time.sleep(seconds)
    return window.rss_mib(), (window.cpu_s() - before) / seconds * 100
