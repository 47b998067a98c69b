"""Guess the next month of every region from the last three: a weighted mean."""

import csv
import sys
from collections import defaultdict

WEIGHTS = (1, 2, 3)


def guess(values: list[float]) -> float:
    """The weighted mean of the last three values; the newest counts most."""
    newest = values[-len(WEIGHTS) :]
    return sum(w * v for w, v in zip(WEIGHTS, newest, strict=True)) / sum(WEIGHTS)


def main() -> None:
    """Read region,amount lines from standard input."""
    by_region: dict[str, list[float]] = defaultdict(list)
    for region, amount in csv.reader(sys.stdin):
        by_region[region].append(float(amount))
    for region, values in sorted(by_region.items()):
        print(f"{region}: {guess(values):,.0f}")


if __name__ == "__main__":
    main()
