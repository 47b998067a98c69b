"""What users read is plain: window, command line, notes of the engine, settings, documents."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from exai_desktop.core.settings import Settings

from .source_tree import PACKAGE, ROOT, parsed

# Odd words, and the field's own word for each.
PLAIN = {
    r"left alone": "paused",
    r"of late": "recently",
    r"goes? on": "resumes, continues",
    r"under way": "in progress",
    r"tried again": "retried",
    r"not ours": "not uploaded by this app",
    r"twins?": "the same content",
    r"names? of before": "former name",
    r"whoever": "name the one who acts",
    r"heed|thereof|meanwhile": "say it in full",
    r"(holds|held) (?!by)": "contains, on hold",
    r"ending": "file extension",
    r"by itself": "automatically",
    r"(?<!package )extra `": "package extra",
    r"faults?": "failures",
    r"no more": "no longer",
    r"makes no sense": "is not valid",
    r"must act": "needs your action",
}
ODD = re.compile(rf"\b(?:{'|'.join(PLAIN)})", re.IGNORECASE)


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """String constants with a space in them that are no docstrings; of an f-string its words."""
    tree = parsed(path)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


def _modules() -> list[Path]:
    folders = ("gui", "cli", "engine", "core", "providers", "net", "config", "bootstrap")
    return sorted(path for folder in folders for path in (PACKAGE / folder).rglob("*.py"))


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_shows_plain_words(path: Path) -> None:
    odd = [(line, text) for line, text in _texts(path) if ODD.search(text)]
    assert odd == [], f"{path.relative_to(ROOT)}: say it with a word of PLAIN"


def test_the_window_shows_no_backticks() -> None:
    marked = [
        (path.name, line, text)
        for path in sorted((PACKAGE / "gui").rglob("*.py"))
        for line, text in _texts(path)
        if "`" in text
    ]
    assert marked == []


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_is_told_in_plain_words(name: str) -> None:
    assert not ODD.search(Settings.model_fields[name].description or "")


@pytest.mark.parametrize("path", ["README.md", "docs/command-line.md", "docs/troubleshooting.md"])
def test_a_document_for_users_has_plain_words(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert [match[0] for match in ODD.finditer(re.sub(r"`[^`]*`", "", text))] == []
