"""`explain` answers for every name of an error, and `show` says what one means."""

from pathlib import Path

from .program import Program
from .server import Server


def test_a_code_a_number_and_a_name_of_before(program: Program) -> None:
    said = program.run("explain", "provider_rejected").expect(0).out
    assert "3006 PROVIDER_REJECTED" in said
    assert "3001 PROVIDER_ERROR, 3006 UPLOAD_FAILED" in said
    row = program.run("explain", "1005", "--json").expect(0).row
    assert row["asked"] == "INVALID_PATH"
    assert [code["code"] for code in row["codes"]] == [
        "PATH_TRAVERSAL",
        "NOT_A_FILE",
        "DANGLING_LINK",
    ]
    assert [code["retry"] for code in row["codes"]] == ["ask", "never", "ask"]
    before = program.run("explain", "STORAGE_FULL").expect(0).out
    assert before.startswith("STORAGE_FULL is a former name. It is now: DISK_FULL, DISK_LOW\n")


def test_a_reserved_name_and_one_that_never_was(program: Program) -> None:
    assert "is reserved" in program.run("explain", "TOKEN_EXPIRED").expect(0).out
    row = program.run("explain", "5002", "--json").expect(0).row
    assert (row["codes"], row["reserved"]["name"]) == ([], "SUPABASE_ERROR")
    assert "there is no error called" in program.run("explain", "NO_SUCH").expect(2).err
    # It needs no profile and makes none.
    assert not program.home.exists()


def test_show_says_what_the_error_means(program: Program, sandbox: Server, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    program.add_account(sandbox)
    number = program.upload(tmp_path / "empty.txt").expect(1).row["id"]
    said = program.run("show", str(number)).expect(0).out
    assert "1015 EMPTY_FILE" in said
    assert "no; solve the cause, then retry" in said
