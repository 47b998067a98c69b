"""Memory of the engine's process while four large files are sent at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure
from benchmarks.materials import make_large, make_small

FILES: Final = 4


def measure(bench: Bench) -> Iterator[Figure]:
    """Growth is counted from an engine that has sent a small file: its libraries are loaded."""
    scale, folder = bench.scale, bench.folder
    paths = [str(path) for path in make_large(folder / "files", FILES, scale.large_bytes)]
    first = [str(path) for path in make_small(folder / "first", 1)]
    with bench.running("engine_child", folder / "home") as engine:
        [account] = bench.add_accounts(engine, 1, FILES)
        engine.ask("engine", drops={account: first}, files=1)
        before = engine.rss_mib()
        with engine.peak() as peak:
            engine.ask("engine", drops={account: paths}, files=FILES)
        growth = peak() - before
        after = engine.rss_mib() - before
    note = f"from {before:.0f} MiB; {after:.0f} MiB more stay afterwards"
    title = f"Memory growth, {FILES} files of {scale.large} at once"
    yield Figure(title, growth, "MiB", 40, Bar.BELOW, note)
