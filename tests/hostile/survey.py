"""What the checks say of the files of a folder: `python -m tests.hostile.survey DIR`.

Counts the verdicts of files whose endings providers take, and names those that were not taken.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from exai_desktop.config.resources import load_provider_table
from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.sniff import Source, judge_content, sniff
from exai_desktop.core.sniff.verdict import ending_of
from exai_desktop.engine.files.file_checks import legacy_encoding


def verdict(path: Path) -> tuple[str, str]:
    """The code ("taken" for none) and its detail."""
    with path.open("rb") as file:

        def read_at(offset: int, size: int) -> bytes:
            file.seek(offset)
            return file.read(size)

        try:
            found = sniff(Source(read_at, path.stat().st_size), str(path), legacy_encoding)
            judge_content(found, str(path))
        except FileError as error:
            return error.code.value, error.detail
    return "taken", ""


def files(folder: Path, endings: frozenset[str]) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and ending_of(str(path)) in endings:
            yield path


def main() -> int:
    endings = frozenset().union(
        *(p.formats for provider in load_provider_table().providers for p in provider.purposes)
    )
    counts: Counter[str] = Counter()
    for folder in map(Path, sys.argv[1:]):
        for path in files(folder, endings):
            code, detail = verdict(path)
            counts[code] += 1
            if code not in ("taken", "EMPTY_FILE"):
                print(f"{code}  {path}  {detail}")
    total = sum(counts.values())
    for code, count in counts.most_common():
        print(f"{count:8,}  {100 * count / max(total, 1):6.2f} %  {code}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
