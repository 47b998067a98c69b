"""`rule` on the command line, and what it does to uploads."""

from pathlib import Path

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
