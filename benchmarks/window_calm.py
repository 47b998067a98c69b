"""How long the window stands still while the engine works behind it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import child
from benchmarks.figures import Figure, Scale, spread
from benchmarks.materials import MB, freshen, make_large, make_small, make_tree
from benchmarks.server import Server

AT_ONCE: Final = 8
LARGE_BAR_MS: Final = 30
SMALL_BAR_MS: Final = 100
_REST_S: Final = 3.0


def measure(scale: Scale, server: Server, folder: Path) -> Iterator[Figure]:
    """The worst beat of each round; of the rounds, the median: one round may meet a stranger."""
    large = make_large(folder / "files", AT_ONCE, 20 * MB)
    first = make_small(folder / "first", 8)
    with child.running("window_child", folder / "home", readers=2) as window:
        window.next_answer()
        window.ask("account", base_url=server.base_url, key=server.key, lanes=AT_ONCE)
        _drop(window, first)
        scale.patience.wait()
        alone = float(window.ask("rest", seconds=_REST_S)["max"])
        busy = []
        for _ in range(scale.window_rounds):
            freshen(large)
            scale.patience.wait()
            busy.append(_drop(window, large))
            server.reset()
        yield _figure(f"Window stall, {AT_ONCE} uploads of 20 MB", busy, LARGE_BAR_MS, alone)
        many = []
        for number in range(scale.window_rounds):
            paths = make_small(folder / f"many-{number}", scale.window_files)
            scale.patience.wait()
            many.append(_drop(window, paths))
            server.reset()
        title = f"Window stall, {scale.window_files:,} files of 10 KB"
        yield _figure(title, many, SMALL_BAR_MS, alone)
        if scale.window_tree:
            make_tree(folder / "tree", scale.window_tree)
            scale.patience.wait()
            walked = [_drop(window, [folder / "tree"], scale.window_tree)]
            title = f"Window stall, a folder tree of {scale.window_tree:,} files"
            yield _figure(title, walked, SMALL_BAR_MS, alone)
        cpu = statistics.median(answer["window_cpu"] / answer["whole"] for answer in many) * 100
        yield Figure("The window's own thread meanwhile", cpu, "% of a core")
        title = "Memory of the window's process after all this"
        yield Figure(title, window.rss_mib(), "MiB")


def _drop(window: child.Child, paths: Sequence[Path], files: int | None = None) -> dict[str, Any]:
    """`files`: how many are below the paths, one each unless given."""
    return window.ask("drop", paths=[str(path) for path in paths], files=files or len(paths))


def _figure(title: str, rounds: Sequence[dict[str, Any]], bar: float, alone: float) -> Figure:
    worst = [answer["max"] for answer in rounds]
    own = statistics.median(answer["own"] for answer in rounds)
    p99 = statistics.median(answer["p99"] for answer in rounds)
    whole = statistics.median(answer["whole"] for answer in rounds)
    note = f"{spread(worst)}, {own:.0f} of it own work; 99 % under {p99:.0f} ms"
    note += f"; at rest {alone:.0f} ms; took {whole:.1f} s"
    return Figure(title, statistics.median(worst), "ms", bar, note=note)
