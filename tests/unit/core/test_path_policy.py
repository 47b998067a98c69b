"""Inside the allowed folders or not: a corpus of paths that try to get out, and of good ones."""

import json
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from exai_desktop.core.files.path_policy import PathPolicy, secret_folder_of
from exai_desktop.core.settings import Settings

POSIX = PathPolicy(("/app/uploads", "/srv/in box"), windows=False, ignore_case=False)
WINDOWS = PathPolicy((r"C:\Data\In", r"D:\scans"), windows=True, ignore_case=True)

HOSTILE = [
    "",
    ".",
    "..",
    "report.pdf",
    "uploads/report.pdf",
    "./app/uploads/a",
    "~/a",
    "~root/.profile",
    "/",
    "/app",
    "/app/upload",
    "/app/uploads-evil/a",
    "/app/uploads.bak/a",
    "/app/uploadsa",
    "/app/uploads /a",
    "/app/Uploads/a",
    "/APP/UPLOADS/a",
    "/etc/passwd",
    "/app/../app/uploads/a",
    "/app/uploads/../secret",
    "/app/uploads/../../etc/passwd",
    "/app/uploads/a/../../../etc/passwd",
    "/app/uploads/./a",
    "/app/uploads/..",
    "/app/uploads/../uploads-evil/a",
    "/app/uploads//../../etc/passwd",
    r"/app/uploads/..\..\etc\passwd",
    r"/app/uploads\..\secret",
    "/app/uploads/%2e%2e/secret",
    "/app/uploads/%2E%2E%2Fsecret",
    "/app/uploads/%252e%252e/secret",
    "/app/uploads/..%2f..%2fetc%2fpasswd",
    "/app/uploads/..%5c..%5csecret",
    "/app/uploads/%25252e%25252e/secret",
    "/app/uploads/\uff0e\uff0e/secret",
    "/app/uploads/\u2025/secret",
    "/app/uploads/..\uff0fsecret",
    "/app/uploads/.. /secret",
    "/app/uploads/ ../secret",
    "/app/uploads/a\0.pdf",
    "/app/uploads/a.pdf\0/../../etc/passwd",
    "\0",
    "/app/uploads/a\n../b",
    "/app/uploads/\x1b[2J",
    "//app/uploads/a",
    "//server/share/a",
    r"\\server\share\a",
    r"\/server/share/a",
    r"/\server\share\a",
    r"\\?\C:\a",
    "/dev/stdin",
    "/dev/sda",
    "/proc/self/environ",
    "/proc/self/fd/3",
    "/sys/kernel/x",
    "/app/uploads/" + "a" * 40_000,
    "/app/uploads/" + "../" * 2_000 + "etc/passwd",
    "file:///app/uploads/a",
    "/app/uploads/.ssh/id_ed25519",
    "/app/uploads/x/.GNUPG/secring.gpg",
    "/app/uploads/.config/google-chrome/Cookies",
    "/app/uploads/.local/share/keyrings/login.keyring",
    "/srv/in",
    "/srv/in boxes/a",
    "/app/\u0443ploads/a",
    "/app/upl\u200doads/a",
]
HOSTILE_ON_WINDOWS = [
    r"C:a",
    r"\Data\In\a",
    r"Data\In\a",
    r"C:\Data\In-evil\a",
    r"C:\Data\Inn\a",
    r"D:\Data\In\a",
    r"C:\Data\In\..\x",
    r"C:\Data\In/../x",
    r"C:/Data/In/..\x",
    r"\\?\C:\Data\In\a",
    r"\\.\PhysicalDrive0",
    r"\\.\C:\Data\In\a",
    r"\\server\C$\Data\In\a",
    r"//server/share/a",
    r"C:\Data\In\a.txt:stream",
    r"C:\Data\In\NUL",
    r"C:\Data\In\con.txt",
    r"C:\Data\In\COM1",
    r"C:\Data\In\a. ",
    r"C:\Data\In.\a",
    r"C:\Data\\In...\a",
    r"C:\D" + "\u212a" + r"ata\In\a",
    r"D:\\" + "\u017fcans" + r"\a",
    r"C:\Data\In\.aws\credentials",
    r"C:\Data\In\Mozilla\Firefox\logins.json",
]
GOOD = [
    "/app/uploads",
    "/app/uploads/",
    "/app/uploads/a",
    "/app/uploads//a",
    "/app/uploads/a/b/c.pdf",
    "/app/uploads/...",
    "/app/uploads/..a",
    "/app/uploads/a..",
    "/app/uploads/100%.pdf",
    "/app/uploads/ä ö.pdf",
    "/app/uploads/報告.pdf",
    "/app/uploads/caf\udce9.txt",
    "/app/uploads/a:b.txt",
    "/app/uploads/CON",
    "/app/uploads/ssh/notes.txt",
    "/srv/in box/a",
]
GOOD_ON_WINDOWS = [r"C:\Data\In\a", r"c:\DATA\in\b\c.pdf", "C:/Data/In/a", r"D:\SCANS\..a"]


