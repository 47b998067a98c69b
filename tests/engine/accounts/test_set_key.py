"""A key is replaced, limits are changed: what was held goes on, what was stored stays known."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from exai_desktop.core.accounts.accounts import Account, AccountEdit, KeyPlace
from exai_desktop.core.copies.models import CopyState, RemoteFile
from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError, Sent, TransferError
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from tests.engine.engine_kit import KIMI, Bench, open_bench, settings
from tests.engine.scripted_provider import ScriptedProvider

S = JobState
# As `engine_kit` gives it out.
OLD_KEY = "sk-test-kimi-not-a-real-key"
NEW_KEY = "sk-new-not-a-real-key"
PLACE = KeyPlace("cn")
NEW_ADDRESS = "https://api.moonshot.cn/v1"


class Client(ScriptedProvider):
    """A client of one key; files lie with the key's owner."""

    is_refused = False
    is_closed = False

    def __post_init__(self) -> None:
        super().__post_init__()
        # Asked for its list, and whether the answer may come; ready to send, and whether it may be.
        self.asked, self.may_list = asyncio.Event(), asyncio.Event()
        self.preparing, self.may_send = asyncio.Event(), asyncio.Event()
        self.may_list.set()
        self.may_send.set()

    async def ready(self) -> None:
        self.preparing.set()
        await self.may_send.wait()

    def _ask(self) -> None:
        assert not self.is_closed, "a closed client was used"
        if self.is_refused:
            raise TransferError(ErrorCode.AUTH_FAILED, status=401)

    async def upload(self, upload: Upload) -> RemoteFile:
        self._ask()
        return await super().upload(upload)

    async def list(self, purpose: str) -> list[RemoteFile]:
        self._ask()
        listed = await super().list(purpose)
        self.asked.set()
        await self.may_list.wait()
        return listed

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
    slow_lists: set[str] = field(default_factory=set)

    def __call__(self, account: Account, key: str) -> Client:
        client = Client(files=self.stores.setdefault(self.owners.get(key, "me"), {}))
        client._stored = 100 * len(self.made)
        client.is_refused = key in self.refused
        if self.slow:
            client.go.clear()
        if key in self.slow_lists:
            client.may_list.clear()
        self.made.append((account, key, client))
        return client

    def last(self, key: str) -> Client:
        """The newest client of this key that was used for something."""
        return next(c for _, k, c in reversed(self.made) if k == key and not c.is_closed)

    def sent(self, address: str) -> list[str]:
        """The names that were sent to this address."""
        return [n for a, _, c in self.made if a.base_url == address for n in c.uploads]


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


async def test_what_was_finished_with_the_old_key_is_asked_about_with_the_new_one(
    tmp_path: Path,
) -> None:
    providers = Providers(owners={NEW_KEY: "somebody else"}, slow=True)
    wanted = settings(verify_after_s=3600)
    async with open_bench(
        tmp_path, accounts=[KIMI], make_provider=providers, wanted=wanted
    ) as bench:
        batch = await bench.engine.queue.add([str(_file(tmp_path))], AddOptions())
        await bench.until(lambda: bool(providers.made))
        old = providers.made[0][2]
        await old.begun.wait()
        providers.slow = False
        await bench.engine.accounts.set_key("kimi", NEW_KEY)
        old.go.set()
        await bench.finished(batch)
        [second] = await bench.upload(_file(tmp_path, "b.txt"))
        assert second.state is S.DONE
        assert list(providers.stores["somebody else"]) == [second.file_id]


async def test_a_list_of_the_old_key_that_comes_late_vouches_for_nothing(tmp_path: Path) -> None:
    providers = Providers(owners={NEW_KEY: "somebody else"})
    wanted = settings(verify_after_s=3600)
    async with open_bench(
        tmp_path, accounts=[KIMI], make_provider=providers, wanted=wanted
    ) as bench:
        [first] = await bench.upload(_file(tmp_path))
        old = providers.last(OLD_KEY)
        copies = bench.parts.record.copies
        [copy] = await copies.of_account("kimi")
        await copies.verified([copy.id], bench.parts.clock.now() - 7200)
        old.may_list.clear()
        late = await bench.engine.queue.add([str(_file(tmp_path, "b.txt"))], AddOptions())
        await old.asked.wait()
        await bench.engine.accounts.set_key("kimi", NEW_KEY)
        [third] = await bench.upload(_file(tmp_path, "c.txt"))
        assert third.file_id in providers.stores["somebody else"]
        old.may_list.set()
        await bench.finished(late)
        [second] = await bench.rows(late)
        assert (second.state, second.file_id) == (S.DUPLICATE, third.file_id)
        assert first.file_id not in providers.stores["somebody else"]


async def test_a_comparison_with_the_old_key_is_made_again_with_the_new_one(
    tmp_path: Path,
) -> None:
    providers = Providers(owners={NEW_KEY: "somebody else"})
    async with open_bench(tmp_path, accounts=[KIMI], make_provider=providers) as bench:
        [first] = await bench.upload(_file(tmp_path))
        old = providers.last(OLD_KEY)
        old.may_list.clear()
        comparing = asyncio.ensure_future(bench.engine.accounts.reconcile("kimi"))
        await old.asked.wait()
        await bench.engine.accounts.set_key("kimi", NEW_KEY)
        old.may_list.set()
        missing = [i for listing in await comparing for i in listing.missing]
        assert missing == [first.file_id]


