"""`python -m benchmarks [--only NAME] [--quick | --tiny] [--write | --compare CHECKOUT]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import compare, document
from benchmarks.chapters import CHAPTERS, measured
from benchmarks.figures import Figure, exit_code, full, quick, tiny
from benchmarks.machine import machine_line


def main(words: Sequence[str] | None = None) -> int:
    """1 when a figure misses its bar, or is worse than that of the other checkout."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--only", choices=list(CHAPTERS), action="append", help="one chapter")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller rounds")
    parser.add_argument("--tiny", action="store_true", help="every step once: does it run at all?")
    parser.add_argument("--write", action="store_true", help=f"write {document.DOCUMENT.name}")
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="CHECKOUT",
        help=f"measure this checkout and another one in turn ({', '.join(compare.CHAPTERS)})",
    )
    parser.add_argument(
        "--turns", type=int, default=compare.TURNS, help="of --compare: how often each is measured"
    )
    wanted = parser.parse_args(words)
    if wanted.write and (wanted.only or wanted.quick or wanted.tiny or wanted.compare):
        parser.error("--write is for the whole, full suite")
    scale = tiny() if wanted.tiny else quick() if wanted.quick else full()
    machine = machine_line()
    print(machine)
    if wanted.compare:
        try:
            other = compare.checkout(wanted.compare)
        except ValueError as error:
            parser.error(str(error))
        names = wanted.only or compare.CHAPTERS
        worse = compare.run(names, scale, other, max(1, wanted.turns))
        print(scale.patience.told)
        return int(worse)
    figures: list[Figure] = []
    for name in wanted.only or CHAPTERS:
        start = time.perf_counter()
        for figure in measured(name, scale):
            print(document.line(figure), flush=True)
            figures.append(figure)
        print(f"     {name}: {time.perf_counter() - start:.0f} s", flush=True)
    print(scale.patience.told)
    if wanted.write:
        document.write(figures, machine, list(CHAPTERS), scale.patience.told)
    return exit_code(figures)


if __name__ == "__main__":
    sys.exit(main())
