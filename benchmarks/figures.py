"""One measured figure, its bar, and what was found beside it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from benchmarks.quiet import Patience


class Bar(Enum):
    AT_LEAST = "≥"
    AT_MOST = "≤"
    BELOW = "<"


@dataclass(frozen=True, slots=True)
class Figure:
    """`bar` None: worth knowing, but nothing is promised."""

    name: str
    value: float
    unit: str = ""
    bar: float | None = None
    kind: Bar = Bar.AT_MOST
    note: str = ""

    @property
    def passed(self) -> bool | None:
        if self.bar is None:
            return None
        match self.kind:
            case Bar.AT_LEAST:
                return self.value >= self.bar
            case Bar.AT_MOST:
                return self.value <= self.bar
            case Bar.BELOW:
                return self.value < self.bar

    @property
    def shown_bar(self) -> str:
        return "" if self.bar is None else f"{self.kind.value} {_number(self.bar)}{self._unit}"

    @property
    def shown_value(self) -> str:
        return f"{_number(self.value)}{self._unit}"

    @property
    def verdict(self) -> str:
        return {None: "", True: "pass", False: "FAIL"}[self.passed]

    @property
    def _unit(self) -> str:
        return f" {self.unit}" if self.unit else ""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured. `quick` is for a look, `full` for the record."""

    rounds: int
    small_files: int
    window_files: int
    window_tree: int
    window_rounds: int
    starts: int
    idle_s: float
    patience: Patience


def full() -> Scale:
    return Scale(9, 2_000, 1_000, 10_000, 5, 5, 10.0, Patience(90.0))


def quick() -> Scale:
    return Scale(3, 400, 300, 0, 1, 3, 3.0, Patience(10.0))


def median_ratio(reference: Sequence[float], ours: Sequence[float]) -> float:
    """How fast we are against the reference of the same round; 1 is as fast, 2 twice as fast."""
    return statistics.median(r / o for r, o in zip(reference, ours, strict=True))


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The smallest and the largest, for a note."""
    return f"{min(values):,.{digits}f} to {max(values):,.{digits}f}"


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
