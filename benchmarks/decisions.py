"""What each upload costs before it begins: the route, the breaker, the limit, the health."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure, spread


def measure(bench: Bench) -> Iterator[Figure]:
    """Four accounts; the first two do not take the file, so that all are looked at."""
    scale, rounds = bench.scale, []
    with bench.running("parts_child", bench.folder / "home") as parts:
        for number in range(scale.warm_ups + scale.rounds):
            scale.patience.wait()
            took = float(parts.ask("decide", times=scale.decisions)["took"])
            if number >= scale.warm_ups:
                rounds.append(took * 1000 / scale.decisions)
    title = "Breaker, routing, limit and health, each upload"
    note = f"{spread(rounds, 3)}; four accounts"
    yield Figure(title, statistics.median(rounds), "ms", 1.0, Bar.BELOW, note)
