"""Upload speed of one large file against `curl --form`, round by round."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

from benchmarks import child, curl
from benchmarks.figures import Bar, Figure, Scale, median_ratio, spread
from benchmarks.materials import LARGE, MB, freshen, make_large
from benchmarks.server import Server


def measure(scale: Scale, server: Server, folder: Path) -> Iterator[Figure]:
    """The order within a round changes, so that nobody always follows the same neighbour."""
    paths = make_large(folder / "files", 1)
    times: dict[str, list[float]] = {"curl": [], "net": [], "sending": [], "whole": [], "cpu": []}
    with child.running("engine_child", folder / "home") as engine:
        engine.ask("account", base_url=server.base_url, key=server.key, lanes=2)
        for number in range(scale.rounds + 1):
            steps = ["curl", "net", "engine"]
            turn = number % len(steps)
            found: dict[str, float] = {}
            scale.patience.wait()
            for step in steps[turn:] + steps[:turn]:
                freshen(paths)
                found |= _once(step, engine, server, paths[0])
                server.reset()
            # The first round touches every page for the first time.
            if number > 0:
                for name, seconds in found.items():
                    times[name].append(seconds)
    yield from _figures(times)


def _once(step: str, engine: child.Child, server: Server, path: Path) -> dict[str, float]:
    if step == "curl":
        return {"curl": curl.send(server, path)}
    if step == "net":
        return {"net": float(engine.ask("net", path=str(path))["whole"])}
    answer = engine.ask("engine", paths=[str(path)], files=1)
    return {name: float(answer[name]) for name in ("sending", "whole", "cpu")}


def _figures(times: dict[str, list[float]]) -> Iterator[Figure]:
    def speeds(name: str) -> str:
        each = [LARGE / MB / seconds for seconds in times[name]]
        return f"{statistics.median(each):,.0f} MB/s ({spread(each)})"

    beside_curl = f"curl {speeds('curl')}"
    for name, title, bar in (
        ("net", "95 MB, network layer alone, ratio to curl", 0.9),
        ("sending", "95 MB, engine, upload stage, ratio to curl", 0.9),
        ("whole", "95 MB, engine, whole path with fingerprint, ratio to curl", None),
    ):
        ratio = median_ratio(times["curl"], times[name])
        note = f"{speeds(name)}; {beside_curl}"
        yield Figure(title, ratio, "", bar, Bar.AT_LEAST, note)
    cpu = statistics.median(times["cpu"]) * 1000
    yield Figure("95 MB, engine, processor time", cpu, "ms", note="two hashes and the sending")
