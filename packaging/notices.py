"""Licence texts and the list of parts (CycloneDX) of what is really in the frozen program."""

import hashlib
import importlib.metadata
import json
import re
import shutil
import uuid
from datetime import UTC, datetime
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

from native import Native, libraries, native_parts, package_of
from native import notices as native_notices
from PyInstaller.archive.readers import CArchiveReader
from release import ROOT, commit_time, version

# Whole texts that licences of the parts ask for, and wheels do not bring.
TEXTS = ROOT / "packaging" / "licences"
# Tools; nothing of them is in the result but the freezer's small loader, which its licence allows.
TOOLS = frozenset({"pip", "pyinstaller", "pyinstaller-hooks-contrib", "setuptools", "exai-desktop"})
# What the wheels do not say: looked up by hand.
# Top names in the frozen folder that stand for the wheels of Qt.
OF_QT = {"PySide6", "shiboken6"}
BY_HAND = {
    "pyside6-essentials": "LGPL-3.0-only",
    "shiboken6": "LGPL-3.0-only",
    "socksio": "MIT",
    "zai-sdk": "MIT",
}
FOREWORD = """\
EXAI Desktop is under the MIT licence (LICENSE). It comes with the parts named below, each under a
licence of its own.

Qt and PySide6 (Qt for Python) are used under the GNU Lesser General Public License, version 3. Its
text, and that of the GNU General Public License to which it refers, are in this folder. Their
libraries are separate files of this installation: you may replace them by your own builds of the
same version, and you may take the program apart to find faults in such a replacement. Their source
is published by The Qt Company at https://download.qt.io/official_releases/ (Qt {qt}, and
QtForPython {qt}). What Qt has taken from others is named in Qt-third-party.txt and ICU.txt.

"""


def write_notices(program: Path, folder: Path) -> None:
    """`program`: the frozen executable. Raises SystemExit for a part without a known licence."""
    folder.mkdir(parents=True, exist_ok=True)
    inside = program.parent / "_internal"
    names = _top_names(program, inside)
    parts = [found for found in _distributions() if _own_names(found) & names]
    unknown = [found.name for found in parts if not _licence(found)]
    if unknown:
        raise SystemExit(f"without a known licence: {', '.join(unknown)}; see packaging/notices.py")
    qt = importlib.metadata.version("pyside6-essentials")
    of_wheels = {name for part in parts for name in _own_names(part)} | OF_QT
    natives = list(native_parts(list(libraries(inside)), inside, of_wheels))
    chapters = [FOREWORD.format(qt=qt), *map(_chapter, parts), native_notices(natives)]
    (folder / "THIRD-PARTY.txt").write_text("\n".join(chapters), encoding="utf-8")
    document = _bill([*map(_component, parts), *map(_native, natives)])
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (folder / "sbom.cdx.json").write_text(text + "\n", encoding="utf-8")
    for file in (ROOT / "LICENSE", *sorted(TEXTS.iterdir())):
        shutil.copy(file, folder / file.name)
    print(f"licences: {len(parts)} packages, {len(document['components'])} parts in all")


def _top_names(program: Path, inside: Path) -> set[str]:
    archive = CArchiveReader(str(program)).open_embedded_archive("PYZ.pyz")
    return {name.split(".")[0] for name in archive.toc} | {
        path.name.split(".")[0] for path in inside.iterdir()
    }


def _distributions() -> list[Distribution]:
    found = {one.name.lower(): one for one in importlib.metadata.distributions()}
    return [one for name, one in sorted(found.items()) if name.replace("_", "-") not in TOOLS]


def _own_names(found: Distribution) -> set[str]:
    """Of the packages and modules that it installs."""
    tops = {file.parts[0] for file in found.files or () if file.parts}
    return {
        top.split(".")[0]
        for top in tops
        if not top.endswith((".dist-info", ".data", ".pth")) and top not in ("..", "__pycache__")
    }


def _licence(found: Distribution) -> str:
    if by_hand := BY_HAND.get(found.name.lower().replace("_", "-")):
        return by_hand
    said = found.metadata
    first = (said.get("License") or "").split("\n")[0].strip()
    classes = [
        row.split(" :: ")[-1]
        for row in said.get_all("Classifier") or ()
        if row.startswith("License")
    ]
    words = str(said.get("License-Expression") or first or "; ".join(classes))
    return "" if words.upper() == "UNKNOWN" else words


def _chapter(found: Distribution) -> str:
    texts = [
        f"--- {file.name} ---\n{Path(str(found.locate_file(file))).read_text('utf-8', 'replace')}"
        for file in sorted(found.files or ())
        if re.search(r"(?i)\.dist-info/.*(licen[cs]e|copying|notice|authors)", str(file))
        and Path(str(found.locate_file(file))).is_file()
    ]
    text = "\n".join(texts) or "(The package comes without a text of its licence.)\n"
    inside = _crates(found)
    return f"{'=' * 78}\n{found.name} {found.version}: {_licence(found)}\n\n{text}{inside}"


def _crates(found: Distribution) -> str:
    """What a library written in Rust has compiled in, as its own list says."""
    lines: set[str] = set()
    for file in found.files or ():
        if re.search(r"\.dist-info/sboms/.*cyclonedx\.json$", str(file)):
            listed = json.loads(Path(str(found.locate_file(file))).read_text("utf-8"))
            for part in listed.get("components", ()):
                said = part.get("licenses") or [{"expression": "see its source"}]
                words = [one.get("expression") or one["license"].get("id", "") for one in said]
                source = f"https://crates.io/crates/{part['name']}"
                lines.add(f"{part['name']} {part['version']}: {', '.join(words)}; {source}\n")
    return "\nCompiled into it:\n" + "".join(sorted(lines)) if lines else ""


def _component(found: Distribution) -> dict[str, Any]:
    name = found.name.lower().replace("_", "-")
    return {
        "type": "library",
        "bom-ref": f"pkg:pypi/{name}@{found.version}",
        "name": found.name,
        "version": found.version,
        "purl": f"pkg:pypi/{name}@{found.version}",
        "licenses": [{"license": {"name": _licence(found)}}],
    }


def _native(part: Native) -> dict[str, Any]:
    """A library of the system, or of Python itself."""
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": f"file:{part.file.name}",
        "name": part.file.name,
        "description": part.name,
        "licenses": [{"license": {"name": part.licence}}],
        "hashes": [
            {"alg": "SHA-256", "content": hashlib.sha256(part.file.read_bytes()).hexdigest()}
        ],
    }
    if part.licence != "PSF-2.0":
        package, version = package_of(part.file.name)
        found |= {"version": version, "purl": f"pkg:deb/debian/{package}@{version}"}
    return found


def _bill(components: list[dict[str, Any]]) -> dict[str, Any]:
    content = json.dumps(components, sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # The same parts have the same number.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(commit_time(), UTC).isoformat(),
            "component": {
                "type": "application",
                "bom-ref": "exai-desktop",
                "name": "exai-desktop",
                "version": version(),
                "licenses": [{"license": {"id": "MIT"}}],
            },
        },
        "components": components,
    }
