"""Entries in file managers: only ours, only where one is installed, all others as they were."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from exai_desktop.config.background.menu_entries import FileManagers
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError

COMMAND = ("/opt/exai desktop/exai-desktop",)
# As Thunar writes it, with an action of another program and what an editor may leave.
FOREIGN = """<?xml version="1.0" encoding="UTF-8"?>
<actions>
<!-- mine -->
<action>
\t<icon>utilities-terminal</icon>
\t<name>Open &amp; look</name>
\t<unique-id>1700000000000000-1</unique-id>
\t<command>xfce4-terminal --working-directory=%f</command>
\t<description>öffnen</description>
\t<patterns>*</patterns>
\t<startup-notify/>
\t<directories/>
</action>
</actions>
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("nautilus", "nemo", "dolphin", "thunar"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return tmp_path


def managers() -> FileManagers:
    return FileManagers(COMMAND, "linux")


def files(home: Path) -> dict[str, bytes]:
    found = (path for folder in ("data", "config") for path in (home / folder).rglob("*"))
    return {str(path.relative_to(home)): path.read_bytes() for path in found if path.is_file()}


def test_each_installed_manager_gets_an_entry_and_loses_it_again(home: Path) -> None:
    assert [entry.name for entry in managers().install()] == [
        "Nautilus", "Nemo", "Dolphin", "Thunar",
    ]  # fmt: skip
    assert all(entry.is_set for entry in managers().entries())
    once = files(home)
    managers().install()
    assert files(home) == once | {
        name: content for name, content in files(home).items() if name.endswith("backup")
    }
    assert {entry.name for entry in managers().remove()} == {
        "Nautilus", "Nemo", "Dolphin", "Thunar",
    }  # fmt: skip
    left = [name for name in files(home) if "uca.xml" not in name]
    assert left == []
    assert not any(entry.is_set for entry in managers().entries())
    assert managers().remove() == []


def test_only_what_is_installed_gets_one(home: Path) -> None:
    for name in ("nautilus", "dolphin", "thunar"):
        (home / "bin" / name).unlink()
    assert [entry.name for entry in managers().install()] == ["Nemo"]
    assert list(files(home)) == ["data/nemo/actions/io.github.exai_desktop.ExaiDesktop.nemo_action"]
    assert FileManagers(COMMAND, "win32").install() == []


def test_the_service_menu_of_dolphin_is_a_valid_desktop_file(home: Path) -> None:
    managers().install()
    [path] = (home / "data" / "kio" / "servicemenus").iterdir()
    checked = subprocess.run(
        ["/usr/bin/desktop-file-validate", str(path)], capture_output=True, text=True, check=False
    )
    # The tool does not know the type that KDE wants for service menus; all else must be right.
    lines = checked.stdout.splitlines()
    errors = [x for x in lines if "error" in x and 'the type is "Service"' not in x]
    assert errors == [], checked.stdout
    assert path.stat().st_mode & 0o111


def test_the_script_of_nautilus_hands_over_each_file_whole(home: Path) -> None:
    program = home / 'it\'s a "program"'
    program.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    program.chmod(0o755)
    (home / "bin" / "nemo").unlink()
    (home / "bin" / "dolphin").unlink()
    (home / "bin" / "thunar").unlink()
    FileManagers([str(program), "--"], "linux").install()
    script = home / "data" / "nautilus" / "scripts" / "Upload with EXAI Desktop"
    names = ["/a b.txt", "/$HOME `x` *.pdf", "/new\nline"]
    out = subprocess.run([script, *names], capture_output=True, text=True, check=True).stdout
    assert out == "--|" + "".join(f"{name}|" for name in names)


def test_actions_of_others_in_thunar_stay_byte_by_byte(home: Path) -> None:
    path = home / "config" / "Thunar" / "uca.xml"
    path.parent.mkdir(parents=True)
    path.write_text(FOREIGN)
    managers().install()
    actions = ET.parse(path).getroot().findall("action")
    assert [one.findtext("name") for one in actions] == ["Open & look", "Upload with EXAI Desktop"]
    assert actions[1].findtext("command") == '"/opt/exai desktop/exai-desktop" %F'
    assert path.with_name("uca.xml.exai-backup").read_text() == FOREIGN
    managers().remove()
    assert path.read_text() == FOREIGN


@pytest.mark.parametrize("empty", ["<actions/>", '<?xml version="1.0"?>\n<actions></actions>'])
def test_a_file_of_thunar_without_actions_gets_one(home: Path, empty: str) -> None:
    path = home / "config" / "Thunar" / "uca.xml"
    path.parent.mkdir(parents=True)
    path.write_text(empty)
    managers().install()
    assert len(ET.parse(path).getroot().findall("action")) == 1


@pytest.mark.parametrize("content", ["<actions><action>", "<other/>", "", "\x00", "<actions>\xff"])
def test_a_damaged_file_of_thunar_is_not_touched(home: Path, content: str) -> None:
    path = home / "config" / "Thunar" / "uca.xml"
    path.parent.mkdir(parents=True)
    path.write_bytes(content.encode("latin-1") or b" ")
    before = path.read_bytes()
    with pytest.raises(EngineError) as caught:
        managers().install()
    assert caught.value.code is ErrorCode.FILE_MANAGERS_NOT_CHANGED
    assert path.read_bytes() == before


def test_a_file_of_the_user_with_our_name_is_not_replaced(home: Path) -> None:
    path = home / "data" / "nautilus" / "scripts" / "Upload with EXAI Desktop"
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(EngineError):
        managers().install()
    managers().remove()
    assert path.read_text() == "mine"


def test_a_program_in_a_path_with_odd_signs_is_refused_where_it_would_mean_something_else(
    home: Path,
) -> None:
    with pytest.raises(EngineError):
        FileManagers(["/opt/$(reboot)/exai"], "linux").install()
