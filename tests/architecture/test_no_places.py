"""No file tells where or by whom it was written: such a path works on one machine only."""

import re
from collections.abc import Iterator
from pathlib import Path

from .source_tree import ROOT

# Not git: the rule also holds for an unpacked source archive. Hidden folders are tools and caches.
OWN_HIDDEN = {".ci", ".gitignore", ".pre-commit-config.yaml", ".github"}
MADE = {"build", "dist", "__pycache__"}
# In pieces, or this file would name what it forbids.
PLACES = "|".join(("/" + "work/", "/" + r"root/\."))


def _places() -> re.Pattern[str]:
    home = Path.home()
    # A home such as / or /root would match too much or is covered above.
    own = [str(home)] if len(home.parts) > 2 else []
    # Only where a path begins: docs/work/ is another matter.
    return re.compile(r"(?:^|[\s\"'`(=:])(?:" + "|".join([PLACES, *map(re.escape, own)]) + ")")


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in MADE or (path.name.startswith(".") and path.name not in OWN_HIDDEN):
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.is_file():
            yield path


def test_no_file_names_a_place_on_a_machine() -> None:
    places = _places()
    found = []
    for path in _files(ROOT):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or an office document
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
            for number, line in enumerate(text.splitlines(), 1)
            if places.search(line)
        ]
    assert not found, "\n" + "\n".join(found)
