"""What the engine leaves in the audit trail."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from exai_desktop.config.audit_key import KeptAnchor
from exai_desktop.config.secret_store import SessionStore
from exai_desktop.core.accounts.accounts import AccountDraft
from exai_desktop.core.audit.audit import AuditRow
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, TransferError
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.engine.ipc import client as ipc_client
from exai_desktop.engine.ipc import server as ipc
from exai_desktop.engine.service import audit as audit_verbs
from exai_desktop.engine.waiting import SystemClock
from tests.engine.engine_kit import KIMI, Bench, open_bench
from tests.engine.scripted_provider import ScriptedProvider

Told = list[tuple[str, str, str | None, str | None]]


async def rows(bench: Bench) -> list[AuditRow]:
    return await bench.engine.audit.rows(0, 1_000)


async def told(bench: Bench) -> Told:
    return [(r.action, r.outcome, r.error_code, r.remote_id) for r in await rows(bench)]


def write(folder: Path, name: str, content: bytes = b"hello") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


async def test_from_the_upload_to_the_removal(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt")
    async with open_bench(tmp_path, accounts=(KIMI,)) as bench:
        [job] = await bench.upload(path)
        [twin] = await bench.upload(path)
        await bench.engine.files.delete_of_job(job.id)
        await bench.engine.queue.remove([job.id])
        found = await told(bench)
        [sending, *_] = await rows(bench)
        report = await bench.engine.audit.verify()
    there = job.file_id
    assert found == [
        ("job.sending", "begun", None, None),
        ("job.confirming", "stored", None, there),
        ("job.done", "ok", None, there),
        ("job.duplicate", "ok", None, there),
        ("copy.deleting", "begun", None, there),
        ("copy.deleted", "ok", None, there),
        ("copy.deletion_seen", "gone", None, there),
        ("job.removed", "ok", "FILE_GONE", there),
    ]
    assert (sending.actor, sending.path_text) == ("tester", str(path))
    assert (sending.account, sending.provider, sending.purpose) == ("kimi", "kimi", "file-extract")
    assert (sending.sha256, sending.bytes) == (job.sha256, 5)
    assert (report.ok, report.rows, report.protected_by) == (True, 8, "the test")
    assert twin.state is JobState.DUPLICATE


async def test_refusals_before_and_after_the_look(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=(KIMI,)) as bench:
        await bench.upload(tmp_path / "absent.txt", write(tmp_path, "notes.xyz"))
        found = await told(bench)
    assert sorted(found) == [
        ("job.refused", "refused", "FILE_NOT_FOUND", None),
        ("job.refused", "refused", "INVALID_FILE_TYPE", None),
    ]


async def test_an_account_that_needs_the_user(tmp_path: Path) -> None:
    provider = ScriptedProvider(faults=[TransferError(ErrorCode.AUTH_FAILED)])
    async with open_bench(tmp_path, accounts=(KIMI,), providers={"kimi": provider}) as bench:
        await bench.upload(write(tmp_path, "a.txt"))
        found = await told(bench)
    assert found == [
        ("job.sending", "begun", None, None),
        ("job.held", "held", "AUTH_FAILED", None),
    ]


class _Undeletable(ScriptedProvider):
    async def delete(self, file_id: str) -> None:
        raise TransferError(ErrorCode.PERMISSION_DENIED, status=403)


async def test_a_deletion_that_fails_is_told_too(tmp_path: Path) -> None:
    providers: dict[str, ScriptedProvider] = {"kimi": _Undeletable()}
    async with open_bench(tmp_path, accounts=(KIMI,), providers=providers) as bench:
        [job] = await bench.upload(write(tmp_path, "a.txt"))
        with pytest.raises(AppError):
            await bench.engine.files.delete_of_job(job.id)
        found = await told(bench)
    assert [row[:2] for row in found[3:]] == [
        ("copy.deleting", "begun"),
        ("copy.present", "present"),
    ]


async def test_accounts_that_come_and_go(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=(KIMI,)) as bench:
        key = "sk-obviously-not-a-key-0123456789"
        await bench.engine.accounts.add(AccountDraft("work", "kimi", "cn"), key)
        await bench.engine.accounts.remove("work")
        added, removed = await rows(bench)
    assert (added.action, removed.action) == ("account.added", "account.removed")
    assert (added.account, added.provider) == ("work", "kimi")
    assert '"region":"cn"' in added.detail
    assert "moonshot.cn" in added.detail
    assert added.detail == removed.detail
    assert key not in added.detail


async def test_another_process_reads_the_same_trail(tmp_path: Path) -> None:
    address = tmp_path / "s"
    async with open_bench(tmp_path) as bench, ipc.serve(bench.engine, address):
        await bench.upload(write(tmp_path, "a.txt"))
        service = await ipc_client.connect(address, 5)
        assert await service.audit.rows(1, 1) == (await rows(bench))[1:2]
        assert await service.audit.verify() == await bench.engine.audit.verify()


async def test_the_end_of_a_run_is_anchored_and_the_next_run_holds_it(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.upload(write(tmp_path, "a.txt"))
        assert (await bench.engine.audit.verify()).anchored_seq is None
    anchor = KeptAnchor(tmp_path / "audit-anchor.json", SessionStore()).load().anchor
    assert anchor is not None
    assert anchor.seq == 3
    async with open_bench(tmp_path) as bench:
        await bench.upload(write(tmp_path, "b.txt", b"more"))
        report = await bench.engine.audit.verify()
    assert (report.ok, report.rows, report.anchored_seq) == (True, 6, 3)


class _ShortHours(SystemClock):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.01 if seconds == audit_verbs.ANCHOR_EVERY_S else seconds)


async def test_a_long_run_is_anchored_every_hour(tmp_path: Path) -> None:
    anchors = KeptAnchor(tmp_path / "audit-anchor.json", SessionStore())
    async with open_bench(tmp_path, clock=_ShortHours()) as bench:
        await bench.upload(write(tmp_path, "a.txt"))
        async with asyncio.timeout(60):
            while (anchor := anchors.load().anchor) is None or anchor.seq < 3:
                await asyncio.sleep(0.01)
        assert (await bench.engine.audit.verify()).anchored_seq == 3


async def test_doctor_says_what_protects_the_chain(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        assert (await bench.engine.facts())["audit"] == "chain protected by the test"


async def test_no_more_than_a_page_crosses_the_socket(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.upload(write(tmp_path, "a.txt"))
        assert len(await bench.engine.audit.rows(0, 10**9)) == 3
        assert len(await bench.engine.audit.rows(0, -1)) == 1
