"""Upload speed of one large file against `curl --form`, round by round."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

from benchmarks import child, curl
from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure, Scale, median_ratio, spread
from benchmarks.materials import MB, freshen, make_large
from benchmarks.server import Server


def measure(bench: Bench) -> Iterator[Figure]:
    """The order within a round changes, so that nobody always follows the same neighbour."""
    scale = bench.scale
    paths = make_large(bench.folder / "files", 1, scale.large_bytes)
    times: dict[str, list[float]] = {"curl": [], "net": [], "sending": [], "whole": [], "cpu": []}
    with bench.running("engine_child", bench.folder / "home") as engine:
        [account] = bench.add_accounts(engine, 1, 2)
        for number in range(scale.warm_ups + scale.rounds):
            steps = ["curl", "net", "engine"]
            turn = number % len(steps)
            found: dict[str, float] = {}
            scale.patience.wait()
            for step in steps[turn:] + steps[:turn]:
                freshen(paths)
                found |= _once(step, engine, account, bench.server, paths[0])
                bench.server.reset()
            # The first round touches every page for the first time.
            if number >= scale.warm_ups:
                for name, seconds in found.items():
                    times[name].append(seconds)
    yield from _figures(scale, times)


def _once(
    step: str, engine: child.Child, account: str, server: Server, path: Path
) -> dict[str, float]:
    if step == "curl":
        return {"curl": curl.send(server, path)}
    if step == "net":
        order = {"path": str(path), "base_url": server.base_url, "key": server.key}
        return {"net": float(engine.ask("net", **order)["whole"])}
    answer = engine.ask("engine", drops={account: [str(path)]}, files=1)
    return {name: float(answer[name]) for name in ("sending", "whole", "cpu")}


def _figures(scale: Scale, times: dict[str, list[float]]) -> Iterator[Figure]:
    def speeds(name: str) -> str:
        each = [scale.large_bytes / MB / seconds for seconds in times[name]]
        return f"{statistics.median(each):,.0f} MB/s ({spread(each)})"

    beside_curl = f"curl {speeds('curl')}"
    for name, title, bar in (
        ("net", "network layer alone, ratio to curl", 0.9),
        ("sending", "engine, upload stage, ratio to curl", 0.9),
        ("whole", "engine, whole path with fingerprint, ratio to curl", None),
    ):
        ratio = median_ratio(times["curl"], times[name])
        note = f"{speeds(name)}; {beside_curl}"
        yield Figure(f"{scale.large}, {title}", ratio, "", bar, Bar.AT_LEAST, note)
    cpu = statistics.median(times["cpu"]) * 1000
    title = f"{scale.large}, engine, processor time"
    yield Figure(title, cpu, "ms", note="two hashes and the sending")
