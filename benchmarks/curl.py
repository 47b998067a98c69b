"""curl, the measure for what a good client can do with the same server."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.server import PURPOSE, Server


def send(server: Server, path: Path) -> float:
    """Seconds for one upload, without the start of the process."""
    # No Expect header: waiting for permission would count against curl.
    command = ["curl", "--silent", "--show-error", "--fail", "--output", "/dev/null"]
    command += ["--header", f"Authorization: Bearer {server.key}", "--header", "Expect:"]
    command += ["--form", f"purpose={PURPOSE}", "--form", f"file=@{path}"]
    command += ["--write-out", "%{time_total}", f"{server.base_url}/files"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def send_all(
    server: Server, paths: Sequence[Path], at_once: int, folder: Path, *, retries: int = 0
) -> float:
    """Seconds for many uploads over kept-alive connections, `at_once` at the same time."""
    config = folder / "curl.conf"
    again = f"retry = {retries}\nretry-all-errors\n" if retries else ""
    requests = [_request(server, path) + again for path in paths]
    config.write_text("next\n".join(requests), encoding="utf-8")
    command = ["curl", "--no-progress-meter", "--fail-early", "--parallel", "--parallel-immediate"]
    command += ["--parallel-max", str(at_once), "--config", str(config)]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def _request(server: Server, path: Path) -> str:
    return (
        f'url = "{server.base_url}/files"\n'
        f'header = "Authorization: Bearer {server.key}"\n'
        f'form = "purpose={PURPOSE}"\n'
        f'form = "file=@{path}"\n'
        'output = "/dev/null"\n'
        "fail\n"
    )
