"""Where claims are held: on this machine, in a Redis, in a project; and machines that share one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exai_desktop.storage.fleet.redis_state import open_blocking_redis
from tests.redis_server import redis_server
from tests.supabase.conftest import served, server
from tests.supabase.data_api import DataApi
from tests.supabase.front import front
from tests.supabase.project import Project

from .places import InProject, InRedis, LeasePlace, OnMachine, Place, Sharing

__all__ = ["served", "server"]


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture
def in_redis(redis_url: str) -> Iterator[InRedis]:
    with open_blocking_redis(redis_url) as redis:
        redis.flushall()
        yield InRedis(redis)


@pytest.fixture
def in_project(served: tuple[Project, DataApi], tmp_path: Path) -> Iterator[InProject]:
    project, api = served
    with (
        front(str(api.http.base_url).rstrip("/")) as there,
        InProject(there, api, tmp_path) as found,
    ):
        found.database = project
        yield found


def _shared(request: pytest.FixtureRequest, kind: str) -> LeasePlace:
    place: LeasePlace = request.getfixturevalue("in_redis" if "redis" in kind else "in_project")
    folder = request.getfixturevalue("tmp_path")
    return Sharing(place, folder) if "machines" in kind else place


@pytest.fixture(params=["this machine", "redis", "project", "machines, redis", "machines, project"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each of them."""
    if request.param == "this machine":
        return OnMachine(tmp_path)
    return _shared(request, request.param)


@pytest.fixture(params=["redis", "project", "machines, redis", "machines, project"])
def leased(request: pytest.FixtureRequest) -> LeasePlace:
    """Where a claim ends by time."""
    return _shared(request, request.param)


@pytest.fixture(params=["redis", "project"])
def shared(request: pytest.FixtureRequest) -> LeasePlace:
    """What machines share."""
    return _shared(request, request.param)
