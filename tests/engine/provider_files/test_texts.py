"""Texts that providers have read: fetched once, found again, gone with their file."""

import asyncio
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.copies.queries import FileQuery
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, TransferError
from tests.engine.engine_kit import Bench, open_bench, settings

WORDS = "In winter the walrus sleeps."


async def _stored(bench: Bench, folder: Path) -> Copy:
    file = folder / "letter.txt"
    file.write_text(WORDS)
    await bench.upload(file)
    [copy] = (await bench.engine.files.page(FileQuery())).rows
    return copy


async def _end(bench: Bench, copy: Copy) -> None:
    """Its time at the provider is over."""
    database = bench.parts.record.copies._database  # type: ignore[attr-defined]
    sql = "UPDATE copies SET expires_at = 1.0 WHERE id = ?"
    await database.write(lambda connection: connection.execute(sql, (copy.id,)).rowcount)


async def _hits(bench: Bench, text: str) -> list[tuple[str, str]]:
    hits = await bench.engine.files.search(text)
    return [(hit.copy.remote_name, hit.snippet) for hit in hits]


async def test_a_text_is_fetched_once_and_found_by_its_words(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        copy = await _stored(bench, tmp_path)
        assert await _hits(bench, "walrus") == []
        assert copy.job_id is not None
        assert await bench.engine.files.text_of_job(copy.job_id) == WORDS
        bench.providers["kimi"].bodies.clear()
        assert await bench.engine.files.text(copy.id) == WORDS
        assert await _hits(bench, "WALRUS") == [("letter.txt", WORDS)]
        assert await _hits(bench, "letter") == [("letter.txt", "")]
        assert await _hits(bench, " ") == []
        page = await bench.engine.files.page(FileQuery(search="winter"))
        assert [row.id for row in page.rows] == [copy.id]
        assert (await bench.engine.files.page(FileQuery(search="summer"))).total == 0


@pytest.mark.parametrize("way", ["deleted", "expired", "settled"])
async def test_a_text_goes_with_its_file(tmp_path: Path, way: str) -> None:
    async with open_bench(tmp_path) as bench:
        copy = await _stored(bench, tmp_path)
        await bench.engine.files.text(copy.id)
        if way == "deleted":
            await bench.engine.files.delete(copy.id)
        else:
            bench.providers["kimi"].files.clear()
            if way == "settled":
                await bench.parts.record.copies.move(copy.id, copy.state, CopyState.DELETING, 1.0)
            else:
                await _end(bench, copy)
            await bench.engine.accounts.reconcile("kimi")
        assert bench.parts.record.texts is not None
        assert await bench.parts.record.texts.get("kimi", copy.remote_id) is None
        assert await _hits(bench, "walrus") == []


async def test_the_text_of_a_missing_file_stays(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        copy = await _stored(bench, tmp_path)
        await bench.engine.files.text(copy.id)
        bench.providers["kimi"].files.clear()
        await bench.engine.accounts.reconcile("kimi")
        [hit] = await bench.engine.files.search("walrus")
        assert hit.copy.state is CopyState.MISSING
        assert await bench.engine.files.text(copy.id) == WORDS


async def test_a_refused_deletion_keeps_the_text(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        copy = await _stored(bench, tmp_path)
        await bench.engine.files.text(copy.id)
        provider = bench.providers["kimi"]

        async def refuse(file_id: str) -> None:
            raise TransferError(ErrorCode.OFFLINE)

        provider.delete = refuse  # type: ignore[method-assign]
        with pytest.raises(AppError):
            await bench.engine.files.delete(copy.id)
        assert len(await bench.engine.files.search("walrus")) == 1


async def test_switched_off_nothing_is_kept(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        copy = await _stored(bench, tmp_path)
        await bench.engine.files.text(copy.id)
    providers = bench.providers
    wanted = settings(keep_texts=False)
    async with open_bench(tmp_path, providers=providers, wanted=wanted) as bench:
        assert not (tmp_path / "texts.db").exists()
        assert await bench.engine.files.text(copy.id) == WORDS
        assert await _hits(bench, "walrus") == []
    async with open_bench(tmp_path, providers=providers) as bench:
        assert await _hits(bench, "walrus") == []


async def test_a_cache_that_fails_costs_nothing_but_itself(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        copy = await _stored(bench, tmp_path)
        assert bench.parts.record.texts is not None
        bench.parts.record.texts.close()  # type: ignore[attr-defined]
        assert await bench.engine.files.text(copy.id) == WORDS


async def test_a_text_that_could_not_be_deleted_goes_at_the_next_start(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        copy = await _stored(bench, tmp_path)
        await bench.engine.files.text(copy.id)
        texts = bench.parts.record.texts
        assert texts is not None
        await texts.put("kimi", "of no record", WORDS, 1.0)
        # As when its file cannot be written.
        object.__setattr__(bench.parts.texts, "cache", None)
        await bench.engine.files.delete(copy.id)
        assert await texts.get("kimi", copy.remote_id) == WORDS
    async with open_bench(tmp_path, providers=bench.providers) as bench:
        texts = bench.parts.record.texts
        assert texts is not None
        async with asyncio.timeout(60):
            while await texts.keys():
                await asyncio.sleep(0.01)


async def test_a_failing_cache_stops_no_deletion(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        copy = await _stored(bench, tmp_path)
        assert bench.parts.record.texts is not None
        bench.parts.record.texts.close()  # type: ignore[attr-defined]
        assert (await bench.engine.files.delete(copy.id)).state is CopyState.DELETED
