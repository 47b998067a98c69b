"""Many files at once: every one is accounted for, and the time grows with their number only."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.own_time import of_children

from .program import Program
from .server import Server

# Processor time. Generous: a fault here is a factor, not some per cent.
MOST_S = 45.0


@pytest.fixture
def roomy(program: Program, sandbox: Server) -> Server:
    """An account that takes eight uploads at once and has no cap on the number of files."""
    program.add_account(sandbox, in_flight=8)
    sandbox.settings(max_files=1_000_000)
    return sandbox


@pytest.mark.early
def test_a_thousand_small_files_are_all_uploaded(
    program: Program, roomy: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(1_000):
        (folder / f"note {number:04}.txt").write_text(f"small file number {number}\n")
    before = of_children()
    rows = program.upload(folder).expect(0).by_name()
    took = of_children() - before
    assert len(rows) == 1_000
    assert Counter(row["state"] for row in rows.values()) == {"done": 1_000}
    stored = {file["id"]: file["sha256"] for file in roomy.stored()}
    assert stored == {row["file_id"]: row["sha256"] for row in rows.values()}
    assert len(set(stored.values())) == 1_000
    doctor = program.run("doctor", "--json").expect(0).row
    assert doctor["jobs"] == {"done": 1_000}
    print(f"1,000 files: {took:.1f} s")
    assert took < MOST_S


def _tree(root: Path) -> Counter[str]:
    """10,000 files in 100 folders, and what must become of them."""
    wanted: Counter[str] = Counter()
    for number in range(100):
        folder = root / f"part {number // 10}" / f"folder {number:03}"
        folder.mkdir(parents=True)
        for item in range(100):
            if item < 40:
                (folder / f"copy {item:02}.txt").write_text(f"content {item}")
                wanted["done" if number == 0 else "duplicate"] += 1
            elif item < 80:
                (folder / f"noise {item:02}.bin").write_text("not taken")
                wanted["INVALID_FILE_TYPE"] += 1
            else:
                (folder / f"empty {item:02}.txt").touch()
                wanted["EMPTY_FILE"] += 1
    return wanted


@pytest.mark.early
def test_a_tree_of_ten_thousand_files_is_accounted_for(
    program: Program, roomy: Server, tmp_path: Path
) -> None:
    root = tmp_path / "tree"
    wanted = _tree(root)
    assert wanted.total() == 10_000
    before = of_children()
    ended = program.upload(root).expect(1)
    took = of_children() - before
    lines = ended.raw_out.splitlines()
    assert len(lines) == 10_000
    rows = [json.loads(line) for line in lines]
    assert len({row["path"] for row in rows}) == len({row["id"] for row in rows}) == 10_000
    found = Counter(row["error"]["code"] if row["error"] else row["state"] for row in rows)
    assert found == wanted
    assert len(roomy.stored()) == 40
    by_id = {row["id"]: row for row in rows}
    for row in rows:
        if row["state"] == "duplicate":
            assert by_id[row["twin_of"]]["file_id"] == row["file_id"]
            assert by_id[row["twin_of"]]["sha256"] == row["sha256"]
    print(f"10,000 files: {took:.1f} s")
    assert took < MOST_S
