"""The order of the transport tiers, set by whoever runs the program and shown to them."""

from pathlib import Path

import pytest

from .program import Program
from .server import Server

# What an installation without the extra looks like to the interpreter.
_ABSENT = "raise ImportError('as if it were not installed')\n"


@pytest.mark.parametrize(("order", "tier"), [("openai", "openai"), ("sdk-first", "native")])
def test_a_file_goes_by_the_tier_that_was_chosen(
    program: Program, sandbox: Server, tmp_path: Path, order: str, tier: str
) -> None:
    program.environment["EXAI_DESKTOP_TRANSPORT_ORDER"] = order
    program.add_account(sandbox, "zai", name="glm")
    path = tmp_path / "a.txt"
    path.write_text("some words\n")
    row = program.upload(path).expect(0).row
    assert (row["state"], row["transport"]) == ("done", tier)
    assert sandbox.bytes_of(row["file_id"]) == path.read_bytes()
    [account] = program.run("doctor", "--json").expect(0).row["accounts"]
    assert account["transport"] == {"name": tier, "note": "", "step_downs": 0}


def test_a_missing_sdk_is_said_and_the_next_tier_is_used(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    absent = tmp_path / "absent"
    absent.mkdir()
    (absent / "zai.py").write_text(_ABSENT)
    program.environment["PYTHONPATH"] = str(absent)
    program.environment["EXAI_DESKTOP_TRANSPORT_ORDER"] = "sdk-first"
    program.add_account(sandbox, "zai", name="glm")
    path = tmp_path / "a.txt"
    path.write_text("some words\n")
    assert program.upload(path).expect(0).row["transport"] == "openai"
    [account] = program.run("doctor", "--json").expect(0).row["accounts"]
    assert (account["transport"]["name"], account["transport"]["step_downs"]) == ("openai", 1)
    assert "zai-sdk is not installed" in account["transport"]["note"]
    said = program.run("doctor").expect(0).out
    assert "transport openai (native is not in use: zai-sdk is not installed), 1 switch" in said
