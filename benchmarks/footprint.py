"""How much of the program one small upload runs: `python -m benchmarks.footprint`.

One file of 49 bytes is sent by `exai-desktop upload FILE --json`, from a new profile with one Kimi
account, to a sandbox in a process of its own. The keys are in a keyring, as with users.

What counts are functions written with `def` below `exai_desktop/`, methods and nested ones too,
that run from the moment the service is open until its engine is told to stop, in all threads of
the client's process. Each counts once; a coroutine that goes on counts as one that runs. What does
not count: the bodies of modules and classes, lambdas, comprehensions and generator expressions,
what dataclasses and pydantic write themselves, other packages, and other processes. A module
counts when at least one of its functions does. Modules are told by their files, so that moving one
changes nothing.

Opening and closing a profile is done once for any number of files; the whole process, with both,
is told beside it.

This way of counting gives what is known of the program before its packages had folders: 426
functions in 109 modules. Background tasks add one or two in some runs, so the middle one of three
is told. Other ways do not give that: the whole process ran 669 functions in 144 modules, the main
thread alone 530 in 128, all without `__init__` and the like 591 in 138.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.bench import Bench, open_bench
from benchmarks.child import OURS, environment
from benchmarks.figures import Figure, exit_code, quick
from benchmarks.file_keyring import BACKEND, PLACE

SIZE: Final = 49
MOST_MODULES: Final = 70
MOST_FUNCTIONS: Final = 350
ROUNDS: Final = 3
_LIMIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Footprint:
    """`modules`: how many functions of each ran, most first; `whole_*`: of the whole process."""

    modules: dict[str, int]
    whole_modules: int
    whole_functions: int

    @property
    def functions(self) -> int:
        return sum(self.modules.values())

    @property
    def figures(self) -> tuple[Figure, Figure]:
        title = f"One upload of {SIZE} bytes on the command line"
        note = f"{self.whole_modules} in the whole process"
        modules = Figure(f"{title}, modules", len(self.modules), "", MOST_MODULES, note=note)
        note = f"{self.whole_functions} in the whole process"
        functions = Figure(f"{title}, functions", self.functions, "", MOST_FUNCTIONS, note=note)
        return modules, functions


def measure(bench: Bench) -> Iterator[Figure]:
    """Not a time: a busy machine changes it by a few functions at most."""
    yield from count(bench).figures


def count(bench: Bench) -> Footprint:
    """The middle one of some uploads, each from a profile of its own."""
    rounds = min(ROUNDS, bench.scale.rounds)
    found = [_once(bench, bench.folder / f"round-{number}") for number in range(rounds)]
    return sorted(found, key=lambda each: each.functions)[len(found) // 2]


def _once(bench: Bench, folder: Path) -> Footprint:
    folder.mkdir()
    server = bench.server
    env = environment(folder / "home") | {
        "PYTHON_KEYRING_BACKEND": BACKEND,
        PLACE: str(folder / "keys"),
    }
    add = ["account", "add", "bench", "--provider", "kimi", "--region", "intl"]
    add += ["--base-url", server.base_url, "--key-stdin"]
    _run(bench, env, "exai_desktop", *add, told=server.key)
    file, report = folder / "note.txt", folder / "report.json"
    file.write_text(f"{'A small text, sent once.':{SIZE - 1}}\n", encoding="utf-8", newline="")
    said = _run(
        bench, env, "benchmarks.footprint_child", str(report), "upload", str(file), "--json"
    )
    job = json.loads(said)
    if (job["state"], job["bytes"]) != ("done", SIZE):
        raise RuntimeError(f"not sent: {said}")
    seen: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    inside = Counter(file for file, _ in seen["open"])
    return Footprint(
        dict(sorted(inside.items(), key=lambda item: (-item[1], item[0]))),
        len({file for file, _ in seen["whole"]}),
        len(seen["whole"]),
    )


def _run(bench: Bench, env: dict[str, str], module: str, *words: str, told: str = "") -> str:
    command = bench.program.command(module, *words)
    result = subprocess.run(
        command,
        cwd=bench.program.folder,
        env=env,
        input=told,
        text=True,
        stdout=subprocess.PIPE,
        timeout=_LIMIT_S,
        check=True,
    )
    return result.stdout


def main() -> int:
    """1 when more ran than the bar allows."""
    with open_bench(quick(), OURS) as bench:
        found = count(bench)
    for module, functions in found.modules.items():
        print(f"{functions:5}  {module}")
    for figure in found.figures:
        shown = f"{figure.shown_value} ({figure.shown_bar}) {figure.verdict}"
        print(f"{figure.name}: {shown}; {figure.note}")
    return exit_code(found.figures)


if __name__ == "__main__":
    sys.exit(main())
