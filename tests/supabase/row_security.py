"""What each role may do with each table and function, found out by doing it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from .project import Client, Project, Row, a_copy, a_file, audit_row, new_id, operation

# What a signed-in user may write of his own: i(nsert), u(pdate). Reading his own he may everywhere.
WRITES: Final = {
    "devices": "iu",
    "provider_accounts": "iu",
    "files": "iu",
    "platform_file_registry": "iu",
    "file_health_checks": "i",
    "file_recovery_attempts": "i",
    "operations": "i",
}
VERBS: Final = ("select", "insert", "update", "delete")
# Besides these nobody of the API has any.
GRANTS: Final = (*VERBS, "truncate", "references", "trigger")
API_ROLES: Final = ("anon", "authenticated", "service_role")
# Not to be called by anybody of the API.
INNER: Final = frozenset(
    {"next_change", "stamp", "count_references", "count_uploads", "append_only", "prune_audit"}
)
REFUSED: Final = "42501"
# A view of two tables takes no writes at all.
NO_WRITES: Final = frozenset({REFUSED, "55000", "0A000"})


@dataclass(frozen=True)
class Cast:
    """Two users with a row in every table, and what belongs to the first."""

    owner: Client
    stranger: Client
    device: str
    account: str
    file: str
    copy: str
    reservation: str
    claim: str
    fence: int


def cast(project: Project) -> Cast:
    owner, stranger = project.client(), project.client()
    stranger.device()
    device = owner.device()
    account, file, copy = owner.account(device), new_id(), new_id()
    check = {"registry_id": copy, "device_id": device, "status": "healthy", "checked_at": "now"}
    attempt = {"file_id": file, "device_id": device, "operation": "upload", "status": "success"}
    answers = owner.apply(
        device,
        [
            operation("copy", copy, a_copy(account, 1)),
            operation("file", file, a_file(device, 1, account_id=account, copy_id=copy)),
            operation("check", new_id(), check),
            operation("attempt", new_id(), attempt | {"attempt_number": 1}),
            audit_row(1),
        ],
    )
    assert {answer["status"] for answer in answers} == {"applied"}, answers
    reservation, claim = new_id(), "c" * 64
    assert owner.reserve(reservation, 5)["granted"]
    fence = owner.value("select public.exai_claim(%s, %s, 300)", claim, device)["fence"]
    return Cast(owner, stranger, device, account, file, copy, reservation, claim, fence)


def relations(project: Project) -> list[tuple[str, str]]:
    """Name and kind (`r`: table, `v`: view) of all there are."""
    found = project.rows(
        "select relname, relkind::text from pg_class"
        " where relnamespace = 'exai'::regnamespace and relkind in ('r', 'v', 'm', 'p', 'f')"
        " order by 2, 1"
    )
    return [(name, kind) for name, kind in found]


def row_leaks(project: Project) -> list[str]:
    """Every table by every role: what went through that must not, and what did not that must."""
    people = cast(project)
    clients = {
        "anon": project.nobody(),
        "owner": people.owner,
        "stranger": people.stranger,
        "service_role": project.client(people.owner.user, "service_role"),
    }
    wrong = []
    for relation, kind in relations(project):
        for who, client in clients.items():
            for verb in VERBS:
                got = _attempt(project, client, relation, verb, people.owner.user)
                if not _is_right(relation, kind, who, verb, got):
                    wrong.append(f"{who} {verb} {relation}: {got}")
    return wrong


def _is_right(relation: str, kind: str, who: str, verb: str, got: int | str) -> bool:
    open_to_all = relation == "schema_version" and verb == "select"
    if who == "owner" or (who == "stranger" and open_to_all):
        if verb == "select" or verb[0] in WRITES.get(relation, ""):
            return isinstance(got, int) and got >= 1
        return got in (NO_WRITES if kind == "v" else {REFUSED})
    # Row security hides rows from a stranger; whoever has no right at all is refused.
    hidden = who == "stranger" and got == 0
    return hidden or got in (NO_WRITES if kind == "v" else {REFUSED})


def _attempt(project: Project, client: Client, relation: str, verb: str, owner: str) -> int | str:
    """The number of rows it would have touched, or the code it is refused with."""
    column = "version" if relation == "schema_version" else "owner"
    where = "true" if relation == "schema_version" else f"owner = '{owner}'"
    arguments: tuple[str, ...] | None = None
    if verb == "insert":
        sql, arguments = _insert(project, relation, where)
    else:
        sql = {
            "select": f"select 1 from exai.{relation} where {where}",
            "update": f"update exai.{relation} set {column} = {column} where {where}",
            "delete": f"delete from exai.{relation} where {where}",
        }[verb]
    try:
        with client.transaction(undo=True) as connection:
            return connection.execute(sql.encode(), arguments).rowcount
    except psycopg.Error as error:
        return str(error.sqlstate)


def _insert(project: Project, relation: str, where: str) -> tuple[str, tuple[str, ...]]:
    """A row like the one that is there, of the same owner, that hits no unique index."""
    row = project.value(f"select to_jsonb(t) from exai.{relation} t where {where} limit 1")
    fresh = {
        "id": new_id(),
        "local_no": 77,
        "platform_file_id": "file-77",
        "key_mark": "77777777",
        "device_seq": 77,
        "sha256": "b" * 64,
    }
    row |= {name: value for name, value in fresh.items() if name in row}
    # What PostgreSQL makes itself must not be named.
    made = {"no", "duplicate_count"}
    names = ", ".join(name for name in row if name not in made)
    record = f"jsonb_populate_record(null::exai.{relation}, %s)"
    return (
        f"insert into exai.{relation} ({names}) select {names} from {record}",
        (json.dumps(row),),
    )


def grant_leaks(project: Project) -> list[str]:
    """The grants alone: one too many would not show as long as row security holds."""
    wrong = []
    for relation, _ in relations(project):
        for role in API_ROLES:
            for verb in GRANTS:
                wanted = role == "authenticated" and (
                    verb == "select"
                    or (verb in ("insert", "update") and verb[0] in WRITES.get(relation, ""))
                )
                has = project.value(
                    "select has_table_privilege(%s, %s, %s)", role, f"exai.{relation}", verb
                )
                if has != wanted:
                    wrong.append(f"{role} {verb} {relation}: {has}")
    for role in API_ROLES:
        if project.value("select has_sequence_privilege(%s, 'exai.fence', 'usage, update')", role):
            wrong.append(f"{role} fence")
    for name, inner, signature in functions(project):
        for role in API_ROLES:
            wanted = role == "authenticated" and not (inner and name in INNER)
            has = project.value("select has_function_privilege(%s, %s, 'execute')", role, signature)
            if has != wanted:
                wrong.append(f"{role} {signature}: {has}")
    unprotected = project.rows(
        "select relname from pg_class where relnamespace = 'exai'::regnamespace"
        " and relkind in ('r', 'p') and not relrowsecurity"
    )
    return wrong + [f"no row security: {name}" for (name,) in unprotected]


def functions(project: Project) -> list[tuple[str, bool, str]]:
    """Name, whether it lies in the hidden schema, and signature."""
    found = project.rows(
        "select proname, pronamespace = 'exai'::regnamespace, oid::regprocedure::text from pg_proc"
        " where pronamespace = 'exai'::regnamespace or proname like 'exai\\_%'"
    )
    return [(name, inner, signature) for name, inner, signature in found]


def _calls(people: Cast) -> dict[str, list[tuple[Any, ...]]]:
    """Each function that a signed-in user may call, with everything that belongs to another."""
    device, account, claim = people.device, people.account, people.claim
    stolen: list[Row] = [
        operation("file", people.file, {"name": "stolen"}, base_rev=1),
        operation("copy", people.copy, {"status": "missing"}, base_rev=1),
        operation("account", account, {"label": "stolen"}, base_rev=1),
        operation("device", device, {"name": "stolen"}, base_rev=1),
        operation("file", people.file, a_file(device, 1, account_id=account)),
        operation("copy", people.copy, a_copy(account, 1)),
        operation("check", new_id(), {"registry_id": people.copy, "device_id": device}),
        operation("attempt", new_id(), {"file_id": people.file, "device_id": device}),
    ]
    owner = people.owner.user
    for each in stolen:
        each["data"] |= {"owner": owner}
    ops = json.dumps(stolen)
    audit = json.dumps({"device_seq": 2, "action": "a", "outcome": "ok", "owner": owner})
    found = ("https://kimi.example/v1", "0123abcd", "file-extract", "a" * 64, 10)
    reservation = people.reservation
    return {
        "status": [()],
        "enter": [()],
        "apply": [(device, ops)],
        "apply_one": [(owner, device, json.dumps(each)) for each in stolen],
        "add_row": [("files", json.dumps({**a_file(device, 9), "owner": owner, "id": new_id()}))],
        "change_row": [("files", owner, device, people.file, 1, '{"name": "stolen"}')],
        "note_audit": [(device, audit)],
        "pull": [(0, 500, None, None)],
        "find": [found],
        "reserve": [(reservation, "storage", 1, 60)],
        "settle": [(reservation, end, None) for end in ("committed", "released", "returned")],
        "claim": [(claim, new_id(), 30)],
        "claim_step": [
            (claim, people.fence, step, '{"remote_id": "stolen"}', 30)
            for step in ("renew", "note", "release")
        ],
        "tidy": [(30,)],
        "exai_status": [()],
        "exai_apply": [(device, ops)],
        "exai_pull": [(0, 500, None, None)],
        "exai_find": [found],
        "exai_reserve": [(reservation, 1, "storage", 60)],
        "exai_settle": [(reservation, end, None) for end in ("committed", "released", "returned")],
        "exai_claim": [(claim, new_id(), 30)],
        "exai_claim_step": [
            (claim, people.fence, step, '{"remote_id": "stolen"}', 30)
            for step in ("renew", "note", "release")
        ],
        "exai_tidy": [(30,)],
    }


def function_leaks(project: Project) -> list[str]:
    """Every function by strangers: what they learned of the owner's, or changed of it."""
    people = cast(project)
    nobody, calls = project.nobody(), _calls(people)
    before = _everything_of(project, people.owner.user)
    wrong = []
    for name, inner, signature in functions(project):
        if inner and name in INNER:
            continue
        for arguments in calls[name]:
            holes = ", ".join(["%s"] * len(arguments))
            schema = "exai" if inner else "public"
            sql = f"select {schema}.{name}({holes})::text"
            got = _said(nobody, sql, arguments)
            if got != REFUSED:
                wrong.append(f"anon {signature}: {got}")
            said = _said(people.stranger, sql, arguments)
            # His own id may be said to him, and what he has asked with.
            if people.owner.user in said or "f1.pdf" in said:
                wrong.append(f"stranger {signature}: {said}")
    if _everything_of(project, people.owner.user) != before:
        wrong.append("a stranger has changed something")
    return wrong


def _said(client: Client, sql: str, arguments: tuple[Any, ...]) -> str:
    try:
        return str(client.value(sql, *arguments))
    except psycopg.Error as error:
        return str(error.sqlstate)


def _everything_of(project: Project, user: str) -> list[object]:
    return [
        project.value(
            f"select coalesce(jsonb_agg(t order by t::text), '[]') from exai.{name} t"
            " where owner = %s",
            user,
        )
        for name, _ in relations(project)
        if name != "schema_version"
    ]
