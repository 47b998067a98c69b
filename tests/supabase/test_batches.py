"""Batches: lost answers, replays in any order and at once, bad rows, conflicts, counts."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from .project import Client, Project, a_copy, a_file, audit_row, new_id, operation, statuses


def _everything(project: Project, client: Client) -> list[Any]:
    mine = "select jsonb_agg(t order by t::text) from exai.{} t where owner = %s"
    tables = ("files", "file_hashes", "owners", "file_audit_trail", "platform_file_registry")
    return [project.value(mine.format(table), client.user) for table in tables]


def test_shuffled_replays_side_by_side_change_nothing(project: Project) -> None:
    client = project.client()
    device = client.device()
    account = client.account(device)
    batch = [
        operation("file", new_id(), a_file(device, n, f"{n % 7:064x}", size=n % 7))
        for n in range(120)
    ]
    batch += [operation("copy", new_id(), a_copy(account, n, f"{n:064x}")) for n in range(40)]
    batch += [audit_row(n) for n in range(40)]
    assert set(statuses(client.apply(device, batch))) == {"applied"}
    before = _everything(project, client)

    def again(seed: int) -> None:
        mine = batch[:]
        random.Random(seed).shuffle(mine)
        answers = project.client(client.user).apply(device, mine)
        assert [answer["id"] for answer in answers] == [each["id"] for each in mine]
        assert all(answer["replayed"] for answer in answers)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(again, range(8)))
    assert _everything(project, client) == before
    counts = "select count(*), sum(reference_count), sum(duplicate_count) from exai.file_hashes"
    assert project.rows(f"{counts} where owner = %s", client.user) == [(7, 120, 113)]


def test_a_batch_in_parts_is_carried_out_once(project: Project) -> None:
    """What a broken line left open: parts of it sent by several connections at once."""
    client = project.client()
    device = client.device()
    batch = [operation("file", new_id(), a_file(device, n)) for n in range(60)]

    def part(seed: int) -> None:
        chosen = random.Random(seed).sample(batch, 40)
        assert set(statuses(project.client(client.user).apply(device, chosen))) == {"applied"}

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(part, range(8)))
    client.apply(device, batch)
    assert project.rows(
        "select count(*), max(rev), max(change_no) from exai.files where owner = %s", client.user
    ) == [(60, 1, 61)]


def test_one_bad_operation_holds_no_other_up(project: Project) -> None:
    client = project.client()
    device = client.device()
    bad = [
        operation("file", new_id(), a_file(device, 1, state="nonsense")),
        operation("file", new_id(), a_file(device, 2, sha256="short")),
        operation("file", new_id(), a_file(device, 3, size=-1)),
        operation("file", new_id(), a_file(device, 4, size="many")),
        operation("file", new_id(), a_file(device, 5, sha256=None)),
        operation("file", new_id(), a_file(new_id(), 6)),
        operation("file", None, a_file(device, 7)),
        operation("file", new_id(), ["no", "object"]),
        operation("file", new_id(), None),
        operation("planet", new_id(), {}),
        operation("copy", new_id(), {}),
        operation("audit", None, {"device_seq": 1}),
        operation("file", new_id(), a_file(device, 8, name="x" * 2000)),
        operation("file", new_id(), a_file(device, 9, object_key="שלום.pdf")),
    ]
    batch = []
    for number, each in enumerate(bad, start=100):
        batch += [each, operation("file", new_id(), a_file(device, number))]
    answers = client.apply(device, batch)
    assert statuses(answers) == ["refused", "applied"] * len(bad)
    assert all(answer["code"][:2] in ("22", "23") for answer in answers[::2])
    # Refused once is refused always: the device puts it aside instead of asking for ever.
    assert client.apply_one(device, bad[0])["replayed"]


def test_a_batch_that_is_none(project: Project) -> None:
    client = project.client()
    device = client.device()
    too_many = [operation("device", new_id(), {"name": "x"}) for _ in range(201)]
    for batch in (too_many, [{"kind": "file"}], [{"id": "no-uuid", "kind": "file"}]):
        with pytest.raises(psycopg.errors.DataError):
            client.apply(device, batch)
    assert len(client.pull()["changes"]) == 1
    assert client.apply(device, []) == []


def test_one_operation_twice_in_a_batch(project: Project) -> None:
    client = project.client()
    device = client.device()
    row = operation("file", new_id(), a_file(device, 1))
    # An id in capitals is the same id.
    loud = row | {"id": row["id"].upper()}
    assert statuses(client.apply(device, [row, row, loud])) == ["applied"] * 3
    assert client.pull()["next"] == 2


def test_an_outdated_change_is_a_conflict(project: Project) -> None:
    client = project.client()
    device, key = client.device(), new_id()
    client.apply(device, [operation("file", key, a_file(device, 1))])
    first = operation("file", key, {"state": "failed"}, base_rev=1)
    second = operation("file", key, {"state": "done"}, base_rev=1)
    assert statuses(client.apply(device, [first, second])) == ["applied", "conflict"]
    again = client.apply_one(device, operation("file", key, a_file(device, 1)))
    assert again["status"] == "conflict"
    # What lies there now, with its revision: the device decides and sends a new operation.
    assert (again["current"]["state"], again["current"]["rev"]) == ("failed", 2)
    assert again["current"]["name"] == "f1.pdf"
    assert "owner" not in again["current"]
    gone = operation("file", new_id(), {"state": "done"}, base_rev=3)
    assert client.apply_one(device, gone)["status"] == "gone"


def test_two_devices_record_one_remote_file(project: Project) -> None:
    """Their ids for it are made from account and remote id, so the second meets the first."""
    client = project.client()
    mine, other, key = client.device(), client.device(), new_id()
    account = client.account(mine)
    row = a_copy(account, 1)
    assert client.apply_one(mine, operation("copy", key, row))["status"] == "applied"
    assert client.apply_one(other, operation("copy", key, row))["status"] == "conflict"
    unlike = client.apply_one(other, operation("copy", new_id(), row))
    assert (unlike["status"], unlike["code"]) == ("refused", "23505")


def test_contents_are_counted(project: Project) -> None:
    client = project.client()
    device, keys = client.device(), [new_id() for _ in range(3)]
    for number, key in enumerate(keys):
        client.apply(device, [operation("file", key, a_file(device, number))])

    def counted() -> list[tuple[Any, ...]]:
        return project.rows(
            "select left(sha256, 1), size, reference_count, duplicate_count from exai.file_hashes"
            " where owner = %s order by 1",
            client.user,
        )

    assert counted() == [("a", 10, 3, 2)]
    client.apply(device, [operation("file", keys[0], {"state": "failed"}, base_rev=1)])
    client.apply(device, [operation("file", keys[1], {"deleted": True}, base_rev=1)])
    client.apply(device, [operation("file", keys[2], {"sha256": "b" * 64}, base_rev=1)])
    assert counted() == [("a", 10, 0, 0), ("b", 10, 1, 0)]
    # One hash of two sizes: something is wrong with the sender, and it is not recorded.
    lie = operation("file", new_id(), a_file(device, 9, "b" * 64, size=11))
    assert client.apply_one(device, lie)["code"] == "23514"
    resized = operation("file", keys[2], {"size": 2**40}, base_rev=2)
    assert client.apply_one(device, resized)["code"] == "23514"


def test_sizes_have_64_bits(project: Project) -> None:
    client = project.client()
    device, huge = client.device(), 2**62
    client.apply(device, [operation("file", new_id(), a_file(device, 2**40, size=huge))])
    row = client.pull()["changes"][-1]["data"]
    assert (row["size"], row["local_no"]) == (huge, 2**40)


def test_a_copy_of_another_device_is_found(project: Project) -> None:
    client = project.client()
    device = client.device()
    account = client.account(device)
    found = ("https://kimi.example/v1", "0123abcd", "file-extract", "a" * 64, 10)
    find = "select public.exai_find(%s, %s, %s, %s, %s)"
    assert client.value(find, *found) is None
    soon = a_copy(account, 1, expires_at="2026-01-01T00:00:00Z")
    client.apply(device, [operation("copy", new_id(), soon)])
    client.apply(device, [operation("copy", new_id(), a_copy(account, 2, usable=False))])
    client.apply(device, [operation("copy", new_id(), a_copy(account, 3, origin="imported"))])
    assert client.value(find, *found) is None
    client.apply(device, [operation("copy", new_id(), a_copy(account, 4))])
    assert client.value(find, *found)["platform_file_id"] == "file-4"
    for place, other in enumerate(("https://else.example", "ffffffff", "image", "b" * 64, 11)):
        assert client.value(find, *found[:place], other, *found[place + 1 :]) is None


def test_the_lifecycle_follows_the_registry(project: Project) -> None:
    client = project.client()
    device, key = client.device(), new_id()
    account = client.account(device)
    client.apply(device, [operation("copy", key, a_copy(account, 1))])
    lines = []
    for rev, change in enumerate(
        (
            {"last_sight": "seen"},
            {"last_sight": "not_seen"},
            {"last_sight": "other_size"},
            {"status": "deleting", "last_sight": "seen"},
            {"status": "deleted", "last_sight": "not_seen"},
        ),
        start=1,
    ):
        client.apply(device, [operation("copy", key, change, base_rev=rev)])
        with client.transaction() as connection:
            lines += connection.execute(
                "select platform, local_status, platform_status, sync_status"
                " from exai.file_lifecycle_sync"
            ).fetchall()
    assert lines == [
        ("kimi", "active", "active", "synced"),
        ("kimi", "active", "deleted", "conflict"),
        ("kimi", "active", "active", "error"),
        ("kimi", "deleted", "active", "pending"),
        ("kimi", "deleted", "deleted", "synced"),
    ]


@pytest.mark.long
def test_ten_thousand_files_and_their_copies(project: Project) -> None:
    client = project.client()
    device = client.device()
    account = client.account(device)
    for lot in range(100):
        batch = []
        for number in range(lot * 100, lot * 100 + 100):
            key, sha256 = new_id(), f"{number:064x}"
            batch.append(operation("copy", key, a_copy(account, number, sha256)))
            row = a_file(device, number, sha256, account_id=account, copy_id=key)
            batch.append(operation("file", new_id(), row))
        assert set(statuses(client.apply(device, batch))) == {"applied"}
    after = total = 0
    while True:
        page = client.pull(after, 500)
        total += len(page["changes"])
        after = page["next"]
        if not page["more"]:
            break
    assert total == 20_002
