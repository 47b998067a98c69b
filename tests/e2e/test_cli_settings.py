"""`setting` on the command line."""

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
