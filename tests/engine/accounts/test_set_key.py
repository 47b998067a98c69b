"""A key is replaced, limits are changed: what was held goes on, what was stored stays known."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from exai_desktop.core.accounts.accounts import Account, AccountEdit, KeyPlace
from exai_desktop.core.copies.models import CopyState, RemoteFile
from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, Sent, TransferError
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from tests.engine.engine_kit import KIMI, Bench, open_bench, settings
from tests.engine.scripted_provider import ScriptedProvider

S = JobState
# As `engine_kit` gives it out.
OLD_KEY = "sk-test-kimi-not-a-real-key"
NEW_KEY = "sk-new-not-a-real-key"


class Client(ScriptedProvider):
    """A client of one key; files lie with the key's owner."""

    is_refused = False
    is_closed = False

    def _ask(self) -> None:
        assert not self.is_closed, "a closed client was used"
        if self.is_refused:
            raise TransferError(ErrorCode.AUTH_FAILED, status=401)

    async def upload(self, upload: Upload) -> RemoteFile:
        self._ask()
        return await super().upload(upload)

    async def list(self, purpose: str) -> list[RemoteFile]:
        self._ask()
        return await super().list(purpose)

    async def find(self, file_id: str, purpose: str) -> RemoteFile | None:
        self._ask()
        return await super().find(file_id, purpose)

    async def close(self) -> None:
        self.is_closed = True


@dataclass
class Providers:
    """Makes a client for each key; keys of one owner share its files."""

    refused: set[str] = field(default_factory=set)
    owners: dict[str, str] = field(default_factory=dict)
    stores: dict[str, dict[str, RemoteFile]] = field(default_factory=dict)
    made: list[tuple[Account, str, Client]] = field(default_factory=list)
    # Filled in by a test for the clients that are made from then on.
    slow: bool = False

    def __call__(self, account: Account, key: str) -> Client:
        client = Client(files=self.stores.setdefault(self.owners.get(key, "me"), {}))
        client._stored = 100 * len(self.made)
        client.is_refused = key in self.refused
        if self.slow:
            client.go.clear()
        self.made.append((account, key, client))
        return client


def _file(folder: Path, name: str = "a.txt", text: str = "some words\n") -> Path:
    path = folder / name
    path.write_text(text)
    return path


async def _held(bench: Bench, path: Path) -> int:
    batch = await bench.engine.queue.add([str(path)], AddOptions(account="kimi"))
    await bench.finished(batch)
    [job] = await bench.rows(batch)
    assert job.state is S.HELD
    return job.id


async def test_what_is_held_for_a_wrong_key_goes_on_by_itself_with_the_right_one(
    tmp_path: Path,
) -> None:
    providers = Providers(refused={OLD_KEY})
    async with open_bench(tmp_path, accounts=[KIMI], make_provider=providers) as bench:
        job_id = await _held(bench, _file(tmp_path))
        status = await bench.engine.accounts.set_key("kimi", f" {NEW_KEY}\n")
        assert status.problem is None
        job = await bench.until_state(job_id, S.DONE)
        assert job.file_id in providers.stores["me"]
        rows = await bench.engine.audit.rows(0, 100)
        assert [row.account for row in rows if row.action == "account.key_replaced"] == ["kimi"]


async def test_a_key_that_the_provider_refuses_replaces_nothing_unless_told_so(
    tmp_path: Path,
) -> None:
    providers = Providers(refused={NEW_KEY})
    async with open_bench(tmp_path, accounts=[KIMI], make_provider=providers) as bench:
        with pytest.raises(AppError) as caught:
            await bench.engine.accounts.set_key("kimi", NEW_KEY)
        assert caught.value.code is ErrorCode.AUTH_FAILED
        [job] = await bench.upload(_file(tmp_path))
        assert (job.state, providers.made[-1][1]) == (S.DONE, OLD_KEY)
        await bench.engine.accounts.set_key("kimi", NEW_KEY, untested=True)
        await _held(bench, _file(tmp_path, "b.txt", "other words\n"))
        assert providers.made[-1][1] == NEW_KEY


async def test_what_is_under_way_is_finished_with_the_old_key(tmp_path: Path) -> None:
    providers = Providers(slow=True)
    async with open_bench(tmp_path, accounts=[KIMI], make_provider=providers) as bench:
        batch = await bench.engine.queue.add([str(_file(tmp_path))], AddOptions())
        await bench.until(lambda: bool(providers.made))
        [(_, _, old)] = providers.made
        await old.begun.wait()
        providers.slow = False
        await bench.engine.accounts.set_key("kimi", NEW_KEY)
        old.go.set()
        await bench.finished(batch)
        [job] = await bench.rows(batch)
        assert job.state is S.DONE
    assert all(client.is_closed for _, _, client in providers.made)


async def test_a_new_key_of_the_same_owner_keeps_its_copies(tmp_path: Path) -> None:
    providers = Providers()
    wanted = settings(verify_after_s=3600)
    async with open_bench(
        tmp_path, accounts=[KIMI], make_provider=providers, wanted=wanted
    ) as bench:
        [first] = await bench.upload(_file(tmp_path))
        await bench.engine.accounts.set_key("kimi", NEW_KEY)
        [second] = await bench.upload(_file(tmp_path, "b.txt"))
        assert (second.state, second.file_id) == (S.DUPLICATE, first.file_id)


