"""Memory does not grow with the size of the files."""

import hashlib
import subprocess
import time
from pathlib import Path

import pytest

from tests import documents

from .program import Program
from .server import Server

MIB = 1024 * 1024
SIZE = 95_000_000
MOST_GROWTH = 40 * MIB


@pytest.fixture(autouse=True)
def _as_a_shell_starts_it(program: Program) -> None:
    program.is_warm = False


def _peak(process: subprocess.Popen[bytes]) -> int:
    """The most memory (bytes) the process ever had resident, as the kernel kept count."""
    peak = 0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError):
            break
        # A process that has just ended has no memory any more.
        lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        peak = max(peak, *(int(line.split()[1]) * 1024 for line in lines), 0)
        time.sleep(0.01)
    assert peak
    return peak


def _peak_of_upload(program: Program, *paths: Path) -> int:
    process = program.start("upload", "--json", *paths)
    # Some lines of output: no pipe fills up meanwhile.
    peak = _peak(process)
    program.finish(process).expect(0)
    return peak


def test_four_large_files_at_once_cost_little_memory(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox, in_flight=4)
    tiny = tmp_path / "tiny.txt"
    tiny.write_text("text")
    large = [tmp_path / f"large {number}.txt" for number in range(4)]
    block = documents.text(1_000_000)
    hashes = set()
    for number, path in enumerate(large):
        digest = hashlib.sha256()
        with path.open("wb") as file:
            for piece in range(SIZE // len(block)):
                data = f"{number} {piece} ".encode() + block
                file.write(data[: len(block)])
                digest.update(data[: len(block)])
        hashes.add(digest.hexdigest())
    small_peak = _peak_of_upload(program, tiny)
    large_peak = _peak_of_upload(program, *large)
    stored = {file["sha256"] for file in sandbox.stored() if file["bytes"] == SIZE}
    assert stored == hashes
    growth = (large_peak - small_peak) / MIB
    print(f"tiny {small_peak / MIB:.0f} MiB, four of 95 MB {large_peak / MIB:.0f} MiB")
    assert growth * MIB < MOST_GROWTH, f"{growth:.0f} MiB more"
