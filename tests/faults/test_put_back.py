"""An older database put back over a newer one: noticed, said once, and nothing is sent twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.events import ProblemRaised
from exai_desktop.core.jobs.jobs import JobState
from tests.e2e.program import Program
from tests.e2e.server import KIMI, Server
from tests.engine.engine_kit import Bench, open_bench
from tests.engine.scripted_provider import ScriptedProvider

NAME = "engine.db"


def told(bench: Bench) -> list[str]:
    return [e.error.code for e in bench.events if isinstance(e, ProblemRaised)]


async def sent(folder: Path, provider: ScriptedProvider, name: str) -> list[str]:
    """One run that uploads one file; what the user was told."""
    file = folder / name
    file.write_text(f"the content of {name}")
    async with open_bench(folder, providers={"kimi": provider}) as bench:
        [job] = await bench.upload(file)
        assert job.state in {JobState.DONE, JobState.DUPLICATE}
        return told(bench)


def keep(folder: Path, aside: Path) -> None:
    shutil.copy(folder / NAME, aside)
    assert not (folder / f"{NAME}-wal").exists()


def put_back(folder: Path, aside: Path) -> None:
    for file in folder.glob(f"{NAME}*"):
        file.unlink()
    shutil.copy(aside, folder / NAME)


async def test_what_was_sent_since_is_found_and_not_sent_again(tmp_path: Path) -> None:
    provider, aside = ScriptedProvider(), tmp_path / "aside"
    assert await sent(tmp_path, provider, "first.txt") == []
    keep(tmp_path, aside)
    assert await sent(tmp_path, provider, "second.txt") == []
    put_back(tmp_path, aside)
    assert await sent(tmp_path, provider, "second.txt") == [ErrorCode.DATABASE_PUT_BACK]
    assert len(provider.uploads) == 2
    # Said once; and the record goes on from here.
    assert await sent(tmp_path, provider, "third.txt") == []
    assert len(provider.uploads) == 3


async def test_any_older_copy_is_noticed_and_each_time(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    for number in range(4):
        await sent(tmp_path, provider, f"{number}.txt")
        keep(tmp_path, tmp_path / f"aside-{number}")
    for number in (2, 0, 1):
        put_back(tmp_path, tmp_path / f"aside-{number}")
        assert await sent(tmp_path, provider, "3.txt") == [ErrorCode.DATABASE_PUT_BACK]
    assert len(provider.uploads) == 4


async def test_the_database_of_the_last_run_is_no_older_one(tmp_path: Path) -> None:
    provider, aside = ScriptedProvider(), tmp_path / "aside"
    await sent(tmp_path, provider, "first.txt")
    await sent(tmp_path, provider, "second.txt")
    keep(tmp_path, aside)
    put_back(tmp_path, aside)
    assert await sent(tmp_path, provider, "third.txt") == []
    # As after a power failure: the note outside is of the run before the last one.
    note = tmp_path / "snapshots" / "last-run.json"
    earlier = note.read_bytes()
    await sent(tmp_path, provider, "fourth.txt")
    note.write_bytes(earlier)
    assert await sent(tmp_path, provider, "fifth.txt") == []


@pytest.mark.parametrize("lost", ["the note of the last run", "nothing"])
def test_with_the_real_program_and_its_keyring(
    program: Program, sandbox: Server, tmp_path: Path, lost: str
) -> None:
    program.add_account(sandbox)
    first, second = tmp_path / "q1.txt", tmp_path / "q2.txt"
    first.write_text("one")
    second.write_text("two")
    database, aside = program.home / "exai-desktop.db", tmp_path / "aside"
    program.upload(first).expect(0)
    shutil.copy(database, aside)
    file_id = program.upload(second).expect(0).row["file_id"]
    note = program.home / "snapshots" / "last-run.json"
    if lost != "nothing":
        # Then only the audit trail's newest row tells, which the keyring has too.
        known = json.loads(note.read_text(encoding="utf-8"))
        note.write_text(json.dumps(known | {"run": "", "clean": False}), encoding="utf-8")
        (program.home / "audit-anchor.json").unlink()
    shutil.copy(aside, database)
    again = program.upload(second)
    assert "DATABASE_PUT_BACK" in again.err
    # Found by the list, and taken over.
    assert again.expect(0).row["file_id"] == file_id
    assert len(sandbox.stored(KIMI)) == 2
    later = program.upload(first).expect(0)
    assert "DATABASE_PUT_BACK" not in later.err
    assert len(sandbox.stored(KIMI)) == 2
