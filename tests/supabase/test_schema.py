"""The migrations: from nothing, again, as no superuser, and what a later version means for them."""

from __future__ import annotations

import psycopg
import pytest

from .conftest import NewProject
from .project import MIGRATIONS, Project, a_file, new_id, operation

# Everything in the schema as text: tables, columns, policies, grants, functions, triggers.
_PICTURE = """
select string_agg(line, E'\\n' order by line) from (
  select concat_ws(' ', 'column', table_name, column_name, data_type, column_default, is_nullable)
    from information_schema.columns where table_schema = 'exai'
  union all select concat_ws(' ', 'constraint', conrelid::regclass, pg_get_constraintdef(oid))
    from pg_constraint where connamespace = 'exai'::regnamespace
  union all select concat_ws(' ', 'index', indexdef) from pg_indexes where schemaname = 'exai'
  union all select concat_ws(' ', 'policy', tablename, policyname, cmd, roles, qual, with_check)
    from pg_policies where schemaname = 'exai'
  union all select concat_ws(' ', 'relation', relname, relkind, relrowsecurity, reloptions, relacl)
    from pg_class where relnamespace = 'exai'::regnamespace
  union all select concat_ws(' ', 'function', oid::regprocedure, md5(prosrc), prosecdef, proacl)
    from pg_proc where pronamespace = 'exai'::regnamespace or proname like 'exai%'
  union all select concat_ws(' ', 'trigger', pg_get_triggerdef(oid))
    from pg_trigger where not tgisinternal and tgrelid::regclass::text like 'exai.%'
  union all select concat_ws(' ', 'schema', nspname, nspacl)
    from pg_namespace where nspname = 'exai'
) found (line)
"""


def test_the_owner_of_a_project_is_no_superuser(project: Project) -> None:
    rights = project.rows(
        "select rolsuper, rolbypassrls, rolreplication from pg_roles where rolname = %s",
        "project_owner",
    )
    assert rights == [(False, False, False)]
    owners = project.rows(
        "select distinct relowner::regrole::text from pg_class"
        " where relnamespace = 'exai'::regnamespace"
    )
    assert owners == [("project_owner",)]


def test_a_second_time_changes_nothing(new_project: NewProject) -> None:
    project = new_project("plain")
    project.migrate()
    first = project.value(_PICTURE)
    client = project.client()
    device = client.device()
    client.apply(device, [operation("file", new_id(), a_file(device, 1))])
    before = client.pull()
    project.migrate()
    assert project.value(_PICTURE) == first
    assert client.pull() == before


def test_nothing_outside_is_touched(new_project: NewProject) -> None:
    project = new_project("plain")
    mine = "create table public.files (id int); create function public.apply() returns int"
    project.change(f"{mine} language sql as 'select 1'")
    public = (
        "select array_agg(relname::text order by relname) from pg_class"
        " where relnamespace = 'public'::regnamespace",
        "select array_agg(proname::text || proacl::text order by proname) from pg_proc"
        " where pronamespace = 'public'::regnamespace and proname not like 'exai\\_%%'",
    )
    before = [project.value(sql) for sql in public]
    project.migrate()
    assert [project.value(sql) for sql in public] == before


# The step that shows the functions to the Data API.
_OPENING = next(n for n, file in enumerate(MIGRATIONS) if file.stem.endswith("_exai_api"))


@pytest.mark.parametrize("count", range(1, _OPENING + 1))
def test_half_a_migration_opens_nothing(new_project: NewProject, count: int) -> None:
    """A push that broke off in between: nobody reaches the tables, and the rest may follow."""
    project = new_project("plain")
    project.migrate(*MIGRATIONS[:count])
    for client in (project.client(), project.nobody()):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            client.value("select count(*) from exai.files")
        with pytest.raises(psycopg.errors.UndefinedFunction):
            client.value("select public.exai_status()")
    project.migrate()
    assert project.client().value("select public.exai_status() -> 'schema'") == 1


def test_a_step_that_fails_leaves_nothing(new_project: NewProject) -> None:
    project = new_project("plain")
    project.change("create schema exai; create table exai.devices (id int)")
    with pytest.raises(psycopg.Error):
        project.migrate(MIGRATIONS[0])
    assert project.value("select to_regclass('exai.owners')") is None


def test_the_program_is_told_the_version(new_project: NewProject) -> None:
    project = new_project("migrated")
    client = project.client()
    client.device()
    status = client.value("select public.exai_status()")
    assert status["schema"] == 1
    assert status["user"] == client.user
    assert {pool: q["quota_bytes"] for pool, q in status["quota"].items()} == {
        "storage": 10 * 2**30,
        "uploads": 10 * 2**30,
    }


def test_an_older_program_works_with_a_newer_schema(new_project: NewProject) -> None:
    """The next version, as it may be: a column more, and its number."""
    project = new_project("migrated")
    client = project.client()
    older, newer, key = client.device(), client.device(), new_id()
    project.change(
        "alter table exai.files add column tags text;"
        "insert into exai.schema_version (version) values (2)"
    )
    assert client.value("select public.exai_status() -> 'schema'") == 2
    client.apply(newer, [operation("file", key, a_file(newer, 1, tags="red"))])
    changed = operation("file", key, {"state": "failed"}, base_rev=1)
    assert client.apply_one(older, changed)["status"] == "applied"
    rows = [change["data"] for change in client.pull()["changes"] if change["kind"] == "file"]
    assert [(row["state"], row["tags"]) for row in rows] == [("failed", "red")]


def test_a_newer_program_works_with_an_older_schema(project: Project) -> None:
    """What the server does not know is left out, also when nothing else has changed."""
    client = project.client()
    device, key = client.device(), new_id()
    row = a_file(device, 1, colour="red")
    assert client.apply_one(device, operation("file", key, row))["status"] == "applied"
    for data in ({"colour": "blue"}, {}):
        base = client.pull()["changes"][-1]["data"]["rev"]
        answer = client.apply_one(device, operation("file", key, data, base_rev=base))
        assert answer["status"] == "applied", answer
    assert client.pull()["changes"][-1]["data"]["name"] == "f1.pdf"


def test_an_older_version_is_not_laid_over_a_newer_one(new_project: NewProject) -> None:
    project = new_project("migrated")
    project.change("insert into exai.schema_version (version) values (2)")
    for file in MIGRATIONS:
        with pytest.raises(psycopg.errors.RaiseException, match="newer schema"):
            project.migrate(file)


def test_names_are_what_the_command_line_of_supabase_takes() -> None:
    for file in MIGRATIONS:
        stamp, _, name = file.stem.partition("_")
        assert len(stamp) == 14
        assert stamp.isdecimal()
        assert name.startswith("exai_")
