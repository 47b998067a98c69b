"""Files at the providers: taken into the record, looked at, deleted with a proof."""

import time
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import Copy, CopyOrigin, CopyState, RemoteFile
from exai_desktop.core.copies.queries import DAY_S, FileQuery, Sight
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, Sent, TransferError
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from tests.engine.engine_kit import Bench, open_bench

TEXT = "the same text\n"


def _stranger(bench: Bench, account: str = "kimi", **values: object) -> RemoteFile:
    """A file that another program has sent."""
    purpose = "file-extract" if account == "kimi" else "agent"
    given = {"name": "theirs.txt", "bytes": len(TEXT), "created_at": time.time()} | values
    remote = RemoteFile("theirs", purpose=purpose, **given)  # type: ignore[arg-type]
    bench.providers[account].files["theirs"] = remote
    bench.providers[account].bodies["theirs"] = TEXT.encode()
    return remote


async def _sights(bench: Bench, copy_id: int) -> list[Sight]:
    return [look.sight for look in (await bench.engine.files.file(copy_id)).looks]


async def _audit(bench: Bench, action: str) -> list[tuple[str, str | None]]:
    rows = await bench.engine.audit.rows(0, 1000)
    return [(row.outcome, row.error_code) for row in rows if row.action == action]


async def test_a_foreign_file_is_imported_once_and_never_a_twin(tmp_path: Path) -> None:
    file = tmp_path / "theirs.txt"
    file.write_text(TEXT)
    async with open_bench(tmp_path) as bench:
        _stranger(bench)
        report = await bench.engine.files.import_foreign("kimi", ["theirs", "nobody"])
        [copy] = report.imported
        assert (copy.state, copy.origin, copy.sha256) == (
            CopyState.PRESENT,
            CopyOrigin.IMPORTED,
            "",
        )
        assert report.not_found == ("nobody",)
        assert (await bench.engine.files.import_foreign("kimi")).imported == ()
        assert await _audit(bench, "copy.imported") == [("present", None)]
        # Nobody knows that it is the same content.
        [job] = await bench.upload(file)
        assert job.state is JobState.DONE
        # From now on it is looked after like any other.
        listing = (await bench.engine.accounts.reconcile("kimi"))[0]
        assert (listing.present, listing.foreign) == (2, ())
        del bench.providers["kimi"].files["theirs"]
        assert (await bench.engine.accounts.reconcile("kimi"))[0].missing == ("theirs",)
        assert await _sights(bench, copy.id) == [Sight.NOT_SEEN, *[Sight.SEEN] * 3]


