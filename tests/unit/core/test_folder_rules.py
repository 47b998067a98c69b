"""Rules for folders: who may have what is below them."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.routing.folder_rules import FolderRule, allowed_by, consented_by, rule_of
from exai_desktop.core.settings import Settings

KIMI = Account("kimi", "kimi", "intl", "https://a.invalid")
CHINA = Account("china", "kimi", "cn", "https://b.invalid")
GLM = Account("glm", "glm", "zai", "https://c.invalid")
ALL = [KIMI, CHINA, GLM]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("/d = *", ["kimi", "china", "glm"]),
        ("/d = kimi", ["kimi", "china"]),
        ("/d=kimi/cn , GLM", ["china", "glm"]),
        ("/d = glm/zai +fallback", ["glm"]),
        ("/a = b = glm", ["glm"]),
    ],
)
def test_what_a_rule_allows(line: str, names: list[str]) -> None:
    rule = rule_of(line)
    assert [account.name for account in allowed_by([rule], ALL, None)] == names
    assert rule_of(str(rule)) == rule
    assert rule.allow_fallback is ("+fallback" in line)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "is not FOLDER"),
        ("/d", "is not FOLDER"),
        ("d = kimi", "full path"),
        ("/ = kimi", "full path"),
        ("/d/../e = kimi", "full path"),
        ("/d =", "is not a place"),
        ("/d = kimi,", "is not a place"),
        ("/d = kimi/cn/x", "is not a place"),
        ("/d  = kimi", "ends in a space"),
        ("/d\0 = kimi", "full path"),
    ],
)
def test_what_is_no_rule_is_named(line: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        rule_of(line)


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [(["/d = glm"], "kimi"), (["/d = custom"], None), (["/d = kimi", "/e = glm"], None)],
)
def test_what_is_forbidden_is_refused_with_the_rule(lines: list[str], wanted: str | None) -> None:
    with pytest.raises(AppError) as caught:
        allowed_by([rule_of(line) for line in lines], ALL, wanted)
    assert caught.value.code is ErrorCode.PLACE_NOT_ALLOWED
    assert lines[0] in caught.value.detail


def test_without_rules_or_accounts_nothing_is_forbidden() -> None:
    assert allowed_by([], ALL, "kimi") == ALL
    assert allowed_by([rule_of("/d = glm")], [], None) == []


def test_each_rule_must_give_the_consent() -> None:
    plain, free = rule_of("/d = *"), rule_of("/d = * +fallback")
    assert consented_by([free])
    assert not consented_by([free, plain])
    assert not consented_by([])


def test_a_name_that_could_be_misread_is_quoted() -> None:
    rule = FolderRule("/contracts ", ("glm",), True)
    assert str(rule) == "'/contracts ' = glm +fallback"
    assert "\\n" in str(FolderRule("/a\nb", ("glm",)))


def test_settings_take_lines_and_objects() -> None:
    lines = Settings.model_validate({"folder_rules": "/d=GLM\n\n/e = kimi/cn +fallback"})
    expected = (FolderRule("/d", ("glm",)), FolderRule("/e", ("kimi/cn",), True))
    assert lines.folder_rules == expected
    assert Settings.model_validate({"folder_rules": ["/d = glm"]}).folder_rules == expected[:1]
    # A name is kept as it is, whatever is in it.
    odd = FolderRule("/a =b\n~ ", ("glm",), target="/caf\udce9")
    kept = Settings(folder_rules=(odd,)).model_dump(mode="json")
    assert Settings.model_validate(kept).folder_rules == (odd,)
    text = json.dumps(kept["folder_rules"])
    assert Settings.model_validate({"folder_rules": text}).folder_rules == (odd,)
    assert Settings.model_validate({"folder_rules": "[]"}).folder_rules == ()


@pytest.mark.parametrize(
    "value",
    [
        "/d = ",
        [{"folder": "/d", "places": []}],
        [{"folder": "d", "places": ["glm"]}],
        [{"folder": "/d", "places": ["glm"], "target": "../x"}],
        [{"folder": "/d", "places": ["glm"], "not_before": 2030}],
        [{"folder": "/d", "places": ["glm"], "allow_fallback": "perhaps"}],
        [5],
        "[" * 100_000,
        '["/d = glm"',
        {"/d": "glm"},
    ],
)
def test_a_rule_that_is_not_understood_is_no_rule(value: object) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"folder_rules": value})
