"""How long the window stands still while the engine works behind it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import child
from benchmarks.bench import Bench
from benchmarks.figures import Figure, spread
from benchmarks.materials import MB, freshen, make_large, make_small, make_tree

AT_ONCE: Final = 8
LARGE_BAR_MS: Final = 30
SMALL_BAR_MS: Final = 100


def measure(bench: Bench) -> Iterator[Figure]:
    """The worst beat of each round; of the rounds, the median: one round may meet a stranger."""
    scale, server, folder = bench.scale, bench.server, bench.folder
    large = make_large(folder / "files", AT_ONCE, scale.window_bytes)
    first = make_small(folder / "first", 8)
    with bench.running(
        "window_child", folder / "home", readers=2, account_max_files=scale.account_files
    ) as window:
        window.next_answer()
        bench.add_accounts(window, 1, AT_ONCE)
        _send(window, first)
        scale.patience.wait()
        alone = float(window.ask("rest", seconds=scale.idle_s / 3)["max"])
        busy = []
        for _ in range(scale.window_rounds):
            freshen(large)
            scale.patience.wait()
            busy.append(_send(window, large))
            server.reset()
        title = f"Window stall, {AT_ONCE} uploads of {scale.window_bytes // MB} MB"
        yield _figure(title, busy, LARGE_BAR_MS, alone)
        many = []
        for number in range(scale.window_rounds):
            paths = make_small(folder / f"many-{number}", scale.window_files)
            # One that has room for them: an account takes so many files and no more.
            bench.add_accounts(window, 1, AT_ONCE)
            scale.patience.wait()
            many.append(_send(window, paths))
            server.reset()
        title = f"Window stall, {scale.window_files:,} files of 10 KB"
        yield _figure(title, many, SMALL_BAR_MS, alone)
        if scale.window_tree:
            make_tree(folder / "tree", scale.window_tree)
            bench.add_accounts(window, 1, AT_ONCE)
            scale.patience.wait()
            walked = [_drop(window, [folder / "tree"], scale.window_tree)]
            title = f"Window stall, a folder tree of {scale.window_tree:,} files"
            yield _figure(title, walked, SMALL_BAR_MS, alone)
        cpu = statistics.median(answer["window_cpu"] / answer["whole"] for answer in many) * 100
        yield Figure("The window's own thread meanwhile", cpu, "% of a core")
        title = "Memory of the window's process after all this"
        yield Figure(title, window.rss_mib(), "MiB")


def _drop(window: child.Child, paths: Sequence[Path], files: int) -> dict[str, Any]:
    """`files`: how many are below the paths."""
    return window.ask("drop", paths=[str(path) for path in paths], files=files)


def _send(window: child.Child, paths: Sequence[Path]) -> dict[str, Any]:
    """All are new, so each of them must be sent."""
    answer = _drop(window, paths, len(paths))
    if answer["done"] != len(paths):
        raise RuntimeError(f"{answer['done']} of {len(paths)} files were sent")
    return answer


def _figure(title: str, rounds: Sequence[dict[str, Any]], bar: float, alone: float) -> Figure:
    worst = [answer["max"] for answer in rounds]
    own = statistics.median(answer["own"] for answer in rounds)
    p99 = statistics.median(answer["p99"] for answer in rounds)
    whole = statistics.median(answer["whole"] for answer in rounds)
    note = f"{spread(worst)}, {own:.0f} of it own work; 99 % under {p99:.0f} ms"
    note += f"; at rest {alone:.0f} ms; took {whole:.1f} s"
    return Figure(title, statistics.median(worst), "ms", bar, note=note, grain=5)
