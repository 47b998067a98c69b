"""An older database put back over a newer one: noticed, said once, and nothing is sent twice."""

from __future__ import annotations

import json
import shutil
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.events import JobChanged, ProblemRaised
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from exai_desktop.engine.upload.sent_before import ELSEWHERE
from exai_desktop.storage.database import Database
from exai_desktop.storage.fleet.content_locks import ContentLocks
from exai_desktop.storage.migrations import migrate
from tests.e2e.program import Program
from tests.e2e.server import KIMI, Server
from tests.engine.engine_kit import Bench, open_bench, settings
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


async def test_one_from_before_an_upgrade_is_noticed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right after an upgrade every backup is such a one."""
    provider, aside = ScriptedProvider(), tmp_path / "aside"
    steps = migrate.STEPS
    monkeypatch.setattr(migrate, "STEPS", steps[:-1])
    Database(tmp_path / NAME).close()
    monkeypatch.setattr(migrate, "STEPS", steps)
    keep(tmp_path, aside)
    assert await sent(tmp_path, provider, "first.txt") == []
    put_back(tmp_path, aside)
    assert await sent(tmp_path, provider, "first.txt") == [ErrorCode.DATABASE_PUT_BACK]
    assert len(provider.uploads) == 1


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


# -- what no note in the profile tells: only those of contents, which lie beside all profiles


def bench_with_notes(
    folder: Path, provider: ScriptedProvider, settle_s: float = 0.05
) -> AbstractAsyncContextManager[Bench]:
    """As with a vault: nothing outside this folder knows of its last run."""
    locks, wanted = (
        ContentLocks(folder.with_name("shared"), "this profile"),
        settings(settle_s=settle_s),
    )
    return open_bench(folder, providers={"kimi": provider}, claims=locks, wanted=wanted)


async def test_an_own_note_that_the_record_does_not_know_is_looked_up(tmp_path: Path) -> None:
    """The whole folder is put back, so that the record and all beside it agree."""
    provider, folder, aside = ScriptedProvider(), tmp_path / "profile", tmp_path / "aside"
    folder.mkdir()
    for name in ("first.txt", "second.txt"):
        (tmp_path / name).write_text(f"the content of {name}")
    async with bench_with_notes(folder, provider) as bench:
        await bench.upload(tmp_path / "first.txt")
    shutil.copytree(folder, aside)
    async with bench_with_notes(folder, provider) as bench:
        [sent_once] = await bench.upload(tmp_path / "second.txt")
    shutil.rmtree(folder)
    aside.rename(folder)
    async with bench_with_notes(folder, provider) as bench:
        [again] = await bench.upload(tmp_path / "second.txt")
        assert told(bench) == []
        assert (again.state, again.file_id) == (JobState.DUPLICATE, sent_once.file_id)
        detail = await bench.engine.queue.job(again.id)
        assert any("before an older database was put back" in h.note for h in detail.history)
    assert len(provider.uploads) == 2


async def test_what_was_in_flight_is_looked_for_in_the_list(tmp_path: Path) -> None:
    """The answer was lost, and the record that knew of it is gone."""
    provider, folder = ScriptedProvider(lose_answers=1), tmp_path / "profile"
    aside, file = tmp_path / "aside", tmp_path / "a.txt"
    folder.mkdir()
    file.write_text("the content")
    async with bench_with_notes(folder, provider):
        pass
    shutil.copytree(folder, aside)
    async with bench_with_notes(folder, provider, settle_s=600) as bench:
        await bench.engine.queue.add([str(file)], AddOptions())
        await bench.until(lambda: JobState.UNCERTAIN in states(bench))
    shutil.rmtree(folder)
    aside.rename(folder)
    async with bench_with_notes(folder, provider) as bench:
        [again] = await bench.upload(file)
        detail = await bench.engine.queue.job(again.id)
        assert detail.attempts[0].outcome == ELSEWHERE
    assert (again.state, len(provider.files)) == (JobState.DONE, 1)
    assert again.file_id in provider.files
    assert len(provider.uploads) == 1


async def test_what_the_record_knows_is_not_asked_for(tmp_path: Path) -> None:
    """A file that was deleted at the provider is sent again, without a look for the old one."""
    provider, file = ScriptedProvider(), tmp_path / "a.txt"
    (tmp_path / "profile").mkdir()
    file.write_text("the content")
    async with bench_with_notes(tmp_path / "profile", provider) as bench:
        [first] = await bench.upload(file)
        await bench.engine.files.delete_of_job(first.id)
        asked = provider.sought
        [again] = await bench.upload(file)
        assert (again.state, again.attempts) == (JobState.DONE, 1)
        assert provider.sought == asked
    assert len(provider.uploads) == 2


def states(bench: Bench) -> set[JobState]:
    return {e.job.state for e in bench.events if isinstance(e, JobChanged)}


async def test_what_was_stored_for_another_file_is_not_taken_unasked(tmp_path: Path) -> None:
    """Same name, same size, other content: the record has forgotten it, the notes have not."""
    provider, folder = ScriptedProvider(), tmp_path / "profile"
    folder.mkdir()
    for day in ("monday", "tuesday"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "report.txt").write_text(f"{day:>9}")
    async with bench_with_notes(folder, provider):
        pass
    keep(folder, tmp_path / "aside")
    async with bench_with_notes(folder, provider) as bench:
        [tuesday] = await bench.upload(tmp_path / "tuesday" / "report.txt")
    put_back(folder, tmp_path / "aside")
    async with bench_with_notes(folder, provider) as bench:
        assert told(bench) == [ErrorCode.DATABASE_PUT_BACK]
        monday = tmp_path / "monday" / "report.txt"
        await bench.engine.queue.add([str(monday)], AddOptions())
        await bench.until(lambda: JobState.NEEDS_REVIEW in states(bench))
        [job] = await bench.rows()
        assert job.error is not None and tuesday.file_id and tuesday.file_id in job.error.detail
        await bench.engine.queue.settle(job.id, None)
        job = await bench.until_state(job.id, JobState.DONE)
        # And its own is found by the note, although the list has made a stranger of it.
        [again] = await bench.upload(tmp_path / "tuesday" / "report.txt")
    assert job.file_id != tuesday.file_id == again.file_id
    assert provider.uploads == ["report.txt", "report.txt"]
