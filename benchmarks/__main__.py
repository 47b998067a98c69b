"""`python -m benchmarks [--only NAME] [--quick] [--write]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from benchmarks import (
    decisions,
    document,
    hashing,
    idle,
    large_file,
    memory,
    small_files,
    start_time,
    tiers,
    window_calm,
)
from benchmarks.figures import Figure, Scale, full, quick
from benchmarks.machine import machine_line
from benchmarks.server import Server, serving

Measure = Callable[[Scale, Server, Path], Iterator[Figure]]

CHAPTERS: Final[dict[str, Measure]] = {
    "large": large_file.measure,
    "small": small_files.measure,
    "hash": hashing.measure,
    "decisions": decisions.measure,
    "window": window_calm.measure,
    "start": start_time.measure,
    "idle": idle.measure,
    "memory": memory.measure,
    "tiers": tiers.measure,
}


def main() -> int:
    """1 when a figure misses its bar."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--only", choices=list(CHAPTERS), action="append", help="one chapter")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller rounds")
    parser.add_argument("--write", action="store_true", help=f"write {document.DOCUMENT.name}")
    wanted = parser.parse_args()
    if wanted.write and (wanted.only or wanted.quick):
        parser.error("--write is for the whole, full suite")
    machine = machine_line()
    print(machine)
    figures: list[Figure] = []
    scale = quick() if wanted.quick else full()
    for name in wanted.only or CHAPTERS:
        start = time.perf_counter()
        for figure in _chapter(CHAPTERS[name], scale):
            print(document.line(figure), flush=True)
            figures.append(figure)
        print(f"     {name}: {time.perf_counter() - start:.0f} s", flush=True)
    print(scale.patience.told)
    if wanted.write:
        document.write(figures, machine, list(CHAPTERS), scale.patience.told)
    return int(any(figure.passed is False for figure in figures))


def _chapter(measure: Measure, scale: Scale) -> Iterator[Figure]:
    # A short name: the path of the profile's socket may hold some 100 characters only.
    with tempfile.TemporaryDirectory(prefix="exai-b-") as place:
        folder = Path(place)
        with serving(folder / "servers") as server:
            yield from measure(scale, server, folder)


if __name__ == "__main__":
    sys.exit(main())
