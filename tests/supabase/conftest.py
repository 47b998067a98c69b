"""Fixtures: one server for the session, databases cloned from one that has the schema."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest

from tests.postgres_server import postgres_server

from .data_api import DataApi, data_api
from .project import Project, new_id

_numbers = itertools.count(1)
NewProject = Callable[[str], Project]


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with postgres_server() as address:
        make_database(address, "plain", "template1")
        with Project(address, "plain") as plain:
            plain.prepare()
        make_database(address, "migrated", "plain")
        with Project(address, "migrated") as migrated:
            migrated.migrate()
        yield address


@pytest.fixture(scope="module")
def served(server: str) -> Iterator[tuple[Project, DataApi]]:
    """A project behind its Data API."""
    # Also a test that is repeated, or that another worker has begun, gets one of its own.
    name = f"served_{new_id().replace('-', '')}"
    make_database(server, name, "template1")
    with Project(server, name) as project:
        project.prepare_roles()
        with data_api(project) as found:
            yield project, found


def make_database(server: str, name: str, template: str) -> None:
    """A database like the template."""
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        connection.execute(
            f"create database {name} template {template} strategy file_copy".encode()
        )
        # A database does not inherit this from its template. `create`: for schemas of its own.
        connection.execute(
            f"""do $$ begin if to_regrole('project_owner') is not null then
                grant create, connect, temporary on database {name} to project_owner;
            end if; end $$""".encode()
        )


@pytest.fixture
def new_project(server: str) -> Iterator[NewProject]:
    """A database from the template `plain` or `migrated`."""
    with ExitStack() as stack:

        def new(template: str) -> Project:
            name = f"project_{next(_numbers)}"
            make_database(server, name, template)
            return stack.enter_context(Project(server, name))

        yield new


@pytest.fixture(scope="module")
def project(server: str) -> Iterator[Project]:
    """With the schema; the tests of a module share it, each with users of its own."""
    name = f"project_{next(_numbers)}"
    make_database(server, name, "migrated")
    with Project(server, name) as shared:
        yield shared
