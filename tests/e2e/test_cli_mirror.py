"""`login`, `sync` and `logout` of the real program, at a real database behind a Data API."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.postgres_server import postgres_server
from tests.supabase.conftest import make_database
from tests.supabase.data_api import PASSWORD, PUBLISHABLE, DataApi, data_api
from tests.supabase.front import Front, front
from tests.supabase.mailing_auth import MailingAuth, browser, by_password
from tests.supabase.project import Project

from .processes import eventually
from .program import Program
from .server import Server

EMAIL = "me@example.com"
PASSPHRASE = "a passphrase for tests"
VAULT = {
    "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    "EXAI_DESKTOP_PASSPHRASE": PASSPHRASE,
}
SECRET_KEY = "sb_secret_" + "not-real-" * 4


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Project, DataApi]]:
    with postgres_server() as address:
        with Project(address, "postgres") as roles:
            roles.prepare_roles()
        make_database(address, "mirrored", "template1")
        with Project(address, "mirrored") as project:
            project.prepare_roles()
            with data_api(project) as api:
                assert api.sign_up(EMAIL).status_code == 200
                yield project, api


@pytest.fixture
def there(served: tuple[Project, DataApi]) -> Iterator[Front]:
    with front(str(served[1].http.base_url).rstrip("/")) as found:
        yield found


@pytest.fixture
def computers(tmp_path: Path) -> Iterator[tuple[Program, Program]]:
    both = []
    for name in ("one", "two"):
        made = Program(tmp_path / name, VAULT)
        made.environment["XDG_STATE_HOME"] = str(tmp_path / f"{name}-states")
        made._secrets |= {PASSPHRASE, PASSWORD, SECRET_KEY}
        made.run("vault", "create").expect(0)
        both.append(made)
    yield both[0], both[1]
    for program in both:
        program.close()


def wait_until(holds: Callable[[], bool], limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def login(program: Program, there: Front, *more: str, key: str = PUBLISHABLE) -> tuple[str, ...]:
    return ("login", there.url, "--key", key, "--email", EMAIL, *more)


def test_from_the_sign_in_to_another_computer(
    served: tuple[Project, DataApi],
    there: Front,
    computers: tuple[Program, Program],
    sandbox: Server,
    tmp_path: Path,
) -> None:
    one, two = computers
    given = f"{PASSWORD}\n".encode()
    for program in computers:
        program.add_account(sandbox)
        signed_in = program.run(*login(program, there, "--password-stdin"), stdin=given).expect(0)
        assert f"signed in as {EMAIL}" in signed_in.out
    (tmp_path / "a.txt").write_text("a text of some words")
    sent = one.run("upload", tmp_path / "a.txt", "--json").expect(0).by_name()["a.txt"]
    assert one.run("sync", "--json").expect(0).row["status"]["pending"] == 0
    counted = "select count(*) from exai.platform_file_registry where platform_file_id = %s"
    assert served[0].value(counted, sent["file_id"]) == 1
    two.run("sync").expect(0)
    (other,) = two.run("files", "--all-devices", "--json").expect(0).rows
    assert (other["file_id"], other["account"]) == (sent["file_id"], "main")
    assert sent["file_id"] in two.run("files", "--all-devices").expect(0).out
    status = one.run("sync", "--status", "--json").expect(0).row
    assert (status["state"], status["email"], status["refused"]) == ("signed_in", EMAIL, 0)
    assert f"supabase       signed in as {EMAIL}" in one.run("doctor").out
    left = one.run("logout", "--json").expect(0).row
    assert left == {"email": EMAIL, "pending": 0, "refused": 0}
    assert there.count("/auth/v1/logout") == 1
    assert "not signed in" in one.run("sync", "--status").out
    one.run("sync").expect(1)
    # In no file of the profile, neither here nor there.
    for program in computers:
        for file in program.home.rglob("*"):
            content = file.read_bytes() if file.is_file() else b""
            assert PASSWORD.encode() not in content, file
            assert b"refresh_token" not in content, file


def test_the_ways_of_a_password(
    there: Front, computers: tuple[Program, Program], tmp_path: Path
) -> None:
    one, _ = computers
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    file.chmod(0o644)
    if os.name != "nt":
        refused = one.run(*login(one, there, "--password-file", str(file))).expect(2)
        assert "chmod 600" in refused.err
    file.chmod(0o600)
    one.run(*login(one, there, "--password-file", str(file))).expect(0)
    by_variable = {"EXAI_DESKTOP_SUPABASE_PASSWORD": PASSWORD}
    one.run(*login(one, there), environment=by_variable).expect(0)
    assert "--password-stdin" in one.run(*login(one, there)).expect(2).err
    wrong = one.run(*login(one, there, "--password-stdin", "--json"), stdin=b"wrong\n").expect(1)
    assert wrong.rows[-1]["error"]["code"] == "SIGN_IN_REFUSED"
    # A failed sign-in changes nothing.
    assert one.run("sync", "--status", "--json").expect(0).row["email"] == EMAIL


@pytest.fixture
def mailing(served: tuple[Project, DataApi], there: Front) -> MailingAuth:
    """Mails, and a provider, before the real back end."""
    upstream = str(served[1].http.base_url).rstrip("/")
    auth = MailingAuth(there, by_password(upstream), users={EMAIL}, providers={"google": EMAIL})
    there.answer = auth
    return auth


def test_a_mailed_link(
    there: Front, mailing: MailingAuth, computers: tuple[Program, Program]
) -> None:
    one, _ = computers
    process = one.start(*login(one, there, "--link"))
    wait_until(lambda: bool(mailing.mails))
    assert "close this window" in browser(mailing.mails[0].link).text
    ended = one.finish(process).expect(0)
    assert f"signed in as {EMAIL}" in ended.out
    assert f"a link to {EMAIL}" in ended.err
    assert one.run("sync", "--status", "--json").expect(0).row["state"] == "signed_in"
    mailing.wait_s = 42
    again = one.run(*login(one, there, "--link", "--json")).expect(1)
    assert again.rows[-1]["error"]["code"] == "MAIL_LIMIT"
    assert "wait 42 s" in again.err


def test_a_mailed_code(
    there: Front, mailing: MailingAuth, computers: tuple[Program, Program]
) -> None:
    one, _ = computers
    process = one.start(*login(one, there, "--code-stdin"), stdin=subprocess.PIPE)
    wait_until(lambda: bool(mailing.mails))
    one.finish(process, f"{mailing.mails[0].code}\n".encode()).expect(0)
    assert one.run("sync", "--status", "--json").expect(0).row["email"] == EMAIL
    wrong = one.run(*login(one, there, "--code-stdin", "--json"), stdin=b"000000\n").expect(1)
    assert wrong.rows[-1]["error"]["code"] == "CODE_WRONG"
    assert "--code-stdin" in one.run(*login(one, there, "--code")).expect(2).err


def test_in_the_browser(
    there: Front, mailing: MailingAuth, computers: tuple[Program, Program], tmp_path: Path
) -> None:
    one, _ = computers
    # What opens a browser on this system: it notes what it is given.
    opener, given = tmp_path / "bin" / "xdg-open", tmp_path / "given"
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\nprintf %s "$1" > {given}.new; mv {given}.new {given}\n')
    opener.chmod(0o755)
    path = f"{opener.parent}:{os.environ['PATH']}"
    command = ("login", there.url, "--key", PUBLISHABLE, "--oauth", "google")
    process = one.start(*command, environment={"PATH": path, "DISPLAY": ":99"})
    wait_until(given.exists)
    browser(given.read_text())
    ended = one.finish(process).expect(0)
    assert f"signed in as {EMAIL}" in ended.out
    assert given.read_text() in ended.err
    # Without a screen there is no browser to open.
    process = one.start(*command, environment={"DISPLAY": "", "PATH": "/nowhere"})
    wait_until(lambda: there.count("/authorize") == 2)
    browser(f"{there.url}/provider?state={next(iter(mailing._links))}")
    assert "No browser could be opened" in one.finish(process).expect(0).err


def test_one_way_at_a_time(there: Front, computers: tuple[Program, Program]) -> None:
    one, _ = computers
    assert "one of" in one.run(*login(one, there, "--link", "--code")).expect(2).err
    assert "either" in one.run(*login(one, there, "--link", "--password-stdin")).expect(2).err
    without = ("login", there.url, "--key", PUBLISHABLE, "--link")
    assert "--email" in one.run(*without).expect(2).err
    assert there.asked == []


def test_a_secret_key_is_explained_and_not_sent(
    there: Front, computers: tuple[Program, Program]
) -> None:
    one, _ = computers
    command = login(one, there, "--password-stdin", "--json", key=SECRET_KEY)
    refused = one.run(*command, stdin=b"x\n").expect(2)
    assert refused.rows[-1]["error"]["code"] == "SECRET_KEY_GIVEN"
    assert "publishable" in refused.err
    assert there.asked == []


def test_a_project_that_is_gone_is_a_state(
    there: Front, computers: tuple[Program, Program]
) -> None:
    one, _ = computers
    given = f"{PASSWORD}\n".encode()
    one.run(*login(one, there, "--password-stdin"), stdin=given).expect(0)
    there.answer = lambda *_: (540, {})
    said = one.run("sync", "--status").expect(1)
    assert "the project is paused or deleted" in said.out
    assert "tried again automatically" not in said.out
    there.answer = lambda *_: "cut"
    row = one.run("sync", "--status", "--json").expect(1).row
    assert (row["state"], row["code"]) == ("unreachable", "PROJECT_UNREACHABLE")
    # Signing out works also then.
    assert "Signed out" in one.run("logout").expect(0).out


def test_the_limit_of_all_devices_is_told_and_holds_a_file(
    served: tuple[Project, DataApi],
    there: Front,
    computers: tuple[Program, Program],
    sandbox: Server,
    tmp_path: Path,
) -> None:
    one, _ = computers
    one.add_account(sandbox)
    given = f"{PASSWORD}\n".encode()
    one.run(*login(one, there, "--password-stdin"), stdin=given).expect(0)
    change = (
        "update exai.user_quotas q set quota_bytes = %s from auth.users u"
        " where u.id = q.owner and u.email = %s and q.pool = 'uploads'"
    )
    project = served[0]
    project.admin.execute(change.encode(), (0, EMAIL))
    try:
        told = one.run("sync", "--status", "--json").expect(0).row["quota"]
        assert (told["limit_bytes"], told["left_bytes"]) == (0, 0)
        assert "of 0 bytes used by all your devices, as of " in one.run("doctor").out
        (tmp_path / "b.txt").write_text("another text of some words")
        held = one.run("upload", tmp_path / "b.txt", "--json").by_name()["b.txt"]
        assert (held["state"], held["error"]["code"]) == ("held", "SHARED_QUOTA_REACHED")
        assert "; new files are on hold" in one.run("sync", "--status").out
        one.run("setting", "set", "strict_quota", "true").expect(0)
        strict = one.run("upload", tmp_path / "b.txt", "--json").by_name()["b.txt"]
        assert strict["error"]["code"] == "SHARED_QUOTA_REACHED"
        assert there.count("exai_reserve") >= 1
    finally:
        project.admin.execute(change.encode(), (10 * 1024**3, EMAIL))
    one.run("sync").expect(0)
    sent = one.run("upload", tmp_path / "b.txt", "--json").expect(0).by_name()["b.txt"]
    assert sent["state"] in ("done", "duplicate")


def test_strict_room_of_a_killed_upload_is_given_back_once(
    served: tuple[Project, DataApi],
    there: Front,
    computers: tuple[Program, Program],
    sandbox: Server,
    tmp_path: Path,
) -> None:
    one, _ = computers
    one.add_account(sandbox)
    given = f"{PASSWORD}\n".encode()
    one.run(*login(one, there, "--password-stdin"), stdin=given).expect(0)
    one.run("setting", "set", "strict_quota", "true").expect(0)
    counted = (
        "select q.{} from exai.user_quotas q join auth.users u on u.id = q.owner"
        " where u.email = %s and q.pool = 'uploads'"
    )

    def value(column: str) -> int:
        found: int = served[0].value(counted.format(column), EMAIL)
        return found

    before = value("used_bytes")
    text = "a text whose sending is killed"
    (tmp_path / "k.txt").write_text(text)
    sandbox.settings(answer_delay_s=60)
    sending = one.start("upload", "--json", tmp_path / "k.txt")
    assert eventually(lambda: bool(sandbox.stored()) and value("reserved_bytes") == len(text))
    sending.kill()
    sending.wait()
    sandbox.settings(answer_delay_s=0)
    assert value("reserved_bytes") == len(text)
    # Found in the provider's list: it is not sent again, and its room is not asked for again.
    (tmp_path / "l.txt").write_text("x")
    one.finish_queue(tmp_path / "l.txt")
    for _ in range(2):
        one.run("sync").expect(0)
        assert value("reserved_bytes") == 0
    assert value("used_bytes") >= before + len(text)
    assert len([f for f in sandbox.stored() if f["name"].startswith("k")]) == 1
