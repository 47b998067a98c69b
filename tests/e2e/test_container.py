"""The program in a container: no home, no D-Bus, nothing to write but the profile's volume.

The container is made by unshare(1): its own mounts (all read-only but the volume), processes and
host name, and a user whose number has no name.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from .processes import COMMAND, eventually
from .program import Ended, Program
from .server import KIMI, Server

USER: Final = 54_321
PASSPHRASE: Final = "a passphrase for containers"

# $1 is the volume, $2 whether it is "rw" or "ro"; the program follows. A mount that cannot be
# changed is one of the kernel's.
_INSIDE: Final = f"""
set -e
volume=$1; mode=$2; shift 2
mount --make-rprivate /
mount --bind "$volume" "$volume"
mount -o remount,bind,$mode "$volume"
mount -o remount,bind,ro /
awk '{{print $5}}' /proc/self/mountinfo | while read -r place; do
    case $place in "$volume"|/dev|/dev/*|/proc*|/sys*) ;; *)
        mount -o remount,bind,ro "$place" 2>/dev/null || true ;;
    esac
done
mount -t tmpfs -o ro tmpfs /run
hostname container
exec unshare --user --map-user={USER} --map-group={USER} "$@"
"""
_CONTAINER: Final = (
    *("unshare", "--user", "--map-root-user", "--mount", "--uts", "--ipc"),
    *("--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", _INSIDE, "container"),
)


def _why_not() -> str:
    if sys.platform != "linux" or not shutil.which("unshare"):
        return "unshare is Linux's"
    tried = subprocess.run(
        [*_CONTAINER, "/var/tmp", "rw", "true"], capture_output=True, check=False
    )
    return f"no container here: {tried.stderr.decode()}" if tried.returncode else ""


class Container(Program):
    """Each verb runs in a container of its own, on one volume."""

    def __init__(self, volume: Path) -> None:
        super().__init__(volume / "profile", {})
        self.is_warm = False
        self.mode = "rw"
        self.volume = volume
        self.environment = {
            "PATH": os.environ["PATH"],
            "EXAI_DESKTOP_HOME": str(self.home),
            "EXAI_DESKTOP_SETTLE_S": "0.3",
            "EXAI_DESKTOP_PASSPHRASE_FILE": str(volume / "passphrase"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._secrets.add(PASSPHRASE)

    def start_verb(
        self, *arguments: str | Path, stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        return self.start(
            *arguments, stdin=stdin, command=[*_CONTAINER, str(self.volume), self.mode, *COMMAND]
        )

    def run(self, *arguments: str | Path, stdin: bytes | None = None, **_: object) -> Ended:
        given = subprocess.DEVNULL if stdin is None else subprocess.PIPE
        return self.finish(self.start_verb(*arguments, stdin=given), stdin)


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    if why_not := _why_not():
        if "CI" in os.environ or os.geteuid() == 0:
            pytest.fail(why_not)
        pytest.skip(why_not)
    volume = tmp_path / "volume"
    volume.mkdir(mode=0o700)
    passphrase = volume / "passphrase"
    passphrase.write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    passphrase.chmod(0o600)
    running = Container(volume)
    yield running
    running.close()


def test_the_container_is_one(container: Container) -> None:
    """Else the other test would show nothing."""
    said = container.finish(
        container.start(
            "-c",
            "id -u; whoami; pwd; echo $HOME; hostname; echo $$; touch /tmp/a; touch /run/a",
            command=[*_CONTAINER, str(container.volume), "rw", "sh"],
        )
    )
    assert said.out.split() == [str(USER), str(Path.cwd()), "container", "1"]
    assert said.err.count("Read-only file system") == 2
    assert "cannot find name" in said.err


def test_a_vault_serves_a_container(container: Container, sandbox: Server, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.txt" for name in ("first", "second")]
    for file in files:
        file.write_text(f"the {file.stem} text")
    made = container.run("vault", "create", "--json").expect(0).row
    assert (made["kind"], made["state"]) == ("vault", "ready")
    container.add_account(sandbox, KIMI)
    assert [row["state"] for row in container.upload(files[0]).expect(0).rows] == ["done"]
    # The next container finds what the last one left, and sends it no second time.
    rows = container.upload(*files).expect(0).by_name()
    assert {name: row["state"] for name, row in rows.items()} == {
        "first.txt": "duplicate",
        "second.txt": "done",
    }
    assert [job["state"] for job in container.jobs()].count("done") == 2
    assert len(sandbox.stored()) == 2
    assert container.run("doctor", "--json").expect(0).row["facts"]["keys"] == "vault"
    container.run("audit", "verify").expect(0)
    # Nothing lies beside the profile and the passphrase.
    assert {path.name for path in container.volume.iterdir()} == {"profile", "passphrase"}


def test_a_container_that_is_killed_sends_nothing_twice(
    container: Container, sandbox: Server, tmp_path: Path
) -> None:
    """Each container's program is process 1: numbers of processes tell nothing."""
    (tmp_path / "a.txt").write_text("text")
    container.run("vault", "create").expect(0)
    container.add_account(sandbox, KIMI)
    sandbox.faults({"kind": "delay", "delay_s": 3_600, "method": "POST", "times": 1})
    sending = container.start_verb("upload", tmp_path / "a.txt")
    assert eventually(lambda: bool(sandbox.stored()))
    sending.kill()
    sending.communicate(timeout=60)
    sandbox.faults()
    # It was there already: the first job is given its id, and this one needs no other.
    again = container.upload(tmp_path / "a.txt").expect(0).row
    assert again["state"] in ("done", "duplicate")
    assert again["file_id"]
    assert len(sandbox.stored()) == 1


def test_a_volume_that_cannot_be_written_is_told(container: Container, tmp_path: Path) -> None:
    """A copy is read otherwise; here is no place for a copy."""
    container.run("vault", "create").expect(0)
    container.mode = "ro"
    (tmp_path / "a.txt").write_text("text")
    for verb in (("list",), ("upload", tmp_path / "a.txt")):
        ended = container.run(*verb).expect(1)
        assert "temporary directory" in ended.err
        assert len(ended.err.splitlines()) == 2, ended.err


def test_without_a_place_for_the_profile_it_says_what_to_set(container: Container) -> None:
    del container.environment["EXAI_DESKTOP_HOME"]
    ended = container.run("list").expect(2)
    assert "INVALID_SETTING" in ended.err
    assert "EXAI_DESKTOP_HOME" in ended.err
