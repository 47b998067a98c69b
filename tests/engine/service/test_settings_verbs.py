"""Settings through the service: saved when they are good, refused with a reason when not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from exai_desktop.config.secret_store import StoreInUse
from exai_desktop.core.accounts.secret_store import find_password
from exai_desktop.core.addresses import WITH_PASSWORD
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import redact
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.jobs import AddOptions
from exai_desktop.core.routing.folder_rules import FolderRule
from exai_desktop.core.settings.table import BY_POLICY
from tests.engine.engine_kit import MemorySettings, open_bench


async def test_a_good_value_is_saved_and_told(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        assert (await bench.engine.settings.change("theme", "dark")).theme == "dark"
        assert (await bench.engine.settings.change("max_in_flight", "3")).max_in_flight == 3
        assert (await bench.engine.settings.saved()).theme == "dark"


@pytest.mark.parametrize(
    ("name", "value"), [("theme", "pink"), ("max_in_flight", "0"), ("no_such", "1")]
)
async def test_a_bad_value_is_refused_by_its_name(tmp_path: Path, name: str, value: str) -> None:
    async with open_bench(tmp_path) as bench:
        before = await bench.engine.settings.saved()
        with pytest.raises(AppError) as caught:
            await bench.engine.settings.change(name, value)
        assert caught.value.code is ErrorCode.INVALID_SETTING
        assert caught.value.detail.startswith(name)
        assert await bench.engine.settings.saved() == before


async def test_sizes_may_have_units(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        saved = await bench.engine.settings.change("max_file_bytes", "5 MB")
        assert saved.max_file_bytes == 5_000_000


async def test_what_the_organisation_has_fixed_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed = {"theme": BY_POLICY, "readers": "EXAI_DESKTOP_READERS"}
    monkeypatch.setattr(MemorySettings, "fixed", lambda _self: fixed)
    async with open_bench(tmp_path) as bench:
        settings = bench.engine.settings
        assert await settings.fixed() == fixed
        with pytest.raises(AppError) as caught:
            await settings.change("theme", "dark")
        assert caught.value.code is ErrorCode.SETTING_FIXED
        await settings.change("readers", "3")
        assert '"readers"' not in await settings.write_out()


async def test_a_file_is_taken_on_as_a_whole(tmp_path: Path) -> None:
    text = "MAX_CONCURRENT_UPLOADS=5\nEXAI_DESKTOP_UPLOAD_BYTES_PER_S=100 kB/s\n"
    async with open_bench(tmp_path) as bench:
        settings = bench.engine.settings
        report = await settings.read_in(text, apply=False)
        assert len(report.changes) == 2
        assert (await settings.saved()).max_in_flight != 5
        await settings.read_in(text, apply=True)
        saved = await settings.saved()
        assert (saved.max_in_flight, saved.upload_bytes_per_s) == (5, 100_000)
        assert (await settings.read_in(await settings.write_out(), apply=False)).changes == ()
        # A password in an address is no part of a file.
        both = "EXAI_DESKTOP_PROXY=http://me:pw@proxy.invalid:1\nMAX_CONCURRENT_UPLOADS=6\n"
        await settings.read_in(both, apply=True)
        saved = await settings.saved()
        assert (saved.max_in_flight, saved.proxy) == (6, "")


async def test_a_file_without_settings_is_refused(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        with pytest.raises(AppError) as caught:
            await bench.engine.settings.read_in("a letter", apply=False)
        assert caught.value.code is ErrorCode.SETTINGS_NOT_READ


async def test_a_rule_is_for_a_folder_whatever_its_name(tmp_path: Path) -> None:
    """Set, replaced and removed under any name that leads there."""
    folder = tmp_path / "contracts "
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    async with open_bench(tmp_path) as bench:
        settings = bench.engine.settings
        report = await settings.set_rule(f"{folder}/../contracts ", ["GLM"])
        first = FolderRule(str(folder), ("glm",))
        assert (report.rule, report.warnings) == (first, ())
        assert [found.rule for found in await settings.rules()] == [first]
        kept = await settings.set_rule(str(tmp_path / "link"), ["*"], replace=False)
        assert kept.rule == first and str(first) in kept.warnings[0]
        report = await settings.set_rule(str(tmp_path / "link"), ["kimi"], allow_fallback=True)
        second = FolderRule(str(tmp_path / "link"), ("kimi",), True, str(folder))
        assert report.rule == second and str(folder) in report.warnings[0]
        assert (await settings.saved()).folder_rules == (second,)
        assert await settings.remove_rule(str(folder))
        assert not await settings.remove_rule(str(folder))
        assert await settings.rules() == []


async def test_what_is_wrong_with_a_rule_is_said_at_once(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        settings = bench.engine.settings
        report = await settings.set_rule(str(tmp_path / "nonexist"), ["kimi/xx", "kimmi"])
        assert len(report.warnings) == 3
        assert [found.warnings for found in await settings.rules()] == [report.warnings]
        for folder, places in (("contracts", ["glm"]), ("", ["glm"]), (str(tmp_path), ["ki mi"])):
            with pytest.raises(AppError) as caught:
                await settings.set_rule(folder, places)
            assert caught.value.code is ErrorCode.INVALID_SETTING
        assert len(await settings.rules()) == 1


async def test_rules_set_at_once_are_all_kept(tmp_path: Path) -> None:
    folders = [tmp_path / f"f{number}" for number in range(8)]
    for folder in folders:
        folder.mkdir()
    async with open_bench(tmp_path) as bench:
        settings = bench.engine.settings
        await asyncio.gather(*(settings.set_rule(str(folder), ["glm"]) for folder in folders))
        assert {r.rule.folder for r in await settings.rules()} == set(map(str, folders))


async def test_the_password_of_a_proxy_is_not_saved(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        with pytest.raises(AppError, match="setting set-") as caught:
            await bench.engine.settings.change("proxy", "http://me:s3cr3t@gate.example:3128")
        assert "s3cr3t" not in str(caught.value)
        await bench.engine.settings.change("proxy", "http://me@gate.example:3128")


async def test_a_password_is_kept_with_the_keys(tmp_path: Path) -> None:
    secrets = StoreInUse(None, None)
    async with open_bench(tmp_path, secrets=secrets) as bench:
        settings = bench.engine.settings
        await settings.change("proxy", "http://me@gate.example:3128")
        assert await settings.set_password("proxy", "s3cr3t\n") == "http://me@gate.example:3128"
        assert find_password(secrets, "proxy", "http://me@gate.example:3128") == "s3cr3t"
        assert "s3cr3t" not in repr(await settings.saved())
        assert redact("the proxy said s3cr3t") == "the proxy said ***"
        assert await settings.delete_password("proxy")
        assert not await settings.delete_password("proxy")


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [
        ("theme", "s3cr3t", "theme has no password"),
        ("s3cr3t", "s3cr3t", "that setting has no password"),
        ("redis_url", "s3cr3t", "set the address first"),
        ("proxy", "s3cr3t", "write the name"),
        ("proxy", "", "write the name"),
    ],
)
async def test_a_password_without_a_place_is_refused(
    tmp_path: Path, name: str, password: str, reason: str
) -> None:
    async with open_bench(tmp_path) as bench:
        settings = bench.engine.settings
        await settings.change("proxy", "http://gate.example:3128")
        with pytest.raises(AppError, match=reason) as caught:
            await settings.set_password(name, password)
        assert caught.value.code is ErrorCode.INVALID_SETTING
        assert "s3cr3t" not in str(caught.value)
        if name not in WITH_PASSWORD:
            with pytest.raises(AppError, match="has no password"):
                await settings.delete_password(name)


async def test_nothing_is_taken_while_a_setting_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    async with open_bench(tmp_path, refusal="folder_rules: not understood") as bench:
        for call in (bench.engine.queue.add, bench.engine.queue.plan):
            with pytest.raises(AppError, match="folder_rules") as caught:
                await call([str(tmp_path / "a.txt")], AddOptions())
            assert caught.value.code is ErrorCode.UNUSABLE_SETTING
        assert await bench.rows() == []
