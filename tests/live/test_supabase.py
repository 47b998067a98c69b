"""A real Supabase project, with the user's own: `make live`. See CONTRIBUTING.md.

It answers as the servers of the tests do. What is copied to Storage is deleted again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from tests.supabase import recorded
from tests.supabase.recorded import TABLE, RealProject, Row

pytestmark = pytest.mark.live

# Read at import: the fixtures of other tests clear the program's variables.
_GIVEN: Final = {
    name: os.environ.get(f"EXAI_DESKTOP_LIVE_SUPABASE_{name}", "")
    for name in ("URL", "KEY", "EMAIL", "PASSWORD")
}


@pytest.fixture(scope="module")
def real() -> Iterator[RealProject]:
    with httpx.Client(base_url=_GIVEN["URL"], timeout=60) as http:
        project = RealProject(http, _GIVEN["KEY"], _GIVEN["EMAIL"], _GIVEN["PASSWORD"])
        project.sign_in()
        yield project


# Without a project there is nothing to ask, and no test that would seem to have passed.
if _GIVEN["URL"]:

    @pytest.mark.parametrize("row", TABLE, ids=lambda row: row.what)
    def test_what_is_answered(real: RealProject, row: Row) -> None:
        recorded.check(real, row)

    def test_a_copy_in_pieces(real: RealProject) -> None:
        recorded.a_copy_comes_in_pieces(real)

    def test_the_refresh_of_a_session(real: RealProject) -> None:
        recorded.refresh_turns(real)

    def test_the_end_of_a_session(real: RealProject) -> None:
        recorded.the_end_of_a_session(real)
