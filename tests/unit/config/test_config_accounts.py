"""The accounts in the settings file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exai_desktop.config.settings_document import SettingsDocument
from exai_desktop.config.settings_file import SettingsAccountBook, SettingsFile
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
    book.save([HOME, WORK])
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
    book.save([own])
    assert book.load() == (own,)
    assert content(path)["accounts"][0]["purposes"] == ["papers:pdf", "x"]


def test_settings_and_accounts_do_not_disturb_each_other(path: Path) -> None:
    document = SettingsDocument(path)
    book, file = SettingsAccountBook(document), SettingsFile(document, {})
    book.save([WORK])
    file.save(DEFAULTS.model_copy(update={"readers": 3}))
    book.save([WORK, HOME])
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
    book.save([HOME])
    assert content(path)["accounts"][1:] == strange


def test_an_account_that_makes_no_sense_is_not_saved(path: Path) -> None:
    book = SettingsAccountBook(SettingsDocument(path))
    with pytest.raises(AccountError, match="name") as caught:
        book.save([Account("", "kimi", "intl", "https://a")])
    assert caught.value.code is ErrorCode.INVALID_ACCOUNT
    assert not path.exists()
