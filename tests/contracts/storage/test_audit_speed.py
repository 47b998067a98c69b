"""What the audit trail costs."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest

from exai_desktop.core.audit.audit import AuditEntry, Seal
from exai_desktop.core.audit.check import Anchoring
from exai_desktop.core.jobs.jobs import Attempt
from exai_desktop.core.jobs.jobs import JobState as S
from exai_desktop.core.jobs.store import JobChanges, Move
from exai_desktop.storage.audit.trail import AuditTrail, SqliteAuditStore, entry_of_move
from exai_desktop.storage.database import Database
from exai_desktop.storage.record import job_transactions
from exai_desktop.storage.record.jobs import SqliteJobStore
from tests.contracts.storage.job_rig import add, new_copy, routed

ROWS = 10_000
SEAL = Seal(bytes(range(32)), "the test")


async def test_ten_thousand_rows_are_checked_within_a_second(tmp_path: Path) -> None:
    database, trail = Database(tmp_path / "test.db"), AuditTrail(SEAL, "tester")
    entries = [
        AuditEntry(
            1_700_000_000.0 + number,
            "job.done",
            "ok",
            job_id=number,
            path=f"/home/somebody/Documents/reports/2025/report number {number}.pdf",
            account="kimi",
            provider="kimi",
            purpose="file-extract",
            remote_id=f"file_{number:026}",
            sha256=f"{number:064x}",
            bytes=number * 1_000,
            detail={"from": "sending", "attempt": 1, "request_id": f"{number:032x}"},
        )
        for number in range(ROWS)
    ]
    await database.write(lambda connection: trail.append(connection, entries))
    taken = []
    for _ in range(3):
        start = time.process_time()
        report = await SqliteAuditStore(database, trail).check(Anchoring())
        taken.append(time.process_time() - start)
        assert (report.ok, report.rows) == (True, ROWS)
    database.close()
    assert min(taken) < 1.0, f"{taken} s"


def _moves(job_id: int) -> list[Move]:
    sha256 = f"{job_id:064x}"
    begun = Attempt(1, "http", "b.pdf", 10, sha256, 2.0)
    ended = Attempt(1, "http", "b.pdf", 10, sha256, 2.0, 3.0, "stored", None, None, 200, "r")
    sent = JobChanges(attempts=1, transport="http", sent_name="b.pdf")
    answered = JobChanges(file_id=f"f{job_id}")
    copy = new_copy(f"f{job_id}", sha256)
    return [
        Move(job_id, S.QUEUED, S.CHECKING, 2.0),
        Move(job_id, S.CHECKING, S.HASHING, 2.0),
        Move(job_id, S.HASHING, S.WAITING, 2.0, "only account", routed(sha256)),
        Move(job_id, S.WAITING, S.SENDING, 2.0, "", sent, begun),
        Move(job_id, S.SENDING, S.CONFIRMING, 3.0, "", answered, ended),
        Move(job_id, S.CONFIRMING, S.DONE, 3.0, copy=copy),
    ]


@pytest.mark.long
async def test_a_file_takes_at_most_15_percent_longer_to_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By turns with and without, so that what else the machine does hits both alike."""
    database, trail = Database(tmp_path / "test.db"), AuditTrail(SEAL, "tester")
    store = SqliteJobStore(database, trail)
    of_move = entry_of_move
    taken: dict[bool, list[float]] = {True: [], False: []}
    for job in await add(store, *(f"/home/somebody/report {n}.pdf" for n in range(2_000))):
        is_told = bool(job.id % 2)
        told = of_move if is_told else lambda _move, _job: None
        monkeypatch.setattr(job_transactions, "entry_of_move", told)
        start = time.perf_counter()
        for move in _moves(job.id):
            await store.apply(move)
        taken[is_told].append(time.perf_counter() - start)
    database.close()
    ratio = statistics.median(taken[True]) / statistics.median(taken[False])
    assert ratio < 1.15, f"{ratio:.3f}"
