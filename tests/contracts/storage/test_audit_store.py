"""The audit trail on disk: with the change it tells of or not at all, and never changed after."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.audit.audit import START, AuditEntry, AuditRow, Seal
from exai_desktop.core.audit.check import Anchoring
from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import ErrorView, FileError
from exai_desktop.core.jobs.jobs import AddOptions, Attempt, NewJob
from exai_desktop.core.jobs.store import JobChanges, Move, StaleJobError, TwinPresentError
from exai_desktop.storage.audit.trail import BEFORE_ALL, AuditTrail, SqliteAuditStore
from exai_desktop.storage.database import Database
from exai_desktop.storage.migrations import m0002_second
from exai_desktop.storage.record.copies import SqliteCopyStore
from exai_desktop.storage.record.jobs import SqliteJobStore
from tests.contracts.storage.job_rig import (
    HASH,
    TO_SENDING,
    TO_WAITING,
    S,
    add,
    lead,
    new_copy,
    routed,
)

SEAL = Seal(bytes(range(32)), "the test")
NOW = 1_700_000_000.0


class Record:
    """All stores on one database, as the engine has them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = Database(path)
        trail = AuditTrail(SEAL, "tester", lambda: NOW)
        self.jobs = SqliteJobStore(self.database, trail)
        self.copies = SqliteCopyStore(self.database, trail)
        self.audit = SqliteAuditStore(self.database, trail)

    async def rows(self) -> list[AuditRow]:
        return await self.audit.rows(BEFORE_ALL, 1_000, None)

    async def told(self) -> list[str]:
        return [row.action for row in await self.rows()]

    async def done(self, remote_id: str = "f1", sha256: str = HASH) -> int:
        """A job from start to end; returns its number."""
        (job,) = await add(self.jobs, "/a/b.pdf")
        await lead(self.jobs, job, *TO_WAITING, changes=routed(sha256))
        begun = Attempt(1, "http", "b.pdf", 10, sha256, 3.0)
        changes = JobChanges(attempts=1, transport="http", sent_name="b.pdf", route_reason="only")
        await self.jobs.apply(Move(job.id, S.WAITING, S.SENDING, 3.0, "", changes, begun))
        ended = replace(begun, ended_at=4.0, outcome="stored", http_status=200, request_id="r1")
        changes = JobChanges(file_id=remote_id)
        await self.jobs.apply(Move(job.id, S.SENDING, S.CONFIRMING, 4.0, "", changes, ended))
        copy = new_copy(remote_id, sha256)
        await self.jobs.apply(Move(job.id, S.CONFIRMING, S.DONE, 5.0, copy=copy))
        return job.id


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    made = Record(tmp_path / "test.db")
    yield made
    made.database.close()


async def test_a_file_that_was_sent_has_three_rows(record: Record) -> None:
    job_id = await record.done()
    sending, confirming, done = await record.rows()
    assert sending == AuditRow(
        seq=1,
        at="1970-01-01T00:00:03.000000Z",
        actor="tester",
        action="job.sending",
        job_id=job_id,
        path_text="/a/b.pdf",
        account="work",
        provider="kimi",
        purpose="file-extract",
        remote_id=None,
        sha256=HASH,
        bytes=10,
        outcome="begun",
        error_code=None,
        detail='{"attempt":1,"from":"waiting","route":"only","sent_name":"b.pdf","transport":"http"}',
        key_id=sending.key_id,
        previous=START,
        mac=sending.mac,
    )
    assert (confirming.action, confirming.outcome) == ("job.confirming", "stored")
    assert (confirming.remote_id, confirming.previous) == ("f1", sending.mac)
    assert confirming.detail == (
        '{"attempt":1,"attempt_outcome":"stored","from":"sending","http_status":200,'
        '"request_id":"r1"}'
    )
    assert (done.action, done.outcome, done.previous) == ("job.done", "ok", confirming.mac)
    assert (await record.audit.check(Anchoring())).ok


async def test_what_is_only_prepared_is_not_told(record: Record) -> None:
    (job,) = await add(record.jobs, "/a/b.pdf")
    await lead(record.jobs, job, *TO_WAITING)
    await record.jobs.apply(Move(job.id, S.WAITING, S.HELD, 3.0, "paused by the user"))
    assert await record.rows() == []
    await record.jobs.apply(Move(job.id, S.HELD, S.CANCELLED, 4.0))
    assert await record.told() == ["job.cancelled"]


@pytest.mark.parametrize("new", [S.WAITING, S.QUEUED, S.HELD, S.CANCELLED, S.FAILED, S.UNCERTAIN])
async def test_what_became_of_bytes_on_their_way_is_always_told(record: Record, new: S) -> None:
    (job,) = await add(record.jobs, "/a/b.pdf")
    await lead(record.jobs, job, *TO_SENDING)
    await record.jobs.apply(Move(job.id, S.SENDING, new, 9.0))
    assert await record.told() == ["job.sending", f"job.{new}"]


