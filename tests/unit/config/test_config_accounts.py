"""The accounts in the settings file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exai_desktop.config.settings.document import SettingsDocument
from exai_desktop.config.settings.file import SettingsAccountBook, SettingsFile
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.ports import AccountBook
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError
from exai_desktop.core.settings import Settings

DEFAULTS = Settings.model_validate({})
WORK = Account("work", "kimi", "intl", "https://api.moonshot.ai/v1", "0a1b2c3d")
HOME = Account("home 家", "glm", "zai", "https://api.z.ai", enabled=False, max_in_flight=5, order=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


def content(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_accounts_come_back_in_order_and_without_defaults(path: Path) -> None:
    book: AccountBook = SettingsAccountBook(SettingsDocument(path))
    assert book.load() == ()
    book.put(HOME)
    book.put(WORK)
    assert book.load() == (HOME, WORK)
    assert content(path)["accounts"][1] == {
        "name": "work",
        "provider": "kimi",
        "region": "intl",
        "base_url": "https://api.moonshot.ai/v1",
        "key_fingerprint": "0a1b2c3d",
    }


def test_an_accounts_own_purposes_come_back(path: Path) -> None:
    book = SettingsAccountBook(SettingsDocument(path))
    own = Account("own", "custom", "own", "http://127.0.0.1/v1", purposes=("papers:pdf", "x"))
    book.put(own)
    assert book.load() == (own,)
    assert content(path)["accounts"][0]["purposes"] == ["papers:pdf", "x"]


def test_settings_and_accounts_do_not_disturb_each_other(path: Path) -> None:
    document = SettingsDocument(path)
    book, file = SettingsAccountBook(document), SettingsFile(document, {})
    book.put(WORK)
    file.save(DEFAULTS.model_copy(update={"readers": 3}))
    book.put(HOME)
    assert book.load() == (WORK, HOME)
    assert file.load().settings.readers == 3


def test_entries_that_make_no_sense_are_told_and_kept(path: Path) -> None:
    good = {"name": "work", "provider": "kimi", "region": "intl", "base_url": "https://a"}
    strange = [
        {"name": "future", "colour": "red"},
        "text",
        {**good, "name": "x", "max_in_flight": 0},
    ]
    path.write_text(json.dumps({"accounts": [good, *strange, good]}))
    document = SettingsDocument(path)
    book = SettingsAccountBook(document)
    assert [account.name for account in book.load()] == ["work"]
    found = [problem.detail for problem in SettingsFile(document, {}).load().problems]
    assert [reason.partition(":")[0] for reason in found] == [
        f"accounts, entry {number}" for number in (2, 3, 4, 5)
    ]
    book.put(HOME)
    book.remove("work")
    assert content(path)["accounts"][:3] == strange
    assert book.load() == (HOME,)


def test_what_was_edited_meanwhile_stays(path: Path) -> None:
    book = SettingsAccountBook(SettingsDocument(path))
    book.put(HOME)
    book.put(WORK)
    stored = content(path)
    by_hand = {"name": "third", "provider": "kimi", "region": "cn", "base_url": "https://b"}
    stored["accounts"][0]["uploads_per_minute"] = 7
    stored["accounts"][1]["max_in_flight"] = 3
    stored["accounts"].insert(1, by_hand)
    path.write_text(json.dumps(stored))
    book.put(replace(WORK, key_fingerprint="ffffffff", key_since=5.0), WORK)
    kept = [replace(HOME, uploads_per_minute=7), Account("third", "kimi", "cn", "https://b")]
    changed = replace(WORK, max_in_flight=3, key_fingerprint="ffffffff", key_since=5.0)
    assert book.load() == (*kept, changed)
    # A value that goes back to the default goes out of the file.
    book.put(replace(HOME, max_in_flight=2), HOME)
    assert "max_in_flight" not in content(path)["accounts"][0]
    book.remove("work")
    assert [account.name for account in book.load()] == ["home 家", "third"]
    # One that nobody here knows is not overwritten.
    with pytest.raises(AccountError) as caught:
        book.put(Account("third", "glm", "zai", "https://api.z.ai"))
    assert caught.value.code is ErrorCode.ACCOUNT_EXISTS
    assert content(path)["accounts"][1] == by_hand


def test_an_account_that_makes_no_sense_is_not_saved(path: Path) -> None:
    book = SettingsAccountBook(SettingsDocument(path))
    with pytest.raises(AccountError, match="name") as caught:
        book.put(Account("", "kimi", "intl", "https://a"))
    assert caught.value.code is ErrorCode.INVALID_ACCOUNT
    assert not path.exists()
