"""Copies of files in Storage: npm's @tus/server behind what Storage asks for, and PostgreSQL's own
row security. A server between breaks the line where a test says so."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.events import EventBus
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.jobs.store import JobChanges, Move
from exai_desktop.core.mirror.operations import MirrorTarget
from exai_desktop.core.mirror.storage_copies import PIECE, StorageCopy, StorageState
from exai_desktop.core.settings import CurrentSettings, Settings
from exai_desktop.engine.accounts.timing import Bandwidth
from exai_desktop.engine.background.copying import BesideUploads, Copying
from exai_desktop.engine.background.mirroring import MirrorParts
from exai_desktop.engine.background.one_copy import Sources
from exai_desktop.engine.files.open_file import FileOpener
from exai_desktop.engine.waiting import Readers, SystemClock
from exai_desktop.storage.record.other_devices import SqliteOtherRecords
from exai_desktop.storage.record.shared_quota import SqliteQuotaDesk
from exai_desktop.storage.record.storage_copies import SqliteStorageCopies
from tests.contracts.storage.job_rig import TO_SENDING, add, lead, new_copy, routed

from .data_api import PASSWORD, PUBLISHABLE, DataApi
from .front import Front, front
from .link_rig import Rig
from .project import Project, new_id

S = StorageState
_emails = (f"copies-{number}@example.com" for number in itertools.count(1))


@dataclass
class Computer:
    """A device of a user whose copies are switched on."""

    rig: Rig
    there: Front
    email: str
    folder: Path
    settings: CurrentSettings
    copying: Copying
    target: MirrorTarget | None = None
    known: set[str] = field(default_factory=set)

    async def sign_in(self) -> None:
        user = await self.rig.link.sign_in(self.there.url, PUBLISHABLE, self.email, PASSWORD)
        self.target = await self.rig.desk.outbox.sign_in(
            user.url, user.user_id, new_id(), user.profile
        )
        await SqliteStorageCopies(self.rig.desk.database).switch(is_on=True)

    async def sent(self, content: bytes, name: str = "") -> str:
        """A file that has just been sent to a provider; returns its hash."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self.folder / (name or f"{sha256[:8]}.txt")
        path.write_bytes(content)
        jobs = self.rig.desk.jobs
        (job,) = await add(jobs, str(path), size=len(content))
        if sha256 in self.known:
            job = await lead(jobs, job, JobState.QUEUED, JobState.CHECKING, JobState.HASHING)
            same = routed(sha256)
            await jobs.apply(Move(job.id, job.state, JobState.DUPLICATE, 5.0, changes=same))
            return sha256
        self.known.add(sha256)
        job = await lead(jobs, job, *TO_SENDING, changes=routed(sha256))
        file = JobChanges(file_id=f"file-{job.id}")
        await jobs.apply(Move(job.id, JobState.SENDING, JobState.CONFIRMING, 6.0, changes=file))
        copy = new_copy(f"file-{job.id}", sha256)
        await jobs.apply(Move(job.id, JobState.CONFIRMING, JobState.DONE, 7.0, copy=copy))
        return sha256

    async def of(self, sha256: str) -> StorageCopy:
        (row,) = await self.copying.rows(sha256=(sha256,))
        return row

    def path(self, sha256: str) -> Path:
        return self.folder / f"{sha256[:8]}.txt"


def made_computer(folder: Path, name: str, there: Front, email: str, rig: Rig) -> Computer:
    database = rig.desk.database
    copies = SqliteStorageCopies(database)
    settings = CurrentSettings(Settings(copy_to_storage=True))
    readers, clock = Readers(ThreadPoolExecutor(1)), SystemClock()
    parts = MirrorParts(
        rig.link,
        rig.desk.outbox,
        SqliteOtherRecords(database),
        SqliteQuotaDesk(database),
        copies,
        rig.link.storage,
        lambda: "here",
        lambda: 0.5,
    )
    sources = Sources(rig.desk.jobs, FileOpener(readers, settings), readers)
    pace = BesideUploads(Bandwidth(0, clock), lambda: False, clock)
    place = folder / f"{name}-files"
    place.mkdir(exist_ok=True)
    return Computer(
        rig,
        there,
        email,
        place,
        settings,
        Copying(parts, sources, pace, settings, EventBus(), clock),
    )


