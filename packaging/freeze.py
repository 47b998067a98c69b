"""Freezes the program with Python and Qt into one folder, and lets it test itself.

    build/package-env/bin/python packaging/freeze.py     # makes build/frozen/exai-desktop

Run by `make package` in an environment of its own. The same commit, interpreter and libraries give
the same bytes. A frozen program that does not pass `--self-test` is no result: exit code 1.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from native import libraries
from notices import write_notices
from release import ROOT, commit_time

FROZEN = ROOT / "build" / "frozen" / "exai-desktop"
WORK = ROOT / "build" / "freezing"
# Ubuntu 22.04 and Debian 12 have it.
NEWEST_GLIBC = (2, 35)
MOST_MIB = 150
SELF_TEST_S = 600


def main() -> int:
    began = time.monotonic()
    _freeze()
    inside = FROZEN / "_internal"
    # Qt finds its plug-ins by this file; nothing in the environment is needed.
    prefix = "_internal/PySide6/Qt" if sys.platform == "linux" else "_internal/PySide6"
    (FROZEN / "qt.conf").write_text(f"[Paths]\nPrefix = {prefix}\n", encoding="ascii")
    if sys.platform == "linux":
        _set_paths(inside)
        _check_glibc()
    write_notices(FROZEN / "exai-desktop", FROZEN / "licences")
    size = sum(path.lstat().st_size for path in FROZEN.rglob("*") if path.is_file()) / 2**20
    print(f"frozen: {size:.1f} MiB in {time.monotonic() - began:.0f} s", flush=True)
    if size > MOST_MIB:
        raise SystemExit(f"the program has {size:.1f} MiB, at most {MOST_MIB} are allowed")
    return _self_test()


def _freeze() -> None:
    shutil.rmtree(FROZEN, ignore_errors=True)
    # Relative, and from the root: no path of this machine gets into the result.
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    places = ["--distpath", str(FROZEN.parent), "--workpath", str(WORK)]
    subprocess.run(
        [*command, *places, "packaging/exai-desktop.spec"],
        cwd=ROOT,
        env=os.environ
        | {
            "PYTHONHASHSEED": "1",
            "SOURCE_DATE_EPOCH": str(commit_time()),
            "PYINSTALLER_CONFIG_DIR": str(WORK / "cache"),
        },
        check=True,
    )


def said_of(file: Path) -> str:
    return subprocess.run(
        ["objdump", "-p", file], capture_output=True, text=True, check=True
    ).stdout


def _paths(said: str) -> list[str]:
    """Where a library looks for others; not the folders of the machine that built it: on another
    one somebody else may write there."""
    found = re.search(r"R(?:UN)?PATH\s+(\S+)", said)
    places = found.group(1).split(":") if found else []
    return [place.rstrip("/") for place in places if place.startswith("$ORIGIN")]


def _set_paths(inside: Path) -> None:
    """Each library finds those that came with it, whatever the environment.

    By itself the freezer's loader names the folder in LD_LIBRARY_PATH, which a child of the program
    does not get: on a machine with the same libraries nobody notices.
    """
    bundled = {path.name for path in inside.rglob("*.so*")}
    for file in libraries(inside):
        said = said_of(file)
        needed = bundled.intersection(re.findall(r"NEEDED\s+(\S+)", said))
        up = Path(os.path.relpath(inside, file.parent))
        own = "$ORIGIN" if up == Path() else f"$ORIGIN/{up}"
        wanted = ":".join(dict.fromkeys([*_paths(said), own] if needed else _paths(said)))
        if re.search(r"R(?:UN)?PATH", said) or wanted:
            subprocess.run(["patchelf", "--set-rpath", wanted or "$ORIGIN", file], check=True)
        folders = [file.parent / place[8:] for place in wanted.split(":")]
        lost = [name for name in needed if not any((one / name).exists() for one in folders)]
        if lost:
            raise SystemExit(f"{file} does not find {', '.join(lost)}")


def wanted() -> tuple[set[str], tuple[int, int]]:
    """The libraries that the frozen program needs and does not bring, and the release of glibc."""
    inside = {path.name for path in FROZEN.rglob("*.so*")}
    names: set[str] = set()
    glibc = (0, 0)
    for file in libraries(FROZEN):
        said = said_of(file)
        names |= set(re.findall(r"NEEDED\s+(\S+)", said)) - inside
        found = re.findall(r"GLIBC_(\d+)\.(\d+)", said)
        glibc = max([glibc, *((int(major), int(minor)) for major, minor in found)])
    return names, glibc


def _check_glibc() -> None:
    _, glibc = wanted()
    if glibc > NEWEST_GLIBC:
        raise SystemExit(f"the program needs glibc {glibc}, newer than {NEWEST_GLIBC}")


def _self_test() -> int:
    """On a screen of its own where there is one to be had; nothing of the build is in reach."""
    command = [str(FROZEN / "exai-desktop"), "--self-test", "--limit", str(SELF_TEST_S)]
    screen = ["xvfb-run", "-a"] if shutil.which("xvfb-run") else []
    kept = ("HOME", "LANG", "PATH", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "SYSTEMROOT", "TEMP")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    ended = subprocess.run([*screen, *command], cwd="/", env=environment, check=False)
    if ended.returncode:
        shutil.rmtree(FROZEN)
        print("The frozen program does not pass its own test.", file=sys.stderr)
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
