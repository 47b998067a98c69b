"""What docs/architecture.md names exists: a document that lies is worse than none."""

import ast
import re
from pathlib import Path

import pytest

from .source_tree import PACKAGE, ROOT, parsed

DOCUMENT = ROOT / "docs" / "architecture.md"
IN_BACKTICKS = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
PATH = re.compile(
    r"[\w.*-]+(/[\w.*-]+)+/?|[\w*-]+(\.[\w-]+)*\.(py|toml|sql|md|lock|yaml|spec)|[\w.-]+/"
)
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+(\(\))?")


def _path_exists(name: str) -> bool:
    bare = name.rstrip("/")
    for base in (ROOT, PACKAGE):
        for candidate in (bare, f"{bare}.py"):
            if any(base.glob(candidate)):
                return True
    return False


def _defined_in(path: Path) -> set[str]:
    """Names of functions, classes, methods, fields and constants of one module."""
    names = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
    return names


def _dotted_exists(name: str) -> bool | None:
    """None when the name is not one of ours (``asyncio.Runner``)."""
    parts = name.removesuffix("()").removeprefix("exai_desktop.").split(".")
    place = PACKAGE / parts[0]
    if not place.is_dir() and not place.with_suffix(".py").is_file():
        return False if name.startswith("exai_desktop.") else None
    while parts and (place.is_dir() or place.with_suffix(".py").is_file()):
        parts.pop(0)
        if place.is_dir() and parts and _is_module(place / parts[0]):
            place = place / parts[0]
        else:
            break
    module = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return set(parts) <= _defined_in(module)


def _is_module(place: Path) -> bool:
    return place.is_dir() or place.with_suffix(".py").is_file()


def _exists(name: str) -> bool | None:
    if PATH.fullmatch(name):
        return _path_exists(name)
    return _dotted_exists(name) if DOTTED.fullmatch(name) else None


def test_architecture_document_names_only_what_exists() -> None:
    assert DOCUMENT.is_file(), "docs/architecture.md is missing"
    names = sorted(set(IN_BACKTICKS.findall(DOCUMENT.read_text(encoding="utf-8"))))
    gone = [name for name in names if _exists(name) is False]
    assert not gone, f"docs/architecture.md names what does not exist: {gone}"


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("exai_desktop/core", True),
        ("core/", True),
        ("core/nowhere", False),
        ("pyproject.toml", True),
        ("packaging/*/install-system-packages", True),
        ("exai_desktop.core", True),
        ("exai_desktop.nowhere", False),
        ("core.nowhere", False),
        ("asyncio.Runner", None),
        ("make check", None),
    ],
)
def test_names_are_judged_rightly(name: str, verdict: bool | None) -> None:
    assert _exists(name) is verdict
