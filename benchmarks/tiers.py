"""What each transport tier costs: one file of 95 MB through the network layer alone."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks import child
from benchmarks.figures import Bar, Figure, Scale
from benchmarks.materials import make_large, make_small
from benchmarks.server import Server

ROUNDS: Final = 3


def measure(_scale: Scale, server: Server, folder: Path) -> Iterator[Figure]:
    """Each round in a new process: an import is paid for once."""
    [large] = make_large(folder / "files", 1)
    [small] = make_small(folder / "first", 1)
    order = {
        "provider": "glm",
        "region": "zai",
        "purpose": "agent",
        "base_url": server.zai_url,
        "key": server.zai_key,
        "small": str(small),
        "large": str(large),
    }
    for tier in ("http", "openai", "native"):
        rounds = []
        for _ in range(ROUNDS):
            with child.running("tier_child", folder / "home") as process:
                rounds.append(process.ask("send", tier=tier, **order))
            server.reset()
        cpu, first, growth, took = (
            statistics.median(seen[name] for seen in rounds)
            for name in ("cpu", "first_cpu", "growth", "took")
        )
        note = f"{took:.2f} s in all; the first use costs {first:.2f} s of processor time"
        yield Figure(f"95 MB by {tier}, processor time", cpu * 1000, "ms", note=note)
        yield Figure(f"95 MB by {tier}, memory growth", growth, "MiB", 20, Bar.BELOW)
