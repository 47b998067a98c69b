"""The local socket: another process's verbs, carried out by the one that owns the profile."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.events import BatchFinished
from exai_desktop.core.jobs.jobs import AddOptions, JobQuery, JobState
from exai_desktop.engine.ipc import client as ipc_client
from exai_desktop.engine.ipc import server as ipc
from tests.engine.engine_kit import open_bench


async def test_verbs_and_events_work_as_on_the_engine_itself(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    address = tmp_path / "s"
    async with open_bench(tmp_path) as bench, ipc.serve(bench.engine, address):
        service = await ipc_client.connect(address, 5)
        events = await service.events()
        batch_id = await service.queue.add([str(tmp_path / "a.txt")], AddOptions())
        async for event in events:
            if isinstance(event, BatchFinished):
                assert (event.batch_id, event.done) == (batch_id, 1)
                break
        await events.aclose()
        page = await service.queue.page(JobQuery(states=(JobState.DONE,)))
        assert page == await bench.engine.queue.page(JobQuery(states=(JobState.DONE,)))
        assert await service.files.text_of_job(page.rows[0].id) == "hello"
        assert await service.queue.retry(None, allow_fallback=True) == []
        assert [s.account.name for s in await service.accounts.all()] == ["kimi", "glm"]


async def test_errors_cross_with_their_code_and_detail(tmp_path: Path) -> None:
    address = tmp_path / "s"
    async with open_bench(tmp_path) as bench, ipc.serve(bench.engine, address):
        service = await ipc_client.connect(address, 5)
        with pytest.raises(AppError) as caught:
            await service.queue.job(99)
    assert (caught.value.code, caught.value.detail) == (ErrorCode.UNKNOWN_JOB, "99")


async def test_names_that_are_not_utf8_cross_unharmed(tmp_path: Path) -> None:
    path = str(tmp_path / "a\udcff.txt")
    Path(path).write_text("x")
    address = tmp_path / "s"
    async with open_bench(tmp_path) as bench, ipc.serve(bench.engine, address):
        service = await ipc_client.connect(address, 5)
        batch_id = await service.queue.add([path], AddOptions())
        await bench.finished(batch_id)
        [row] = (await service.queue.page(JobQuery())).rows
    assert row.path == path
    assert row.name == "a\ufffd.txt"


async def test_the_socket_is_for_its_owner_only_and_goes_away(tmp_path: Path) -> None:
    address = tmp_path / "s"
    async with open_bench(tmp_path) as bench:
        async with ipc.serve(bench.engine, address):
            assert stat.S_IMODE(address.stat().st_mode) == 0o600
        assert not address.exists()


@pytest.mark.parametrize(
    "line",
    [
        b"hello\n",
        b"{}\n",
        b'{"call": "__class__", "args": {}}\n',
        b'{"call": "queue.job", "args": {"job_id": "many"}}\n',
        b'{"call": "queue.job", "args": {"nonsense": 1}}\n',
        b'{"call": "queue.cancel", "args": []}\n',
    ],
)
async def test_garbage_gets_an_error_and_harms_nobody(tmp_path: Path, line: bytes) -> None:
    address = tmp_path / "s"
    async with open_bench(tmp_path) as bench, ipc.serve(bench.engine, address):
        reader, writer = await asyncio.open_unix_connection(str(address))
        writer.write(line)
        answer = json.loads(await reader.readline())
        writer.close()
        assert answer["error"]["code"] == ErrorCode.UNEXPECTED_ERROR
        assert (await (await ipc_client.connect(address, 5)).queue.summary()).total == 0


async def test_a_caller_that_hangs_up_in_the_middle_of_events_harms_nobody(tmp_path: Path) -> None:
    address = tmp_path / "s"
    async with open_bench(tmp_path) as bench, ipc.serve(bench.engine, address):
        service = await ipc_client.connect(address, 5)
        events = await service.events()
        await events.aclose()
        await bench.engine.window.show()
        assert (await service.queue.summary()).total == 0


async def test_nobody_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(AppError) as caught:
        await ipc_client.connect(tmp_path / "nobody", 5)
    assert caught.value.code is ErrorCode.ANOTHER_INSTANCE


async def test_one_who_listens_but_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    callers: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_unix_server(lambda _, w: callers.append(w), str(tmp_path / "s"))
    async with silent:
        with pytest.raises(AppError) as caught:
            await ipc_client.connect(tmp_path / "s", 0.1)
        for caller in callers:
            caller.close()
    assert caught.value.code is ErrorCode.ANOTHER_INSTANCE


async def test_an_owner_that_goes_away_is_told_from_one_that_refuses(tmp_path: Path) -> None:
    address = tmp_path / "s"
    async with open_bench(tmp_path) as bench:
        async with ipc.serve(bench.engine, address):
            service = await ipc_client.connect(address, 5)
            events = await service.events()
        with pytest.raises(AppError) as caught:
            await anext(events)
        await events.aclose()
        assert caught.value.code is ErrorCode.OWNER_GONE
        with pytest.raises(AppError) as caught:
            await service.queue.summary()
        assert caught.value.code is ErrorCode.OWNER_GONE
