"""What a Linux system wants beside the program: menu entry, icons, manual, completion, units."""

import hashlib
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from manual import manual
from release import ROOT, commit_time, version

ID = "io.github.exai_desktop.ExaiDesktop"
FOLDER = ROOT / "packaging" / "linux"
ICON = ROOT / "resources" / "icons" / "app.svg"
SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
# Where each shell looks for what completes a command line.
_COMPLETIONS = {
    "bash": "bash-completion/completions/exai-desktop",
    "zsh": "zsh/vendor-completions/_exai-desktop",
    "fish": "fish/vendor_completions.d/exai-desktop.fish",
}


def write_share(share: Path, program: Path, units: Path, unit_program: str) -> None:
    """Into the folder `share`; `program` is the frozen one, `units` where systemd looks."""
    date = datetime.fromtimestamp(commit_time(), UTC).strftime("%Y-%m-%d")
    _put(share / "applications" / f"{ID}.desktop", (FOLDER / f"{ID}.desktop").read_text("utf-8"))
    info = (FOLDER / f"{ID}.metainfo.xml").read_text("utf-8")
    info = info.replace("@VERSION@", version()).replace("@DATE@", date)
    _put(share / "metainfo" / f"{ID}.metainfo.xml", info)
    _put(share / "man" / "man1" / "exai-desktop.1", manual())
    for unit in sorted((FOLDER / "systemd").iterdir()):
        _put(units / unit.name, unit.read_text("utf-8").replace("@PROGRAM@", unit_program))
    for shell, place in _COMPLETIONS.items():
        _put(share / place, _completion(program, shell))
    icons = share / "icons" / "hicolor"
    _put(icons / "scalable" / "apps" / f"{ID}.svg", ICON.read_text("utf-8"))
    _write_pictures(icons)


def fill_usr(usr: Path, frozen: Path, number: str, kind: str) -> None:
    """The folder `usr` of a package for the whole system. `kind`: "deb" or "rpm".

    What is started is not the folder `package` but a copy of it, made by `switch-version`.
    """
    base = usr / "lib" / "exai-desktop"
    copy_program(frozen, base / "package", number, kind)
    shutil.copy(FOLDER / "switch-version", base / "switch-version")
    (usr / "bin").mkdir()
    (usr / "bin" / "exai-desktop").symlink_to("../lib/exai-desktop/current/exai-desktop")
    units = usr / "lib" / "systemd" / "user"
    write_share(usr / "share", frozen / "exai-desktop", units, "/usr/bin/exai-desktop")


def settle_times(folder: Path) -> None:
    """Modes and times that do not depend on who builds when."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or _is_program(path) else 0o644)
        os.utime(path, (commit_time(), commit_time()), follow_symlinks=False)
    os.utime(folder, (commit_time(), commit_time()))


def _is_program(path: Path) -> bool:
    if path.name == "exai-desktop":
        return (path.parent / "build-name").is_file()
    return path.name in ("install.sh", "switch-version", "postinst", "prerm")


def copy_program(frozen: Path, target: Path, number: str, kind: str) -> None:
    """The frozen folder as it is, with its links, and with what the program wants to know of its
    installation: a name that no other build has, and the kind of package it came in."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(frozen, target, symlinks=True)
    _put(target / "installed-by", f"{kind}\n")
    _put(target / "build-name", f"{number}-{_sum_of(target)}\n")


def _sum_of(folder: Path) -> str:
    """Twelve digits that stand for all that is in it."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        found.update(f"{path.relative_to(folder)}\n".encode())
        if path.is_symlink():
            found.update(str(path.readlink()).encode())
        elif path.is_file():
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:12]


def _put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _completion(program: Path, shell: str) -> str:
    said = subprocess.run(
        [program],
        env={"PATH": os.environ["PATH"], "_EXAI_DESKTOP_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    if "exai-desktop" not in said:
        raise SystemExit(f"the program gives no completion for {shell}: {said!r}")
    return f"{said}\n"


def _write_pictures(icons: Path) -> None:
    """Drawn by Qt: some desktops take no SVG."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    app = QGuiApplication.instance() or QGuiApplication(["packaging"])
    renderer = QSvgRenderer(str(ICON))
    for size in SIZES:
        image = QImage(size, size, QImage.Format.Format_ARGB32)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        renderer.render(painter)
        painter.end()
        file = icons / f"{size}x{size}" / "apps" / f"{ID}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        if not image.save(str(file)):
            raise SystemExit(f"{file} could not be written")
    del app
