"""Debian's package from the frozen program: dist/exai-desktop_VERSION_ARCHITECTURE.deb.

Needs no root. The same frozen program gives the same bytes. What the program needs of the system is
read from its libraries; one that is not in the table below ends the build.
"""

import argparse
import gzip
import hashlib
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from freeze import FROZEN, wanted
from linux_files import FOLDER, fill_usr, settle_times
from release import ROOT, commit_time, version

# Debian's package for each library that the system must bring; `|`: names differ by release.
PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libc.so.6": "",  # with its version, below
    "libcom_err.so.2": "libcom-err2",
    "libdbus-1.so.3": "libdbus-1-3",
    "libdl.so.2": "",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libgcc_s.so.1": "libgcc-s1",
    "libglib-2.0.so.0": "libglib2.0-0 | libglib2.0-0t64",
    "libgthread-2.0.so.0": "libglib2.0-0 | libglib2.0-0t64",
    "libm.so.6": "",
    "libpthread.so.0": "",
    "librt.so.1": "",
    "libstdc++.so.6": "libstdc++6 (>= 11)",
    "libutil.so.1": "",
    "libuuid.so.1": "libuuid1",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb.so.1": "libxcb1",
    "libz.so.1": "zlib1g",
}
# What no library tells: certificates, a font, the menu's icon theme, the keyboard's layouts.
OTHERS = (
    "ca-certificates",
    "fonts-dejavu-core | fonts-noto-core | fonts-liberation | fonts-liberation2",
    "hicolor-icon-theme",
    "xkb-data",
)
RECOMMENDED = (
    "fonts-noto-cjk | fonts-wqy-microhei | fonts-wqy-zenhei",
    "gnome-keyring | kwalletmanager | keepassxc",
    "xdg-desktop-portal",
    "xdg-utils",
)
CONTROL = """\
Package: exai-desktop
Version: {version}
Architecture: {architecture}
Maintainer: EXAI Desktop developers <exai-desktop@localhost>
Installed-Size: {size}
Depends: {depends}
Recommends: {recommends}
Section: net
Priority: optional
Description: upload files to Kimi and GLM and keep their file IDs
 EXAI Desktop uploads documents to Kimi (Moonshot) and GLM (Z.ai, BigModel),
 shows the ID with which a model can use each file, and keeps a reliable list
 of all of them. It never loses a file and never sends one twice without
 asking. There is a window, and a command for each thing that the window does.
 .
 Python and Qt are part of the package.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Make a .deb of the frozen program.")
    parser.add_argument("--version", default=version(), help="another one, for tests of updates")
    parser.add_argument("--folder", type=Path, default=ROOT / "dist", help="where it goes (dist/)")
    parser.add_argument("--quick", action="store_true", help="hardly compressed, for tests")
    options = parser.parse_args()
    architecture = _said("dpkg", "--print-architecture")
    name = f"exai-desktop_{options.version}_{architecture}.deb"
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "root"
        _fill(root, options.version)
        _write_control(root, options.version, architecture)
        settle_times(root)
        options.folder.mkdir(parents=True, exist_ok=True)
        pressed = ["-Zgzip", "-z1"] if options.quick else ["-Zxz", "-z6"]
        target = options.folder / name
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", *pressed, "--build", root, target],
            env={"SOURCE_DATE_EPOCH": str(commit_time()), "PATH": "/usr/bin:/bin"},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")
    return 0


def _fill(root: Path, number: str) -> None:
    usr = root / "usr"
    fill_usr(usr, FROZEN, number, "deb")
    _pack(usr / "share" / "man" / "man1" / "exai-desktop.1")
    doc = usr / "share" / "doc" / "exai-desktop"
    doc.mkdir(parents=True)
    shutil.copy(FOLDER / "copyright", doc / "copyright")
    when = format_datetime(datetime.fromtimestamp(commit_time(), UTC))
    changes = (
        f"exai-desktop ({number}) stable; urgency=medium\n\n"
        "  * What has changed for users: CHANGELOG.md of the source.\n\n"
        f" -- EXAI Desktop developers <exai-desktop@localhost>  {when}\n"
    )
    (doc / "changelog").write_text(changes, encoding="utf-8")
    _pack(doc / "changelog")
    overrides = usr / "share" / "lintian" / "overrides" / "exai-desktop"
    overrides.parent.mkdir(parents=True)
    shutil.copy(FOLDER / "lintian-overrides", overrides)


def _pack(file: Path) -> None:
    packed = gzip.compress(file.read_bytes(), 9, mtime=0)
    file.with_name(f"{file.name}.gz").write_bytes(packed)
    file.unlink()


def _write_control(root: Path, number: str, architecture: str) -> None:
    control = root / "DEBIAN"
    control.mkdir()
    for script in ("postinst", "prerm"):
        shutil.copy(FOLDER / script, control / script)
    files = [path for path in sorted((root / "usr").rglob("*")) if path.is_file()]
    size = sum(path.lstat().st_size for path in files) // 1024
    text = CONTROL.format(
        version=number,
        architecture=architecture,
        size=size,
        depends=", ".join(depends()),
        recommends=", ".join(RECOMMENDED),
    )
    (control / "control").write_text(text, encoding="utf-8")
    sums = [
        f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n"
        for path in files
        if not path.is_symlink()
    ]
    (control / "md5sums").write_text("".join(sums), encoding="utf-8")


def depends() -> list[str]:
    """Exactly what the frozen program needs and does not bring. Raises SystemExit."""
    needed, glibc = wanted()
    unknown = {name for name in needed if name not in PACKAGES and not name.startswith("ld-linux")}
    if unknown:
        raise SystemExit(f"no package is known for {', '.join(sorted(unknown))}: see {__file__}")
    names = {PACKAGES[name] for name in needed if PACKAGES.get(name)}
    return [f"libc6 (>= {glibc[0]}.{glibc[1]})", *sorted({*names, *OTHERS})]


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    raise SystemExit(main())
