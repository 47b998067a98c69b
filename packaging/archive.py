"""The program for one user, without root: dist/exai-desktop-VERSION-linux-MACHINE.tar.xz.

Unpack it and run its `install.sh`. The same frozen program gives the same bytes.
"""

import argparse
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from freeze import FROZEN
from linux_files import FOLDER, copy_program, settle_times, write_share
from release import ROOT, commit_time, version


def main() -> int:
    parser = argparse.ArgumentParser(description="Make a .tar.xz of the frozen program.")
    parser.add_argument("--quick", action="store_true", help="hardly compressed, for tests")
    options = parser.parse_args()
    name = f"exai-desktop-{version()}-linux-{platform.machine()}"
    target = ROOT / "dist" / f"{name}.tar.xz"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        copy_program(FROZEN, folder / "app", version(), "archive")
        share = folder / "share"
        write_share(share, FROZEN / "exai-desktop", share / "systemd" / "user", "@PROGRAM@")
        scripts = (FOLDER / "install.sh", FOLDER / "switch-version")
        for file in (*scripts, ROOT / "CHANGELOG.md", ROOT / "LICENSE"):
            shutil.copy(file, folder / file.name)
        settle_times(folder)
        target.parent.mkdir(exist_ok=True)
        order = ["--sort=name", f"--mtime=@{commit_time()}", "--owner=0", "--group=0"]
        level = "xz -0" if options.quick else "xz -6"
        subprocess.run(
            ["tar", *order, "--numeric-owner", "--format=gnu", "-I", level, "-cf", target, name],
            cwd=scratch,
            check=True,
        )
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