@pytest.mark.parametrize("path", HOSTILE, ids=range(len(HOSTILE)))
def test_a_path_that_tries_to_get_out_is_refused(path: str) -> None:
    assert POSIX.objection(path)


@pytest.mark.parametrize("path", HOSTILE_ON_WINDOWS, ids=range(len(HOSTILE_ON_WINDOWS)))
def test_the_same_on_windows(path: str) -> None:
    assert WINDOWS.objection(path)


@pytest.mark.parametrize("path", GOOD, ids=range(len(GOOD)))
def test_a_path_inside_is_taken(path: str) -> None:
    assert POSIX.objection(path) is None


@pytest.mark.parametrize("path", GOOD_ON_WINDOWS, ids=range(len(GOOD_ON_WINDOWS)))
def test_a_path_inside_is_taken_on_windows(path: str) -> None:
    assert WINDOWS.objection(path) is None


def test_the_corpus_is_large() -> None:
    assert len({*HOSTILE, *HOSTILE_ON_WINDOWS}) >= 60


@pytest.mark.parametrize("folders", [(), ("/",), ("uploads",), ("/app/../app",), ("/dev",)])
def test_without_a_usable_folder_nothing_is_inside(folders: tuple[str, ...]) -> None:
    assert PathPolicy(folders, windows=False).objection("/app/uploads/a")


def test_case_counts_unless_the_disk_ignores_it() -> None:
    blind = PathPolicy(("/app/Stra\u00dfe",), windows=False, ignore_case=True)
    assert blind.objection("/APP/stra\u00dfe/a") is None
    assert blind.objection("/app/strasse/a")


@pytest.mark.parametrize("path", ["/home/lin/ssh", "/home/lin/.sshd/a", "/a/chromium/src"])
def test_names_that_only_resemble_those_of_secrets(path: str) -> None:
    assert secret_folder_of(path, windows=False) is None


def test_the_setting_takes_a_list_or_one_text() -> None:
    folders = (str(Path("/app/in").absolute()), str(Path("/app/other").absolute()))
    joined = os.pathsep.join(folders)
    assert Settings.model_validate({"allowed_folders": joined}).allowed_folders == folders
    assert Settings.model_validate({"allowed_folders": list(folders)}).allowed_folders == folders
    assert Settings.model_validate({"allowed_folders": ""}).allowed_folders == ()
    # As a list of JSON a name may have anything in it.
    odd = (f"{folders[0]}{os.pathsep} ",)
    assert Settings.model_validate({"allowed_folders": json.dumps(odd)}).allowed_folders == odd


@pytest.mark.parametrize(
    "text", ["in", "/", "/app/../etc", "//server/share", "/a:", 7, ["a"], "[", "[7]"]
)
def test_the_setting_refuses_what_is_no_such_folder(text: object) -> None:
    if text == "/a:" and os.pathsep != ":":
        text = "/a;"
    with pytest.raises(ValidationError):
        Settings.model_validate({"allowed_folders": text})
