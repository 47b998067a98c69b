"""Rules of the window that no type checker knows: never wait, show foreign text as plain text."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from .source_tree import PACKAGE, nodes, program_files, shown

GUI = PACKAGE / "gui"
ENTRY = GUI / "app.py"
PLAIN_TEXT = GUI / "style" / "plain_text.py"

# Qt guesses whether these strings are HTML: a file's name could pose as a link or fetch a picture.
RICH_WIDGETS = {"QLabel", "QMessageBox", "QErrorMessage", "QTextBrowser"}
RICH_SETTERS = {"setToolTip", "setWhatsThis"}


def _called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _is_literal(node: ast.AST) -> bool:
    """A string written in the source, also when it passes through a translation function."""
    if isinstance(node, ast.Constant):
        return True
    return _called(node) in {"tr", "translate", "_"} and all(
        _is_literal(argument) for argument in getattr(node, "args", [])
    )


def _waits_for_a_result(node: ast.AST, _path: Path) -> bool:
    return _called(node) == "result" and isinstance(getattr(node, "func", None), ast.Attribute)


def _processes_events(node: ast.AST, _path: Path) -> bool:
    return _called(node) == "processEvents"


def _nests_a_loop(node: ast.AST, path: Path) -> bool:
    # A drag has no other way.
    is_drag = isinstance(node, ast.Call) and ast.unparse(node.func) == "drag.exec"
    return path != ENTRY and _called(node) in {"exec", "exec_"} and not is_drag


def _sleeps(node: ast.AST, _path: Path) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    return node.func.attr == "sleep" and ast.unparse(node.func.value) == "time"


def _makes_a_rich_widget(node: ast.AST, path: Path) -> bool:
    if path == PLAIN_TEXT:
        return False
    if isinstance(node, ast.ClassDef):
        return any(ast.unparse(base).rpartition(".")[2] in RICH_WIDGETS for base in node.bases)
    if not isinstance(node, ast.Call):
        return False
    # Also QMessageBox.warning(...) and the like.
    return not RICH_WIDGETS.isdisjoint(ast.unparse(node.func).split("."))


def _sets_foreign_rich_text(node: ast.AST, path: Path) -> bool:
    if path == PLAIN_TEXT or _called(node) not in RICH_SETTERS:
        return False
    return not all(_is_literal(argument) for argument in getattr(node, "args", []))


RULES: dict[str, Callable[[ast.AST, Path], bool]] = {
    "await it: .result() stops the window": _waits_for_a_result,
    "processEvents() runs slots inside slots": _processes_events,
    "exec() nests an event loop; use open() or show()": _nests_a_loop,
    "time.sleep() stops the window": _sleeps,
    "use the plain widgets of gui/style/plain_text.py": _makes_a_rich_widget,
    "computed text goes through gui/style/plain_text.py": _sets_foreign_rich_text,
}


def _breaches(path: Path) -> list[str]:
    return [
        f"{shown(path)}:{getattr(node, 'lineno', 0)}: {why}"
        for node in nodes(path)
        for why, breaks in RULES.items()
        if breaks(node, path)
    ]


def test_gui_follows_its_rules() -> None:
    found = [line for path in program_files() if GUI in path.parents for line in _breaches(path)]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "code",
    [
        "future.result()",
        "app.processEvents()",
        "dialog.exec()",
        "time.sleep(1)",
        "QLabel(name)",
        "class Badge(QtWidgets.QLabel): pass",
        "QMessageBox.warning(parent, title, text)",
        "view.setToolTip(name)",
        "view.setToolTip(self.tr('File {}').format(name))",
    ],
)
def test_the_rules_bite(code: str) -> None:
    path = GUI / "some_page.py"
    assert any(
        breaks(node, path) for node in ast.walk(ast.parse(code)) for breaks in RULES.values()
    )


@pytest.mark.parametrize(
    "code", ["PlainLabel(name)", "view.setToolTip('Stop')", "view.setToolTip(self.tr('Stop'))"]
)
def test_the_rules_let_pass(code: str) -> None:
    path = GUI / "some_page.py"
    tree = ast.parse(code)
    assert not any(breaks(node, path) for node in ast.walk(tree) for breaks in RULES.values())
