"""A key store that does not answer holds files until it does; a key goes to its own address."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.config.credentials import AccountKeys
from exai_desktop.config.secret_store import KeyringStore, StoreInUse
from exai_desktop.config.vault import VaultStore
from exai_desktop.core.accounts.accounts import AccountDraft
from exai_desktop.core.accounts.secret_store import StoreState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.events import ProblemRaised, ProblemSolved
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from tests.engine.engine_kit import GLM, KIMI, Bench, open_bench

S = JobState

PASSPHRASE = "a passphrase for tests"
ELSEWHERE = replace(KIMI, base_url="https://kimi.invalid:8443/v1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("text to be sent")
    return tmp_path / "a.txt"


@pytest.fixture
def locked(tmp_path: Path) -> StoreInUse:
    """A vault with the keys of both accounts, without its passphrase."""
    made = StoreInUse(VaultStore(tmp_path / "vault"), KeyringStore("p"))
    made.create_vault(PASSPHRASE, "", [])
    keys = AccountKeys(made)
    for account in (KIMI, GLM):
        keys.set(account, f"sk-test-{account.name}-not-a-real-key")
    return StoreInUse(VaultStore(tmp_path / "vault"), KeyringStore("p"))


async def held(bench: Bench, file: Path) -> int:
    batch = await bench.engine.queue.add([str(file)], AddOptions(account="kimi"))
    await bench.scanned(batch)
    [row] = await bench.rows(batch)
    job = await bench.until_state(row.id, S.HELD)
    assert job.error is not None
    assert job.error.code == ErrorCode.VAULT_LOCKED
    return row.id


async def test_what_a_locked_vault_holds_goes_on_when_it_is_open(
    tmp_path: Path, file: Path, locked: StoreInUse
) -> None:
    async with open_bench(tmp_path, secrets=locked) as bench:
        job_id = await held(bench, file)
        assert not bench.providers["kimi"].uploads
        assert (await bench.engine.keys.status()).state is StoreState.LOCKED
        await bench.until(lambda: any(_is_locked(event) for event in bench.events))
        with pytest.raises(AppError) as caught:
            await bench.engine.keys.unlock("another passphrase")
        assert caught.value.code is ErrorCode.WRONG_PASSPHRASE
        assert (await bench.engine.keys.unlock(PASSPHRASE)).state is StoreState.READY
        await bench.until_state(job_id, S.DONE)
        await bench.until(
            lambda: any(isinstance(e, ProblemSolved) and e.account is None for e in bench.events)
        )
        assert bench.parts.accounts.problem("kimi") is None


def _is_locked(event: object) -> bool:
    is_problem = isinstance(event, ProblemRaised) and event.account is None
    return is_problem and event.error.code == ErrorCode.VAULT_LOCKED  # type: ignore[attr-defined]


async def test_what_was_held_in_an_earlier_run_goes_on_at_the_next_start(
    tmp_path: Path, file: Path, locked: StoreInUse
) -> None:
    async with open_bench(tmp_path, secrets=locked) as bench:
        job_id = await held(bench, file)
    locked.unlock(PASSPHRASE)
    async with open_bench(tmp_path, secrets=locked) as bench:
        await bench.until_state(job_id, S.DONE)


async def test_what_the_user_holds_stays_held(
    tmp_path: Path, file: Path, locked: StoreInUse
) -> None:
    async with open_bench(tmp_path, secrets=locked) as bench:
        job_id = await held(bench, file)
        other = tmp_path / "b.txt"
        other.write_text("another text")
        await bench.engine.queue.pause()
        batch = await bench.engine.queue.add([str(other)], AddOptions(account="kimi"))
        await bench.scanned(batch)
        [row] = await bench.rows(batch)
        await bench.engine.queue.pause([row.id])
        await bench.engine.queue.resume()
        await bench.engine.keys.unlock(PASSPHRASE)
        await bench.until_state(job_id, S.DONE)
        assert (await bench.job(row.id)).state is S.HELD


async def test_a_key_never_goes_to_another_address(tmp_path: Path, file: Path) -> None:
    store = StoreInUse(None, None)
    AccountKeys(store).set(KIMI, "sk-test-kimi-not-a-real-key")
    async with open_bench(tmp_path, accounts=(KIMI,), secrets=store) as bench:
        bench.parts.accounts._desks["kimi"].account = ELSEWHERE
        [job] = await bench.upload(file)
        assert job.state is S.HELD
        assert job.error is not None
        assert job.error.code == ErrorCode.ADDRESS_CHANGED
        assert not bench.providers["kimi"].uploads
        assert (await bench.engine.accounts.test("kimi")).error is not None
        [status] = await bench.engine.accounts.all()
        assert status.problem is not None
        assert status.problem.code == ErrorCode.ADDRESS_CHANGED
    async with open_bench(tmp_path, accounts=(KIMI,), secrets=store) as bench:
        rows = [row.action for row in await bench.engine.audit.rows(0, 100)]
    assert rows.count("account.address_changed") == 1


async def test_without_any_store_an_account_is_not_added(tmp_path: Path) -> None:
    """Its key would be gone with the program."""
    store = StoreInUse(VaultStore(tmp_path / "vault"), KeyringStore("p"))
    draft = AccountDraft("work", "kimi", "intl")
    async with open_bench(tmp_path, accounts=(), secrets=store) as bench:
        with pytest.raises(AppError) as caught:
            await bench.engine.accounts.add(draft, "sk-test-work-not-a-real-key")
        assert caught.value.code is ErrorCode.CREDENTIAL_STORE_UNAVAILABLE
        assert await bench.engine.accounts.all() == []
        assert (await bench.engine.keys.keep_for_session()).kind == "this session only"
        await bench.engine.accounts.add(draft, "sk-test-work-not-a-real-key")
        # The key moves into the vault that the user makes later.
        assert (await bench.engine.keys.create_vault(PASSPHRASE)).has_vault
        await bench.engine.keys.change_passphrase(PASSPHRASE, f"{PASSPHRASE}2")
        [status] = await bench.engine.accounts.all()
        assert store.get("address work") == "https://api.moonshot.ai:443"
        rows = [row.action for row in await bench.engine.audit.rows(0, 100)]
    assert status.account.name == "work"
    assert rows == ["account.added", "vault.created", "vault.passphrase_changed"]
