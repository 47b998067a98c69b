"""Claims with fences, the audit trail, and how long things are kept."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from .project import Client, Project, a_file, audit_row, new_id, operation
from .row_security import API_ROLES
from .trail import trail_leaks

KEY = "e" * 64


def _claim(client: Client, seconds: int = 300) -> dict[str, Any]:
    answer: dict[str, Any] = client.value(
        "select public.exai_claim(%s, %s, %s)", KEY, new_id(), seconds
    )
    return answer


def _step(client: Client, fence: int | None, step: str, note: object = None) -> bool:
    text = None if note is None else json.dumps(note)
    done: bool = client.value(
        "select public.exai_claim_step(%s, %s, %s, %s, 300)", KEY, fence, step, text
    )
    return done


def _run_out(project: Project, client: Client) -> None:
    project.admin.execute(
        "update exai.content_claims set held_until = now() where owner = %s", (client.user,)
    )


def test_of_sixteen_that_claim_one_gets_it(project: Project) -> None:
    client = project.client()
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: _claim(project.client(client.user)), range(16)))
    assert sorted(answer["held"] for answer in answers) == [False] * 15 + [True]
    # Another user's claim to the same content is another claim.
    assert _claim(project.client())["held"]


def test_who_is_late_does_nothing(project: Project) -> None:
    client = project.client()
    first = _claim(client)["fence"]
    assert _step(client, first, "renew")
    assert _step(client, first, "note", {"remote_id": "file-1"})
    _run_out(project, client)
    assert not _step(client, first, "renew")
    assert not _step(client, first, "note", {"remote_id": "late"})
    second = _claim(client)
    assert second["fence"] > first
    assert second["note"] == {"remote_id": "file-1"}
    assert not _step(client, first, "release")
    assert not _step(client, None, "release")
    assert _step(client, second["fence"], "release")
    # Given back: the next need not wait.
    assert _claim(client)["held"]
    _run_out(project, client)
    third = _claim(client)["fence"]
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        _step(client, third, "dance")


def test_fences_rise_when_the_claim_is_gone(project: Project) -> None:
    client = project.client()
    fence = _claim(client)["fence"]
    project.admin.execute("delete from exai.content_claims where owner = %s", (client.user,))
    assert _claim(client)["fence"] > fence


def test_a_claim_ends_in_any_case(project: Project) -> None:
    client = project.client()
    for seconds in (10**9, -5):
        _claim(client, seconds)
        assert project.value(
            "select held_until between now() and now() + interval '301 s'"
            " from exai.content_claims where owner = %s",
            client.user,
        )
        _run_out(project, client)


def test_nobody_changes_the_trail(project: Project) -> None:
    assert trail_leaks(project) == []


def test_a_row_of_the_trail_is_written_once(project: Project) -> None:
    """Also when the device has lost what it had sent, and sends it by other operations."""
    client = project.client()
    device = client.device()
    rows = [{"device_seq": n, "action": "job.done", "outcome": "ok"} for n in range(5)]
    assert client.apply_one(device, operation("audit", None, rows))["new"] == 5
    rows[2] |= {"outcome": "changed later"}
    assert client.apply_one(device, operation("audit", None, rows))["new"] == 0
    outcomes = "select distinct outcome from exai.file_audit_trail where owner = %s"
    assert project.rows(outcomes, client.user) == [("ok",)]
    long = audit_row(9, detail={"text": "x" * 5000})
    assert client.apply_one(device, long)["code"] == "23514"


def test_what_is_kept_and_what_is_tidied_away(project: Project) -> None:
    client = project.client()
    device, kept, forgotten = client.device(), new_id(), new_id()
    first = operation("file", kept, a_file(device, 1))
    client.apply(device, [first, operation("file", forgotten, a_file(device, 2)), audit_row(1)])
    seen = client.pull()["next"]
    last = operation("file", forgotten, {"deleted": True}, base_rev=1)
    client.apply(device, [last])
    # Nobody can set these times; so they are set with the triggers away.
    with project.admin.transaction():
        project.admin.execute("set local session_replication_role = replica")
        for table, column in (("files", "changed_at"), ("operations", "at")):
            project.admin.execute(
                f"update exai.{table} set {column} = {column} - interval '91 days'"
                " where owner = %s".encode(),
                (client.user,),
            )
        project.admin.execute(
            "update exai.operations set at = at - interval '1 s' where owner = %s and id <> %s",
            (client.user, last["id"]),
        )
    assert client.value("select public.exai_tidy()") == {"tombstones": 1}
    # Who has read less than what is gone begins anew; records and trail stay.
    assert client.pull(seen)["restart"] == "purged"
    files = [change["id"] for change in client.pull()["changes"] if change["kind"] == "file"]
    assert files == [kept]
    after = client.pull()["next"]
    assert client.pull(after, seen=last["id"])["restart"] is None
    assert client.pull(after, seen=first["id"])["restart"] == "lost"
    trail = "select count(*) from exai.file_audit_trail where owner = %s"
    assert project.value(trail, client.user) == 1
    # Thirty days at least, whatever is asked.
    client.apply(device, [operation("file", kept, {"deleted": True}, base_rev=1)])
    assert client.value("select public.exai_tidy(0)") == {"tombstones": 0}


def test_only_the_owner_of_the_project_shortens_the_trail(project: Project) -> None:
    client = project.client()
    client.apply(client.device(), [audit_row(1), audit_row(2)])
    with project.admin.transaction():
        project.admin.execute("set local session_replication_role = replica")
        project.admin.execute(
            "update exai.file_audit_trail set at = at - interval '2 years'"
            " where owner = %s and device_seq = 1",
            (client.user,),
        )
    for role in API_ROLES:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            project.client(client.user, role).value("select exai.prune_audit('2 years')")
    with pytest.raises(psycopg.errors.RaiseException, match="a year at least"):
        project.change("select exai.prune_audit('1 day')")
    project.change("select exai.prune_audit('1 year 1 day')")
    left = "select array_agg(device_seq) from exai.file_audit_trail where owner = %s"
    assert project.value(left, client.user) == [2]
    # And only so: the switch of that function is nothing that the API can set and use.
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        client.value(
            "with x as (select set_config('exai.pruning', 'on', true))"
            " delete from exai.file_audit_trail using x returning 1"
        )
