"""Copies of files in Storage with the real program: switched on, killed, resumed, fetched."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exai_desktop.core.mirror.storage_copies import MEANING, PIECE
from tests.supabase.data_api import PASSWORD, DataApi
from tests.supabase.front import Front
from tests.supabase.project import Project

from .processes import eventually, kill
from .program import Program
from .server import Server
from .test_cli_mirror import computers, login, served, there

__all__ = ["computers", "served", "there"]

Served = tuple[Project, DataApi]
# A whole token, not its first three letters: sealed bytes written as text hold those by chance.
SESSION_TOKEN = re.compile(rb"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.")
CONTENT = b"a line of a long text\n" * (int(1.5 * PIECE) // 22)


def ready(program: Program, there: Front, sandbox: Server) -> None:
    program.add_account(sandbox)
    password = f"{PASSWORD}\n".encode()
    program.run(*login(program, there, "--password-stdin"), stdin=password).expect(0)
    said = program.run("setting", "set", "copy_to_storage", "true").expect(0)
    assert MEANING in said.err


def upload_bytes(there: Front) -> Iterator[tuple[int, int]]:
    for headers in there.headers:
        if "upload-offset" in headers and "content-length" in headers:
            yield int(headers["upload-offset"]), int(headers["content-length"])


def test_killed_in_the_middle_and_fetched_by_another_computer(
    served: Served,
    there: Front,
    computers: tuple[Program, Program],
    sandbox: Server,
    tmp_path: Path,
) -> None:
    one, two = computers
    ready(one, there, sandbox)
    (tmp_path / "long.txt").write_bytes(CONTENT)
    # The upload itself does not wait for the copy.
    sent = one.run("upload", tmp_path / "long.txt", "--json").expect(0).by_name()["long.txt"]
    there.headers.clear()
    pieces = itertools.count(1)
    arrived: list[int] = []

    def answer(method: str, _path: str, _body: Any) -> str | None:
        if method != "PATCH":
            return None
        arrived.append(next(pieces))
        # The second piece never gets an answer: the program is killed while it waits.
        if arrived[-1] == 2:
            kill(copying)
            return "cut"
        return None

    there.answer = answer
    copying = one.start("sync")
    assert eventually(lambda: copying.poll() is not None)
    copying.communicate()
    shown = one.run("show", str(sent["id"])).expect(0)
    assert f"copying {PIECE * 100 // len(CONTENT)} %" in shown.out
    there.answer = lambda *_: None
    there.headers.clear()
    done = one.run("sync", "--json").expect(0).row
    assert (done["status"]["copies"]["copied"], done["status"]["copies"]["refused"]) == (1, 0)
    # Only what was missing, to the same address.
    assert list(upload_bytes(there)) == [(PIECE, len(CONTENT) - PIECE)]
    assert there.count("POST /storage/v1/upload/resumable") == 1
    project = served[0]
    quota = "select used_bytes, reserved_bytes from exai.user_quotas where pool = 'storage'"
    assert project.rows(quota) == [(len(CONTENT), 0)]
    (listed,) = one.run("files", "--json").expect(0).rows
    assert listed["storage"]["state"] == "copied"
    assert "Copies of files: 1 copied" in one.run("sync", "--status").expect(0).out

    two.add_account(sandbox)
    two.run(*login(two, there, "--password-stdin"), stdin=f"{PASSWORD}\n".encode()).expect(0)
    back = tmp_path / "back.txt"
    two.run("sync", "fetch", sent["sha256"], "-o", back).expect(0)
    assert back.read_bytes() == CONTENT
    # By what `files --all-devices` shows, too.
    for number, name in enumerate((Path(sent["path"]).name, sent["file_id"])):
        again = tmp_path / f"again {number}.txt"
        two.run("sync", "fetch", name, "-o", again).expect(0)
        assert again.read_bytes() == CONTENT
    unknown = two.run("sync", "fetch", "nobody's.txt", "-o", tmp_path / "b").expect(1)
    assert "no file of your devices is called nobody's.txt" in unknown.err
    # Another file is never replaced.
    assert "COPY_NOT_WRITTEN" in two.run("sync", "fetch", sent["sha256"], "-o", back).expect(1).err
    told = one.run("delete", str(sent["id"]), "--yes").expect(0)
    assert f"sync delete-copy {sent['sha256']}" in told.err
    one.run("sync", "delete-copy", str(sent["id"])).expect(0)
    assert project.rows(quota) == [(0, 0)]
    assert "NO_COPY" in two.run("sync", "fetch", sent["sha256"], "-o", tmp_path / "b").expect(1).err
    for program in computers:
        for file in program.home.rglob("*"):
            content = file.read_bytes() if file.is_file() else b""
            assert b"Bearer " not in content, file
            assert not SESSION_TOKEN.search(content), file


def test_asked_for_while_it_is_off(
    there: Front, computers: tuple[Program, Program], sandbox: Server, tmp_path: Path
) -> None:
    _, two = computers
    ready(two, there, sandbox)
    two.run("setting", "set", "copy_to_storage", "false").expect(0)
    (tmp_path / "earlier.txt").write_text("sent while copies were off")
    two.run("upload", tmp_path / "earlier.txt").expect(0)
    assert two.run("sync", "--json").expect(0).row["status"]["copies"]["waiting"] == 0
    refused = two.run("sync", "copy", "earlier.txt").expect(1)
    assert "COPIES_OFF" in refused.err
    assert there.count("/storage/v1/") == 0
    two.run("setting", "set", "copy_to_storage", "true").expect(0)
    assert "earlier.txt  copied" in two.run("sync", "copy", "earlier.txt").expect(0).out
    gone = two.run("delete", "1", "--yes", "--with-copy").expect(0)
    assert "sync delete-copy" not in gone.err
    assert there.count("DELETE /storage/v1/object/exai") == 1
