"""Child process: files by the openai SDK as its users call it, some at once, by order."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from openai import OpenAI

from benchmarks.child import answer

RETRIES = 5


def send(order: dict[str, Any]) -> dict[str, Any]:
    """Seconds for all files; the SDK is imported already."""
    client = OpenAI(api_key=order["key"], base_url=order["base_url"], max_retries=RETRIES)

    def one(path: str) -> None:
        client.files.create(file=Path(path), purpose=order["purpose"])

    start = time.perf_counter()
    with ThreadPoolExecutor(order["at_once"]) as threads:
        for done in [threads.submit(one, path) for path in order["paths"]]:
            done.result()
    took = time.perf_counter() - start
    client.close()
    return {"took": took}


if __name__ == "__main__":
    for line in sys.stdin:
        answer(**send(json.loads(line)))