async def test_nothing_begins_at_the_old_address_while_the_new_key_is_tried(
    tmp_path: Path,
) -> None:
    providers = Providers(owners={NEW_KEY: "somebody else"}, slow_lists={NEW_KEY})
    async with open_bench(tmp_path, accounts=[KIMI], make_provider=providers) as bench:
        changing = asyncio.ensure_future(bench.engine.accounts.set_key("kimi", NEW_KEY, PLACE))
        await _made(providers, NEW_KEY)
        tried = providers.last(NEW_KEY)
        await tried.asked.wait()
        batch = await bench.engine.queue.add([str(_file(tmp_path))], AddOptions())
        await _made(providers, OLD_KEY)
        old = providers.last(OLD_KEY)
        await old.preparing.wait()
        # It has all the time that it would need.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(old.begun.wait(), 0.5)
        providers.slow_lists.clear()
        tried.may_list.set()
        await changing
        await bench.finished(batch)
        [job] = await bench.rows(batch)
        assert job.state is S.DONE
        assert (providers.sent(KIMI.base_url), providers.sent(NEW_ADDRESS)) == ([], ["a.txt"])


async def _made(providers: Providers, key: str) -> None:
    async with asyncio.timeout(60):
        while not any(k == key for _, k, _ in providers.made):
            await asyncio.sleep(0.01)


async def test_what_waits_for_its_turn_goes_to_the_new_address(tmp_path: Path) -> None:
    providers = Providers(owners={NEW_KEY: "somebody else"})
    async with open_bench(tmp_path, accounts=[KIMI], make_provider=providers) as bench:
        old = await bench.parts.accounts.provider("kimi")
        assert isinstance(old, Client)
        old.may_send.clear()
        batch = await bench.engine.queue.add([str(_file(tmp_path))], AddOptions())
        await old.preparing.wait()
        await bench.engine.accounts.set_key("kimi", NEW_KEY, PLACE)
        old.may_send.set()
        await bench.finished(batch)
        [job] = await bench.rows(batch)
        assert job.state is S.DONE
        assert (providers.sent(KIMI.base_url), providers.sent(NEW_ADDRESS)) == ([], ["a.txt"])


async def test_a_change_that_is_cancelled_in_the_middle_is_still_made_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_bench(tmp_path, accounts=[KIMI]) as bench:
        editor = bench.parts.editor
        loop, saving = asyncio.get_running_loop(), asyncio.Event()
        put = editor.book.put

        def told(account: Account, before: Account | None = None) -> None:
            if before == KIMI:
                loop.call_soon_threadsafe(changing.cancel)
                loop.call_soon_threadsafe(saving.set)
            put(account, before)

        monkeypatch.setattr(editor.book, "put", told)
        changing = asyncio.ensure_future(bench.engine.accounts.set_key("kimi", NEW_KEY))
        await saving.wait()
        with pytest.raises(asyncio.CancelledError):
            await changing
        [status] = await bench.engine.accounts.all()
        [saved] = editor.book.load()
        assert status.account == saved
        assert saved.key_fingerprint == editor.keys.fingerprint(NEW_KEY)
        assert editor.credentials.get(saved) == NEW_KEY
        rows = await bench.engine.audit.rows(0, 100)
        assert "account.key_replaced" in [row.action for row in rows]


async def test_a_crash_leaves_no_new_key_that_counts_as_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_bench(tmp_path, accounts=[KIMI]) as bench:
        editor, counted = bench.parts.editor, list[str]()
        set_key = editor.credentials.set

        def told(account: Account, key: str) -> None:
            counted.extend(a.key_fingerprint for a in editor.book.load())
            set_key(account, key)

        monkeypatch.setattr(editor.credentials, "set", told)
        await bench.engine.accounts.set_key("kimi", NEW_KEY)
        assert counted == [editor.keys.fingerprint(NEW_KEY)]


@pytest.mark.parametrize("good_writes", [0, 1])
async def test_a_change_that_cannot_be_saved_leaves_the_old_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, good_writes: int
) -> None:
    async with open_bench(tmp_path, accounts=[KIMI]) as bench:
        editor, writes = bench.parts.editor, 0
        put = editor.book.put

        def fails(account: Account, before: Account | None = None) -> None:
            nonlocal writes
            writes += 1
            if writes == good_writes + 1:
                raise EngineError(ErrorCode.DISK_FULL)
            put(account, before)

        monkeypatch.setattr(editor.book, "put", fails)
        with pytest.raises(EngineError):
            await bench.engine.accounts.set_key("kimi", NEW_KEY)
        assert editor.book.load() == (KIMI,)
        [status] = await bench.engine.accounts.all()
        assert status.account == KIMI
        assert editor.credentials.get(KIMI) == OLD_KEY


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
    async with open_bench(tmp_path, accounts=[KIMI], make_provider=providers) as bench:
        batch = await bench.engine.queue.add([str(_file(tmp_path))], AddOptions())
        await bench.until(lambda: bool(providers.made))
        old = providers.made[0][2]
        await old.begun.wait()
        with pytest.raises(AppError) as caught:
            await bench.engine.accounts.set_key("kimi", NEW_KEY, PLACE)
        assert caught.value.code is ErrorCode.ACCOUNT_IN_USE
        providers.slow = False
        old.go.set()
        await bench.finished(batch)
        status = await bench.engine.accounts.set_key("kimi", NEW_KEY, PLACE)
        assert (status.account.region, status.account.base_url) == (
            "cn",
            NEW_ADDRESS,
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
