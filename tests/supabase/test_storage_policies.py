"""The bucket for copies: private, a folder for each user, and nothing where there is no Storage."""

from __future__ import annotations

import psycopg
import pytest

from .conftest import NewProject
from .project import MIGRATIONS, Client, Project, refusal

HASH = "0123456789abcdef" * 4
INSERT = "insert into storage.objects (bucket_id, name) values ('exai', %s)"
ITSELF = next(file for file in MIGRATIONS if file.stem.endswith("_exai_storage"))


@pytest.fixture
def project(new_project: NewProject) -> Project:
    found = new_project("plain")
    found.give_storage()
    found.migrate()
    return found


def names(client: Client) -> list[str]:
    with client.transaction() as connection:
        return [row[0] for row in connection.execute("select name from storage.objects")]


def test_each_user_has_a_folder_of_his_own(project: Project) -> None:
    me, stranger = project.client(), project.client()
    mine = f"{me.user}/{HASH}"
    assert refusal(me, INSERT, mine) is None
    assert refusal(stranger, INSERT, mine) == "42501"
    assert refusal(project.nobody(), INSERT, mine) == "42501"
    with me.transaction() as connection:
        connection.execute(INSERT.encode(), (mine,))
    assert (names(me), names(stranger), names(project.nobody())) == ([mine], [], [])
    for client in (stranger, project.nobody()):
        with client.transaction() as connection:
            assert connection.execute("delete from storage.objects").rowcount == 0
    # Nobody replaces it, not even its owner.
    with me.transaction() as connection:
        assert connection.execute("update storage.objects set owner_id = 'x'").rowcount == 0
        assert connection.execute("delete from storage.objects").rowcount == 1


@pytest.mark.parametrize(
    "name",
    [
        f"{{me}}/{HASH}/more",
        f"{{me}}/{HASH.upper()}",
        "{me}/report.pdf",
        f"{{me}}/../{HASH}",
        HASH,
        f"/{{me}}/{HASH}",
    ],
)
def test_no_other_names(project: Project, name: str) -> None:
    me = project.client()
    assert refusal(me, INSERT, name.format(me=me.user)) == "42501"


def test_other_buckets_are_as_they_were(project: Project) -> None:
    project.admin.execute("insert into storage.buckets (id, name, public) values ('a', 'a', true)")
    me = project.client()
    sql = "insert into storage.objects (bucket_id, name) values ('a', %s)"
    assert refusal(me, sql, f"{me.user}/{HASH}") == "42501"
    project.migrate(ITSELF)
    assert project.rows("select id, public from storage.buckets order by id") == [
        ("a", True),
        ("exai", False),
    ]


def test_it_runs_again_and_closes_what_was_opened(project: Project) -> None:
    project.admin.execute("update storage.buckets set public = true where id = 'exai'")
    before = "select policyname, qual, with_check from pg_policies where schemaname = 'storage'"
    known = sorted(map(str, project.rows(before)))
    project.migrate(ITSELF)
    assert sorted(map(str, project.rows(before))) == known
    assert project.value("select public from storage.buckets where id = 'exai'") is False


def test_without_storage_it_does_nothing(new_project: NewProject) -> None:
    project = new_project("migrated")
    assert project.value("select to_regnamespace('storage')") is None
    project.migrate(ITSELF)
    assert project.value("select to_regnamespace('storage')") is None


def test_who_may_not_is_told_and_all_else_works(new_project: NewProject) -> None:
    project = new_project("plain")
    project.give_storage()
    project.admin.execute("revoke all on storage.buckets from project_owner, storage_owner")
    project.admin.execute("revoke storage_owner from project_owner")
    try:
        told: list[str] = []
        address = project.address.replace("user=postgres", "user=project_owner")
        with psycopg.connect(address, autocommit=True) as owner:
            owner.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
            for file in MIGRATIONS:
                owner.execute(file.read_bytes())
        assert any("the bucket for copies could not be made" in each for each in told)
        assert project.client().value("select public.exai_status() -> 'schema'") == 1
    finally:
        project.admin.execute("grant storage_owner to project_owner")
