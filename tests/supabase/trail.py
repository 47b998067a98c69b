"""The audit trail on the server: who can change it, and what it outlives."""

from __future__ import annotations

import psycopg

from .project import Project, audit_row, new_id


def trail_leaks(project: Project) -> list[str]:
    """What got through to the trail that must not, and what it did not keep."""
    client = project.client()
    device = client.device()
    lie = {"owner": new_id(), "actor": new_id(), "at": "1999-01-01T00:00:00Z"}
    answer = client.apply_one(device, audit_row(1, **lie))
    wrong = [] if answer == {"id": answer["id"], "status": "applied", "new": 1} else [f"{answer}"]
    true = project.rows(
        "select owner::text, actor::text, at > now() - interval '1 hour'"
        " from exai.file_audit_trail where owner = %s",
        client.user,
    )
    if true != [(client.user, client.user, True)]:
        wrong.append(f"not set by the server: {true}")
    # Not even the superuser, unless he first takes the triggers away.
    for sql in (
        "update exai.file_audit_trail set outcome = 'x'",
        "delete from exai.file_audit_trail",
        "truncate exai.file_audit_trail",
    ):
        try:
            with project.admin.transaction(force_rollback=True):
                project.admin.execute(sql)
        except psycopg.errors.InsufficientPrivilege:
            continue
        wrong.append(f"went through: {sql}")
    try:
        project.admin.execute("delete from auth.users where id = %s", (client.user,))
    except psycopg.Error as error:
        wrong.append(f"the account cannot be deleted: {error.sqlstate}")
    if project.value("select count(*) from exai.devices where owner = %s", client.user):
        wrong.append("the records outlive the account")
    kept = "select count(*) from exai.file_audit_trail where owner = %s"
    if project.value(kept, client.user) != 1:
        wrong.append("the trail went with the account")
    return wrong
