"""`files`, `import` and `delete --file` on the command line, against a real server."""

from pathlib import Path

import httpx

from .program import Program
from .server import KIMI, Server

FIELDS = {
    *("id", "file_id", "name", "state", "origin", "provider", "account", "purpose", "bytes"),
    *("sha256", "job", "stored_at", "verified_at", "expires_at", "days_left"),
    *("storage", "light"),
}


def _post_stranger(sandbox: Server) -> str:
    headers = {"Authorization": f"Bearer {sandbox.key(KIMI)}"}
    answer = httpx.post(
        f"{sandbox.url(KIMI)}/files",
        headers=headers,
        files={"file": ("theirs.txt", b"somebody else's")},
        data={"purpose": "file-extract"},
    )
    answer.raise_for_status()
    return str(answer.json()["id"])


def test_what_lies_there_is_listed_imported_and_deleted(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox, name="kimi")
    program.add_account(sandbox, "zai", name="glm")
    file = tmp_path / "ours.txt"
    file.write_text("our own words")
    [ours] = program.upload(file).expect(0).rows
    program.upload(file, "--account", "glm").expect(0)
    theirs = _post_stranger(sandbox)
    program.run("reconcile", "--account", "kimi").expect(0)
    rows = program.run("files", "--json").expect(0).rows
    assert all(set(row) == FIELDS for row in rows)
    by_id = {row["file_id"]: row for row in rows}
    assert (by_id[theirs]["state"], by_id[theirs]["origin"]) == ("foreign", "found")
    assert by_id[ours["file_id"]]["job"] == ours["id"]
    assert [row["days_left"] for row in rows if row["account"] == "glm"] == [179]
    program.run("import", theirs).expect(2)
    program.run("import", theirs, "--all", "--account", "kimi").expect(2)
    assert "is not at the provider" in program.run("import", "x", "--account", "kimi").expect(1).out
    told = program.run("reconcile", "--account", "kimi", "--import").expect(0).out
    assert "1 imported" in told
    number = str(by_id[theirs]["id"])
    shown = program.run("files", "--id", number).expect(0).out
    assert "Imported; content unknown" in shown
    assert "Found, 15 bytes" in shown
    found = program.run("files", "--search", "theirs", "--account", "kimi").expect(0).out
    assert "Stored (imported)" in found
    assert program.run("content", "--file", number).expect(0).out.strip() == "somebody else's"
    program.run("content").expect(2)
    [hit] = program.run("search", "SOMEBODY else", "--json").expect(0).rows
    assert (hit["file_id"], hit["snippet"]) == (theirs, "somebody else's")
    assert "theirs.txt" in program.run("search", "theirs").expect(0).out
    assert program.run("delete", "--file", number, "--json").expect(0).rows == [
        {"deleted": [int(number)]}
    ]
    program.run("delete", "--file", number).expect(1)
    program.run("delete").expect(2)
    assert "Nothing found" in program.run("search", "somebody else").expect(0).out
    [gone] = program.run("files", "--state", "deleted", "--json").expect(0).rows
    assert gone["file_id"] == theirs
    [detail] = program.run("files", "--id", number, "--json").expect(0).rows
    assert detail["looks"][0]["sight"] == "not_seen"
    assert "Found, " in program.run("show", str(ours["id"])).expect(0).out
    [job] = program.run("show", str(ours["id"]), "--json").expect(0).rows
    assert job["looks"][0]["sight"] == "seen"


def test_the_balance_is_shown_where_it_is_offered(program: Program, sandbox: Server) -> None:
    program.add_account(sandbox, name="kimi")
    program.add_account(sandbox, "zai", name="glm")
    assert "balance" not in program.run("account", "list").expect(0).out
    assert "balance 49.50 USD" in program.run("account", "test", "kimi").expect(0).out
    assert "balance 49.50 USD on 20" in program.run("account", "list").expect(0).out
    rows = program.run("account", "list", "--json").expect(0).rows
    assert [row["balance"] and row["balance"]["currency"] for row in rows] == ["USD", None]
    assert program.run("doctor").expect(0).out.count("balance 49.50 USD") == 1
    [told] = program.run("doctor", "--json").expect(0).rows
    assert [row["balance"] is not None for row in told["accounts"]] == [True, False]
