"""What the freezer took from the system: named with its licence, or the build ends."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "packaging" / "native.py"


@pytest.fixture(scope="module")
def native() -> ModuleType:
    spec = importlib.util.spec_from_file_location("packaging_native", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def found(native: ModuleType, inside: Path, *names: str) -> list[tuple[str, str]]:
    for name in names:
        (inside / name).parent.mkdir(parents=True, exist_ok=True)
        (inside / name).write_bytes(b"\x7fELF and more")
    files = list(native.libraries(inside))
    assert len(files) == len(names)
    return [(part.name, part.licence) for part in native.native_parts(files, inside, {"PySide6"})]


def test_each_is_named_with_its_licence(native: ModuleType, tmp_path: Path) -> None:
    named = found(native, tmp_path, "libssl.so.3", "libxcb-glx.so.0", "PySide6/QtGui.abi3.so")
    assert named == [("OpenSSL", "Apache-2.0"), ("X protocol C-language Binding (XCB)", "MIT")]


def test_python_itself_is_a_part_too(native: ModuleType, tmp_path: Path) -> None:
    names = ("libpython3.11.so.1.0", "python3.11/lib-dynload/_ssl.so")
    assert {licence for _, licence in found(native, tmp_path, *names)} == {"PSF-2.0"}


@pytest.mark.parametrize("name", ["libreadline.so.8", "libnobody-knows.so.1"])
def test_one_that_nobody_has_looked_at_ends_the_build(
    native: ModuleType, tmp_path: Path, name: str
) -> None:
    with pytest.raises(SystemExit, match="not in the table"):
        found(native, tmp_path, name)


@pytest.mark.parametrize("name", ["libQt6VirtualKeyboard.so.6", "QtCharts.abi3.so"])
def test_parts_of_qt_that_are_under_the_gpl_alone_never_get_in(
    native: ModuleType, tmp_path: Path, name: str
) -> None:
    with pytest.raises(SystemExit, match="GPL"):
        found(native, tmp_path, f"PySide6/{name}")
