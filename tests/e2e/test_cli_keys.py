"""Keys of the real program: without a keyring, with one that is gone, and for another address."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

if sys.platform != "win32":
    import fcntl
    import termios

from .processes import COMMAND, eventually
from .program import LIMIT_S, Ended, Program
from .server import KIMI, Server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes and D-Bus are not Windows'")

NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
PASSPHRASE = "a passphrase for tests"
BY_VARIABLE = {"EXAI_DESKTOP_PASSPHRASE": PASSPHRASE}


@pytest.fixture
def server_side(profile_home: Path) -> Iterator[Program]:
    """The program on a computer without a keyring."""
    running = Program(profile_home, NO_KEYRING)
    running.environment["XDG_STATE_HOME"] = str(profile_home.with_name(f"{profile_home.name}-user"))
    running._secrets.add(PASSPHRASE)
    yield running
    running.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("hello")
    return tmp_path / "a.txt"


def add(program: Program, server: Server, **environment: str) -> Ended:
    place = server.accounts[KIMI]
    program._secrets |= {*server.keys}
    where = ("--region", place["region"], "--base-url", server.url(KIMI), "--key-stdin", "--json")
    return program.run(
        *("account", "add", "main", "--provider", "kimi", *where),
        stdin=server.key(KIMI).encode() + b"\n",
        environment=environment,
    )


def code_of(ended: Ended) -> str:
    code: str = ended.rows[-1]["error"]["code"]
    return code


def private(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def settings_of(program: Program) -> Path:
    return program.home / "settings.json"


# -- no keyring


def test_a_key_that_would_be_lost_is_not_taken(server_side: Program, sandbox: Server) -> None:
    ended = add(server_side, sandbox)
    assert ended.code == 1
    assert code_of(ended) == "CREDENTIAL_STORE_UNAVAILABLE"
    assert "vault create" in ended.err
    assert server_side.run("account", "list", "--json").expect(0).rows == []


def test_a_vault_serves_a_machine_without_a_keyring(
    server_side: Program, sandbox: Server, file: Path, tmp_path: Path
) -> None:
    program = server_side
    assert code_of(program.run("vault", "create", "--json").expect(1)) == "VAULT_LOCKED"
    made = program.run("vault", "create", "--json", environment=BY_VARIABLE).expect(0).row
    assert (made["kind"], made["state"]) == ("vault", "ready")
    assert stat.S_IMODE((program.home / "vault").stat().st_mode) == 0o600
    assert code_of(add(program, sandbox)) == "VAULT_LOCKED"
    add(program, sandbox, **BY_VARIABLE).expect(0)

    # Locked: the file is held with the ways to give the passphrase, and goes on by itself.
    held = program.upload(file).expect(1).row
    assert (held["state"], held["error"]["code"]) == ("held", "VAULT_LOCKED")
    assert "EXAI_DESKTOP_PASSPHRASE" in held["error"]["hint"]
    (tmp_path / "b.txt").write_text("another")
    given = private(tmp_path / "passphrase", f"{PASSPHRASE}\n")
    program.finish_queue(tmp_path / "b.txt", "--passphrase-file", given)
    program.run("doctor", "--passphrase-file", given).expect(0)
    assert {row["state"] for row in program.jobs()} == {"done"}

    status = program.run("vault", "status", "--json").expect(1).row
    assert (status["kind"], status["state"]) == ("vault", "locked")
    assert "keys           vault (locked)" in program.run("doctor").expect(1).out


def test_every_way_to_give_the_passphrase(
    server_side: Program, sandbox: Server, tmp_path: Path
) -> None:
    program = server_side
    program.run("vault", "create", environment=BY_VARIABLE).expect(0)
    add(program, sandbox, **BY_VARIABLE).expect(0)
    file = private(tmp_path / "passphrase", PASSPHRASE)
    credentials = tmp_path / "credentials"
    credentials.mkdir(mode=0o700)
    private(credentials / "exai-desktop-passphrase", PASSPHRASE)
    program.run("doctor", "--passphrase-file", file).expect(0)
    for environment in (
        BY_VARIABLE,
        {"EXAI_DESKTOP_PASSPHRASE_FILE": str(file)},
        {"CREDENTIALS_DIRECTORY": str(credentials)},
    ):
        program.run("doctor", environment=environment).expect(0)
    wrong = {"EXAI_DESKTOP_PASSPHRASE": "not the passphrase"}
    assert code_of(program.run("list", "--json", environment=wrong).expect(1)) == "WRONG_PASSPHRASE"
    file.chmod(0o644)
    refused = program.run("doctor", "--passphrase-file", file).expect(2)
    assert f"chmod 600 '{file}'" in refused.err


def at_a_terminal(program: Program, *verb: str, answers: list[str]) -> tuple[int, str]:
    """Run a verb with a terminal of its own, as a user sits at one; each question is answered."""
    ours, theirs = os.openpty()

    def take_the_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [*COMMAND, *verb],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=program.environment,
        start_new_session=True,
        preexec_fn=take_the_terminal,  # noqa: PLW1509 - this process has no other threads
    )
    os.close(theirs)
    said, asked = b"", 0
    with contextlib.suppress(OSError):  # the terminal ends with the program
        while piece := os.read(ours, 4_096):
            said += piece
            if said.count(b": ", said.rfind(b"\n") + 1) and asked < len(answers):
                os.write(ours, f"{answers[asked]}\n".encode())
                asked += 1
                said += b"\n"
    os.close(ours)
    code = process.wait(LIMIT_S)
    assert PASSPHRASE not in said.decode()
    return code, said.decode()


def test_at_a_terminal_the_passphrase_is_asked_for(server_side: Program, sandbox: Server) -> None:
    program = server_side
    code, said = at_a_terminal(program, "vault", "create", answers=[PASSPHRASE, "not the same"])
    assert (code, "not the same" in said) == (2, True)
    code, said = at_a_terminal(program, "vault", "create", answers=[PASSPHRASE, PASSPHRASE])
    assert (code, "Keys are kept in: vault" in said) == (0, True)
    code, said = at_a_terminal(program, "vault", "status", answers=[PASSPHRASE])
    assert (code, "Keys are kept in: vault" in said) == (0, True)
    # Enter goes on without keys.
    code, said = at_a_terminal(program, "vault", "status", answers=[""])
    assert (code, "vault (locked)" in said) == (1, True)
    # Nobody is asked for what a file or a variable gives, or for the sandbox.
    program.run("vault", "status", environment=BY_VARIABLE).expect(0)
    code, said = at_a_terminal(program, "list", "--sandbox", answers=[])
    assert (code, "assphrase" in said) == (0, False)


def test_another_passphrase_and_a_key_file(
    server_side: Program, sandbox: Server, tmp_path: Path
) -> None:
    program, key = server_side, tmp_path / "key"
    program.run("vault", "create", environment=BY_VARIABLE).expect(0)
    add(program, sandbox, **BY_VARIABLE).expect(0)
    new = private(tmp_path / "new", "another passphrase")
    change = ("vault", "passphrase", "--new-file", new)
    assert "VAULT_LOCKED" in program.run(*change).expect(1).err
    program.run(*change, environment=BY_VARIABLE).expect(0)
    program.run("doctor", environment=BY_VARIABLE).expect(1)
    program.run("doctor", "--passphrase-file", new).expect(0)
    program.run("vault", "passphrase", "--passphrase-file", new, "--key-file", key).expect(0)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    # From now on without any question.
    program.run("doctor").expect(0)
    actions = [row["action"] for row in program.run("audit", "export", "--json").expect(0).rows]
    assert actions.count("vault.passphrase_changed") == 2


def test_keys_of_the_keyring_move_into_the_vault(program: Program, sandbox: Server) -> None:
    program.add_account(sandbox)
    program.run("vault", "create", environment=BY_VARIABLE).expect(0)
    program.run("doctor", environment=BY_VARIABLE | NO_KEYRING).expect(0)
    assert code_of(program.run("vault", "create", "--json", environment=BY_VARIABLE)) == (
        "VAULT_EXISTS"
    )
    report = program.run("audit", "verify", "--json", environment=BY_VARIABLE).expect(0).row
    # The key of the trail moved, too: its old rows are as good as before.
    assert (report["protected_by"], report["by_file"]) == ("vault", 0)


def test_a_key_by_the_environment(server_side: Program, sandbox: Server, file: Path) -> None:
    program = server_side
    given = {"EXAI_DESKTOP_KEY_MAIN": sandbox.key(KIMI)}
    add(program, sandbox, **given).expect(0)
    program.upload(file, environment=given).expect(0)
    facts = program.run("doctor", "--json", environment=given).expect(0).row["facts"]
    assert facts["keys"] == "no keyring (absent), EXAI_DESKTOP_KEY_MAIN"
    _point_elsewhere(program, sandbox)
    ended = program.run("account", "test", "main", "--json", environment=given)
    assert ended.row["error"]["code"] == "ADDRESS_CHANGED"


def test_a_passphrase_stays_in_no_child_and_no_file(
    server_side: Program, sandbox: Server, tmp_path: Path
) -> None:
    """Of our own process /proc shows what it was started with: nobody can change that."""
    program = server_side
    given = BY_VARIABLE | {"EXAI_DESKTOP_KEY_MAIN": sandbox.key(KIMI)}
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4\n" + b"x" * 100_000)
    code = (
        "from exai_desktop.bootstrap.passphrases import passphrase_for;"
        "from exai_desktop.bootstrap.profile_secrets import open_secrets;"
        "from exai_desktop.config.paths import places;"
        "assert passphrase_for(None, None); open_secrets(places(), [], None);"
        "import subprocess; print(subprocess.run(['env'], capture_output=True, text=True).stdout)"
    )
    process = program.start("-c", code, environment=given, command=[sys.executable])
    ended = program.finish(process).expect(0)
    assert "EXAI_DESKTOP_HOME" in ended.out
    assert "EXAI_DESKTOP_PASSPHRASE" not in ended.out
    assert "EXAI_DESKTOP_KEY_MAIN" not in ended.out


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux shows children")
def test_the_servers_of_the_sandbox_get_no_secret(server_side: Program, file: Path) -> None:
    given = BY_VARIABLE | {"EXAI_DESKTOP_KEY_MAIN": "sk-obviously-not-a-key"}
    process = server_side.start("doctor", "--sandbox", environment=given)
    seen: list[bytes] = []

    def child_was_seen() -> bool:
        for task in Path(f"/proc/{process.pid}/task").glob("*/children"):
            for pid in task.read_text().split():
                seen.append(Path(f"/proc/{pid}/environ").read_bytes())
        return any(b"EXAI_DESKTOP_HOME" in environment for environment in seen)

    assert eventually(child_was_seen)
    server_side.finish(process)
    for name in (b"EXAI_DESKTOP_PASSPHRASE", b"EXAI_DESKTOP_KEY_MAIN"):
        # Between fork and exec a child is still its parent.
        assert name not in seen[-1]


def test_a_command_with_the_passphrase_opens_the_vault_of_the_one_that_runs(
    server_side: Program, sandbox: Server, file: Path, tmp_path: Path
) -> None:
    program = server_side
    program.run("vault", "create", environment=BY_VARIABLE).expect(0)
    add(program, sandbox, **BY_VARIABLE).expect(0)
    # It holds the profile, without the passphrase, until it is told to end.
    code = (
        "import asyncio; from exai_desktop.bootstrap import open_service\n"
        "async def hold():\n"
        "    async with open_service():\n"
        "        print('open', flush=True)\n"
        "        await asyncio.sleep(1000)\n"
        "asyncio.run(hold())"
    )
    holder = program.start("-c", code, command=[sys.executable])
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"open\n"
    assert program.upload(file).expect(1).row["error"]["code"] == "VAULT_LOCKED"
    (tmp_path / "b.txt").write_text("another")
    program.upload(tmp_path / "b.txt", environment=BY_VARIABLE).expect(0)
    assert eventually(lambda: [row["state"] for row in program.jobs()] == ["done", "done"])
    holder.kill()
    holder.communicate(timeout=60)


# -- a keyring that is gone, and back


def test_a_keyring_that_is_gone_is_no_missing_key(
    program: Program, sandbox: Server, file: Path, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    held = program.upload(file, environment=NO_KEYRING).expect(1).row
    assert (held["state"], held["error"]["code"]) == ("held", "CREDENTIAL_STORE_UNAVAILABLE")
    # It is back: what was held goes on with whatever is sent next.
    (tmp_path / "b.txt").write_text("another")
    program.finish_queue(tmp_path / "b.txt")
    program.run("doctor").expect(0)
    assert {row["state"] for row in program.jobs()} == {"done"}


# -- another address


def _point_elsewhere(program: Program, sandbox: Server) -> None:
    """As a plain text editor does it."""
    text = settings_of(program).read_text()
    address = sandbox.url(KIMI)
    assert address in text
    settings_of(program).write_text(text.replace(address, "http://127.0.0.1:9/v1"))


def test_a_changed_address_never_gets_the_key(
    program: Program, sandbox: Server, file: Path
) -> None:
    program.add_account(sandbox)
    original = settings_of(program).read_text()
    _point_elsewhere(program, sandbox)
    doctor = program.run("doctor", "--json").expect(1).row
    assert doctor["accounts"][0]["error"]["code"] == "ADDRESS_CHANGED"
    held = program.upload(file).expect(1).row
    assert (held["state"], held["error"]["code"]) == ("held", "ADDRESS_CHANGED")
    assert "Enter the key again" in held["error"]["hint"]
    rows = program.run("audit", "export", "--json").expect(0).rows
    noted = [row for row in rows if row["action"] == "account.address_changed"]
    assert len(noted) == 2
    assert "127.0.0.1:9" in json.dumps(noted[0])
    # The address is put right: the key is still there.
    settings_of(program).write_text(original)
    program.run("account", "test", "main").expect(0)
    program.upload(file).expect(0)


# -- the folder


def test_a_folder_that_others_can_change_is_refused(program: Program, sandbox: Server) -> None:
    program.add_account(sandbox)
    program.home.chmod(0o777)
    ended = program.run("list", "--json").expect(1)
    assert code_of(ended) == "PROFILE_NOT_PRIVATE"
    assert f"chmod 700 {program.home}" in ended.err
    program.home.chmod(0o700)
    program.run("list").expect(0)


@pytest.mark.parametrize("spelling", ["link", "folder/../profile-by-name"])
def test_one_profile_by_all_its_names(
    program: Program, sandbox: Server, file: Path, tmp_path: Path, spelling: str
) -> None:
    program.add_account(sandbox)
    (tmp_path / "folder").mkdir()
    for name in ("link", "profile-by-name"):
        (tmp_path / name).symlink_to(program.home)
    other = {"EXAI_DESKTOP_HOME": f"{tmp_path}/{spelling}"}
    program.upload(file, environment=other).expect(0)
    report = program.run("audit", "verify", "--json").expect(0).row
    assert (report["ok"], report["by_file"]) == (True, 0)


def test_a_moved_folder_keeps_its_keys(program: Program, sandbox: Server, file: Path) -> None:
    program.add_account(sandbox)
    moved = program.home.rename(program.home.with_name(f"{program.home.name}-moved"))
    there = {"EXAI_DESKTOP_HOME": str(moved)}
    program.upload(file, environment=there).expect(0)
    assert program.run("audit", "verify", "--json", environment=there).expect(0).row["ok"]


@pytest.mark.parametrize(("verb", "is_same"), [("keep", True), ("new", False)])
def test_a_copied_profile_asks_which_one_lives_on(
    program: Program, sandbox: Server, file: Path, verb: str, is_same: bool
) -> None:
    program.add_account(sandbox)
    program.upload(file).expect(0)
    copy = program.home.with_name(f"{program.home.name}-copy")
    shutil.copytree(program.home, copy)
    there = {"EXAI_DESKTOP_HOME": str(copy)}
    refused = program.run("list", "--json", environment=there).expect(1)
    assert code_of(refused) == "PROFILE_COPIED"
    assert "profile keep" in refused.err
    assert "profile new" in refused.err
    chosen = program.run("profile", verb, "--json", environment=there).expect(0).row
    assert (chosen["profile"] == _id_of(program.home)) is is_same
    program.run("doctor", environment=there).expect(0)
    actions = [
        row["action"]
        for row in program.run("audit", "export", "--json", environment=there).expect(0).rows
    ]
    assert actions.count(f"profile.{verb}") == 1
    # Both may have sent since: the lists are compared before anything is sent.
    with closing(sqlite3.connect(copy / "exai-desktop.db")) as connection:
        causes = connection.execute("SELECT cause FROM recoveries").fetchall()
    assert causes == [("PROFILE_COPIED",)]
    original = program.run("list", "--json")
    assert original.code == (1 if is_same else 0)
    not_one = program.run("profile", verb, environment=there).expect(1)
    assert "not a copy" in not_one.err


def _id_of(home: Path) -> str:
    found: str = json.loads((home / "profile.json").read_text())["id"]
    return found
