"""Settings of another computer, or of a file of environment variables."""

import json

import pytest

from exai_desktop.core.routing.folder_rules import rule_of
from exai_desktop.core.settings import Settings, imports
from exai_desktop.core.settings.imports import SettingChange, read_in, write_out

NOW = Settings()
SECRET = "sk-not-a-real-key-1234567890"


def test_what_is_written_out_is_taken_back() -> None:
    there = Settings(max_in_flight=7, max_file_bytes=5_000, proxy="http://me@proxy:3128")
    text = write_out(there)
    report = read_in(text, NOW, {})
    assert {change.name: change.after for change in report.changes} == {
        "max_in_flight": "7",
        "max_file_bytes": "5,000 bytes",
        "proxy": "http://me@proxy:3128",
    }
    assert not report.left_out
    assert not read_in(text, there, {}).changes
    assert read_in(f"\ufeff  {text}", NOW, {}) == report


def test_folders_and_what_others_decide_stay_here() -> None:
    there = Settings(
        folder_rules=(rule_of("/w = kimi/cn"),),
        allowed_folders=("/w",),
        shared_folder="/s",
        max_in_flight=7,
        theme="dark",
    )
    assert json.loads(write_out(there, frozenset({"theme"})))["settings"] == {"max_in_flight": 7}
    content = {"format": imports.FORMAT, "version": 1, "settings": {"folder_rules": [], "theme": 3}}
    report = read_in(json.dumps(content), NOW, {})
    assert [each.name for each in report.left_out] == ["folder_rules", "theme"]
    fixed = read_in(write_out(there), NOW, {"max_in_flight": "your organisation"})
    assert [change.name for change in fixed.changes] == ["theme"]
    assert [each.reason for each in fixed.left_out] == ["your organisation decides"]


def test_a_file_of_variables() -> None:
    text = f"""
        # limits
        MAX_CONCURRENT_UPLOADS=5
        export MAX_FILE_SIZE_MB="100"   # for Kimi
        DEFAULT_USER_QUOTA_GB=20
        EXAI_LOG_LEVEL='WARNING'
        LOG_LEVEL=DEBUG # as well
        CIRCUIT_BREAKER_TIMEOUT=30
        KIMI_UPLOAD_TO_SUPABASE=true
        GLM_UPLOAD_TO_SUPABASE=false
        PLATFORM_FALLBACK_ENABLED=no
        KIMI_API_KEY={SECRET}
        SUPABASE_SERVICE_ROLE_KEY={SECRET}
        SOMETHING_ELSE=$(rm -rf ~)
        EXAI_DESKTOP_READERS=3
        EXAI_DESKTOP_NO_SUCH=3
        ALLOWED_PATHS=/app
        PROMETHEUS_ENABLED=true
        no variable at all
    """
    report = read_in(text, NOW, {})
    assert {change.name: change.after for change in report.changes} == {
        "max_in_flight": "5",
        "max_file_bytes": "100 MiB",
        "account_max_bytes": "20 GiB",
        "log_level": "debug",
        "copy_to_storage": "on",
        "readers": "3",
    }
    assert SettingChange("max_in_flight", "2", "5") in report.changes
    left_out = {each.name: each.reason for each in report.left_out}
    assert set(left_out) == {
        *("CIRCUIT_BREAKER_TIMEOUT", "KIMI_API_KEY", "SUPABASE_SERVICE_ROLE_KEY"),
        *("SOMETHING_ELSE", "EXAI_DESKTOP_NO_SUCH", "ALLOWED_PATHS"),
    }
    assert "60" in left_out["CIRCUIT_BREAKER_TIMEOUT"]
    assert left_out["SOMETHING_ELSE"] == "not known"
    assert SECRET not in str(report)


def test_a_password_in_an_address_is_left_out() -> None:
    text = "EXAI_DESKTOP_PROXY=http://me:hunter2@proxy.invalid:1\nMAX_CONCURRENT_UPLOADS=5"
    report = read_in(text, NOW, {})
    assert [change.name for change in report.changes] == ["max_in_flight"]
    assert [each.name for each in report.left_out] == ["EXAI_DESKTOP_PROXY"]
    assert "hunter2" not in str(report)
    bad = read_in("EXAI_DESKTOP_PROXY=ftp://x\nREADERS=1", NOW, {})
    assert len(bad.left_out) == 2


def test_what_sends_more_says_so() -> None:
    text = "KIMI_UPLOAD_TO_SUPABASE=true\nPLATFORM_FALLBACK_ENABLED=true\nLOG_LEVEL=debug"
    meanings = {change.name: change.meaning for change in read_in(text, NOW, {}).changes}
    assert "Supabase" in meanings["copy_to_storage"]
    assert "where files may go" in meanings["allow_fallback"]
    assert not meanings["log_level"]


def test_nothing_is_no_value() -> None:
    content = {"format": imports.FORMAT, "version": 1, "settings": {"extra_ca": None}}
    assert read_in(json.dumps(content), NOW, {}) == imports.SettingsImport((), ())


def test_metrics_that_are_off_have_no_port() -> None:
    with_port = Settings(metrics_port=8_000)
    report = read_in("METRICS_PORT=9000\nPROMETHEUS_ENABLED=false", with_port, {})
    assert [(c.name, c.after) for c in report.changes] == [("metrics_port", "0")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no line"),
        ("a text\nof a letter", "no line"),
        ("{", "neither JSON"),
        ('{"a": 1}', "setting export"),
        ('{"format": "exai-desktop settings", "version": 2}', "another version"),
        ('{"format": "exai-desktop settings", "version": 1, "settings": []}', "not an object"),
        ("A=1\n" * 5_001, "5,000 lines"),
        ("[" * 100_000, "no line"),
        ("{" * 100_000, "neither JSON"),
    ],
)
def test_what_is_no_such_file(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_in(text, NOW, {})
