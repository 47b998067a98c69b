"""Memory of the engine's process while four large files are sent at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks import child
from benchmarks.figures import Bar, Figure, Scale
from benchmarks.materials import make_large, make_small
from benchmarks.server import Server

FILES: Final = 4


def measure(_scale: Scale, server: Server, folder: Path) -> Iterator[Figure]:
    """Growth is counted from an engine that has sent a small file: its libraries are loaded."""
    paths = [str(path) for path in make_large(folder / "files", FILES)]
    first = [str(path) for path in make_small(folder / "first", 1)]
    with child.running("engine_child", folder / "home") as engine:
        engine.ask("account", base_url=server.base_url, key=server.key, lanes=FILES)
        engine.ask("engine", paths=first, files=1)
        before = engine.rss_mib()
        with engine.peak() as peak:
            engine.ask("engine", paths=paths, files=FILES)
        growth = peak() - before
        after = engine.rss_mib() - before
    server.reset()
    note = f"from {before:.0f} MiB; {after:.0f} MiB more stay afterwards"
    title = f"Memory growth, {FILES} files of 95 MB at once"
    yield Figure(title, growth, "MiB", 40, Bar.BELOW, note)
