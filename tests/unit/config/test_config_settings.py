"""The settings file: nothing lost, nothing overwritten, every bad value named."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.config.settings.document import SettingsDocument
from exai_desktop.config.settings.file import LoadedSettings, SettingsAccountBook, SettingsFile
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import redact
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.routing.folder_rules import FolderRule
from exai_desktop.core.settings import Settings

DEFAULTS = Settings.model_validate({})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "settings.json"


def settings_file(path: Path, environment: Mapping[str, str] | None = None) -> SettingsFile:
    return SettingsFile(SettingsDocument(path), environment or {})


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def content(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def problems(loaded: LoadedSettings) -> list[str]:
    """The reasons; those that stop sending have a code of their own and come first."""
    stops = [p.detail for p in loaded.problems if p.code == ErrorCode.UNUSABLE_SETTING]
    others = [p.detail for p in loaded.problems if p.code == ErrorCode.INVALID_SETTING]
    assert stops == list(loaded.refusals)
    assert [problem.detail for problem in loaded.problems] == stops + others
    return stops + others


def test_without_a_file_the_defaults(path: Path) -> None:
    assert settings_file(path).load() == LoadedSettings(DEFAULTS)
    assert not path.exists()


def test_only_what_differs_is_written(path: Path) -> None:
    changed = DEFAULTS.model_copy(update={"theme": "dark", "settle_s": 2.0})
    settings_file(path).save(changed)
    assert content(path) == {
        "version": 1,
        "settings": {"theme": "dark", "settle_s": 2.0},
        "accounts": [],
    }
    file = settings_file(path)
    assert file.load() == LoadedSettings(changed)
    file.save(DEFAULTS)
    assert content(path)["settings"] == {}


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "max_in_flight": st.integers(1, 64),
            "settle_s": st.floats(0, 600),
            "allow_fallback": st.booleans(),
            "theme": st.sampled_from(["system", "light", "dark"]),
            "proxy": st.sampled_from(["", "http://127.0.0.1:3128", "socks5://me@gate.example"]),
            "max_file_bytes": st.integers(1, 2**63),
        },
    )
)
def test_what_is_saved_comes_back(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, object]
) -> None:
    path = tmp_path_factory.getbasetemp() / "round" / "settings.json"
    path.unlink(missing_ok=True)
    settings = Settings.model_validate(values)
    settings_file(path).save(settings)
    assert settings_file(path).load() == LoadedSettings(settings)


def test_names_that_are_not_utf_8_or_empty_are_problems_like_others(path: Path) -> None:
    write(path, '{"settings": {"\\udcff": 1, "": 2, "readers": 3}}')
    loaded = settings_file(path, {"EXAI_DESKTOP_\udcff": "1", "EXAI_DESKTOP_THEME": "dark"}).load()
    assert loaded.settings == DEFAULTS.model_copy(update={"readers": 3, "theme": "dark"})
    assert problems(loaded) == [
        "?: there is no such setting",
        "a setting without a name: there is no such setting",
        "EXAI_DESKTOP_?: there is no such setting",
    ]


def test_a_name_that_anybody_wrote_is_a_part_of_one_short_line(path: Path) -> None:
    # In the form of a secret it would take the end of the line with it.
    form = f'a"client_secret":{"9" * 3000}'
    write(path, {"settings": {form: 1}})
    found = problems(settings_file(path, {f"EXAI_DESKTOP_{form.upper()}": "1"}).load())
    shown = f"a?client_secret??{'9' * 43}..."
    assert found == [
        f"{shown}: there is no such setting",
        f"EXAI_DESKTOP_{shown.upper()}: there is no such setting",
    ]


def test_each_bad_value_is_named_and_the_others_hold(path: Path) -> None:
    write(path, {"settings": {"settle_s": -1, "theme": "pink", "readers": 3, "colour": 1}})
    loaded = settings_file(path).load()
    assert loaded.settings == DEFAULTS.model_copy(update={"readers": 3})
    found = problems(loaded)
    assert [reason.partition(":")[0] for reason in found] == ["settle_s", "theme", "colour"]
    assert "no such setting" in found[2]


def test_a_value_is_never_part_of_the_reason(path: Path) -> None:
    environment = {"EXAI_DESKTOP_READERS": "hunter22"}
    for proxy in (["http://me:hunter22@proxy"], "http://me:hunter22@proxy", "me:hunter22@proxy"):
        write(path, {"settings": {"proxy": proxy, "theme": "hunter22"}})
        found = problems(settings_file(path, environment).load())
        assert len(found) == 3
        assert "hunter22" not in str(found)


def test_the_last_good_value_stays_in_force(path: Path) -> None:
    file = settings_file(path)
    write(path, {"settings": {"readers": 3}})
    file.load()
    write(path, {"settings": {"readers": 99}})
    loaded = file.load()
    assert loaded.settings.readers == 3
    assert len(loaded.problems) == 1


def test_the_environment_comes_first_and_is_not_written(path: Path) -> None:
    write(path, {"settings": {"readers": 3, "theme": "dark"}})
    file = settings_file(
        path,
        {
            "EXAI_DESKTOP_READERS": "5",
            "EXAI_DESKTOP_SETTLE_S": "2",
            "EXAI_DESKTOP_ALLOW_FALLBACK": "true",
            "PATH": "/bin",
        },
    )
    loaded = file.load()
    assert loaded.problems == ()
    assert (loaded.settings.readers, loaded.settings.settle_s) == (5, 2.0)
    assert loaded.settings.allow_fallback

    file.save(loaded.settings.model_copy(update={"theme": "light"}))
    assert content(path)["settings"] == {"readers": 3, "theme": "light"}
    # Changed by the user against the environment: that is meant.
    file.save(loaded.settings.model_copy(update={"readers": 7}))
    assert content(path)["settings"] == {"readers": 7, "theme": "dark"}


def test_bad_and_unknown_names_in_the_environment(path: Path) -> None:
    environment = {
        "EXAI_DESKTOP_READERS": "many",
        "EXAI_DESKTOP_COLOUR": "red",
        "EXAI_DESKTOP_HOME": "/somewhere",
        "EXAI_DESKTOP_PASSPHRASE": "secret",
        "EXAI_DESKTOP_LIVE_KIMI": "sk-live",
    }
    loaded = settings_file(path, environment).load()
    assert loaded.settings == DEFAULTS
    names = [reason.partition(":")[0] for reason in problems(loaded)]
    assert names == ["EXAI_DESKTOP_READERS", "EXAI_DESKTOP_COLOUR"]


def test_a_bad_value_is_not_saved(path: Path) -> None:
    with pytest.raises(EngineError, match="readers") as caught:
        settings_file(path).save(DEFAULTS.model_copy(update={"readers": 0}))
    assert caught.value.code is ErrorCode.INVALID_SETTING
    assert not path.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"settings": []}',
        '{"accounts": {}}',
        '{"version": "1"}',
        "\x00\xff",
        "[" * 100_000,
        '{"version": ' + "9" * 5_000 + "}",
    ],
)
def test_an_unreadable_file_stops_sending_and_is_not_touched(path: Path, text: str) -> None:
    """It may say where files must not go; nobody may go on as if it had said nothing."""
    write(path, text)
    file = settings_file(path)
    for _ in range(2):
        loaded = file.load()
        assert loaded.settings == DEFAULTS
        [refusal] = loaded.refusals
        assert str(path) in refusal
        with pytest.raises(EngineError) as caught:
            file.save(DEFAULTS.model_copy(update={"readers": 3}))
        assert caught.value.code is ErrorCode.UNUSABLE_SETTING
        with pytest.raises(EngineError):
            SettingsAccountBook(SettingsDocument(path)).remove("work")
        assert path.read_text(encoding="utf-8") == text
        assert [found.name for found in path.parent.iterdir()] == ["settings.json"]


def test_bytes_that_are_no_text(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"settings": {"proxy": "\xff"}}')
    assert len(settings_file(path).load().problems) == 1


def test_what_another_version_wrote_stops_sending_and_is_kept(path: Path) -> None:
    for version in (9, 0, -1):
        written: dict[str, object] = {"version": version, "settings": {"readers": 3, "warp": 9}}
        written["accounts"] = []
        write(path, written)
        file = settings_file(path)
        loaded = file.load()
        assert loaded.settings.readers == 3
        assert f"version {version}" in loaded.refusals[0]
        with pytest.raises(EngineError):
            file.save(loaded.settings.model_copy(update={"readers": 4}), "readers")
        assert content(path) == written


RULE = {"folder": "/contracts", "places": ["glm"]}


@pytest.mark.parametrize(
    "settings",
    [
        {"proxy": "socks4://gate.example:1080"},
        {"proxy": "gate.example:3128"},
        {"proxy": None},
        {"folder_rules": "contracts = glm"},
        {"folder_rules": [{**RULE, "until": "2030"}]},
        {"folder_rules": [RULE, {"folder": "/x"}]},
        {"folder_rules": 1},
        {"folder_rule": [RULE]},
        {"Folder_Rules": [RULE]},
        {"allowed_folders": ["in"]},
        {"allow_fallback": "perhaps"},
        {"malware_scan": "requird"},
        {"content_macros": "refuze"},
        {"content_secret": "Refuse"},
        {"content_secrets": "refuse"},
    ],
)
def test_what_may_say_where_files_must_not_go_stops_sending(
    path: Path, settings: dict[str, object]
) -> None:
    [name] = settings
    write(path, {"settings": settings})
    file = settings_file(path)
    [refusal] = file.load().refusals
    assert refusal.startswith(f"{name}: ")
    # Another change neither mends nor loses it, a new value does.
    file.save(DEFAULTS.model_copy(update={"theme": "dark"}), "theme")
    assert content(path)["settings"] == settings | {"theme": "dark"}
    assert file.load().refusals == (refusal,)
    if name in Settings.model_fields:
        file.save(DEFAULTS, name)
        assert settings_file(path).load() == LoadedSettings(DEFAULTS)


def test_the_environment_stops_sending_and_lets_it_go_on(path: Path) -> None:
    for name in ("PROXY", "FOLDER_RULES", "ALLOW_FALLBACK", "FOLDER_RULE", "PROXI"):
        found = settings_file(path, {f"EXAI_DESKTOP_{name}": "socks://127.0.0.1:1"}).load()
        assert [refusal.partition(":")[0] for refusal in found.refusals] == [f"EXAI_DESKTOP_{name}"]
    write(path, {"settings": {"proxy": "nonsense"}})
    good = settings_file(path, {"EXAI_DESKTOP_PROXY": "http://127.0.0.1:1"}).load()
    assert good.refusals == ()
    assert [problem.code for problem in good.problems] == [ErrorCode.INVALID_SETTING]


def test_what_was_edited_meanwhile_stays(path: Path) -> None:
    file = settings_file(path)
    settings = file.load().settings
    by_hand = {"content_secret": "refuse", "folder_rules": [RULE], "theme": "dark"}
    write(path, {"settings": by_hand})
    file.save(settings.model_copy(update={"on_metered": "wait"}), "on_metered")
    assert content(path)["settings"] == by_hand | {"on_metered": "wait"}


def test_no_rule_is_lost_that_was_written_meanwhile(path: Path) -> None:
    file = settings_file(path)
    first, second = FolderRule("/a", ("kimi",)), FolderRule("/b", ("glm",))
    now = file.load().settings.model_copy(update={"folder_rules": (first,)})
    file.save(now, "folder_rules")
    stored = content(path)
    stored["settings"]["folder_rules"].insert(0, RULE)
    write(path, stored)
    now = now.model_copy(update={"folder_rules": (first, second)})
    file.save(now, "folder_rules")
    assert [r.folder for r in _rules(path)] == ["/contracts", "/a", "/b"]
    now = now.model_copy(update={"folder_rules": (second,)})
    file.save(now, "folder_rules")
    assert [r.folder for r in _rules(path)] == ["/contracts", "/b"]
    # The same folder by both: neither is taken for the other.
    of_the_same = FolderRule("/contracts", ("kimi",))
    with pytest.raises(EngineError, match="/contracts") as caught:
        file.save(now.model_copy(update={"folder_rules": (second, of_the_same)}), "folder_rules")
    assert caught.value.code is ErrorCode.INVALID_SETTING
    assert [r.folder for r in _rules(path)] == ["/contracts", "/b"]


def test_rules_that_cannot_be_read_are_not_replaced_by_another(path: Path) -> None:
    file = settings_file(path)
    file.load()
    write(path, {"settings": {"folder_rules": [{**RULE, "until": "2030"}]}})
    wanted = DEFAULTS.model_copy(update={"folder_rules": (FolderRule("/a", ("kimi",)),)})
    with pytest.raises(EngineError) as caught:
        file.save(wanted, "folder_rules")
    assert caught.value.code is ErrorCode.UNUSABLE_SETTING
    assert content(path)["settings"] == {"folder_rules": [{**RULE, "until": "2030"}]}


def test_rules_of_the_environment_are_changed_there(path: Path) -> None:
    write(path, {"settings": {"folder_rules": [RULE]}})
    file = settings_file(path, {"EXAI_DESKTOP_FOLDER_RULES": "/a = kimi"})
    loaded = file.load().settings
    with pytest.raises(EngineError, match="EXAI_DESKTOP_FOLDER_RULES"):
        file.save(loaded.model_copy(update={"folder_rules": ()}), "folder_rules")
    assert [r.folder for r in _rules(path)] == ["/contracts"]


def _rules(path: Path) -> tuple[FolderRule, ...]:
    return settings_file(path).load().settings.folder_rules


def test_a_rule_in_the_wrong_place_of_the_file_stops_sending(path: Path) -> None:
    write(path, {"folder_rules": [RULE], "settings": {}, "accounts": [], "notes": "mine"})
    [refusal] = settings_file(path).load().refusals
    assert refusal.startswith("folder_rules: ")


def test_an_account_that_cannot_be_read_stops_sending(path: Path) -> None:
    """Its files would go to the next one, perhaps of another company."""
    write(path, {"accounts": [{"name": "a", "provider": "kimi", "country": "cn"}]})
    [refusal] = settings_file(path).load().refusals
    assert refusal.startswith("accounts, entry 1: ")


def test_the_password_of_a_proxy_is_not_kept_in_the_file(path: Path) -> None:
    address = "http://me:s3cr3t@gate.example:3128"
    with pytest.raises(EngineError, match="set-secret proxy") as caught:
        settings_file(path).save(DEFAULTS.model_copy(update={"proxy": address}), "proxy")
    assert "s3cr3t" not in str(caught.value)
    write(path, {"settings": {"proxy": address}})
    loaded = settings_file(path).load()
    assert "set-secret proxy" in loaded.refusals[0] and not loaded.settings.proxy
    file = settings_file(path, {"EXAI_DESKTOP_PROXY": address})
    write(path, {"settings": {"proxy": "http://gate.example:3128"}})
    loaded = file.load()
    assert (loaded.settings.proxy, loaded.problems) == (address, ())
    file.save(loaded.settings.model_copy(update={"theme": "dark"}), "theme")
    assert "s3cr3t" not in path.read_text(encoding="utf-8")
    assert redact("the proxy said s3cr3t") == "the proxy said ***"


@pytest.mark.parametrize("option", ["ssl_cert_reqs=none", "ssl_check_hostname=false", "password=x"])
def test_a_redis_whose_line_is_weakened_stops_sending(path: Path, option: str) -> None:
    write(path, {"settings": {"redis_url": f"rediss://redis.example?{option}"}})
    loaded = settings_file(path).load()
    assert [problem.code for problem in loaded.problems] == [ErrorCode.UNUSABLE_SETTING]
    assert loaded.refusals[0].startswith("redis_url: ")
    assert not loaded.settings.redis_url


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_file_is_its_owners_alone(path: Path) -> None:
    settings_file(path).save(DEFAULTS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["settings.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_linked_file_stays_a_link(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(tmp_path / "dotfiles.json")
    # Its disk may be away: that is not the same as a file that was never written.
    assert "link" in settings_file(path).load().refusals[0]
    with pytest.raises(EngineError):
        settings_file(path).save(DEFAULTS.model_copy(update={"readers": 3}))
    write(tmp_path / "dotfiles.json", {})
    settings_file(path).save(DEFAULTS.model_copy(update={"readers": 3}))
    assert path.is_symlink()
    assert content(tmp_path / "dotfiles.json")["settings"] == {"readers": 3}


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EngineError):
        settings_file(tmp_path / "file" / "settings.json").save(DEFAULTS)
    # Reading still answers, with the defaults and the reason.
    assert settings_file(tmp_path / "file" / "settings.json").load().settings == DEFAULTS
