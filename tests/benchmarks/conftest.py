"""What the tests of the benchmarks share."""

from collections.abc import Iterator

import pytest

from benchmarks.server import Server, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests here; in `make bench` each chapter has its own."""
    with serving(tmp_path_factory.mktemp("servers")) as server:
        yield server
