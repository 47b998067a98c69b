"""What the shell has written is final: no name is replaced, and the system resolves paths."""

import subprocess
import sys
from pathlib import Path

import pytest

from .program import Program
from .server import Server

AS_ON_WINDOWS = """
import os, sys
from exai_desktop.cli import main
sys.argv = ["exai-desktop", "explain", "*"]
os.name = "nt"
main.main()
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with something private in it."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "diary.txt").write_text("private")
    return home


def test_a_file_called_like_the_home_folder_is_that_file(
    program: Program,
    sandbox: Server,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program.add_account(sandbox)
    inbox = tmp_path / "in"
    inbox.mkdir()
    monkeypatch.chdir(inbox)
    names = ["~root.txt", "$HOME.txt", "*.txt", "[a].txt", "a.txt"]
    for name in names:
        Path(name).write_text(f"the file {name}")
    Path("~").write_text("no ending")
    Path("~$report.docx").write_text("a lock file")
    environment = {"HOME": str(home)}
    ended = program.upload("~", "./~", "~$report.docx", *names, environment=environment).expect(1)
    codes = [(Path(r["path"]).name, r["error"] and r["error"]["code"]) for r in ended.rows]
    assert sorted(codes) == sorted(
        [
            ("~", "INVALID_EXTENSION"),
            ("~", "INVALID_EXTENSION"),
            ("~$report.docx", "SYSTEM_FILE"),
            *((name, None) for name in names),
        ]
    )
    assert all(Path(row["path"]).parent == inbox for row in ended.rows)
    assert len(sandbox.stored()) == len(names)


def test_a_rule_for_a_folder_called_like_a_home(
    program: Program, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("~", "~odd"):
        Path(name).mkdir()
        said = program.run(
            "rule", "set", name, "glm", "--json", environment={"HOME": str(home)}
        ).expect(0)
        assert said.row["folder"] == str(tmp_path / name)
        program.run("rule", "remove", f"./{name}").expect(0)


def test_a_profile_folder_that_the_shell_did_not_replace(program: Program) -> None:
    ended = program.run("list", "--json", environment={"EXAI_DESKTOP_HOME": "~nouser/x"}).expect(2)
    assert ended.row["error"]["code"] == "INVALID_SETTING"
    assert "~nouser/x" in ended.row["error"]["detail"]


def test_the_system_takes_the_step_back_behind_a_link(
    program: Program, sandbox: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.add_account(sandbox)
    monkeypatch.chdir(tmp_path)
    Path("data/work").mkdir(parents=True)
    Path("mywork").symlink_to("data/work")
    Path("data/c.txt").write_text("A")
    assert "FILE_NOT_FOUND" not in program.upload("mywork/../c.txt").expect(0).out
    Path("c.txt").write_text("B")
    sent = program.upload("mywork/../c.txt").expect(0).row
    assert sent["path"] == str(tmp_path / "data" / "c.txt")
    assert sent["state"] == "duplicate"


def test_a_backup_goes_where_the_system_finds_it(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data/work").mkdir(parents=True)
    Path("mywork").symlink_to("data/work")
    program.run("backup", "create", "mywork/../b.exai").expect(0)
    assert Path("data/b.exai").is_file()
    assert not Path("b.exai").exists()


def test_no_pattern_is_replaced_on_windows(tmp_path: Path) -> None:
    """`report[1].pdf` is a name there; the library of the command line takes it for a pattern."""
    (tmp_path / "FILE_NOT_FOUND").touch()
    command = [sys.executable, "-c", AS_ON_WINDOWS]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert ended.returncode == 2, ended.stderr
    assert b"The file does not exist" not in ended.stdout
