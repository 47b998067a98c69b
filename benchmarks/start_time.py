"""From the start of the process to a window that can be used, and the quick verbs.

Processor time wherever it can be, of a process with all its children: other work on the machine
changes it little. What it is divided by, bare Python or a bare window, runs in turn with it.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.child import environment, running
from benchmarks.figures import Figure, spread
from benchmarks.materials import make_shares, make_small
from benchmarks.records import fill

BAR_S = 1.5
ROWS = 50

Round = Callable[[], float]


def measure(bench: Bench) -> Iterator[Figure]:
    """On a profile with accounts that have their files, an empty one, and two with many jobs."""
    scale, folder = bench.scale, bench.folder
    home, count = folder / "home", scale.small_files
    shares = make_shares(folder / "files", count, scale.account_files)
    with bench.running("engine_child", home, account_max_files=scale.account_files) as engine:
        names = bench.add_accounts(engine, len(shares), 8)
        drops = {name: [str(share)] for name, share in zip(names, shares, strict=True)}
        engine.ask("engine", drops=drops, files=count)
    yield _usable(bench, home, count)
    yield from _windows(bench)
    yield from _verbs(bench, home, count)


def _usable(bench: Bench, home: Path, count: int) -> Figure:
    """By the clock on the wall."""
    scale = bench.scale
    shown, usable = [], []
    for number in range(scale.warm_ups + scale.starts):
        scale.patience.wait()
        start = time.monotonic()
        with bench.running("window_child", home) as window:
            answer = window.next_answer()
        if number >= scale.warm_ups:
            shown.append(float(answer["shown"]) - start)
            usable.append(float(answer["usable"]) - start)
    note = f"{spread(usable, 2)}; on screen after {statistics.median(shown):.2f} s"
    note += f"; {count:,} files in the list"
    return Figure("Start to usable window", statistics.median(usable), "s", BAR_S, note=note)


def _windows(bench: Bench) -> Iterator[Figure]:
    scale, folder = bench.scale, bench.folder
    homes = {"empty": folder / "empty", "queued": folder / "queued", "done": folder / "finished"}
    for name, home in homes.items():
        _window(bench, home)
        if name != "empty":
            queued, finished = (scale.queued, 0) if name == "queued" else (0, scale.finished)
            fill(home / "exai-desktop.db", queued, finished)
            _window(bench, home)  # what was written by another program is checked first
    bare: list[float] = []
    painted: dict[str, list[float]] = {name: [] for name in homes}
    usable: dict[str, list[float]] = {name: [] for name in homes}
    for number in range(scale.warm_ups + scale.starts):
        scale.patience.wait()
        with running("bare_window_child", folder / "bare") as child:
            whole = float(child.next_answer()["cpu"])
        found = {name: _window(bench, home) for name, home in homes.items()}
        if number >= scale.warm_ups:
            bare.append(whole)
            for name, (painted_s, usable_s) in found.items():
                painted[name].append(painted_s)
                usable[name].append(usable_s)
    least = statistics.median(bare)
    note = f"{least:.2f} s of processor time"
    for title, found_s, bar in (
        ("Window on screen, to a bare PySide6 window", painted["empty"], 4.0),
        ("Usable window, to a bare PySide6 window", usable["empty"], 6.0),
    ):
        yield Figure(title, statistics.median(found_s) / least, bar=bar, note=f"{note} the latter")
    empty = statistics.median(usable["empty"])
    for title, name in (
        (f"Usable window, {scale.queued:,} files queued, to an empty profile", "queued"),
        (f"Usable window, {scale.finished:,} files finished, to an empty profile", "done"),
    ):
        many = statistics.median(usable[name])
        yield Figure(title, many / empty, bar=1.1, note=f"{many:.2f} s and {empty:.2f} s")


def _window(bench: Bench, home: Path) -> tuple[float, float]:
    """Processor time until it was painted, and until it was usable."""
    with bench.running("window_child", home) as window:
        answer = window.next_answer()
    # An earlier checkout does not tell.
    return float(answer.get("painted_cpu", 1.0)), float(answer.get("usable_cpu", 1.0))


def _verbs(bench: Bench, home: Path, count: int) -> Iterator[Figure]:
    empty = bench.folder / "empty"
    [small] = make_small(bench.folder / "one", 1)
    bare, version = _in_turn(
        bench,
        lambda: _cpu(["-c", "pass"], empty, bench),
        lambda: _verb(["--version"], empty, bench),
    )
    ratio = statistics.median(version) / statistics.median(bare)
    note = f"{statistics.median(bare):.3f} s of processor time the latter"
    yield Figure("exai-desktop --version, to bare Python", ratio, bar=2.0, note=note)
    upload = ["upload", "--sandbox", str(small)]
    for title, words, where, bar in (
        ("exai-desktop --help", ["--help"], empty, 0.25),
        ("exai-desktop list, empty profile", ["list"], empty, 0.5),
        (f"exai-desktop list, {count:,} files", ["list"], home, 0.5),
        ("exai-desktop upload --sandbox, one file", upload, empty, 0.9),
    ):
        [found] = _in_turn(bench, lambda words=words, where=where: _verb(words, where, bench))  # type: ignore[misc]
        yield Figure(title, statistics.median(found), "s", bar, note=spread(found, 3))
    with bench.running("window_child", home) as owner:
        owner.next_answer()
        [found] = _in_turn(bench, lambda: _verb(["list", "--limit", str(ROWS)], home, bench))
    title = f"exai-desktop list beside an owner, {ROWS} rows"
    yield Figure(title, statistics.median(found), "s", 0.12, note=spread(found, 3))


def _in_turn(bench: Bench, *rounds: Round) -> list[list[float]]:
    scale = bench.scale
    found: list[list[float]] = [[] for _ in rounds]
    for number in range(scale.warm_ups + scale.starts):
        scale.patience.wait()
        for values, measured in zip(found, rounds, strict=True):
            value = measured()
            if number >= scale.warm_ups:
                values.append(value)
    return found


def _verb(words: Sequence[str], home: Path, bench: Bench) -> float:
    return _cpu(["-m", "exai_desktop", *words], home, bench)


def _cpu(words: Sequence[str], home: Path, bench: Bench) -> float:
    """Processor time of one process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *words],
        check=True,
        cwd=bench.program.folder,
        env=environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
