"""`list`: what it prints, how far it goes, and that its two ways mean the same."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import typer
from typer.main import get_command

from exai_desktop.bootstrap.owner import find_owner
from exai_desktop.cli.jobs import listing
from exai_desktop.cli.jobs.jobs import list_jobs
from exai_desktop.cli.jobs.listing import MOST_ROWS, Wanted, beside_owner, parsed
from exai_desktop.config.paths import places
from exai_desktop.config.profile_socket import plain_socket
from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.jobs.jobs import JobState, JobView

S = JobState
REFUSED = ErrorView.of_code(ErrorCode.FILE_TOO_LARGE, "9 bytes too many")


def job(number: int, name: str = "a.txt", **more: Any) -> JobView:
    first = JobView(number, 1, f"/files/{name}", name, S.DONE, 1_234, 1.0, 2.0, account="work")
    return replace(first, **{"file_id": f"file-{number}"} | more)


class Owner:
    """Answers as the engine does: what is lower than `before`, the newest first."""

    def __init__(self, jobs: list[JobView]) -> None:
        self.jobs = sorted(jobs, key=lambda one: -one.id)
        self.asked: list[dict[str, Any]] = []
        # After so many questions it is gone.
        self.ends_after = 1_000

    def find(self, *, sandbox: bool) -> Owner:
        return self

    def __call__(self, method: str, **arguments: Any) -> Any:
        assert method == "queue.page"
        if len(self.asked) == self.ends_after:
            raise ConnectionResetError("the owner has ended")
        query = json.loads(json.dumps(arguments["query"]))
        self.asked.append(query)
        fitting = [one for one in self.jobs if one.id < (query["before"] or sys.maxsize)]
        rows = [asdict(one) for one in fitting[: query["limit"]]]
        return json.loads(json.dumps({"rows": rows, "total": len(fitting)}))


def print_list(owner: Owner, *words: str, code: int = 0) -> None:
    assert beside_owner(words, owner.find) == code


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], Wanted(most=MOST_ROWS)),
        (["--json"], Wanted(most=None, as_json=True)),
        (["--json", "--limit", "3"], Wanted(most=3, as_json=True)),
        (["--all", "--gone", "--sandbox"], Wanted(most=None, gone=True, sandbox=True)),
        (["--all", "--limit=7"], Wanted(most=7)),
        (["--search", "a b", "--state", "done"], Wanted((S.DONE,), "a b", most=MOST_ROWS)),
        (["--state=held", "--state", "done"], Wanted((S.HELD, S.DONE), most=MOST_ROWS)),
    ],
)
def test_plain_options_are_understood(words: list[str], wanted: Wanted) -> None:
    assert parsed(words) == wanted


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["-h"],
        ["more"],
        ["--state"],
        ["--state", "lost"],
        ["--state", "DONE"],
        ["--limit", "0"],
        ["--limit", "-1"],
        ["--limit", "²"],
        ["--limit", "many"],
        ["--search", "--json"],
        ["--json=yes"],
        ["--passphrase-file", "x"],
        ["--jso"],
        ["--"],
    ],
)
def test_what_is_not_plain_takes_the_long_way(words: list[str]) -> None:
    assert parsed(words) is None
    assert beside_owner(words, Owner([]).find) is None


def test_both_ways_know_the_same_options() -> None:
    app = typer.Typer(add_completion=False)
    app.command()(list_jobs)
    options = {name for option in get_command(app).params for name in option.opts}
    # Another table than the list; a sum needs no hurry.
    long_way = {"--help", "--by-reason"}
    assert options - long_way == {*listing._TEXTS, *listing._FLAGS}
    assert all(parsed([option]) is None for option in long_way)


def test_as_many_as_a_person_reads_and_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    owner = Owner([job(number) for number in range(1, 1_235)])
    print_list(owner)
    printed = capsys.readouterr()
    ids = [int(line.split()[0]) for line in printed.out.splitlines()[1:]]
    assert ids == list(range(1_234, 1_234 - MOST_ROWS, -1))
    assert printed.err.startswith(f"The newest {MOST_ROWS} of 1,234 files.")
    assert len(owner.asked) == 1


def test_scripts_get_all_in_pieces(capsys: pytest.CaptureFixture[str]) -> None:
    owner = Owner([job(number) for number in range(1, 1_235)])
    print_list(owner, "--json")
    printed = capsys.readouterr()
    assert [json.loads(line)["id"] for line in printed.out.splitlines()] == list(
        range(1_234, 0, -1)
    )
    assert printed.err == ""
    assert len(owner.asked) == 3


@pytest.mark.parametrize("count", [0, 1, 50])
def test_nothing_is_told_when_all_is_shown(capsys: pytest.CaptureFixture[str], count: int) -> None:
    print_list(Owner([job(number) for number in range(1, count + 1)]))
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == count + 1
    assert printed.err == ""


def test_an_owner_that_ends_on_the_way_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    owner = Owner([job(number) for number in range(1, 1_235)])
    owner.ends_after = 2
    print_list(owner, "--all", code=1)
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 1_001
    assert printed.err.startswith("The list ends early: the owner has ended.")
    owner.ends_after = 2
    # Before anything is printed the long way is still open.
    assert beside_owner([], owner.find) is None


def test_the_columns_are_those_of_wide_and_narrow_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_list(
        Owner(
            [
                job(3, "报告.pdf"),
                job(2, "cafe\u0301.pdf", state=S.REFUSED, file_id=None, error=REFUSED),
                job(1, state=S.DUPLICATE, file_state=CopyState.MISSING, account=None),
            ]
        )
    )
    title, *rows = capsys.readouterr().out.splitlines()
    assert title == "ID  State                    Name       Size  Account  File ID or reason"
    assert rows == [
        " 3  Done                     报告.pdf  1,234  work     file-3",
        f" 2  Refused                  cafe\u0301.pdf  1,234  work     {REFUSED.title}",
        " 1  Missing at the provider  a.txt     1,234           file-1",
    ]


def test_on_a_terminal_names_give_way(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    print_list(Owner([job(1, "报" * 100), job(2, "b" * 24)]))
    title, *rows = capsys.readouterr().out.splitlines()
    assert title.startswith("\x1b[1mID")
    assert rows[0].split()[2] == "b" * 19 + "…"
    assert rows[1].split()[2] == "报" * 9 + "…"
    assert all(row.endswith(f"file-{2 - number}") for number, row in enumerate(rows))


@pytest.fixture
def short_path() -> Iterator[Path]:
    """The path of a socket may hold some 100 characters only."""
    with TemporaryDirectory(prefix="exai-") as folder:
        yield Path(folder).resolve()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the long way is taken")
@pytest.mark.parametrize("sandbox", [False, True])
@pytest.mark.parametrize("given", ["home", "link", "data", "usual"])
def test_the_socket_is_where_the_profile_has_it(
    short_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, sandbox: bool
) -> None:
    tmp_path = short_path
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.delenv("EXAI_DESKTOP_HOME")
    for name in ("DATA", "CONFIG", "STATE"):
        monkeypatch.delenv(f"XDG_{name}_HOME", raising=False)
    if given == "data":
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    elif given != "usual":
        (tmp_path / "real").mkdir(mode=0o700)
        (tmp_path / "link").symlink_to("real")
        monkeypatch.setenv("EXAI_DESKTOP_HOME", "link" if given == "link" else str(tmp_path / "p"))
    assert plain_socket(sandbox=sandbox) is None or given == "link"
    expected = places(sandbox=sandbox).socket
    assert plain_socket(sandbox=sandbox) == str(expected)
    expected.parent.chmod(0o750)
    assert plain_socket(sandbox=sandbox) is None


def test_a_passphrase_or_nobody_there_means_the_long_way(
    monkeypatch: pytest.MonkeyPatch, profile_home: Path
) -> None:
    assert find_owner(sandbox=False) is None
    places()
    assert find_owner(sandbox=False) is None
    monkeypatch.setenv("EXAI_DESKTOP_PASSPHRASE", "obviously no secret")
    assert find_owner(sandbox=False) is None
    assert os.environ["EXAI_DESKTOP_PASSPHRASE"]
