"""The list of deliberate breaks fits the program as it is, and stands in docs/acceptance.md."""

import ast
from pathlib import Path

import pytest

from tests.mutations.breaks import BREAKS, Break

from .source_tree import PACKAGE

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("breach", BREAKS, ids=lambda breach: breach.rule)
def test_a_break_can_be_made_and_its_test_exists(breach: Break) -> None:
    assert (PACKAGE / breach.file).read_text(encoding="utf-8").count(breach.old) == 1
    file, _, name = breach.test.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not name or name in functions


def test_every_rule_is_listed_with_its_test() -> None:
    page = (ROOT / "docs" / "acceptance.md").read_text(encoding="utf-8")
    for breach in BREAKS:
        assert f"| {breach.rule} | `{breach.test}` |" in page
