"""Receipts by the engine: of what was really sent, and written as a whole or not at all."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.accounts.secret_store import variable_of
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from exai_desktop.core.jobs.receipts import ReceiptForm, ReceiptScope
from exai_desktop.engine.service import receipts as module
from tests.engine.engine_kit import GLM, KIMI, Bench, open_bench

# As Windows has it; nothing on this system.
BINARY = 1 << 30


async def sent(bench: Bench, folder: Path) -> int:
    """Three files with an ID, one of them equal to another; one that is empty."""
    folder.mkdir()
    for name, text in (("a", "one"), ("b", "two"), ("twin", "one"), ("empty", "")):
        (folder / f"{name}.txt").write_text(text)
    batch = await bench.engine.queue.add([str(folder)], AddOptions())
    await bench.finished(batch)
    return batch


async def test_a_receipt_of_what_was_sent(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        batch = await sent(bench, tmp_path / "drop")
        receipts = bench.engine.receipts
        receipt = await receipts.receipt(ReceiptScope())
        assert (receipt.batch, receipt.files, receipt.with_id) == (batch, 4, 3)
        assert (receipt.reused, receipt.sharing, receipt.open) == (1, 2, 0)
        [place] = receipt.places
        assert (place.account, place.sent, place.reused, place.bytes) == ("kimi", 2, 1, 6)
        assert place.company.startswith("Kimi, ")
        [missing] = receipt.missing
        assert (missing.code, missing.files, missing.example) == (
            *(ErrorCode.EMPTY_FILE, 1, "empty.txt"),
        )
        assert receipt.ended_at is not None and receipt.ended_at >= receipt.began_at


async def test_what_still_goes_on_is_told_and_is_no_missing_file(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.engine.queue.pause()
        (tmp_path / "a.txt").write_text("one")
        batch = await bench.engine.queue.add([str(tmp_path / "a.txt")], AddOptions())
        await bench.scanned(batch)
        receipt = await bench.engine.receipts.receipt(ReceiptScope(batch=batch))
        assert (receipt.open, receipt.missing, receipt.ended_at) == (1, (), None)


async def test_pieces_of_any_size_make_the_same_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_bench(tmp_path) as bench:
        batch = await sent(bench, tmp_path / "drop")
        scope = ReceiptScope(batch=batch)
        for form in ReceiptForm:
            whole = await bench.engine.receipts.text(scope, form)
            assert whole.last is None
            text, files = "", 0
            after: int | None = 0
            while after is not None:
                piece = await bench.engine.receipts.text(scope, form, after, 1)
                text, files, after = text + piece.text, files + piece.files, piece.last
            assert (text, files) == (whole.text, 4 if form.is_complete else 3)
        monkeypatch.setattr(module, "AT_ONCE", 1)
        target = tmp_path / "receipt.json"
        assert await bench.engine.receipts.save(scope, ReceiptForm.REPORT, str(target)) == 4
        assert json.loads(target.read_text())["receipt"]["files"] == 4
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        await bench.engine.receipts.save(scope, ReceiptForm.CSV, str(target))
        states = [row["state"] for row in csv.DictReader(io.StringIO(target.read_text()))]
        assert sorted(states) == ["Already uploaded", "Done", "Done", "Refused"]


async def test_no_key_is_sent_to_the_company_of_another_account(tmp_path: Path) -> None:
    """Both would have their key in EXAI_DESKTOP_KEY____."""
    two = (replace(KIMI, name="中文一"), replace(GLM, name="中文二"))
    async with open_bench(tmp_path, accounts=(*two, KIMI)) as bench:
        known = bench.engine.receipts.addresses()
        first, second = (known[account.name] for account in two)
        assert first.usual == second.usual == variable_of(two[0].name) == variable_of(two[1].name)
        assert len({first.variable, second.variable, first.usual}) == 3
        assert (known["kimi"].variable, known["kimi"].usual) == (variable_of("kimi"), "")
        # Another one that comes between two pieces leaves the numbers as they are.
        bench.parts.accounts.open(replace(KIMI, name="中文三"))
        assert bench.engine.receipts.addresses()[two[0].name] == first


async def test_one_that_is_cancelled_while_it_begins_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on, flags = threading.Event(), threading.Event(), list[int]()
    is_over = threading.Event()
    real = os.open

    def slow(path: Path, wanted: int, mode: int = 0o777) -> int:
        if Path(path).suffix != ".part":
            return real(path, wanted, mode)
        flags.append(wanted)
        begun.set()
        goes_on.wait(60)
        try:
            return real(path, wanted & ~BINARY, mode)
        finally:
            is_over.set()

    async with open_bench(tmp_path) as bench:
        await sent(bench, tmp_path / "drop")
        place = tmp_path / "place"
        place.mkdir()
        monkeypatch.setattr(os, "O_BINARY", BINARY, raising=False)
        monkeypatch.setattr(os, "open", slow)
        target = str(place / "receipt.csv")
        saving = asyncio.create_task(
            bench.engine.receipts.save(ReceiptScope(), ReceiptForm.CSV, target)
        )
        while not begun.is_set():
            await asyncio.sleep(0.01)
        saving.cancel()
        # Its end waits for the thread that is still at it.
        await asyncio.sleep(0.05)
        goes_on.set()
        with pytest.raises(asyncio.CancelledError):
            await saving
        assert is_over.is_set()
        # Where a text is another thing than its bytes, as on Windows.
        assert [bool(wanted & BINARY) for wanted in flags] == [True]
        assert list(place.iterdir()) == []


async def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await sent(bench, tmp_path / "drop")
        place = tmp_path / "place"
        place.mkdir()
        for target in (str(place), str(place / "no" / "x.csv"), "x.csv", "/dev/null"):
            with pytest.raises(AppError) as caught:
                await bench.engine.receipts.save(ReceiptScope(), ReceiptForm.CSV, target)
            assert caught.value.code is ErrorCode.RECEIPT_NOT_WRITTEN
        kept = place / "kept.csv"
        kept.write_text("as it was")
        unknown = ReceiptScope(batch=99)
        with pytest.raises(AppError):
            await bench.engine.receipts.save(unknown, ReceiptForm.CSV, str(kept))
        assert [path.name for path in place.iterdir()] == ["kept.csv"]
        assert kept.read_text() == "as it was"
        rows = await bench.rows()
        assert {row.state for row in rows} >= {JobState.DONE, JobState.REFUSED}
