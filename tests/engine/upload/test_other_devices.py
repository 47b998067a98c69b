"""Content that another device has sent is not sent again, if the provider still has it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.mirror.operations import Change, ChangePage, MirrorAccount
from exai_desktop.storage.record.other_devices import SqliteOtherRecords
from exai_desktop.storage.record.outbox import SqliteOutbox
from tests.engine.engine_kit import KIMI as WITHOUT_MARK
from tests.engine.engine_kit import Bench, open_bench
from tests.engine.service.test_mirroring import URL, USER, _Link

KIMI = replace(WITHOUT_MARK, key_fingerprint="0123abcd")
CONTENT = b"the same content on two computers"
THERE = "11111111-1111-4111-8111-111111111111"


async def _told(bench: Bench, **changes: object) -> None:
    """As the project has told of it: one file of this content, sent by another device."""
    database = bench.opened.database
    target = await SqliteOutbox(database).sign_in(URL, USER.user_id, THERE, USER.profile)
    (account,) = bench.parts.accounts.all()
    known = MirrorAccount(account.provider, account.base_url, account.key_fingerprint)
    data = {
        "account_id": known.id,
        "sent_by": "22222222-2222-4222-8222-222222222222",
        "purpose": "file-extract",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "size": len(CONTENT),
        "platform_file_id": "file-there",
        "platform_name": "other.txt",
        "status": "present",
        "usable": True,
        "recorded_at": "2026-01-01T00:00:00+00:00",
    } | changes
    page = ChangePage([Change("copy", "33333333-3333-4333-8333-333333333333", data)], 1, more=False)
    await SqliteOtherRecords(database).note(target, page)


def _at_provider(bench: Bench, size: int = len(CONTENT)) -> None:
    files = bench.providers[KIMI.name].files
    files["file-there"] = RemoteFile("file-there", "other.txt", size, 1.0, "file-extract")


def _file(folder: Path) -> Path:
    path = folder / "a.txt"
    path.write_bytes(CONTENT)
    return path


async def test_what_another_device_has_sent_is_confirmed_and_not_sent(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=(KIMI,), link=_Link()) as bench:
        await _told(bench)
        _at_provider(bench)
        (job,) = await bench.upload(_file(tmp_path))
        assert (job.state, job.file_id) == (JobState.DUPLICATE, "file-there")
        assert bench.providers[KIMI.name].uploads == []
        # The next time our own record has it.
        (again,) = await bench.upload(_file(tmp_path))
        assert (again.state, again.file_id) == (JobState.DUPLICATE, "file-there")


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "missing"},
        {"usable": False},
        {"deleted": True},
        {"sent_by": THERE},
        {"sent_by": None},
        {"size": 1},
        {"sha256": "0" * 64},
        {"purpose": "image"},
        {"account_id": "44444444-4444-4444-8444-444444444444"},
        {"expires_at": "2020-01-01T00:00:00+00:00"},
        {"platform_file_id": "x" * 200},
    ],
)
async def test_anything_else_is_sent(tmp_path: Path, changes: dict[str, object]) -> None:
    async with open_bench(tmp_path, accounts=(KIMI,), link=_Link()) as bench:
        await _told(bench, **changes)
        _at_provider(bench)
        (job,) = await bench.upload(_file(tmp_path))
        assert job.state is JobState.DONE
        assert len(bench.providers[KIMI.name].uploads) == 1


async def test_what_the_provider_does_not_confirm_is_sent(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=(KIMI,), link=_Link()) as bench:
        await _told(bench)
        (job,) = await bench.upload(_file(tmp_path))
        assert job.state is JobState.DONE


async def test_another_size_there_is_another_file(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=(KIMI,), link=_Link()) as bench:
        await _told(bench)
        _at_provider(bench, len(CONTENT) + 1)
        (job,) = await bench.upload(_file(tmp_path))
        assert job.state is JobState.DONE


async def test_an_account_without_a_mark_may_be_anybodys(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=(WITHOUT_MARK,), link=_Link()) as bench:
        await _told(bench)
        _at_provider(bench)
        (job,) = await bench.upload(_file(tmp_path))
        assert job.state is JobState.DONE


async def test_signed_out_it_is_not_looked_at(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=(KIMI,), link=_Link()) as bench:
        await _told(bench)
        await SqliteOutbox(bench.opened.database).sign_out()
        _at_provider(bench)
        (job,) = await bench.upload(_file(tmp_path))
        assert job.state is JobState.DONE
