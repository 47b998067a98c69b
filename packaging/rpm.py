"""The .rpm from the frozen program: dist/exai-desktop-VERSION-1.MACHINE.rpm. Needs `rpmbuild`.

The same frozen program gives the same bytes. What it needs of the system is named by libraries, so
that it holds for every distribution with the same ones.
"""

import argparse
import platform
import subprocess
import tempfile
from pathlib import Path

from deb import PACKAGES
from freeze import FROZEN, wanted
from linux_files import FOLDER, fill_usr, settle_times
from release import ROOT, commit_time, version

SPEC = """\
%global debug_package %{{nil}}
# What is inside is finished: nothing is stripped, compressed or linked by its number.
%global __os_install_post %{{nil}}
%global _build_id_links none
# The libraries inside are nobody else's business, and need nothing that is not named below.
AutoReqProv: no
%global _binary_payload w{level}.zstdio
%global source_date_epoch_from_changelog 0
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1
%global _buildhost reproducible
Name: exai-desktop
Version: {version}
Release: 1
Summary: Upload files to Kimi and GLM and keep their file IDs
License: MIT AND LGPL-3.0-only AND Apache-2.0 AND BSD-3-Clause AND PSF-2.0
{requires}
Requires(post): /bin/sh coreutils
Requires(preun): /bin/sh coreutils
Recommends: gnome-keyring xdg-utils xdg-desktop-portal
%description
EXAI Desktop uploads documents to Kimi (Moonshot) and GLM (Z.ai, BigModel), shows the ID with which
a model can use each file, and keeps a reliable list of all of them. Python and Qt are part of the
package.
%install
cp -a {tree}/. %{{buildroot}}/
%post
/usr/lib/exai-desktop/switch-version use /usr/lib/exai-desktop /usr/lib/exai-desktop/package
%preun
# 0: no other version of it stays.
if [ "$1" -eq 0 ]; then
    /usr/lib/exai-desktop/switch-version remove /usr/lib/exai-desktop
fi
%files
%defattr(-,root,root,-)
{files}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Make an .rpm of the frozen program.")
    parser.add_argument("--version", default=version(), help="another one, for tests of updates")
    parser.add_argument("--folder", type=Path, default=ROOT / "dist", help="where it goes (dist/)")
    parser.add_argument("--quick", action="store_true", help="hardly compressed, for tests")
    options = parser.parse_args()
    name = f"exai-desktop-{options.version}-1.{platform.machine()}.rpm"
    with tempfile.TemporaryDirectory() as scratch:
        tree, top = Path(scratch) / "tree", Path(scratch) / "top"
        _fill(tree, options.version)
        spec = Path(scratch) / "exai-desktop.spec"
        text = SPEC.format(
            version=options.version,
            level=1 if options.quick else 19,
            requires="\n".join(_requires()),
            tree=tree,
            files=_files(tree),
        )
        spec.write_text(text, encoding="utf-8")
        subprocess.run(
            ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {top}", spec],
            env={"SOURCE_DATE_EPOCH": str(commit_time()), "PATH": "/usr/bin:/bin", "HOME": scratch},
            check=True,
        )
        [made] = top.rglob("*.rpm")
        target = options.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(made.read_bytes())
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")
    return 0


def _fill(tree: Path, number: str) -> None:
    usr = tree / "usr"
    fill_usr(usr, FROZEN, number, "rpm")
    notice = usr / "share" / "licenses" / "exai-desktop" / "copyright"
    notice.parent.mkdir(parents=True)
    notice.write_bytes((FOLDER / "copyright").read_bytes())
    settle_times(tree)


def _requires() -> list[str]:
    needed, glibc = wanted()
    names = sorted(name for name in needed if PACKAGES.get(name))
    system = f"libc.so.6(GLIBC_{glibc[0]}.{glibc[1]})(64bit)"
    return [f"Requires: {one}" for one in (system, *(f"{name}()(64bit)" for name in names))]


def _files(tree: Path) -> str:
    """The program's folder as a whole, and each file elsewhere: the folders are the system's."""
    own = Path("usr/lib/exai-desktop")
    lines = [f"/{own}", "%dir /usr/share/licenses/exai-desktop"]
    for path in sorted(tree.rglob("*")):
        place = path.relative_to(tree)
        if not place.is_relative_to(own) and (path.is_symlink() or path.is_file()):
            lines.append(f"/{place}{'*' if place.parent.name == 'man1' else ''}")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
