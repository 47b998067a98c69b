"""`diagnostics`: what helps somebody to help, and nothing that is nobody's business."""

from __future__ import annotations

import stat
from pathlib import Path

from .program import Program
from .server import Server


def test_no_name_of_the_user_is_in_it(program: Program, sandbox: Server, tmp_path: Path) -> None:
    program.add_account(sandbox, name="private-name")
    folder = tmp_path / "divorce papers"
    folder.mkdir()
    (folder / "letter to Ann.txt").write_text("Dear Ann")
    (folder / "empty Ann.txt").touch()
    program.upload(folder).expect(1)
    report = program.run("diagnostics").expect(0).out
    assert "done                 1\n" in report
    assert "refused              1 EMPTY_FILE The file is empty\n" in report
    assert "account 1: kimi, intl\n" in report
    for name in ("private-name", "Ann", "divorce", str(tmp_path), "http://"):
        assert name not in report
    with_names = program.run("diagnostics", "--names").expect(0).out
    assert "private-name: kimi, intl\n" in with_names
    assert str(program.home) in with_names


def test_it_is_written_for_its_owner_alone(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "report.txt"
    program.run("diagnostics", "-o", str(file)).expect(0)
    assert file.read_text(encoding="utf-8").startswith("EXAI Desktop: diagnostics\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    ended = program.run("diagnostics", "-o", str(file / "below a file"))
    assert ended.code != 0
    assert "DIAGNOSTICS_NOT_WRITTEN" in ended.err


def test_it_is_made_also_when_the_profile_does_not_open(program: Program) -> None:
    program.run("list").expect(0)
    program.home.chmod(0o777)
    report = program.run("diagnostics").expect(0).out
    assert "== The profile was not opened ==\nPROFILE_NOT_PRIVATE" in report