async def test_a_key_of_another_owner_does_not_give_out_ids_it_cannot_reach(
    tmp_path: Path,
) -> None:
    providers = Providers(owners={NEW_KEY: "somebody else"})
    wanted = settings(verify_after_s=3600)
    async with open_bench(
        tmp_path, accounts=[KIMI], make_provider=providers, wanted=wanted
    ) as bench:
        await bench.upload(_file(tmp_path))
        await bench.engine.accounts.set_key("kimi", NEW_KEY)
        [second] = await bench.upload(_file(tmp_path, "b.txt"))
        assert second.state is S.DONE
        assert list(providers.stores["somebody else"]) == [second.file_id]
        copies = await bench.parts.record.copies.of_account("kimi")
        assert [copy.state for copy in copies] == [CopyState.MISSING, CopyState.PRESENT]


async def test_what_an_earlier_key_may_have_stored_is_a_question_not_a_second_upload(
    tmp_path: Path,
) -> None:
    providers = Providers(owners={NEW_KEY: "somebody else"}, slow=True)
    async with open_bench(tmp_path, accounts=[KIMI], make_provider=providers) as bench:
        batch = await bench.engine.queue.add([str(_file(tmp_path))], AddOptions())
        await bench.until(lambda: bool(providers.made))
        [(_, _, old)] = providers.made
        await old.begun.wait()
        providers.slow = False
        await bench.engine.accounts.set_key("kimi", NEW_KEY)
        old.lose_answers = 1
        old.go.set()
        await bench.finished(batch)
        [job] = await bench.rows(batch)
        assert job.state is S.NEEDS_REVIEW
        assert "somebody else" not in providers.stores or not providers.stores["somebody else"]


async def test_another_address_is_refused_while_something_is_on_its_way(tmp_path: Path) -> None:
    providers = Providers(slow=True)
    place = KeyPlace("cn")
    async with open_bench(tmp_path, accounts=[KIMI], make_provider=providers) as bench:
        batch = await bench.engine.queue.add([str(_file(tmp_path))], AddOptions())
        await bench.until(lambda: bool(providers.made))
        old = providers.made[0][2]
        await old.begun.wait()
        with pytest.raises(AppError) as caught:
            await bench.engine.accounts.set_key("kimi", NEW_KEY, place)
        assert caught.value.code is ErrorCode.ACCOUNT_IN_USE
        providers.slow = False
        old.go.set()
        await bench.finished(batch)
        status = await bench.engine.accounts.set_key("kimi", NEW_KEY, place)
        assert (status.account.region, status.account.base_url) == (
            "cn",
            "https://api.moonshot.cn/v1",
        )


async def test_changed_limits_hold_at_once_and_are_saved(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=[KIMI]) as bench:
        provider = bench.providers["kimi"]
        provider.block_s = 0.02
        changes = AccountEdit(max_in_flight=5, bytes_per_s=1_000_000, purposes=("own:txt",))
        status = await bench.engine.accounts.edit("kimi", changes)
        assert (status.account.max_in_flight, status.account.bytes_per_s) == (5, 1_000_000)
        jobs = await bench.upload(*(_file(tmp_path, f"{n}.txt", f"text {n}\n") for n in range(12)))
        assert {job.purpose for job in jobs} == {"own"}
        assert 2 < provider.most_at_once <= 5
        await bench.engine.accounts.edit("kimi", AccountEdit(max_in_flight=1))
        provider.most_at_once = 0
        await bench.upload(*(_file(tmp_path, f"{n}-b.txt", f"more {n}\n") for n in range(6)))
        assert provider.most_at_once == 1
        [saved] = bench.parts.editor.book.load()
        assert saved == (await bench.engine.accounts.all())[0].account


@pytest.mark.parametrize(
    "changes",
    [
        AccountEdit(max_in_flight=65),
        AccountEdit(uploads_per_minute=-1),
        AccountEdit(bytes_per_s=-1),
        AccountEdit(tier="nine"),
        AccountEdit(region="nowhere"),
        AccountEdit(purposes=("no purpose",)),
    ],
)
async def test_a_change_that_makes_no_sense_is_refused(
    tmp_path: Path, changes: AccountEdit
) -> None:
    async with open_bench(tmp_path, accounts=[KIMI]) as bench:
        with pytest.raises(AppError) as caught:
            await bench.engine.accounts.edit("kimi", changes)
        assert caught.value.code is ErrorCode.INVALID_ACCOUNT
        assert (await bench.engine.accounts.all())[0].account == KIMI


async def test_a_region_with_its_own_address_needs_its_own_key(tmp_path: Path) -> None:
    usual = Account("kimi", "kimi", "intl", "https://api.moonshot.ai/v1")
    async with open_bench(tmp_path, accounts=[usual]) as bench:
        with pytest.raises(AppError, match="needs a key of its own"):
            await bench.engine.accounts.edit("kimi", AccountEdit(region="cn"))
    async with open_bench(tmp_path, accounts=[KIMI]) as bench:
        status = await bench.engine.accounts.edit("kimi", AccountEdit(region="cn", tier="3"))
        assert (status.account.region, status.account.base_url) == ("cn", KIMI.base_url)
        assert status.account.uploads_per_minute > 0


async def test_a_lost_answer_and_the_sent_state_need_no_new_key(tmp_path: Path) -> None:
    """The counterpart of the question above: with the same key the list decides."""
    fault = TransferError(ErrorCode.ANSWER_LOST, sent=Sent.ALL)
    async with open_bench(tmp_path, accounts=[KIMI]) as bench:
        bench.providers["kimi"].faults = [fault]
        [job] = await bench.upload(_file(tmp_path))
        assert job.state is S.DONE
