"""Room: sixteen devices race for the last bytes, ends are counted once, the truth is counted."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from .project import Client, Project, a_copy, new_id, operation

Count = tuple[int, int, int]


def _limited(project: Project, quota: int, pool: str = "storage") -> Client:
    client = project.client()
    client.device()
    project.admin.execute(
        "update exai.user_quotas set quota_bytes = %s, max_file_size = 500"
        " where owner = %s and pool = %s",
        (quota, client.user, pool),
    )
    return client


def _counted(project: Project, client: Client, pool: str = "storage") -> Count:
    """Used bytes, reserved bytes, files."""
    (row,) = project.rows(
        "select used_bytes, reserved_bytes, file_count from exai.user_quotas"
        " where owner = %s and pool = %s",
        client.user,
        pool,
    )
    return (row[0], row[1], row[2])


def _race(project: Project, user: str, clients: int, turns: int, pool: str) -> list[str]:
    """What was granted to this many clients at once."""

    def race(_: int) -> list[str]:
        me = project.client(user)
        granted = []
        for _ in range(turns):
            number = new_id()
            first = me.reserve(number, 10, pool)
            # The answer was lost: asked again, it may have become better, never worse.
            again = me.reserve(number, 10, pool)
            assert again["granted"] or not first["granted"]
            if again["granted"]:
                granted.append(number)
        return granted

    with ThreadPoolExecutor(clients) as threads:
        return [number for found in threads.map(race, range(clients)) for number in found]


@pytest.mark.parametrize("pool", ["storage", "uploads"])
def test_sixteen_race_for_the_last_bytes(project: Project, pool: str) -> None:
    client = _limited(project, 1000, pool)
    granted = _race(project, client.user, 16, 10, pool)
    assert len(granted) == len(set(granted)) == 100
    assert _counted(project, client, pool) == (0, 1000, 0)


@pytest.mark.long
def test_sixteen_race_for_longer(project: Project) -> None:
    client = _limited(project, 10_000)
    assert len(_race(project, client.user, 16, 400, "storage")) == 1000
    assert _counted(project, client) == (0, 10_000, 0)


def test_an_end_counts_once(project: Project) -> None:
    client = _limited(project, 1000)
    numbers = [new_id() for _ in range(30)]
    assert all(client.reserve(number, 10)["granted"] for number in numbers)

    def settle(end: str) -> None:
        me = project.client(client.user)
        for number in numbers[:20]:
            me.settle(number, end)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(settle, ("committed", "committed", "released", "returned")))
    ends = Counter(
        state
        for (state,) in project.rows(
            "select state from exai.quota_reservations where owner = %s", client.user
        )
    )
    stored = ends["committed"]
    assert ends["held"] == 10
    assert _counted(project, client) == (10 * stored, 100, stored)


def test_a_forgotten_reservation_expires_once(project: Project) -> None:
    client = _limited(project, 100)
    forgotten = [new_id() for _ in range(10)]
    assert all(client.reserve(number, 10)["granted"] for number in forgotten)
    assert not client.reserve(new_id(), 1)["granted"]
    project.admin.execute(
        "update exai.quota_reservations set expires_at = now() - interval '1 s' where owner = %s",
        (client.user,),
    )
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: project.client(client.user).reserve(new_id(), 1), range(8)))
    assert _counted(project, client) == (0, 8, 0)
    # The bytes of one were there all the same: the truth is counted, above the limit if need be.
    assert client.settle(forgotten[0], "committed") == {"state": "committed", "changed": True}
    assert _counted(project, client) == (10, 8, 1)
    assert client.settle(forgotten[0], "committed") == {"state": "committed", "changed": False}


def test_what_is_not_granted(project: Project) -> None:
    client = _limited(project, 1000)
    number = new_id()
    refused = client.reserve(number, 501)
    assert (refused["granted"], refused["max_file_size"], refused["left"]) == (False, 500, 1000)
    # A refusal is not kept: room may be made.
    assert client.reserve(number, 500)["granted"]
    assert not client.reserve(new_id(), 2**63 - 1)["granted"]
    for size, pool in ((-1, "storage"), (None, "storage"), (1, "other")):
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            client.value("select public.exai_reserve(%s, %s, %s)", new_id(), size, pool)
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        client.reserve(number, 500, "uploads")
    # Less than reserved may be stored, never more.
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        client.settle(number, "committed", 501)
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        client.settle(number, "committed", -1)
    client.settle(number, "committed", 400)
    assert _counted(project, client) == (400, 0, 1)
    client.settle(number, "returned")
    assert _counted(project, client) == (0, 0, 0)
    assert client.settle(new_id(), "released") == {"state": None, "changed": False}


def test_what_lies_at_the_providers_is_counted_over_all_devices(project: Project) -> None:
    client = _limited(project, 25, "uploads")
    first, second = client.device(), client.device()
    account, one, two = client.account(first), new_id(), new_id()
    client.apply(first, [operation("copy", one, a_copy(account, 1))])
    client.apply(second, [operation("copy", two, a_copy(account, 2))])
    # What nobody has sent from here fills no quota.
    client.apply(first, [operation("copy", new_id(), a_copy(account, 3, origin="imported"))])
    assert _counted(project, client, "uploads") == (20, 0, 2)
    # The strict mode: a device asks before it sends. The copy counts from then on.
    ask = new_id()
    assert not client.reserve(ask, 6, "uploads")["granted"]
    assert client.reserve(ask, 5, "uploads")["granted"]
    assert client.settle(ask, "committed") == {"state": "held", "changed": False}
    assert client.settle(ask, "released")["changed"]
    # Deleted once, twice, found again, and removed as a record.
    for rev, data in enumerate(
        ({"status": "deleting"}, {"status": "deleted"}, {"status": "deleted"}), start=1
    ):
        client.apply(second, [operation("copy", one, data, base_rev=rev)])
    assert _counted(project, client, "uploads") == (10, 0, 1)
    client.apply(second, [operation("copy", one, {"status": "present"}, base_rev=4)])
    client.apply(second, [operation("copy", two, {"deleted": True}, base_rev=1)])
    assert _counted(project, client, "uploads") == (10, 0, 1)
    # Above the limit is what has happened; nothing more is granted, and nothing is below zero.
    more = [operation("copy", new_id(), a_copy(account, 10 + n)) for n in range(3)]
    client.apply(first, more)
    assert _counted(project, client, "uploads") == (40, 0, 4)
    assert client.reserve(new_id(), 1, "uploads")["left"] == 0


def test_nobody_raises_his_own_quota(project: Project) -> None:
    client = project.client()
    client.device()
    for change in ("quota_bytes = 1", "used_bytes = 0", "reserved_bytes = 0"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            client.value(f"update exai.user_quotas set {change} returning 1")