@pytest.fixture
def there(served: tuple[Project, DataApi]) -> Iterator[Front]:
    with front(str(served[1].http.base_url).rstrip("/")) as found:
        yield found


New = Callable[[str], Any]


@pytest_asyncio.fixture
async def new_computer(
    served: tuple[Project, DataApi], there: Front, tmp_path: Path
) -> AsyncIterator[New]:
    """A computer of a user; those of one e-mail address are of one user."""
    made: list[Computer] = []

    async def new(email: str) -> Computer:
        name = f"pc{len(made)}"
        rig = Rig(tmp_path, name, name)
        computer = made_computer(tmp_path, name, there, email, rig)
        served[1].sign_up(email)
        await computer.sign_in()
        made.append(computer)
        return computer

    yield new
    for each in made:
        await each.rig.close()


@pytest_asyncio.fixture
async def pc(new_computer: New) -> Computer:
    found: Computer = await new_computer(next(_emails))
    return found


def quota(project: Project, computer: Computer) -> tuple[int, int, int]:
    """Used, reserved, number of files."""
    assert computer.target is not None
    (row,) = project.rows(
        "select used_bytes, reserved_bytes, file_count from exai.user_quotas"
        " where owner = %s and pool = 'storage'",
        computer.target.user_id,
    )
    return row


def objects(project: Project, computer: Computer) -> list[str]:
    assert computer.target is not None
    sql = "select name from storage.objects where name like %s order by name"
    return [name for (name,) in project.rows(sql, f"{computer.target.user_id}/%")]


def sent_bytes(there: Front) -> int:
    """Of pieces that were handed on as a whole or in part."""
    return sum(int(h.get("content-length", 0)) for h in there.headers if "upload-offset" in h)


