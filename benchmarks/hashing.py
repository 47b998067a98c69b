"""The fingerprint against `sha256sum`."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Bar, Figure, Scale, median_ratio
from benchmarks.materials import LARGE, MB, make_large
from benchmarks.server import Server
from exai_desktop.engine.files.open_file import hash_file, open_regular


def measure(scale: Scale, _server: Server, folder: Path) -> Iterator[Figure]:
    """Both read the file from the page cache."""
    path = str(make_large(folder, 1)[0])
    theirs, ours = [], []
    for number in range(scale.rounds + 1):
        scale.patience.wait()
        start = time.perf_counter()
        subprocess.run(["sha256sum", path], check=True, stdout=subprocess.DEVNULL)
        middle = time.perf_counter()
        file = open_regular(path)
        hash_file(file, lambda _: None, lambda: False)
        file.close()
        if number > 0:
            theirs.append(middle - start)
            ours.append(time.perf_counter() - middle)
    speeds = [f"{LARGE / MB / statistics.median(times):,.0f} MB/s" for times in (ours, theirs)]
    note = f"{speeds[0]}; sha256sum {speeds[1]}"
    ratio = median_ratio(theirs, ours)
    yield Figure("Fingerprint of 95 MB, ratio to sha256sum", ratio, "", 0.9, Bar.AT_LEAST, note)
