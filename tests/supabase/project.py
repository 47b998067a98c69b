"""A project with the schema, and clients that come as the Data API's do: a role and claims."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Self

import psycopg

Row = dict[str, Any]
Connection = psycopg.Connection[tuple[Any, ...]]

HERE: Final = Path(__file__).parent
MIGRATIONS: Final = tuple(
    sorted((HERE.parents[1] / "resources" / "supabase" / "migrations").glob("*.sql"))
)


def new_id() -> str:
    return str(uuid.uuid4())


class Client:
    """One connection: a signed-in user, or without `user` somebody who is not signed in."""

    def __init__(self, address: str, user: str | None, role: str | None = None) -> None:
        self.user = user or ""
        self._role = role or ("authenticated" if user else "anon")
        claims = {"sub": user, "role": self._role}
        self._claims = json.dumps(claims) if user else ""
        self.connection: Connection = psycopg.connect(address, autocommit=True)

    @contextmanager
    def transaction(self, *, undo: bool = False) -> Iterator[Connection]:
        with self.connection.transaction(force_rollback=undo):
            self.connection.execute(
                "select set_config('request.jwt.claims', %s, true)", (self._claims,)
            )
            self.connection.execute(f"set local role {self._role}".encode())
            yield self.connection

    def value(self, sql: str, *arguments: object) -> Any:
        with self.transaction() as connection:
            return _first(connection, sql, arguments)

    def apply(self, device: str, operations: list[Row]) -> list[Row]:
        answers: list[Row] = self.value(
            "select public.exai_apply(%s, %s)", device, json.dumps(operations)
        )
        return answers

    def apply_one(self, device: str, operation: Row) -> Row:
        return self.apply(device, [operation])[0]

    def pull(
        self, after: int = 0, limit: int = 500, *, skip: str | None = None, seen: str | None = None
    ) -> Row:
        page: Row = self.value("select public.exai_pull(%s, %s, %s, %s)", after, limit, skip, seen)
        return page

    def reserve(self, number: str, size: int, pool: str = "storage") -> Row:
        answer: Row = self.value("select public.exai_reserve(%s, %s, %s)", number, size, pool)
        return answer

    def settle(self, number: str, end: str, size: int | None = None) -> Row:
        answer: Row = self.value("select public.exai_settle(%s, %s, %s)", number, end, size)
        return answer

    def device(self) -> str:
        """A new device of this user."""
        key = new_id()
        answer = self.apply_one(key, operation("device", key, {"name": "test"}))
        assert answer["status"] == "applied", answer
        return key

    def account(self, device: str, mark: str = "0123abcd") -> str:
        key = new_id()
        data = {"provider": "kimi", "base_url": "https://kimi.example/v1", "key_mark": mark}
        answer = self.apply_one(device, operation("account", key, data))
        assert answer["status"] == "applied", answer
        return key


class Project:
    """One database. `close` ends all connections that were made here."""

    def __init__(self, server: str, database: str) -> None:
        self.name = database
        self.sockets = dict(part.split("=") for part in server.split())["host"]
        self.address = f"{server} dbname={database}"
        self._owner_address = self.address.replace("user=postgres", "user=project_owner")
        self._stack = ExitStack()
        # The superuser: what nobody of the API may do, and a look past row security.
        self.admin: Connection = psycopg.connect(self.address, autocommit=True)
        self._stack.callback(self.admin.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def prepare(self) -> None:
        """As a new project is, before any migration."""
        for name in ("project_roles", "plain_auth"):
            self.admin.execute((HERE / f"{name}.sql").read_bytes())
        self.give_auth()

    def prepare_roles(self) -> None:
        """The same without the schema `auth`, which something else brings."""
        self.admin.execute((HERE / "project_roles.sql").read_bytes())

    def give_auth(self) -> None:
        """What a project's owner may do with the schema `auth` of others."""
        self.admin.execute(
            "grant usage on schema auth to project_owner;"
            "grant select, references on auth.users to project_owner"
        )

    def give_storage(self) -> None:
        """Where files lie; not every project has it."""
        self.admin.execute((HERE / "plain_storage.sql").read_bytes())

    def migrate(self, *files: Path) -> None:
        """As the owner of the project, who is no superuser."""
        with psycopg.connect(self._owner_address, autocommit=True) as owner:
            for file in files or MIGRATIONS:
                owner.execute(file.read_bytes())

    def change(self, sql: str) -> None:
        """As the owner of the project."""
        with psycopg.connect(self._owner_address, autocommit=True) as owner:
            owner.execute(sql.encode())

    def value(self, sql: str, *arguments: object) -> Any:
        return _first(self.admin, sql, arguments)

    def rows(self, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
        return self.admin.execute(sql.encode(), arguments or None).fetchall()

    def user(self) -> str:
        user = new_id()
        self.admin.execute("insert into auth.users (id, email) values (%s, %s)", (user, user))
        return user

    def client(self, user: str | None = None, role: str | None = None) -> Client:
        """Somebody new, or another connection of `user`."""
        client = Client(self.address, user or self.user(), role)
        self._stack.callback(client.connection.close)
        return client

    def nobody(self) -> Client:
        """Somebody who is not signed in."""
        client = Client(self.address, None)
        self._stack.callback(client.connection.close)
        return client


def _first(connection: Connection, sql: str, arguments: tuple[object, ...]) -> Any:
    row = connection.execute(sql.encode(), arguments or None).fetchone()
    assert row is not None
    return row[0]


def operation(
    kind: str,
    key: str | None,
    data: object,
    *,
    base_rev: int | None = None,
    number: str | None = None,
) -> Row:
    """As a device sends it; `base_rev` is that of the row it changes."""
    return {
        "id": number or new_id(),
        "kind": kind,
        "key": key,
        "base_rev": base_rev,
        "data": data,
    }


def a_file(device: str, number: int, sha256: str | None = "a" * 64, **more: object) -> Row:
    """The data of a stored job."""
    data = {"device_id": device, "local_no": number, "name": f"f{number}.pdf", "size": 10}
    return data | {"sha256": sha256, "state": "done"} | more


def a_copy(account: str, number: int, sha256: str = "a" * 64, **more: object) -> Row:
    """The data of a file at a provider."""
    data = {"account_id": account, "purpose": "file-extract", "sha256": sha256, "size": 10}
    data |= {"platform_file_id": f"file-{number}", "status": "present", "origin": "sent"}
    return data | more


def audit_row(number: int, **more: object) -> Row:
    return operation("audit", None, {"device_seq": number, "action": "a", "outcome": "ok", **more})


def refusal(client: Client, sql: str, *arguments: object) -> str | None:
    """The code PostgreSQL refuses it with, or None; nothing of it stays."""
    try:
        with client.transaction(undo=True) as connection:
            connection.execute(sql.encode(), arguments or None)
    except psycopg.Error as error:
        return error.sqlstate
    return None


def statuses(answers: list[Mapping[str, Any]] | list[Row]) -> list[str]:
    return [answer["status"] for answer in answers]
