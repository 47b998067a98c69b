"""A hundred thousand files: planned, put into the queue, and the window with them in its list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.bench import Bench
from benchmarks.child import Child
from benchmarks.figures import Figure
from benchmarks.materials import make_tree

PLAN_BAR_S: Final = 4.0
FIRST_BAR_S: Final = 1.0
INSERT_BAR_S: Final = 5.0
STALL_BAR_MS: Final = 100
MEMORY_BAR_MIB: Final = 60
# So long each deed may echo in the window.
_CALM_S: Final = 0.6


def measure(bench: Bench) -> Iterator[Figure]:
    """The queue stands still: nothing is sent, and the figures are those of the list alone."""
    scale, folder = bench.scale, bench.folder
    files = scale.many_files
    make_tree(folder / "tree", files)
    paths = [str(folder / "tree")]
    with bench.running("window_child", folder / "home", readers=2) as window:
        window.next_answer()
        bench.add_accounts(window, 1, 1)
        scale.patience.wait()
        plan = window.ask("plan", paths=paths)
        title, cpu = f"Plan of {files:,} files", f"{plan['cpu']:.1f} s of processor time"
        yield Figure(title, plan["whole"], "s", PLAN_BAR_S, note=cpu, grain=0.2)
        yield Figure(f"{title}, first figures", plan["first"], "s", FIRST_BAR_S, grain=0.2)
        yield from _page(bench, window, paths)
        before = window.rss_mib()
        scale.patience.wait()
        added = window.ask("insert", paths=paths, files=files)
        title = f"{files:,} files into the queue"
        note = f"{added['cpu']:.1f} s of processor time, {added['window_cpu']:.1f} s of the window"
        yield Figure(title, added["whole"], "s", INSERT_BAR_S, note=note, grain=0.2)
        yield Figure(f"{title}, window stall", added["max"], "ms", STALL_BAR_MS, grain=5)
        deeds = window.ask("deeds", rows=files, seconds=_CALM_S)
        worst = max(late["max"] for late in deeds.values())
        each = [f"{name} {late['max']:.0f} ({late['own']:.0f})" for name, late in deeds.items()]
        note = f"{', '.join(each)}; in brackets its own work"
        title = f"Window stall with {files:,} rows"
        yield Figure(title, worst, "ms", STALL_BAR_MS, note=note, grain=5)
        grown = max(0.0, window.rss_mib() - before)
        yield Figure(f"Memory of {files:,} rows", grown, "MiB", MEMORY_BAR_MIB, grain=2)


def _page(bench: Bench, window: Child, paths: list[str]) -> Iterator[Figure]:
    """The same plan before the user, who may change it."""
    files, before = bench.scale.many_files, window.rss_mib()
    bench.scale.patience.wait()
    page = window.ask("plan_page", paths=paths)
    grown = max(0.0, window.rss_mib() - before)
    title, own = f"Plan page of {files:,} files", f"{page['own']:.0f} ms of it its own work"
    yield Figure(f"{title}, first counts", page["first"], "s", FIRST_BAR_S, grain=0.2)
    yield Figure(f"{title}, window stall", page["max"], "ms", STALL_BAR_MS, note=own, grain=5)
    yield Figure(f"{title}, memory", grown, "MiB", MEMORY_BAR_MIB, grain=2)
