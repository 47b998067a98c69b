"""The libraries in C that the freezer took from this system, and their licences.

Wheels say what they are under; a library of the system says nothing. Each has to be in the table
below, else the build ends: nobody has looked whether it may be passed on, and what that asks for.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# By the beginning of the file's name: what it is called, and its licence.
SYSTEM = {
    "libbz2.": ("bzip2", "bzip2-1.0.6"),
    "libcrypto.": ("OpenSSL", "Apache-2.0"),
    "libffi.": ("libffi", "MIT"),
    "liblzma.": ("XZ Utils (liblzma)", "LicenseRef-public-domain"),
    "libsqlite3.": ("SQLite", "blessing"),
    "libssl.": ("OpenSSL", "Apache-2.0"),
    # Under the GPL as well; that is not the one that is chosen here.
    "libzstd.": ("Zstandard", "BSD-3-Clause"),
    "libxcb-": ("X protocol C-language Binding (XCB)", "MIT"),
    "libxkbcommon": ("libxkbcommon", "MIT"),
}
PYTHON = ("libpython", "lib-dynload")
# Under the GPL alone, without the licence that the others have: they must never get inside.
GPL_OF_QT = re.compile(
    r"Qt6?(VirtualKeyboard|Charts|DataVisualization|Graphs|Lottie|NetworkAuth|Quick3D|ShaderTools)"
)
COMMON_LICENCES = Path("/usr/share/common-licenses")


@dataclass(frozen=True)
class Native:
    """A library of the system in the frozen folder."""

    file: Path
    name: str
    licence: str


def libraries(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def native_parts(files: list[Path], inside: Path, of_wheels: set[str]) -> Iterator[Native]:
    """Of all libraries `files` in `inside` those that no wheel brought. `of_wheels`: the top names
    of what wheels install. Raises SystemExit for one that nobody has looked at."""
    for file in files:
        top = file.relative_to(inside).parts[0]
        if GPL_OF_QT.search(file.name):
            raise SystemExit(f"{file.name} is under the GPL alone and must not get inside")
        if PYTHON[1] in file.parts or file.name.startswith(PYTHON[0]):
            yield Native(file, f"Python {sys.version.split()[0]}", "PSF-2.0")
        elif top.split(".")[0] not in of_wheels:
            known = [SYSTEM[start] for start in SYSTEM if file.name.startswith(start)]
            if not known:
                raise SystemExit(f"{file.name} is not in the table of packaging/native.py")
            yield Native(file, *known[0])


def notices(parts: list[Native]) -> str:
    """A chapter for Python and for each library of the system."""
    folder = Path(os.__file__).parent
    python = (folder / "LICENSE.txt").read_text(encoding="utf-8")
    chapters = [
        f"Python {sys.version.split()[0]}: PSF-2.0\n\n{python}\n"
        "Expat and libmpdec, which are inside: Python-third-party.txt in this folder.\n"
    ]
    for name, licence in sorted({(part.name, part.licence) for part in parts}):
        if licence == "PSF-2.0":
            continue
        files = [part.file.name for part in parts if part.name == name]
        texts = "\n".join(dict.fromkeys(map(_text_of, files)))
        chapters.append(f"{name} ({', '.join(files)}): {licence}\n\n{texts}")
    return "\n".join(f"{'=' * 78}\n{chapter}" for chapter in chapters)


def _text_of(library: str) -> str:
    """As Debian passes it on, with the licence to which it refers."""
    package, _ = package_of(library)
    text = Path(f"/usr/share/doc/{package}/copyright").read_text(encoding="utf-8")
    found = re.findall(r"/usr/share/common-licenses/(Apache-2\.0)", text)
    return "\n".join([text, *((COMMON_LICENCES / name).read_text("utf-8") for name in set(found))])


def package_of(library: str) -> tuple[str, str]:
    """The package of this system that brings the library, and its version. Raises SystemExit."""
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True)
    found = re.search(rf"^\s*{re.escape(library)} \(.*x86-64.*=> (\S+)$", known.stdout, re.M)
    found = found or re.search(rf"^\s*{re.escape(library)} .*=> (\S+)$", known.stdout, re.M)
    for place in _spellings(found.group(1)) if found else ():
        asked = ["dpkg-query", "--search", place]
        said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        if said:
            package = said.split(":")[0]
            shown = ["dpkg-query", "--show", "-f", "${Version}", package]
            version = subprocess.run(shown, capture_output=True, text=True, check=False).stdout
            # Of two architectures both are listed.
            return package, version.split("\n")[0]
    raise SystemExit(f"no package of this system brings {library}: where is its licence?")


def _spellings(place: str) -> list[str]:
    """/lib is a link to /usr/lib today; packages name a file by either."""
    whole = os.path.realpath(place)
    return [place, whole, whole.removeprefix("/usr"), f"/usr{place}"]
