"""Signed in at a real back end: from the record here to PostgreSQL and to another device."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.mirror.operations import NO_ACCOUNT, MirrorTarget
from exai_desktop.core.mirror.status import OtherFile, SyncDone
from exai_desktop.storage.record.other_devices import SqliteOtherRecords
from exai_desktop.sync.link import SupabaseLink
from tests.contracts.storage.test_outbox import ACCOUNTS

from .data_api import PASSWORD, PUBLISHABLE, DataApi
from .front import Front, front
from .link_rig import Rig
from .project import Project, new_id

_emails = (f"device-{number}@example.com" for number in itertools.count(1))


class _Device:
    """A computer of the user."""

    def __init__(self, folder: Path, name: str, there: Front, email: str) -> None:
        self.rig = Rig(folder, name, name)
        self._there = there
        self._email = email
        self.target: MirrorTarget | None = None

    @property
    def link(self) -> SupabaseLink:
        return self.rig.link

    async def sign_in(self) -> None:
        user = await self.link.sign_in(self._there.url, PUBLISHABLE, self._email, PASSWORD)
        self.target = await self.rig.desk.outbox.sign_in(
            user.url, user.user_id, new_id(), user.profile
        )

    async def sync(self) -> SyncDone:
        assert self.target is not None
        return await self.link.sync(self.target, ACCOUNTS)

    async def others(self, text: str = "") -> list[OtherFile]:
        assert self.target is not None
        records = SqliteOtherRecords(self.rig.desk.database)
        page = await records.page(self.target, text, 2_000, 0)
        assert page.total == len(page.files)
        return list(page.files)

    async def ids(self) -> list[str]:
        return sorted(file.remote_id for file in await self.others())


@pytest.fixture
def there(served: tuple[Project, DataApi]) -> Iterator[Front]:
    with front(str(served[1].http.base_url).rstrip("/")) as found:
        yield found


@pytest_asyncio.fixture
async def desks(
    served: tuple[Project, DataApi], there: Front, tmp_path: Path
) -> AsyncIterator[tuple[_Device, _Device]]:
    """Two computers of one user, signed in."""
    email = next(_emails)
    assert served[1].sign_up(email).status_code == 200
    two = _Device(tmp_path, "one", there, email), _Device(tmp_path, "two", there, email)
    for each in two:
        await each.sign_in()
    yield two
    for each in two:
        await each.rig.close()


async def test_what_one_has_sent_appears_at_the_other(desks: tuple[_Device, _Device]) -> None:
    one, two = desks
    await one.rig.desk.done(1)
    done = await one.sync()
    assert (done.sent, done.refused) == (2, 0)
    assert await one.others() == []
    await two.sync()
    (file,) = await two.others()
    assert (file.remote_id, file.device, file.account) == ("file-1", "desk", "work")
    assert (file.provider, file.size, file.status) == ("kimi", 10, "present")
    assert await two.others("FILE-1") == [file] == await two.others(file.sha256)
    assert await two.others("100%") == []


async def test_own_echo_and_what_came_and_went_at_once(desks: tuple[_Device, _Device]) -> None:
    one, two = desks
    job = await one.rig.desk.done(1)
    await one.rig.desk.done(2)
    await one.sync()
    await one.rig.desk.jobs.remove([job.id])
    copy = await one.rig.desk.copies.by_remote_id("work", "file-1")
    assert copy is not None
    await one.rig.desk.copies.move(copy.id, CopyState.PRESENT, CopyState.DELETING, 20.0)
    await one.sync()
    assert (await one.sync()).sent == 0
    assert await one.others() == []
    await two.sync()
    assert {f.remote_id: f.status for f in await two.others()} == {
        "file-1": "deleting",
        "file-2": "present",
    }
    # The whole record of the first one is gone: its rows go there as well.
    await one.rig.desk.database.write(lambda c: c.execute("DELETE FROM copies"))
    await one.sync()
    await two.sync()
    assert await two.others() == []


async def test_more_rows_than_one_answer_has(desks: tuple[_Device, _Device]) -> None:
    one, two = desks
    for number in range(1, 3):
        await one.rig.desk.done(number)

    def fill(connection: Any) -> None:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 1203)"
            " INSERT INTO copies (provider, account, purpose, sha256, size, remote_id,"
            " remote_name, state, usable, recorded_at, origin) SELECT 'kimi', 'work',"
            " 'file-extract', printf('%064x', i), 10, 'file-' || i, 'n' || i, 'present', 1, i,"
            " 'sent' FROM n"
        )

    await one.rig.desk.database.write(fill)
    assert (await one.sync()).refused == 0
    assert (await two.sync()).fetched >= 1_203
    assert len(await two.ids()) == 1_203


async def test_the_answer_is_lost_behind_the_servers_commit(
    served: tuple[Project, DataApi], there: Front, desks: tuple[_Device, _Device]
) -> None:
    one, _ = desks
    await one.rig.desk.done(1)
    lost = iter(range(3))

    def answer(_method: str, path: str, _body: Any) -> str | None:
        return "lost" if path.endswith("exai_apply") and next(lost, None) is not None else None

    there.answer = answer
    for _ in range(3):
        with pytest.raises(AppError, match="PROJECT_UNREACHABLE"):
            await one.sync()
    await one.sync()
    assert one.target is not None
    counted = "select count(*) from exai.{} where owner = %s"
    project = served[0]
    for table, count in (("files", 1), ("platform_file_registry", 1), ("devices", 1)):
        assert project.value(counted.format(table), one.target.user_id) == count


async def test_a_row_that_changes_while_it_is_sent_is_sent_again(
    there: Front, desks: tuple[_Device, _Device]
) -> None:
    one, two = desks
    await one.rig.desk.done(1)
    copy = await one.rig.desk.copies.by_remote_id("work", "file-1")
    assert copy is not None

    def answer(_method: str, path: str, body: Any) -> None:
        if path.endswith("exai_apply") and any(o["kind"] == "copy" for o in body["p_ops"]):
            there.answer = lambda *_: None
            with sqlite3.connect(one.rig.desk.path) as connection:
                connection.execute("UPDATE copies SET state = 'missing' WHERE id = ?", (copy.id,))
            connection.close()

    there.answer = answer
    await one.sync()
    await two.sync()
    assert [f.status for f in await two.others()] == ["missing"]


async def test_what_does_not_fit_holds_no_other_up(
    there: Front, desks: tuple[_Device, _Device]
) -> None:
    """Refused by the database, and refused as a whole batch by what stands before it."""
    one, two = desks
    for number in range(1, 6):
        await one.rig.desk.done(number)

    def spoil(connection: Any) -> None:
        sql = "UPDATE copies SET remote_id = ? WHERE remote_id = ?"
        connection.execute(sql, ("x" * 300, "file-2"))
        connection.execute(sql, ("too large", "file-4"))

    await one.rig.desk.database.write(spoil)

    def answer(_method: str, path: str, body: Any) -> tuple[int, object] | None:
        is_large = path.endswith("exai_apply") and "too large" in json.dumps(body)
        return (413, {"message": "too large"}) if is_large else None

    there.answer = answer
    done = await one.sync()
    assert done.refused == 2
    assert one.target is not None
    rows = await one.rig.desk.outbox.refused(one.target, 10)
    assert [row.code for row in rows] == ["23514", "413"]
    await two.sync()
    assert await two.ids() == ["file-1", "file-3", "file-5"]
    there.answer = lambda *_: None
    assert await one.rig.desk.outbox.retry_refused(one.target) == 2
    assert (await one.sync()).refused == 1


async def test_rows_of_an_account_that_was_removed_are_not_refused(
    desks: tuple[_Device, _Device],
) -> None:
    one, _ = desks
    await one.rig.desk.done(1)
    assert one.target is not None
    await one.link.sync(one.target, {})
    assert await one.rig.desk.outbox.refused(one.target, 10) == []
    waiting = await one.rig.desk.outbox.counts(one.target)
    assert (waiting.rows, dict(waiting.refused)) == (0, {NO_ACCOUNT: 1})


async def test_what_was_never_sent_and_is_gone_is_not_sent(desks: tuple[_Device, _Device]) -> None:
    one, two = desks
    job = await one.rig.desk.done(1)
    await one.rig.desk.jobs.remove([job.id])
    await one.rig.desk.database.write(lambda c: c.execute("DELETE FROM copies"))
    assert (await one.sync()).sent == 0
    await two.sync()
    assert await two.others() == []


async def test_a_project_that_was_put_back_is_filled_again(
    served: tuple[Project, DataApi], desks: tuple[_Device, _Device]
) -> None:
    one, two = desks
    await one.rig.desk.done(1)
    await two.rig.desk.done(7)
    for each in (one, two, one):
        await each.sync()
    assert await one.ids() == ["file-7"]
    assert one.target is not None
    served[0].admin.execute("delete from exai.owners where owner = %s", (one.target.user_id,))
    for each in (one, two, one, two):
        await each.sync()
    assert (await one.ids(), await two.ids()) == (["file-7"], ["file-1"])
    audit = "select count(distinct device_id) from exai.file_audit_trail where owner = %s"
    assert served[0].value(audit, one.target.user_id) == 2


async def test_what_waits_for_one_goes_to_nobody_else(
    served: tuple[Project, DataApi], there: Front, desks: tuple[_Device, _Device]
) -> None:
    one, _ = desks
    await one.rig.desk.done(1)
    first = one.target
    assert first is not None
    other = next(_emails)
    assert served[1].sign_up(other).status_code == 200
    user = await one.link.sign_in(there.url, PUBLISHABLE, other, PASSWORD)
    with pytest.raises(AppError) as caught:
        await one.link.sync(first, ACCOUNTS)
    assert caught.value.code is ErrorCode.NOT_SIGNED_IN
    second = await one.rig.desk.outbox.sign_in(user.url, user.user_id, new_id(), user.profile)
    waiting = await one.rig.desk.outbox.counts(second)
    assert waiting.elsewhere == 2
    assert second.device_id != first.device_id


async def test_a_copied_profile_is_another_device(desks: tuple[_Device, _Device]) -> None:
    one, two = desks
    await one.rig.desk.done(1)
    await one.sync()
    first = one.target
    assert first is not None
    again = await one.rig.desk.outbox.sign_in(first.url, first.user_id, new_id(), "the copy")
    assert (again.id, again.device_id != first.device_id) == (first.id, True)
    one.target = again
    assert (await one.sync()).refused == 0
    await two.sync()
    assert await two.ids() == ["file-1"]
    same = await one.rig.desk.outbox.sign_in(first.url, first.user_id, new_id(), "the copy")
    assert same == again


async def test_a_session_that_was_ended_there(
    served: tuple[Project, DataApi], desks: tuple[_Device, _Device]
) -> None:
    """The real words for a refresh token that is known no more."""
    one, _ = desks
    stored = one.rig.book.load()
    assert stored is not None
    await one.link.sign_out()
    one.rig.book.save(stored)
    link = one.rig.new_link()
    await link.restore()
    with pytest.raises(AppError) as caught:
        await link.look(60)
    assert caught.value.code is ErrorCode.SESSION_ENDED
    await link.close()


async def test_a_wrong_password(served: tuple[Project, DataApi], there: Front, desks: Any) -> None:
    with pytest.raises(AppError) as caught:
        await desks[0].link.sign_in(there.url, PUBLISHABLE, "nobody@example.com", "not-the-one")
    assert caught.value.code is ErrorCode.SIGN_IN_REFUSED
    assert (await desks[0].link.look(60)).open_sign_ups is True
