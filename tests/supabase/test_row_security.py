"""Every table and function by everybody: 0 leaks."""

from __future__ import annotations

from .project import Project, a_file, new_id, operation, refusal, statuses
from .row_security import cast, function_leaks, functions, grant_leaks, relations, row_leaks


def test_every_table_by_everybody(project: Project) -> None:
    assert row_leaks(project) == []
    # As many as the schema has; a new table is looked at without being named here.
    assert len(relations(project)) == 16


def test_the_grants_by_themselves(project: Project) -> None:
    assert grant_leaks(project) == []


def test_every_function_by_a_stranger(project: Project) -> None:
    assert function_leaks(project) == []
    assert len(functions(project)) == 29


def test_an_id_of_another_user_is_free(project: Project) -> None:
    """It is not learned that the id exists, and nobody can block the ids of another."""
    people = cast(project)
    same = operation("device", people.device, {"name": "the same id"})
    mine = operation("file", people.file, a_file(people.device, 1))
    assert statuses(people.stranger.apply(people.device, [same, mine])) == ["applied"] * 2
    theirs = operation("file", new_id(), a_file(people.device, 2, account_id=people.account))
    answer = people.stranger.apply_one(people.device, theirs)
    assert (answer["status"], answer["code"]) == ("refused", "23503")


def test_an_owner_cannot_be_given_away(project: Project) -> None:
    people = cast(project)
    update = f"update exai.files set owner = '{people.stranger.user}'"
    assert refusal(people.owner, update) == "42501"
    assert refusal(people.owner, "update exai.files set id = gen_random_uuid()") == "42501"


def test_the_data_api_shows_no_table(project: Project) -> None:
    """It shows the schema `public`: only functions of ours, and none with rights of its own."""
    assert (
        project.rows("select relname from pg_class where relnamespace = 'public'::regnamespace")
        == []
    )
    assert (
        project.rows(
            "select proname from pg_proc where pronamespace = 'public'::regnamespace and prosecdef"
        )
        == []
    )
    # A function with rights of its own finds only what it names in full.
    assert (
        project.rows(
            "select proname from pg_proc where pronamespace = 'exai'::regnamespace"
            ' and proconfig is distinct from \'{"search_path=\\"\\""}\''
        )
        == []
    )
