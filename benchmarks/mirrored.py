"""What the records in a Supabase project cost: memory when idle, and uploads beside them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Final

from benchmarks import records
from benchmarks.bench import Bench
from benchmarks.child import Child
from benchmarks.figures import Bar, Figure, spread
from benchmarks.materials import freshen, make_shares
from benchmarks.project_server import KEY

AT_ONCE: Final = 8
ROUNDS: Final = 5
_BEGINS_S: Final = 60.0


def measure(bench: Bench) -> Iterator[Figure]:
    """The project is a process of its own, that answers at once."""
    with bench.running("project_server", bench.folder / "project") as project:
        url = str(project.next_answer()["url"])
        yield _memory(bench, url)
        yield from _uploads(bench, url, project)


def _memory(bench: Bench, url: str) -> Figure:
    """Two processes on profiles without an account: what speaks HTTP is loaded for this alone."""
    rest_s, grown = bench.scale.idle_s / 5, []
    for turn in range(min(3, bench.scale.rounds)):
        sizes = []
        for name in ("out", "in"):
            home = bench.folder / f"{name}-{turn}"
            with bench.running("engine_child", home) as engine:
                engine.ask("rest", seconds=rest_s)
                if name == "in":
                    engine.ask("sign_in", url=url, key=KEY)
                    engine.ask("rest", seconds=rest_s)
                sizes.append(engine.rss_mib())
        grown.append(sizes[1] - sizes[0])
    title = "Memory of a signed-in program without an account, growth"
    note = spread(grown, 1)
    return Figure(title, max(0.0, statistics.median(grown)), "MiB", 5, Bar.AT_MOST, note, grain=1)


def _begin(engine: Child, project: Child, url: str) -> None:
    """Sign in, and wait for the first rows: some seconds pass before a round begins."""
    known = project.ask("count")["operations"]
    engine.ask("sign_in", url=url, key=KEY)
    deadline = time.monotonic() + _BEGINS_S
    while project.ask("count")["operations"] == known:
        if time.monotonic() > deadline:
            raise RuntimeError("nothing is sent to the project")
        time.sleep(0.05)


def _uploads(bench: Bench, url: str, project: Child) -> Iterator[Figure]:
    """Signed out and signed in by turns; at each sign-in the whole record waits to be sent."""
    scale, folder = bench.scale, bench.folder
    count, recorded = scale.small_files, scale.mirrored_files
    home = folder / "home"
    with bench.running("engine_child", home) as engine:
        [account] = bench.add_accounts(engine, 1, AT_ONCE)
    records.fill(home / "exai-desktop.db", 0, recorded, account)
    shares = make_shares(folder / "files", count, scale.account_files)
    paths = [path for share in shares for path in sorted(share.iterdir())]
    walls: dict[bool, list[float]] = {True: [], False: []}
    cpus: dict[bool, list[float]] = {True: [], False: []}
    with bench.running("engine_child", home, account_max_files=scale.account_files) as engine:
        for turn in range(min(ROUNDS, scale.rounds) + 1):
            # By turns the one and the other first: what grows meanwhile is in both.
            for is_in in (True, False) if turn % 2 else (False, True):
                bench.server.reset()
                freshen(paths)
                names = bench.add_accounts(engine, len(shares), AT_ONCE, keep=True)
                drops = {name: [str(each)] for name, each in zip(names, shares, strict=True)}
                scale.patience.wait()
                if is_in:
                    _begin(engine, project, url)
                before = engine.cpu_s()
                answer = engine.ask("engine", drops=drops, files=count)
                used = engine.cpu_s() - before
                if is_in:
                    engine.ask("sign_out")
                if turn or scale.rounds == 1:
                    walls[is_in].append(float(answer["whole"]))
                    cpus[is_in].append(used)
    sent = project.ask("count")["operations"]
    title = f"{count:,} files of 10 KB beside {recorded:,} that are recorded"
    for words, found, bar in (("time", walls, 1.05), ("processor time", cpus, None)):
        ratio = statistics.median(w / o for w, o in zip(found[True], found[False], strict=True))
        note = f"{spread(found[True], 1)} s to {spread(found[False], 1)} s; {sent:,} rows sent"
        yield Figure(f"{title}, {words} to that signed out", ratio, "", bar, Bar.AT_MOST, note)
