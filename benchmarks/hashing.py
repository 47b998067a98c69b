"""The fingerprint against `sha256sum`."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure, median_ratio
from benchmarks.materials import MB, make_large


def measure(bench: Bench) -> Iterator[Figure]:
    """Both read the file from the page cache."""
    scale = bench.scale
    path = str(make_large(bench.folder, 1, scale.large_bytes)[0])
    theirs, ours = [], []
    with bench.running("parts_child", bench.folder / "home") as parts:
        for number in range(scale.warm_ups + scale.rounds):
            scale.patience.wait()
            start = time.perf_counter()
            subprocess.run(["sha256sum", path], check=True, stdout=subprocess.DEVNULL)
            took = time.perf_counter() - start
            own = float(parts.ask("hash", path=path)["took"])
            if number >= scale.warm_ups:
                theirs.append(took)
                ours.append(own)
    size = scale.large_bytes / MB
    speeds = [f"{size / statistics.median(times):,.0f} MB/s" for times in (ours, theirs)]
    note = f"{speeds[0]}; sha256sum {speeds[1]}"
    title = f"Fingerprint of {scale.large}, ratio to sha256sum"
    yield Figure(title, median_ratio(theirs, ours), "", 0.9, Bar.AT_LEAST, note)
