"""The order of changes: what is read by pages is complete, whatever commits meanwhile."""

from __future__ import annotations

import psycopg
import pytest

from .change_order import lost_changes
from .project import Project, a_file, new_id, operation


def test_sixteen_writers_and_a_reader_of_pages(project: Project) -> None:
    assert lost_changes(project, writers=16, rounds=4, page=7) == []


@pytest.mark.long
def test_sixteen_writers_for_longer(project: Project) -> None:
    assert lost_changes(project, writers=16, rounds=100, page=7) == []


def test_a_plain_sequence_would_lose_changes(project: Project) -> None:
    """Why the counter is a row: the later number may be committed first."""
    project.admin.execute("create table public.plain (no bigserial, name text)")
    add = "insert into public.plain (name) values (%s)"
    with psycopg.connect(project.address) as slow, psycopg.connect(project.address) as fast:
        slow.execute(add, ("slow",))
        fast.execute(add, ("fast",))
        fast.commit()
        read_to = project.value("select max(no) from public.plain")
        slow.commit()
    assert project.value("select count(*) from public.plain where no > %s", read_to) == 0
    assert project.value("select count(*) from public.plain") == 2
    project.admin.execute("drop table public.plain")


def test_a_strangers_open_transaction_holds_nobody_up(project: Project) -> None:
    """Why the counter is the owner's: the oldest running transaction may be anybody's."""
    client = project.client()
    device = client.device()
    after = client.pull()["next"]
    with psycopg.connect(project.address) as stranger:
        stranger.execute("select pg_current_xact_id()")
        client.apply(device, [operation("device", new_id(), {"name": "new"})])
        assert len(client.pull(after)["changes"]) == 1
        stranger.rollback()


def test_a_device_does_not_read_what_it_has_written(project: Project) -> None:
    client = project.client()
    mine, other = client.device(), client.device()
    client.apply(other, [operation("file", new_id(), a_file(other, 1))])
    page = client.pull(0, skip=mine)
    assert [change["kind"] for change in page["changes"]] == ["device", "file"]
    assert client.pull(page["next"], skip=mine)["changes"] == []


def test_a_page_ends_where_the_next_begins(project: Project) -> None:
    client = project.client()
    device = client.device()
    client.apply(device, [operation("file", new_id(), a_file(device, n)) for n in range(23)])
    after, read, pages = 0, [], 0
    while True:
        page = client.pull(after, 5)
        read += [change["no"] for change in page["changes"]]
        after, pages = page["next"], pages + 1
        if not page["more"]:
            break
    assert read == list(range(1, 25))
    assert pages == 5


@pytest.mark.parametrize("limit", [0, -5, None, 10**9])
def test_a_page_of_an_odd_size(project: Project, limit: int | None) -> None:
    client = project.client()
    client.device()
    page = client.value("select public.exai_pull(null, %s)", limit)
    assert (len(page["changes"]), page["next"]) == (1, 1)
    assert client.value("select public.exai_pull(1, %s)", limit)["next"] == 1


def test_a_reader_who_cannot_go_on_is_told(project: Project) -> None:
    client = project.client()
    device = client.device()
    row = operation("file", new_id(), a_file(device, 1))
    client.apply(device, [row])
    after = client.pull()["next"]
    assert client.pull(after, seen=row["id"])["restart"] is None
    # The database was restored: from before what the reader has seen, or what it has written.
    assert client.pull(after + 1)["restart"] == "ahead"
    lost = client.pull(after, seen=new_id())
    assert (lost["restart"], lost["changes"]) == ("lost", [])
    assert project.client().pull() == {"restart": None, "next": 0, "more": False, "changes": []}


def test_only_the_server_sets_numbers_and_times(project: Project) -> None:
    client = project.client()
    device, key = client.device(), new_id()
    lie = {"rev": 99, "change_no": 10**12, "changed_at": "1999-01-01T00:00:00Z"}
    lie |= {"changed_by": new_id()}
    client.apply(device, [operation("file", key, a_file(device, 1) | lie)])
    client.apply(device, [operation("file", key, {"name": "b", **lie}, base_rev=1)])
    row = client.pull()["changes"][-1]["data"]
    assert (row["rev"], row["change_no"], row["changed_by"]) == (2, 3, device)
    assert not row["changed_at"].startswith("1999")
