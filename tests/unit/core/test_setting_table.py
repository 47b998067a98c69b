"""What people are told of each setting."""

import os

import pytest

from exai_desktop.core.routing.folder_rules import rule_of
from exai_desktop.core.settings import Settings
from exai_desktop.core.settings.table import (
    AT_ONCE,
    Section,
    read_value,
    setting_info,
    settings_table,
    value_text,
    wrong_with,
)

TABLE = {info.name: info for info in settings_table()}


def test_every_setting_stands_in_one_section() -> None:
    assert set(TABLE) == set(Settings.model_fields)
    assert set(TABLE) >= AT_ONCE
    assert {info.section for info in TABLE.values()} == set(Section)
    order = [list(Section).index(info.section) for info in settings_table()]
    assert order == sorted(order)
    titles = [info.title for info in TABLE.values()]
    assert len(set(titles)) == len(titles)
    assert all(len(title) <= 45 for title in titles)


@pytest.mark.parametrize("name", TABLE)
def test_the_default_is_taken_back(name: str) -> None:
    info = TABLE[name]
    assert info.about
    assert not wrong_with(name, info.default)
    given = Settings.model_validate({name: read_value(name, info.default)})
    assert given == Settings()


def test_choices_and_switches() -> None:
    assert setting_info("theme").choices == ("system", "light", "dark")
    assert setting_info("keep_texts").is_switch
    assert setting_info("keep_texts").default == "on"
    assert not setting_info("proxy").choices
    with pytest.raises(KeyError):
        setting_info("no_such")


def test_settings_are_found_by_words() -> None:
    found = {name for name, info in TABLE.items() if info.fits("Speed LIMIT")}
    assert "upload_bytes_per_s" in found
    assert "theme" not in found
    assert TABLE["theme"].fits("colours computer")


def test_values_as_text() -> None:
    assert value_text("allow_fallback", True) == "on"
    assert value_text("on_battery", "wait") == "wait"
    folders = ("/home/a", "/home/b")
    assert value_text("allowed_folders", folders) == os.pathsep.join(folders)
    odd = (f"/home/a{os.pathsep}b", "/home/c ")
    taken = Settings.model_validate({"allowed_folders": value_text("allowed_folders", odd)})
    assert taken.allowed_folders == odd
    assert "kimi" in value_text("folder_rules", (rule_of("/w = kimi/cn"),))


def test_what_is_wrong_is_said() -> None:
    assert not wrong_with("max_file_bytes", "512 MiB")
    assert "16384" in wrong_with("upload_bytes_per_s", "12 kB/s")
    assert "64" in wrong_with("max_in_flight", "65")
    assert wrong_with("max_in_flight", "many")
