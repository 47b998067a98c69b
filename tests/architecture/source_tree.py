"""What the architecture tests read: the program's files, parsed once."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "exai_desktop"


@cache
def program_files() -> tuple[Path, ...]:
    """Every Python file of the program, in a stable order."""
    return tuple(sorted(PACKAGE.rglob("*.py")))


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def nodes(path: Path) -> Iterator[ast.AST]:
    """All nodes of one file."""
    return ast.walk(parsed(path))


def shown(path: Path) -> str:
    """The path as a person would write it."""
    return path.relative_to(ROOT).as_posix()


def module_names() -> list[str]:
    """The dotted names of all modules of the program."""
    dotted = (file.relative_to(ROOT).with_suffix("").parts for file in program_files())
    return [".".join(parts[:-1] if parts[-1] == "__init__" else parts) for parts in dotted]
