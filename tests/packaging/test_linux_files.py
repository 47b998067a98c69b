"""What a Linux system wants beside the program: the manual, the entry in the menu, the unit."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from exai_desktop.cli.main import VERBS
from exai_desktop.gui.app import APP_ID

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
LINUX = PACKAGING / "linux"
MACROS = {".TH", ".SH", ".SS", ".TP", ".PP", ".br", ".B", ".I", ".BI"}


@pytest.fixture(scope="module")
def manual() -> list[str]:
    made = subprocess.run(
        [sys.executable, "-c", "from manual import manual; print(manual())"],
        cwd=PACKAGING,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1800000000"},
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.splitlines()


def test_the_manual_has_a_chapter_for_every_command(manual: list[str]) -> None:
    chapters = {line.split()[1].replace("\\-", "-") for line in manual if line.startswith(".SS ")}
    assert chapters == set(VERBS)
    assert ".SS account add NAME" in [line.replace("\\-", "-") for line in manual]


def test_no_text_of_the_manual_is_taken_for_an_order(manual: list[str]) -> None:
    orders = {line.split(" ", 1)[0] for line in manual if line.startswith((".", "'"))}
    assert orders <= MACROS


def entry() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(LINUX / f"{APP_ID}.desktop", encoding="utf-8")
    return parser


def test_the_menu_entry_is_the_one_that_the_window_names() -> None:
    main = entry()["Desktop Entry"]
    assert main["Icon"] == APP_ID
    # Of X11: the class of the window, which Qt takes from the name of the program.
    assert main["StartupWMClass"] == "EXAI Desktop"


def test_each_action_of_the_menu_is_one_that_the_program_knows() -> None:
    parser = entry()
    actions = parser["Desktop Entry"]["Actions"].strip(";").split(";")
    assert [f"Desktop Action {name}" for name in actions] == parser.sections()[1:]
    for section in parser.sections():
        program, *words = shlex.split(parser[section]["Exec"])
        assert program == "exai-desktop"
        assert not words or words[0] in VERBS or words == ["--sandbox"]


def test_the_description_names_the_menu_entry() -> None:
    root = ET.fromstring((LINUX / f"{APP_ID}.metainfo.xml").read_text("utf-8"))
    assert root.findtext("id") == APP_ID
    assert root.findtext("launchable") == f"{APP_ID}.desktop"


def test_the_unit_runs_an_unattended_upload() -> None:
    text = (LINUX / "systemd" / "exai-desktop-upload@.service").read_text("utf-8")
    [command] = re.findall(r"^ExecStart=@PROGRAM@ (.*)$", text, re.MULTILINE)
    assert shlex.split(command) == ["upload", "--unattended", "%f"]
    assert "Environment=EXAI_DESKTOP_ALLOWED_FOLDERS=%f" in text
