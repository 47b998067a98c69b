"""Many small files through the engine against `curl --parallel`."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Final

from benchmarks import curl
from benchmarks.bench import Bench
from benchmarks.figures import Bar, Figure, median_ratio, spread
from benchmarks.materials import freshen, make_shares, make_small

AT_ONCE: Final = 8
ROUNDS: Final = 3


def measure(bench: Bench) -> Iterator[Figure]:
    """A warm-up with a tenth of the files, then rounds in turn.

    An account takes so many files and no more, so several share them, as a user with more files
    would do it; each round has new ones.
    """
    scale, server, folder = bench.scale, bench.server, bench.folder
    count = scale.small_files
    shares = make_shares(folder / "files", count, scale.account_files)
    paths = [path for share in shares for path in sorted(share.iterdir())]
    warm = make_small(folder / "warm", count // 10)
    curls, ours, cpus, counts = [], [], [], list[list[int]]()
    with bench.running(
        "engine_child", folder / "home", account_max_files=scale.account_files
    ) as engine:
        [account] = bench.add_accounts(engine, 1, AT_ONCE)
        engine.ask("engine", drops={account: [str(folder / "warm")]}, files=len(warm))
        for _ in range(min(ROUNDS, scale.rounds)):
            server.reset()
            freshen(paths)
            scale.patience.wait()
            curls.append(curl.send_all(server, paths, AT_ONCE, folder))
            server.reset()
            freshen(paths)
            names = bench.add_accounts(engine, len(shares), AT_ONCE)
            drops = {name: [str(share)] for name, share in zip(names, shares, strict=True)}
            scale.patience.wait()
            before = engine.cpu_s()
            answer = engine.ask("engine", drops=drops, files=count)
            cpus.append((engine.cpu_s() - before) * 1000 / count)
            ours.append(float(answer["whole"]))
            # Another checkout may not count them.
            counts.append(answer.get("counts", []))
    server.reset()
    title = f"{count:,} files of 10 KB, {AT_ONCE} at once"
    rates = [count / seconds for seconds in ours]
    note = f"{spread(cpus, 2)}; all threads of our process"
    yield Figure(
        f"{title}, processor time per file", statistics.median(cpus), "ms", 5, Bar.BELOW, note
    )
    curl_rate = count / statistics.median(curls)
    note = f"{statistics.median(rates):,.0f} files/s ({spread(rates)}); curl {curl_rate:,.0f}"
    ratio = median_ratio(curls, ours)
    yield Figure(f"{title}, rate, ratio to curl", ratio, kind=Bar.AT_LEAST, note=note)
    kinds = ("reads of the record", "writes to the record", "trips to other threads")
    for kind, found in zip(kinds, zip(*counts, strict=True), strict=False):
        yield Figure(f"{title}, {kind} per file", statistics.median(found) / count)
