"""What a chapter is given: how much to measure, on whose code, against which server."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from benchmarks import child
from benchmarks.child import Child, Program
from benchmarks.figures import Figure, Scale
from benchmarks.server import Server, serving


@dataclass(frozen=True, slots=True)
class Bench:
    """`program`: whose code runs in the children. The server is always ours; `folder` is empty."""

    scale: Scale
    program: Program
    server: Server
    folder: Path

    def running(self, module: str, home: Path, **settings: object) -> AbstractContextManager[Child]:
        """A child of the program under measurement, on the profile `home`."""
        return child.running(module, home, program=self.program, **settings)

    def add_accounts(
        self, process: Child, count: int, at_once: int, *, keep: bool = False
    ) -> list[str]:
        """New accounts in the place of those before, unless these are to be kept; `at_once` is
        shared between the new ones.

        An account takes a limited number of files, and what was sent before counts.
        """
        server = self.server
        added = process.ask(
            "accounts",
            count=count,
            keep=keep,
            base_url=server.base_url,
            key=server.key,
            lanes=max(1, at_once // count),
        )
        names: list[str] = added["names"]
        return names


Measure = Callable[[Bench], Iterator[Figure]]


@contextmanager
def open_bench(scale: Scale, program: Program, server: Server | None = None) -> Iterator[Bench]:
    """A folder and a server for one chapter, unless there is a server already."""
    # A short name: the path of the profile's socket may hold some 100 characters only.
    with tempfile.TemporaryDirectory(prefix="exai-b-") as place:
        folder = Path(place)
        with nullcontext(server) if server else serving(folder / "servers") as used:
            yield Bench(scale, program, used, folder)
