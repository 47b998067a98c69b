"""Requests that cannot be met in this state are refused by name and change nothing."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from exai_desktop.bootstrap import joining
from exai_desktop.bootstrap.joining import WINDOW, open_service
from exai_desktop.core.accounts.accounts import AccountDraft
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.events import WindowWish
from exai_desktop.core.jobs.jobs import JobState
from tests.engine.engine_kit import KIMI, open_bench


async def test_a_name_is_given_to_one_account_only(tmp_path: Path) -> None:
    draft = AccountDraft(KIMI.name, "kimi", "intl", "https://other.invalid/v1")
    async with open_bench(tmp_path) as bench:
        with pytest.raises(AppError) as caught:
            await bench.engine.accounts.add(draft, "sk-another-not-a-real-key")
        assert caught.value.code is ErrorCode.ACCOUNT_EXISTS
        [kept] = [s for s in await bench.engine.accounts.all() if s.account.name == KIMI.name]
        assert kept.account.base_url == KIMI.base_url


async def test_what_needs_no_review_cannot_be_settled(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("text")
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(file)
        with pytest.raises(AppError) as caught:
            await bench.engine.queue.settle(job.id, None)
        assert caught.value.code is ErrorCode.WRONG_STATE
        assert (await bench.job(job.id)).state is JobState.DONE


async def test_a_second_window_of_one_profile_makes_way() -> None:
    async with open_service(face=WINDOW) as first:
        with pytest.raises(AppError) as caught:
            async with open_service(face=WINDOW):
                raise AssertionError("it opened")
        assert caught.value.code is ErrorCode.ALREADY_OPEN
        assert (await first.queue.summary()).total == 0


async def test_a_window_that_takes_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known of the files, after a limited time."""
    monkeypatch.setattr(joining, "WINDOW_TAKES_WITHIN_S", 0.5)
    async with open_service(face=WINDOW) as first:
        taken: list[WindowWish] = []

        async def see_it() -> None:
            while not taken:
                taken.extend(await first.window.wishes())
                await asyncio.sleep(0.02)

        for paths, code in (
            (("/a/1.pdf",), ErrorCode.FILES_NOT_CONFIRMED),
            ((), ErrorCode.ALREADY_OPEN),
        ):
            taken.clear()
            seeing = asyncio.create_task(see_it())
            with pytest.raises(AppError) as caught:
                async with asyncio.timeout(60), open_service(face=WINDOW, wish=WindowWish(paths)):
                    raise AssertionError("it opened")
            assert caught.value.code is code
            await seeing


async def test_a_window_that_ends_meanwhile_gives_way() -> None:
    """Its connection breaks before it has taken the files: they are for this one."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(open_service(face=WINDOW))

        async def second() -> bool:
            async with open_service(face=WINDOW, wish=WindowWish(("/a/1.pdf",))):
                return True

        opening = asyncio.create_task(second())
        async with asyncio.timeout(60):
            while not await first.window.wishes():
                await asyncio.sleep(0.02)
            await stack.aclose()
            assert await opening
