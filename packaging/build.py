"""Makes what is older than its sources: the frozen program, and the packages made of it.

    build/package-env/bin/python packaging/build.py

Run by `make package` on Linux. A second run with nothing changed does nothing.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from release import ROOT

PROGRAM = ("exai_desktop", "resources", "pyproject.toml", "uv.lock", "LICENSE")
FREEZING = ("exai-desktop.spec", "freeze.py", "launch.py", "launch_version.py", "licences")
FREEZING_TOO = ("native.py", "notices.py", "release.py", "trimming.py")
PACKING = ("archive.py", "deb.py", "linux", "linux_files.py", "manual.py", "release.py", "rpm.py")


def main() -> int:
    here = ROOT / "packaging"
    frozen, packed = ROOT / "build" / "frozen" / ".stamp", ROOT / "dist" / ".packed"
    sources = [*(ROOT / name for name in PROGRAM), *(here / name for name in FREEZING)]
    if _is_stale(frozen, [*sources, *(here / name for name in FREEZING_TOO)]):
        _run(frozen, "freeze.py")
    if _is_stale(packed, [frozen, *(here / name for name in PACKING), ROOT / "CHANGELOG.md"]):
        for ending in ("*.deb", "*.rpm", "*.tar.xz"):
            for old in packed.parent.glob(ending):
                old.unlink()
        _run(packed, "deb.py", "archive.py", "rpm.py")
    return 0


def _is_stale(stamp: Path, sources: Sequence[Path]) -> bool:
    if not stamp.exists():
        return True
    made = stamp.stat().st_mtime
    return any(file.stat().st_mtime > made for source in sources for file in _files(source))


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    else:
        yield from (
            file for file in place.rglob("*") if file.is_file() and "__pycache__" not in file.parts
        )


def _run(stamp: Path, *scripts: str) -> None:
    """The stamp is there only when all of them have succeeded."""
    stamp.unlink(missing_ok=True)
    for script in scripts:
        began = time.monotonic()
        ended = subprocess.run([sys.executable, ROOT / "packaging" / script], check=False)
        if ended.returncode:
            raise SystemExit(ended.returncode)
        print(f"{script}: {time.monotonic() - began:.0f} s", flush=True)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.touch()


if __name__ == "__main__":
    sys.exit(main())
