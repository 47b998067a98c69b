"""Many small files through the engine against `curl --parallel`."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks import child, curl
from benchmarks.figures import Bar, Figure, Scale, median_ratio, spread
from benchmarks.materials import freshen, make_small
from benchmarks.server import Server

AT_ONCE: Final = 8
ROUNDS: Final = 3


def measure(scale: Scale, server: Server, folder: Path) -> Iterator[Figure]:
    """A warm-up with a tenth of the files, then rounds in turn."""
    count = scale.small_files
    paths = make_small(folder / "files", count)
    curls, ours, cpus = [], [], []
    with child.running("engine_child", folder / "home") as engine:
        engine.ask("account", base_url=server.base_url, key=server.key, lanes=AT_ONCE)
        warm = [str(path) for path in paths[: count // 10]]
        engine.ask("engine", paths=warm, files=len(warm))
        for _ in range(min(ROUNDS, scale.rounds)):
            server.reset()
            freshen(paths)
            scale.patience.wait()
            curls.append(curl.send_all(server, paths, AT_ONCE, folder))
            server.reset()
            freshen(paths)
            scale.patience.wait()
            before = engine.cpu_s()
            answer = engine.ask("engine", paths=[str(folder / "files")], files=count)
            cpus.append((engine.cpu_s() - before) * 1000 / count)
            ours.append(float(answer["whole"]))
    server.reset()
    title = f"{count:,} files of 10 KB, {AT_ONCE} at once"
    rates = [count / seconds for seconds in ours]
    note = f"{spread(cpus, 2)}; all threads of our process"
    yield Figure(
        f"{title}, processor time per file", statistics.median(cpus), "ms", 5, Bar.BELOW, note
    )
    curl_rate = count / statistics.median(curls)
    note = f"{statistics.median(rates):,.0f} files/s ({spread(rates)}); curl {curl_rate:,.0f}"
    yield Figure(f"{title}, rate, ratio to curl", median_ratio(curls, ours), note=note)
