"""Every error code has a test in which the program raises it, and that test exists."""

import ast
import subprocess
import sys

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.engine.files.open_file import open_regular
from tests.raised_codes import missing, watched
from tests.raises import RAISES

from .source_tree import ROOT


def test_every_code_has_its_test() -> None:
    assert sorted(RAISES) == sorted(code.value for code in ErrorCode)


@pytest.mark.parametrize("code", RAISES)
def test_the_test_exists(code: str) -> None:
    file, _, rest = RAISES[code].partition("::")
    name = rest.partition("[")[0]
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    found = {
        node.name: node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert name in found, f"{file} has no {name}"
    decorators = [ast.unparse(decorator) for decorator in found[name].decorator_list]
    assert not [d for d in decorators if "skip" in d or "xfail" in d]


def test_their_parameters_exist() -> None:
    """An id that is gone would be watched in no run."""
    wanted = sorted({node for node in RAISES.values() if "[" in node})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *wanted], capture_output=True, text=True, check=False, timeout=240, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_what_the_program_raises_counts() -> None:
    node = RAISES["FILE_NOT_FOUND"]
    with watched() as seen:
        EngineError(ErrorCode.FILE_NOT_FOUND)
        assert "FILE_NOT_FOUND" in missing(node, seen)
        with pytest.raises(Exception, match="FILE_NOT_FOUND"):
            open_regular("/no/such/file")
        assert missing(node, seen) == ""
    assert missing("tests/of/nobody.py::test_other", set()) == ""
