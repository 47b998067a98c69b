"""`rule` on the command line, and what it does to uploads."""

from pathlib import Path

import pytest

from .program import Program
from .server import Server


def test_a_folder_and_its_rule(program: Program, sandbox: Server, tmp_path: Path) -> None:
    program.add_account(sandbox, name="kimi")
    program.add_account(sandbox, "zai", name="glm")
    folder = tmp_path / "contracts"
    folder.mkdir()
    file = folder / "ours.txt"
    file.write_text("our own words")
    assert "No rules" in program.run("rule", "list").expect(0).out
    program.run("rule", "set", str(folder), "GLM/zai").expect(0)
    assert program.run("rule", "list", "--json").expect(0).rows == [
        {"folder": str(folder), "places": ["glm/zai"], "allow_fallback": False}
    ]
    [refused] = program.upload(file, "--account", "kimi").expect(1).rows
    assert refused["error"]["code"] == "PLACE_NOT_ALLOWED"
    [sent] = program.upload(file).expect(0).rows
    assert sent["account"] == "glm"
    program.run("rule", "remove", str(folder)).expect(0)
    assert "no rule" in program.run("rule", "remove", str(folder)).expect(1).err
    program.upload(file, "--account", "kimi").expect(0)
    assert "is not a place" in program.run("rule", "set", str(folder), "ki mi").expect(2).err


def test_a_rule_holds_for_its_folder_by_every_name(
    program: Program, sandbox: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.add_account(sandbox, name="kimi")
    monkeypatch.chdir(tmp_path)
    for name in ("contracts ", "data/work", "plain", "a"):
        Path(name).mkdir(parents=True)
        (Path(name) / "c.txt").write_text(f"what is in {name}")
    Path("mywork").symlink_to("data/work")
    for folder in ("contracts ", "mywork"):
        program.run("rule", "set", folder, "glm/zai").expect(0)
    monkeypatch.chdir("a")
    shown = program.run("rule", "set", "../plain", "glm/zai", "--json").expect(0).row
    assert shown["folder"] == str(tmp_path / "plain")
    monkeypatch.chdir(tmp_path)
    for path in ("contracts /c.txt", "mywork/c.txt", "data/work/c.txt", "a/../plain/c.txt"):
        [refused] = program.upload(path).expect(1).rows
        assert refused["error"]["code"] == "PLACE_NOT_ALLOWED", path
    assert not sandbox.stored()
    program.upload("a/c.txt").expect(0)


def test_a_rule_for_nothing_is_said_at_once(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "nonexist"
    said = program.run("rule", "set", str(folder), "glm", "--json").expect(0)
    assert "There is no folder" in said.err and said.row["folder"] == str(folder)
    said = program.run("rule", "set", str(tmp_path), "kimi/xx").expect(0)
    assert "no region xx" in said.err and "intl" in said.err
    assert "There is no folder" in program.run("rule", "list").expect(0).err
    assert "no region xx" in program.run("setting", "set", "folder_rules", "/d=kimi/xx").err
    assert "There is no folder" in program.run("setting", "set", "allowed_folders", "/nonexist").err
    assert "empty" in program.run("rule", "set", "", "glm").expect(2).err
