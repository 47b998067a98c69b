"""What a real project answers, as it was recorded from PostgREST 12.2, GoTrue 2.196 and storage-api
1.70: as a table. The program decides by these answers, so every server it is tested with must
give them, and `make live` asks a real project for them.

Nothing is left behind but one user's session, which ends.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx

from exai_desktop.core.mirror.storage_copies import BUCKET

UPLOADS: Final = "/storage/v1/upload/resumable"
PIECE: Final = 6 * 1024 * 1024


@dataclass
class RealProject:
    """One project, one user of it, and the session he has now."""

    http: httpx.Client
    key: str
    email: str
    password: str
    session: dict[str, Any] = field(default_factory=dict)

    def sign_in(self) -> None:
        answer = self.token("password", email=self.email, password=self.password)
        assert answer.status_code == 200, "the user cannot sign in"
        self.session = answer.json()

    def token(self, grant: str, **body: str) -> httpx.Response:
        return self.ask("POST", f"/auth/v1/token?grant_type={grant}", json=body, signed=False)

    def ask(
        self,
        method: str,
        path: str,
        *,
        signed: bool = True,
        headers: Mapping[str, str] = {},
        json: object = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        own = {"apikey": self.key} | dict(headers)
        if signed:
            own.setdefault("Authorization", f"Bearer {self.session['access_token']}")
        return self.http.request(method, path, headers=own, json=json, content=content)

    def call(self, function: str, *, signed: bool = True, **arguments: object) -> httpx.Response:
        return self.ask("POST", f"/rest/v1/rpc/{function}", json=arguments, signed=signed)

    def begin(self, folder: str, name: str, size: int) -> httpx.Response:
        """A resumable upload of a copy."""
        values = {"bucketName": BUCKET, "objectName": f"{folder}/{name}"}
        values |= {"contentType": "application/octet-stream", "cacheControl": "3600"}
        told = ",".join(
            f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items()
        )
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(size), "x-upsert": "false"}
        return self.ask("POST", UPLOADS, headers=headers | {"Upload-Metadata": told})

    @property
    def user(self) -> str:
        return str(self.session["user"]["id"])


def code_of(answer: httpx.Response) -> str:
    """The name of a refusal, wherever this service puts it."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    # The sign-in tells `code` as a number in its older form.
    names = (body.get("error_code"), body.get("code"), body.get("error"))
    return next((name for name in names if isinstance(name, str)), "")


Ask = Callable[[RealProject], httpx.Response]


@dataclass(frozen=True)
class Row:
    """`statuses`: of the services recorded and of newer ones; `code` empty: it is not looked at."""

    what: str
    ask: Ask
    statuses: tuple[int, ...]
    codes: tuple[str, ...] = ()


def _garbage(project: RealProject) -> httpx.Response:
    headers = {"Authorization": "Bearer not.a.token"}
    return project.ask("POST", "/rest/v1/rpc/exai_status", headers=headers, json={})


def _wrong_password(project: RealProject) -> httpx.Response:
    return project.token("password", email=project.email, password="obviously-not-the-password")


def _unknown_user(project: RealProject) -> httpx.Response:
    return project.token("password", email=f"{uuid4().hex}@example.com", password="not-a-password")


def _foreign_folder(project: RealProject) -> httpx.Response:
    return project.begin(str(uuid4()), "a" * 64, 10)


def _other_letters(project: RealProject) -> httpx.Response:
    return project.begin(project.user, "שלום.txt", 10)


def _nothing_there(project: RealProject) -> httpx.Response:
    return project.ask("GET", f"/storage/v1/object/authenticated/{BUCKET}/{project.user}/none")