async def test_an_import_ends_when_the_providers_rules_say(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        remote = _stranger(bench, "glm")
        [copy] = (await bench.engine.files.import_foreign("glm")).imported
        assert copy.expires_at == remote.created_at + 180 * DAY_S
        assert copy.recorded_at == remote.created_at


async def test_a_list_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.providers["kimi"].list_fault = TransferError(ErrorCode.OFFLINE)
        report = await bench.engine.files.import_foreign("kimi", ["theirs"])
        assert report.not_found == ("theirs",)
        assert {error.code for error in report.errors} == {ErrorCode.OFFLINE}
        with pytest.raises(AppError) as caught:
            await bench.engine.files.import_foreign("nobody")
        assert caught.value.code is ErrorCode.UNKNOWN_ACCOUNT


async def test_what_was_imported_too_early_is_given_to_its_job(tmp_path: Path) -> None:
    """The answer was lost, and before the list was asked the user took the file for foreign."""
    file = tmp_path / "ours.txt"
    file.write_text(TEXT)
    async with open_bench(tmp_path) as bench:
        provider = bench.providers["kimi"]
        provider.lose_answers = 1
        provider.list_fault = TransferError(ErrorCode.OFFLINE)
        batch = await bench.engine.queue.add([str(file)], AddOptions())
        await bench.until(lambda: bool(provider.files))
        [row] = await bench.rows(batch)
        await bench.until_state(row.id, JobState.UNCERTAIN)
        # As `import` does it, but at a moment when the job cannot have been settled yet.
        assert bench.parts.record.recovery is not None
        await bench.parts.record.recovery.record_foreign(
            "kimi", "kimi", list(provider.files.values())
        )
        ids: dict[str, float | None] = dict.fromkeys(provider.files)
        assert len(await bench.parts.record.copies.adopt("kimi", ids, time.time())) == 1
        provider.list_fault = None
        job = await bench.until_state(row.id, JobState.DONE)
        assert len(provider.uploads) == 1
        assert job.file_id in provider.files
        [copy] = (await bench.engine.files.page(FileQuery())).rows
        assert (copy.origin, copy.sha256) == (CopyOrigin.SENT, job.sha256)


async def test_what_comes_back_is_what_it_was(tmp_path: Path) -> None:
    file = tmp_path / "ours.txt"
    file.write_text(TEXT)
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(file)
        _stranger(bench)
        await bench.engine.accounts.reconcile("kimi")
        files = bench.providers["kimi"].files
        kept = dict(files)
        files.clear()
        await bench.engine.accounts.reconcile("kimi")
        assert {c.state for c in await _copies(bench)} == {CopyState.MISSING}
        files.update(kept)
        listing = (await bench.engine.accounts.reconcile("kimi"))[0]
        assert [remote.id for remote in listing.foreign] == ["theirs"]
        states = {c.remote_id: c.state for c in await _copies(bench)}
        assert states == {job.file_id: CopyState.PRESENT, "theirs": CopyState.FOREIGN}


async def test_a_deletion_is_seen_and_written_down(tmp_path: Path) -> None:
    file = tmp_path / "ours.txt"
    file.write_text(TEXT)
    async with open_bench(tmp_path) as bench:
        await bench.upload(file)
        [copy] = await _copies(bench)
        deleted = await bench.engine.files.delete(copy.id)
        assert deleted.state is CopyState.DELETED
        assert (await _sights(bench, copy.id))[0] is Sight.NOT_SEEN
        assert await _audit(bench, "copy.deletion_seen") == [("gone", None)]
        with pytest.raises(AppError) as caught:
            await bench.engine.files.delete(copy.id)
        assert caught.value.code is ErrorCode.REMOTE_NOT_FOUND
        assert await _audit(bench, "copy.deletion_seen") == [("gone", None)]


async def test_a_deletion_that_nobody_saw_says_so(tmp_path: Path) -> None:
    file = tmp_path / "ours.txt"
    file.write_text(TEXT)
    async with open_bench(tmp_path) as bench:
        await bench.upload(file)
        [copy] = await _copies(bench)
        bench.providers["kimi"].find_fault = TransferError(ErrorCode.ANSWER_LOST, sent=Sent.ALL)
        assert (await bench.engine.files.delete(copy.id)).state is CopyState.DELETED
        assert await _audit(bench, "copy.deletion_seen") == [("not asked", "ANSWER_LOST")]


async def test_a_deleted_file_that_is_still_listed_is_told(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        remote = _stranger(bench)
        [copy] = (await bench.engine.files.import_foreign("kimi")).imported
        provider = bench.providers["kimi"]

        async def lag(file_id: str) -> None:
            """The list lags behind."""

        provider.delete = lag  # type: ignore[method-assign]
        await bench.engine.files.delete(copy.id)
        assert provider.files == {"theirs": remote}
        assert await _audit(bench, "copy.deletion_seen") == [("still listed", None)]
        assert (await _sights(bench, copy.id))[0] is Sight.SEEN


async def test_a_file_of_others_is_not_deleted(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        _stranger(bench)
        await bench.engine.accounts.reconcile("kimi")
        [copy] = await _copies(bench)
        with pytest.raises(AppError) as caught:
            await bench.engine.files.delete(copy.id)
        assert caught.value.code is ErrorCode.WRONG_STATE
        assert "theirs" in bench.providers["kimi"].files
        assert await bench.engine.files.text(copy.id) == TEXT
        with pytest.raises(AppError) as caught:
            await bench.engine.files.text(999)
        assert caught.value.code is ErrorCode.REMOTE_NOT_FOUND


async def _copies(bench: Bench) -> list[Copy]:
    return list((await bench.engine.files.page(FileQuery())).rows)
