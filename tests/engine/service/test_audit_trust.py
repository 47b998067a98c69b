"""What nobody can hide who may write the profile, but not the key store; and what is honest."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from exai_desktop.config.audit_key import KeptAnchor, load_seal
from exai_desktop.config.audit_signing import StoredSigner, signature_fits
from exai_desktop.config.secret_store import SessionStore
from exai_desktop.core.audit.audit import COLUMNS, START, AuditEntry, AuditRow, key_id, mac_of
from exai_desktop.core.audit.check import AuditReport, AuditState
from exai_desktop.core.audit.signing import (
    DAY,
    DAY_SIGNED,
    EXPORT,
    signature_of_day,
    signed_text,
)
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError
from exai_desktop.engine.service.audit import Audit, AuditParts
from exai_desktop.engine.waiting import Readers, SystemClock
from exai_desktop.storage.audit.trail import AuditTrail, SqliteAuditStore
from exai_desktop.storage.database import Database
from tests.lasting_store import LastingStore

NOON, DAY_S = 1_700_049_600.0, 86_400.0
LOCKED = AccountError(ErrorCode.CREDENTIAL_STORE_LOCKED)
OWN_KEY = b"the attacker's own key, 32 bytes"


class _Clock(SystemClock):
    at = NOON

    def now(self) -> float:
        return self.at


class Profile:
    """A folder with a trail, and the key store beside it."""

    def __init__(self, folder: Path) -> None:
        self.database, self.key = folder / "test.db", folder / "audit.key"
        self.anchor = folder / "audit-anchor.json"
        self.store, self.clock = LastingStore(), _Clock()

    @asynccontextmanager
    async def run(self, rows: int = 0, *, is_killed: bool = False) -> AsyncIterator[Audit]:
        """One run of the program, which notes so many rows and ends as it should, or not."""
        seal = load_seal(self.store, self.key)
        anchors = KeptAnchor(self.anchor, self.store, seal)
        anchors.load()
        with closing(Database(self.database)) as database, ThreadPoolExecutor(1) as threads:
            trail = SqliteAuditStore(database, AuditTrail(seal, "tester", self.clock.now))
            parts = AuditParts(trail, anchors, StoredSigner(self.store))
            audit = Audit(parts, Readers(threads), self.clock, is_read_only=False)
            for number in range(rows):
                await trail.note(AuditEntry(self.clock.at, "job.done", "ok", job_id=number))
            yield audit
            if not is_killed:
                await audit.anchor()

    async def verify(self, rows: int = 0) -> AuditReport:
        async with self.run(rows) as audit:
            return await audit.verify()

    async def rows(self) -> list[AuditRow]:
        async with self.run() as audit:
            return await audit.rows(0, 1_000)

    def tamper(self, *statements: str, rows: list[AuditRow] | None = None) -> None:
        """As somebody with a database tool, who has learnt of the triggers."""
        with closing(sqlite3.connect(self.database)) as connection:
            found = connection.execute(
                "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'audit'"
            ).fetchall()
            for name, _ in found:
                connection.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                connection.execute(statement)
            marks = ", ".join("?" * len(COLUMNS))
            for row in rows or ():
                connection.execute(f"INSERT INTO audit VALUES ({marks})", astuple(row))
            for _, sql in found:
                connection.execute(sql)
            connection.commit()

    async def seal_anew(self, key: bytes) -> None:
        """All rows, with another key and another path."""
        previous, made = START, []
        for row in await self.rows():
            values = replace(row, path_text="another", key_id=key_id(key), previous=previous)
            row = replace(values, mac=mac_of(key, astuple(values)[:-1]))  # noqa: PLW2901
            previous = row.mac
            made.append(row)
        self.tamper("DELETE FROM audit", rows=made)


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile(tmp_path)


# -- what cannot be hidden


@pytest.mark.parametrize("is_noted", [True, False])
async def test_rows_that_were_cut_are_missed_without_the_file_of_the_anchor(
    profile: Profile, is_noted: bool
) -> None:
    await profile.verify(20)
    profile.tamper("DELETE FROM audit WHERE seq > 3")
    profile.anchor.unlink()
    if not is_noted:
        profile.store.delete("anchor")
    # Each time: that somebody asked, or that the program goes on, does not wipe out the proof.
    for rows in (0, 0, 30, 0):
        report = await profile.verify(rows)
        assert (report.state, report.ok) == (AuditState.BROKEN, False)
        expected = "newest rows are missing" if is_noted else "the anchor is missing in"
        if is_noted and report.broken_at == 20:
            expected = "it is not the row that was here"
        assert expected in report.words


async def test_rows_sealed_anew_with_an_own_key_are_found(profile: Profile) -> None:
    await profile.verify(20)
    await profile.seal_anew(OWN_KEY)
    profile.key.write_text(OWN_KEY.hex())
    profile.anchor.unlink()
    report = await profile.verify()
    assert (report.state, report.broken_at) == (AuditState.BROKEN, 1)
    assert "sealed with a key that is not accepted in: test store" in report.words


async def test_the_known_key_of_the_file_does_not_help_before_the_anchor(profile: Profile) -> None:
    await profile.verify(20)
    await profile.seal_anew(bytes.fromhex(profile.key.read_text()))
    report = await profile.verify()
    assert (report.broken_at, report.ok) == (20, False)
    assert "it is not the row that was here" in report.words


async def test_a_forged_anchor_is_not_looked_at(profile: Profile) -> None:
    await profile.verify(20)
    profile.anchor.write_text('{"seq": 1, "mac": "", "at": "", "key_id": "", "seal": ""}')
    assert (await profile.verify()).anchored_seq == 20


# -- what is honest


async def test_a_first_run_that_was_killed_is_intact(profile: Profile) -> None:
    async with profile.run(3, is_killed=True):
        pass
    report = await profile.verify()
    assert (report.ok, report.rows, report.anchored_seq) == (True, 3, 0)
    assert (await profile.verify()).anchored_seq == 3


async def test_sessions_without_the_key_store_are_told_and_not_blamed(profile: Profile) -> None:
    await profile.verify(3)
    profile.store.error = LOCKED
    report = await profile.verify(2)
    assert (report.state, report.broken_at) == (AuditState.UNCONFIRMED, 1)
    assert report.anchor_words == "Not anchored now: the keyring is locked."
    profile.store.error = None
    report = await profile.verify()
    assert (report.ok, report.rows, report.by_file, report.anchored_seq) == (True, 5, 2, 3)
    assert (await profile.verify()).anchored_seq == 5


async def test_a_profile_without_any_key_store_is_intact_and_says_what_that_is_worth(
    profile: Profile,
) -> None:
    profile.store = SessionStore()  # type: ignore[assignment]
    await profile.verify(3)
    report = await profile.verify()
    assert (report.ok, report.by_file) == (True, 3)
    assert "anchored only in a file of the profile" in report.anchor_words
    # A key store that is there later takes all over.
    profile.store = LastingStore()
    await profile.verify(2)
    report = await profile.verify()
    assert (report.ok, report.rows, report.anchored_in) == (True, 5, "test store")


async def test_a_database_that_was_put_back_is_accepted_by_the_user(profile: Profile) -> None:
    await profile.verify(3)
    older = profile.database.read_bytes()
    await profile.verify(4)
    for suffix in ("-wal", "-shm"):
        profile.database.with_name(f"{profile.database.name}{suffix}").unlink(missing_ok=True)
    profile.database.write_bytes(older)
    async with profile.run() as audit:
        assert "newest rows are missing" in (await audit.verify()).words
        with pytest.raises(AppError) as refused:
            await audit.signed_end()
        assert refused.value.code is ErrorCode.AUDIT_NOT_INTACT
        report = await audit.accept()
        assert (report.ok, report.rows, report.anchored_seq) == (True, 4, 4)
        assert await audit.accept() == report
    [*_, row] = await profile.rows()
    assert row.action == "audit.accepted"
    assert '"anchored":7' in row.detail
    assert (await profile.verify(1)).ok


async def test_a_changed_row_is_never_accepted(profile: Profile) -> None:
    await profile.verify(5)
    profile.tamper("UPDATE audit SET path_text = 'x' WHERE seq = 2")
    async with profile.run() as audit:
        with pytest.raises(AppError) as refused:
            await audit.accept()
        assert "row 2" in refused.value.detail
    profile.store.error = LOCKED
    async with profile.run() as audit:
        with pytest.raises(AppError) as refused:
            await audit.accept()
        assert "cannot be confirmed now" in refused.value.detail


async def test_rows_of_a_key_that_the_user_knows_are_accepted(profile: Profile) -> None:
    await profile.verify(2)
    profile.key.unlink()
    profile.store.error = LOCKED
    await profile.verify(2)
    profile.store.error = None
    async with profile.run() as audit:
        assert "not accepted" in (await audit.verify()).words
        assert (await audit.accept()).ok
    assert (await profile.verify()).ok


async def test_a_profile_from_another_computer_is_accepted_without_its_key(
    profile: Profile,
) -> None:
    await profile.verify(3)
    # The keyring stayed there.
    profile.store = LastingStore()
    assert "not accepted in: test store" in (await profile.verify(1)).words
    async with profile.run() as audit:
        report = await audit.accept()
        assert (report.ok, report.rows, report.without_keys) == (True, 5, 4)
        assert (await audit.signed_end()).seq == 5
    report = await profile.verify(2)
    assert (report.ok, report.rows) == (True, 7)
    profile.tamper("UPDATE audit SET path_text = 'x' WHERE seq = 2")
    assert (await profile.verify()).broken_at == 4
    async with profile.run() as audit:
        with pytest.raises(AppError):
            await audit.accept()


# -- signatures


async def signed_days(profile: Profile) -> list[AuditRow]:
    return [row for row in await profile.rows() if row.action == DAY_SIGNED]


async def test_a_day_is_signed_when_it_is_over_and_only_once(profile: Profile) -> None:
    await profile.verify(3)
    assert await signed_days(profile) == []
    for day in range(1, 4):
        profile.clock.at = NOON + day * DAY_S
        await profile.verify(2)
        await profile.verify()
        assert len(await signed_days(profile)) == day
    # Days on which nothing happened are not signed.
    for day in range(4, 8):
        profile.clock.at = NOON + day * DAY_S
        await profile.verify()
    assert len(await signed_days(profile)) == 4
    async with profile.run() as audit:
        public, rows = await audit.public_key(), await audit.rows(0, 1_000)
    for row in await signed_days(profile):
        made = signature_of_day(row.detail)
        assert made is not None
        assert made.public_key == public
        assert rows[made.seq - 1].at[:10] == made.at
        text = signed_text(DAY, made.at, made.seq, made.digest)
        assert signature_fits(public, text, made.signature)
    report = await profile.verify()
    assert (report.ok, report.anchored_seq) == (True, len(rows))


async def test_nothing_is_signed_that_does_not_fit_or_cannot_be_checked(profile: Profile) -> None:
    await profile.verify(3)
    profile.clock.at += DAY_S
    profile.store.error = LOCKED
    await profile.verify(1)
    assert await signed_days(profile) == []
    profile.store.error = None
    profile.tamper("UPDATE audit SET path_text = 'x' WHERE seq = 2")
    await profile.verify()
    assert await signed_days(profile) == []


async def test_a_signature_of_another_key_is_nothing_to_begin_at(profile: Profile) -> None:
    await profile.verify(3)
    profile.clock.at += DAY_S
    await profile.verify(1)
    profile.store.delete("audit-signing")
    profile.clock.at += DAY_S
    await profile.verify(1)
    first, second = map(signature_of_day, [row.detail for row in await signed_days(profile)])
    assert first is not None
    assert second is not None
    assert first.public_key != second.public_key
    async with profile.run() as audit:
        whole = await audit.signed_end()
    assert whole.public_key == second.public_key
    assert signature_fits(
        whole.public_key, signed_text(EXPORT, whole.at, whole.seq, whole.digest), whole.signature
    )