TABLE: Final = (
    Row("a wrong password", _wrong_password, (400,), ("invalid_credentials",)),
    Row("a user who does not exist", _unknown_user, (400,), ("invalid_credentials",)),
    Row(
        "what sign-in is set to",
        lambda project: project.ask("GET", "/auth/v1/settings", signed=False),
        (200,),
    ),
    Row(
        "a function, by nobody",
        lambda project: project.call("exai_status", signed=False),
        (401,),
        ("42501",),
    ),
    # 42501 where a token that is none counts as nobody.
    Row("a token that is none", _garbage, (401,), ("PGRST301", "42501")),
    Row(
        "a function that does not exist",
        lambda project: project.call("exai_no_such_function"),
        (404,),
        ("PGRST202",),
    ),
    Row("a table", lambda project: project.ask("GET", "/rest/v1/files"), (404,)),
    Row(
        "a schema that is not shown",
        lambda project: project.ask("GET", "/rest/v1/files", headers={"Accept-Profile": "exai"}),
        (406,),
        ("PGRST106",),
    ),
    Row(
        "a value that a rule forbids",
        lambda project: project.call("exai_claim", p_key="not-a-hash", p_device=str(uuid4())),
        (400,),
        ("23514",),
    ),
    Row(
        "an id that is none",
        lambda project: project.call("exai_apply", p_device="no id", p_ops=[]),
        (400,),
        ("22P02",),
    ),
    Row("the status", lambda project: project.call("exai_status"), (200,)),
    Row("a copy into the folder of another user", _foreign_folder, (403,)),
    Row("a copy with other letters in its name", _other_letters, (400,), ("InvalidKey",)),
    Row("a copy that is not there", _nothing_there, (400, 404)),
)


def check(project: RealProject, row: Row) -> None:
    answer = row.ask(project)
    assert answer.status_code in row.statuses, (answer.status_code, code_of(answer))
    assert not row.codes or code_of(answer) in row.codes, (answer.status_code, code_of(answer))


def refresh_turns(project: RealProject) -> None:
    """The token before the newest is forgiven: the answer may have been lost."""
    first = project.session["refresh_token"]
    second = project.token("refresh_token", refresh_token=first)
    assert second.status_code == 200, code_of(second)
    assert second.json()["refresh_token"] != first
    again = project.token("refresh_token", refresh_token=first)
    assert again.status_code == 200, code_of(again)
    assert again.json()["refresh_token"] == second.json()["refresh_token"]
    project.session |= second.json()


def a_copy_comes_in_pieces(project: RealProject) -> None:
    """Begun, asked for, refused at a wrong place, ended, read and deleted."""
    name, size = uuid4().hex * 2, PIECE + 5
    begun = project.begin(project.user, name, size)
    assert (begun.status_code, bool(begun.headers.get("location"))) == (201, True)
    # Only its end: host and scheme may be wrong behind a proxy.
    path = f"{UPLOADS}/{begun.headers['location'].rpartition('/')[2]}"
    head = {"Tus-Resumable": "1.0.0"}
    patch = head | {"Content-Type": "application/offset+octet-stream"}
    wrong = project.ask("PATCH", path, headers=patch | {"Upload-Offset": "5"}, content=bytes(PIECE))
    assert wrong.status_code == 409
    one = project.ask("PATCH", path, headers=patch | {"Upload-Offset": "0"}, content=bytes(PIECE))
    assert (one.status_code, one.headers["upload-offset"]) == (204, str(PIECE))
    told = project.ask("HEAD", path, headers=head)
    assert (told.status_code, told.headers["upload-offset"]) == (200, str(PIECE))
    place = f"{BUCKET}/{project.user}/{name}"
    try:
        at = {"Upload-Offset": str(PIECE)}
        two = project.ask("PATCH", path, headers=patch | at, content=b"12345")
        assert two.status_code == 204
        second = project.begin(project.user, name, size)
        assert second.status_code in (400, 409), "the name was given twice"
        found = project.ask("GET", f"/storage/v1/object/authenticated/{place}")
        assert (found.status_code, found.content[-5:], len(found.content)) == (200, b"12345", size)
    finally:
        gone = project.ask("DELETE", f"/storage/v1/object/{place}")
    assert gone.status_code == 200


def the_end_of_a_session(project: RealProject) -> None:
    """Last: nothing is asked with it afterwards."""
    ended = project.ask("POST", "/auth/v1/logout?scope=local")
    assert ended.status_code in (200, 204)
    refused = project.token("refresh_token", refresh_token=project.session["refresh_token"])
    assert (refused.status_code, code_of(refused)) == (400, "refresh_token_not_found")
