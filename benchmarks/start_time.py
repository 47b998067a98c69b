"""From the start of the process to a window that can be used, and the quick verbs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.figures import Figure, spread
from benchmarks.materials import make_shares

BAR_S = 1.5


def measure(bench: Bench) -> Iterator[Figure]:
    """On a profile with accounts that have their files; the first start fills the caches."""
    scale, home, empty = bench.scale, bench.folder / "home", bench.folder / "empty"
    count = scale.small_files
    shares = make_shares(bench.folder / "files", count, scale.account_files)
    with bench.running("engine_child", home, account_max_files=scale.account_files) as engine:
        names = bench.add_accounts(engine, len(shares), 8)
        drops = {name: [str(share)] for name, share in zip(names, shares, strict=True)}
        engine.ask("engine", drops=drops, files=count)
    shown, usable = [], []
    for number in range(scale.warm_ups + scale.starts):
        scale.patience.wait()
        start = time.monotonic()
        with bench.running("window_child", home) as window:
            answer = window.next_answer()
        if number >= scale.warm_ups:
            shown.append(float(answer["shown"]) - start)
            usable.append(float(answer["usable"]) - start)
    note = f"{spread(usable, 2)}; on screen after {statistics.median(shown):.2f} s"
    note += f"; {count:,} files in the list"
    yield Figure("Start to usable window", statistics.median(usable), "s", BAR_S, note=note)
    yield _verb("exai-desktop --version", ["--version"], empty, bench)
    yield _verb("exai-desktop list, empty profile", ["list"], empty, bench)
    yield _verb(f"exai-desktop list, {count:,} files", ["list"], home, bench)


def _verb(title: str, words: list[str], home: Path, bench: Bench) -> Figure:
    program, scale = bench.program, bench.scale
    times = []
    for number in range(scale.warm_ups + scale.starts):
        scale.patience.wait()
        start = time.perf_counter()
        program.run("exai_desktop", *words, home=home)
        if number >= scale.warm_ups:
            times.append(time.perf_counter() - start)
    return Figure(title, statistics.median(times), "s", note=spread(times, 2))
