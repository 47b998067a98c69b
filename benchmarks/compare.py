"""This checkout against another one, on this machine, in turn: is any figure worse than before?

The program under measurement runs in child processes; for the other checkout they run its
`exai_desktop` and its `benchmarks`, in the environment of this one. Server and curl are the same
for both. A chapter is measured as often as there are turns, for both in each turn; who begins
changes. What is compared is the two of one turn, so that a machine that becomes slower in the
meantime is slower for both.
"""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.chapters import measured
from benchmarks.child import OURS, PROTOCOL, Program, environment
from benchmarks.figures import Figure, Scale
from benchmarks.server import Server

CHAPTERS: Final = ("large", "small", "start", "idle")
TURNS: Final = 5
# As much as two measurements of the same program differ on a quiet machine.
TOLERANCE: Final = 0.05
_LOOK: Final = (
    "import exai_desktop, benchmarks.child as child;"
    "print(child.PROTOCOL, exai_desktop.__file__, sep='\\n')"
)


@dataclass(slots=True)
class Pairs:
    """One figure of both programs, turn by turn."""

    ours: list[Figure] = field(default_factory=list)
    theirs: list[Figure] = field(default_factory=list)

    @property
    def changes(self) -> list[float]:
        """How much more than theirs ours is, turn by turn; 0.1 is a tenth more."""
        return [
            (a.value - b.value) / b.value if b.value else 0.0
            for a, b in zip(self.ours, self.theirs, strict=True)
        ]

    @property
    def medians(self) -> tuple[float, float]:
        ours, theirs = ([f.value for f in side] for side in (self.ours, self.theirs))
        return statistics.median(ours), statistics.median(theirs)

    @property
    def is_worse(self) -> bool:
        """By more than the tolerance, and by more than what says something for this figure."""
        sign = -1 if self.ours[0].more_is_better else 1
        ours, theirs = self.medians
        difference = sign * (ours - theirs)
        if not theirs:
            # Nothing to be a share of: any difference that says something counts.
            return difference > self.ours[0].grain
        too_much = sign * statistics.median(self.changes) > TOLERANCE
        return too_much and difference > self.ours[0].grain

    @property
    def line(self) -> str:
        ours, theirs = (
            Figure("", median, self.ours[0].unit).shown_value for median in self.medians
        )
        changes = [f"{change:+.1%}" for change in sorted(self.changes)]
        middle = f"{statistics.median(self.changes):+.1%}"
        verdict = "WORSE" if self.is_worse else "ok"
        note = f"{changes[0]} to {changes[-1]}"
        return f"{verdict:5} {ours:>12} {theirs:>12} {middle:>8}  {self.ours[0].name}  [{note}]"


def checkout(folder: Path) -> Program:
    """Another checkout. ValueError when its children would not be those of that folder."""
    program = Program(folder.resolve())
    command = [*program.command("exai_desktop")[:1], "-c", _LOOK]
    try:
        said = subprocess.run(
            command,
            check=True,
            cwd=program.folder,
            env=environment(program.folder / ".run"),
            capture_output=True,
            text=True,
        ).stdout
        protocol, place = said.splitlines()
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise ValueError(
            f"{folder} has no exai_desktop with benchmarks that can be compared: {error}"
        ) from error
    if not Path(place).is_relative_to(program.folder):
        raise ValueError(f"{folder} has no exai_desktop")
    if int(protocol) != PROTOCOL:
        raise ValueError(f"the benchmarks of {folder} are others: {protocol}, here {PROTOCOL}")
    return program


def run(
    names: Sequence[str], scale: Scale, other: Program, turns: int, server: Server | None = None
) -> bool:
    """Print each figure of both; whether one is worse here."""
    print(f"this checkout, {other.folder}, and how much more it is here; {turns} turns")
    worse = False
    for name in names:
        for pairs in _in_turn(name, scale, other, turns, server):
            print(pairs.line, flush=True)
            worse |= pairs.is_worse
    return worse


def _in_turn(
    name: str, scale: Scale, other: Program, turns: int, server: Server | None
) -> Iterator[Pairs]:
    found: dict[str, Pairs] = {}
    for turn in range(turns):
        for program in (OURS, other) if turn % 2 == 0 else (other, OURS):
            for figure in measured(name, scale, program, server):
                pairs = found.setdefault(figure.name, Pairs())
                (pairs.ours if program is OURS else pairs.theirs).append(figure)
    # What only one of them tells cannot be compared.
    yield from (pairs for pairs in found.values() if len(pairs.ours) == len(pairs.theirs))
