"""`--self-test`: what it says of a whole installation, and of one with something broken."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exai_desktop.self_test.modules import EXTRAS, LIBRARIES, OF_SYSTEM
from exai_desktop.self_test.run import CHECKS

from .program import Program

PACKAGE = Path(__file__).resolve().parents[2] / "exai_desktop"
# What needs a screen or a keyring that may be absent.
MAY_BE_SKIPPED = {"display", "keyring"}


@pytest.fixture
def cold(program: Program) -> Program:
    program.is_warm = False
    return program


def outcomes(said: str) -> dict[str, str]:
    """The word of each check."""
    lines = [line.split(maxsplit=2) for line in said.splitlines()[:-1]]
    return {name: word for word, name, _ in lines}


@pytest.mark.early
def test_every_check_passes_from_the_source(cold: Program) -> None:
    ended = cold.run("--self-test", "--limit", "480").expect(0)
    found = outcomes(ended.out)
    assert list(found) == list(CHECKS)
    assert {name for name, word in found.items() if word != "ok"} <= MAY_BE_SKIPPED, ended.out
    assert ended.out.splitlines()[-1] == "All checks passed."
    # Nothing of it is in the profile of whoever runs it.
    assert not cold.home.exists() or not list(cold.home.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="the keyring of the tests is Linux's")
def test_a_key_goes_into_a_real_keyring_and_out_again(
    cold: Program, secret_service: dict[str, str]
) -> None:
    del cold.environment["PYTHON_KEYRING_BACKEND"]
    ended = cold.run("--self-test", "keyring", environment=secret_service).expect(0)
    assert re.match(r"ok +keyring +Secret Service", ended.out)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have their own store")
def test_without_certificates_it_fails_with_the_reason(cold: Program, tmp_path: Path) -> None:
    empty = tmp_path / "certificates"
    empty.touch()
    cold.environment.pop("REQUESTS_CA_BUNDLE", None)
    broken = {"SSL_CERT_FILE": str(empty), "SSL_CERT_DIR": str(tmp_path)}
    ended = cold.run("--self-test", "certificates", "vault", environment=broken).expect(1)
    assert outcomes(ended.out) == {"certificates": "FAILED", "vault": "ok"}
    assert "no certificate of this system was found; install ca-certificates" in ended.out
    assert ended.out.splitlines()[-1] == "1 of 2 checks failed."


def test_a_broken_library_is_named(cold: Program, tmp_path: Path) -> None:
    (tmp_path / "socksio.py").write_text("raise ImportError('built for another system')\n")
    broken = {"PYTHONPATH": str(tmp_path)}
    ended = cold.run("--self-test", "modules", environment=broken).expect(1)
    assert re.search(r"FAILED +modules +.*socksio.*built for another system", ended.out)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have a screen")
def test_a_part_that_ends_the_process_is_a_failed_check(cold: Program) -> None:
    """Qt does so without a plug-in for the screen, here: without the screen."""
    screen = {"DISPLAY": ":4097", "QT_QPA_PLATFORM": "xcb"}
    ended = cold.run("--self-test", "display", environment=screen).expect(1)
    assert re.match(r"FAILED +display +exit code -?\d+: ", ended.out)


def test_what_does_not_end_is_a_failed_check(cold: Program) -> None:
    ended = cold.run("--self-test", "--limit", "0.01", "vault").expect(1)
    assert re.match(r"FAILED +vault +it did not end within the time limit", ended.out)


@pytest.mark.parametrize("words", [["nonsense"], ["--limit"], ["--limit", "soon"]], ids=" ".join)
def test_what_it_does_not_know_is_told(cold: Program, words: list[str]) -> None:
    ended = cold.run("--self-test", *words).expect(2)
    assert "usage: exai-desktop --self-test" in ended.err


def test_it_is_told_by_help(cold: Program) -> None:
    assert "--self-test" in cold.run("--help").expect(0).out
    ended = cold.run("--help", "--self-test").expect(0)
    assert "Usage" in ended.out


def imported() -> Iterator[str]:
    """The modules of other packages that the program imports, early or late."""
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            else:
                continue
            tops = {*sys.stdlib_module_names, "exai_desktop"}
            yield from (name for name in names if name.partition(".")[0] not in tops)


def test_it_imports_whatever_the_program_imports() -> None:
    """Also what is imported late, on another system, or from an extra."""
    known = [*LIBRARIES, *EXTRAS, *(name for names in OF_SYSTEM.values() for name in names)]
    missing = [
        name
        for name in sorted(set(imported()))
        if not any(f"{one}.".startswith(f"{name}.") for one in known)
    ]
    assert not missing, f"not in exai_desktop/self_test/modules.py: {missing}"
