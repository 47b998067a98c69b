"""What each transport tier costs: one large file through the network layer alone."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure
from benchmarks.materials import make_large, make_small


def measure(bench: Bench) -> Iterator[Figure]:
    """Each round in a new process: an import is paid for once."""
    scale, server, folder = bench.scale, bench.server, bench.folder
    [large] = make_large(folder / "files", 1, scale.large_bytes)
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
        for _ in range(scale.tier_rounds):
            scale.patience.wait()
            with bench.running("tier_child", folder / "home") as process:
                rounds.append(process.ask("send", tier=tier, **order))
            server.reset()
        cpu, first, growth, took = (
            statistics.median(seen[name] for seen in rounds)
            for name in ("cpu", "first_cpu", "growth", "took")
        )
        note = f"{took:.2f} s in all; the first use costs {first:.2f} s of processor time"
        yield Figure(f"{scale.large} by {tier}, processor time", cpu * 1000, "ms", note=note)
        yield Figure(f"{scale.large} by {tier}, memory growth", growth, "MiB", 20, Bar.BELOW)