TWO_PIECES = bytes(range(256)) * (2 * PIECE // 256) + b"the rest"


async def test_a_whole_copy_and_back(
    served: tuple[Project, DataApi], there: Front, pc: Computer, tmp_path: Path
) -> None:
    sha256 = await pc.sent(TWO_PIECES, "sécret-name.txt")
    status = await pc.copying.copy_now()
    assert (status.copied, status.refused, status.waiting) == (1, 0, 0)
    assert quota(served[0], pc) == (len(TWO_PIECES), 0, 1)
    assert pc.target is not None
    assert objects(served[0], pc) == [f"{pc.target.user_id}/{sha256}"]
    assert sent_bytes(there) == len(TWO_PIECES)
    back = tmp_path / "back.txt"
    assert await pc.copying.fetch(sha256, str(back)) == len(TWO_PIECES)
    assert back.read_bytes() == TWO_PIECES
    with pytest.raises(AppError) as caught:
        await pc.copying.fetch(sha256, str(back))
    assert caught.value.code is ErrorCode.COPY_NOT_WRITTEN
    await pc.copying.delete(sha256)
    assert (objects(served[0], pc), quota(served[0], pc)) == ([], (0, 0, 0))
    assert await pc.copying.rows() == []
    with pytest.raises(AppError) as caught:
        await pc.copying.fetch(sha256, str(tmp_path / "other.txt"))
    assert caught.value.code is ErrorCode.NO_COPY
    assert not list(tmp_path.glob(".other*"))


async def test_a_cut_copy_goes_on_where_it_was(
    served: tuple[Project, DataApi], there: Front, pc: Computer
) -> None:
    """Cut in the middle of the second piece: only what was missing is sent again."""
    sha256 = await pc.sent(TWO_PIECES)
    pieces = itertools.count(1)
    part = 1_000_000

    def answer(method: str, _path: str, _body: Any) -> str | None:
        return f"part {part}" if method == "PATCH" and next(pieces) == 2 else None

    there.answer = answer
    with pytest.raises(AppError) as caught:
        await pc.copying.copy_now()
    assert caught.value.code is ErrorCode.PROJECT_UNREACHABLE
    row = await pc.of(sha256)
    assert (row.state, row.percent) == (S.COPYING, PIECE * 100 // len(TWO_PIECES))
    before = [int(h["upload-offset"]) for h in there.headers if "upload-offset" in h]
    there.headers.clear()
    assert (await pc.copying.copy_now()).copied == 1
    after = [int(h["upload-offset"]) for h in there.headers if "upload-offset" in h]
    assert before == [0, PIECE]
    # What had arrived of the cut piece is not sent again, as far as the server has kept it.
    assert PIECE <= after[0] <= PIECE + part
    assert sent_bytes(there) == len(TWO_PIECES) - after[0]
    assert there.count("POST /storage/v1/upload/resumable") == 1
    assert quota(served[0], pc) == (len(TWO_PIECES), 0, 1)


async def test_after_a_restart_it_goes_on(
    served: tuple[Project, DataApi], there: Front, pc: Computer, tmp_path: Path
) -> None:
    """Nothing but the database is left of the first run."""
    await pc.sent(TWO_PIECES)
    pieces = itertools.count(1)
    there.answer = lambda method, *_: "cut" if method == "PATCH" and next(pieces) == 2 else None
    with pytest.raises(AppError):
        await pc.copying.copy_now()
    there.answer = lambda *_: None
    await pc.rig.link.close()
    pc.rig.link = pc.rig.new_link()
    again = made_computer(tmp_path, "pc0", there, pc.email, pc.rig)
    there.headers.clear()
    assert (await again.copying.copy_now()).copied == 1
    assert sent_bytes(there) == len(TWO_PIECES) - PIECE
    assert there.count("POST /storage/v1/upload/resumable") == 1


async def test_the_same_content_is_there_once(
    served: tuple[Project, DataApi], there: Front, new_computer: New
) -> None:
    email = next(_emails)
    one, two = await new_computer(email), await new_computer(email)
    content = b"the same on both" * 1_000
    await one.sent(content, "a.txt")
    await one.sent(content, "b.txt")
    await one.copying.copy_now()
    await two.sent(content)
    assert (await two.copying.copy_now()).copied == 1
    assert there.count("POST /storage/v1/upload/resumable") == 1
    assert quota(served[0], one) == (len(content), 0, 1)
    # Deleted by the device that did not make it: its room is given back all the same.
    await two.copying.delete(hashlib.sha256(content).hexdigest())
    assert (objects(served[0], one), quota(served[0], one)) == ([], (0, 0, 0))


async def test_a_deleted_copy_may_be_made_again(
    served: tuple[Project, DataApi], pc: Computer
) -> None:
    content = b"again and again"
    for _ in range(3):
        sha256 = await pc.sent(content)
        assert (await pc.copying.copy_now()).copied == 1
        assert quota(served[0], pc) == (len(content), 0, 1)
        await pc.copying.delete(sha256)
    assert quota(served[0], pc) == (0, 0, 0)


async def test_too_large_for_the_project(
    served: tuple[Project, DataApi], there: Front, pc: Computer
) -> None:
    project = served[0]
    large, small = await pc.sent(b"x" * 5_000), await pc.sent(b"y" * 10)
    project.admin.execute("update storage.buckets set file_size_limit = 4000 where id = 'exai'")
    try:
        status = await pc.copying.copy_now()
        assert (status.refused, status.copied, status.code) == (1, 1, "")
        row = await pc.of(large)
        assert (row.state, row.code) == (S.REFUSED, "COPY_TOO_LARGE")
        assert "5,000" in row.detail
        assert (await pc.of(small)).state is S.COPIED
        # What was reserved for it is free again.
        assert quota(project, pc) == (10, 0, 1)
    finally:
        project.admin.execute("update storage.buckets set file_size_limit = null")
    assert await pc.copying.retry_refused() == 1
    assert (await pc.copying.copy_now()).copied == 2
    assert quota(project, pc) == (5_010, 0, 2)


async def test_the_servers_own_limit_is_told(pc: Computer) -> None:
    sha256 = await pc.sent(b"0" * (50 * 2**20 + 1))
    await pc.copying.copy_now()
    row = await pc.of(sha256)
    assert (row.code, f"{50 * 2**20:,}" in row.detail) == ("COPY_TOO_LARGE", True), row.detail


async def test_a_limit_of_our_own(there: Front, pc: Computer) -> None:
    pc.settings.value = pc.settings.value.model_copy(update={"copy_max_bytes": 100})
    sha256 = await pc.sent(b"z" * 101)
    await pc.copying.copy_now()
    row = await pc.of(sha256)
    assert (row.code, row.detail) == (
        "COPY_TOO_LARGE",
        "the file has 101 bytes, the setting allows 100",
    )
    assert there.count("/storage/v1/upload") == 0


async def test_another_file_lies_there(there: Front, pc: Computer) -> None:
    """Nothing there is replaced; and a proxy's page refuses no file."""
    sha256 = await pc.sent(b"short")
    metadata = (400, {"statusCode": "400", "error": "InvalidKey"})
    answers = iter([(418, {"error": "a page of a proxy"}), metadata])
    there.answer = lambda method, path, _: (
        next(answers, None) if method == "POST" and "/upload/" in path else None
    )
    with pytest.raises(AppError) as caught:
        await pc.copying.copy_now()
    assert caught.value.code is ErrorCode.PROJECT_UNREACHABLE
    assert (await pc.copying.copy_now()).refused == 1
    assert (await pc.of(sha256)).code == "COPY_REFUSED"
    await pc.copying.retry_refused()
    # As long as another one, which the project has under this name.
    there.answer = lambda method, path, _: (200, "text") if method == "HEAD" else None
    assert (await pc.copying.copy_now()).refused == 1
    row = await pc.of(sha256)
    assert (row.code, "another file" in row.detail) == ("COPY_REFUSED", True)


async def test_no_room_left(served: tuple[Project, DataApi], there: Front, pc: Computer) -> None:
    project = served[0]
    await pc.sent(b"1" * 600)
    await pc.copying.copy_now()
    assert pc.target is not None
    limit = "update exai.user_quotas set quota_bytes = {} where owner = '{}' and pool = 'storage'"
    project.admin.execute(limit.format(1_000, pc.target.user_id).encode())
    sha256 = await pc.sent(b"2" * 600)
    await pc.copying.copy_now()
    row = await pc.of(sha256)
    assert (row.state, row.code) == (S.REFUSED, "COPY_OVER_QUOTA")
    assert "400 are left" in row.detail
    # Not a byte of it has left.
    assert there.count("POST /storage/v1/upload/resumable") == 1
    assert quota(project, pc) == (600, 0, 1)
    project.admin.execute(limit.format(2_000, pc.target.user_id).encode())
    await pc.copying.retry_refused()
    assert (await pc.copying.copy_now()).copied == 2
    assert quota(project, pc) == (1_200, 0, 2)


async def test_an_upload_that_is_known_no_more_begins_anew(
    served: tuple[Project, DataApi], there: Front, pc: Computer
) -> None:
    """After a day the project has forgotten it: 404, or 410."""
    for status in (404, 410):
        await pc.sent(TWO_PIECES + str(status).encode())
        pieces = itertools.count(1)
        there.answer = lambda method, *_, n=pieces: (
            "cut" if method == "PATCH" and next(n) == 2 else None
        )
        with pytest.raises(AppError):
            await pc.copying.copy_now()
        gone = iter([(status, {"error": "gone"})])

        def answer(method: str, path: str, _body: Any, gone: Any = gone) -> Any:
            return next(gone, None) if method == "HEAD" and "/upload/" in path else None

        there.answer = answer
        await pc.copying.copy_now()
    assert there.count("POST /storage/v1/upload/resumable") == 4
    size = 2 * (len(TWO_PIECES) + 3)
    assert quota(served[0], pc) == (size, 0, 2)


async def test_unpleasant_answers_of_a_piece(
    served: tuple[Project, DataApi], there: Front, pc: Computer
) -> None:
    """423 and 5xx wait, 409 looks again; nothing of it is a refusal."""
    await pc.sent(TWO_PIECES)
    for status in (423, 500, 503, 429):
        answers = iter([(status, {"error": "later"})])
        there.answer = lambda method, *_, a=answers: next(a, None) if method == "PATCH" else None
        with pytest.raises(AppError) as caught:
            await pc.copying.copy_now()
        assert caught.value.code is ErrorCode.PROJECT_UNREACHABLE
    conflict = iter([(409, {"error": "conflict"})])
    there.answer = lambda method, *_: next(conflict, None) if method == "PATCH" else None
    assert (await pc.copying.copy_now()).copied == 1
    assert there.count("POST /storage/v1/upload/resumable") == 1
    assert quota(served[0], pc) == (len(TWO_PIECES), 0, 1)


async def test_the_answer_to_the_last_piece_is_lost(
    served: tuple[Project, DataApi], there: Front, pc: Computer
) -> None:
    content = b"lost" * 100
    await pc.sent(content)
    lost = iter(["lost"])
    there.answer = lambda method, *_: next(lost, None) if method == "PATCH" else None
    with pytest.raises(AppError):
        await pc.copying.copy_now()
    assert (await pc.copying.copy_now()).copied == 1
    assert there.count("PATCH") == 1
    assert quota(served[0], pc) == (len(content), 0, 1)


async def test_the_end_of_a_reservation_is_told_once_it_can_be(
    served: tuple[Project, DataApi], there: Front, pc: Computer
) -> None:
    await pc.sent(b"settled" * 10)
    for way in ("cut", "lost"):

        def answer(_method: str, path: str, _body: Any, way: str = way) -> str | None:
            return way if path.endswith("exai_settle") else None

        there.answer = answer
        with pytest.raises(AppError):
            await pc.copying.copy_now()
    there.answer = lambda *_: None
    assert (await pc.copying.copy_now()).copied == 1
    assert quota(served[0], pc) == (70, 0, 1)


async def test_what_has_changed_since_is_not_sent(
    served: tuple[Project, DataApi], there: Front, pc: Computer
) -> None:
    changed, gone = await pc.sent(b"before it"), await pc.sent(b"to be deleted")
    pc.path(changed).write_bytes(b"behind it")
    pc.path(gone).unlink()
    assert (await pc.copying.copy_now()).refused == 2
    for sha256 in (changed, gone):
        assert (await pc.of(sha256)).code == "COPY_SOURCE_CHANGED"
    assert there.count("/storage/v1/upload") == 0
    assert there.count("exai_reserve") == 0


async def test_what_changes_while_it_is_copied_never_becomes_a_copy(
    served: tuple[Project, DataApi], there: Front, pc: Computer
) -> None:
    sha256 = await pc.sent(TWO_PIECES)
    path = pc.path(sha256)

    def answer(method: str, _path: str, _body: Any) -> None:
        if method == "PATCH":
            path.write_bytes(TWO_PIECES[:-1] + b"X")

    there.answer = answer
    await pc.copying.copy_now()
    assert (await pc.of(sha256)).code == "COPY_SOURCE_CHANGED"
    assert objects(served[0], pc) == []
    assert quota(served[0], pc) == (0, 0, 0)


async def test_signed_out_in_the_middle(
    served: tuple[Project, DataApi], there: Front, pc: Computer
) -> None:
    """It waits for the same user, and goes on then."""
    sha256 = await pc.sent(TWO_PIECES)
    loop = asyncio.get_running_loop()

    async def sign_out() -> None:
        await pc.rig.desk.outbox.sign_out()
        await pc.rig.link.sign_out()

    pieces = itertools.count(1)

    def answer(method: str, _path: str, _body: Any) -> None:
        if method == "PATCH" and next(pieces) == 1:
            asyncio.run_coroutine_threadsafe(sign_out(), loop).result(60)

    there.answer = answer
    with pytest.raises(AppError) as caught:
        await pc.copying.copy_now()
    assert caught.value.code in (ErrorCode.NOT_SIGNED_IN, ErrorCode.PROJECT_UNREACHABLE)
    with pytest.raises(AppError):
        await pc.copying.copy_now()
    there.answer = lambda *_: None
    await pc.sign_in()
    assert (await pc.copying.copy_now()).copied == 1
    assert (await pc.of(sha256)).state is S.COPIED
    assert quota(served[0], pc) == (len(TWO_PIECES), 0, 1)


async def test_a_token_that_has_ended_is_renewed(there: Front, pc: Computer) -> None:
    await pc.sent(b"a token")
    ended = iter([(403, {"error": "Unauthorized", "message": "jwt expired"})])
    there.answer = lambda method, path, _: (
        next(ended, None) if method == "POST" and "/upload/" in path else None
    )
    assert (await pc.copying.copy_now()).copied == 1
    assert there.count("grant_type=refresh_token") == 1


async def test_a_stranger_reads_and_writes_nothing(
    served: tuple[Project, DataApi], there: Front, new_computer: New, tmp_path: Path
) -> None:
    me, stranger = await new_computer(next(_emails)), await new_computer(next(_emails))
    sha256 = await me.sent(b"mine alone")
    await me.copying.copy_now()
    storage = await stranger.rig.link.storage(stranger.target)
    key = f"{me.target.user_id}/{sha256}"
    assert await storage.size_of(key) is None
    with pytest.raises(AppError) as caught:
        _ = [piece async for piece in storage.content(key)]
    assert caught.value.code is ErrorCode.NO_COPY
    await storage.delete(key)
    with pytest.raises(AppError) as caught:
        await storage.create(f"{me.target.user_id}/{'0' * 64}", 10, "text/plain")
    assert caught.value.code is ErrorCode.STORAGE_FORBIDDEN
    assert objects(served[0], me) == [key]
    nobody = DataApi(str(served[1].http.base_url), served[1]._stack)
    answer = nobody.http.get(f"/storage/v1/object/authenticated/exai/{key}")
    assert answer.status_code == 403


async def test_no_bucket_and_no_policies(served: tuple[Project, DataApi], pc: Computer) -> None:
    """Nothing is refused: it waits until the project is ready."""
    project = served[0]
    sha256 = await pc.sent(b"waits")
    project.admin.execute("drop policy exai_write on storage.objects")
    with pytest.raises(AppError) as caught:
        await pc.copying.copy_now()
    assert caught.value.code is ErrorCode.STORAGE_FORBIDDEN
    assert (await pc.copying.status()).code == "STORAGE_FORBIDDEN"
    project.admin.execute("delete from storage.objects")
    project.admin.execute("delete from storage.buckets")
    with pytest.raises(AppError) as caught:
        await pc.copying.copy_now()
    assert caught.value.code is ErrorCode.STORAGE_NOT_READY
    assert (await pc.of(sha256)).state is S.WAITING
    project.migrate()
    status = await pc.copying.copy_now()
    assert (status.copied, status.code) == (1, "")


async def test_a_damaged_copy_is_not_written(there: Front, pc: Computer, tmp_path: Path) -> None:
    sha256 = await pc.sent(b"as it was sent")
    await pc.copying.copy_now()
    there.answer = lambda method, path, _: (200, "other") if method == "GET" else None
    place = tmp_path / "new.txt"
    with pytest.raises(AppError) as caught:
        await pc.copying.fetch(sha256, str(place))
    assert caught.value.code is ErrorCode.COPY_DAMAGED
    assert [each.name for each in tmp_path.iterdir() if "new.txt" in each.name] == []


async def test_what_was_sent_before_is_copied_on_request_only(there: Front, pc: Computer) -> None:
    book = SqliteStorageCopies(pc.rig.desk.database)
    await book.switch(is_on=False)
    await pc.sent(b"an older file")
    await book.switch(is_on=True)
    assert (await pc.copying.copy_now()).copied == 0
    assert await pc.copying.copy((1,)) == 1
    assert (await pc.copying.copy_now()).copied == 1


async def test_switched_off_nothing_leaves(there: Front, pc: Computer) -> None:
    await pc.sent(b"noted, then switched off")
    pc.settings.value = pc.settings.value.model_copy(update={"copy_to_storage": False})
    for call in (pc.copying.copy_now(), pc.copying.copy((1,))):
        with pytest.raises(AppError) as caught:
            await call
        assert caught.value.code is ErrorCode.COPIES_OFF
    assert there.count("/storage/v1/") == 0


async def test_switched_off_between_two_pieces(there: Front, pc: Computer) -> None:
    await pc.sent(TWO_PIECES)

    def answer(method: str, _path: str, _body: Any) -> None:
        if method == "PATCH":
            off = {"copy_to_storage": False}
            pc.settings.value = pc.settings.value.model_copy(update=off)

    there.answer = answer
    with pytest.raises(AppError) as caught:
        await pc.copying.copy_now()
    assert caught.value.code is ErrorCode.COPIES_OFF
    assert there.count("PATCH") == 1


async def test_no_secret_is_kept_or_logged(
    there: Front, pc: Computer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await pc.sent(TWO_PIECES)
    pieces = itertools.count(1)
    there.answer = lambda method, *_: "cut" if method == "PATCH" and next(pieces) == 2 else None
    with pytest.raises(AppError):
        await pc.copying.copy_now()
    tokens = {
        h["authorization"].removeprefix("Bearer ") for h in there.headers if "authorization" in h
    }
    assert tokens
    content = b"".join(
        each.read_bytes() for each in pc.rig.desk.path.parent.glob(f"{pc.rig.desk.path.name}*")
    )
    for token in tokens:
        assert token.encode() not in content
        assert token not in caplog.text
    assert b"token=" not in content
    assert str(pc.folder).encode() not in b"".join(repr(h).encode() for h in there.headers)
