"""Files to send. No two are alike: the engine would recognise a twin and not send it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

MB: Final = 1_000_000
_PIECE: Final = 5 * MB
_STAMP: Final = 32


def _text(size: int) -> bytes:
    """Random and readable: what calls itself text must be text."""
    return os.urandom(size // 2).hex().encode()


def make_large(folder: Path, count: int, size: int) -> list[Path]:
    """Files of one block repeated, each with a beginning of its own; written once, in the cache."""
    folder.mkdir(parents=True, exist_ok=True)
    block = _text(_PIECE)
    made = []
    for number in range(count):
        path = folder / f"large-{number}.txt"
        with path.open("wb") as file:
            for start in range(0, size, _PIECE):
                file.write(block[: min(_PIECE, size - start)])
        made.append(path)
    freshen(made)
    return made


def freshen(paths: Sequence[Path]) -> None:
    """New content for each, at the cost of its first bytes."""
    for path in paths:
        with path.open("r+b") as file:
            file.write(_text(_STAMP))


def make_small(folder: Path, count: int, size: int = 10_000) -> list[Path]:
    """Many small files, as a folder that is dropped."""
    folder.mkdir(parents=True)
    rest = _text(size - _STAMP)
    made = []
    for number in range(count):
        path = folder / f"small-{number:05}.txt"
        path.write_bytes(_text(_STAMP) + rest)
        made.append(path)
    return made


def make_shares(folder: Path, count: int, most: int) -> list[Path]:
    """As many small files, in folders of the same size with at most `most` each."""
    shares = -(-count // most)
    made = []
    for number in range(shares):
        share = folder / f"share-{number}"
        make_small(share, count // shares + (number < count % shares))
        made.append(share)
    return made


def make_tree(folder: Path, files: int) -> None:
    """A tree as people have it: a hundred files a folder, few of them new, some empty."""
    for number in range(files):
        path = folder / f"part-{number // 100:03}" / f"page-{number:05}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number % 5 == 0:
            path.touch()
        else:
            path.write_text(f"page {number}" if number % 100 == 1 else "the same on every page")
