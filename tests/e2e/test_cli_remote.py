"""`verify` and `reconcile` on the command line, against a real server."""

from pathlib import Path

import httpx

from .program import Program
from .server import KIMI, Server


def test_a_file_deleted_elsewhere_is_missed(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    paths = [tmp_path / f"{n}.txt" for n in range(3)]
    for path in paths:
        path.write_text(f"the words of {path.name}")
    rows = program.upload(*paths).expect(0).rows
    assert "3 found" in program.run("verify").expect(0).out
    headers = {"Authorization": f"Bearer {sandbox.key(KIMI)}"}
    address = f"{sandbox.url(KIMI)}/files"
    httpx.delete(f"{address}/{rows[0]['file_id']}", headers=headers).raise_for_status()
    stranger = {"file": ("theirs.txt", b"somebody else's")}
    purpose = {"purpose": "file-extract"}
    httpx.post(address, headers=headers, files=stranger, data=purpose).raise_for_status()
    verified = program.run("verify", "--json").expect(1).rows
    found = next(row for row in verified if row["purpose"] == "file-extract")
    assert (found["present"], found["missing"]) == (2, [rows[0]["file_id"]])
    told = program.run("reconcile").expect(0).out
    assert "1 not uploaded by this app" in told
    assert "theirs.txt" in told
    program.run("verify").expect(0)
    program.run("reconcile", "--account", "nobody").expect(2)
