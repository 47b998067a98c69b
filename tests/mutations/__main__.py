"""Break each rule in a copy of the program and see its test fail: python -m tests.mutations [N]

`N`: only the rule of this number. Exit code 1 when a break went unnoticed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutations.breaks import BREAKS, Break

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 300


def is_caught(breach: Break, copy: Path) -> bool:
    """Whether the test passes on the program as it is, and fails on the broken one."""
    path = copy / "exai_desktop" / breach.file
    sound = path.read_text(encoding="utf-8")
    assert sound.count(breach.old) == 1, f"{breach.file}: {breach.old!r}"
    if _run(breach, copy) != 0:
        raise SystemExit(f"{breach.test} fails on the program as it is")
    path.write_text(sound.replace(breach.old, breach.new), encoding="utf-8")
    try:
        return _run(breach, copy) == 1
    finally:
        path.write_text(sound, encoding="utf-8")


def _run(breach: Break, copy: Path) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", breach.test]
    try:
        done = subprocess.run(command, cwd=copy, capture_output=True, check=False, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return 1  # it hangs: nobody would overlook that
    return done.returncode


def main() -> int:
    wanted = [int(number) for number in sys.argv[1:]] or range(1, len(BREAKS) + 1)
    unnoticed = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("exai_desktop", "tests", "resources", "packaging", "docs", "benchmarks"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        # Programs that tests start; none of them is changed.
        (copy / ".tools").symlink_to(ROOT / ".tools")
        for number in wanted:
            breach = BREAKS[number - 1]
            found = is_caught(breach, copy)
            sys.stdout.write(f"{number:3} {'caught' if found else 'NOT CAUGHT'}  {breach.rule}\n")
            sys.stdout.flush()
            if not found:
                unnoticed.append(number)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
