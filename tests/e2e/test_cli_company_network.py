"""A company's network: a proxy with a password, an authority of its own, files that are missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.proxies import Authority, Opening, answering, listening

from .program import Ended, Program
from .server import KIMI, Server

HOST = "kimi.invalid"
LOGIN = "me:s3cret-word"
CLEAN = {"REQUESTS_CA_BUNDLE": "", "NO_PROXY": "", "no_proxy": ""}


def _far(program: Program, sandbox: Server) -> None:
    """An account at an address that only the proxy knows."""
    url = f"https://{HOST}{urlsplit(sandbox.url(KIMI)).path}"
    program.add_account(sandbox, url=url)


@pytest.fixture
def opening(sandbox: Server, tmp_path: Path) -> Iterator[tuple[Authority, dict[str, str]]]:
    """A proxy that opens secure connections, before the sandbox; and how one gets to it."""
    authority = Authority(tmp_path / "authority")
    with listening(Opening(authority, sandbox.url(KIMI), LOGIN)) as place:
        yield authority, CLEAN | {"EXAI_DESKTOP_PROXY": f"http://{LOGIN}@{place}"}


def _waits(ended: Ended) -> dict[str, Any]:
    """The error of the only file, which was not sent."""
    row = ended.expect(1).row
    assert (row["state"], row["file_id"]) == ("waiting", None)
    error: dict[str, Any] = row["error"]
    return error


def _told_everywhere(program: Program, file: Path, network: dict[str, str], code: str) -> None:
    """By upload, by the test of the account and by `doctor`, with a hint, and without a key."""
    error = _waits(program.upload(file, environment=network))
    tested = program.run("account", "test", "main", environment=network).expect(1)
    report = program.run("account", "test", "main", "--json", environment=network).expect(1).row
    doctor = program.run("doctor", environment=network).expect(1)
    assert error["code"] == report["error"]["code"] == code
    assert error["hint"] == report["error"]["hint"]
    for said in (tested, doctor):
        assert code in said.out
        assert error["hint"] in said.out
        assert error["detail"] in said.out
        assert "s3cret" not in said.out + said.err
    status = program.run("account", "list", "--json").expect(0).row
    assert (status["breaker"]["phase"], status["breaker"]["failures"]) == ("closed", 0)


@pytest.mark.parametrize(
    ("status", "code"),
    [("407 Proxy Authentication Required", "PROXY_AUTH_REQUIRED"), ("403 No", "PROXY_REFUSED")],
)
def test_what_the_proxy_wants_is_named(
    program: Program, sandbox: Server, tmp_path: Path, status: str, code: str
) -> None:
    _far(program, sandbox)
    (tmp_path / "a.txt").write_text("text")
    with listening(answering(status)) as place:
        network = CLEAN | {"EXAI_DESKTOP_PROXY": f"http://{place}"}
        _told_everywhere(program, tmp_path / "a.txt", network, code)


def test_an_authority_of_ones_own_is_named_and_can_be_added(
    program: Program, sandbox: Server, tmp_path: Path, opening: tuple[Authority, dict[str, str]]
) -> None:
    authority, network = opening
    _far(program, sandbox)
    file = tmp_path / "a.txt"
    file.write_text("text")
    _told_everywhere(program, file, network, "CERTIFICATE_UNKNOWN")
    assert sandbox.stored() == []
    # What waited is sent with the others, once the authority is trusted.
    program.run("setting", "set", "extra_ca", authority.file, environment=network).expect(0)
    program.upload(file, environment=network).expect(0)
    assert len(sandbox.stored()) == 1
    assert program.run("account", "test", "main", "--json", environment=network).expect(0).row["ok"]


def test_the_variable_of_other_programs_names_the_authority(
    program: Program, sandbox: Server, tmp_path: Path, opening: tuple[Authority, dict[str, str]]
) -> None:
    authority, network = opening
    _far(program, sandbox)
    (tmp_path / "a.txt").write_text("text")
    network |= {"REQUESTS_CA_BUNDLE": str(authority.file)}
    program.upload(tmp_path / "a.txt", environment=network).expect(0)
    assert len(sandbox.stored()) == 1


@pytest.mark.parametrize(
    "variable", ["EXAI_DESKTOP_EXTRA_CA", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"]
)
def test_certificates_that_are_missing_stop_everything(
    program: Program, sandbox: Server, tmp_path: Path, variable: str
) -> None:
    _far(program, sandbox)
    (tmp_path / "a.txt").write_text("text")
    network = CLEAN | {variable: str(tmp_path / "gone.pem")}
    asked: list[object] = []
    with listening(asked.append) as place:
        network["EXAI_DESKTOP_PROXY"] = f"http://{place}"
        _told_everywhere(program, tmp_path / "a.txt", network, "CERTIFICATES_UNREADABLE")
    assert asked == [], "nothing may be sent"
    assert program.jobs()[0]["state"] == "waiting"
