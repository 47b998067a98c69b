"""All chapters by name, in the order of the document."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from benchmarks import (
    decisions,
    footprint,
    hashing,
    idle,
    large_file,
    lines,
    many_files,
    memory,
    mirrored,
    small_files,
    start_time,
    tiers,
    window_calm,
)
from benchmarks.bench import Measure, open_bench
from benchmarks.child import OURS, Program
from benchmarks.figures import Figure, Scale
from benchmarks.server import Server

CHAPTERS: Final = MappingProxyType[str, Measure](
    {
        "large": large_file.measure,
        "small": small_files.measure,
        "hash": hashing.measure,
        "decisions": decisions.measure,
        "window": window_calm.measure,
        "many": many_files.measure,
        "start": start_time.measure,
        "idle": idle.measure,
        "memory": memory.measure,
        "tiers": tiers.measure,
        "footprint": footprint.measure,
        "lines": lines.measure,
        "mirror": mirrored.measure,
    }
)


def measured(
    name: str, scale: Scale, program: Program = OURS, server: Server | None = None
) -> Iterator[Figure]:
    """The figures of one chapter, each as soon as it is known; a server of its own by default."""
    with open_bench(scale, program, server) as bench:
        yield from CHAPTERS[name](bench)
