"""Nothing in the program is longer than what fits in a head."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from .source_tree import PACKAGE, nodes, parsed, program_files, shown

FILE_LINES = 400
SHORT_LINES = 40
FOLDER_MODULES = 18
FUNCTION_LINES = 60
PUBLIC_METHODS = 20


def test_files_are_short() -> None:
    too_long = [
        f"{shown(path)}: {lines} lines, at most {FILE_LINES}; split it along its table of contents"
        for path in program_files()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES
    ]
    assert not too_long, "\n" + "\n".join(too_long)


# Short, and yet on their own. This list only gets shorter.
SHORT = {
    "exai_desktop/config/resources.py": "the files that come with the program, read by every floor",
    "exai_desktop/engine/assembly/open_engine.py": "the entry point of the engine",
}


def test_short_modules_are_protocols_or_entry_points() -> None:
    """Or steps of the schema, or an `__init__.py`; other code joins the module that uses it."""
    short = {
        shown(path)
        for path in program_files()
        if len(path.read_text(encoding="utf-8").splitlines()) < SHORT_LINES
        and path.name != "__init__.py"
        and PACKAGE / "storage" / "migrations" not in path.parents
        and not _only_protocols(path)
    }
    assert short == set(SHORT), "short modules that are not allowed, or allowed ones that grew"


def test_folders_hold_few_modules() -> None:
    modules = Counter(path.parent for path in program_files() if path.name != "__init__.py")
    too_full = [
        f"{shown(folder)}: {count} modules, at most {FOLDER_MODULES}; split it by subject"
        for folder, count in modules.items()
        if count > FOLDER_MODULES
    ]
    assert not too_full, "\n" + "\n".join(too_full)


def test_functions_are_short() -> None:
    too_long = [line for path in program_files() for line in _long_functions(path)]
    assert not too_long, "\n" + "\n".join(too_long)


def test_classes_have_few_public_methods() -> None:
    too_wide = [line for path in program_files() for line in _wide_classes(path)]
    assert not too_wide, "\n" + "\n".join(too_wide)


def _only_protocols(path: Path) -> bool:
    """Nothing but imports and protocols behind the docstring."""
    rest = [n for n in parsed(path).body[1:] if not isinstance(n, ast.Import | ast.ImportFrom)]
    return bool(rest) and all(
        isinstance(n, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in n.bases)
        for n in rest
    )


def _long_functions(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > FUNCTION_LINES:
            where = f"{shown(path)}:{node.lineno}"
            yield f"{where}: {node.name} has {lines} lines, at most {FUNCTION_LINES}"


def _wide_classes(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if not isinstance(node, ast.ClassDef):
            continue
        functions = (n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
        # A set: the getter and the setter of one property are one method.
        public = {function.name for function in functions if not function.name.startswith("_")}
        if len(public) > PUBLIC_METHODS:
            yield f"{shown(path)}:{node.lineno}: {node.name} has {len(public)} public methods"
