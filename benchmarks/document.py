"""docs/benchmarks.md and the table on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure

DOCUMENT: Final = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"

_INTRODUCTION: Final = """\
# Benchmarks

Made by `make bench BENCH_ARGS=--write`; do not edit by hand. `--quick` gives a rough look,
`--only NAME` one chapter ({names}).
`--compare CHECKOUT` measures this and another state of the program in turn (CONTRIBUTING.md says
how). `python -m benchmarks.footprint` lists what one small upload runs, module by module.

Everything is measured on the real parts: the real engine on a real profile, the real window (drawn
off screen), the sandbox's servers in a process of their own. curl talks to the same server process,
in turn with us, round by round; the first round warms up and does not count. Figures are medians.
Ratios are speeds: 1 is as fast as the other, 2 twice as fast. A busy machine worsens all figures
but memory, the ratios to curl too: we hash beside the sending and want a second processor for it.
The system's keyring is left out, and with it the memory and the time that opening it takes.
Lines are made slow and bad by a program, on this computer: the loss of packets and the slow start
of a new connection are not in it. "Bytes a byte" are those sent for each of the files.
An account takes 1,000 files; where more are sent, several accounts share them, and each round has
new ones.

Machine: {machine}.
Every round waits, within limits, until nobody else uses the machine; in this run
{told}.

| Figure | Measured | Bar | | Beside it |
|---|---|---|---|---|
{rows}
"""


def write(
    figures: Sequence[Figure],
    machine: str,
    names: Sequence[str],
    told: str,
    path: Path = DOCUMENT,
) -> None:
    """The whole document anew; a figure that misses its bar is shown as such."""
    rows = "\n".join(
        f"| {f.name} | {f.shown_value} | {f.shown_bar} | {f.verdict} | {f.note} |" for f in figures
    )
    text = _INTRODUCTION.format(names=", ".join(names), machine=machine, told=told, rows=rows)
    path.write_text(text, encoding="utf-8")


def line(figure: Figure) -> str:
    """One figure for the terminal."""
    bar = f"{figure.shown_bar:>12}"
    return f"{figure.verdict:4} {figure.shown_value:>12} {bar}  {figure.name}  [{figure.note}]"
