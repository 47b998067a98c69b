"""One measured figure, its bar, and what was found beside it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from benchmarks.materials import MB
from benchmarks.quiet import Patience


class Bar(Enum):
    AT_LEAST = "≥"
    AT_MOST = "≤"
    BELOW = "<"


@dataclass(frozen=True, slots=True)
class Figure:
    """`bar` None: worth knowing, but nothing is promised. `kind` says which way is better.

    `grain`: a difference that says nothing when two programs are compared.
    """

    name: str
    value: float
    unit: str = ""
    bar: float | None = None
    kind: Bar = Bar.AT_MOST
    note: str = ""
    grain: float = 0.0

    @property
    def more_is_better(self) -> bool:
        return self.kind is Bar.AT_LEAST

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
    """How much is measured: `full` for the record, `quick` for a look, `tiny` for the tests."""

    rounds: int
    # Rounds before the first one that counts.
    warm_ups: int
    large_bytes: int
    small_files: int
    # Room of an account: providers take no more, and the engine keeps to that.
    account_files: int
    window_bytes: int
    window_files: int
    window_tree: int
    many_files: int
    window_rounds: int
    starts: int
    # Files in the large records of the chapter `start`.
    queued: int
    finished: int
    idle_s: float
    # In the record that is sent to a Supabase project beside uploads.
    mirrored_files: int
    decisions: int
    tier_rounds: int
    line_bytes: int
    line_files: int
    line_settle_s: float
    line_stall_s: float
    patience: Patience

    @property
    def large(self) -> str:
        """The size of a large file, in words."""
        return f"{self.large_bytes // MB} MB"


def full() -> Scale:
    return Scale(
        rounds=9,
        warm_ups=1,
        large_bytes=95 * MB,
        small_files=2_000,
        account_files=1_000,
        window_bytes=20 * MB,
        window_files=1_000,
        window_tree=10_000,
        many_files=100_000,
        window_rounds=5,
        starts=5,
        queued=100_000,
        finished=1_000_000,
        idle_s=10.0,
        mirrored_files=10_000,
        decisions=2_000,
        tier_rounds=3,
        line_bytes=20 * MB,
        line_files=200,
        line_settle_s=60.0,
        line_stall_s=5.0,
        patience=Patience(90.0),
    )


def quick() -> Scale:
    return replace(
        full(),
        rounds=3,
        small_files=400,
        window_files=300,
        window_tree=0,
        many_files=10_000,
        window_rounds=1,
        starts=3,
        queued=20_000,
        finished=100_000,
        idle_s=3.0,
        patience=Patience(10.0),
    )


def tiny() -> Scale:
    """All steps of every chapter once; the figures say nothing. It does not wait for quiet."""
    return Scale(
        rounds=1,
        warm_ups=0,
        large_bytes=2 * MB,
        small_files=30,
        account_files=20,
        window_bytes=1 * MB,
        window_files=20,
        window_tree=200,
        many_files=300,
        window_rounds=1,
        starts=1,
        queued=600,
        finished=2_000,
        idle_s=0.5,
        mirrored_files=50,
        decisions=20,
        tier_rounds=1,
        line_bytes=MB // 5,
        line_files=20,
        line_settle_s=0.5,
        line_stall_s=0.1,
        patience=Patience(None),
    )


def exit_code(figures: Iterable[Figure]) -> int:
    """1 when a figure misses its bar."""
    return int(any(figure.passed is False for figure in figures))


def median_ratio(reference: Sequence[float], ours: Sequence[float]) -> float:
    """How fast we are against the reference of the same round; 1 is as fast, 2 twice as fast."""
    return statistics.median(r / o for r, o in zip(reference, ours, strict=True))


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The smallest and the largest, for a note."""
    return f"{min(values):,.{digits}f} to {max(values):,.{digits}f}"


def _number(value: float) -> str:
    if abs(value) >= 100 or isinstance(value, int):
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
