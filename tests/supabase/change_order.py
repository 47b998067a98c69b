"""Writers with open transactions and a reader of pages: what it missed, or got out of order."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

from .project import Project, new_id, operation


def lost_changes(project: Project, *, writers: int, rounds: int, page: int) -> list[str]:
    """Each change must be read once, in order, while others commit around it."""
    first = project.client()
    device = first.device()
    after = int(first.pull()["next"])
    written: set[str] = set()
    numbers: list[int] = []
    seen: list[str] = []
    done = threading.Event()

    def write(number: int) -> None:
        client = project.client(first.user)
        for turn in range(rounds):
            keys = [new_id(), new_id()]
            batch = [operation("device", key, {"name": f"{number}"}) for key in keys]
            with client.transaction() as connection:
                if turn % 3 == 0:
                    connection.execute("select pg_sleep(random() * 0.01)")
                connection.execute("select public.exai_apply(%s, %s)", (device, json.dumps(batch)))
                # Its numbers are drawn, and not yet to be seen.
                connection.execute("select pg_sleep(random() * 0.02)")
            written.update(keys)

    def read() -> None:
        nonlocal after
        client = project.client(first.user)
        while True:
            last = done.is_set()
            found = client.pull(after, page)
            numbers.extend(change["no"] for change in found["changes"])
            seen.extend(change["id"] for change in found["changes"])
            after = found["next"]
            if last and not found["more"]:
                return

    with ThreadPoolExecutor(writers + 1) as pool:
        reader = pool.submit(read)
        try:
            for each in [pool.submit(write, number) for number in range(writers)]:
                each.result()
        finally:
            done.set()
        reader.result()
    return _wrong(written, seen, numbers)


def _wrong(written: set[str], seen: list[str], numbers: list[int]) -> list[str]:
    wrong = []
    if missed := written - set(seen):
        wrong.append(f"{len(missed)} of {len(written)} changes were never read")
    if len(seen) != len(set(seen)):
        wrong.append("a change was read twice")
    if numbers != sorted(numbers):
        wrong.append("changes were read out of order")
    return wrong