async def test_an_account_problem_that_holds_a_job_is_told(record: Record) -> None:
    (job,) = await add(record.jobs, "/a/b.pdf")
    await lead(record.jobs, job, *TO_WAITING)
    changes = JobChanges(error_code="AUTH_FAILED")
    await record.jobs.apply(Move(job.id, S.WAITING, S.HELD, 3.0, changes=changes))
    [row] = await record.rows()
    assert (row.action, row.error_code, row.outcome) == ("job.held", "AUTH_FAILED", "held")


async def test_files_refused_as_they_were_found_are_told(record: Record) -> None:
    why = ErrorView.of(FileError(ErrorCode.EMPTY_FILE))
    batch = await record.jobs.add_batch(AddOptions(), [NewJob("/a/1", 0, why)], 1.0)
    await record.jobs.add_jobs(batch, [NewJob("/a/2", 5), NewJob("/a/3", 0, why)], 2.0)
    rows = await record.rows()
    assert [(r.path_text, r.error_code) for r in rows] == [
        ("/a/1", "EMPTY_FILE"),
        ("/a/3", "EMPTY_FILE"),
    ]
    assert (await record.audit.check(Anchoring())).ok


async def test_a_move_that_fails_leaves_no_row(record: Record) -> None:
    await record.done()
    before = await record.rows()
    (job,) = await add(record.jobs, "/a/twin.pdf")
    await lead(record.jobs, job, *TO_WAITING)
    with pytest.raises(TwinPresentError):
        await record.jobs.apply(Move(job.id, S.WAITING, S.SENDING, 9.0))
    with pytest.raises(StaleJobError):
        await record.jobs.apply(Move(job.id, S.SENDING, S.UNCERTAIN, 9.0))
    with pytest.raises(StaleJobError):
        await record.copies.move(99, CopyState.PRESENT, CopyState.DELETING, 9.0)
    assert await record.rows() == before


async def test_a_row_that_fails_takes_the_move_with_it(record: Record) -> None:
    (job,) = await add(record.jobs, "/a/b.pdf")
    await lead(record.jobs, job, *TO_WAITING)
    with closing(sqlite3.connect(record.path)) as connection:
        connection.execute("ALTER TABLE audit RENAME TO gone")
    with pytest.raises(Exception, match="audit"):
        await record.jobs.apply(Move(job.id, S.WAITING, S.SENDING, 9.0))
    found = await record.jobs.get(job.id)
    assert found is not None
    assert found.state is S.WAITING


async def test_one_of_many_that_is_left_out_is_not_told(record: Record) -> None:
    first, second = await add(record.jobs, "/a/1", "/a/2")
    stale = Move(first.id, S.CHECKING, S.CANCELLED, 2.0)
    await record.jobs.apply_many([stale, Move(second.id, S.QUEUED, S.CANCELLED, 2.0)])
    assert [row.job_id for row in await record.rows()] == [second.id]


async def test_a_deletion_is_told_from_wish_to_end(record: Record) -> None:
    job_id = await record.done()
    copy = await record.copies.of_job(job_id)
    assert copy is not None
    await record.copies.move(copy.id, CopyState.PRESENT, CopyState.DELETING, 6.0)
    await record.copies.move(copy.id, CopyState.DELETING, CopyState.DELETED, 7.0)
    rows = (await record.rows())[3:]
    assert [(r.action, r.outcome) for r in rows] == [
        ("copy.deleting", "begun"),
        ("copy.deleted", "ok"),
    ]
    assert {(r.job_id, r.path_text, r.remote_id, r.sha256) for r in rows} == {
        (job_id, "/a/b.pdf", "f1", HASH)
    }
    await record.jobs.remove([job_id])


async def test_the_trail_outlives_the_record(record: Record) -> None:
    job_id = await record.done()
    assert await record.jobs.remove([job_id]) == 1
    await record.done("f2", "cd" * 32)
    assert await record.jobs.remove(None) == 1
    assert await record.jobs.get(job_id) is None
    rows = await record.rows()
    assert [row.action for row in rows if row.job_id == job_id] == [
        "job.sending",
        "job.confirming",
        "job.done",
        "job.removed",
    ]
    assert rows[3].path_text == "/a/b.pdf"
    assert rows[3].at.startswith("2023-11-14T22:13:20")
    assert rows[3].detail == '{"state":"done"}'
    assert (await record.audit.check(Anchoring())).rows == 8
    copy = await record.copies.by_remote_id("work", "f1")
    assert copy is not None
    await record.copies.move(copy.id, CopyState.PRESENT, CopyState.MISSING, 9.0)
    newest = (await record.rows())[-1]
    assert (newest.action, newest.path_text, newest.remote_id) == ("copy.missing", None, "f1")


