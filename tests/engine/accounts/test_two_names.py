"""Two names with one address and one key are one account: one copy, two names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.accounts.accounts import Account, AccountDraft
from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.jobs.jobs import AddOptions, JobState, JobView
from exai_desktop.engine.accounts.identity import namesakes, principal
from tests.engine.engine_kit import KIMI, Bench, open_bench, settings
from tests.engine.scripted_provider import ScriptedProvider

S = JobState
ONE = replace(KIMI, name="one", key_fingerprint="0123abcd", order=0)
TWO = replace(ONE, name="two", order=1)
OTHER_KEY = replace(ONE, name="three", key_fingerprint="ffffffff", order=2)
KEY = "sk-shared-not-a-real-key"


def _file(folder: Path, name: str = "a.txt", text: str = "one copy\n") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def _shared(accounts: list[Account]) -> dict[str, ScriptedProvider]:
    """All clients see the files of the one owner."""
    first = ScriptedProvider()
    made = {account.name: ScriptedProvider(files=first.files) for account in accounts[1:]}
    for number, provider in enumerate(made.values(), 1):
        provider._stored = 100 * number
    return {accounts[0].name: first, **made}


async def _sent(bench: Bench, path: Path, account: str) -> JobView:
    [job] = await bench.upload(path, account=account)
    return job


async def test_the_same_file_to_both_is_stored_once(tmp_path: Path) -> None:
    accounts = [ONE, TWO]
    providers = _shared(accounts)
    async with open_bench(tmp_path, accounts=accounts, providers=providers) as bench:
        first = await _sent(bench, _file(tmp_path), "one")
        second = await _sent(bench, _file(tmp_path, "b.txt"), "two")
        assert (first.state, second.state) == (S.DONE, S.DUPLICATE)
        assert second.file_id == first.file_id
        assert len(providers["one"].files) == 1
        one, two = await bench.engine.accounts.all()
        assert (one.same_as, two.same_as) == ("", "one")
        # Each of the two can show and delete it, and both lose it.
        await bench.engine.files.delete_of_job(second.id)
        assert (await bench.job(first.id)).file_state is CopyState.DELETED
        assert (await bench.job(second.id)).file_state is CopyState.DELETED


async def test_both_at_once_store_one_copy(tmp_path: Path) -> None:
    accounts = [ONE, TWO]
    providers = _shared(accounts)
    for provider in providers.values():
        provider.block_s = 0.05
    async with open_bench(tmp_path, accounts=accounts, providers=providers) as bench:
        first = await bench.engine.queue.add([str(_file(tmp_path))], AddOptions(account="one"))
        second = await bench.engine.queue.add(
            [str(_file(tmp_path, "b.txt"))], AddOptions(account="two")
        )
        await bench.finished(first)
        await bench.finished(second)
        assert sorted(job.state for job in await bench.rows()) == [S.DONE, S.DUPLICATE]
        assert len(providers["one"].files) == 1


async def test_a_plan_names_the_account_as_it_will_be_used(tmp_path: Path) -> None:
    accounts = [ONE, TWO]
    path = _file(tmp_path)
    async with open_bench(tmp_path, accounts=accounts, providers=_shared(accounts)) as bench:
        for wanted in ("one", "two", None):
            files = await bench.planned(path, account=wanted)
            assert [file.account for file in files] == ["one"]
        job = await _sent(bench, path, "two")
        assert job.account == "one"


async def test_another_key_at_the_same_address_is_another_account(tmp_path: Path) -> None:
    accounts = [ONE, OTHER_KEY]
    async with open_bench(tmp_path, accounts=accounts) as bench:
        first = await _sent(bench, _file(tmp_path), "one")
        second = await _sent(bench, _file(tmp_path, "b.txt"), "three")
        assert (first.state, second.state, second.account) == (S.DONE, S.DONE, "three")


async def test_what_a_name_holds_from_before_is_found_under_the_other(tmp_path: Path) -> None:
    two = replace(TWO, order=0)
    one = replace(ONE, order=1)
    providers = _shared([two, one])
    wanted = settings(verify_after_s=3600)
    async with open_bench(
        tmp_path, accounts=[OTHER_KEY, one], providers=providers, wanted=wanted
    ) as bench:
        first = await _sent(bench, _file(tmp_path), "one")
        assert first.account == "one"
    async with open_bench(
        tmp_path, accounts=[two, one], providers=providers, wanted=wanted
    ) as bench:
        second = await _sent(bench, _file(tmp_path, "b.txt"), "two")
        assert (second.state, second.file_id, second.account) == (S.DUPLICATE, first.file_id, "one")


@pytest.mark.parametrize("name", ["one", "two"])
async def test_when_a_name_goes_its_files_stay_with_the_other(tmp_path: Path, name: str) -> None:
    accounts = [ONE, TWO]
    providers = _shared(accounts)
    async with open_bench(tmp_path, accounts=accounts, providers=providers) as bench:
        first = await _sent(bench, _file(tmp_path), "two")
        # The other's list shows it, too: it is nobody else's.
        for listing in await bench.engine.accounts.reconcile("two"):
            assert not listing.foreign
        await bench.engine.accounts.remove(name)
        [left] = await bench.engine.accounts.all()
        assert left.account.name != name
        assert (left.files, left.same_as) == (1, "")
        second = await _sent(bench, _file(tmp_path, "b.txt"), left.account.name)
        assert (second.state, second.file_id) == (S.DUPLICATE, first.file_id)
        assert await bench.engine.files.delete_of_job(first.id) == first.file_id


async def test_a_name_that_is_added_later_finds_the_copies(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=[]) as bench:
        for name in ("work", "job"):
            await bench.engine.accounts.add(AccountDraft(name, "kimi"), KEY)
        first = await _sent(bench, _file(tmp_path), "work")
        second = await _sent(bench, _file(tmp_path, "b.txt"), "job")
        assert (second.state, second.file_id) == (S.DUPLICATE, first.file_id)


def test_an_address_may_be_written_in_several_ways() -> None:
    plain = Account("a", "custom", "own", "https://host.example/v1", "0123abcd")
    for url in ("https://HOST.example/v1/", "https://host.example:443/v1"):
        assert namesakes([plain], replace(plain, name="b", base_url=url)) == [plain]
    for url in ("https://host.example/v2", "https://host.example:444/v1", "http://host.example/v1"):
        other = replace(plain, name="b", base_url=url)
        assert namesakes([plain, other], other) == [other]


def test_a_name_with_other_purposes_stands_for_itself() -> None:
    own = replace(TWO, purposes=("own:txt",))
    assert principal([ONE, own], own) == own
    assert principal([ONE, TWO], TWO) == ONE
    assert principal([replace(ONE, enabled=False), TWO], TWO) == TWO
    unmarked = replace(TWO, key_fingerprint="")
    assert principal([replace(ONE, key_fingerprint=""), unmarked], unmarked) == unmarked
