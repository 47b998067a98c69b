"""`setting` on the command line."""

import json
from pathlib import Path

from .program import Program


def test_settings_are_listed_and_changed(program: Program) -> None:
    rows = {row["name"]: row["value"] for row in program.run("setting", "list", "--json").rows}
    assert rows["on_battery"] == "go"
    assert "on_battery = wait" in program.run("setting", "set", "on_battery", "wait").expect(0).out
    assert "on_battery = wait" in program.run("setting", "list").expect(0).out
    for name, value in (("on_battery", "perhaps"), ("no_such", "1"), ("upload_bytes_per_s", "9")):
        refused = program.run("setting", "set", name, value).expect(2)
        assert "INVALID_SETTING" in refused.err
        assert name in refused.err


def test_sizes_are_written_as_people_write_them_and_reset(program: Program) -> None:
    program.run("setting", "set", "max_file_bytes", "100 MB").expect(0)
    program.run("setting", "set", "verify_after_s", "2 min").expect(0)
    changed = {
        row["name"]: row for row in program.run("setting", "list", "--changed", "--json").rows
    }
    # What the environment of this test says is told as well, with its name.
    values = {n: row["value"] for n, row in changed.items() if row["fixed_by"] is None}
    assert values == {"max_file_bytes": 100_000_000, "verify_after_s": 120.0}
    assert changed["max_file_bytes"]["default"] == "512 MiB"
    assert changed["max_file_bytes"]["fixed_by"] is None
    assert "max_file_bytes = 536870912" in program.run("setting", "reset", "max_file_bytes").out
    assert "INVALID_SETTING" in program.run("setting", "reset", "no_such").expect(2).err
    listed = program.run("setting", "list", "--changed").expect(0).out
    assert "verify_after_s = 120.0\n" in listed
    assert "max_file_bytes" not in listed


def test_a_variable_of_the_environment_is_named(program: Program) -> None:
    program.environment["EXAI_DESKTOP_READERS"] = "3"
    told = program.run("setting", "set", "readers", "4").expect(0)
    assert "EXAI_DESKTOP_READERS decides" in told.err
    (row,) = (r for r in program.run("setting", "list", "--json").rows if r["name"] == "readers")
    assert row["fixed_by"] == "EXAI_DESKTOP_READERS"


def test_settings_go_to_another_profile(program: Program, tmp_path: Path) -> None:
    program.run("setting", "set", "max_in_flight", "5").expect(0)
    program.run("setting", "set", "theme", "dark").expect(0)
    text = program.run("setting", "export").expect(0).out
    assert json.loads(text)["settings"] == {"max_in_flight": 5, "theme": "dark"}
    for name in ("max_in_flight", "theme"):
        program.run("setting", "reset", name).expect(0)
    file = tmp_path / "settings.json"
    file.write_text(text)
    # Without a terminal nobody can be asked.
    shown = program.run("setting", "import", file).expect(1)
    assert "max_in_flight: 2 -> 5" in shown.out
    assert "max_in_flight" not in program.run("setting", "list", "--changed").expect(0).out
    program.run("setting", "import", file, "--yes").expect(0)
    assert "max_in_flight = 5" in program.run("setting", "list", "--changed").out
    assert "Nothing would change." in program.run("setting", "import", "-", stdin=text.encode()).out


def test_a_file_of_the_server_version_is_taken_on(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "server.env"
    file.write_text("MAX_FILE_SIZE_MB=50\nGLM_API_KEY=not-a-real-key-123456\nOTHER=$HOME\n")
    (row,) = program.run("setting", "import", file, "--yes", "--json").expect(0).rows
    assert row["changes"] == [{"name": "max_file_bytes", "before": "512 MiB", "after": "50 MiB"}]
    assert [each["name"] for each in row["left_out"]] == ["GLM_API_KEY", "OTHER"]
    assert "not-a-real-key" not in str(row)
    file.write_bytes(b"\xff\x00")
    assert "UTF-8" in program.run("setting", "import", file).expect(2).err
    file.write_text("a letter")
    assert "SETTINGS_NOT_READ" in program.run("setting", "import", file).expect(2).err
    assert "No such file" in program.run("setting", "import", tmp_path / "none").expect(2).err