async def test_what_no_move_tells_is_noted_by_a_call(record: Record) -> None:
    entry = AuditEntry(NOW, "account.added", "ok", account="work", detail={"b": None, "a": "x"})
    await record.audit.note(entry)
    [row] = await record.rows()
    assert (row.action, row.account, row.detail) == ("account.added", "work", '{"a":"x"}')


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
async def test_names_are_kept_as_they_are_shown(record: Record) -> None:
    path = os.fsdecode(b"/folder/\xff\n \xe2\x80\xaegnp.exe")
    (job,) = await add(record.jobs, path)
    await record.jobs.apply(Move(job.id, S.QUEUED, S.CANCELLED, 2.0, note=path))
    [row] = await record.rows()
    assert row.path_text == "/folder/\ufffd   gnp.exe"
    assert (await record.audit.check(Anchoring())).ok


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET outcome = 'failed' WHERE seq = 2",
        "UPDATE audit SET outcome = outcome",
        "UPDATE OR REPLACE audit SET seq = 1 WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 3",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 2",
        "INSERT INTO audit SELECT * FROM audit WHERE seq = 2 ON CONFLICT DO UPDATE SET bytes = 1",
        "INSERT INTO audit SELECT 9, at, actor, action, job_id, path_text, account, provider,"
        " purpose, remote_id, sha256, bytes, outcome, error_code, detail, key_id, previous, mac"
        " FROM audit WHERE seq = 2",
        "INSERT INTO audit SELECT 4, at, actor, action, job_id, path_text, account, provider,"
        " purpose, remote_id, sha256, bytes, outcome, error_code, detail, key_id, previous, mac"
        " FROM audit WHERE seq = 2",
    ],
)
async def test_rows_are_only_ever_added(record: Record, sql: str) -> None:
    await record.done()
    with (
        closing(sqlite3.connect(record.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(sql)


def tamper(path: Path, *statements: str) -> None:
    """As somebody with a database tool would, who has learnt of the triggers."""
    with closing(sqlite3.connect(path)) as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'audit'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    ("sql", "broken_at"),
    [
        ("UPDATE audit SET path_text = '/another' WHERE seq = 2", 2),
        ("UPDATE audit SET account = CAST(x'ff' AS TEXT) WHERE seq = 3", 3),
        ("UPDATE audit SET error_code = '' WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq IN (2, 3)", 2),
        ("UPDATE audit SET seq = seq + 10 WHERE seq = 5", 5),
        ("UPDATE audit SET seq = -7 WHERE seq = 4", -7),
    ],
)
async def test_what_is_done_to_the_file_is_found(record: Record, sql: str, broken_at: int) -> None:
    await record.done()
    await record.done("f2", "cd" * 32)
    tamper(record.path, sql)
    report = await record.audit.check(Anchoring())
    assert (report.ok, report.broken_at) == (False, broken_at)


async def test_an_anchor_tells_of_a_cut_tail_and_is_not_replaced(record: Record) -> None:
    assert await record.audit.anchor(None, NOW) is None
    await record.done()
    anchor = await record.audit.anchor(None, NOW)
    assert anchor is not None
    assert anchor.seq == 3
    assert await record.audit.anchor(anchor, NOW) is None
    assert (await record.audit.check(Anchoring(anchor))).anchored_seq == 3

    tamper(record.path, "DELETE FROM audit WHERE seq = 3")
    assert (await record.audit.check(Anchoring())).ok
    cut = await record.audit.check(Anchoring(anchor))
    assert (cut.ok, cut.broken_at) == (False, 3)
    await record.done("f2", "cd" * 32)
    assert (await record.audit.check(Anchoring(anchor))).broken_at == 3
    # A new anchor would wipe out the only proof.
    assert await record.audit.anchor(anchor, NOW) is None
    assert await record.audit.anchor(replace(anchor, seal="00"), NOW) is None
    assert await record.audit.anchor(None, NOW) is not None


async def test_rows_come_in_pages_and_from_a_day_on(record: Record) -> None:
    await record.done()
    await record.audit.note(AuditEntry(NOW, "account.added", "ok"))
    assert [r.seq for r in await record.audit.rows(1, 2, None)] == [2, 3]
    assert [r.seq for r in await record.audit.rows(BEFORE_ALL, 9, 4.0)] == [2, 3, 4]
    assert [r.seq for r in await record.audit.rows(BEFORE_ALL, 9, NOW)] == [4]
    assert await record.audit.rows(4, 9, None) == []


def test_the_schema_begins_the_chain_as_the_program_does() -> None:
    assert m0002_second.START == START
