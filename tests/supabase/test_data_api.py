"""The functions over HTTP, as a signed-in program calls them.

The server is @supabase/lite, not PostgREST and GoTrue. Known to differ: a token that is none counts
as nobody (the real one answers 401), there is no Storage, no limit on mails, and the statement
timeouts of the roles are not applied. Five shims mend the rest; each is shown to be needed.
"""

from __future__ import annotations

import itertools
import re

import pytest

from .conftest import NewProject
from .data_api import DataApi, data_api
from .project import Project, a_copy, a_file, new_id, operation, statuses
from .row_security import grant_leaks

_emails = (f"user-{number}@example.com" for number in itertools.count(1))


@pytest.fixture
def api(served: tuple[Project, DataApi]) -> DataApi:
    return served[1]


def test_every_function_by_its_names(api: DataApi) -> None:
    me = api.signed_in(next(_emails))
    assert me.value("exai_status")["schema"] == 1
    device, account, file, copy = new_id(), new_id(), new_id(), new_id()
    place = {"provider": "kimi", "base_url": "https://kimi.example/v1", "key_mark": "0123abcd"}
    batch = [
        operation("device", device, {"name": "desk"}),
        operation("account", account, place),
        operation("copy", copy, a_copy(account, 1)),
        operation("file", file, a_file(device, 1, account_id=account, copy_id=copy)),
    ]
    first = me.value("exai_apply", p_device=device, p_ops=batch)
    assert statuses(first) == ["applied"] * 4
    again = me.value("exai_apply", p_device=device, p_ops=batch)
    assert all(answer["replayed"] for answer in again)
    page = me.value("exai_pull", p_after=0)
    assert [change["kind"] for change in page["changes"]] == ["device", "account", "copy", "file"]
    # A time as the program reads it.
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00", page["changes"][0]["data"]["changed_at"]
    )
    found = {"p_purpose": "file-extract", "p_sha256": "a" * 64, "p_size": 10}
    found |= {"p_base_url": place["base_url"], "p_key_mark": place["key_mark"]}
    assert me.value("exai_find", **found)["platform_file_id"] == "file-1"
    room = new_id()
    assert me.value("exai_reserve", p_id=room, p_bytes=2**29, p_pool="storage")["granted"]
    assert me.value("exai_settle", p_id=room, p_to="committed", p_bytes=5)["changed"]
    claim = me.value("exai_claim", p_key="c" * 64, p_device=device)
    step = {"p_key": "c" * 64, "p_fence": claim["fence"]}
    assert me.value("exai_claim_step", p_step="note", p_note={"remote_id": "f"}, **step) is True
    assert me.value("exai_claim_step", p_step="release", **step) is True
    assert me.value("exai_tidy") == {"tombstones": 0}
    quota = me.value("exai_status")["quota"]
    assert (quota["storage"]["used_bytes"], quota["uploads"]["used_bytes"]) == (5, 10)


def test_nobody_gets_anything(api: DataApi) -> None:
    for function, arguments in (
        ("exai_status", {}),
        ("exai_pull", {"p_after": 0}),
        ("exai_apply", {"p_device": new_id(), "p_ops": []}),
        ("exai_tidy", {}),
    ):
        answer = api.call(function, **arguments)
        assert (answer.status_code, answer.json()["code"]) == (401, "42501"), function


def test_a_stranger_gets_nothing(api: DataApi) -> None:
    me, other = api.signed_in(next(_emails)), api.signed_in(next(_emails))
    device = new_id()
    me.value("exai_apply", p_device=device, p_ops=[operation("device", device, {"name": "desk"})])
    assert other.value("exai_pull", p_after=0)["changes"] == []
    stolen = operation("device", device, {"name": "stolen"}, base_rev=1)
    assert statuses(other.value("exai_apply", p_device=device, p_ops=[stolen])) == ["gone"]
    assert me.value("exai_pull", p_after=0)["changes"][0]["data"]["name"] == "desk"


def test_the_tables_are_not_shown(api: DataApi) -> None:
    me = api.signed_in(next(_emails))
    assert me.http.get("/rest/v1/files").status_code == 404
    hidden = me.http.get("/rest/v1/files", headers={"Accept-Profile": "exai"})
    assert (hidden.status_code, hidden.json()["code"]) == (406, "PGRST106")
    post = {"Content-Profile": "exai"}
    for path in ("devices", "rpc/enter", "rpc/prune_audit"):
        answer = me.http.post(f"/rest/v1/{path}", json={}, headers=post)
        assert answer.status_code in (404, 406), path


# What holds with a shim, and not without it; by the number of the shim.


def _times(_: Project, api: DataApi) -> bool:
    made = api.sign_up(next(_emails)).json()["user"]["created_at"]
    return re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", made) is not None


def _arguments(_: Project, api: DataApi) -> bool:
    device = new_id()
    batch = [operation("device", device, {"name": "desk"})]
    answer = api.signed_in(next(_emails)).call("exai_apply", p_device=device, p_ops=batch)
    return answer.status_code == 200


def _grants(project: Project, api: DataApi) -> bool:
    api.call("exai_status")
    return not grant_leaks(project)


def _refusals(_: Project, api: DataApi) -> bool:
    claim = {"p_key": "not-a-hash", "p_device": new_id()}
    answer = api.signed_in(next(_emails)).call("exai_claim", **claim)
    return (answer.status_code, answer.json()["code"]) == (400, "23514")


def _own_rights(_: Project, api: DataApi) -> bool:
    return api.signed_in(next(_emails)).call("exai_status").status_code == 200


SHIMS = {1: _times, 2: _arguments, 3: _grants, 4: _refusals, 5: _own_rights}


def test_what_the_shims_are_for_holds(served: tuple[Project, DataApi]) -> None:
    assert {number: holds(*served) for number, holds in SHIMS.items()} == dict.fromkeys(SHIMS, True)


@pytest.mark.parametrize("without", [(1, 2, 4), (3, 5)])
def test_each_shim_has_an_effect(new_project: NewProject, without: tuple[int, ...]) -> None:
    """When one has none any more, the server has changed: look again."""
    project = new_project("template1")
    project.prepare_roles()
    with data_api(project, without=without) as api:
        effects = {number: SHIMS[number](project, api) for number in without}
    assert effects == dict.fromkeys(without, False)
