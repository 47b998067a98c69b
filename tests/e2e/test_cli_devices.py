"""Two computers of one user with only his Supabase project in common: a content is sent once."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.supabase.data_api import PASSWORD, DataApi
from tests.supabase.front import Front
from tests.supabase.project import Project

from .processes import eventually, kill
from .program import Program
from .server import Server
from .test_cli_mirror import computers, login, served, there

__all__ = ["computers", "served", "there"]

NOT_ASKED = "other computers were not asked"


def sign_in(computers: tuple[Program, Program], there: Front, sandbox: Server) -> None:
    given = f"{PASSWORD}\n".encode()
    for program in computers:
        program.add_account(sandbox)
        program.run(*login(program, there, "--password-stdin"), stdin=given).expect(0)


def notes(program: Program, job: int) -> list[str]:
    return [entry["note"] for entry in program.run("show", str(job), "--json").row["history"]]


def test_what_both_send_at_the_same_time_is_stored_once(
    served: tuple[Project, DataApi],
    there: Front,
    computers: tuple[Program, Program],
    sandbox: Server,
    tmp_path: Path,
) -> None:
    sign_in(computers, there, sandbox)
    sandbox.settings(answer_delay_s=1.0)
    for attempt in range(10):
        # On a busy machine the project may take a second; then they say that they go on without.
        sandbox.reset()
        sandbox.settings(answer_delay_s=1.0)
        paths = [tmp_path / f"{attempt} {number}.txt" for number in range(3)]
        for path in paths:
            path.write_text(f"a text that both have: {path.name}")
        started = [program.start("upload", "--json", *paths) for program in computers]
        ended = [
            program.finish(process).expect(0)
            for program, process in zip(computers, started, strict=True)
        ]
        rows = [each.by_name() for each in ended]
        told = [
            notes(program, row["id"])
            for program, mine in zip(computers, rows, strict=True)
            for row in mine.values()
        ]
        if not any(NOT_ASKED in note for each in told for note in each):
            break
    else:
        raise AssertionError("the project was never in time")
    assert len(sandbox.uploads()) == len(sandbox.stored()) == 3
    for path in paths:
        ours, theirs = (mine[path.name] for mine in rows)
        assert {ours["state"], theirs["state"]} == {"done", "duplicate"}
        assert ours["file_id"] == theirs["file_id"]
        noted = "select count(*) from exai.content_claims where note ->> 'remote_id' = %s"
        assert served[0].value(noted, ours["file_id"]) == 1
    assert sum("another device has uploaded it" in each for each in told) == 3


def test_what_a_killed_computer_may_have_sent_is_looked_for_behind_its_claim(
    served: tuple[Project, DataApi],
    there: Front,
    computers: tuple[Program, Program],
    sandbox: Server,
    tmp_path: Path,
) -> None:
    project = served[0]
    sign_in(computers, there, sandbox)
    one, two = computers
    # It is stored, and its id does not come.
    sandbox.settings(answer_delay_s=120.0)
    path = tmp_path / "long.txt"
    path.write_text("a text that both have")
    project.admin.execute("delete from exai.content_claims")
    begun = "select count(*) from exai.content_claims where note is not null"
    sending = one.start("upload", path)
    assert eventually(lambda: project.value(begun) == 1 and len(sandbox.stored()) == 1)
    assert kill(sending)
    sandbox.settings(answer_delay_s=0.0)
    asked = there.count("rpc/exai_claim")
    waiting = two.start("upload", "--json", path)
    assert eventually(lambda: there.count("rpc/exai_claim") >= asked + 2)
    assert len(sandbox.uploads()) == 1
    # Its time is over, and nobody needs to wait for it here.
    project.admin.execute("update exai.content_claims set held_until = now()")
    row = two.finish(waiting).expect(0).row
    (stored,) = sandbox.stored()
    assert (row["state"], row["file_id"]) == ("done", stored["id"])
    assert len(sandbox.uploads()) == 1
    assert any("another device may have sent it" in note for note in notes(two, row["id"]))


def test_a_project_that_answers_nothing_holds_no_file_up(
    there: Front, computers: tuple[Program, Program], sandbox: Server, tmp_path: Path
) -> None:
    sign_in(computers, there, sandbox)
    one, _ = computers
    is_over = threading.Event()

    def answer(*_: object) -> str:
        is_over.wait(300)
        return "cut"

    before, there.answer = len(there.asked), answer
    paths = [tmp_path / f"{number}.txt" for number in range(40)]
    for path in paths:
        path.write_text(f"text {path.name}")
    try:
        rows = one.upload(*paths).expect(0).rows
    finally:
        is_over.set()
    assert {row["state"] for row in rows} == {"done"}
    assert len(sandbox.stored()) == 40
    # Two files have waited, and those beside them; after that nobody.
    assert len(there.asked) - before < 15
    for row in rows[::10]:
        assert sum(NOT_ASKED in note for note in notes(one, row["id"])) == 1
    assert NOT_ASKED in one.run("show", str(rows[0]["id"])).out
