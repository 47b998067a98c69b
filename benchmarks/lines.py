"""Slow and bad lines: we, `curl --retry` and the openai SDK, one after the other on each."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks import curl
from benchmarks.bench import Bench
from benchmarks.child import Child
from benchmarks.figures import Figure
from benchmarks.materials import MB, freshen, make_large, make_small
from benchmarks.server import PURPOSE
from benchmarks.shaped_line import Fate, Shape, ShapedLine, Traffic, shaped

MBIT: Final = 125_000
_SHARE: Final = 0.05
_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one client's turn on one line."""

    seconds: float
    traffic: Traffic
    stored: int
    doubled: int
    payload: int

    @property
    def overhead(self) -> float:
        """Bytes sent for each byte of the files."""
        return self.traffic.sent_bytes / self.payload


class _Clients:
    """The three of them, on a line that all of them share."""

    def __init__(self, bench: Bench, line: ShapedLine, engine: Child, sdk: Child) -> None:
        self._bench = bench
        self._line = line
        self._engine = engine
        self._sdk = sdk
        self._server = replace(bench.server, base_url=line.url)

    def run(self, who: str, shape: Shape, paths: Sequence[Path], at_once: int) -> Run:
        freshen(paths)
        self._bench.server.reset()
        self._bench.scale.patience.wait()
        send = {"ours": self._ours, "curl": self._curl, "openai": self._openai}[who]
        self._line.become(shape)
        seconds = send(paths, at_once)
        stored = self._bench.server.stored()
        sizes = sum(path.stat().st_size for path in paths)
        return Run(
            seconds,
            self._line.traffic,
            len(stored),
            sum(count - 1 for count in stored.values()),
            sizes,
        )

    def _ours(self, paths: Sequence[Path], at_once: int) -> float:
        order = {"count": 1, "base_url": self._server.base_url, "key": self._server.key}
        [name] = self._engine.ask("accounts", lanes=at_once, **order)["names"]
        # Adding it asks for its list.
        self._line.become(self._line.shape)
        drops = {name: [str(path) for path in paths]}
        return float(self._engine.ask("engine", drops=drops, files=len(paths))["whole"])

    def _curl(self, paths: Sequence[Path], at_once: int) -> float:
        return curl.send_all(self._server, paths, at_once, self._bench.folder, retries=5)

    def _openai(self, paths: Sequence[Path], at_once: int) -> float:
        order = {"base_url": self._server.base_url, "key": self._server.key, "purpose": PURPOSE}
        given = [str(path) for path in paths]
        return float(self._sdk.ask("send", paths=given, at_once=at_once, **order)["took"])


def measure(bench: Bench) -> Iterator[Figure]:
    """Each client's file has new content, so nobody is told that it is there already."""
    scale, folder = bench.scale, bench.folder
    with ExitStack() as parts:
        settle_s = scale.line_settle_s
        clients = _Clients(
            bench,
            parts.enter_context(shaped(bench.server.base_url)),
            parts.enter_context(bench.running("engine_child", folder / "home", settle_s=settle_s)),
            parts.enter_context(bench.running("peer_child", folder / "peer")),
        )
        [large] = make_large(folder / "large", 1, scale.line_bytes)
        [middle] = make_large(folder / "middle", 1, scale.line_bytes * 3 // 40)
        sixteen = make_large(folder / "sixteen", 16, scale.line_bytes // 10)
        small = make_small(folder / "small", scale.line_files)
        mixed = [middle, *small[: len(small) // 5]]
        shape = Shape(20 * MBIT, 0.1)
        yield from _slow(clients, "A large file, 20 Mbit/s and 100 ms", shape, [large], 1)
        title = f"A file and {len(mixed) - 1} of 10 KB, 1 Mbit/s and 300 ms"
        yield from _slow(clients, title, Shape(MBIT, 0.3), mixed, 2)
        title = "16 files, 100 Mbit/s and 100 ms"
        fast = Shape(100 * MBIT, 0.1)
        yield from _slow(clients, title, fast, sixteen, 2)
        stall = replace(fast, stall_s=scale.line_stall_s)
        yield from _slow(clients, f"{title}, each connection stalls", stall, sixteen, 2, bar=None)
        once = replace(shape, cut_once_at=0.92)
        title = "A large file, 20 Mbit/s and 100 ms, cut once"
        yield from _slow(clients, title, once, [large], 1, bar=None)
        yield from _cut(clients, small, min(_ROUNDS, scale.rounds))
        yield from _lost(clients, small[: len(small) // 2], settle_s)


def _size(path: Path) -> str:
    return f"{path.stat().st_size / MB:g} MB"


def _note(runs: dict[str, Run]) -> str:
    """Seconds, bytes for each byte of the files, files stored twice, lists."""
    each = [
        f"{who} {run.seconds:.1f} s, {run.overhead:.2f} bytes a byte"
        + (f", {run.doubled} stored twice" if run.doubled else "")
        for who, run in runs.items()
    ]
    questions = runs["ours"].traffic.questions
    return "; ".join(each) + (f"; {questions} lists" if questions else "")


def _slow(
    clients: _Clients,
    title: str,
    shape: Shape,
    paths: Sequence[Path],
    at_once: int,
    *,
    bar: float | None = 1.2,
) -> Iterator[Figure]:
    runs = {who: clients.run(who, shape, paths, at_once) for who in ("ours", "curl", "openai")}
    ratio = runs["ours"].seconds / runs["curl"].seconds
    note = f"{_size(paths[0])}; {_note(runs)}"
    yield Figure(f"{title}, time to that of curl", ratio, bar=bar, note=note)


def _cut(clients: _Clients, paths: Sequence[Path], rounds: int) -> Iterator[Figure]:
    shape, calm, cut, overheads, notes = Shape(cut=_SHARE), [], [], [], []
    for _ in range(rounds):
        calm.append(clients.run("ours", Shape(), paths, 8).seconds)
        runs = {who: clients.run(who, shape, paths, 8) for who in ("ours", "curl", "openai")}
        cut.append(runs["ours"].seconds)
        overheads.append(runs["ours"].overhead / runs["curl"].overhead)
        cuts = runs["ours"].traffic.fates.get(Fate.CUT, 0)
        notes.append(f"{cuts} cut; {_note(runs)}")
    title = f"{len(paths)} files of 10 KB, 5 % cut"
    ratio = statistics.median(c / w for c, w in zip(cut, calm, strict=True))
    beside = f"{statistics.median(calm):.1f} s without; {notes[-1]}"
    yield Figure(f"{title}, time to that without cuts", ratio, bar=1.5, note=beside)
    yield Figure(f"{title}, bytes sent to those of curl", statistics.median(overheads), bar=1.02)


def _lost(clients: _Clients, paths: Sequence[Path], settle_s: float) -> Iterator[Figure]:
    shape = Shape(lost=_SHARE)
    runs = {who: clients.run(who, shape, paths, 8) for who in ("ours", "curl", "openai")}
    ours = runs["ours"]
    title = f"{len(paths)} files of 10 KB, 5 % of the answers lost"
    lost = ours.traffic.fates.get(Fate.LOST, 0)
    beyond = max(0.01, ours.seconds - settle_s) if lost else ours.seconds
    note = f"{lost} lost; {_note(runs)}"
    yield Figure(f"{title}, time beyond the settle time", beyond, "s", bar=10, note=note)
    yield Figure(f"{title}, stored twice", ours.doubled, "files", bar=0)
