"""Rules for folders: who may have what is below them."""

from __future__ import annotations

import pytest

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.routing.folder_rules import allowed_by, rule_for, rule_of
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
    ],
)
def test_what_is_no_rule_is_named(line: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        rule_of(line)


def test_the_innermost_folder_holds() -> None:
    outer, inner = rule_of("/d = kimi"), rule_of("/d/secret = glm")
    assert rule_for("/d/a.txt", [inner, outer]) == outer
    assert rule_for("/d/secret/a.txt", [outer, inner]) == inner
    assert rule_for("/d/secrets/a.txt", [outer, inner]) == outer
    assert rule_for("/e/a.txt", [outer, inner]) is None
    assert rule_for("/D/a.txt", [outer], ignore_case=True) == outer


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


def test_settings_take_lines() -> None:
    kept = Settings.model_validate({"folder_rules": "/d=GLM\n\n/e = kimi/cn +fallback"})
    assert kept.folder_rules == ("/d = glm", "/e = kimi/cn +fallback")
    assert list(map(str, kept.rules)) == list(kept.folder_rules)
    assert Settings.model_validate({"folder_rules": ["/d = glm"]}).folder_rules == ("/d = glm",)
    with pytest.raises(ValueError, match="is not a place"):
        Settings.model_validate({"folder_rules": "/d = "})
