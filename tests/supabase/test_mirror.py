"""From the record on this computer to the project: everything once, whatever breaks on the way."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.copies.queries import CopyCheck, Sight
from exai_desktop.core.mirror.operations import (
    BATCH,
    AnswerStatus,
    Change,
    ChangePage,
    MirrorAccount,
    Operation,
    OperationAnswer,
)
from exai_desktop.storage.record import recovery_log
from exai_desktop.storage.record.other_devices import SqliteOtherRecords
from exai_desktop.sync.mirror import Device, Mirror, Pushed
from tests.contracts.storage.test_outbox import ACCOUNTS, Desk

from .project import Client, Project, new_id

DEVICE = Device("desk", "Linux", "1.0")


class _Server:
    """`RecordServer` straight to the database; `breaks` says for each batch what goes wrong."""

    def __init__(self, client: Client, breaks: Callable[[], str] = lambda: "") -> None:
        self._client = client
        self._breaks = breaks
        self.batches = 0

    async def pull(self, after: int, witness: str | None) -> ChangePage:
        page = self._client.pull(after, 500, seen=witness)
        changes = [Change(c["kind"], c["id"], c["data"]) for c in page["changes"]]
        return ChangePage(changes, page["next"], page["more"], page["restart"] is not None)

    async def apply(self, device_id: str, operations: Sequence[Operation]) -> list[OperationAnswer]:
        assert len(operations) <= BATCH
        how = self._breaks()
        if how == "not sent":
            raise ConnectionError
        self.batches += 1
        rows = self._client.apply(device_id, [each.as_json() for each in operations])
        if how == "answer lost":
            raise ConnectionError
        return [
            OperationAnswer(
                row["id"],
                AnswerStatus(row["status"]),
                row.get("rev"),
                row.get("code", ""),
                row.get("current"),
            )
            for row in rows
        ]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "test.db")
    yield desk
    desk.database.close()


class _Bound:
    """A mirror with its server."""

    def __init__(self, mirror: Mirror, server: _Server, desk: Desk) -> None:
        self._mirror, self._server = mirror, server
        self.others = SqliteOtherRecords(desk.database)

    async def push(self, accounts: Mapping[str, MirrorAccount]) -> Pushed:
        return await self._mirror.push(self._server, accounts)

    async def pull(self) -> int:
        return await self._mirror.pull(self._server)

    async def names(self, text: str = "") -> list[str]:
        page = await self.others.page(self._mirror.target, text, 100, 0)
        assert page.total == len(page.files)
        return sorted(file.remote_id for file in page.files)


async def _mirror(desk: Desk, server: _Server, device: str | None = None) -> _Bound:
    target = await desk.outbox.sign_in("https://project.example", "me", device or new_id())
    others = SqliteOtherRecords(desk.database)
    return _Bound(Mirror(target, DEVICE, desk.outbox, others), server, desk)


async def _push_until_done(mirror: _Bound, accounts: dict[str, MirrorAccount]) -> int:
    tries = 1
    while True:
        try:
            await mirror.push(accounts)
        except ConnectionError:
            tries += 1
        else:
            return tries


def _there(client: Client, kind: str) -> dict[str, dict[str, Any]]:
    after, found = 0, {}
    while True:
        page = client.pull(after)
        found.update({c["id"]: c["data"] for c in page["changes"] if c["kind"] == kind})
        after = page["next"]
        if not page["more"]:
            return found


async def test_what_is_recorded_here_is_recorded_there(project: Project, desk: Desk) -> None:
    client = project.client()
    server = _Server(client)
    for number in range(1, 4):
        await desk.done(number)
    mirror = await _mirror(desk, server)
    pushed = await mirror.push(ACCOUNTS)
    assert pushed.refused == 0
    files, copies = _there(client, "file"), _there(client, "copy")
    assert sorted(file["name"] for file in files.values()) == ["f1.pdf", "f2.pdf", "f3.pdf"]
    assert {file["copy_id"] for file in files.values()} == set(copies)
    assert {file["state"] for file in files.values()} == {"done"}
    (account,) = _there(client, "account").values()
    assert (account["id"], account["label"]) == (ACCOUNTS["work"].id, "work")
    (device,) = _there(client, "device").values()
    assert device["name"] == "desk"
    counted = "select count(*), sum(reference_count) from exai.file_hashes where owner = %s"
    assert project.rows(counted, client.user) == [(3, 3)]
    assert client.value("select public.exai_status() -> 'quota' -> 'uploads' -> 'file_count'") == 3
    # Nothing has changed: nothing is told.
    server.batches = 0
    assert (await mirror.push(ACCOUNTS)).operations == 0
    assert server.batches == 0


async def test_changes_and_looks_follow(project: Project, desk: Desk) -> None:
    client = project.client()
    mirror = await _mirror(desk, _Server(client))
    job = await desk.done()
    await mirror.push(ACCOUNTS)
    copy = await desk.copies.by_remote_id("work", "file-1")
    assert copy is not None
    await desk.copies.looked([CopyCheck(copy.id, 20.0, Sight.NOT_SEEN)])
    await desk.copies.move(copy.id, CopyState.PRESENT, CopyState.MISSING, 21.0)
    await desk.jobs.remove([job.id])
    assert (await mirror.push(ACCOUNTS)).refused == 0
    (there,) = _there(client, "copy").values()
    assert (there["status"], there["last_sight"]) == ("missing", "not_seen")
    (file,) = _there(client, "file").values()
    assert file["deleted"] is True
    checks = "select status from exai.file_health_checks where owner = %s"
    assert project.rows(checks, client.user) == [("unhealthy",)]


@pytest.mark.parametrize("seed", range(3))
async def test_lost_answers_and_broken_lines_change_nothing(
    project: Project, desk: Desk, seed: int
) -> None:
    dice = random.Random(seed)
    client = project.client()
    breaks = lambda: dice.choice(("", "", "not sent", "answer lost"))  # noqa: E731
    mirror = await _mirror(desk, _Server(client, breaks))
    for number in range(1, 8):
        await desk.done(number)
        if number % 2:
            copy = await desk.copies.by_remote_id("work", f"file-{number}")
            assert copy is not None
            await desk.copies.move(copy.id, CopyState.PRESENT, CopyState.DELETING, 20.0)
        if dice.random() < 0.5:
            await _push_until_done(mirror, ACCOUNTS)
    await _push_until_done(mirror, ACCOUNTS)
    copies = _there(client, "copy")
    assert {c["platform_file_id"]: c["status"] for c in copies.values()} == {
        f"file-{number}": "deleting" if number % 2 else "present" for number in range(1, 8)
    }
    assert desk.marked() == []
    assert len(_there(client, "file")) == 7


async def test_two_devices_come_to_one_record(project: Project, desk: Desk, tmp_path: Path) -> None:
    """Both know the same file at the provider; what the later look has found stays."""
    client = project.client()
    other = Desk(tmp_path / "other.db")
    try:
        mine = await _mirror(desk, _Server(client))
        theirs = await _mirror(other, _Server(project.client(client.user)))
        await desk.done()
        await other.done()
        await mine.push(ACCOUNTS)
        assert (await theirs.push(ACCOUNTS)).refused == 0
        (copy,) = _there(client, "copy").values()
        assert copy["rev"] == 2
        found = await other.copies.by_remote_id("work", "file-1")
        assert found is not None
        await other.copies.move(found.id, CopyState.PRESENT, CopyState.MISSING, 30.0)
        await other.copies.verified([found.id], 30.0)
        await theirs.push(ACCOUNTS)
        assert len(_there(client, "file")) == 2
    finally:
        other.database.close()


async def test_the_trail_is_told_without_its_texts(project: Project, desk: Desk) -> None:
    client = project.client()
    await desk.done()
    mirror = await _mirror(desk, _Server(client))
    count = (await mirror.push(ACCOUNTS)).audit_rows
    assert count >= 3
    await desk.done(2)
    assert (await mirror.push(ACCOUNTS)).audit_rows == count
    trail = "select device_seq, device_mac from exai.file_audit_trail where owner = %s order by 1"
    assert project.rows(trail, client.user) == desk.rows("SELECT seq, mac FROM audit ORDER BY seq")
    everything = project.value(
        "select string_agg(t::text, '') from exai.file_audit_trail t where owner = %s", client.user
    )
    assert "secret" not in everything


async def test_after_a_recovery_no_row_of_the_trail_is_lost(
    project: Project, desk: Desk, tmp_path: Path
) -> None:
    """The numbers of the lost part are given again, to other rows."""
    client = project.client()
    mirror = await _mirror(desk, _Server(client), device := new_id())
    saved = tmp_path / "saved.db"
    await desk.done(1)
    await mirror.push(ACCOUNTS)
    desk.rows(f"VACUUM INTO '{saved}'")
    await desk.done(2)
    await mirror.push(ACCOUNTS)
    recovery_log.begin(saved, 50.0, 7.0, "test")
    older = Desk(saved)
    await older.done(3)
    await (await _mirror(older, _Server(client), device)).push(ACCOUNTS)
    trail = "select device_mac from exai.file_audit_trail where owner = %s"
    there = {mac for (mac,) in project.rows(trail, client.user)}
    both = [*desk.rows("SELECT mac FROM audit"), *older.rows("SELECT mac FROM audit")]
    assert there == {mac for (mac,) in both}
    older.database.close()


async def test_an_older_database_put_back_goes_on_from_what_is_there(
    project: Project, desk: Desk, tmp_path: Path
) -> None:
    client = project.client()
    mirror = await _mirror(desk, _Server(client), device := new_id())
    await desk.done()
    await mirror.push(ACCOUNTS)
    saved = tmp_path / "saved.db"
    desk.rows(f"VACUUM INTO '{saved}'")
    copy = await desk.copies.by_remote_id("work", "file-1")
    assert copy is not None
    await desk.copies.move(copy.id, CopyState.PRESENT, CopyState.DELETING, 20.0)
    await mirror.push(ACCOUNTS)
    older = Desk(saved)
    mirror = await _mirror(older, _Server(client), device)
    again = await older.copies.by_remote_id("work", "file-1")
    assert again is not None
    await older.copies.move(again.id, CopyState.PRESENT, CopyState.MISSING, 40.0)
    assert (await mirror.push(ACCOUNTS)).refused == 0
    (there,) = _there(client, "copy").values()
    assert (there["status"], there["rev"]) == ("missing", 3)
    older.database.close()


async def test_a_text_that_postgresql_does_not_take(project: Project, desk: Desk) -> None:
    client = project.client()
    mirror = await _mirror(desk, _Server(client))
    await desk.done(1)
    await desk.database.write(
        lambda connection: connection.execute("UPDATE copies SET remote_name = ?", ("a\0b",))
    )
    await desk.done(2)
    assert (await mirror.push(ACCOUNTS)).refused == 0
    names = {copy["platform_name"] for copy in _there(client, "copy").values()}
    assert names == {"a\ufffdb", "a.pdf"}


async def test_a_refused_row_of_the_trail_holds_no_other_up(project: Project, desk: Desk) -> None:
    client = project.client()
    mirror = await _mirror(desk, _Server(client))
    await desk.done()
    rows = desk.rows("SELECT seq FROM audit")
    # No row of ours is refused now; what a later version of the schema refuses, nobody knows.
    project.change(
        "alter table exai.file_audit_trail add constraint test check (device_seq <> 2) not valid"
    )
    try:
        pushed = await mirror.push(ACCOUNTS)
    finally:
        project.change("alter table exai.file_audit_trail drop constraint test")
    assert (pushed.audit_rows, pushed.refused) == (len(rows), 1)
    trail = "select count(*) from exai.file_audit_trail where owner = %s"
    assert project.value(trail, client.user) == len(rows) - 1


async def test_what_the_server_refuses_holds_no_other_up(project: Project, desk: Desk) -> None:
    client = project.client()
    mirror = await _mirror(desk, _Server(client))
    await desk.done(1)
    await desk.database.write(
        lambda connection: connection.execute("UPDATE copies SET remote_id = ?", ("x" * 300,))
    )
    await desk.done(2)
    pushed = await mirror.push(ACCOUNTS)
    assert pushed.refused == 1
    (copy,) = _there(client, "copy").values()
    assert copy["platform_file_id"] == "file-2"
    assert desk.rows("SELECT parked_code FROM outbox") == [("23514",)]
